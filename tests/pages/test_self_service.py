"""Customers look after their own subscription: what is theirs, and nobody else's."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import cache
from html import unescape
from importlib import import_module
from typing import Any

import boto3
import pytest
import requests

from infra.local import demo
from infra.local._server import Running, serve
from infra.local.zuora import Zuora as ZuoraStandIn
from infra.routes import ROUTES
from tessera import ids
from tessera.aws import client
from tessera.catalog.models import AddOn, Offer
from tessera.catalog.store import CatalogTable
from tessera.commerce.callers import Caller
from tessera.commerce.commits import Commit
from tessera.commerce.models import Order
from tessera.commerce.store import CommerceTable
from tessera.commerce.sync import sync
from tessera.events import event
from tessera.identity.external import NewIdentity, attach
from tessera.integrations.zuora import Zuora
from tessera.integrations.zuora_reading import ZuoraBilling
from tessera.integrations.zuora_requests import AccountChange
from tessera.partners.store import PartnersTable
from tests import handlers
from tests.builders import NOW, FakeCatalog, FakePartners, NoLabels, candidate
from tests.commerce.carrying import REFERENCE, order
from tests.commerce.selling import add_on, offer, price
from tests.integrations.zuora_tenant import Vault, reset
from tests.pages.visitor import Seen, Visitor, signed_in
from tests.partners.organisations import organisation

_ROUTES: dict[str, Any] = {
    route.key: {who.kind: [] for who in route.who}
    for route in ROUTES
    if route.function == "pages/site"
}
ISSUER = "https://limio.us.auth0.com/"
NOOR = "auth0|noor"
PAGES = ("/billing", "/edit-plan", "/subscriptions")


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Running]:
    with serve(ZuoraStandIn()) as running:
        yield running


@pytest.fixture
def tenant(stand_in: Running) -> Running:
    return reset(stand_in)


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    """With what signing in, reading lists and asking Zuora need beside it."""
    boto3.client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers", Type="String", Value="[]"
    )
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="tessera/dev/zuora", SecretString=json.dumps(dict(Vault().kept)))
    secrets.create_secret(Name="tessera/dev/cursors", SecretString=json.dumps({"key": "k" * 32}))
    return CommerceTable("Commerce", "Events")


def held(owners: CommerceTable, tenant: Running, number: str, sub: str = demo.INGRID.sub) -> str:
    """A subscription of Zuora's, synced; `sub` is attached to its owner."""
    synced = sync(
        number,
        billing=ZuoraBilling(Zuora(tenant.url, Vault())),
        catalog=FakeCatalog(candidate()),
        partners=FakePartners(),
        owners=owners,
        now=NOW,
        today=NOW.date(),
        mode="test",
    )
    attach(
        NewIdentity.model_validate({"id_token": {"iss": ISSUER, "sub": sub}}),
        to=synced.owner,
        owners=owners,
        labels=NoLabels(),
        now=NOW,
        today=NOW.date(),
    )
    return owners.holdings_of(synced.owner)[-1].id


@pytest.fixture
def digital(owners: CommerceTable, tenant: Running) -> str:
    """Ingrid's subscription."""
    return held(owners, tenant, demo.DIGITAL_SUBSCRIPTION)


def on_sale(*, better: bool = True, support: bool = True) -> None:
    """Ingrid's plan, with what it can be changed to and what goes with it."""
    dollars = [price("20.00", currency="USD")]
    gold, _ = offer("Gold Annual", price=dollars)
    sold = candidate()
    fits = [{"id": one.id, "$ref": one.path} for one in sold.products]
    help_desk, _ = add_on("Priority support", compatible_products=fits, price=dollars)
    held_now, _ = offer(
        "Digital Monthly",
        price=dollars,
        upgrade_offers=[{"id": gold.id, "$ref": gold.path}] if better else [],
        cross_sell_addons=[{"id": help_desk.id, "$ref": help_desk.path}] if support else [],
    )
    for item in (held_now.model_copy(update={"id": sold.id}), gold, help_desk):
        assert isinstance(item, Offer | AddOn)
        CatalogTable("Catalog").add(item)


