"""The entitlement guide by its own words, and the catalog's pages, on the deployed stack."""

from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.e2e.conftest import Deployed
from tests.e2e.exercises import endpoint_at, entitlements, fresh, order, plan_of_its_own
from tests.e2e.pages import session
from tests.e2e.pages.session import Pages
from tests.e2e.pages.walker import Walker

pytestmark = pytest.mark.e2e

HOME = "/settings/catalog"
PRICE = {
    "type": "recurring",
    "value": "17.50",
    "currencyCode": "GBP",
    "repeat_interval": 1,
    "repeat_interval_type": "months",
}


def sold(deployed: Deployed) -> tuple[str, dict[str, Any]]:
    """A product's name and an active offer that sells it, without any entitlement."""
    api, name = deployed.api, fresh("Guide")
    product = api.call("POST", "/api/catalog/products", {"name": name})
    bundle = {"product": product["id"], "rate_plan": plan_of_its_own(deployed)}
    offer = api.call(
        "POST",
        "/api/catalog/offers",
        {
            "name": name,
            "status": "active",
            "data": {"productBundles": [bundle], "attributes": {"price": [PRICE]}},
        },
    )
    return name, offer


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without-script"])
def test_the_entitlement_guide_ends_in_a_webhook_with_the_code(
    walker: Walker, deployed: Deployed, operator: Pages, script: bool
) -> None:
    product, offer = sold(deployed)
    name, code = fresh("Feature"), fresh("C")
    inbox = deployed.inbox(fresh("guide"))
    endpoint_at(deployed.api, inbox)

    with walker.browsing(operator, script=script) as page:
        page.goto("/settings")
        menu = page.get_by_role("navigation", name="Console")
        menu.get_by_role("link", name="Entitlements").click()
        page.get_by_role("button", name="+").click()
        page.get_by_role("button", name="Add Entitlements").click()
        page.get_by_label("Name").fill(name)
        page.get_by_label("Label").fill("Everything")
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_have_text(f"{name} saved")

        page.get_by_role("navigation", name="Console").get_by_role("link", name="Products").click()
        _to_row(page, product)
        tabs = page.get_by_role("navigation", name="Product")
        tabs.get_by_role("link", name="Entitlements").click()
        page.get_by_label(name).check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_have_text(f"{product} saved")
        expect(page.get_by_label(name)).to_be_checked()

    chosen = {"offer": {"id": offer["id"], "version": offer["version"]}}
    placed = order(deployed.api, orderItems=[chosen])
    (first, *_) = entitlements(inbox, placed["subscriptionReference"])
    assert f'"code":"{code}"' in first["body"]


def test_unsaved_ticks_are_asked_about_and_narrowed_by_a_search(
    walker: Walker, deployed: Deployed, operator: Pages
) -> None:
    product, _ = sold(deployed)
    for _ in range(5):  # with those of the demo, too many to be looked through
        new = {"name": fresh("Feature"), "label": "L"}
        deployed.api.call("POST", "/api/catalog/entitlements", new)
    with walker.browsing(operator) as page:
        page.goto(f"{HOME}/products")
        _to_row(page, product)
        page.get_by_role("navigation", name="Product").get_by_text("Entitlements").click()
        page.get_by_role("searchbox").fill("web acc")
        expect(page.get_by_label("E-paper")).to_be_hidden()
        page.get_by_label("Web access").check()
        expect(page.get_by_text("Not saved yet.")).to_be_visible()
        asked: list[str] = []
        page.on("dialog", lambda dialog: _leave(dialog, asked))
        page.goto(f"{HOME}/products")

        assert asked == ["beforeunload"]


def test_an_offer_is_made_and_activated_by_hand(
    walker: Walker, deployed: Deployed, operator: Pages
) -> None:
    product, _ = sold(deployed)
    name = fresh("Offer")
    with walker.browsing(operator) as page:
        page.goto(f"{HOME}/offers/new")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_role("button", name="Create offer").click()
        page.get_by_role("button", name="Activate").click()
        expect(page.get_by_role("alert")).to_contain_text("at least one product is required")

        first = page.get_by_role("group", name="Product 1")
        first.get_by_label("Product").select_option(product)
        first.get_by_label("Zuora rate plan").fill(plan_of_its_own(deployed))
        page.get_by_label("Amount").fill("17.50")
        page.get_by_label("Currency").fill("GBP")
        page.get_by_label("Every").fill("1")
        page.get_by_role("group", name="Sales Channel").get_by_label("Online").uncheck()
        page.get_by_role("group", name="Sales Channel").get_by_label("Partner").check()
        page.get_by_role("button", name="Activate").click()

        expect(page.get_by_role("status")).to_have_text(f"{name} saved")
        expect(
            page.get_by_text("No partner is eligible, so no partner can buy this")
        ).to_be_visible()
        expect(page.locator(".heading .badge")).to_have_text("Active")


def test_support_sees_no_save_button_and_is_refused(walker: Walker, deployed: Deployed) -> None:
    support = session.support(deployed, HOME + "/entitlements")
    items = deployed.api.call("GET", "/api/catalog/products?limit=100")["items"]
    at = f"{HOME}/products/{items[0]['id']}"
    with walker.browsing(support) as page:
        for place in ("", "/entitlements", "/offers"):
            page.goto(at + place)
            expect(page.get_by_role("button", name="Save")).to_have_count(0)

    token = session.hidden(support.get(at).text, "csrf_token")
    for place in ("", "/entitlements", "/archive"):
        assert support.send(at + place, csrf_token=token).status_code == 403
    assert support.get(f"{HOME}/entitlements/new").status_code == 403


@pytest.mark.parametrize("kind", ["entitlements", "products", "offers", "add-ons"])
def test_the_pages_of_the_catalog_are_well_made(
    walker: Walker, deployed: Deployed, operator: Pages, kind: str
) -> None:
    items = deployed.api.call("GET", f"/api/catalog/{kind}?limit=100")["items"]
    at = f"{HOME}/{kind}/{items[0]['id']}"
    tabs = ["/entitlements", "/offers"] if kind == "products" else []

    for address in (f"{HOME}/{kind}", f"{HOME}/{kind}/new", at, f"{at}/archive"):
        walker.visit(address, operator)
    for tab in tabs:
        walker.visit(at + tab, operator)
    if kind in ("offers", "add-ons"):
        walker.visit(f"{HOME}/{kind}?status=archived&label=none", operator)


def _leave(dialog: Dialog, asked: list[str]) -> None:
    asked.append(dialog.type)
    dialog.accept()


def _to_row(page: Page, name: str) -> None:
    """To the item of this name, on whichever page of the list it is."""
    link = page.get_by_role("link", name=name)
    while not link.count():
        page.get_by_role("link", name="Next").click()
    link.click()
