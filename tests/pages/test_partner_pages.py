"""Partner users sell, look after their customers, and see nothing of other organisations."""

import re
from datetime import timedelta
from functools import cache
from html import unescape
from typing import Any, NamedTuple

import boto3
import pytest

from infra.routes import ROUTES
from tessera import clock
from tessera.catalog.models import Component
from tessera.commerce.commits import Commit
from tessera.commerce.models import Holding, Order
from tessera.commerce.store import CommerceTable
from tessera.events import event
from tessera.partners.store import PartnersTable
from tests import handlers
from tests.builders import NOW
from tests.commerce.test_place_order import Shop, line, offer
from tests.conftest import Told
from tests.pages.visitor import Seen, Visitor, signed_in
from tests.partners.organisations import ACME, BOREALIS, organisation, petra

_ROUTES: dict[str, Any] = {
    route.key: {who.kind: [] for who in route.who}
    for route in ROUTES
    if route.function == "pages/site"
}
_SCRIPT = "<script>alert(1)</script>"


@cache
def site() -> Any:
    """Loaded once, as a function that is warm."""
    return handlers.loaded("pages/site", _ROUTES)


class Sold(NamedTuple):
    """What Acme may sell, and its subscribers may go to."""

    shop: Shop
    monthly: dict[str, Any]
    annual: dict[str, Any]


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    boto3.client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers", Type="String", Value="[]"
    )
    boto3.client("secretsmanager").create_secret(
        Name="tessera/dev/cursors", SecretString='{"key": "' + "k" * 32 + '"}'
    )
    return CommerceTable("Commerce", "Events")


@pytest.fixture
def sold(owners: CommerceTable) -> Sold:
    shop = Shop()

    def add(name: str, **more: Any) -> dict[str, Any]:
        subtype = more.pop("record_subtype", "standard")
        given = {
            "sales_channel__limio": ["Partner"],
            "eligible_partners__limio": [ACME],
            "label__limio": ["partner"],
            "checkout__limio": {"checkout_type": "external", "external_url": "/partner-checkout"},
            **more,
        }
        item = offer(name, shop.product["id"], **given)
        if subtype == "discount":
            discount = {"value": "50", "termLength": 3, "termType": "months"}
            item["data"] |= {"record_subtype": subtype, "discount": discount}
        return shop.add("offers", **item)

    later = {"switch_date__limio": "term_end"}
    annual = add("Acme Annual", price__limio=[line("20.00")], **later)
    half = add("Half price", record_subtype="discount", price__limio=[], label__limio=[])
    monthly = add(
        "Acme Monthly",
        upgrade_offers__limio=[{"id": annual["id"]}],
        save_offers__limio=[{"id": half["id"]}],
        allow_multibuy__limio=True,
    )
    return Sold(shop, monthly, annual)


def employ(id: str, name: str, sub: str, *, invoiced: bool = True) -> None:
    """An organisation with one user."""
    stored, one = PartnersTable("Partners", "Events"), organisation(id, name=name)
    one = one.model_copy(
        update={"data": one.data.model_copy(update={"is_zuora_invoice_owner": invoiced})}
    )
    stored.add(one, event("partner_org.created", one.wire(), at=NOW))
    user = petra(
        id=f"partner_user-{sub * 8}",
        partner_org=id,
        status="inviting",
        subject=None,
        data={"email": f"{sub}@{sub}.example"},
    )
    stored.enrol(user, due=NOW)
    active = {"status": "active", "subject": sub, "modified": NOW + timedelta(seconds=1)}
    stored.activate(user, user.model_copy(update=active), event("partner_user.created", {}, at=NOW))


def visitor(sub: str, org: str) -> Visitor:
    one = Visitor(lambda event: site().handler(event, None), _ROUTES)
    signed_in(one, "partner", subject=sub, organisation=org, name=sub.title())
    return one


@pytest.fixture
def ann(sold: Sold) -> Visitor:
    """Of Acme, which is invoiced for its customers."""
    employ(ACME, "Acme Resellers", "annn")
    return visitor("annn", ACME)


@pytest.fixture
def bo(sold: Sold) -> Visitor:
    employ(BOREALIS, "Borealis", "bobo", invoiced=False)
    return visitor("bobo", BOREALIS)


