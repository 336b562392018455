"""The Catalog table: items, the names and codes they hold, and where they are looked for.

| pk | sk | holds | answers |
|---|---|---|---|
| `<kind>`, as `offers` | id | the item as it is emitted | an item by id; all pages |
| `NAME#<kind>` | name | id, status, labels | uniqueness; an item by path; lists, by name |
| `CODE` | effective code | id, name | uniqueness over all entitlements |
| `SLUG` | slug | id, name | uniqueness over pages that are not archived |
| `LABEL#<label>` | offer id | status, channels, partners | offers of a label, for a partner |
| `PLAN#<product rate plan>` | offer or add-on id | – | what a rate plan was sold with; no drafts |

An item and its rows are written in one transaction, which also removes the rows it no longer has:
for an offer at most 62 writes. Items are never removed and their names never change, so a reference
that was checked stays good. Pages that are installed and were never saved have no rows: they are
laid over what is read, and a page that wants the name or address of one checks that it was saved.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from tessera import clock, dynamo
from tessera.catalog.errors import ChangedMeanwhile, NotUnique
from tessera.catalog.kinds import KINDS, Kind, kind_of_id
from tessera.catalog.models import (
    MODELS,
    AddOn,
    AnyItem,
    Bundle,
    Entitlement,
    EntitlementCopy,
    ForSale,
    Listing,
    Offer,
    Page,
    Product,
    ProductCopy,
)
from tessera.catalog.references import Wanted
from tessera.tables import CATALOG

M = TypeVar("M", bound=AnyItem)

_SHAPE = 1
_BATCH = 100
"""Keys that one batch read takes (DynamoDB's limit)."""
_NAMES_READ = 1000
"""By one request of a filtered list, a third of the 1 MB that a query reads."""
_MOST_OF_A_LABEL = 1000
_MOST_OF_A_PLAN = 1000
_MOST_PAGES = 1000
_TRIES = 5


class Candidate(NamedTuple):
    """What holds a rate plan, with its products as they would be sold today."""

    item: Offer | AddOn
    products: tuple[ProductCopy, ...]


class _Claim(NamedTuple):
    """A member that must be unique; the holder is known beforehand for installed pages only."""

    member: str
    value: str
    holder_id: str = ""
    holder_name: str = ""


class _Row(NamedTuple):
    """A row beside an item's own."""

    pk: str
    sk: str
    attributes: Mapping[str, Any]
    claim: _Claim | None = None


class CatalogTable:
    """`installed` are pages that count as there until they are saved."""

    def __init__(self, name: str, *, installed: Iterable[Page] = ()) -> None:
        self._name = name
        self._installed = {page.id: page for page in installed}

    def find(self, kind: Kind, id: str) -> AnyItem | None:
        row = dynamo.get(self._name, {"pk": kind, "sk": id})
        return self._installed.get(id) if row is None else _item(row)

    def offer(self, id: str) -> Offer | None:
        return self._many([id], Offer).get(id)

    def for_sale(self, ids: Iterable[str]) -> dict[str, Offer | AddOn]:
        """Offers and add-ons by id, in any status, mixed as an order needs them."""
        found = self._items(ids)
        return {id: item for id, item in found.items() if isinstance(item, Offer | AddOn)}

    def products(self, ids: Iterable[str]) -> dict[str, Product]:
        return self._many(ids, Product)

    def entitlements(self, ids: Iterable[str]) -> dict[str, Entitlement]:
        return self._many(ids, Entitlement)

    def copies(self, items: Iterable[Offer | AddOn]) -> dict[str, tuple[ProductCopy, ...]]:
        """The products of each item, by its id, in bundle order: what is kept when it is sold.

        Two batch reads for up to 100 products and entitlements.
        """
        sold = list(items)
        bundles = [bundle for item in sold for bundle in item.data.product_bundles]
        products = self.products(bundle.product.id for bundle in bundles)
        entitlements = self.entitlements(
            reference.id for product in products.values() for reference in product.entitlements
        )
        return {item.id: _copies(item, products, entitlements) for item in sold}

    def copy(self, item: Offer | AddOn) -> tuple[ProductCopy, ...]:
        return self.copies([item])[item.id]

    def holding_plans(self, plans: Iterable[str]) -> list[Candidate]:
        """Active and archived offers and add-ons that hold any of these product rate plans.

        One query per plan, then three batch reads for up to 100 of each.
        """
        ids = {
            row["sk"]
            for plan in dict.fromkeys(plans)
            for row in self._query(f"PLAN#{plan}", at_most=_MOST_OF_A_PLAN)
        }
        items = self.for_sale(sorted(ids))
        copies = self.copies(items.values())
        return [Candidate(item, copies[id]) for id, item in items.items()]

    def of_label(self, label: str, *, visible_to: str | None = None) -> list[Offer]:
        """Offers with this label: those visible to a partner organisation, else all active ones.

        One query and a batch read per 100 offers.
        """
        keep, values = "#status = :status", {"status": "active"}
        if visible_to is not None:
            keep += " AND contains(#channels, :channel) AND contains(#partners, :partner)"
            values |= {"channel": "Partner", "partner": visible_to}
        rows = self._query(f"LABEL#{label}", at_most=_MOST_OF_A_LABEL, keep=keep, **values)
        return list(self._many([row["sk"] for row in rows], Offer).values())

    def sells_to_partners(self, label: str) -> bool:
        """Is the label on any offer of the channel Partner that is not archived?"""
        rows = self._query(
            f"LABEL#{label}",
            at_most=1,
            keep="#status <> :status AND contains(#channels, :channel)",
            status="archived",
            channel="Partner",
        )
        return any(rows)

    def offers_to(self, partner_org: str, label: str) -> bool:
        """Is there anything with this label that the organisation may sell?"""
        rows = self._query(
            f"LABEL#{label}",
            at_most=1,
            keep="#status = :status AND contains(#channels, :channel)"
            " AND contains(#partners, :partner)",
            status="active",
            channel="Partner",
            partner=partner_org,
        )
        return any(rows)

    def offers(self, *, at_most: int) -> list[Offer]:
        """In any status and no particular order: one query for every megabyte."""
        stored = map(_item, self._query("offers", at_most=at_most))
        return [item for item in stored if isinstance(item, Offer)]

    def has_any(self, kind: Kind) -> bool:
        """Was anything of the kind ever saved? One query."""
        return bool(dynamo.query(self._name, CATALOG, kind, limit=1).rows)

    def pages(self) -> list[Page]:
        """All pages, in no particular order, stored or as they were installed."""
        stored = {row["sk"]: _item(row) for row in self._query("pages", at_most=_MOST_PAGES)}
        pages = (self._installed | stored).values()
        return [page for page in pages if isinstance(page, Page)]

    def listed(
        self, kind: Kind, *, limit: int, after: str | None, status: str | None, label: str | None
    ) -> Listing:
        """By name: one query and one batch read. A page may be short although another follows."""
        all_fit = status is None and label is None
        page = dynamo.query(
            self._name,
            CATALOG,
            f"NAME#{kind}",
            limit=limit + 1 if all_fit else _NAMES_READ,
            start=None if after is None else {"pk": f"NAME#{kind}", "sk": after},
            consistent=True,
        )
        read_to = None if page.next is None else str(page.next["sk"])
        rows = {row["sk"]: row for row in page.rows}
        for installed in self._installed.values():
            is_due = installed.name > (after or "") and (
                read_to is None or installed.name <= read_to
            )
            if kind == "pages" and is_due:
                rows.setdefault(installed.name, {"sk": installed.name, **_entry(installed)})
        fitting = [
            row
            for name, row in sorted(rows.items())
            if status in (None, row["status"]) and (label is None or label in row["labels"])
        ]
        given = fitting[:limit]
        next_after = given[-1]["sk"] if len(fitting) > limit else read_to
        items = self._items(row["id"] for row in given)
        return Listing([items[row["id"]] for row in given], next_after)

    def resolve(self, wanted: Iterable[Wanted]) -> dict[Wanted, AnyItem]:
        """The items that exist of those wanted: a batch read of names, then one of items."""
        asked = list(wanted)
        names = {
            one: (f"NAME#{one.kind}", one.path.removeprefix(KINDS[one.kind].folder))
            for one in asked
            if one.id is None and one.path is not None
        }
        rows = self._batch([{"pk": pk, "sk": sk} for pk, sk in dict.fromkeys(names.values())])
        ids = {(row["pk"], row["sk"]): str(row["id"]) for row in rows}
        of = {one: one.id or ids.get(names[one]) for one in asked}
        items = self._items(id for id in of.values() if id is not None)
        return {one: items[id] for one, id in of.items() if id is not None and id in items}

    def add(self, item: AnyItem) -> None:
        """Raises `NotUnique`."""
        unsaved = dynamo.put(self._name, _row(item), condition="attribute_not_exists(pk)")
        self._commit(unsaved, item, old_rows=())

    def replace(self, old: AnyItem, new: AnyItem) -> None:
        """Raises `NotUnique`, and `ChangedMeanwhile` unless `old` is what is stored."""
        # An installed page has no row before it is saved for the first time.
        unchanged = dynamo.put(
            self._name,
            _row(new),
            condition="attribute_not_exists(pk) OR updated = :read",
            read=clock.instant(old.updated),
        )
        self._commit(unchanged, new, old_rows=_rows_beside(old))

    def _commit(self, own: dynamo.Write, item: AnyItem, old_rows: Iterable[_Row]) -> None:
        rows = {(row.pk, row.sk): row for row in _rows_beside(item)}
        claims: list[_Claim | None] = [None, *(row.claim for row in rows.values())]
        writes = [own, *(self._put(row, item.id) for row in rows.values())]
        for claim in self._held_by_installed(item):
            claims.append(claim)
            key = {"pk": "pages", "sk": claim.holder_id}
            writes.append(dynamo.check(self._name, key, "attribute_exists(pk)"))
        writes += [
            dynamo.delete(self._name, {"pk": row.pk, "sk": row.sk})
            for row in old_rows
            if (row.pk, row.sk) not in rows
        ]
        try:
            _commit_undisturbed(writes)
        except dynamo.ConditionFailed as failed:
            position = failed.failed[0]
            claim_lost = claims[position]
            if claim_lost is None:
                raise ChangedMeanwhile from failed
            raise _not_unique(item, claim_lost, failed.rows.get(position)) from failed

    def _put(self, row: _Row, item: str) -> dynamo.Write:
        values = {"pk": row.pk, "sk": row.sk, "shape": _SHAPE, **row.attributes}
        if row.claim is None:
            return dynamo.put(self._name, values)
        free = "attribute_not_exists(pk) OR id = :item"
        return dynamo.put(self._name, values, condition=free, returning=True, item=item)

    def _held_by_installed(self, item: AnyItem) -> Iterator[_Claim]:
        """What installed pages hold of what this page wants, as long as they were never saved."""
        if not isinstance(item, Page):
            return
        for page in self._installed.values():
            if page.id == item.id:
                continue
            if page.name == item.name:
                yield _Claim("name", item.name, page.id, page.name)
            elif page.slug == item.slug and item.status != "archived":
                yield _Claim("slug", item.slug, page.id, page.name)

    def _many(self, ids: Iterable[str], model: type[M]) -> dict[str, M]:
        return {id: item for id, item in self._items(ids).items() if isinstance(item, model)}

    def _items(self, ids: Iterable[str]) -> dict[str, AnyItem]:
        """By id, in the order asked for; what does not exist or is no id is left out."""
        kinds = {id: kind_of_id(id) for id in ids}
        keys = [{"pk": kind, "sk": id} for id, kind in kinds.items() if kind is not None]
        found = self._installed | {row["sk"]: _item(row) for row in self._batch(keys)}
        return {id: found[id] for id in kinds if id in found}

    def _batch(self, keys: Sequence[dict[str, str]]) -> Iterator[dynamo.Row]:
        for start in range(0, len(keys), _BATCH):
            yield from dynamo.get_many(self._name, keys[start : start + _BATCH], consistent=True)

    def _query(
        self, pk: str, *, at_most: int, keep: str | None = None, **values: Any
    ) -> Iterator[dynamo.Row]:
        return dynamo.query_all(
            self._name, CATALOG, pk, at_most=at_most, keep=keep, consistent=True, **values
        )


def _commit_undisturbed(writes: Sequence[dynamo.Write]) -> None:
    """Again while other saves touch the same rows at the same moment."""
    for _ in range(_TRIES):
        try:
            return dynamo.commit(writes)
        except dynamo.TransactionLost:
            continue
    raise ChangedMeanwhile


def _row(item: AnyItem) -> dynamo.Row:
    return {"pk": item.catalog_kind, "sk": item.id, "shape": _SHAPE, **item.wire()}


def _item(row: dynamo.Row) -> AnyItem:
    kind: Kind = row["pk"]
    members = {name: value for name, value in row.items() if name not in ("pk", "sk", "shape")}
    return MODELS[kind].model_validate(members, extra="ignore", by_alias=True, by_name=False)


def _rows_beside(item: AnyItem) -> Iterator[_Row]:
    name = _Claim("name", item.name)
    yield _Row(f"NAME#{item.catalog_kind}", item.name, _entry(item), name)
    held = {"id": item.id, "name": item.name}
    if isinstance(item, Entitlement):
        code = _Claim("name" if item.code is None else "code", item.effective_code)
        yield _Row("CODE", item.effective_code, held, code)
    if isinstance(item, Page) and item.status != "archived":
        yield _Row("SLUG", item.slug, held, _Claim("slug", item.slug))
    if isinstance(item, Offer):
        for label in item.data.attributes.label:
            yield _Row(f"LABEL#{label}", item.id, _audience(item))
    if isinstance(item, Offer | AddOn) and item.status != "draft":
        for plan in item.rate_plans:
            yield _Row(f"PLAN#{plan}", item.id, {})


def _entry(item: AnyItem) -> dict[str, Any]:
    """What lists are filtered by, under the item's name."""
    return {"id": item.id, "status": item.status, "labels": _labels(item)}


def _labels(item: AnyItem) -> Sequence[str]:
    match item:
        case Offer() | AddOn():
            return item.data.attributes.label
        case Entitlement() | Page():
            return () if item.label is None else (item.label,)
    return ()


def _audience(offer: Offer) -> dict[str, Any]:
    attributes = offer.data.attributes
    return {
        "status": offer.status,
        "channels": attributes.sales_channel or (),
        "partners": attributes.eligible_partners,
    }


def _not_unique(item: AnyItem, claim: _Claim, holder: dynamo.Row | None) -> NotUnique:
    id, name = claim.holder_id, claim.holder_name
    if holder is not None:
        id, name = str(holder["id"]), str(holder.get("name", holder["sk"]))
    noun = KINDS[item.catalog_kind].noun
    return NotUnique(
        f'The {claim.member} "{claim.value}" is taken by the {noun} "{name}".',
        field=claim.member,
        taken_by=id,
    )


def _copies(
    item: ForSale, products: Mapping[str, Product], entitlements: Mapping[str, Entitlement]
) -> tuple[ProductCopy, ...]:
    return tuple(
        _copy(products[bundle.product.id], bundle, entitlements)
        for bundle in item.data.product_bundles
    )


def _copy(product: Product, bundle: Bundle, entitlements: Mapping[str, Entitlement]) -> ProductCopy:
    granted = [entitlements[reference.id] for reference in product.entitlements]
    return ProductCopy(
        id=product.id,
        path=product.path,
        name=product.name,
        rate_plan=bundle.rate_plan,
        charges=bundle.charges,
        entitlements=tuple(
            EntitlementCopy(id=one.id, name=one.name, label=one.label, code=one.code)
            for one in granted
        ),
    )
