"""GET /api/catalog/{kind}/{id}."""

import pytest

from tessera.catalog.installed import installed_pages
from tests.builders import operator
from tests.catalog.conftest import Call
from tests.catalog.shelf import emitted, product_body


def test_reads_what_was_created(call: Call) -> None:
    _, made = call("create_item", "POST", "products", body=product_body())
    made.pop("warnings")

    path = f"products/{made['id']}"

    assert call("read_item", "GET", path, caller=operator("support")) == (200, made)


def test_reads_an_installed_page(call: Call) -> None:
    page = installed_pages("test")[0]

    assert call("read_item", "GET", f"pages/{page.id}") == (200, emitted(page))


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("offers/offer-00000000000000000000000000000000", 404, "not_found"),
        ("gadgets/offer-00000000000000000000000000000000", 404, "not_found"),
        ("offers/prod-00000000000000000000000000000000", 400, "invalid_request"),
        ("offers/Digital", 400, "invalid_request"),
    ],
)
def test_says_what_is_not_there_and_what_is_no_id(
    path: str, status: int, code: str, call: Call
) -> None:
    answered, problem = call("read_item", "GET", path)

    assert (answered, problem["code"]) == (status, code)
