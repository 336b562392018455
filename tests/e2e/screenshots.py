"""`make screenshots`: every page as it looks, at 360 and 1280 pixels, light and dark.

Of the stack that `make run` has up. Pictures and a contact sheet go to `.local/screenshots`.
"""

import html
import re
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import FloatRect

from infra.local import demo
from infra.local.api_client import Api
from infra.local.place import Place
from infra.local.running_stack import RunningStack
from tests.e2e.conftest import Deployed
from tests.e2e.pages import session
from tests.e2e.pages.browser import NoBrowser, chromium
from tests.e2e.pages.session import Pages
from tests.e2e.pages.walker import SCHEMES, WIDTHS, Walker

_LISTS = (
    *("/partners", "/entitlements", "/products", "/offers", "/add-ons", "/pages", "/endpoints"),
    *("/orders/limio", "/webhooks/limio", "/settings"),
)
_LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk und Söhne"
_STRETCH = """long => {
    const names = "h1, main h2, th[scope=row] a, dd, td a, .list .grow";
    for (const one of document.querySelectorAll(names)) {
        const leaf = [...one.childNodes].find(node => node.nodeType === 3 && node.data.trim());
        if (leaf) leaf.data = long;
    }
}"""
_TALLEST = 4000
"""Pixels of a page that are looked at: the reference is a hundred times as long."""
_FORM = "main form[method=post]:not(.deed)"
_SEND_AS_IT_IS = "form => { form.noValidate = true; form.requestSubmit(); }"


def main() -> int:
    place = Place.from_environment()
    try:
        stack = RunningStack.read(place.stack_file)
    except FileNotFoundError:
        sys.stderr.write("No stack is up here: start one with `make run`.\n")
        return 1
    folder = place.data / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    deployed = Deployed(None, stack, Api(stack))  # type: ignore[arg-type]  # not ours to launch
    try:
        with chromium() as browser:
            pictures = take(Walker(browser, stack.api), deployed, folder)
    except NoBrowser as none:
        sys.stderr.write(f"{none}\n")
        return 1
    sheet = folder / "index.html"
    sheet.write_text(_sheet(pictures), encoding="utf-8")
    sys.stdout.write(f"{len(pictures)} pictures, to be looked at in {sheet}\n")
    return 0


class Shot(NamedTuple):
    """A page as one person finds it."""

    address: str
    person: Pages | None = None
    state: str = ""
    """`long`: every name is a long one. `errors`: its form was sent as it is."""


def pages_of(deployed: Deployed) -> list[Shot]:
    """Every page with the person whom it is for; each family adds its own."""
    operator = session.operator(deployed)
    found = [
        Shot("/"),
        Shot("/auth/customer"),
        Shot("/auth/customer/callback?error=access_denied&state=stale"),
        Shot("/no-such-page"),
        Shot("/reference"),
    ]
    console = [
        "/settings",
        "/settings/profile/partners/none",
        *operations_pages(deployed),
        *console_pages(deployed),
    ]
    for address in console:
        found.append(Shot(address, operator))
        if address.endswith(_LISTS):
            found.append(Shot(address, operator, "long"))
        if address.endswith("/new") or address in ("/settings/sync",):
            found.append(Shot(address, operator, "errors"))
    return [*found, *partner_pages(deployed), *customer_pages(deployed)]


def partner_pages(deployed: Deployed) -> Iterator[Shot]:
    for organisation in deployed.stack.partners[:1]:
        ann = session.partner(deployed, organisation, "/partner/offers")
        yield Shot("/settings", ann)  # signed in, but not for this
        for address in ("/partner/offers", "/partner", "/partner?tab=invoices"):
            yield Shot(address, ann)
            yield Shot(address, ann, "long")
        yield Shot("/partner?q=nobody-is-called-this", ann)
        yield Shot("/partner-checkout", ann)
        for order in _linked(ann, "/partner/offers")[:1]:
            checkout = ann.get(order).headers.get("Location", order)
            yield Shot(checkout, ann)
            yield Shot(checkout, ann, "errors")
        for about in _linked(ann, "/partner", "owner=")[:1]:
            yield Shot(about, ann)
            yield Shot(about, ann, "long")
            for step in _linked(ann, about, "do="):
                yield Shot(step, ann)
                yield Shot(step, ann, "errors")


def customer_pages(deployed: Deployed) -> Iterator[Shot]:
    for sub in (demo.INGRID.sub, demo.NOOR.sub):  # who has subscriptions, and who has none
        person = session.customer(deployed, sub, "/billing")
        for address in ("/subscriptions", "/billing", "/edit-plan"):
            yield Shot(address, person)
            yield Shot(address, person, "long")
            for step in _linked(person, address):
                yield Shot(step, person)
                if "do=cancel" in step:
                    yield Shot(step, person, "errors")
                    yield Shot(f"{step}&reason=too-expensive", person)
                    yield Shot(f"{step}&reason=too-expensive&last=yes", person)


