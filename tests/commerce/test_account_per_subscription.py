"""Orders where each subscription of a new customer has a customer, and an account, of its own."""

from typing import Any

import pytest

from tessera import aws, ids
from tessera.commerce.order_requests import MOST_ITEMS
from tessera.commerce.store import CommerceTable
from tests.commerce.test_place_order import Shop, line, order, owners, sent, shop
from tests.conftest import Told
from tests.handlers import Handler, body, load

__all__ = ["owners", "shop"]

CARD = {"type": "zuora", "zuora": {"refId": "8ad0965d000000000000000000000f10"}}


@pytest.fixture
def place(owners: CommerceTable) -> Handler:
    callers = {"POST /api/order": {"machine": ["orders"]}}
    return load("commerce/place_order", callers, ZUORA_ACCOUNT_MAPPING="subscription")


def items(shop: Shop, count: int) -> list[dict[str, Any]]:
    return [{"offer": {"id": shop.offer["id"]}} for _ in range(count)]


def test_each_subscription_has_a_customer_of_its_own(
    shop: Shop, place: Handler, owners: CommerceTable, told: Told
) -> None:
    placed = body(place(sent(order(shop, orderItems=items(shop, 2)))))

    accounts = [f"{placed['id']}/account/{n}" for n in range(2)]
    numbers = [f"T-{ids.reference(account)}" for account in accounts]
    customers = [ids.customer_id(number) for number in numbers]
    subscriptions = [ids.subscription_id(one) for one in placed["subscriptionReferences"]]
    for number, customer, subscription in zip(numbers, customers, subscriptions, strict=True):
        holding = owners.holding(subscription)
        known = owners.customer(customer)
        assert holding is not None
        assert known is not None
        assert (holding.customer, holding.data.zuora.account_number) == (customer, number)
        assert (known.owner, known.data.zuora.account_number) == (placed["owner"], number)
    assert placed["customer"] == customers[0]
    assert [event.snapshot["id"] for event in told("customer.created")] == customers


def test_a_known_customer_keeps_its_account(
    shop: Shop, place: Handler, owners: CommerceTable
) -> None:
    first = body(place(sent(order(shop))))

    second = body(place(sent(order(shop, owner=first["owner"], orderItems=items(shop, 2)))))

    assert second["customer"] == first["customer"]
    for reference in second["subscriptionReferences"]:
        holding = owners.holding(ids.subscription_id(reference))
        assert holding is not None
        assert holding.customer == first["customer"]


def test_one_card_pays_for_one_account(shop: Shop, place: Handler) -> None:
    wanted = order(shop, orderItems=items(shop, 2), payment=CARD)

    answer = place(sent(wanted))

    assert answer["statusCode"] == 422
    assert body(answer)["errors"][0]["field"] == "orderItems"


def test_the_largest_order_fits_into_one_transaction(shop: Shop, place: Handler) -> None:
    support = shop.add_on["data"]["productBundles"]
    fitting = [{"id": shop.product["id"]}]
    add_ons = [
        shop.add(
            "add-ons",
            name=f"Support {n}",
            data={
                "productBundles": support,
                "attributes": {
                    "price__limio": [line("12.00")],
                    "compatible_products__limio": fitting,
                },
            },
        )
        for n in range(5)
    ]
    one = {**items(shop, 1)[0], "addOns": [{"id": each["id"]} for each in add_ons]}
    sizes: list[int] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        sizes.append(len(params["TransactItems"]))

    events = aws.client("dynamodb").meta.events
    hook = "provide-client-params.dynamodb.TransactWriteItems"
    events.register(hook, note)
    delivery = {"firstName": "Ana", "lastName": "Lopes", "address1": "2 Low Rd", "country": "GB"}
    wanted = order(
        shop,
        external_id="EXT-ORD-12345",
        id_token={"iss": "https://limio.us.auth0.com/", "sub": "auth0|1"},
        deliveryDetails=delivery,
        orderItems=[one] * MOST_ITEMS,
    )
    answer = place(sent(wanted))
    events.unregister(hook, note)

    assert answer["statusCode"] == 202, answer["body"]
    # A partner's customer is found by four names, each a row of its own.
    assert max(sizes) + 4 * MOST_ITEMS <= 100
