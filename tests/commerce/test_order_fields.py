"""Every field of an order's body by its name: what it may not hold, and the code that says so."""

import json
import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from tessera.commerce.order_bodies import MODELS, ORDER_TYPES, read_order
from tessera.errors import InvalidFields

ID = "offer-b4dc66dde806261bdda8607d8707aa72"
LONG = "a" * 101
ADDRESS = {
    "address1": "1 High St",
    "address2": "Flat 2",
    "city": "Leeds",
    "state": "West Yorkshire",
    "postalCode": "LS1 4AP",
    "country": "GB",
}
PERSON = {
    "firstName": "Ana",
    "lastName": "Lopes",
    "email": "ana@example.com",
    "companyName": "Lopes Ltd",
    "phone": "+44 20 7946 0000",
}
OFFER = {"id": ID, "version": "7a38d8cbd20d9932ba948efaa364bb62651d5ad4"}
CARD = {"type": "zuora", "zuora": {"refId": "8ad094b97b2c3d4e017b2c3d4f506172"}}
PLACED = {
    "external_id": "EXT-1",
    "source": "shop",
    "process_immediately": False,
    "effectiveDate": "2026-04-02",
    "orderDate": "2026-03-02T09:14:07.512Z",
}
CHANGE = {
    **PLACED,
    "cancelDate": "2026-04-02",
    "forSubscription": {"id": "sub-1", "name": "A-1", "subscription_offer": "subscription_offer-1"},
    "subscriptionId": "sub-1",
    "subscriptionRef": "A-1",
}
ADD_ON = {"action": "update", "id": ID, "subscription_offer": "subscription_offer-1", "quantity": 2}
GOOD: dict[str, dict[str, Any]] = {
    "new": {
        **PLACED,
        "orderItems": [{"offer": OFFER, "quantity": 1, "addOns": [{"id": ID, "quantity": 1}]}],
        "owner": "id-1",
        "customer": "cus-1",
        "id_token": {"iss": "https://limio.us.auth0.com/", "sub": "auth0|1"},
        "partner_org": "partner_org-1",
        "customerDetails": PERSON,
        "billingDetails": ADDRESS,
        "deliveryDetails": ADDRESS,
        "payment": CARD,
        "country": "GB",
    },
    "change_offer": {**CHANGE, "offer": OFFER, "quantity": 2},
    "add_offer": {**CHANGE, "offer": OFFER},
    "cancel_subscription": {**CHANGE, "data": {"reason": {"id": "price", "feedback": "Too much"}}},
    "add_on": {
        **CHANGE,
        "action": "update",
        "addOn": {"id": ID, "subscription_offer": "subscription_offer-1", "quantity": 2},
        "quantity": 2,
    },
    "update_subscription": {
        **CHANGE,
        "checkoutId": "basket-1",
        "offer": OFFER,
        "quantity": 2,
        "addOns": [ADD_ON],
    },
    "change_address": {
        **CHANGE,
        "addressType": "billing",
        "address": ADDRESS,
        "customerDetails": PERSON,
    },
    "change_payment": {**CHANGE, "payment": CARD},
    "pay_invoice": {
        **CHANGE,
        "invoice": {"id": ID, "amount": "10.00", "items": [{"id": ID, "amount": "10.00"}]},
    },
    "renew": CHANGE,
}

Refused: TypeAlias = list[tuple[Any, str]]
"""Values that a field may not hold, each with the code that says so."""

