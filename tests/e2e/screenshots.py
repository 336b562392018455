"""`make screenshots`: every page as it looks, at 360 and 1280 pixels, light and dark.

Of the stack that `make run` has up. Pictures and a contact sheet go to `.local/screenshots`.
"""

import html
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.local import demo
from infra.local.api_client import Api
from infra.local.place import Place
from infra.local.running_stack import RunningStack
from tests.e2e.conftest import Deployed
from tests.e2e.pages import session
from tests.e2e.pages.browser import NoBrowser, chromium
from tests.e2e.pages.session import Pages
from tests.e2e.pages.walker import Walker


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


def pages_of(deployed: Deployed) -> list[tuple[str, Pages | None]]:
    """Every page with the person whom it is for; each family adds its own."""
    operator = session.operator(deployed)
    found: list[tuple[str, Pages | None]] = [
        ("/", None),
        ("/auth/customer", None),
        ("/no-such-page", None),
        ("/settings", operator),
        *((address, operator) for address in operations_pages(deployed)),
        *((address, operator) for address in console_pages(deployed)),
    ]
    if deployed.stack.partners:
        partner = session.partner(deployed, deployed.stack.partners[0], "/partner/offers")
        found += [("/partner/offers", partner), ("/settings", partner)]
        found += [(f"/partner{at}", partner) for at in ("", "?tab=invoices", "-checkout")]
    for sub in (demo.INGRID.sub, demo.NOOR.sub):  # who has subscriptions, and who has none
        customer = session.customer(deployed, sub, "/billing")
        found += [(at, customer) for at in ("/subscriptions", "/billing", "/edit-plan")]
    return found


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
        yield from (home, f"{home}/new")
        for item in deployed.api.call("GET", f"/api/catalog/{kind}?limit=1")["items"]:
            at = f"{home}/{item['id']}"
            yield at
            if kind == "products":
                yield from (f"{at}/entitlements", f"{at}/offers")
    for item in deployed.api.call("GET", "/api/catalog/pages?limit=100")["items"]:
        if item["slug"] in ("/partner", "/partner/offers"):
            yield f"/settings/pages/{item['id']}"


def operations_pages(deployed: Deployed) -> Iterator[str]:
    """Webhooks, orders and owners: the lists, and one of each with its forms."""
    webhooks, orders = "/objects/webhooks/limio", "/objects/orders/limio"
    endpoints = f"{webhooks}/endpoints"
    yield from (webhooks, f"{webhooks}/events", endpoints, f"{endpoints}/new", orders)
    yield from ("/settings/sync", "/settings/find?q=nothing")
    for endpoint in deployed.api.call("GET", "/api/webhooks/endpoints?pageSize=1")["items"]:
        at = f"{endpoints}/{endpoint['id']}"
        yield from (at, *(f"{at}/{page}" for page in ("edit", "test", "rotate", "recover")))
        some = f"/api/webhooks/endpoints/{endpoint['id']}/deliveries?pageSize=1"
        for one in deployed.api.call("GET", some)["items"]:
            yield f"{webhooks}/deliveries/{one['event']}/{one['endpoint']}"
            yield f"{webhooks}/events/{one['event']}"
    for order in deployed.api.call("GET", "/api/objects/limio/orders?limit=1")["items"]:
        owner = f"/objects/identities/limio/{order['owner']}"
        yield from (f"{orders}/{order['id']}", owner, f"{owner}/attach", f"{owner}/merge")


def take(walker: Walker, deployed: Deployed, folder: Path) -> list[Path]:
    taken = []
    for number, (address, person) in enumerate(pages_of(deployed), 1):
        name = f"{number:02}-{address.strip('/').replace('/', '-').partition('?')[0] or 'start'}"
        for context, scheme, width in walker.contexts(person):
            page = context.new_page()
            page.goto(walker.base + address)
            picture = folder / f"{name}-{scheme}-{width}.png"
            page.screenshot(path=picture, full_page=True)
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