def carla(**detail: str) -> dict[str, str]:
    return {
        "component": "checkout",
        "customerDetails.firstName": "Carla",
        "customerDetails.lastName": "Conte",
        "customerDetails.email": "carla@conte.example",
        "customerDetails.companyName": "Conte Ltd",
        "billingDetails.address1": "1 Via Roma",
        "billingDetails.city": "Torino",
        "billingDetails.postalCode": "10121",
        "billingDetails.country": "IT",
        **detail,
    }


def checkout(ann: Visitor, sold: Sold) -> str:
    """The address of the form, with its key."""
    return ann.get(f"/partner-checkout?offer={sold.monthly['id']}").location


def ordered(ann: Visitor, sold: Sold, owners: CommerceTable, **detail: str) -> Order:
    """Placed on the page, and carried out."""
    answer = ann.post(checkout(ann, sold), carla(**detail))
    assert answer.status == 303, answer.text
    order = owners.order(answer.location.partition("order=")[2])
    assert order is not None
    released(owners, order.subscriptions[0])
    return order


def released(owners: CommerceTable, subscription: str) -> Holding:
    held = owners.holding(subscription)
    assert held is not None
    ownership = owners.ownership(held.owner or "")
    assert ownership is not None
    data = held.data.model_copy(update={"pending_change": None})
    free = held.model_copy(update={"data": data, "updated": held.updated + timedelta(seconds=1)})
    owners.commit(Commit(ownership=ownership, seen=ownership.owner.updated, replaces=[free]))
    return free


def link(seen: Seen, words: str) -> str:
    found = re.search(rf'href="([^"]*)"[^>]*>{re.escape(words)}', seen.html)
    assert found is not None, seen.text
    return unescape(found[1])


def test_the_checkout_says_what_is_ordered_and_who_is_invoiced(ann: Visitor, sold: Sold) -> None:
    shown = ann.get(checkout(ann, sold))

    assert shown.title == "Order Acme Monthly · Acme Resellers"
    for said in ("£17.50 per month", "12 months, renews by itself", "Added on the invoice"):
        assert said in shown.text
    assert "Invoiced to Acme Resellers" in shown.text
    assert "Payment" not in shown.text
    assert "Quantity" in shown.text


def test_a_partner_orders_for_a_new_customer_once(
    ann: Visitor, sold: Sold, owners: CommerceTable, told: Told
) -> None:
    address = checkout(ann, sold)

    first = ann.post(address, carla(external_id="PO-7", quantity="3"))
    again = ann.post(address, carla(external_id="PO-7", quantity="3"))

    assert first.location == again.location
    shown = ann.get(first.location)
    assert shown.title == "Order accepted · Acme Resellers"
    for said in ("PO-7", "Conte Ltd", "We are setting this up", "View customer", "Refresh"):
        assert said in shown.text
    assert 'hx-trigger="every 2s"' in shown.html
    (submitted,) = told("order.submitted")
    order = owners.order(submitted.snapshot["id"])
    assert order is not None
    assert (order.partner_org, order.external_id) == (ACME, "PO-7")
    customer = owners.customer(order.customer or "")
    assert customer is not None
    assert customer.data.email == "carla@conte.example"


def test_what_is_missing_is_said_at_its_field_and_nothing_is_lost(ann: Visitor, sold: Sold) -> None:
    wrong = carla(**{"customerDetails.email": "carla", "billingDetails.city": "", "quantity": "x"})

    answer = ann.post(checkout(ann, sold), wrong | {"customerDetails.companyName": _SCRIPT})

    assert answer.status == 422
    for said in ("Fill in the city.", "name@example.com", "Give a whole number from 1."):
        assert said in answer.text
    assert 'href="#f-billingDetails-city"' in answer.html
    assert 'value="Torino"' not in answer.html
    assert 'value="carla"' in answer.html
    assert _SCRIPT not in answer.html


def test_what_a_customer_is_called_is_text_on_every_page(
    ann: Visitor, sold: Sold, owners: CommerceTable
) -> None:
    named = ("firstName", "lastName", "companyName", "phone")
    typed = {f"customerDetails.{one}": f"{one} {_SCRIPT}"[:60] for one in named}
    given = {**typed, "billingDetails.address1": _SCRIPT, "billingDetails.city": _SCRIPT}
    order = ordered(ann, sold, owners, **given, external_id=_SCRIPT)
    about = f"/subscriptions?owner={order.owner}"
    flow = f"{about}&subscription={order.subscriptions[0]}&do="

    pages = {
        "/partner": "companyName",
        f"/partner-checkout?order={order.id}": "companyName",
        about: "firstName",
        f"{flow}update": "companyName",
        f"{flow}cancel": "companyName",
    }

    for address, said in pages.items():
        shown = ann.get(address)
        assert (shown.status, said in shown.text) == (200, True), address
        assert "<script>alert" not in shown.html, address
    assert _SCRIPT in ann.get(f"/partner-checkout?order={order.id}").text


