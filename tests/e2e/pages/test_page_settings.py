"""Pages about pages, on the deployed stack: the portal guide's pricing pages, arranged by hand."""

import re

import pytest
from playwright.sync_api import expect

from infra.local import demo
from tests.e2e.conftest import Deployed
from tests.e2e.exercises import fresh
from tests.e2e.pages import session
from tests.e2e.pages.session import Pages
from tests.e2e.pages.walker import Walker

pytestmark = pytest.mark.e2e

HOME = "/settings/pages"


def test_a_pricing_page_for_partners_is_arranged_and_opens_to_nobody_else(
    walker: Walker, deployed: Deployed, operator: Pages
) -> None:
    acme, slug = deployed.stack.partners[0], f"/partner/{fresh('gold')}"
    with walker.browsing(operator) as page:
        page.goto("/settings")
        menu = page.get_by_role("navigation", name="Console")
        menu.get_by_role("link", name="Pages").click()
        page.get_by_role("button", name="Create page").click()
        page.get_by_label("Name", exact=True).fill(fresh("Gold"))
        page.get_by_label("Pricing").check()
        page.get_by_label("Address").fill(slug)
        page.get_by_label("Require authentication").check()
        page.get_by_label("Partner sign-in").check()
        page.get_by_label("Offer label").fill("partner-gold")
        page.get_by_role("button", name="Create page").click()
        page.get_by_label("Title").fill("Gold for partners")
        page.get_by_role("button", name="Publish").click()
        expect(page.get_by_role("heading", name="Problems")).to_have_count(0)

        page.get_by_role("button", name="View as…").click()
        page.get_by_label("Partner").select_option(acme.name)
        page.get_by_role("button", name="View as").click()
        expect(page.get_by_role("link", name="Acme Gold")).to_be_visible()

    ann = session.partner(deployed, acme, slug)
    assert "Gold for partners" in ann.get(slug).text
    assert "Gold" in ann.get(slug).text
    bo = session.partner(deployed, deployed.stack.partners[1], slug)
    assert "No offers are available" in bo.get(slug).text
    ingrid = session.customer(deployed, demo.INGRID.sub, "/subscriptions")
    assert ingrid.get(slug).headers["Location"].startswith("/auth/partner")


def test_the_pages_about_pages_are_well_made(walker: Walker, operator: Pages) -> None:
    listed = operator.get(HOME).text
    addresses = sorted(set(re.findall(r'"(/settings/pages/page-[0-9a-f]{32})"', listed)))

    for address in (HOME, f"{HOME}/new", *addresses[:7], f"{addresses[0]}/archive"):
        walker.visit(address, operator)
