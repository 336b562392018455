"""A callout as Zuora sends it: an HTTP POST with ids, Basic authentication, and no signature."""

import base64
import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30
LONGEST_ANSWER = 64 * 1024


@dataclass(frozen=True)
class Callout:
    """`preemptive` sends the credentials at once, else only when they are asked for."""

    url: str
    username: str
    password: str
    preemptive: bool
    notification_id: str
    body: dict[str, Any]


def send(callout: Callout) -> list[dict[str, Any]]:
    """The answers it got, in order: two when the first one asked for credentials."""
    answers = [_post(callout, with_login=callout.preemptive)]
    asked = answers[0].get("authenticate", "").lower().startswith("basic")
    if answers[0]["status"] == 401 and asked and not callout.preemptive:
        answers.append(_post(callout, with_login=True))
    return answers


def _post(callout: Callout, *, with_login: bool) -> dict[str, Any]:
    place = urlsplit(callout.url)
    connect = HTTPSConnection if place.scheme == "https" else HTTPConnection
    connection = connect(place.hostname or "", place.port, timeout=TIMEOUT_SECONDS)
    headers = {
        "Content-Type": "application/json",
        "Zuora-Notification-Id": callout.notification_id,
    }
    if with_login:
        login = f"{callout.username}:{callout.password}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
    path = f"{place.path or '/'}?{place.query}" if place.query else place.path or "/"
    try:
        connection.request("POST", path, json.dumps(callout.body), headers)
        answer = connection.getresponse()
        return {
            "status": answer.status,
            "body": answer.read(LONGEST_ANSWER).decode("utf-8", "replace"),
            "authenticate": answer.getheader("WWW-Authenticate", ""),
        }
    except (OSError, HTTPException) as failure:
        return {"status": None, "error": type(failure).__name__}
    finally:
        connection.close()
