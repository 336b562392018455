"""Managing partners by the guide's own words, in a browser on the deployed stack."""

import re

import boto3
import pytest
from playwright.sync_api import expect

from infra.local import demo
from tests.e2e.conftest import Deployed
from tests.e2e.exercises import fresh
from tests.e2e.pages.session import Pages
from tests.e2e.pages.walker import Walker

pytestmark = pytest.mark.e2e

HOME = "/settings/profile/partners"


def created(pages: Pages, name: str = "") -> str:
    """The address of a partner organisation that was just made."""
    fields = {
        "name": name or fresh("Partner"),
        "zuoraAccountId": demo.ACME.id,
        "salesforceAccountId": str(demo.ACME.salesforce_id),
        "isZuoraInvoiceOwner": "partner",
    }
    return pages.post(f"{HOME}/new", **fields).headers["Location"]


def test_the_partner_guide_can_be_followed_by_its_own_words(
    walker: Walker, deployed: Deployed, operator: Pages
) -> None:
    name, email = fresh("Guided"), f"{fresh('ann')}@acme.example"
    with walker.browsing(operator) as page:
        page.goto("/settings")
        menu = page.get_by_role("navigation", name="Console")
        menu.get_by_text("Settings", exact=True).click()
        menu.get_by_text("Profile", exact=True).click()
        menu.get_by_role("link", name="Partners").click()
        page.get_by_role("button", name="Create Partner").click()
        page.get_by_label("Partner organisation name").fill(name)
        page.get_by_label("Zuora account ID").fill(demo.ACME.number)
        page.get_by_label("Salesforce account ID").fill(str(demo.ACME.salesforce_id))
        page.get_by_role("group", name="Zuora Invoice Owner").get_by_label("Partner").check()
        page.get_by_role("button", name="Create Partner Organisation").click()
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        expect(page.get_by_role("status")).to_contain_text(f"{name} created: partner_org-")
        at = page.url

        page.goto(HOME)
        expect(page.get_by_role("columnheader", name="Partner Organisation ID")).to_be_visible()
        page.get_by_role("link", name=name).click()
        page.get_by_role("button", name="Create user").click()
        page.get_by_label("Name").fill("Ann")
        page.get_by_label("Email address").fill(email)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("row", name="Ann")).to_contain_text("Invited")

        page.get_by_role("button", name="Edit name and logo").click()
        form = page.locator("main form")
        expect(form.get_by_role("textbox")).to_have_count(2)
        page.get_by_label("Partner organisation name").fill(f"{name} Ltd")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", name=f"{name} Ltd")).to_be_visible()
        assert page.url == at


def test_a_removed_user_is_out_at_the_next_request(
    walker: Walker, deployed: Deployed, operator: Pages
) -> None:
    at, email = created(operator), f"{fresh('bo')}@acme.example"
    operator.post(f"{at}/users/new", name="Bo", email=email)
    boto3.client("cognito-idp").admin_set_user_password(
        UserPoolId=deployed.stack.outputs["PartnersPoolId"],
        Username=email,
        Password="Chosen-by-me-1",
        Permanent=True,
    )
    bo = Pages(deployed.stack.api)
    bo.sign_in("/partner/offers", {"username": email}, {"password": "Chosen-by-me-1"})
    assert bo.get("/partner/offers").status_code == 200

    with walker.browsing(operator) as page:
        page.goto(at)
        expect(page.get_by_role("row", name="Bo")).to_contain_text("Active")
        page.get_by_role("link", name="Remove user Bo").click()
        page.get_by_role("button", name="Remove user").click()
        expect(page.get_by_role("status")).to_have_text("Bo removed")

    assert bo.get("/partner/offers").headers["Location"].startswith("/auth/partner")


def test_a_mistake_is_told_at_its_field_and_the_focus_is_there(
    walker: Walker, operator: Pages
) -> None:
    with walker.browsing(operator) as page:
        page.goto(f"{HOME}/new")
        page.get_by_label("Partner organisation name").fill("Kept")
        page.get_by_label("Zuora account ID").fill("A99999999")
        page.get_by_label("Salesforce account ID").fill(str(demo.ACME.salesforce_id))
        page.get_by_label("End customer").check()
        page.get_by_role("button", name="Create Partner Organisation").click()

        wrong = page.get_by_label("Zuora account ID")
        expect(wrong).to_be_focused()
        expect(page.get_by_role("alert")).to_contain_text("Zuora has no account")
        expect(page.get_by_label("Partner organisation name")).to_have_value("Kept")
        expect(page.get_by_label("End customer")).to_be_checked()


def test_partners_page_both_ways(walker: Walker, deployed: Deployed, operator: Pages) -> None:
    for _ in range(41):
        deployed.api.call(
            "POST",
            "/api/partner-organisation",
            {
                "name": fresh("Many"),
                "zuoraAccountId": demo.ACME.id,
                "isZuoraInvoiceOwner": False,
                "salesforceAccountId": demo.ACME.salesforce_id,
            },
        )
    with walker.browsing(operator) as page:
        page.goto(HOME)
        first = page.locator("tbody th").all_inner_texts()
        page.get_by_role("link", name="Next").click()
        page.get_by_role("link", name="Previous").click()
        expect(page.locator("tbody th")).to_have_count(40)

        assert page.locator("tbody th").all_inner_texts() == first


@pytest.mark.parametrize("place", ["", "/new", "/{id}", "/{id}/edit", "/{id}/archive"])
def test_the_partner_pages_are_well_made(walker: Walker, operator: Pages, place: str) -> None:
    at = created(operator, "Rheinisch-Westfälische Verlagsgesellschaft für Fachzeitschriften")
    walker.visit(f"{HOME}{place}".replace(f"{HOME}/{{id}}", at), operator)


def test_the_pages_of_a_partners_users_are_well_made(walker: Walker, operator: Pages) -> None:
    at = created(operator, "Walked")
    operator.post(f"{at}/users/new", name="Ann", email=f"{fresh('ann')}@acme.example")
    (user,) = set(re.findall(r"/users/(partner_user-[0-9a-f]{32})/edit", operator.get(at).text))

    for place in ("", "/users/new", f"/users/{user}/edit", f"/users/{user}/remove"):
        walker.visit(f"{at}{place}", operator)
