"""Ordering, previews and baskets through the deployed handlers, and what they cost."""

from datetime import timedelta
from typing import Any

import boto3
import pytest

from tessera import clock, ids
from tessera.commerce.basket_store import BasketsTable
from tessera.commerce.baskets import ChangedMeanwhile
from tessera.commerce.callers import Caller
from tessera.commerce.commits import Commit
from tessera.commerce.entitlements import Ownership
from tessera.commerce.form_store import OpenedForms
from tessera.commerce.models import Identity, IdentityData, Owner, identity_id
from tessera.commerce.store import CommerceTable
from tessera.events import event
from tessera.identity.issuers import normalised
from tessera.partners.store import PartnersTable
from tests.builders import NOW, api_event, customer, machine, operator, partner
from tests.commerce import desks
from tests.commerce.counting import counted
from tests.commerce.selling import CUSTOMER, OWNER, SUBSCRIPTION, subscription
from tests.commerce.test_place_order import Shop, offer, order
from tests.conftest import Told
from tests.handlers import body, load
from tests.partners.organisations import ACME, organisation, petra

ISSUER, SUB = "https://limio.us.auth0.com/", "auth0|67bf2138817314f757da5abc"
ADMIN = operator("admin")


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    boto3.client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers", Type="String", Value="[]"
    )
    return CommerceTable("Commerce", "Events")


@pytest.fixture
def shop(owners: CommerceTable) -> Shop:
    return Shop()


@pytest.fixture
def signed_in(tables: dict[str, str]) -> dict[str, Any]:
    """Petra of Acme."""
    stored, one = PartnersTable("Partners", "Events"), organisation(ACME)
    stored.add(one, event("partner_org.created", one.wire(), at=NOW))
    enrolled = petra(status="inviting", subject=None)
    stored.enrol(enrolled, due=NOW)
    active = {"status": "active", "subject": "subject-of-petra"}
    user = enrolled.model_copy(update={**active, "modified": NOW + timedelta(seconds=1)})
    stored.activate(enrolled, user, event("partner_user.created", {}, at=NOW))
    return partner("subject-of-petra", ACME)


def sent(
    function: str,
    method: str,
    route: str,
    caller: dict[str, Any],
    json: Any = None,
    *,
    kind: str,
    needs: list[str] | None = None,
    **more: Any,
) -> tuple[int, Any]:
    handler = load(f"commerce/{function}", {f"{method} {route}": {kind: needs or []}})
    path = route.format(**more.pop("ids", {}))
    answer = handler(api_event(method, path, route=route, body=json, caller=caller, **more))
    return answer["statusCode"], body(answer)


def opened_a_form() -> None:
    """By the person who is signed in, just now."""
    login = CommerceTable("Commerce").identity(identity_id(normalised(ISSUER), SUB))
    assert login is not None
    caller = Caller(kind="customer", id=SUB, owner=login.owner)
    OpenedForms("Sessions").opened(caller, at=clock.now())


def test_a_person_buys_and_reads_its_order_and_subscription(shop: Shop, told: Told) -> None:
    bought = order(shop, payment={"type": "zuora", "zuora": {"refId": "8" * 32}})
    person, other = customer(), customer("auth0|other")
    post = ("place_own_order", "POST", "/api/mma/order")
    assert sent(*post, person, bought, kind="customer")[0] == 422
    opened_a_form()

    status, placed = sent(*post, person, bought, kind="customer")

    assert status == 202
    read = ("read_own_order", "GET", "/api/mma/order/{id}")
    named: dict[str, Any] = {"ids": {"id": placed["id"]}, "kind": "customer"}
    assert sent(*read, person, **named)[1]["placed_by"] == {"kind": "customer", "id": SUB}
    assert sent(*read, other, **named)[0] == 404
    held: dict[str, Any] = {"ids": {"id": ids.subscription_id(placed["subscriptionReference"])}}
    look = ("read_own_subscription", "GET", "/api/mma/subscriptions/{id}")
    assert sent(*look, person, **held, kind="customer")[1]["owner"] == placed["owner"]
    assert sent(*look, other, **held, kind="customer")[0] == 404
    (submitted,) = told("order.submitted")
    assert submitted.snapshot["source"] == "shop"


def test_staff_orders_for_anybody(shop: Shop) -> None:
    post = ("place_staff_order", "POST", "/api/admin/order")

    status, placed = sent(*post, ADMIN, order(shop), kind="operator", needs=["admin"])

    assert (status, placed["status"]) == (202, "submitted")
    support = operator("support")
    assert sent(*post, support, order(shop), kind="operator", needs=["admin"])[0] == 403


def test_a_partner_sells_what_is_its_own_to_sell(
    shop: Shop, signed_in: dict[str, Any], owners: CommerceTable
) -> None:
    gold = {"sales_channel__limio": ["Partner"], "eligible_partners__limio": [ACME]}
    sells = shop.add("offers", **offer("Acme Digital", shop.product["id"], **gold))
    wanted = order(shop, orderItems=[{"offer": {"id": sells["id"]}}], payment=None)
    post = ("place_partner_order", "POST", "/api/partner/order")
    ask = ("preview_partner_order", "POST", "/api/partner/order/preview")

    preview = sent(*ask, signed_in, wanted, kind="partner")
    status, placed = sent(*post, signed_in, wanted, kind="partner")

    assert (preview[0], preview[1]["dueNow"]) == (200, "17.50")
    assert status == 202
    stored = owners.order(placed["id"])
    assert stored is not None
    assert (stored.partner_org, stored.placed_by.kind) == (ACME, "partner")
    refused = sent(*post, signed_in, order(shop), kind="partner")
    assert (refused[0], refused[1]["code"]) == (404, "offer_not_found")