TEXT: Refused = [("", "invalid_value"), (5, "invalid_value")]
NAMED: Refused = [*TEXT, (LONG, "too_long")]
QUANTITY: Refused = [(0, "invalid_value"), (100_001, "invalid_value"), ("2", "invalid_value")]
DAY: Refused = [
    ("soon", "invalid_value"),
    ("2026-02-30", "invalid_value"),
    (20260402, "invalid_value"),
    (86400, "invalid_value"),
    ("86400", "invalid_value"),
    (True, "invalid_value"),
]
COUNTRY: Refused = [("gb", "invalid_value"), ("GBR", "invalid_value")]
CONTROL: Refused = [("a\x00", "invalid_value"), ("a\nb", "invalid_value")]
LINE: Refused = [("", "invalid_value"), ("  ", "invalid_value"), ("a" * 201, "too_long"), *CONTROL]
MONEY: Refused = [
    (10.0, "invalid_value"),
    ("0", "invalid_value"),
    ("-1", "invalid_value"),
    ("1.00001", "invalid_value"),
    ("+1", "invalid_value"),
    ("١٢", "invalid_value"),
    ("1e1", "invalid_value"),
    (True, "invalid_value"),
]
OF_AN_ADDRESS: dict[str, Refused] = {
    "address1": LINE,
    "address2": [("a" * 201, "too_long"), *CONTROL],
    "city": LINE,
    "state": [(LONG, "too_long"), *CONTROL],
    "postalCode": [("a" * 21, "too_long"), *CONTROL],
    "country": COUNTRY,
}
OF_A_PERSON: dict[str, Refused] = {
    "firstName": LINE,
    "lastName": LINE,
    "email": [
        ("nobody", "invalid_value"),
        ("a b@c", "invalid_value"),
        ("", "invalid_value"),
        ("a\x00@example.com", "invalid_value"),
        ("a" * 309 + "@example.com", "too_long"),
    ],
    "companyName": LINE,
    "phone": [("1" * 41, "too_long"), *CONTROL],
}
OF_AN_OFFER: dict[str, Refused] = {"id": NAMED, "version": [(5, "invalid_value")]}
OF_A_PAYMENT: dict[str, Refused] = {
    "type": [("cash", "invalid_value")],
    "zuora.refId": [("", "invalid_value"), ("a" * 65, "too_long")],
}
PLACING: dict[str, Refused] = {
    "external_id": [*NAMED, (" ", "invalid_value"), *CONTROL],
    "source": [*TEXT, ("a" * 51, "too_long"), (" ", "invalid_value"), *CONTROL],
    "process_immediately": [("perhaps", "invalid_value"), (1, "invalid_value")],
    "effectiveDate": DAY,
    "orderDate": [
        ("yesterday", "invalid_value"),
        (1772442847, "invalid_value"),
        ("1772442847", "invalid_value"),
        ("2026-03-02T09:14:07.512", "invalid_value"),
        ("9999-12-31T23:59:59.999-14:00", "invalid_value"),
        ("0001-01-01T00:00:00.000+14:00", "invalid_value"),
    ],
}
CHANGING: dict[str, Refused] = {
    **PLACING,
    "cancelDate": DAY,
    "forSubscription": [("sub-1", "invalid_value")],
    "forSubscription.id": NAMED,
    "forSubscription.name": NAMED,
    "forSubscription.subscription_offer": NAMED,
    "subscriptionId": NAMED,
    "subscriptionRef": NAMED,
}


def under(path: str, fields: dict[str, Refused]) -> dict[str, Refused]:
    return {f"{path}.{name}": faults for name, faults in fields.items()}


