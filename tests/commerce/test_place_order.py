"""Placing a new order, through the deployed handler, against a real catalog."""

from datetime import timedelta
from typing import Any

import boto3
import pytest

from tessera import clock, ids
from tessera.commerce import waiting
from tessera.commerce.store import CommerceTable
from tests.builders import api_event, machine
from tests.conftest import Told
from tests.fake_aws import filled
from tests.handlers import Handler, body, load

PLAN = "8ad0965d000000000000000000000101"
SUPPORT_PLAN = "8ad0965d000000000000000000000103"


class Shop:
    """A catalog with an offer that grants W2 and an add-on that goes with it."""

    def __init__(self) -> None:
        self._create = load(
            "catalog/create_item", {"POST /api/catalog/{kind}": {"machine": ["catalog"]}}
        )
        entitlement = self.add("entitlements", name="Web access", label="Web access", code="W2")
        help_ = self.add("entitlements", name="Support", label="Support", code="HELP")
        self.product = self.add(
            "products", name="Digital", entitlements=[{"id": entitlement["id"]}]
        )
        support = self.add("products", name="Support desk", entitlements=[{"id": help_["id"]}])
        self.offer = self.add("offers", **offer("Digital Monthly", self.product["id"]))
        self.add_on = self.add(
            "add-ons",
            name="Support",
            data={
                "productBundles": [{"product": {"id": support["id"]}, "rate_plan": SUPPORT_PLAN}],
                "attributes": {
                    "price__limio": [line("12.00")],
                    "compatible_products__limio": [{"id": self.product["id"]}],
                },
            },
        )

    def add(self, kind: str, **item: Any) -> dict[str, Any]:
        event = api_event(
            "POST",
            f"/api/catalog/{kind}",
            route="/api/catalog/{kind}",
            body={"status": "active", **item},
            caller=machine("catalog"),
        )
        answer = self._create(event)
        assert answer["statusCode"] == 201, answer["body"]
        created: dict[str, Any] = body(answer)
        return created


def line(value: str, currency: str = "GBP") -> dict[str, Any]:
    return {
        "name": "Monthly",
        "type": "recurring",
        "value": value,
        "currencyCode": currency,
        "repeat_interval": 1,
        "repeat_interval_type": "months",
    }


def offer(name: str, product: str, **attributes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "data": {
            "productBundles": [{"product": {"id": product}, "rate_plan": PLAN}],
            "attributes": {
                "price__limio": [line("17.50")],
                "term__limio": {"length": 12, "type": "months"},
                "autoRenew__limio": True,
                **attributes,
            },
        },
    }


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    boto3.client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers", Type="String", Value="[]"
    )
    return CommerceTable("Commerce", "Events")


@pytest.fixture
def shop(owners: CommerceTable) -> Shop:
    return filled("eu-west-1", Shop)


@pytest.fixture
def place(owners: CommerceTable) -> Handler:
    return load("commerce/place_order", {"POST /api/order": {"machine": ["orders"]}})


def order(shop: Shop, **detail: Any) -> dict[str, Any]:
    return {
        "order_type": "new",
        "orderItems": [{"offer": {"id": shop.offer["id"]}}],
        "customerDetails": {
            "firstName": "Ana",
            "lastName": "Lopes",
            "email": "ana@example.com",
            "companyName": "Lopes Ltd",
        },
        "billingDetails": {"address1": "1 High St", "city": "Leeds", "country": "GB"},
        "payment": {"type": "invoice"},
        **detail,
    }


