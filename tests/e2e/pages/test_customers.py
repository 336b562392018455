"""Customers in a browser on the deployed stack, and what Zuora and the inbox know afterwards."""

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from infra.local import demo
from infra.local.demo_data import INBOX
from tessera.integrations.zuora import Zuora
from tests.e2e.conftest import Deployed
from tests.e2e.exercises import auth0, entitlements
from tests.e2e.pages import session
from tests.e2e.pages.session import Pages
from tests.e2e.pages.walker import Walker, give
from tests.integrations.zuora_tenant import Vault

pytestmark = pytest.mark.e2e
_CARRIED_OUT = 30_000
"""Milliseconds for what an order does in Zuora."""


@dataclass
class Customer:
    """Whose subscription a CPQ order has made in Zuora, on an account of its own."""

    account: str
    number: str
    sub: str

    def pages(self, deployed: Deployed, address: str) -> Pages:
        return session.customer(deployed, self.sub, address)


@pytest.fixture
def customer(deployed: Deployed) -> Customer:
    return known(deployed)


def known(deployed: Deployed) -> Customer:
    """The first guide: the subscription is synced, then the login is attached to its owner."""
    name = f"CPQ {uuid.uuid4()}"
    opened = deployed.zuora("accounts", {"name": name, "currency": "GBP"})
    account = opened["basicInfo"]["accountNumber"]
    plan = demo.DIGITAL_MONTHLY_PLAN.id
    made = deployed.zuora("subscriptions", {"account": account, "plan": plan})
    number, sub = str(made["subscriptionNumber"]), f"auth0|{uuid.uuid4()}"
    synced = deployed.api.call("POST", f"/api/plugins/zuora/sync/subscription/{number}")
    token = {"id_token": {"iss": auth0(deployed.api), "sub": sub}}
    deployed.api.call("POST", f"/api/objects/externalidentity/{synced['owner']}", token)
    return Customer(account, number, sub)


def zuora(deployed: Deployed) -> Zuora:
    return Zuora(deployed.stack.stand_ins.zuora, Vault())


def eventually(look: Callable[[], bool], *, within: float = 30) -> None:
    """Waits for what happens behind the pages."""
    until = time.monotonic() + within
    while not look():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.2)


def invoiced(deployed: Deployed, customer: Customer) -> str:
    made = deployed.zuora("invoices", {"account": customer.account, "amount": 25})
    return str(made["invoice"]["number"])


def opened(browser: Browser, deployed: Deployed, customer: Customer, address: str) -> Page:
    context = browser.new_context()
    give(context, deployed.stack.api, customer.pages(deployed, address))
    page = context.new_page()
    page.goto(deployed.stack.api + address)
    return page


def test_a_customer_signs_in_and_looks_after_billing(
    browser: Browser, deployed: Deployed, customer: Customer
) -> None:
    theirs = invoiced(deployed, known(deployed))
    ours = invoiced(deployed, customer)
    deployed.zuora("payment-methods", {"account": customer.account})

    page = browser.new_page()
    page.goto(f"{deployed.stack.api}/billing")
    page.get_by_role("button", name="Auth0").click()
    page.get_by_label("Somebody else, by subject").fill(customer.sub)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Billing", exact=True)).to_be_visible()
    expect(page.get_by_text(ours)).to_be_visible()
    expect(page.get_by_text(theirs)).to_have_count(0)
    with page.expect_download() as downloading:
        page.get_by_role("row", name=ours).get_by_role("link", name="Download PDF").click()
    assert downloading.value.suggested_filename == f"{ours}.pdf"
    assert Path(downloading.value.path()).read_bytes().startswith(b"%PDF")

    page.get_by_role("button", name="Update payment").click()
    frame = page.frame_locator("#z_hppm_iframe")
    frame.get_by_label("declined card").check()
    frame.get_by_role("button", name="Save card").click()
    expect(page.get_by_text("The card was refused.")).to_be_visible()
    frame.get_by_label("test card ending 1111").check()
    frame.get_by_role("button", name="Save card").click()
    saved = page.get_by_role("status").filter(has_text="The new card is saved")
    expect(saved).to_be_visible(timeout=_CARRIED_OUT)
    methods = zuora(deployed).payment_methods(customer.account)
    assert len(methods.methods) == 2
    expect(page.get_by_text("by Visa ending 1111").first).to_be_visible()

    page.get_by_role("row", name=ours).get_by_role("link", name="Pay").click()
    page.get_by_label("A part of it").check()
    page.get_by_label("Part of the amount").fill("10.00")
    page.get_by_role("button", name="Pay").click()
    paid = page.get_by_role("status").filter(has_text=f"for {ours}")
    expect(paid).to_be_visible(timeout=_CARRIED_OUT)

    page.get_by_role("button", name="Change the billing address").click()
    page.get_by_label("Address line 1").fill("7 Long Road")
    page.get_by_label("City").fill("Bristol")
    page.get_by_label("Postal code").fill("BS1 4RB")
    page.get_by_label("Country").select_option("United Kingdom")
    page.get_by_role("button", name="Save address").click()
    expect(page.get_by_text("Billing address changed")).to_be_visible()
    expect(page.get_by_text("7 Long Road")).to_be_visible()
    eventually(lambda: _city(deployed, customer) == "Bristol")
    page.close()


def _city(deployed: Deployed, customer: Customer) -> str | None:
    contact = zuora(deployed).account(customer.account).bill_to_contact
    return contact.city if contact else None