@cache
def site(zuora: str) -> Any:
    """Loaded once for each Zuora, as a function that is warm."""
    module = handlers.loaded(
        "pages/site",
        _ROUTES,
        ZUORA_URL=zuora,
        SUPPORT_ADDRESS="help@shop.example",
        ZUORA_PAGE_ID=demo.CARD_PAGE_ID,
        ZUORA_PAGE_URI=zuora + demo.CARD_PAGE_PATH,
        ZUORA_PAGE_SCRIPT=zuora + demo.CARD_SCRIPT_PATH,
    )
    # Nobody carries the orders out here, so nobody waits for it.
    sys.modules[f"{module.__package__}.world"].wait = lambda seconds: None  # type: ignore[attr-defined]
    return module


def visitor(module: Any, sub: str = demo.INGRID.sub) -> Visitor:
    one = Visitor(lambda event: module.handler(event, None), _ROUTES)
    signed_in(one, "customer", subject=sub, issuer=ISSUER, name="Ingrid Halden")
    return one


@pytest.fixture
def ingrid(owners: CommerceTable, tenant: Running, digital: str) -> Visitor:
    return visitor(site(tenant.url))


def link(seen: Seen, words: str) -> str:
    """The address behind a link that begins with these words."""
    found = re.search(rf'<a [^>]*href="([^"]+)"[^>]*>{words}', seen.html)
    assert found is not None, seen.text
    return unescape(found[1])


def orders(owners: CommerceTable, order_type: str) -> list[Order]:
    found, _ = owners.objects("orders", owner=None, partner_org=None, limit=40, after=None)
    return [one for one in found if isinstance(one, Order) and one.order_type == order_type]


def saved_card(tenant: Running, params: dict[str, str]) -> str:
    """What the hosted form answers for the test card: the name it is known by there."""
    given = {**{name: value for name, value in params.items() if name != "url"}, "host": "x"}
    answer = requests.post(params["url"], data={**given, "card": "1111"}, timeout=10)
    found = re.search(r'"refId": "(\w+)"', answer.text)
    assert found is not None, answer.text
    return found[1]


def test_billing_shows_what_is_due_the_invoices_the_card_and_the_address(ingrid: Visitor) -> None:
    shown = ingrid.get("/billing")

    assert shown.status == 200, shown.text
    assert re.search(
        r"Next payment \$110\.00 on \d+ \w+( \d{4})? ?, by Visa ending 4242", shown.text
    )
    assert f"{demo.HALDEN_UNPAID_INVOICE} $110.00 $110.00 Due Download PDF Pay" in shown.text
    assert f"{demo.HALDEN_PAID_INVOICE} $480.00 $0.00 Paid Download PDF Payment" in shown.text
    assert "Visa ending 4242 expires 11/20" in shown.text
    assert "Default" in shown.text
    assert "Update payment" in shown.text
    assert "Billing address Ingrid Halden Storgata 1 Oslo 0155 Norway Change" in shown.text


def test_an_invoice_opens_as_its_pdf(ingrid: Visitor) -> None:
    opened = ingrid.get(link(ingrid.get("/billing"), "Download PDF"))

    assert opened.status == 200
    assert opened.headers["Content-Type"] == "application/pdf"
    assert opened.html.startswith("%PDF")
    assert demo.HALDEN_UNPAID_INVOICE in opened.headers["Content-Disposition"]


def test_whose_sign_in_has_no_subscription_is_told_so_and_sees_nothing_of_others(
    ingrid: Visitor, owners: CommerceTable, tenant: Running
) -> None:
    stranger = visitor(site(tenant.url), "auth0|stranger")

    for address in PAGES:
        shown = stranger.get(address)
        assert shown.status == 200
        assert shown.text.count("We found no subscription for this sign-in") == 1
        assert shown.html.count('href="mailto:help@shop.example"') == 1
        assert "auth0|stranger" in shown.text
        assert "Sign in differently" in shown.text
        assert demo.HALDEN_PAID_INVOICE not in shown.text


def test_the_card_of_an_account_that_pays_by_itself_is_not_to_be_removed(
    ingrid: Visitor, tenant: Running
) -> None:
    remove = link(ingrid.get("/billing"), "Remove")
    pays = AccountChange(auto_pay=True, default_payment_method_id=demo.HALDEN_CARD_ID)
    Zuora(tenant.url, Vault()).change_account(demo.HALDEN.number, pays)

    assert "Remove" not in ingrid.get("/billing").text
    refused = ingrid.post(remove, {"component": "payment_methods"})
    assert refused.status == 303
    shown = ingrid.get("/billing").text
    assert "Make another one the default first." in shown
    assert "Visa ending 4242" in shown


