"""Visits a page as everybody may: in both colour schemes, on a phone, and with a keyboard."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.pages.browser import axe
from tests.e2e.pages.session import Pages

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_STATUS_NOTE = re.compile(r"the server responded with a status of (\d+)")
_SQUEEZED = """() => [...document.querySelectorAll("main :is(a, button, dd, label, li, p, td, th)")]
    .filter(one => one.checkVisibility() && one.innerText.trim().length > 9)
    .filter(one => one.clientWidth > 1 && one.clientWidth < 44)
    .map(one => one.innerText.slice(0, 40))"""
"""Text in a column that holds a letter or two: nobody reads that, though nothing scrolls."""
_SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'
_IS_SVG = {"Content-Type": "image/svg+xml"}
WIDTHS = (360, 1280)
SCHEMES: Final = ("light", "dark")


@dataclass
class Walker:
    """Titles are unique over all that one walker has seen."""

    browser: Browser
    base: str
    titles: dict[str, str] = field(default_factory=dict)

    def visit(self, address: str, person: Pages | None = None, *, status: int = 200) -> None:
        """Asserts all that must hold for every page."""
        noise: list[str] = []
        with self.browsing(person) as page:
            _listen(page, noise)
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == status, address
            first = self.titles.setdefault(page.title(), address)
            assert first == address, f"{address} and {first} are both called {page.title()}"
            assert page.locator("h1").count() == 1, address
            page.evaluate(axe())
            # The same page turned into each of its looks: a request for each would cost four times
            # as much and show nothing more.
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 800})
                    _assert_well(page, f"{address} ({scheme}, {width})")
        unexpected = [
            one
            for one in noise
            if (found := _STATUS_NOTE.search(one)) is None or found[1] != str(status)
        ]
        assert unexpected == [], f"{address}: {unexpected}"

    @contextmanager
    def browsing(self, person: Pages | None = None, *, script: bool = True) -> Iterator[Page]:
        """One page in a browser of its own, as that person, to be used by hand."""
        context = self.browser.new_context(java_script_enabled=script, base_url=self.base)
        # Partners' logos are elsewhere in the world, which no test reaches.
        context.route(
            re.compile("^https://"), lambda route: route.fulfill(body=_SVG, headers=_IS_SVG)
        )
        give(context, self.base, person)
        yield context.new_page()
        context.close()

    def without_script(self, person: Pages | None = None) -> BrowserContext:
        context = self.browser.new_context(java_script_enabled=False)
        give(context, self.base, person)
        return context


def give(context: BrowserContext, base: str, person: Pages | None) -> None:
    """Signs the browser in as somebody. A `__Host-` cookie is only taken as if from HTTPS."""
    if person is not None:
        secure = base.replace("http://", "https://")
        context.add_cookies(
            [
                {"name": name, "value": value, "url": secure, "secure": True}
                for name, value in person.cookies.items()
            ]
        )


def _listen(page: Page, noise: list[str]) -> None:
    page.on("console", lambda message: noise.append(message.text))
    page.on("requestfailed", lambda request: noise.append(request.url))


def _assert_well(page: Page, place: str) -> None:
    wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 0, f"{place} scrolls sideways by {wider} px"
    squeezed = page.evaluate(_SQUEEZED)
    assert squeezed == [], f"{place} has no room for {squeezed}"
    found: list[dict[str, Any]] = page.evaluate(
        "rules => axe.run({runOnly: rules, iframes: false}).then(done => done.violations)", _RULES
    )
    told = [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found]
    assert told == [], f"{place}: {told}"