def _linked(person: Pages, address: str, having: str = "") -> list[str]:
    """The pages behind a page: of links that ask for the same thing of several, the first."""
    main = person.get(address).text.partition("<main")[2]
    first: dict[str, str] = {}
    for found in re.findall(r'href="(/[^"#]+\?[^"#]+)"', main):
        link = unescape(found)
        what = re.sub(r"=[^&]*[0-9][^&]*", "", link)
        if having in link and "pdf=" not in link:
            first.setdefault(what, link)
    return list(first.values())


def console_pages(deployed: Deployed) -> Iterator[str]:
    """Partners, the catalog and pages: each list, each form, and one of each kind."""
    partners = "/settings/profile/partners"
    yield from (partners, f"{partners}/new")
    for one in deployed.stack.partners[:1]:
        at = f"{partners}/{one.id}"
        yield from (at, f"{at}/edit", f"{at}/users/new", f"{at}/archive")
    catalog = "/settings/catalog"
    for kind in ("entitlements", "products", "offers", "add-ons", "pages"):
        home = "/settings/pages" if kind == "pages" else f"{catalog}/{kind}"
        yield from (home, f"{home}/new", f"{home}?status=archived&label=none")
        for item in deployed.api.call("GET", f"/api/catalog/{kind}?limit=1")["items"]:
            at = f"{home}/{item['id']}"
            yield from (at, f"{at}/archive")
            if kind == "products":
                yield from (f"{at}/entitlements", f"{at}/offers")
    for item in deployed.api.call("GET", "/api/catalog/pages?limit=100")["items"]:
        if item["slug"] in ("/partner", "/partner/offers"):
            at = f"/settings/pages/{item['id']}"
            yield from (at, f"{at}/archive")
            if item["slug"] == "/partner/offers":
                yield f"{at}/view-as?partner={deployed.stack.partners[0].id}"


def operations_pages(deployed: Deployed) -> Iterator[str]:
    """Webhooks, orders and owners: the lists, and one of each with its forms."""
    webhooks, orders = "/objects/webhooks/limio", "/objects/orders/limio"
    endpoints = f"{webhooks}/endpoints"
    yield from (webhooks, f"{webhooks}/events", endpoints, f"{endpoints}/new", orders)
    yield from (f"{orders}?reference=NOTHING", f"{webhooks}?type=order.renewed")
    yield from ("/settings/sync", "/settings/find?q=nothing")
    for endpoint in deployed.api.call("GET", "/api/webhooks/endpoints?pageSize=1")["items"]:
        at = f"{endpoints}/{endpoint['id']}"
        yield from (
            at,
            *(f"{at}/{page}" for page in ("edit", "test", "rotate", "recover", "delete")),
        )
        some = f"/api/webhooks/endpoints/{endpoint['id']}/deliveries?pageSize=1"
        for one in deployed.api.call("GET", some)["items"]:
            yield f"{webhooks}/deliveries/{one['event']}/{one['endpoint']}"
            yield f"{webhooks}/events/{one['event']}"
    for order in deployed.api.call("GET", "/api/objects/limio/orders?limit=1")["items"]:
        owner = f"/objects/identities/limio/{order['owner']}"
        yield from (f"{orders}/{order['id']}", owner, f"{owner}/attach", f"{owner}/merge")


def take(walker: Walker, deployed: Deployed, folder: Path) -> list[Path]:
    taken = []
    for number, shot in enumerate(pages_of(deployed), 1):
        of = re.sub(r"\W+", "-", re.sub(r"[0-9a-f]{32}", "", shot.address)).strip("-")[:60]
        name = "-".join(part for part in (f"{number:03}", of or "start", shot.state) if part)
        with walker.browsing(shot.person) as page:
            page.goto(shot.address)
            if shot.state == "long":
                page.evaluate(_STRETCH, _LONG)
            if shot.state == "errors" and page.locator(_FORM).count():
                with page.expect_navigation():
                    page.locator(_FORM).first.evaluate(_SEND_AS_IT_IS)
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 800})
                    picture = folder / f"{name}-{scheme}-{width}.png"
                    height = page.evaluate("document.documentElement.scrollHeight")
                    shown: FloatRect = {
                        "x": 0,
                        "y": 0,
                        "width": width,
                        "height": min(height, _TALLEST),
                    }
                    page.screenshot(path=picture, full_page=True, clip=shown)
                    taken.append(picture)
    return taken


def _sheet(pictures: list[Path]) -> str:
    figures = "".join(
        f'<figure><img src="{one.name}" alt="" height="480">'
        f"<figcaption>{html.escape(one.stem)}</figcaption></figure>"
        for one in pictures
    )
    style = "body{display:flex;flex-wrap:wrap;gap:16px;font:14px sans-serif;background:#999}"
    return f"<!doctype html><title>Pages</title><style>{style}</style>{figures}"


if __name__ == "__main__":
    sys.exit(main())
