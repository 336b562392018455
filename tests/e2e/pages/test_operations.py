"""The console's pages on webhooks and orders, in a browser on the deployed stack."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Deployed
from tests.e2e.exercises import (
    add_on_of_the_demo,
    carried_out,
    endpoint_at,
    eventually,
    fault_in_order,
    fresh,
    order,
    order_body,
)
from tests.e2e.pages.session import Pages
from tests.e2e.pages.walker import Walker, give

pytestmark = pytest.mark.e2e
WEBHOOKS, ORDERS = "/objects/webhooks/limio", "/objects/orders/limio"
_SOON = 60_000
"""Milliseconds for what queues and workers do; a busy machine starts functions slowly."""


@pytest.fixture
def page(browser: Browser, deployed: Deployed, operator: Pages) -> Iterator[Page]:
    context = browser.new_context(base_url=deployed.stack.api)
    give(context, deployed.stack.api, operator)
    page = context.new_page()
    page.set_default_timeout(_SOON)
    yield page
    context.close()


def is_shown(page: Page, state: str) -> bool:
    """By a list, which does not refresh by itself."""
    page.reload()
    return page.locator(".badge", has_text=state).count() > 0


def test_an_operator_sees_what_failed_fixes_the_receiver_and_replays(
    page: Page, deployed: Deployed
) -> None:
    api, inbox = deployed.api, deployed.inbox(fresh("failing"))
    name = fresh("Access")
    inbox.behave(mode="answer", status=503, body="<script>document.title = 'taken'</script>")
    endpoint = endpoint_at(api, inbox, description=name, waits=[86400])["id"]
    owner = order(api)["owner"]
    inbox.deliveries(at_least=1)

    page.goto(f"{WEBHOOKS}?endpoint={endpoint}&type=entitlements.updated&owner={owner}")
    eventually(lambda: is_shown(page, "retrying"))
    page.get_by_role("rowheader").get_by_role("link", name="entitlements.updated").first.click()
    expect(page.get_by_text("Response 503")).to_be_visible()
    expect(page.get_by_text("<script>document.title = 'taken'</script>")).to_be_visible()
    expect(page).not_to_have_title("taken")
    inbox.behave(mode="answer")
    page.get_by_role("button", name="Replay now").click()

    expect(page.get_by_text("entitlements.updated is sent again")).to_be_visible()
    expect(page.locator("#state").get_by_text("The receiver accepted the event.")).to_be_visible(
        timeout=_SOON
    )
    expect(page.locator(".badge", has_text="delivered").first).to_be_visible()


def test_a_test_event_arrives_signed(page: Page, deployed: Deployed) -> None:
    inbox = deployed.inbox(fresh("signed"))

    page.goto(f"{WEBHOOKS}/endpoints/new")
    page.get_by_label("URL").fill(inbox.url)
    page.get_by_label("Description").fill(fresh("Signed"))
    page.get_by_role("button", name="Add endpoint").click()
    page.get_by_role("button", name="Reveal").click()
    secret = page.locator(".id code", has_text="whsec_")
    inbox.behave(secret=secret.inner_text())
    page.get_by_role("button", name="Send test event").click()
    page.get_by_label("Event type").select_option("order.completed")
    page.get_by_role("button", name="Send test event").click()

    expect(page.get_by_text("The receiver accepted the event.")).to_be_visible(timeout=_SOON)
    # Others' orders may have come there too.
    samples = [one for one in inbox.deliveries(at_least=1) if "tessera-test" in one["headers"]]
    (arrived,) = samples
    assert arrived["headers"]["tessera-test"] == "true"


def test_a_failed_order_is_retried_until_it_is_complete(page: Page, deployed: Deployed) -> None:
    api = deployed.api
    number = carried_out(deployed, "/api/order", order_body(api))["subscriptionReference"]
    fault_in_order(deployed, number, {"kind": "reasons", "codes": [53100030]})
    add_on = {"action": "add", "addOn": {"id": add_on_of_the_demo(api)}}
    change = {"order_type": "add_on", "forSubscription": {"name": number}, **add_on}
    failed = api.send("POST", "/api/order", {**change, "process_immediately": True}).json()["id"]

    page.goto("/settings")
    expect(page.get_by_role("link", name="An order failed").first).to_be_visible()
    page.goto(f"{ORDERS}/{failed}")
    expect(page.locator("li", has_text="Zuora: order").get_by_text("failed").first).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("Access was withdrawn when the order failed")).to_be_visible()
    page.get_by_role("button", name="Retry").click()

    complete = page.locator("#state .badge", has_text="complete")
    expect(complete).to_have_count(3, timeout=_SOON)
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)


def test_every_page_and_state_is_well(walker: Walker, deployed: Deployed, operator: Pages) -> None:
    """Filled, empty by a filter, and a form with mistakes."""
    api, inbox = deployed.api, deployed.inbox(fresh("walked"))
    endpoint = endpoint_at(api, inbox, description=fresh("Walked"))["id"]
    placed = order(api)
    event = inbox.deliveries(at_least=1)[0]["headers"]["webhook-id"]
    at = f"{WEBHOOKS}/endpoints/{endpoint}"
    owner = f"/objects/identities/limio/{placed['owner']}"
    for address in (
        f"{WEBHOOKS}?endpoint={endpoint}",
        f"{WEBHOOKS}/events",
        f"{WEBHOOKS}/events/{event}",
        f"{WEBHOOKS}/deliveries/{event}/{endpoint}",
        f"{WEBHOOKS}/endpoints",
        f"{WEBHOOKS}/endpoints/new",
        *(at + page for page in ("", "/edit", "/test", "/rotate", "/recover", "/delete")),
        ORDERS,
        f"{ORDERS}/{placed['id']}",
        owner,
        *(owner + page for page in ("/attach", "/merge")),
        "/settings/sync",
        "/settings/find?q=nothing",
    ):
        walker.visit(address, operator)


def test_the_pages_work_without_script(walker: Walker, deployed: Deployed, operator: Pages) -> None:
    api, inbox = deployed.api, deployed.inbox(fresh("plain"))
    endpoint = endpoint_at(api, inbox, description=fresh("Plain"))["id"]
    context = walker.without_script(operator)
    page = context.new_page()

    page.goto(f"{walker.base}{WEBHOOKS}/endpoints/{endpoint}/test")
    page.get_by_role("button", name="Send test event").click()
    inbox.deliveries(at_least=1)
    accepted = page.get_by_text("The receiver accepted the event.")
    for _ in range(30):
        if accepted.count():
            break
        page.get_by_text("Refresh", exact=True).click()

    expect(accepted).to_be_visible()
    context.close()
