"""PUT /api/catalog/{kind}/{id}."""

from tests.builders import operator
from tests.catalog.conftest import Call
from tests.catalog.shelf import entitlement_body, offer_body, product_body


def test_replaces_an_offer_whose_version_is_current(call: Call) -> None:
    _, made = call("create_item", "POST", "offers", body=offer_body())
    path, body = f"offers/{made['id']}", offer_body(attributes={"label": ["gold"]})
    headers = {"if-match": f'"{made["version"]}"'}

    status, saved = call("replace_item", "PUT", path, body=body, headers=headers)

    assert status == 200
    assert saved["data"]["attributes"]["label__limio"] == ["gold"]
    assert saved["version"] != made["version"]
    assert saved["warnings"][0]["code"] == "label_on_no_page"
    status, problem = call("replace_item", "PUT", path, body=offer_body(), headers=headers)
    assert (status, problem["code"]) == (412, "version_mismatch")


def test_what_was_answered_can_be_changed_and_sent_back(call: Call) -> None:
    _, made = call("create_item", "POST", "entitlements", body=entitlement_body())

    status, saved = call(
        "replace_item", "PUT", f"entitlements/{made['id']}", body={**made, "label": "The web"}
    )

    assert status == 200
    assert saved == {**made, "label": "The web", "updated": saved["updated"]}


def test_a_name_cannot_be_changed(call: Call) -> None:
    _, made = call("create_item", "POST", "products", body=product_body())

    status, problem = call(
        "replace_item", "PUT", f"products/{made['id']}", body=product_body(name="Print")
    )

    assert (status, problem["code"]) == (422, "not_editable")
    assert problem["errors"][0]["field"] == "name"


def test_support_replaces_nothing(call: Call) -> None:
    _, made = call("create_item", "POST", "products", body=product_body())

    status, _ = call(
        "replace_item",
        "PUT",
        f"products/{made['id']}",
        body=product_body(attributes={"product_code": "DIG"}),
        caller=operator("support"),
    )

    assert status == 403
    assert call("read_item", "GET", f"products/{made['id']}")[1]["updated"] == made["updated"]
