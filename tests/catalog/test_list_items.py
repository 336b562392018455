"""GET /api/catalog/{kind}."""

from typing import Any

import pytest

from tests.builders import machine, operator
from tests.catalog.conftest import Call
from tests.catalog.shelf import entitlement_body, product_body


def listed(call: Call, kind: str, **query: str) -> tuple[int, Any]:
    return call("list_items", "GET", kind, query=query)


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer["items"]]


@pytest.fixture
def products(call: Call) -> Call:
    """Three products, one of them archived."""
    for name in ("Print", "Digital", "Audio"):
        _, made = call("create_item", "POST", "products", body=product_body(name=name))
    call("archive_item", "DELETE", f"products/{made['id']}")
    return call


def test_lists_whole_items_by_name(products: Call) -> None:
    status, answer = listed(products, "products")

    assert status == 200
    assert names(answer) == ["Audio", "Digital", "Print"]
    assert "queryMore" not in answer
    one = answer["items"][1]
    assert products("read_item", "GET", f"products/{one['id']}") == (200, one)


def test_goes_on_with_the_cursor_until_the_last_page(products: Call) -> None:
    _, first = listed(products, "products", limit="2")
    _, last = listed(products, "products", limit="2", queryMore=first["queryMore"])

    assert (names(first), names(last)) == (["Audio", "Digital"], ["Print"])
    assert "queryMore" not in last


def test_filters_by_status_and_label(products: Call) -> None:
    products("create_item", "POST", "entitlements", body=entitlement_body(label="Read"))

    assert names(listed(products, "products", status="archived")[1]) == ["Audio"]
    assert names(listed(products, "entitlements", label="Read")[1]) == ["Web access"]
    assert names(listed(products, "entitlements", label="Print")[1]) == []


def test_a_new_installation_has_its_pages(call: Call) -> None:
    _, answer = listed(call, "pages")

    assert names(answer) == [
        "Billing",
        "Checkout",
        "Edit plan",
        "Partner checkout",
        "Partner offers",
        "Partner portal",
        "Subscriptions",
    ]


def test_a_cursor_is_for_its_caller_and_query_only(products: Call) -> None:
    _, first = listed(products, "products", limit="1")
    cursor = first["queryMore"]

    def refused(kind: str = "products", caller: Any = None, **query: str) -> Any:
        status, problem = products("list_items", "GET", kind, caller=caller, query=query)
        return status, problem["code"]

    altered = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for refusal in (
        refused(queryMore=altered),
        refused(queryMore="x"),
        refused(queryMore=cursor, status="active"),
        refused(queryMore=cursor, label="gold"),
        refused(kind="offers", queryMore=cursor),
        refused(queryMore=cursor, caller=machine("catalog", client="another")),
        refused(queryMore=cursor, caller=operator("admin")),
    ):
        assert refusal == (400, "invalid_request")
    assert listed(products, "products", limit="2", queryMore=cursor)[0] == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"status": "published"}, "status"),
    ],
)
def test_refuses_a_query(query: dict[str, str], field: str, call: Call) -> None:
    status, problem = listed(call, "products", **query)

    assert (status, problem["errors"][0]["field"]) == (422, field)


def test_support_may_look(products: Call) -> None:
    status, answer = products("list_items", "GET", "products", caller=operator("support"))

    assert (status, len(answer["items"])) == (200, 3)


def test_there_is_no_such_kind(call: Call) -> None:
    assert listed(call, "gadgets")[0] == 404
