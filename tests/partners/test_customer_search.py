"""A partner's customers: newest first, and by the beginning of any of their names."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera import aws, dynamo
from tessera.commerce.commits import Commit
from tessera.commerce.customer_search import (
    PartnerCustomer,
    PartnerCustomers,
    folded,
    listed,
    name_writes,
)
from tessera.commerce.entitlements import Ownership
from tessera.commerce.models import Customer
from tessera.commerce.store import CommerceTable
from tessera.cursors import Cursors
from tessera.errors import InvalidRequest
from tessera.partners.customers import list_page
from tests.commerce.counting import counted
from tests.partners.commerce import customer, owner
from tests.partners.organisations import ACME, BOREALIS, partner_of
from tests.partners.sorted_index import SortedIndex


class Key:
    def read(self) -> dict[str, str]:
        return {"key": "a key that seals"}


CURSORS = Cursors(Key())
Find = Callable[..., dict[str, Any]]


@pytest.fixture
def find(tables: dict[str, str]) -> Find:
    known = PartnerCustomers("Commerce")

    def find(
        filter: str | None = None, *, by: str = ACME, limit: int = 40, cursor: str | None = None
    ) -> dict[str, Any]:
        who = partner_of(by)
        return list_page(
            filter, limit=limit, cursor=cursor, by=who, customers=known, cursors=CURSORS
        )

    return find


def commit(
    *created: Customer, replaces: Sequence[Customer] = (), removes: Sequence[Customer] = ()
) -> None:
    """With an owner of their own, who is written anew each time."""
    some = [*created, *replaces, *removes][0]
    table = CommerceTable("Commerce", "Events")
    there = table.ownership(some.owner or "")
    base = owner(1).model_copy(update={"id": some.owner})
    seen = there.owner.updated if there else None
    table.commit(
        Commit(
            ownership=Ownership(owner=base),
            seen=seen,
            creates=created,
            replaces=replaces,
            removes=removes,
        )
    )


def names(page: dict[str, Any]) -> list[str]:
    return [one["id"][-2:] for one in page["items"]]


def test_a_customer_is_listed_with_its_four_names(find: Find) -> None:
    commit(customer())

    assert find() == {
        "items": [
            {
                "id": customer().id,
                "owner": owner().id,
                "accountName": "Lopes Ltd",
                "firstName": "Ana",
                "lastName": "Lopes",
                "email": "ana@example.com",
                "partner_org": ACME,
                "created": "2026-03-02T09:15:07.512Z",
            }
        ],
        "hits": 1,
        "queryMore": None,
    }


def test_without_a_company_the_account_is_called_by_the_person() -> None:
    assert listed(customer(company_name=None)).account_name == "Ana Lopes"
    assert listed(customer(company_name=None, first_name=None)).account_name == "Lopes"


def test_the_newest_come_first_a_page_at_a_time(find: Find) -> None:
    for n in range(1, 6):
        commit(customer(n))

    first = find(limit=3)
    rest = find(limit=3, cursor=first["queryMore"])

    assert (names(first), first["hits"]) == (["05", "04", "03"], 3)
    assert (names(rest), rest["queryMore"]) == (["02", "01"], None)


@pytest.mark.parametrize("filter", ["lopes l", "ANA", "Lop", "ana@", "  ana "])
def test_any_of_the_four_names_is_found_by_its_beginning_in_any_letter_case(
    find: Find, filter: str
) -> None:
    commit(customer(1))
    commit(customer(2, first_name="Bo", last_name="Ek", email="bo@ek.example", company_name="Ek"))

    assert names(find(filter)) == ["01"]


def test_those_found_stand_in_the_order_of_the_text_that_matched(find: Find) -> None:
    commit(customer(1, company_name="Zed", first_name="Mia"))
    commit(customer(2, company_name="Milo", first_name="Zoe", last_name="Abe", email="z@z.example"))
    commit(customer(3, company_name="Zed", first_name="Zoe", last_name="Me", email="mib@z.example"))

    assert names(find("mi")) == ["01", "03", "02"]


def test_an_organisation_finds_its_own_customers_alone(find: Find) -> None:
    commit(customer(1, ACME))
    commit(customer(2, BOREALIS))
    commit(customer(3, None))

    assert names(find("ana", by=ACME)) == ["01"]
    assert names(find("ana", by=BOREALIS)) == names(find(by=BOREALIS)) == ["02"]


@pytest.mark.parametrize("filter", [None, "lopes", "ana"])
def test_namesakes_of_the_same_moment_are_all_there_a_page_at_a_time(
    find: Find, filter: str | None
) -> None:
    twins = [customer(n, created=customer(1).created) for n in (1, 2, 3)]
    for one in twins:
        commit(one)
    found, cursor = [], None

    for _ in twins:
        page = find(filter, limit=1, cursor=cursor)
        found += names(page)
        cursor = page["queryMore"]

    assert (sorted(found), cursor) == (["01", "02", "03"], None)


def test_a_customer_whose_names_change_is_found_by_the_new_ones_alone(find: Find) -> None:
    commit(customer(1))
    renamed = customer(1, first_name="Bea", last_name="Ek", email=None, company_name=None)

    commit(replaces=[renamed])

    assert names(find("ana")) == names(find("lopes")) == []
    assert names(find("bea")) == names(find("ek")) == names(find("bea ek")) == ["01"]


def test_a_customer_that_is_removed_is_not_found(find: Find) -> None:
    commit(customer(1))

    commit(removes=[customer(1)])

    assert find("ana")["items"] == find()["items"] == []
    assert aws.client("dynamodb").scan(TableName="Commerce")["Count"] == 1  # the owner


def test_a_direct_customer_costs_no_writes_more() -> None:
    assert name_writes("Commerce", customer(1, None), is_new=True) == []
    assert len(name_writes("Commerce", customer(1), is_new=True)) == 4
    twins = customer(1, company_name="Ana", first_name="ana", last_name=None)
    assert len(name_writes("Commerce", twins, is_new=True)) == 2


def test_a_cursor_belongs_to_one_search_of_one_organisation(find: Find) -> None:
    for n in range(1, 4):
        commit(customer(n))
    cursor = find("ana", limit=1)["queryMore"]

    assert names(find("ANA", limit=1, cursor=cursor)) == ["02"]
    for filter, by in ((None, ACME), ("an", ACME), ("ana", BOREALIS)):
        with pytest.raises(InvalidRequest):
            find(filter, by=by, limit=1, cursor=cursor)


def test_a_cursor_is_of_no_use_to_a_colleague(find: Find) -> None:
    for n in range(1, 3):
        commit(customer(n))
    cursor = find(limit=1)["queryMore"]
    other = {"id": "partner_user-00000000000000000000000000000001"}
    colleague = partner_of().model_copy(update=other)

    with pytest.raises(InvalidRequest):
        list_page(
            None,
            limit=1,
            cursor=cursor,
            by=colleague,
            customers=PartnerCustomers("Commerce"),
            cursors=CURSORS,
        )


def test_a_page_costs_one_query_however_many_customers_there_are(find: Find) -> None:
    costs = []
    for count in (3, 40):
        fill(count)
        with counted() as requests:
            first = find("first 00", limit=2)
            rest = find("first 00", limit=2, cursor=first["queryMore"])
            find(limit=2)
        costs.append(dict(requests))
        assert not {one["id"] for one in first["items"]} & {one["id"] for one in rest["items"]}

    assert costs == [{"Query": 3}, {"Query": 3}]


def fill(count: int) -> None:
    """Rows as commits write them, straight into the table."""
    writes = []
    for n in range(count):
        one = numbered(n)
        writes += name_writes("Commerce", one, is_new=True)
        row = one.model_dump(by_alias=True, exclude_none=True)
        keys = {"pk": one.id, "sk": one.id, "partner_pk": f"{ACME}#customers"}
        made = one.created.isoformat()
        writes.append(dynamo.put("Commerce", {**row, **keys, "partner_sk": f"{made}#{one.id}"}))
    for write in writes:
        dynamo.write(write)


def numbered(n: int) -> Customer:
    return customer(n, first_name=f"First {n:05}", last_name="Ana", email=f"{n:05}@a.example")


text = st.text("aAbß .", min_size=0, max_size=4)


@st.composite
def several(draw: st.DrawFn) -> list[Customer]:
    return [
        customer(
            n,
            company_name=draw(text) or None,
            first_name=draw(text) or None,
            last_name=draw(text) or None,
            email=draw(text) or None,
        )
        for n in range(draw(st.integers(0, 12)))
    ]


class InMemory(PartnerCustomers):
    """The index as DynamoDB keeps it, searched without DynamoDB."""

    def __init__(self, customers: Sequence[Customer], monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__("Commerce")
        writes = [w for one in customers for w in name_writes("Commerce", one, is_new=True)]
        rows = [dynamo.row_of(write.request["Item"]) for write in writes]
        self.queries = 0
        self.rows = sorted(rows, key=lambda row: str(row["partner_sk"]).encode())
        monkeypatch.setattr("tessera.commerce.customer_search.query", self.query)

    def query(
        self, table: str, of: object, pk: str, *, begins: str, limit: int, start: Any, index: str
    ) -> dynamo.Page:
        self.queries += 1
        fitting = [
            row
            for row in self.rows
            if row["partner_pk"] == pk
            and row["partner_sk"].startswith(begins)
            and (start is None or row["partner_sk"].encode() > start["partner_sk"].encode())
        ]
        more = len(fitting) > limit
        return dynamo.Page(fitting[:limit], fitting[limit - 1] if more else None)


@settings(max_examples=200)
@given(several(), text, st.integers(1, 3))
def test_the_pages_of_a_search_hold_each_match_once_by_its_first_matching_name(
    customers: list[Customer], filter: str, limit: int
) -> None:
    beginning = folded(filter)
    expected: list[tuple[bytes, str]] = []
    for one in customers:
        shown = listed(one)
        of = (shown.account_name, shown.first_name, shown.last_name, shown.email)
        matching = [name for name in (folded(n or "") for n in of) if name.startswith(beginning)]
        if matching and beginning:
            expected.append((f"{min(matching)}\t{one.id}".encode(), one.id))
    found: list[str] = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        known = InMemory(customers, monkeypatch)
        after: Any = None
        while beginning:
            page, after = known.named(ACME, beginning, limit=limit, after=after)
            assert len(page) <= limit
            assert all(isinstance(one, PartnerCustomer) for one in page)
            found += [one.id for one in page]
            if after is None:
                break

    assert found == [id for _, id in sorted(expected)]


@given(st.text(max_size=150))
def test_folding_twice_is_folding_once_in_ordinary_names(name: str) -> None:
    assert len(folded(name)) <= 100
    assert folded(f"  {name}\t") == folded(name)
    assert "\t" not in folded(name)


def test_the_first_page_is_full_where_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where all four names of everybody match."""
    alike = [
        customer(n, company_name=f"a{n:02}", first_name=f"ab{n:02}", last_name="ac", email="ad@x.y")
        for n in range(20)
    ]

    page, _ = InMemory(alike, monkeypatch).named(ACME, "a", limit=10, after=None)

    assert [one.account_name for one in page] == [f"a{n:02}" for n in range(10)]