def sent(sent: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    headers = {"idempotency-key": key} if key else None
    return api_event("POST", "/api/order", body=sent, caller=machine("orders"), headers=headers)


def test_answers_with_the_references_that_the_external_id_always_gives(
    shop: Shop, place: Handler
) -> None:
    answer = place(sent(order(shop, external_id="EXT-ORD-12345", source="shop")))

    assert answer["statusCode"] == 202
    placed = body(answer)
    assert placed["id"] == "order-c3a3d018e1460c3cea0f68c8ae9513d9"
    assert placed["order_reference"] == "C5PBH5JD6698"
    assert placed["subscriptionReferences"] == ["IDEQB58U8CQL"]
    assert placed["status"] == "submitted"


def test_all_that_a_purchase_makes_has_the_id_that_its_parts_always_give(
    shop: Shop, place: Handler, owners: CommerceTable
) -> None:
    items = [
        {"offer": {"id": shop.offer["id"]}, "addOns": [{"id": shop.add_on["id"]}]},
        {"offer": {"id": shop.offer["id"]}},
    ]

    placed = body(place(sent(order(shop, external_id="EXT-ORD-12345", orderItems=items))))

    def offer_of(item: int, place: int) -> str:
        parts = ("order-c3a3d018e1460c3cea0f68c8ae9513d9", str(item), str(place))
        return ids.derived("subscription_offer", "subscription_offer", *parts)

    first, second = owners.holdings_of(placed["owner"])
    if first.name != "IDEQB58U8CQL":
        first, second = second, first
    assert offer_of(0, 0) == "subscription_offer-350f8b3d988c4d542835b1c88576fc9a"
    assert [one.id for one in (*first.offers, *first.add_ons)] == [offer_of(0, 0), offer_of(0, 1)]
    assert [one.id for one in second.offers] == [offer_of(1, 0)]
    for position, one in enumerate((first, second)):
        assert one.ref == f"{placed['id']}/{ids.order_item(placed['id'], position)}"
        assert one.name == one.reference == one.data.zuora.number
    number = f"T-{ids.reference(placed['id'] + '/account')}"
    assert placed["customer"] == ids.customer_id(number)
    assert owners.address(ids.derived("address", "address", placed["customer"], "billing"))


def test_grants_access_in_the_same_transaction(
    shop: Shop, place: Handler, owners: CommerceTable, told: Told
) -> None:
    placed = body(place(sent(order(shop, external_id="EXT-ORD-12345", source="shop"))))

    assert [event.type for event in told()] == [
        "customer.created",
        "address.added",
        "order.submitted",
        "subscription.created",
        "entitlements.updated",
    ]
    snapshot = told("entitlements.updated")[0].snapshot
    assert snapshot["tracking"] == {
        "subscription": "IDEQB58U8CQL",
        "source": "shop",
        "name": "C5PBH5JD6698",
        "orderReference": "C5PBH5JD6698",
    }
    assert (snapshot["entitlements"], snapshot["identities"]) == ([{"code": "W2"}], [])
    assert snapshot["owner"] == placed["owner"]
    assert "effectiveDate" not in snapshot  # it holds now


def test_makes_the_subscription_with_its_offer_term_and_first_payment(
    shop: Shop, place: Handler, owners: CommerceTable
) -> None:
    place(sent(order(shop, external_id="EXT-ORD-12345")))

    holding = owners.holding("sub-ea993e7d7cc42794e4a94413e67f8c46")
    assert holding is not None
    assert (holding.name, holding.status) == ("IDEQB58U8CQL", "active")
    assert holding.data.price is not None
    assert holding.data.price.summary is not None
    assert holding.data.price.summary.headline == "£17.50"
    assert [one.data.products[0].entitlements[0].code for one in holding.offers] == ["W2"]
    assert [(row.status, f"{row.data.amount}") for row in holding.schedule] == [
        ("pending", "17.50")
    ]


def test_all_that_one_order_sells_is_one_customers(
    shop: Shop, place: Handler, owners: CommerceTable, told: Told
) -> None:
    items = [{"offer": {"id": shop.offer["id"]}}] * 2

    placed = body(place(sent(order(shop, orderItems=items))))

    (created,) = told("customer.created")
    assert created.snapshot["id"] == placed["customer"]
    sold = [owners.holding(ids.subscription_id(one)) for one in placed["subscriptionReferences"]]
    assert [one and one.customer for one in sold] == [placed["customer"]] * 2


def test_an_add_on_brings_its_entitlements_and_its_price(
    shop: Shop, place: Handler, owners: CommerceTable, told: Told
) -> None:
    items = [{"offer": {"id": shop.offer["id"]}, "addOns": [{"id": shop.add_on["id"]}]}]

    place(sent(order(shop, external_id="EXT-ORD-12345", orderItems=items)))

    holding = owners.holding("sub-ea993e7d7cc42794e4a94413e67f8c46")
    assert holding is not None
    assert [f"{row.data.amount}" for row in holding.schedule] == ["29.50"]
    assert told("entitlements.updated")[0].snapshot["entitlements"] == [
        {"code": "W2"},
        {"code": "HELP"},
    ]


def test_a_later_start_is_announced_with_its_day_and_grants_nothing_yet(
    shop: Shop, place: Handler, owners: CommerceTable, told: Told
) -> None:
    start = clock.now().date() + timedelta(days=30)

    place(sent(order(shop, effectiveDate=start.isoformat(), external_id="EXT-ORD-12345")))

    (event,) = told("entitlements.updated")
    assert event.snapshot["effectiveDate"] == f"{start.isoformat()}T00:00:00.000"
    assert event.ahead
    holding = owners.holding("sub-ea993e7d7cc42794e4a94413e67f8c46")
    assert holding is not None
    assert holding.status == "pending"


def test_the_same_external_id_and_body_is_the_same_order(
    shop: Shop, place: Handler, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "AT_MOST", 0)  # nothing carries orders out here
    first = place(sent(order(shop, external_id="EXT-1")))

    again = place(sent(order(shop, external_id="EXT-1", process_immediately=True)))

    assert body(again) == body(first)
    assert len(told("order.submitted")) == 1


def test_the_same_external_id_with_another_body_is_refused(shop: Shop, place: Handler) -> None:
    first = body(place(sent(order(shop, external_id="EXT-1"))))

    answer = place(sent(order(shop, external_id="EXT-1", source="salesforce")))

    assert answer["statusCode"] == 409
    assert (body(answer)["code"], body(answer)["id"]) == ("order_exists", first["id"])


def test_the_same_idempotency_key_is_answered_without_a_second_order(
    shop: Shop, place: Handler, told: Told
) -> None:
    first = place(sent(order(shop), key="k-1"))

    again = place(sent(order(shop), key="k-1"))

    assert body(again) == body(first)
    assert again["headers"]["Idempotent-Replayed"] == "true"
    assert len(told("order.submitted")) == 1


def test_an_idempotency_key_does_not_serve_two_bodies(shop: Shop, place: Handler) -> None:
    place(sent(order(shop), key="k-1"))

    answer = place(sent(order(shop, source="salesforce"), key="k-1"))

    assert (answer["statusCode"], body(answer)["code"]) == (422, "idempotency_key_reused")


def test_an_identity_given_with_the_order_is_in_its_webhook(
    shop: Shop, place: Handler, told: Told
) -> None:
    token = {"iss": "https://limio.us.auth0.com/", "sub": "auth0|1"}

    place(sent(order(shop, id_token=token)))

    assert told("entitlements.updated")[0].snapshot["identities"] == [
        {"sub": "auth0|1", "iss": "https://limio.us.auth0.com/"}
    ]
    (attached,) = told("identity.attached")
    assert attached.snapshot["name"] == "auth0|1"


def test_a_second_order_of_an_owner_uses_its_customer_again(
    shop: Shop, place: Handler, told: Told
) -> None:
    first = body(place(sent(order(shop, external_id="EXT-1"))))

    second = body(
        place(
            sent(
                {
                    "order_type": "new",
                    "owner": first["owner"],
                    "orderItems": [{"offer": {"id": shop.offer["id"]}}],
                }
            )
        )
    )

    assert (second["owner"], second["customer"]) == (first["owner"], first["customer"])
    assert len(told("customer.created")) == 1


def test_a_changed_offer_is_not_sold_at_a_price_that_was_not_seen(
    shop: Shop, place: Handler
) -> None:
    items = [{"offer": {"id": shop.offer["id"], "version": "0" * 40}}]

    answer = place(sent(order(shop, orderItems=items)))

    assert (answer["statusCode"], body(answer)["code"]) == (409, "offer_changed")


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"orderItems": []}, "orderItems", "invalid_value"),
        (
            {"orderItems": [{"offer": {"id": "offer-x"}}]},
            "orderItems[0].offer.id",
            "offer_not_eligible",
        ),
        ({"order_type": "gift"}, "order_type", "invalid_value"),
        ({"customerDetails": {"firstName": "A"}}, "customerDetails.lastName", "required"),
        ({"billingDetails": {}}, "billingDetails.country", "required"),
        ({"payment": None}, "payment", "required"),
        ({"promoCode": "HALF"}, "promoCode", "not_supported"),
        ({"effectiveDate": "2001-01-01"}, "effectiveDate", "invalid_value"),
        ({"owner": "id-00000000000000000000000000000000"}, "owner", "invalid_value"),
        ({"partner_org": "partner_org-0"}, "partner_org", "invalid_value"),
        ({"customerDetails": {"email": "no address"}}, "customerDetails.email", "invalid_value"),
    ],
)
def test_names_the_field_at_fault(
    shop: Shop, place: Handler, change: dict[str, Any], field: str, code: str
) -> None:
    answer = place(sent(order(shop, **change)))

    assert answer["statusCode"] == 422
    assert (field, code) in [(e["field"], e["code"]) for e in body(answer)["errors"]]


