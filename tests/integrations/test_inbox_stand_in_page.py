"""The inbox's page: readable without scripts, safe with hostile content."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
import requests

from infra.local._server import Running, serve
from infra.local.inbox import Inbox
from infra.local.inbox_page import SHOWN


class Text(HTMLParser):
    """The words of a page, and the names of its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def __str__(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def inbox() -> Iterator[Running]:
    with serve(Inbox()) as running:
        yield running


def shown(running: Running, query: str = "") -> requests.Response:
    answer = requests.get(f"{running.url}/{query}", timeout=10)
    assert answer.status_code == 200
    return answer


def send(running: Running, body: bytes, *, to: str = "acme", **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    requests.post(f"{running.url}/hooks/{to}", data=body, headers=named, timeout=10)


def test_says_what_to_do_while_nothing_has_arrived(inbox: Running) -> None:
    assert "Webhooks sent to /hooks/any-name appear here" in str(Text(shown(inbox).text))
    assert "Webhooks sent to /hooks/acme appear here" in str(Text(shown(inbox, "?inbox=acme").text))


def test_shows_a_delivery_with_event_type_verdict_and_readable_body(inbox: Running) -> None:
    behaviour = {"secret": "whsec_" + "A" * 32, "status": 503, "times": 1}
    requests.put(f"{inbox.url}/_control/inboxes/acme", json=behaviour, timeout=10)
    send(
        inbox,
        '{"amount":17.50,"name":"ü"}'.encode(),
        webhook_id="event-1",
        tessera_event_type="entitlements.updated",
        tessera_attempt="3",
        Authorization="Bearer do-not-show",
    )

    page = shown(inbox).text

    text = str(Text(page))
    assert "entitlements.updated ✕ signature invalid: there is no webhook-timestamp" in text
    assert "event-1 acme attempt 3 answered 503 (answer)" in text
    assert "{\n  &quot;amount&quot;: 17.50,\n  &quot;name&quot;: &quot;ü&quot;\n}" in page
    assert "Authorization: Bearer …" in text
    assert "do-not-show" not in page


def test_shows_the_newest_first_of_the_chosen_inbox(inbox: Running) -> None:
    for number in range(SHOWN + 2):
        send(inbox, b"", webhook_id=f"event-{number}")
    send(inbox, b"", to="other", webhook_id="event-other")

    ids = re.findall(r"<code>(event-\w+)</code>", shown(inbox, "?inbox=acme").text)

    assert ids == [f"event-{number}" for number in range(SHOWN + 1, 1, -1)]
    page = shown(inbox).text
    assert re.findall(r"<code>(event-\w+)</code>", page)[0] == "event-other"
    assert '<a href="/?inbox=other">other</a>' in page
    assert '<a href="/?inbox=" aria-current="page">All</a>' in page
    assert f"{SHOWN + 3} kept, newest {SHOWN} shown" in str(Text(page))


def test_shows_hostile_content_as_text(inbox: Running) -> None:
    hostile = '"><script>alert(1)</script>'
    send(
        inbox,
        hostile.encode(),
        webhook_id=hostile,
        tessera_event_type=hostile,
        tessera_attempt=hostile,
    )
    send(inbox, b"\xff<b>")

    answer = shown(inbox)

    assert "alert(1)" in str(Text(answer.text))
    assert "<script>" not in answer.text
    assert Text(answer.text).tags.isdisjoint({"b", "img", "iframe"})
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "script-src 'self';" in policy
    assert "(not text) ff 3c 62 3e" in str(Text(answer.text))


def test_refreshes_itself_with_and_without_scripts(inbox: Running) -> None:
    page = shown(inbox).text

    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
    assert '<script src="/watch.js" defer></script>' in page
    script = requests.get(f"{inbox.url}/watch.js", timeout=10)
    assert script.headers["content-type"] == "text/javascript"
    assert "/_control/news?after=" in script.text


def test_tells_the_page_at_once_when_there_is_news(inbox: Running) -> None:
    send(inbox, b"")

    answer = requests.get(f"{inbox.url}/_control/news?after=0", timeout=5)

    assert answer.json() == {"last": 1}