def test_each_page_of_a_search_among_hundreds_is_one_query(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = InMemory([numbered(n) for n in range(300)], monkeypatch)

    first, after = known.named(ACME, "first 0", limit=40, after=None)
    second, _ = known.named(ACME, "first 0", limit=40, after=after)
    ana, _ = known.named(ACME, "ana", limit=40, after=None)

    assert [len(first), len(second), len(ana)] == [40, 40, 40]
    assert known.queries == 3


@pytest.mark.long
def test_a_hundred_thousand_customers_cost_the_requests_of_ten(
    find: Find, capsys: pytest.CaptureFixture[str]
) -> None:
    """First page, next page, and searches: for a name of one, for a name of all, for none."""
    asked = {"newest": None, "by first name": "first 0", "by a name of all": "ANA", "none": "zz"}
    costs: dict[int, dict[str, Any]] = {}
    for count in (10, 100_000):
        with SortedIndex(count, numbered).answering():
            costs[count] = {what: cost_of(find, filter) for what, filter in asked.items()}

    with capsys.disabled():
        print(*(f"{n}: {cost}" for n, cost in costs.items()), sep="\n")  # noqa: T201
    assert costs[100_000] == costs[10]
    assert costs[10] == {
        "newest": [{"Query": 1}, {"Query": 1}],
        "by first name": [{"Query": 1}, {"Query": 1}],
        "by a name of all": [{"Query": 1}, {"Query": 1}],
        "none": [{"Query": 1}],
    }


def cost_of(find: Find, filter: str | None) -> list[dict[str, int]]:
    """The requests of a first page and of the one that follows, if one does."""
    costs, cursor = [], None
    seen: set[str] = set()
    for _ in range(2):
        with counted() as requests:
            page = find(filter, limit=4, cursor=cursor)
        costs.append(dict(requests))
        cursor = page["queryMore"]
        assert not seen & {one["id"] for one in page["items"]}
        seen |= {one["id"] for one in page["items"]}
        if cursor is None:
            break
    return costs
