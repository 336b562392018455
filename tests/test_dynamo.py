"""Rows, conditions and pages as every store relies on them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera import dynamo
from tessera.dynamo import ConditionFailed, Row
from tessera.tables import COMMERCE, EVENTS, PARTNERS

_values = st.recursive(
    st.text()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(-(10**15), 10**15, places=2)
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1), _values, max_size=5))
def test_a_row_comes_back_as_it_was_written(row: Row) -> None:
    assert dynamo.row_of(dynamo.put("T", row).request["Item"]) == row


def test_a_row_refuses_binary_floating_point() -> None:
    with pytest.raises(TypeError, match="float"):
        dynamo.put("T", {"amount": 17.5})


def test_money_keeps_its_digits(tables: dict[str, str]) -> None:
    dynamo.write(dynamo.put("Commerce", {"pk": "a", "sk": "a", "amount": Decimal("0.1")}))

    assert dynamo.get("Commerce", {"pk": "a", "sk": "a"}) == {
        "pk": "a",
        "sk": "a",
        "amount": Decimal("0.1"),
    }


def test_a_failed_condition_tells_what_stood_there(tables: dict[str, str]) -> None:
    dynamo.write(dynamo.put("Commerce", {"pk": "a", "sk": "a", "n": 1}))

    with pytest.raises(ConditionFailed) as failed:
        dynamo.write(
            dynamo.put(
                "Commerce",
                {"pk": "a", "sk": "a", "n": 2},
                condition="attribute_not_exists(pk)",
                returning=True,
            )
        )

    assert failed.value.rows == {0: {"pk": "a", "sk": "a", "n": 1}}


def test_a_transaction_names_the_writes_whose_condition_failed(tables: dict[str, str]) -> None:
    dynamo.write(dynamo.put("Commerce", {"pk": "taken", "sk": "x"}))
    free = dynamo.put("Commerce", {"pk": "free", "sk": "x"}, condition="attribute_not_exists(pk)")
    taken = dynamo.put("Commerce", {"pk": "taken", "sk": "x"}, condition="attribute_not_exists(pk)")

    with pytest.raises(ConditionFailed) as failed:
        dynamo.commit([free, taken])

    assert failed.value.failed == (1,)
    assert dynamo.get("Commerce", {"pk": "free", "sk": "x"}) is None


def test_a_transaction_that_is_too_large_is_refused_before_it_is_sent() -> None:
    write = dynamo.put("Commerce", {"pk": "a", "sk": "a"})

    with pytest.raises(ValueError, match="101 writes"):
        dynamo.commit([write] * 101)


def test_a_page_says_where_the_next_begins(tables: dict[str, str]) -> None:
    for n in range(5):
        dynamo.write(dynamo.put("Commerce", {"pk": "p", "sk": f"{n}"}))

    first = dynamo.query("Commerce", COMMERCE, "p", limit=2)
    second = dynamo.query("Commerce", COMMERCE, "p", limit=2, start=first.next)

    assert [row["sk"] for row in first.rows + second.rows] == ["0", "1", "2", "3"]


def test_all_rows_end_at_the_bound(tables: dict[str, str]) -> None:
    for n in range(5):
        dynamo.write(dynamo.put("Commerce", {"pk": "p", "sk": f"{n}"}))

    rows = dynamo.query_all("Commerce", COMMERCE, "p", at_most=3, limit=2)

    assert [row["sk"] for row in rows] == ["0", "1", "2"]


def test_an_index_is_read_between_two_sort_keys(tables: dict[str, str]) -> None:
    for n in range(5):
        row = {"pk": f"e{n}", "sk": "EVENT", "open": 1, "open_at": n}
        dynamo.write(dynamo.put("Events", row))

    page = dynamo.query("Events", EVENTS, 1, index="open", until=2)

    assert [row["pk"] for row in page.rows] == ["e0", "e1", "e2"]


def test_nothing_is_asked_for_between_bounds_that_are_the_wrong_way_round() -> None:
    """DynamoDB would refuse it, unlike moto; here it would not even know the table."""
    for since, until in (("b", "a"), (2, 1)):
        page = dynamo.query("None", EVENTS, "p", index="by_owner", since=since, until=until)

        assert page == dynamo.Page([], None)


def test_a_filter_throws_away_what_does_not_fit(tables: dict[str, str]) -> None:
    for n, status in enumerate(["active", "ended", "active"]):
        dynamo.write(dynamo.put("Commerce", {"pk": "p", "sk": f"{n}", "status": status}))

    page = dynamo.query("Commerce", COMMERCE, "p", keep="#status = :status", status="active")

    assert [row["sk"] for row in page.rows] == ["0", "2"]


@pytest.mark.parametrize("id", ["", "x" * 2049, "ü" * 1025])
def test_nothing_has_a_key_that_dynamodb_refuses_to_look_for(id: str) -> None:
    """People type such ids into addresses; no request is made, as there is nobody to answer it."""
    assert dynamo.get("Partners", {"pk": id, "sk": id}) is None
    assert dynamo.get_many("Partners", [{"pk": "a", "sk": id or "x" * 1025}]) == []
    assert dynamo.query("Partners", PARTNERS, id) == dynamo.Page([], None)
    assert dynamo.query("Partners", PARTNERS, "a", begins=id or "x" * 1025).rows == []