@pytest.mark.parametrize("deed", ["pdf", "pay", "remove", "card", "address"])
def test_what_belongs_to_another_is_missing_like_what_never_was(
    ingrid: Visitor, owners: CommerceTable, tenant: Running, digital: str, deed: str
) -> None:
    held(owners, tenant, demo.SAMPLE_SUBSCRIPTIONS[0], NOOR)
    noor = visitor(site(tenant.url), NOOR)
    billing = ingrid.get("/billing")
    holding = owners.holding(digital)
    assert holding is not None
    method = re.search(r'name="default" value="([^"]+)"', billing.html)
    theirs = {
        "pdf": demo.HALDEN_UNPAID_INVOICE_ID,
        "pay": demo.HALDEN_UNPAID_INVOICE_ID,
        "remove": method[1] if method else demo.HALDEN_CARD_ID,
        "card": digital,
        "address": f"{holding.customer}.billing",
    }[deed]

    hidden = noor.get(f"/billing?{deed}={theirs}")
    unknown = noor.get(f"/billing?{deed}={'0' * 32}")

    assert (hidden.status, unknown.status) == (404, 404)
    assert hidden.text == unknown.text


def test_billing_that_is_silent_costs_its_own_blocks_only(
    owners: CommerceTable, digital: str
) -> None:
    shown = visitor(site("http://127.0.0.1:9")).get("/billing")

    assert shown.status == 200
    assert shown.text.count("Zuora did not answer. Try again") == 2
    assert "Next payment $110.00" in shown.text
    assert "Storgata 1" in shown.text


def test_where_billing_is_not_connected_nothing_can_be_paid(
    owners: CommerceTable, digital: str
) -> None:
    module = handlers.loaded("pages/site", _ROUTES)

    shown = visitor(module).get("/billing")

    assert shown.status == 200
    assert shown.text.count("Billing is not connected") == 2
    assert "Update payment" not in shown.text
    assert "Download PDF" not in shown.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"how": "part"}, "Say how much you want to pay."),
        ({"how": "part", "invoice.amount": "111"}, "Pay more than nothing and at most $110.00."),
        ({"how": "part", "invoice.amount": "<script>"}, "Write the amount in figures, as 10.00."),
        ({"how": "part", "invoice.amount": "0.001"}, "Write the amount in figures, as 10.00."),
        ({}, "Choose how much you want to pay."),
    ],
)
def test_an_amount_that_cannot_be_paid_comes_back_as_it_was_typed(
    ingrid: Visitor, typed: dict[str, str], said: str
) -> None:
    pay = link(ingrid.get("/billing"), "Pay<")

    back = ingrid.post(pay, {"component": "invoices", **typed})

    assert back.status == 422
    assert said in back.text
    assert "<script>" not in back.html.split("<main", 1)[1]
    value = typed.get("invoice.amount", "").replace("<", "&lt;").replace(">", "&gt;")
    assert f'value="{value}"' in back.html


def test_a_part_of_an_invoice_is_paid(ingrid: Visitor, owners: CommerceTable) -> None:
    pay = link(ingrid.get("/billing"), "Pay<")
    assert "Visa ending 4242" in ingrid.get(pay).text

    moved = ingrid.post(pay, {"component": "invoices", "how": "part", "invoice.amount": "10,50"})

    assert (moved.status, moved.location) == (303, "/billing")
    said = f"Your payment of $10.50 for {demo.HALDEN_UNPAID_INVOICE} is under way"
    assert said in ingrid.get("/billing").text
    [order] = orders(owners, "pay_invoice")
    assert order.data["invoice"]["amount"] == "10.50"


def test_the_card_page_alone_lets_the_billing_provider_in(ingrid: Visitor, tenant: Running) -> None:
    billing = ingrid.get("/billing")
    card = ingrid.get(link(billing, "Update payment"))

    origin = tenant.url
    policy = card.headers["Content-Security-Policy"]
    for rule in ("script-src 'self'", "connect-src 'self'"):
        assert f"{rule} {origin}" in policy
    assert f"frame-src {origin}" in policy
    assert origin not in billing.headers["Content-Security-Policy"]
    assert f'<script src="{tenant.url}{demo.CARD_SCRIPT_PATH}" defer>' in card.html
    assert "The card form needs JavaScript" in card.text


