"""The portal guide's own test in a browser: sell, look after a customer, change, keep, be removed.

Two organisations, one for each answer to who is invoiced; all that is theirs is made here.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from infra.local import demo
from tessera import ids
from tests.e2e.conftest import Deployed, Inbox
from tests.e2e.exercises import (
    endpoint_at,
    entitlements,
    eventually,
    fresh,
    organisation,
    sold_by_acme,
)
from tests.e2e.pages import session
from tests.e2e.pages.walker import Walker

pytestmark = pytest.mark.e2e

OBJECTS = ("orders", "customers", "subscriptions", "subscription_offers", "schedules", "address")
TEMPORARY, CHOSEN = "Temporary-1-a", "Chosen-by-me-1"
LOADS = 45_000
"""Milliseconds for a page, on a machine that has much to do."""

SET_UP = 150_000
"""Milliseconds for an order to be carried out."""


class Seller(NamedTuple):
    """An organisation with a user who was invited, and what it sells."""

    organisation: str
    name: str
    account: demo.Account
    is_invoiced: bool
    email: str
    slug: str
    offer: str
    has_script: bool


class Sale(NamedTuple):
    order: str
    subscription: str
    company: str


def state(stand_in: str) -> dict[str, Any]:
    """All that an outside system holds."""
    answer = requests.get(f"{stand_in}/_control/state", timeout=30)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def seller(deployed: Deployed, reseller: demo.Reseller, *, has_script: bool) -> Seller:
    api, name = deployed.api, fresh(reseller.account.name)
    id = organisation(
        api,
        name=name,
        zuoraAccountId=reseller.account.id,
        isZuoraInvoiceOwner=reseller.is_invoiced,
        salesforceAccountId=reseller.account.salesforce_id,
    )
    _, email = invited(deployed, id)
    label = fresh("gold").lower()
    better = _offer(deployed, id, f"{name} Gold", "Gold", demo.GOLD_ANNUAL_PLAN, "years")
    save = _discount(deployed, id, f"{name} Save")
    plain = _offer(
        deployed,
        id,
        f"{name} Digital",
        "Digital",
        demo.DIGITAL_MONTHLY_PLAN,
        "months",
        label__limio=[label],
        upgrade_offers__limio=[{"id": better}],
        save_offers__limio=[{"id": save}],
    )
    slug = f"/partner/{label}"
    page = {
        "name": label,
        "status": "active",
        "slug": slug,
        "kind": "pricing",
        "label": label,
        "authentication": "partner",
        "components": [{"name": "offers", "options": {"title": "Gold offers"}}],
    }
    api.call("POST", "/api/catalog/pages", page)
    return Seller(id, name, reseller.account, reseller.is_invoiced, email, slug, plain, has_script)


def invited(deployed: Deployed, organisation: str) -> tuple[str, str]:
    """A user and the e-mail address to sign in with; the invitation's password is known here."""
    email = f"{fresh('ann').lower()}@partner.example"
    path = f"/api/partner-organisation/{organisation}"
    user = deployed.api.call("POST", path, {"name": "Ann Invited", "email": email})["id"]
    boto3.client("cognito-idp").admin_set_user_password(
        UserPoolId=deployed.stack.outputs["PartnersPoolId"],
        Username=email,
        Password=TEMPORARY,
        Permanent=False,
    )
    return str(user), email


def _offer(
    deployed: Deployed,
    organisation: str,
    name: str,
    product: str,
    plan: demo.RatePlan,
    unit: str,
    **attributes: Any,
) -> str:
    price = {
        "name": plan.charge,
        "type": "recurring",
        "value": plan.prices["GBP"],
        "currencyCode": "GBP",
        "rate_plan_charge": plan.charge_id,
        "repeat_interval": 1,
        "repeat_interval_type": unit,
    }
    item = {
        "name": name,
        "status": "active",
        "data": {
            "productBundles": [{"product": {"$ref": f"/products/{product}"}, "rate_plan": plan.id}],
            "attributes": {
                "price__limio": [price],
                "sales_channel__limio": ["Partner"],
                "eligible_partners__limio": [organisation],
                "checkout__limio": {
                    "checkout_type": "external",
                    "external_url": "/partner-checkout",
                },
                "term__limio": {"length": 12, "type": "months"},
                "autoRenew__limio": True,
                **attributes,
            },
        },
    }
    return str(deployed.api.call("POST", "/api/catalog/offers", item)["id"])


