"""What a sender and a watcher of the inbox say to it."""

from typing import Any

import requests

from infra.local._server import Running


def send(
    running: Running,
    body: bytes | str = b"{}",
    *,
    to: str = "acme",
    timeout: float = 10,
    **more: Any,
) -> requests.Response:
    return requests.post(
        f"{running.url}/hooks/{to}", data=body, timeout=timeout, allow_redirects=False, **more
    )


def behave(running: Running, name: str = "acme", **behaviour: Any) -> requests.Response:
    return requests.put(f"{running.url}/_control/inboxes/{name}", json=behaviour, timeout=10)


def deliveries(running: Running, name: str = "acme", **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = listing(running, name, **query)["deliveries"]
    return found


def listing(running: Running, name: str = "acme", **query: Any) -> dict[str, Any]:
    answer = requests.get(
        f"{running.url}/_control/inboxes/{name}/deliveries", params=query, timeout=70
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
