"""DELETE /api/catalog/{kind}/{id}."""

from tessera.catalog.installed import installed_pages
from tests.builders import operator
from tests.catalog.conftest import Call
from tests.catalog.shelf import product_body


def test_archives_and_a_repeat_answers_the_same(call: Call) -> None:
    _, made = call("create_item", "POST", "products", body=product_body())
    path = f"products/{made['id']}"

    assert call("archive_item", "DELETE", path) == (204, None)
    _, archived = call("read_item", "GET", path)

    assert archived["status"] == "archived"
    assert call("archive_item", "DELETE", path) == (204, None)
    assert call("read_item", "GET", path) == (200, archived)


def test_archives_a_page_that_was_never_saved(call: Call) -> None:
    page = installed_pages("test")[0]

    assert call("archive_item", "DELETE", f"pages/{page.id}") == (204, None)

    assert call("read_item", "GET", f"pages/{page.id}")[1]["status"] == "archived"


def test_support_archives_nothing(call: Call) -> None:
    _, made = call("create_item", "POST", "products", body=product_body())
    path = f"products/{made['id']}"

    status, _ = call("archive_item", "DELETE", path, caller=operator("support"))

    assert status == 403
    assert call("read_item", "GET", path)[1]["status"] == "active"


def test_there_is_nothing_to_archive(call: Call) -> None:
    status, problem = call("archive_item", "DELETE", "offers/offer-" + "0" * 32)

    assert (status, problem["code"]) == (404, "not_found")