def _discount(deployed: Deployed, organisation: str, name: str) -> str:
    plan = demo.LOYALTY_DISCOUNT_PLAN
    item = {
        "name": name,
        "status": "active",
        "data": {
            "record_subtype": "discount",
            "productBundles": [{"product": {"$ref": "/products/Loyalty"}, "rate_plan": plan.id}],
            "attributes": {
                "display_name__limio": f"{plan.percentage}% off for three months",
                "sales_channel__limio": ["Partner"],
                "eligible_partners__limio": [organisation],
            },
            "discount": {"value": plan.percentage, "termLength": 3, "termType": "months"},
        },
    }
    return str(deployed.api.call("POST", "/api/catalog/offers", item)["id"])


@pytest.fixture(scope="module")
def acme(deployed: Deployed) -> Seller:
    return seller(deployed, demo.ACME_RESELLERS, has_script=True)


@pytest.fixture(scope="module")
def borealis(deployed: Deployed) -> Seller:
    return seller(deployed, demo.BOREALIS_RESELLERS, has_script=False)


@pytest.fixture(scope="module")
def inbox(deployed: Deployed) -> Inbox:
    found = deployed.inbox(fresh("portal"))
    endpoint_at(deployed.api, found, types=["entitlements.updated"])
    return found


@pytest.fixture(scope="module")
def ann(browser: Browser, deployed: Deployed, acme: Seller) -> Iterator[Page]:
    """Signed in for Acme with the password that she chose at her first sign-in."""
    yield from _signed_in(browser.new_context(), deployed, acme)


@pytest.fixture(scope="module")
def bo(browser: Browser, deployed: Deployed, borealis: Seller) -> Iterator[Page]:
    """Signed in for Borealis on a telephone, without script."""
    narrow = {"width": 360, "height": 740}
    context = browser.new_context(java_script_enabled=False, viewport=narrow)  # type: ignore[arg-type]
    yield from _signed_in(context, deployed, borealis)


def _signed_in(context: BrowserContext, deployed: Deployed, who: Seller) -> Iterator[Page]:
    context.set_default_timeout(LOADS)
    page = context.new_page()
    page.goto(deployed.stack.api + who.slug)
    page.get_by_label("Username").fill(who.email)
    if (following := page.get_by_role("button", name="Next")).count():
        following.click()
    page.get_by_label("Password").fill(TEMPORARY)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("New password", exact=True).fill(CHOSEN)
    page.get_by_label("Confirm new password").fill(CHOSEN)
    page.get_by_role("button", name="Update password").click()
    expect(page.get_by_role("heading", name="Gold offers")).to_be_visible(timeout=LOADS)
    yield page
    context.close()


def ordered(page: Page, deployed: Deployed, who: Seller, company: str) -> Sale:
    """Ordered for a new customer, from the pricing page to the end."""
    page.goto(deployed.stack.api + who.slug)
    page.get_by_role("button", name=re.compile("^Order")).click()
    page.get_by_label("First name").fill("Carla")
    page.get_by_label("Last name").fill("Conte")
    page.get_by_label("Email", exact=True).fill("carla@conte.example")
    page.get_by_label("Company").fill(company)
    page.get_by_label("Address line 1").fill("1 High St")
    page.get_by_label("City").fill("Leeds")
    page.get_by_label("Postal code").fill("LS1 4AP")
    page.get_by_label("Country").select_option("GB")
    if not who.is_invoiced:
        page.get_by_label("On account").check()
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("heading", name="Order accepted")).to_be_visible(timeout=LOADS)
    done = page.get_by_text("Everything is set up.")
    if not who.has_script:
        eventually(lambda: bool(_refreshed(page).count()), within=SET_UP / 1000)
    expect(done).to_be_visible(timeout=SET_UP)
    references = page.locator("code").all_inner_texts()
    return Sale(page.url.partition("order=")[2], references[-1], company)


