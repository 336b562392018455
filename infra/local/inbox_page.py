"""The page on which a person watches webhooks arrive."""

import base64
from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote

from infra.local._http import NotJson, Response, read_json, write_json
from infra.local._page import page

SHOWN = 50

# Waits for news and then swaps the list in place, so that opened entries and the scroll
# position stay. Without scripts the page reloads itself instead.
SCRIPT = """
"use strict";
async function watch() {
  for (;;) {
    const main = document.querySelector("main");
    const last = document.querySelector("[data-last]").dataset.last;
    try {
      const news = await (await fetch("/_control/news?after=" + last)).json();
      if (String(news.last) === last) continue;
      const text = await (await fetch(location.href)).text();
      const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("main");
      for (const seen of main.querySelectorAll("details")) {
        const again = fresh.querySelector("#" + seen.id);
        if (again) again.open = seen.open;
      }
      main.replaceChildren(...fresh.childNodes);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}
watch();
"""

HEAD = (
    '<script src="/watch.js" defer></script>'
    '<noscript><meta http-equiv="refresh" content="3"></noscript>'
)


def watch(state: Mapping[str, Any], *, chosen: str, now: datetime) -> Response:
    """The newest deliveries of one inbox, or of all."""
    inboxes = state["inboxes"]
    deliveries = [
        delivery
        for name, inbox in inboxes.items()
        if chosen in ("", name)
        for delivery in inbox["deliveries"]
    ]
    deliveries.sort(key=lambda delivery: int(delivery["number"]), reverse=True)
    shown = deliveries[:SHOWN]
    if shown:
        listed = "".join(_entry(delivery, opened=n == 0) for n, delivery in enumerate(shown))
    else:
        listed = (
            '<div class="card"><p>Nothing has arrived yet. Webhooks sent to '
            f"<code>/hooks/{escape(chosen or 'any-name')}</code> appear here.</p></div>"
        )
    count = f"{len(deliveries)} kept" + (f", newest {SHOWN} shown" if deliveries[SHOWN:] else "")
    return page(
        "Webhook inbox",
        f'<h1>Webhook inbox</h1><p class="soft" data-last="{state["last"]}" role="status">{count}; '
        f"as of {now:%H:%M:%S} UTC. New ones appear by themselves.</p>"
        f"{_choice(inboxes, chosen)}{listed}",
        head=HEAD,
    )


def _choice(inboxes: Mapping[str, Any], chosen: str) -> str:
    if len(inboxes) < 2:
        return ""
    links = [("", "All"), *((name, name) for name in sorted(inboxes))]
    return (
        '<nav class="row" aria-label="Inboxes">'
        + "".join(
            f'<a href="/?inbox={quote(name)}"{_current(name == chosen)}>{escape(text)}</a>'
            for name, text in links
        )
        + "</nav>"
    )


def _current(here: bool) -> str:
    return ' aria-current="page"' if here else ""


def _entry(delivery: Mapping[str, Any], *, opened: bool) -> str:
    headers = {name.lower(): value for name, value in delivery["headers"].items()}
    title = headers.get("tessera-event-type") or f"{delivery['method']} without an event type"
    answered = f"answered {delivery['status']}" if delivery["status"] else "not answered"
    attempt = f"attempt {headers['tessera-attempt']}" if "tessera-attempt" in headers else ""
    marks = [
        f"<code>{escape(headers.get('webhook-id', 'no webhook-id'))}</code>",
        escape(delivery["inbox"]),
        escape(attempt),
        f"{answered} ({escape(delivery['mode'])})",
    ]
    moment = escape(delivery["received"])
    return (
        f'<article class="card"><div class="row"><h2>{escape(title)}</h2>{_verdict(delivery)}'
        f'<time class="soft" datetime="{moment}">{moment[11:23]}</time></div>'
        f'<p class="soft row">{"".join(f"<span>{mark}</span>" for mark in marks if mark)}</p>'
        f'<details id="d{delivery["number"]}"{" open" if opened else ""}>'
        f"<summary>Body, {delivery['bytes']} bytes</summary>"
        f'<pre tabindex="0">{escape(_body(delivery))}</pre></details>'
        f'<details id="h{delivery["number"]}"><summary>Headers</summary>'
        f'<pre tabindex="0">{escape(_head(delivery))}</pre></details></article>'
    )


def _verdict(delivery: Mapping[str, Any]) -> str:
    why = escape(delivery["why"])
    if delivery["verified"] is None:
        return f'<span class="soft">– signature not checked: {why}</span>'
    if delivery["verified"]:
        return f'<span class="good">✓ signature valid: {why}</span>'
    return f'<span class="bad">✕ signature invalid: {why}</span>'


def _body(delivery: Mapping[str, Any]) -> str:
    text = delivery["body"]
    if text is None:
        raw = base64.b64decode(delivery["base64"])
        return f"(not text) {raw[:256].hex(' ')}"
    try:
        return write_json(read_json(text), indent=2)
    except NotJson:
        return str(text)


def _head(delivery: Mapping[str, Any]) -> str:
    lines = [f"{delivery['method']} {delivery['path']}"]
    for name, value in delivery["headers"].items():
        # Somebody may be looking over the shoulder; the whole value is in the JSON.
        secret = name.lower() in ("authorization", "cookie")
        lines.append(f"{name}: {value.partition(' ')[0]} …" if secret else f"{name}: {value}")
    return "\n".join(lines)