def test_a_preview_writes_nothing(shop: Shop, told: Told) -> None:
    for function, route, caller, kind, needs in (
        ("preview_order", "/api/order/preview", machine("orders"), "machine", ["orders"]),
        ("preview_staff_order", "/api/admin/order/preview", ADMIN, "operator", ["admin"]),
    ):
        with counted() as requests:
            status, shown = sent(
                function, "POST", route, caller, order(shop), kind=kind, needs=needs
            )

        assert (status, shown["entitlements"]) == (200, [{"code": "W2"}])
        assert set(requests) <= {"GetItem", "BatchGetItem"}
    assert told() == []


def test_a_preview_of_a_person_gives_it_an_owner_and_nothing_else(shop: Shop, told: Told) -> None:
    card = {"type": "zuora", "zuora": {"refId": "8" * 32}}
    ask = ("preview_own_order", "POST", "/api/mma/order/preview")
    sent(*ask, customer(), order(shop, payment=card), kind="customer")
    opened_a_form()

    status, shown = sent(*ask, customer(), order(shop, payment=card), kind="customer")

    assert (status, shown["next"]["amount"]) == (200, "17.50")
    assert told() == []


def test_accepting_an_order_is_one_transaction_and_few_reads(shop: Shop) -> None:
    post = ("place_order", "POST", "/api/order")
    caller: dict[str, Any] = {"kind": "machine", "needs": ["orders"]}
    _, first = sent(*post, machine("orders"), order(shop), **caller)
    items = {"order_type": "new", "orderItems": [{"offer": {"id": shop.offer["id"]}}]}

    with counted() as requests:
        again = {**items, "owner": first["owner"], "external_id": "EXT-2"}
        assert sent(*post, machine("orders"), again, **caller)[0] == 202

    # The order of that name, the owner, its customer, whose account may have a default method; the
    # offer, its product, its entitlements.
    assert requests == {"GetItem": 3, "BatchGetItem": 3, "TransactWriteItems": 1}


def test_a_field_at_fault_is_answered_as_a_problem(shop: Shop) -> None:
    post = ("place_order", "POST", "/api/order")

    for wrong, field in (({"order_type": "gift"}, "order_type"), ([], "body")):
        status, problem = sent(*post, machine("orders"), wrong, kind="machine", needs=["orders"])
        assert (status, problem["errors"][0]["field"]) == (422, field)
        assert problem["message"] == problem["detail"]


@pytest.fixture
def subscriber(owners: CommerceTable) -> dict[str, Any]:
    """Ana, signed in, with her subscription."""
    id = identity_id(normalised(ISSUER), SUB)
    login = Identity(
        id=id,
        owner=OWNER,
        name=SUB,
        created=NOW,
        updated=NOW,
        data=IdentityData(iss=ISSUER, sub=SUB),
    )
    owner = Owner(id=OWNER, created=NOW, updated=NOW)
    held = subscription()
    records = [login, desks.customer(), held, *held.offers, *held.schedule]
    ownership = Ownership(owner=owner, identities=(login,))
    owners.commit(Commit(ownership=ownership, seen=None, creates=records))
    return customer(SUB, ISSUER)


def test_a_basket_is_opened_read_and_changed(subscriber: dict[str, Any], told: Told) -> None:
    route = "/api/checkout/subscription"
    named = {"order_type": "update_subscription", "forSubscription": {"id": SUBSCRIPTION}}

    status, basket = sent(
        "open_basket", "POST", route, subscriber, {"order": named}, kind="customer"
    )

    assert (status, basket["forSubscription"]["id"]) == (201, SUBSCRIPTION)
    checkout = {"checkoutId": basket["checkoutId"]}
    status, read = sent("read_basket", "GET", route, subscriber, kind="customer", query=checkout)
    assert (status, read) == (200, basket)
    unset = {**checkout, "orderItemActionType": "remove", "type": "offer"}
    status, changed = sent("change_basket", "PUT", route, subscriber, unset, kind="customer")
    assert (status, changed) == (200, basket)
    other = customer("auth0|other")
    assert sent("read_basket", "GET", route, other, kind="customer", query=checkout)[0] == 410
    assert [one.type for one in told()] == ["checkout.initiated"]


def test_a_basket_changes_only_from_what_was_read(subscriber: dict[str, Any]) -> None:
    named = {"order_type": "update_subscription", "forSubscription": {"id": SUBSCRIPTION}}
    route, table = "/api/checkout/subscription", BasketsTable("Sessions")
    _, opened = sent("open_basket", "POST", route, subscriber, {"order": named}, kind="customer")
    basket = table.find(opened["checkoutId"])
    assert basket is not None

    table.save(basket.model_copy(update={"revision": 2}), seen=1)
    with pytest.raises(ChangedMeanwhile):
        table.save(basket.model_copy(update={"revision": 2}), seen=1)
    table.placed_as(basket.id, "order-1")
    table.placed_as("basket-that-is-gone", "order-1")

    placed = table.find(basket.id)
    assert placed is not None
    assert (placed.order, placed.revision) == ("order-1", 3)
    assert table.find("basket-that-is-gone") is None


def test_an_opened_form_is_known_to_its_caller_alone(tables: dict[str, str]) -> None:
    forms = OpenedForms("Sessions")
    other = Caller(kind="customer", id="auth0|2", owner=OWNER)

    forms.opened(CUSTOMER, at=NOW)

    assert forms.has_opened_form(CUSTOMER, since=NOW)
    assert not forms.has_opened_form(CUSTOMER, since=NOW + timedelta(milliseconds=1))
    assert not forms.has_opened_form(other, since=NOW)