def test_an_offer_that_changed_is_shown_for_consent(ann: Visitor, sold: Sold, told: Told) -> None:
    answer = ann.post(checkout(ann, sold), carla(version="0" * 40))

    assert answer.status == 422
    assert "This offer has changed since you opened the page" in answer.text
    assert sold.monthly["version"] in answer.html
    assert told("order.submitted") == []


def test_who_is_not_invoiced_says_how_it_is_paid(bo: Visitor, sold: Sold) -> None:
    given = {"sales_channel__limio": ["Partner"], "eligible_partners__limio": [BOREALIS]}
    own = sold.shop.add("offers", **offer("Borealis Monthly", sold.shop.product["id"], **given))
    address = bo.get(f"/partner-checkout?offer={own['id']}").location

    shown = bo.get(address)
    answer = bo.post(address, carla(payment="invoice"))

    assert "Invoiced to Your customer" in shown.text
    assert "On account" in shown.text
    assert answer.status == 303


def test_another_partners_offer_order_and_customer_are_missing(
    ann: Visitor, bo: Visitor, sold: Sold, owners: CommerceTable
) -> None:
    order = ordered(ann, sold, owners)
    mine, token = bo.get("/partner"), {"csrf_token": bo.get("/partner").hidden("csrf_token")}
    subscription = order.subscriptions[0]
    about = f"/subscriptions?owner={order.owner}"

    assert "No customers yet" in mine.text
    for address in (
        f"/partner-checkout?offer={sold.monthly['id']}",
        f"/partner-checkout?order={order.id}",
        about,
        f"{about}&do=cancel&subscription={subscription}",
    ):
        assert bo.get(address).status == 404, address
    sent = bo.send(f"{about}&do=renew&subscription={subscription}", token)
    assert sent.status == 404


def test_the_customers_table_finds_and_leads_to_a_customer(
    ann: Visitor, sold: Sold, owners: CommerceTable
) -> None:
    order = ordered(ann, sold, owners)

    listed = ann.get("/partner")
    found = ann.get("/partner?tab=customers&q=carla@")
    missed = ann.get("/partner?tab=customers&q=zoe")
    foreign = ann.get("/partner?tab=customers&at=bm9ib2R5cw")

    for said in ("Account name", "Customer first name", "Customer last name", "Customer email"):
        assert said in listed.text
    assert link(found, "View") == f"/subscriptions?owner={order.owner}"
    assert "Nothing fits these filters" in missed.text
    assert foreign.status == 400
    assert "This address leads to no page of this list" in foreign.text
    assert "cursor" not in foreign.text
    assert link(foreign, "First page") == "/partner"
    shown = ann.get(link(listed, "View"))
    assert shown.title == "Conte Ltd · Acme Resellers"
    for said in ("Carla Conte", "carla@conte.example", "Acme Monthly", "Web access", "Active"):
        assert said in shown.text
    assert link(shown, "Update subscription")
    assert link(shown, "Cancel subscription")


def test_a_plan_that_leads_nowhere_is_not_offered_to_be_updated(
    ann: Visitor, sold: Sold, owners: CommerceTable
) -> None:
    address = ann.get(f"/partner-checkout?offer={sold.annual['id']}").location
    placed = ann.post(address, carla()).location.partition("order=")[2]
    order = owners.order(placed)
    assert order is not None
    released(owners, order.subscriptions[0])

    shown = ann.get(f"/subscriptions?owner={order.owner}")

    assert "Update subscription" not in shown.text
    assert link(shown, "Cancel subscription")


def test_billing_that_is_not_connected_costs_the_invoices_only(ann: Visitor) -> None:
    shown = ann.get("/partner?tab=invoices")

    assert shown.status == 200
    assert "Billing is not connected" in shown.text
    assert "Download PDF" not in shown.text