def told(deployed: Deployed, customer: Customer) -> list[str]:
    """The bodies of the entitlement webhooks that the inbox has got of the subscription."""
    return [one["body"] for one in entitlements(deployed.inbox(INBOX), customer.number)]


def plans(deployed: Deployed, customer: Customer) -> dict[str, list[int]]:
    """By product: the quantities of the plans that Zuora's latest version holds."""
    found: dict[str, list[int]] = {}
    for plan in zuora(deployed).subscription(customer.number).rate_plans:
        if plan.last_change_type != "Remove":
            sizes = [int(charge.quantity or 1) for charge in plan.rate_plan_charges]
            found.setdefault(plan.product_rate_plan_id, []).extend(sizes)
    return found


def test_a_customer_changes_to_a_better_plan(
    browser: Browser, deployed: Deployed, customer: Customer
) -> None:
    page = opened(browser, deployed, customer, "/edit-plan")

    page.get_by_role("button", name="Change plan").click()
    page.get_by_label("Gold Annual").check()
    page.get_by_role("button", name="Review the change").click()
    expect(page.get_by_text("cannot be undone")).to_be_visible()
    page.get_by_role("button", name="Confirm change").click()

    expect(page.get_by_text("Changes to").first).to_be_visible()
    expect(page.get_by_role("button", name="Change plan")).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel subscription")).to_have_count(0)
    eventually(lambda: demo.GOLD_ANNUAL_PLAN.id in plans(deployed, customer))
    eventually(lambda: any('"effectiveDate"' in body for body in told(deployed, customer)))
    page.context.close()


def test_a_customer_adds_three_of_an_add_on(
    browser: Browser, deployed: Deployed, customer: Customer
) -> None:
    page = opened(browser, deployed, customer, "/edit-plan")

    page.get_by_role("button", name="Add-ons").click()
    page.get_by_label("Priority support").fill("3")
    page.get_by_role("button", name="Review the change").click()
    expect(page.get_by_text("Priority support × 3 is added")).to_be_visible()
    page.get_by_role("button", name="Confirm change").click()

    expect(page.get_by_role("heading", name="Edit plan", exact=True)).to_be_visible()
    eventually(lambda: plans(deployed, customer).get(demo.SUPPORT_PLAN.id) == [3])
    page.goto(f"{deployed.stack.api}/edit-plan")
    expect(page.get_by_text("Priority support × 3")).to_be_visible()
    eventually(lambda: '"code":"HELP"' in told(deployed, customer)[-1])
    page.context.close()


def test_a_customer_who_leaves_is_asked_once_and_stays_with_an_offer(
    browser: Browser, deployed: Deployed, customer: Customer
) -> None:
    page = opened(browser, deployed, customer, "/edit-plan")
    before = len(told(deployed, customer))

    page.get_by_role("button", name="Cancel").click()
    page.get_by_label("It costs too much").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Before you go")).to_be_visible()
    page.get_by_role("button", name="Keep my plan with this offer").click()

    expect(page.get_by_text("goes on, with")).to_be_visible()
    eventually(lambda: demo.LOYALTY_DISCOUNT_PLAN.id in plans(deployed, customer))
    eventually(lambda: len(told(deployed, customer)) > before)
    assert '"code":"W2"' in told(deployed, customer)[-1]
    page.context.close()


def test_a_customer_leaves(browser: Browser, deployed: Deployed, customer: Customer) -> None:
    page = opened(browser, deployed, customer, "/edit-plan")

    page.get_by_role("button", name="Cancel").click()
    page.get_by_label("Another reason").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue to cancel").click()
    page.get_by_role("button", name="Cancel subscription").click()

    expect(page.get_by_text("Ends on").first).to_be_visible()
    expect(page.get_by_role("button", name="Change plan")).to_have_count(0)
    eventually(lambda: zuora(deployed).subscription(customer.number).version > 1)
    eventually(lambda: any('"effectiveDate"' in body for body in told(deployed, customer)))
    page.context.close()


def test_a_sign_in_without_a_subscription_says_so_until_it_is_attached(
    browser: Browser, deployed: Deployed, customer: Customer
) -> None:
    newcomer = Customer(customer.account, customer.number, f"auth0|{uuid.uuid4()}")
    page = opened(browser, deployed, newcomer, "/subscriptions")
    expect(page.get_by_text("We found no subscription for this sign-in")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in differently")).to_be_visible()

    api = deployed.api
    owner = api.call("POST", f"/api/plugins/zuora/sync/subscription/{customer.number}")["owner"]
    token = {"id_token": {"iss": auth0(api), "sub": newcomer.sub}}
    api.call("POST", f"/api/objects/externalidentity/{owner}", token)
    page.get_by_role("button", name="Look again").click()

    expect(page.get_by_text(customer.number).first).to_be_visible()
    page.context.close()


def test_the_customers_pages_are_for_everybody(
    walker: Walker, deployed: Deployed, customer: Customer
) -> None:
    invoiced(deployed, customer)
    deployed.zuora("payment-methods", {"account": customer.account})
    pages = customer.pages(deployed, "/billing")
    billing, plan = pages.get("/billing").text, pages.get("/edit-plan").text

    for address in (
        "/subscriptions",
        "/billing",
        "/edit-plan",
        behind(billing, "/billing?card="),
        behind(billing, "/billing?address="),
        behind(plan, "/edit-plan?do=cancel"),
    ):
        walker.visit(address, pages)


def behind(html: str, begins: str) -> str:
    found = re.search(rf'href="({re.escape(begins)}[^"]*)"', html)
    assert found is not None, begins
    return unescape(found[1])