ACTION: Refused = [("replace", "invalid_value")]
FAULTS: dict[str, dict[str, Refused]] = {
    "new": {
        **PLACING,
        "orderItems": [
            ([], "invalid_value"),
            ({}, "invalid_value"),
            ([{"offer": OFFER}] * 6, "too_long"),
        ],
        **under("orderItems[0].offer", OF_AN_OFFER),
        "orderItems[0].quantity": QUANTITY,
        "orderItems[0].addOns": [([{"id": ID}] * 6, "too_long")],
        "orderItems[0].addOns[0].id": NAMED,
        "orderItems[0].addOns[0].quantity": QUANTITY,
        "owner": NAMED,
        "customer": NAMED,
        "id_token": [("auth0|1", "invalid_value")],
        "id_token.iss": [
            ("", "invalid_value"),
            ("a" * 513, "too_long"),
            ("a\x00", "invalid_value"),
        ],
        "id_token.sub": [("", "invalid_value"), ("a" * 256, "too_long"), ("a\n", "invalid_value")],
        "partner_org": NAMED,
        **under("customerDetails", OF_A_PERSON),
        **under("billingDetails", OF_AN_ADDRESS),
        **under("deliveryDetails", OF_AN_ADDRESS),
        **under("payment", OF_A_PAYMENT),
        "country": COUNTRY,
    },
    "change_offer": {**CHANGING, **under("offer", OF_AN_OFFER), "quantity": QUANTITY},
    "add_offer": {**CHANGING, **under("offer", OF_AN_OFFER)},
    "cancel_subscription": {
        **CHANGING,
        "data.reason.id": [*NAMED, *CONTROL],
        "data.reason.feedback": [("a" * 2001, "too_long"), ("a\x00", "invalid_value")],
    },
    "add_on": {
        **CHANGING,
        "action": ACTION,
        "addOn.id": NAMED,
        "addOn.subscription_offer": NAMED,
        "addOn.quantity": QUANTITY,
        "quantity": QUANTITY,
    },
    "update_subscription": {
        **CHANGING,
        "checkoutId": NAMED,
        **under("offer", OF_AN_OFFER),
        "quantity": QUANTITY,
        "addOns": [([ADD_ON] * 11, "too_long")],
        "addOns[0].action": ACTION,
        "addOns[0].id": NAMED,
        "addOns[0].subscription_offer": NAMED,
        "addOns[0].quantity": QUANTITY,
    },
    "change_address": {
        **CHANGING,
        "addressType": [("home", "invalid_value")],
        **under("address", OF_AN_ADDRESS),
        **under("customerDetails", OF_A_PERSON),
    },
    "change_payment": {**CHANGING, **under("payment", OF_A_PAYMENT)},
    "pay_invoice": {
        **CHANGING,
        "invoice.id": NAMED,
        "invoice.amount": MONEY,
        "invoice.items": [([{"id": ID, "amount": "1.00"}] * 51, "too_long")],
        "invoice.items[0].id": NAMED,
        "invoice.items[0].amount": MONEY,
    },
    "renew": CHANGING,
}
REQUIRED: dict[str, list[str]] = {
    "new": [
        "orderItems",
        "orderItems[0].offer",
        "orderItems[0].offer.id",
        "orderItems[0].addOns[0].id",
        "id_token.iss",
        "id_token.sub",
        "payment.type",
        "payment.zuora.refId",
    ],
    "change_offer": ["offer", "offer.id"],
    "add_offer": ["offer", "offer.id"],
    "add_on": ["addOn"],
    "update_subscription": ["offer.id"],
    "change_payment": ["payment", "payment.type", "payment.zuora.refId"],
    "pay_invoice": ["invoice", "invoice.id", "invoice.items[0].id", "invoice.items[0].amount"],
}
NOT_SUPPORTED = {"orderDiscount", "promoCode", "gift"}
"""Refused whatever they hold: `test_ordering.py`."""


def body(order_type: str) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(json.dumps({"order_type": order_type, **GOOD[order_type]}))
    return sent


def place(of: Any, path: str) -> tuple[Any, Any]:
    """What holds the member, and its key there."""
    *way, last = [int(part) if part.isdigit() else part for part in re.findall(r"[\w]+", path)]
    for part in way:
        of = of[part]
    return of, last


def at_fault(sent: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidFields) as refused:
        read_order(sent)
    assert (refused.value.status, refused.value.wire_code) == (422, refused.value.errors[0].code)
    assert all(error.message for error in refused.value.errors)
    return [(error.field, error.code) for error in refused.value.errors]


