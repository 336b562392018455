"""POST /api/catalog/{kind}."""

from typing import Any

import pytest

from tests.builders import customer, machine, operator
from tests.catalog.conftest import Call
from tests.catalog.shelf import charge, entitlement_body, offer_body, page_body, product_body


def test_an_entitlement_goes_on_a_product_and_the_product_into_an_offer(call: Call) -> None:
    made, entitlement = call("create_item", "POST", "entitlements", body=entitlement_body())
    assert made == 201
    made, product = call("create_item", "POST", "products", body=product_body(entitlement["id"]))
    assert made == 201
    body = offer_body({"$ref": "/products/Digital"})  # type: ignore[arg-type]  # by path

    made, offer = call("create_item", "POST", "offers", body=body)

    assert made == 201
    assert offer["warnings"] == []
    assert offer["data"]["productBundles"][0]["product"] == {
        "id": product["id"],
        "$ref": "/products/Digital",
    }
    assert call("read_item", "GET", f"offers/{offer['id']}") == (
        200,
        {name: value for name, value in offer.items() if name != "warnings"},
    )


@pytest.mark.parametrize(
    ("kind", "body"),
    [("add-ons", offer_body()), ("pages", page_body()), ("products", product_body())],
)
def test_creates_every_kind(kind: str, body: dict[str, Any], call: Call) -> None:
    status, made = call("create_item", "POST", kind, body=body)

    assert (status, made["name"]) == (201, body["name"])


def test_a_price_may_come_as_a_number_with_all_its_digits(call: Call) -> None:
    body = offer_body(attributes={"price": [charge(value=1.10)]})

    status, made = call("create_item", "POST", "offers", body=body)

    assert status == 201
    assert made["data"]["attributes"]["price__limio"][0]["value"] == "1.10"


def test_answers_with_every_field_at_fault(call: Call) -> None:
    body = {"name": "Digital/Monthly", "data": {"attributes": {"label": [""], "colour": "red"}}}

    status, problem = call("create_item", "POST", "offers", body=body)

    assert (status, problem["code"]) == (422, "invalid_value")
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [
        ("name", "invalid_value"),
        ("data.attributes.label[0]", "invalid_value"),
        ("data.attributes.colour", "unknown_member"),
    ]


def test_names_whoever_has_the_code_already(call: Call) -> None:
    _, holder = call("create_item", "POST", "entitlements", body=entitlement_body())

    status, problem = call(
        "create_item", "POST", "entitlements", body=entitlement_body(name="Print")
    )

    assert (status, problem["code"], problem["field"]) == (409, "not_unique", "code")
    assert problem["taken_by"] == holder["id"]
    assert problem["detail"] == 'The code "W2" is taken by the entitlement "Web access".'


def test_a_repeat_with_its_key_creates_nothing_new(call: Call) -> None:
    request = {"body": entitlement_body(), "headers": {"idempotency-key": "1"}}

    first = call("create_item", "POST", "entitlements", **request)

    assert call("create_item", "POST", "entitlements", **request) == first


def test_an_unknown_kind_is_not_found(call: Call) -> None:
    status, problem = call("create_item", "POST", "gadgets", body={"name": "x"})

    assert (status, problem["code"]) == (404, "not_found")


@pytest.mark.parametrize("body", ["[]", '"Digital"', "5"])
def test_refuses_what_is_no_object(body: str, call: Call) -> None:
    status, problem = call("create_item", "POST", "products", body=body)

    assert (status, problem["errors"][0]["field"]) == (422, "body")


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        (machine("catalog"), 201),
        (operator("admin"), 201),
        (operator("support"), 403),
        (machine("orders"), 403),
        (customer(), 403),
        ({}, 403),
    ],
)
def test_only_admins_and_machines_of_the_catalog_create(
    caller: dict[str, Any], status: int, call: Call
) -> None:
    answered, _ = call("create_item", "POST", "products", body=product_body(), caller=caller)

    # A caller that the gateway let through by mistake is refused here as well.
    assert answered == status