def test_a_new_card_is_ordered_as_the_default_and_a_card_can_go(
    ingrid: Visitor, tenant: Running, owners: CommerceTable
) -> None:
    address = link(ingrid.get("/billing"), "Update payment")
    opened = ingrid.get(address)
    data = re.search(r'data-card="([^"]+)"', opened.html)
    assert data is not None
    ref = saved_card(tenant, json.loads(unescape(data[1])))

    moved = ingrid.post(address, {"component": "payment_methods", "payment.zuora.refId": ref})

    assert moved.location == "/billing"
    [order] = orders(owners, "change_payment")
    assert order.payment_method == ref
    shown = ingrid.get("/billing")
    assert "The new card is saved" in shown.text
    remove = link(shown, 'Remove<span class="hidden">: Visa ending 1111')
    assert ingrid.get(remove).title == "Remove Visa ending 1111 · Tessera"
    gone = ingrid.post(remove, {"component": "payment_methods"})
    assert gone.status == 303
    after = ingrid.get("/billing").text
    assert "Visa ending 1111 removed" in after
    assert "Visa ending 1111 expires" not in after


def test_another_default_is_an_order(
    ingrid: Visitor, tenant: Running, owners: CommerceTable
) -> None:
    card = ingrid.get(link(ingrid.get("/billing"), "Update payment"))
    data = re.search(r'data-card="([^"]+)"', card.html)
    assert data is not None
    ref = saved_card(tenant, json.loads(unescape(data[1])))
    shown = ingrid.get("/billing")

    moved = ingrid.post(
        "/billing", {"component": "payment_methods", "default": shown.hidden("default")}
    )

    assert moved.status == 303
    [order] = orders(owners, "change_payment")
    assert order.payment_method == ref


def test_a_card_that_was_never_shown_to_us_cannot_be_named(
    ingrid: Visitor, owners: CommerceTable
) -> None:
    address = link(ingrid.get("/billing"), "Update payment")

    back = ingrid.post(address, {"component": "payment_methods", "payment.zuora.refId": ""})

    assert back.status == 422
    assert orders(owners, "change_payment") == []


def test_an_address_is_changed(ingrid: Visitor, owners: CommerceTable) -> None:
    change = link(ingrid.get("/billing"), "Change<")
    typed = {
        "component": "addresses",
        "address.address1": "<script>alert(1)</script> 7 Long Road",
        "address.city": "",
        "address.postalCode": "",
        "address.country": "GB",
    }

    back = ingrid.post(change, typed)

    assert back.status == 422
    assert "Fill in the city." in back.text
    assert "Fill in the postal code." in back.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; 7 Long Road" in back.html
    assert "<script>alert" not in back.html

    moved = ingrid.post(
        change, {**typed, "address.city": "Bristol", "address.postalCode": "BS1 4RB"}
    )

    assert moved.location == "/billing"
    shown = ingrid.get("/billing")
    assert "Billing address changed" in shown.text
    assert "7 Long Road Bristol BS1 4RB United Kingdom" in shown.text
    assert "<script>alert" not in shown.html
    assert len(orders(owners, "change_address")) == 1


def test_a_forged_form_does_nothing(ingrid: Visitor, owners: CommerceTable) -> None:
    change = link(ingrid.get("/billing"), "Change<")

    refused = ingrid.send(change, {"csrf_token": "x", "component": "addresses"})

    assert refused.status == 403
    assert orders(owners, "change_address") == []


def test_the_plan_with_what_can_be_done_about_it(ingrid: Visitor, digital: str) -> None:
    on_sale()

    shown = ingrid.get("/edit-plan")

    assert shown.status == 200
    for words in ("Digital Monthly", "Active", "Price", "Term", "Next payment", "Renewal"):
        assert words in shown.text, shown.text
    for words in ("Change plan", "Add-ons", "Cancel"):
        assert ingrid.get(link(shown, words)).status == 200, words
    assert "Renew<" not in shown.html, "it renews by itself"