def leaves(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """The path of each member that holds no others."""
    for name, field in model.model_fields.items():
        path = f"{before}{field.alias or name}"
        inner, is_list = _inner(field.annotation)
        if inner is None:
            yield path
        else:
            yield from leaves(inner, f"{path}[0]." if is_list else f"{path}.")


def _inner(annotation: Any, is_list: bool = False) -> tuple[type[BaseModel] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, is_list
    origin = get_origin(annotation)
    if origin in (Annotated, Union, UnionType, tuple):
        for one in get_args(annotation):
            found, listed = _inner(one, is_list or origin is tuple)
            if found is not None:
                return found, listed
    return None, is_list


@pytest.mark.parametrize("order_type", ORDER_TYPES)
def test_a_body_with_every_member_is_read(order_type: str) -> None:
    assert read_order(body(order_type)).order_type == order_type


MOST: dict[str, dict[str, list[Any]]] = {
    "new": {
        "external_id": ["a", "a" * 100],
        "source": ["a", "a" * 50],
        "orderItems": [[{"offer": OFFER}] * 5],
        "orderItems[0].offer.id": ["a", "a" * 100],
        "orderItems[0].quantity": [1, 100_000],
        "orderItems[0].addOns": [[], [{"id": ID}] * 5],
        "owner": ["a", "a" * 100],
        "id_token.iss": ["a" * 512],
        "id_token.sub": ["a" * 255],
        "customerDetails.firstName": ["A", "a" * 200],
        "customerDetails.email": ["a@b", "a" * 308 + "@example.com"],
        "customerDetails.phone": ["", "1" * 40],
        "billingDetails.address2": ["", "a" * 200],
        "billingDetails.state": ["", "a" * 100],
        "billingDetails.postalCode": ["", "a" * 20],
        "payment.zuora.refId": ["a", "a" * 64],
    },
    "cancel_subscription": {"data.reason.feedback": ["", "a" * 2000]},
    "update_subscription": {"addOns": [[ADD_ON] * 10]},
    "pay_invoice": {"invoice.items": [[{"id": ID, "amount": "1.00"}] * 50]},
}


@pytest.mark.parametrize(
    ("order_type", "path"),
    [pytest.param(kind, path, id=f"{kind}-{path}") for kind in MOST for path in MOST[kind]],
)
def test_a_field_takes_the_least_and_the_most_that_it_may_hold(order_type: str, path: str) -> None:
    for value in MOST[order_type][path]:
        sent = body(order_type)
        holder, key = place(sent, path)
        holder[key] = value

        assert read_order(sent).order_type == order_type


def test_spaces_around_names_and_addresses_are_no_part_of_them() -> None:
    person = {**PERSON, "firstName": " Ana ", "email": " ana@example.com "}
    read: Any = read_order({**body("new"), "customerDetails": person})

    assert (read.customer_details.first_name, read.customer_details.email) == (
        "Ana",
        "ana@example.com",
    )


@pytest.mark.parametrize("order_type", ORDER_TYPES)
def test_no_field_is_without_a_rule_here(order_type: str) -> None:
    fields = {*leaves(MODELS[order_type])} - {"order_type", *NOT_SUPPORTED}
    plain = {"order_discount", "promo_code"}

    assert fields - plain <= {*FAULTS[order_type]}


@pytest.mark.parametrize(
    ("order_type", "path"),
    [pytest.param(kind, path, id=f"{kind}-{path}") for kind in FAULTS for path in FAULTS[kind]],
)
def test_a_field_refuses(order_type: str, path: str) -> None:
    for value, code in FAULTS[order_type][path]:
        sent = body(order_type)
        holder, key = place(sent, path)
        holder[key] = value

        assert (value, at_fault(sent)) == (value, [(path, code)])


@pytest.mark.parametrize(
    ("order_type", "path"),
    [pytest.param(kind, path, id=f"{kind}-{path}") for kind in REQUIRED for path in REQUIRED[kind]],
)
def test_a_field_is_required(order_type: str, path: str) -> None:
    sent = body(order_type)
    holder, key = place(sent, path)
    del holder[key]

    assert at_fault(sent) == [(path, "required")]


@pytest.mark.parametrize("order_type", ORDER_TYPES)
def test_all_other_fields_may_be_left_out(order_type: str) -> None:
    sent = body(order_type)
    for path in {*leaves(MODELS[order_type])} & {*sent}:
        if path != "order_type" and path not in REQUIRED.get(order_type, ()):
            del sent[path]

    assert read_order(sent).order_type == order_type


@pytest.mark.parametrize("order_type", ORDER_TYPES)
def test_a_member_that_nobody_knows_is_passed_over(order_type: str) -> None:
    assert read_order({**body(order_type), "colour": "red"}) == read_order(body(order_type))


@pytest.mark.parametrize(
    ("path", "most"),
    [("external_id", 100), ("source", 50), ("customerDetails.phone", 40), ("country", None)],
)
def test_a_field_takes_what_is_at_its_limit(path: str, most: int | None) -> None:
    sent = body("new")
    holder, key = place(sent, path)
    holder[key] = "GB" if most is None else "1" * most

    assert read_order(sent).order_type == "new"


def test_a_source_is_known_by_its_older_name() -> None:
    sent = {**body("renew"), "initiated_source": "salesforce"}
    del sent["source"]

    assert read_order(sent).source == "salesforce"


@pytest.mark.parametrize(
    "day", ["2026-04-02", "2026-04-02T00:00:00.000", "2026-04-02T09:14:07.512Z"]
)
@pytest.mark.parametrize("field", ["effectiveDate", "cancelDate"])
def test_a_day_is_taken_in_any_of_the_three_formats(field: str, day: str) -> None:
    sent: Any = read_order({**body("renew"), field: day})

    assert f"{sent.effective_date} {sent.cancel_date}" == "2026-04-02 2026-04-02"


def test_every_field_at_fault_is_named_at_once() -> None:
    sent = body("new")
    sent["orderItems"][0]["offer"]["id"] = ""
    sent["billingDetails"]["country"] = "gb"
    sent["external_id"] = LONG

    assert at_fault(sent) == [
        ("external_id", "too_long"),
        ("orderItems[0].offer.id", "invalid_value"),
        ("billingDetails.country", "invalid_value"),
    ]
