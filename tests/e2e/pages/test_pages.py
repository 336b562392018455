"""The first pages on the deployed stack, in a browser."""

import pytest
from playwright.sync_api import Browser, expect

from infra.local import demo
from tests.e2e.conftest import Deployed
from tests.e2e.pages import session
from tests.e2e.pages.session import Pages
from tests.e2e.pages.walker import Walker, give

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("address", ["/", "/auth/customer"])
def test_everybody_can_use_the_pages_before_sign_in(walker: Walker, address: str) -> None:
    walker.visit(address)


def test_the_console_opens_for_an_operator(walker: Walker, operator: Pages) -> None:
    walker.visit("/settings", operator)


def test_a_page_that_does_not_exist_says_so(walker: Walker) -> None:
    walker.visit("/no-such-page", status=404)


def test_a_partner_sees_the_offers_of_its_organisation(walker: Walker, deployed: Deployed) -> None:
    partner = deployed.stack.partners[0]

    walker.visit("/partner/offers", session.partner(deployed, partner, "/partner/offers"))


def test_an_operator_signs_in_and_out_by_hand(browser: Browser, deployed: Deployed) -> None:
    page = browser.new_page()
    page.goto(f"{deployed.stack.api}/settings")
    page.get_by_label("Username").fill(deployed.stack.operator.email)
    next_ = page.get_by_role("button", name="Next")
    if next_.count():
        next_.click()
    page.get_by_label("Password").fill(deployed.stack.operator.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()

    page.locator("summary", has_text="Olivia").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto(f"{deployed.stack.api}/settings")
    expect(page.get_by_label("Username")).to_be_visible()
    page.close()


def test_the_first_view_weighs_less_than_100_kilobytes(
    browser: Browser, deployed: Deployed, operator: Pages
) -> None:
    sizes: list[int] = []
    context = browser.new_context()
    give(context, deployed.stack.api, operator)
    page = context.new_page()
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    page.goto(f"{deployed.stack.api}/settings")
    page.wait_for_load_state("networkidle")

    assert len(sizes) <= 4
    assert sum(sizes) < 45_000
    context.close()


def test_a_customer_is_told_apart_by_provider(deployed: Deployed) -> None:
    pages = session.customer(deployed, demo.INGRID.sub, "/subscriptions")

    assert pages.get("/subscriptions").status_code == 200
    assert pages.get("/settings").headers["Location"].startswith("/auth/operator")