def refused(place: Handler, sent_order: dict[str, Any]) -> list[tuple[str, str]]:
    answer = place(sent(sent_order))
    assert answer["statusCode"] == 422, answer["body"]
    return [(one["field"], one["code"]) for one in body(answer)["errors"]]


def test_an_add_on_that_is_not_on_sale_is_named_by_its_place(shop: Shop, place: Handler) -> None:
    unknown = ids.derived("addon", "addon", "nobody's")
    items = [{"offer": {"id": shop.offer["id"]}, "addOns": [{"id": unknown}]}]

    faults = refused(place, order(shop, orderItems=items))

    assert faults == [("orderItems[0].addOns[0].id", "offer_not_eligible")]


def test_an_add_on_must_go_with_a_product_of_its_offer(shop: Shop, place: Handler) -> None:
    print_ = shop.add("products", name="Print", entitlements=[])
    paper = shop.add("offers", **offer("Print Monthly", print_["id"]))
    items = [{"offer": {"id": paper["id"]}, "addOns": [{"id": shop.add_on["id"]}]}]

    faults = refused(place, order(shop, orderItems=items))

    assert faults == [("orderItems[0].addOns[0].id", "invalid_value")]


def test_an_offer_is_sold_in_its_countries_only(shop: Shop, place: Handler) -> None:
    abroad = shop.add(
        "offers", **offer("Abroad", shop.product["id"], allowed_countries__limio=["DE"])
    )
    items = [{"offer": {"id": abroad["id"]}}]

    faults = refused(place, order(shop, orderItems=items))

    assert faults == [("billingDetails.country", "invalid_value")]