def _refreshed(page: Page) -> Locator:
    """As somebody without script does it."""
    done = page.get_by_text("Everything is set up.")
    if not done.count():
        page.get_by_role("link", name="Refresh").click()
    return done


@pytest.fixture(scope="module")
def annas(ann: Page, deployed: Deployed, acme: Seller, inbox: Inbox) -> Sale:
    return ordered(ann, deployed, acme, fresh("Conte"))


@pytest.fixture(scope="module")
def bos(bo: Page, deployed: Deployed, borealis: Seller, inbox: Inbox) -> Sale:
    return ordered(bo, deployed, borealis, fresh("Conte"))


def assert_is_everywhere(sale: Sale, who: Seller, deployed: Deployed, inbox: Inbox) -> None:
    """In Tessera and its webhook, in Zuora, in Salesforce."""
    api = deployed.api
    order = api.call("GET", f"/api/order/{sale.order}")
    delivery = entitlements(inbox, sale.subscription)[0]
    told = json.loads(delivery["body"])
    assert [code["code"] for code in told["entitlements"]] == ["W2"]
    assert told["owner"] == order["owner"]
    assert told["tracking"]["orderReference"] == order["reference"]
    for kind in OBJECTS:
        owned = f"owner={order['owner']}&limit=100"
        found = api.call("GET", f"/api/objects/limio/{kind}?{owned}")["items"]
        assert {one.get("partner_org") for one in found} == {who.organisation}, kind

    zuora = state(deployed.stack.stand_ins.zuora)
    (account,) = [one for one in zuora["accounts"].values() if one["name"] == sale.company]
    assert account["parentId"] == who.account.id
    subscription = zuora["subscriptions"][sale.subscription][-1]
    assert subscription["accountId"] == account["id"]
    invoiced = who.account.id if who.is_invoiced else account["id"]
    assert subscription["invoiceOwnerId"] == invoiced

    records = state(deployed.stack.stand_ins.salesforce)["records"]
    (company,) = [one for one in records["Account"].values() if one["Name"] == sale.company]
    assert company["ParentId"] == who.account.salesforce_id
    contacts = [one for one in records["Contact"].values() if one["AccountId"] == company["Id"]]
    assert [one["Email"] for one in contacts] == ["carla@conte.example"]


def test_who_is_invoiced_itself_orders_in_a_browser_with_script(
    annas: Sale, acme: Seller, deployed: Deployed, inbox: Inbox
) -> None:
    assert_is_everywhere(annas, acme, deployed, inbox)


def test_whose_customers_are_invoiced_orders_on_a_telephone_without_script(
    bos: Sale, borealis: Seller, deployed: Deployed, inbox: Inbox
) -> None:
    assert_is_everywhere(bos, borealis, deployed, inbox)


@pytest.mark.parametrize("who", ["ann", "bo"])
def test_a_customer_is_found_and_its_plan_changed(
    who: str, deployed: Deployed, inbox: Inbox, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(who)
    sale: Sale = request.getfixturevalue({"ann": "annas", "bo": "bos"}[who])
    page.goto(f"{deployed.stack.api}/partner")
    page.get_by_label("Name or email begins with").fill(sale.company.lower())
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="View").click()
    expect(page.get_by_role("heading", name=sale.company)).to_be_visible(timeout=LOADS)

    page.get_by_role("button", name="Update subscription").click()
    page.get_by_role("radio", name=re.compile("Gold")).check()
    page.get_by_role("button", name="Review the change").click()
    expect(page.get_by_text(re.compile("becomes"))).to_be_visible(timeout=LOADS)
    page.get_by_role("button", name="Confirm change").click()

    expect(page.get_by_text(re.compile(r"^Changes (on|to) |being carried out"))).to_be_visible(
        timeout=LOADS
    )
    expect(page.get_by_role("button", name="Update subscription")).to_have_count(0)
    switch = switched(inbox, sale)
    assert switch["entitlements"] != [{"code": "W2"}]