@pytest.mark.parametrize(
    ("sold", "offered"),
    [
        ({"better": False}, ["Add-ons"]),
        ({"support": False}, ["Change plan"]),
        ({"better": False, "support": False}, []),
    ],
    ids=["add-ons-only", "plans-only", "nothing"],
)
def test_no_link_leads_to_where_nothing_can_be_chosen(
    ingrid: Visitor, sold: dict[str, bool], offered: list[str]
) -> None:
    on_sale(**sold)

    shown = ingrid.get("/edit-plan")

    assert [words for words in ("Change plan", "Add-ons") if words in shown.text] == offered
    assert link(shown, "Cancel subscription")


def test_what_can_be_chosen_is_found_by_two_reads_however_many_subscriptions_there_are(
    owners: CommerceTable, tenant: Running, digital: str
) -> None:
    on_sale()
    on_offer = import_module(f"{site(tenant.url).__package__}.on_offer").on_offer
    holding = owners.holding(digital)
    assert holding is not None
    many = [holding.model_copy(update={"id": f"sub-{n:032x}"}) for n in range(9)]
    reads: list[list[str]] = []

    class Items:
        def for_sale(self, wanted: Iterable[str]) -> Any:
            reads.append(list(wanted))
            return CatalogTable("Catalog").for_sale(reads[-1])

    found = on_offer(many, Caller(kind="machine", id="m"), holding.data.start_date, Items())

    assert len(reads) == 2
    assert {(one.plans, one.add_ons) for one in found.values()} == {(True, True)}
    assert set(found) == {one.id for one in many}


def test_among_several_subscriptions_one_is_chosen_first(
    ingrid: Visitor, owners: CommerceTable, tenant: Running
) -> None:
    held(owners, tenant, demo.GOLD_SUBSCRIPTION)
    on_sale()

    choice = ingrid.get("/edit-plan")

    assert "Which subscription is it about?" in choice.text
    assert demo.GOLD_SUBSCRIPTION in choice.text
    chosen = ingrid.get(link(choice, "Digital Monthly"))
    assert "Change plan" in chosen.text
    assert "Another subscription" in chosen.text


def test_subscriptions_of_one_name_are_told_apart_by_their_numbers(
    ingrid: Visitor, owners: CommerceTable, tenant: Running, digital: str
) -> None:
    held(owners, tenant, demo.GOLD_SUBSCRIPTION)
    other = owners.holding(ids.subscription_id(demo.GOLD_SUBSCRIPTION))
    one = owners.holding(digital)
    assert one is not None
    assert other is not None
    other = other.model_copy(update={"offers": one.offers, "data": one.data})
    payments = import_module(f"{site(tenant.url).__package__}.payments")
    plain = payments.name_of(one)
    assert payments.name_of(other) == plain

    assert payments.told_apart([one]) == [plain]
    assert payments.told_apart([one, other]) == [
        f"{plain}, {demo.DIGITAL_SUBSCRIPTION}",
        f"{plain}, {demo.GOLD_SUBSCRIPTION}",
    ]


def ordered(owners: CommerceTable, digital: str, number: int = 1, **detail: Any) -> Order:
    """A change of Ingrid's plan, as it stands once it was carried out or refused."""
    holding = owners.holding(digital)
    assert holding is not None
    assert holding.owner is not None
    ownership = owners.ownership(holding.owner)
    assert ownership is not None
    at = NOW + timedelta(minutes=number)
    placed = order(
        **{
            "order_type": "change_offer",
            "id": ids.derived("order", "order", "company", str(number)),
            "owner": holding.owner,
            "customer": holding.customer,
            "subscriptions": (digital,),
            "created": at,
            "updated": at,
            "order_date": at,
            **detail,
        }
    )
    owners.commit(Commit(ownership, seen=ownership.owner.updated, creates=[placed]))
    return placed


def test_a_change_that_was_refused_is_told_with_what_to_do_next(
    ingrid: Visitor, owners: CommerceTable, tenant: Running, digital: str
) -> None:
    ordered(owners, digital, status="failed")
    on_sale()

    shown = ingrid.get("/edit-plan")

    said = "did not go through. The plan stays as it was before. You can try it again here."
    assert "The change of 2 March 2026, 09:15 UTC" in shown.text, shown.text
    assert said in shown.text
    assert f"Order reference {REFERENCE}" in shown.text
    assert "Change plan" in shown.text