def test_a_plan_is_changed_after_a_look_at_what_changes(
    ann: Visitor, sold: Sold, owners: CommerceTable, told: Told
) -> None:
    order = ordered(ann, sold, owners)
    update = link(ann.get(f"/subscriptions?owner={order.owner}"), "Update subscription")

    choices = ann.get(update)
    nothing = ann.post(update, {"component": "subscriptions", "offer": ""})
    chosen = ann.post(update, {"component": "subscriptions", "offer": sold.annual["id"]})
    review = ann.get(chosen.location)
    fields = {"component": "subscriptions", "version": sold.annual["version"]}
    second = ann.post(update, {"component": "subscriptions", "offer": sold.annual["id"]}).location
    done = ann.post(chosen.location, fields)
    token = {"csrf_token": review.hidden("csrf_token"), **fields}
    late = ann.send(second, token)

    assert "£2.50 more per month" in choices.text
    assert nothing.status == 422
    for said in ("Acme Monthly becomes Acme Annual", "cannot be undone", "New price £20.00"):
        assert said in review.text, review.text
    assert done.location == f"/subscriptions?owner={order.owner}"
    shown = ann.get(done.location)
    assert "Changes to Acme Annual on" in shown.text
    assert "Update subscription" not in shown.text
    assert "Cancel subscription" not in shown.text
    assert late.location == done.location
    assert "pending already" in shown.text
    assert len(told("order.offer_changed")) == 1
    assert len(told("checkout.initiated")) == 2


def test_leaving_asks_why_shows_what_would_keep_and_names_the_day(
    ann: Visitor, sold: Sold, owners: CommerceTable, told: Told
) -> None:
    order = ordered(ann, sold, owners)
    cancel = link(ann.get(f"/subscriptions?owner={order.owner}"), "Cancel subscription")
    component = {"component": "subscriptions"}

    silent = ann.post(cancel, {**component, "step": "reason"})
    why = ann.post(cancel, {**component, "step": "reason", "reason": "too-expensive"})
    before = ann.get(why.location)
    last = ann.get(link(before, "Continue to cancel"))
    too_late = {"step": "end", "day": "2099-01-01"}
    refused = ann.post(link(before, "Continue to cancel"), {**component, **too_late})
    done = ann.post(link(before, "Continue to cancel"), {**component, "step": "end"})

    assert silent.status == 422
    assert len(told("cancel.attempted")) == 1
    for said in ("Half price", "For 3 months from", "Keep my plan with this offer"):
        assert said in before.text
    for said in ("What stops then", "Web access", "Ends on", "last day with access"):
        assert said in last.text
    assert (refused.status, 'value="2099-01-01"' in refused.html) == (422, True)
    assert "Ends on" in ann.get(done.location).text
    (cancelled,) = told("order.subscription_cancelled")
    assert cancelled.snapshot["data"]["data"]["reason"] == {"id": "too-expensive"}


def test_a_save_offer_keeps_the_subscription(
    ann: Visitor, sold: Sold, owners: CommerceTable, told: Told
) -> None:
    order = ordered(ann, sold, owners)
    cancel = link(ann.get(f"/subscriptions?owner={order.owner}"), "Cancel subscription")
    why = ann.post(
        cancel, {"component": "subscriptions", "step": "reason", "reason": "not-used"}
    ).location
    saves = ann.get(why)

    done = ann.post(
        why, {"component": "subscriptions", "step": "save", "offer": saves.hidden("offer")}
    )

    shown = ann.get(done.location).text
    assert "goes on, with Half price" in shown
    assert re.search(r"Half price from \d+ \w+ \d{4}", shown)
    assert "Changes to" not in shown
    assert len(told("order.offer_added")) == 1


def test_what_the_portal_does_not_tick_is_absent_and_refused(
    ann: Visitor, sold: Sold, owners: CommerceTable, told: Told
) -> None:
    order = ordered(ann, sold, owners)
    about = f"/subscriptions?owner={order.owner}"
    cancel = link(ann.get(about), "Cancel subscription")
    token = ann.get(about).hidden("csrf_token")
    catalog = site().catalog
    installed = next(one for one in catalog.pages() if one.slug == "/partner")
    names = ("partner_customers_table", "update_subscription")
    ticked = tuple(Component(name=name) for name in names)
    catalog.replace(
        installed, installed.model_copy(update={"components": ticked, "updated": clock.now()})
    )

    shown = ann.get(about)
    fields = {"csrf_token": token, "component": "subscriptions", "step": "reason"}
    posted = ann.send(cancel, fields | {"reason": "other"})

    assert "Update subscription" in shown.text
    assert "Cancel subscription" not in shown.text
    assert (ann.get(cancel).status, posted.status) == (404, 404)
    assert told("cancel.attempted") == []
    assert "Invoices" not in ann.get("/partner").text