def test_a_payment_method_of_zuora_is_named_by_its_reference(shop: Shop, place: Handler) -> None:
    faults = refused(place, order(shop, payment={"type": "zuora"}))

    assert faults == [("payment.zuora.refId", "required")]


def test_more_than_one_needs_an_offer_that_allows_it(shop: Shop, place: Handler) -> None:
    items = [{"offer": {"id": shop.offer["id"]}, "quantity": 2}]

    answer = place(sent(order(shop, orderItems=items)))

    assert body(answer)["errors"][0]["field"] == "orderItems[0].quantity"


def test_offers_of_two_currencies_do_not_go_into_one_order(shop: Shop, place: Handler) -> None:
    dollars = shop.add(
        "offers", **offer("In dollars", shop.product["id"], price__limio=[line("20.00", "USD")])
    )
    items = [{"offer": {"id": one["id"]}} for one in (shop.offer, dollars)]

    answer = place(sent(order(shop, orderItems=items)))

    assert (answer["statusCode"], body(answer)["code"]) == (422, "currency_mismatch")


def test_delivery_details_that_are_empty_are_no_address(
    shop: Shop, place: Handler, told: Told
) -> None:
    place(sent(order(shop, deliveryDetails={})))
    place(sent(order(shop, deliveryDetails={"city": "Leeds", "country": "GB"})))

    assert len(told("address.added")) == 2 + 1


def test_members_that_nobody_knows_are_passed_over(shop: Shop, place: Handler) -> None:
    assert place(sent(order(shop, tracking_pixel="x")))["statusCode"] == 202


def test_payment_references_are_not_kept(shop: Shop, place: Handler, owners: CommerceTable) -> None:
    payment = {"type": "zuora", "zuora": {"refId": "8ad094b97b2c3d4e017b2c3d4f506172"}}

    placed = body(place(sent(order(shop, payment=payment))))

    stored = owners.order(placed["id"])
    assert stored is not None
    assert stored.data["payment"] == {"type": "zuora"}


def test_a_subscription_is_locked_while_the_order_that_makes_it_is_in_flight(
    shop: Shop, place: Handler, owners: CommerceTable
) -> None:
    items = [{"offer": {"id": shop.offer["id"]}, "addOns": [{"id": shop.add_on["id"]}]}]

    placed = body(place(sent(order(shop, external_id="EXT-ORD-12345", orderItems=items))))

    holding, stored = (
        owners.holding("sub-ea993e7d7cc42794e4a94413e67f8c46"),
        owners.order(placed["id"]),
    )
    assert holding is not None
    assert stored is not None
    change = holding.data.pending_change
    assert change is not None
    assert (change.order, change.order_type) == (placed["id"], "new")
    (made,) = stored.alterations
    assert made.is_new
    assert (made.subscription, made.day) == (holding.id, holding.data.start_date)
    assert set(made.adds) == {one.id for one in holding.all_offers}
    assert stored.provisioning is not None
    assert stored.provisioning.next_at == stored.created