@pytest.mark.parametrize(
    ("order_type", "status"),
    [("change_offer", "complete"), ("cancel_subscription", "processing"), ("renew", "complete")],
)
def test_a_refusal_is_not_told_any_more_once_there_is_another_change(
    ingrid: Visitor, owners: CommerceTable, digital: str, order_type: str, status: str
) -> None:
    ordered(owners, digital, status="failed")
    ordered(owners, digital, 2, order_type=order_type, status=status)
    # What changes nothing about the plan does not hide its change either.
    ordered(owners, digital, 3, order_type="pay_invoice", status="failed")

    assert "did not go through" not in ingrid.get("/edit-plan").text


def ends_with_its_term(owners: CommerceTable, digital: str) -> None:
    holding = owners.holding(digital)
    assert holding is not None
    ownership = owners.ownership(holding.owner or "")
    assert ownership is not None
    data = holding.data.model_copy(update={"auto_renew": False})
    change = holding.model_copy(update={"data": data})
    owners.commit(Commit(ownership, seen=ownership.owner.updated, replaces=[change]))


def test_a_term_that_would_end_is_renewed_after_a_look_at_the_next_one(
    ingrid: Visitor, owners: CommerceTable, digital: str
) -> None:
    ends_with_its_term(owners, digital)
    renewal = link(ingrid.get("/edit-plan"), "Renew")

    review = ingrid.get(renewal)
    done = ingrid.post(renewal, {"component": "plan"})

    for said in ("Term until now", "New term", "Price"):
        assert said in review.text, review.text
    assert done.location == "/edit-plan"
    (placed,) = orders(owners, "renew")
    assert placed.subscriptions == (digital,)
    assert "is being renewed" in ingrid.get(done.location).text
    # A second press of the button, or the page of before, does nothing more.
    assert ingrid.get(renewal).location == "/edit-plan"
    ingrid.post(renewal, {"component": "plan"})
    assert len(orders(owners, "renew")) == 1


def test_an_error_page_says_whom_to_write_to(ingrid: Visitor) -> None:
    missing = ingrid.get("/edit-plan?subscription=sub-none")

    assert missing.status == 404
    assert "If you need help, write to help@shop.example" in missing.text


def test_a_refused_cancellation_is_called_one(
    ingrid: Visitor, owners: CommerceTable, digital: str
) -> None:
    ordered(owners, digital, order_type="cancel_subscription", status="failed")
    ordered(owners, digital, 2, order_type="pay_invoice", status="complete")

    assert "The cancellation of 2 March 2026, 09:15 UTC" in ingrid.get("/edit-plan").text


def test_a_plan_that_is_sold_nowhere_says_who_can_change_it(
    owners: CommerceTable, tenant: Running
) -> None:
    held(owners, tenant, demo.LEGACY_SUBSCRIPTION)

    shown = visitor(site(tenant.url)).get("/edit-plan")

    assert "Our support can change it for you." in shown.text, shown.text
    assert 'Write to <a href="mailto:help@shop.example">help@shop.example</a>' in shown.html
    assert "Change plan" not in shown.text
    assert "Charges" in shown.text


def test_a_partners_subscription_is_the_partners_to_change(ingrid: Visitor, digital: str) -> None:
    acme = organisation()
    PartnersTable("Partners", "Events").add(acme, event("partner_org.created", acme.wire(), at=NOW))
    client("dynamodb").update_item(
        TableName="Commerce",
        Key={"pk": {"S": digital}, "sk": {"S": digital}},
        UpdateExpression="SET partner_org = :org",
        ExpressionAttributeValues={":org": {"S": acme.id}},
    )

    shown = ingrid.get("/edit-plan")

    assert "Acme Resellers manages your plan" in shown.text
    assert "Change plan" not in shown.text
    refused = ingrid.get(f"/edit-plan?do=update&subscription={digital}")
    assert refused.status == 403


def test_the_list_leads_to_billing_and_to_the_plan(ingrid: Visitor, digital: str) -> None:
    shown = ingrid.get("/subscriptions")

    assert "Digital Monthly" in shown.text
    assert demo.DIGITAL_SUBSCRIPTION in shown.text
    assert link(shown, "Billing") == "/billing"
    assert link(shown, "Edit plan<span") == f"/edit-plan?subscription={digital}"