def switched(inbox: Inbox, sale: Sale) -> dict[str, Any]:
    """The webhook that says what holds from a day on."""
    found: list[dict[str, Any]] = []

    def has_come() -> bool:
        bodies = [json.loads(one["body"]) for one in entitlements(inbox, sale.subscription)]
        found[:] = [one for one in bodies if "effectiveDate" in one]
        return bool(found)

    eventually(has_come)
    return found[0]


def test_who_wants_to_leave_is_kept_by_an_offer(
    ann: Page, acme: Seller, deployed: Deployed, inbox: Inbox
) -> None:
    sale = ordered(ann, deployed, acme, fresh("Kept"))
    ann.get_by_role("button", name="View customer").click()
    ann.get_by_role("button", name="Cancel subscription").click()
    ann.get_by_role("radio", name="It costs too much").check()
    ann.get_by_role("button", name="Continue").click()
    expect(ann.get_by_role("button", name="Continue to cancel")).to_be_visible(timeout=LOADS)

    ann.get_by_role("button", name="Keep my plan with this offer").click()

    expect(ann.get_by_text(re.compile("goes on, with 20% off for three months"))).to_be_visible(
        timeout=LOADS
    )
    assert switched(inbox, sale)["entitlements"] == [{"code": "W2"}]


def test_nobody_else_finds_the_customer(
    bo: Page, annas: Sale, acme: Seller, deployed: Deployed
) -> None:
    base, order = deployed.stack.api, deployed.api.call("GET", f"/api/order/{annas.order}")
    about = f"/subscriptions?owner={order['owner']}"

    bo.goto(f"{base}/partner?tab=customers&q={annas.company}")
    expect(bo.get_by_text("Nothing fits these filters")).to_be_visible(timeout=LOADS)
    token = bo.locator("input[name=csrf_token]").first.get_attribute("value")
    for address in (
        about,
        f"/partner-checkout?order={annas.order}",
        f"/partner-checkout?offer={acme.offer}",
    ):
        answer = bo.goto(base + address)
        assert answer is not None
        assert answer.status == 404, address
    posted = bo.request.post(
        f"{base}{about}&do=cancel&subscription={order['subscriptions'][0]}",
        form={"csrf_token": token or "", "component": "subscriptions", "step": "end"},
        headers={"Origin": base},
    )
    assert posted.status == 404


@pytest.mark.parametrize(
    "address",
    ["/partner", "/partner?tab=invoices", "/partner?q=nobody", "/partner-checkout"],
    ids=["customers", "invoices", "nobody", "nothing_chosen"],
)
def test_everybody_can_use_the_portal(walker: Walker, deployed: Deployed, address: str) -> None:
    walker.visit(address, session.partner(deployed, deployed.stack.partners[0], "/partner"))


def test_everybody_can_order_and_look_after_a_customer(walker: Walker, deployed: Deployed) -> None:
    person = session.partner(deployed, deployed.stack.partners[0], "/partner/offers")
    offers = person.get("/partner/offers").text
    offer = re.search(r'href="(/partner-checkout\?offer=[^"]+)"', offers)
    assert offer is not None
    walker.visit(person.get(offer[1]).headers["Location"], person)
    sale = sold_by_acme(deployed)
    number = ids.subscription_id(sale["subscriptionReference"])
    about = f"/subscriptions?owner={sale['owner']}"
    walker.visit(f"/partner-checkout?order={sale['id']}", person)
    walker.visit(about, person)
    named = f"subscription={number}"
    for flow in ("update", "cancel", "cancel&reason=other&last=1"):
        walker.visit(f"{about}&{named}&do={flow}", person)


def test_who_is_removed_is_out_at_the_next_click(
    browser: Browser, acme: Seller, deployed: Deployed
) -> None:
    user, email = invited(deployed, acme.organisation)
    for page in _signed_in(browser.new_context(), deployed, acme._replace(email=email)):
        path = f"/api/partner-organisation/{acme.organisation}/users/{user}"
        deployed.api.call("DELETE", path)

        page.get_by_role("link", name="Partner portal").click()

        expect(page.get_by_label("Username")).to_be_visible(timeout=LOADS)
