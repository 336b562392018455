"""The Catalog table: what is unique, what is found where, and what one transaction holds."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tessera import aws, dynamo
from tessera.catalog.errors import ChangedMeanwhile, NotUnique
from tessera.catalog.installed import installed_pages
from tessera.catalog.items import archive, create, replace
from tessera.catalog.kinds import Kind
from tessera.catalog.models import AddOn, Entitlement, Offer, Page, Product
from tessera.catalog.store import CatalogTable
from tests.catalog.shelf import (
    ACME,
    ANNUAL_PLAN,
    BOREALIS,
    MONTHLY_PLAN,
    NOW,
    SUPPORT_PLAN,
    Unconnected,
    entitlement_body,
    offer_body,
    page_body,
    product_body,
)

LATER = NOW + timedelta(hours=1)


def has(table: CatalogTable, kind: Kind, body: dict[str, Any]) -> Any:
    return create(kind, body, catalog=table, plans=Unconnected(), mode="test", now=NOW).item


def put(table: CatalogTable, item: Any, body: dict[str, Any]) -> Any:
    kind = item.catalog_kind
    return replace(
        kind, item.id, body, if_match=None, catalog=table, plans=Unconnected(), now=LATER
    ).item


def for_partners(*partners: str, label: str = "gold") -> dict[str, Any]:
    return {
        "label": [label],
        "sales_channel": ["Partner"],
        "eligible_partners": list(partners),
    }


def rows(table: str = "Catalog") -> dict[tuple[str, str], dict[str, Any]]:
    items = boto3.client("dynamodb").scan(TableName=table)["Items"]
    plain = [dynamo.row_of(item) for item in items]
    return {(row["pk"], row["sk"]): row for row in plain}


@pytest.mark.parametrize(
    ("kind", "model", "body"),
    [
        ("entitlements", Entitlement, entitlement_body()),
        ("products", Product, product_body(attributes={"product_code": "DIG"})),
        ("offers", Offer, offer_body(attributes=for_partners(ACME))),
        ("add-ons", AddOn, offer_body()),
        ("pages", Page, page_body()),
    ],
)
def test_gives_back_what_was_put_in(
    kind: Kind, model: type[Any], body: dict[str, Any], table: CatalogTable
) -> None:
    made = has(table, kind, body)

    found = table.find(kind, made.id)

    assert isinstance(found, model)
    assert found == made


def test_passes_over_members_that_a_later_version_stored(table: CatalogTable) -> None:
    made = has(table, "offers", offer_body())
    row = rows()["offers", made.id] | {"colour": "red"}
    row["data"]["attributes"]["mood__limio"] = "sunny"
    dynamo.write(dynamo.put("Catalog", row))

    assert table.offer(made.id) == made


def test_finds_nothing_under_unknown_ids(table: CatalogTable) -> None:
    product = has(table, "products", product_body())

    assert table.find("offers", "offer-00000000000000000000000000000000") is None
    assert table.offer(product.id) is None
    assert table.for_sale(["rubbish", "offer-0", product.id, "x" * 5000]) == {}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("entitlements", entitlement_body(code="other")),
        ("products", product_body()),
        ("offers", offer_body()),
        ("add-ons", offer_body()),
        ("pages", page_body(slug="/other")),
    ],
)
def test_a_name_is_unique_among_its_kind(
    kind: Kind, body: dict[str, Any], table: CatalogTable
) -> None:
    first = has(table, kind, body)
    before = rows()

    with pytest.raises(NotUnique) as refused:
        has(table, kind, {**body, "code": "W9"} if kind == "entitlements" else body)

    assert refused.value.wire_code == "not_unique"
    assert refused.value.members == {"field": "name", "taken_by": first.id}
    assert f'"{first.name}"' in refused.value.message
    assert rows() == before


def test_two_kinds_may_have_the_same_name(table: CatalogTable) -> None:
    offer = has(table, "offers", offer_body(name="Digital"))
    product = has(table, "products", product_body(name="Digital"))

    assert (offer.path, product.path) == ("/offers2/Digital", "/products/Digital")


def test_the_name_of_an_archived_item_stays_taken(table: CatalogTable) -> None:
    made = has(table, "products", product_body())
    archive("products", made.id, catalog=table, now=LATER)

    with pytest.raises(NotUnique):
        has(table, "products", product_body())


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        ({"name": "Web", "code": "W2"}, {"name": "Print", "code": "W2"}, "code"),
        ({"name": "W2", "code": None}, {"name": "Print", "code": "W2"}, "code"),
        ({"name": "Web", "code": "W2"}, {"name": "W2", "code": None}, "name"),
    ],
)
def test_an_effective_code_is_unique_over_all_entitlements(
    first: dict[str, Any], second: dict[str, Any], field: str, table: CatalogTable
) -> None:
    bodies = [{k: v for k, v in (entitlement_body() | one).items() if v} for one in (first, second)]
    holder = has(table, "entitlements", bodies[0])

    with pytest.raises(NotUnique) as refused:
        has(table, "entitlements", bodies[1])

    assert refused.value.members == {"field": field, "taken_by": holder.id}
    assert f'"W2" is taken by the entitlement "{holder.name}"' in refused.value.message


def test_a_code_that_was_given_up_is_free_again(table: CatalogTable) -> None:
    web = has(table, "entitlements", entitlement_body(code="W2"))
    put(table, web, entitlement_body(code="W3"))

    has(table, "entitlements", entitlement_body(name="Print", code="W2"))

    with pytest.raises(NotUnique):
        put(table, web, entitlement_body(code="W2"))


def test_an_entitlement_may_take_its_own_name_as_its_code(table: CatalogTable) -> None:
    web = has(table, "entitlements", entitlement_body(name="W2"))

    assert put(table, web, {"label": "Web", "code": "W2"}).effective_code == "W2"
    assert put(table, web, {"label": "Web"}).effective_code == "W2"


def test_the_code_of_an_archived_entitlement_stays_taken(table: CatalogTable) -> None:
    web = has(table, "entitlements", entitlement_body(code="W2"))
    archive("entitlements", web.id, catalog=table, now=LATER)

    with pytest.raises(NotUnique):
        has(table, "entitlements", entitlement_body(name="Print", code="W2"))


def test_an_address_is_unique_over_pages_that_are_not_archived(table: CatalogTable) -> None:
    first = has(table, "pages", page_body())
    second = page_body(name="Gold again")

    with pytest.raises(NotUnique) as refused:
        has(table, "pages", second)
    archive("pages", first.id, catalog=table, now=LATER)
    successor = has(table, "pages", second)

    assert refused.value.members == {"field": "slug", "taken_by": first.id}
    with pytest.raises(NotUnique) as taken:
        put(table, first, page_body(status="active"))
    assert taken.value.members == {"field": "slug", "taken_by": successor.id}


def test_of_two_saves_of_one_reading_the_second_is_told(table: CatalogTable) -> None:
    made = has(table, "products", product_body())
    one = made.model_copy(update={"updated": LATER, "status": "draft"})
    other = made.model_copy(update={"updated": LATER, "status": "archived"})
    table.replace(made, one)

    with pytest.raises(ChangedMeanwhile):
        table.replace(made, other)

    assert table.find("products", made.id) == one


def test_offers_of_a_label_are_those_that_the_partner_may_buy(table: CatalogTable) -> None:
    product = has(table, "products", product_body())

    def offer(name: str, attributes: dict[str, Any], **detail: Any) -> str:
        body = offer_body(product.id, name=name, attributes=attributes, **detail)
        return str(has(table, "offers", body).id)

    for_acme = offer("For Acme", for_partners(ACME))
    for_both = offer("For both", for_partners(BOREALIS, ACME))
    online = offer("Online", {"label": ["gold"], "sales_channel": ["Online"]})
    online_listing_acme = offer(
        "Online, Acme", {"label": ["gold"], "eligible_partners": [ACME], "sales_channel": []}
    )
    offer("Draft", for_partners(ACME), status="draft")
    offer("Archived", for_partners(ACME), status="archived")
    offer("Silver", for_partners(ACME, label="silver"))

    def found(**options: Any) -> set[str]:
        return {offer.id for offer in table.of_label("gold", **options)}

    assert found(visible_to=ACME) == {for_acme, for_both}
    assert found(visible_to=BOREALIS) == {for_both}
    assert found() == {for_acme, for_both, online, online_listing_acme}


def test_labels_move_with_their_offer(table: CatalogTable) -> None:
    made = has(table, "offers", offer_body(attributes=for_partners(ACME)))
    assert table.sells_to_partners("gold")

    put(table, made, offer_body(attributes=for_partners(ACME, label="silver")))
    assert (table.sells_to_partners("gold"), table.sells_to_partners("silver")) == (False, True)

    put(table, made, offer_body(attributes={"label": ["silver"]}))
    assert not table.sells_to_partners("silver")


def test_a_label_of_archived_partner_offers_does_not_sell_to_partners(table: CatalogTable) -> None:
    made = has(table, "offers", offer_body(attributes=for_partners(ACME)))

    archive("offers", made.id, catalog=table, now=LATER)

    assert not table.sells_to_partners("gold")


def test_finds_what_a_rate_plan_may_have_been_sold_as(table: CatalogTable) -> None:
    access = has(table, "entitlements", entitlement_body())
    digital = has(table, "products", product_body(access.id))
    both = has(table, "products", product_body(access.id, name="Print"))
    monthly = has(table, "offers", offer_body(digital.id))
    bundle = has(table, "offers", offer_body(digital.id, both.id, name="Bundle"))
    support = has(table, "add-ons", offer_body(digital.id, plan=SUPPORT_PLAN))
    archive("offers", monthly.id, catalog=table, now=LATER)
    has(table, "offers", offer_body(digital.id, name="Draft", status="draft"))

    found = {one.item.id: one for one in table.holding_plans([MONTHLY_PLAN, SUPPORT_PLAN])}

    assert found.keys() == {monthly.id, bundle.id, support.id}
    assert isinstance(found[support.id].item, AddOn)
    assert found[monthly.id].item.status == "archived"
    assert [p.rate_plan for p in found[bundle.id].products] == [MONTHLY_PLAN, ANNUAL_PLAN]
    assert table.holding_plans(["8ad0965d000000000000000000000999"]) == []


def test_a_rate_plan_that_was_given_up_finds_the_offer_no_more(table: CatalogTable) -> None:
    product = has(table, "products", product_body())
    made = has(table, "offers", offer_body(product.id, plan=MONTHLY_PLAN))

    put(table, made, offer_body(product.id, plan=ANNUAL_PLAN))

    assert table.holding_plans([MONTHLY_PLAN]) == []
    assert [one.item.id for one in table.holding_plans([ANNUAL_PLAN])] == [made.id]


def test_copies_what_is_sold_in_bundle_and_product_order(table: CatalogTable) -> None:
    body = entitlement_body(name="Print access", label="Print")
    del body["code"]
    web = has(table, "entitlements", entitlement_body())
    paper = has(table, "entitlements", body)
    digital = has(table, "products", product_body(web.id))
    everything = has(table, "products", product_body(paper.id, web.id, name="Everything"))
    offer = has(table, "offers", offer_body(everything.id, digital.id))

    assert [product.wire() for product in table.copy(offer)] == [
        {
            "id": everything.id,
            "path": "/products/Everything",
            "name": "Everything",
            "rate_plan": MONTHLY_PLAN,
            "entitlements": (
                {"id": paper.id, "name": "Print access", "label": "Print"},
                {"id": web.id, "name": "Web access", "label": "Web access", "code": "W2"},
            ),
        },
        {
            "id": digital.id,
            "path": "/products/Digital",
            "name": "Digital",
            "rate_plan": ANNUAL_PLAN,
            "entitlements": (
                {"id": web.id, "name": "Web access", "label": "Web access", "code": "W2"},
            ),
        },
    ]


def test_copies_of_a_bare_offer_are_none(table: CatalogTable) -> None:
    offer = has(table, "offers", offer_body())

    assert table.copy(offer) == ()


def test_the_fullest_offer_changes_all_its_rows_in_one_transaction(table: CatalogTable) -> None:
    partners = [f"partner_org-{n:032x}" for n in range(100)]
    product = has(table, "products", product_body())

    def full(first: int) -> dict[str, Any]:
        attributes = {
            "label": [f"label {n}" for n in range(first, first + 10)],
            "sales_channel": ["Partner"],
            "eligible_partners": partners,
        }
        bundles = [
            {"product": product.id, "rate_plan": f"{n:032x}"} for n in range(first, first + 20)
        ]
        return {
            "name": "Full",
            "status": "active",
            "data": {"productBundles": bundles, "attributes": attributes},
        }

    made = has(table, "offers", full(0))
    put(table, made, full(100))

    beside = {pk for pk, sk in rows() if sk == made.id} - {"offers"}
    assert beside == {f"LABEL#label {n}" for n in range(100, 110)} | {
        f"PLAN#{n:032x}" for n in range(100, 120)
    }


def pages_by_slug(table: CatalogTable) -> dict[str, Page]:
    return {page.slug: page for page in table.pages()}


def test_installed_pages_are_there_before_anything_is_saved(table: CatalogTable) -> None:
    assert rows() == {}
    assert pages_by_slug(table).keys() == {page.slug for page in installed_pages("test")}
    for page in installed_pages("test"):
        assert table.find("pages", page.id) == page


def test_an_installed_page_that_was_saved_is_what_was_saved(table: CatalogTable) -> None:
    portal = pages_by_slug(table)["/partner"]

    saved = put(table, portal, {**portal.wire(), "components": []})

    assert pages_by_slug(table)["/partner"] == saved
    assert table.find("pages", portal.id) == saved
    assert saved.created == portal.created
    assert put(table, saved, {**saved.wire(), "slug": "/portal"}).slug == "/portal"


def test_an_installed_page_can_be_archived_and_its_address_taken(table: CatalogTable) -> None:
    portal = pages_by_slug(table)["/partner"]
    successor = page_body(name="Our portal", slug="/partner")

    archive("pages", portal.id, catalog=table, now=LATER)

    assert table.find("pages", portal.id).status == "archived"  # type: ignore[union-attr]  # found
    assert has(table, "pages", successor).slug == "/partner"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (page_body(slug="/partner"), "slug"),
        (page_body(name="Partner portal"), "name"),
        (page_body(name="Partner portal", slug="/partner"), "name"),
    ],
)
@pytest.mark.parametrize("is_saved", [False, True])
def test_what_an_installed_page_holds_is_taken(
    body: dict[str, Any], field: str, is_saved: bool, table: CatalogTable
) -> None:
    portal = pages_by_slug(table)["/partner"]
    if is_saved:
        put(table, portal, {**portal.wire(), "components": []})

    with pytest.raises(NotUnique) as refused:
        has(table, "pages", body)

    assert refused.value.members == {"field": field, "taken_by": portal.id}
    assert '"Partner portal"' in refused.value.message


def test_another_page_cannot_move_to_the_address_of_an_installed_one(table: CatalogTable) -> None:
    gold = has(table, "pages", page_body())

    with pytest.raises(NotUnique):
        put(table, gold, page_body(slug="/billing"))

    assert table.find("pages", gold.id) == gold


def names(table: CatalogTable, kind: Kind, limit: int = 3, **filters: Any) -> list[list[str]]:
    """The names on each page of a list."""

    def follow() -> Iterator[list[str]]:
        after = None
        while True:
            query: dict[str, Any] = {"status": None, "label": None, **filters}
            page = table.listed(kind, limit=limit, after=after, **query)
            yield [str(item.name) for item in page.items]
            if (after := page.next) is None:
                return

    return list(follow())


@pytest.mark.parametrize(("made", "pages"), [(0, [[]]), (3, [["A0", "A1", "A2"]])])
def test_a_list_ends_where_nothing_follows(
    made: int, pages: list[list[str]], table: CatalogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = dynamo.query

    def as_dynamodb(*asked: Any, **options: Any) -> dynamo.Page:
        page = query(*asked, **options)
        if len(page.rows) == options["limit"]:
            last = page.rows[-1]
            return dynamo.Page(page.rows, {"pk": last["pk"], "sk": last["sk"]})
        return page

    # DynamoDB hands out a key whenever it stopped at the limit; the fake knows that no row follows.
    monkeypatch.setattr(dynamo, "query", as_dynamodb)
    for n in range(made):
        has(table, "products", product_body(name=f"A{n}"))

    assert names(table, "products") == pages


def test_lists_by_name_and_each_once(table: CatalogTable) -> None:
    for n in (5, 1, 4, 0, 6, 2, 3):
        has(table, "products", product_body(name=f"A{n}"))

    assert names(table, "products") == [["A0", "A1", "A2"], ["A3", "A4", "A5"], ["A6"]]


def test_installed_pages_stand_in_lists_by_name(table: CatalogTable) -> None:
    for name in ("Archive", "Corner", "Zebra"):
        has(table, "pages", page_body(name=name, slug=f"/{name.lower()}"))
    billing = pages_by_slug(table)["/billing"]
    put(table, billing, {**billing.wire(), "components": []})
    everything = [
        *["Archive", "Billing", "Checkout", "Corner", "Edit plan"],
        *["Partner checkout", "Partner offers", "Partner portal", "Subscriptions", "Zebra"],
    ]

    for limit in (1, 2, 3, 9, 10, 100):
        listed = names(table, "pages", limit=limit)
        assert [name for page in listed for name in page] == everything
        assert all(len(page) <= limit for page in listed)


def test_lists_by_status_and_label(table: CatalogTable) -> None:
    product = has(table, "products", product_body())
    for n in range(4):
        detail = {"status": "draft"} if n % 2 else {}
        attributes = {"label": ["gold"] if n < 3 else ["silver"]}
        has(table, "offers", offer_body(product.id, name=f"A{n}", attributes=attributes, **detail))

    assert names(table, "offers", status="active") == [["A0", "A2"]]
    assert names(table, "offers", label="gold") == [["A0", "A1", "A2"]]
    assert names(table, "offers", label="gold", status="draft") == [["A1"]]
    assert names(table, "offers", label="bronze") == [[]]
    assert names(table, "products", label="gold") == [[]]
    assert names(table, "pages", label="partner") == [["Partner offers"]]
    assert names(table, "entitlements", label="Web access") == [[]]


def test_a_filtered_list_goes_on_where_the_reading_stopped(
    table: CatalogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A thousand rows would take the fake DynamoDB half a minute.
    monkeypatch.setattr("tessera.catalog.store._NAMES_READ", 2)
    for n in range(6):
        has(table, "entitlements", entitlement_body(name=f"A{n}", code=f"{n}", label=f"{n % 5}"))

        has(table, "pages", page_body(name=f"A{n}", slug=f"/{n}"))

    entitlements = names(table, "entitlements", label="0")
    pages = names(table, "pages", label="partner")

    assert list(chain.from_iterable(entitlements)) == ["A0", "A5"]
    assert list(chain.from_iterable(pages)) == ["Partner offers"]


def disturbed(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB answers that another transaction touches the same rows, as often as told."""
    left = [times]
    real: Callable[..., Any] = aws.client("dynamodb").transact_write_items

    def transact(**request: Any) -> Any:
        if left[0]:
            left[0] -= 1
            answer: Any = {
                "Error": {"Code": "TransactionCanceledException"},
                "CancellationReasons": [{"Code": "TransactionConflict"}],
            }
            raise ClientError(answer, "TransactWriteItems")
        return real(**request)

    # The fake has no concurrency of its own.
    monkeypatch.setattr(aws.client("dynamodb"), "transact_write_items", transact)


def test_a_save_is_repeated_while_another_touches_the_same_rows(
    table: CatalogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    disturbed(4, monkeypatch)

    made = has(table, "products", product_body())

    assert table.find("products", made.id) == made


def test_a_save_that_is_always_disturbed_says_so(
    table: CatalogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    disturbed(5, monkeypatch)

    with pytest.raises(ChangedMeanwhile):
        has(table, "products", product_body())

    assert rows() == {}
