"""The Commerce table: the only place where its rows and keys are known.

| row | pk | sk | by_lookup |
|---|---|---|---|
| owner, with identities and entitlements | `id-…` | `id-…` | – |
| external identity | `xid-…` | `xid-…` | – |
| customer | `cus-…` | `cus-…` | e-mail |
| address | `address-…` | `address-…` | – |
| subscription | `sub-…` | `sub-…` | Zuora id |
| its offers and add-ons | `sub-…` | `subscription_offer-…` | – |
| its schedule | `sub-…` | `schedule-…` | – |
| order | `order-…` | `order-…` | newest first |
| payment method | `pm-…` | `pm-…` | – |
| step of an order | `process_event-…` | `process_event-…` | – |

Every row is in by_owner and by_type, and in by_partner where it names an organisation.

| access | how | requests |
|---|---|---|
| owner by (issuer, subject) | Get `xid-…`, derived from both | 1 |
| an owner's identities and entitlements | Get `id-…` | 1 |
| a subscription by id or number, all in it | Query `sub-…`, derived from the number | 1 |
| an owner's subscriptions | Query by_owner, `schedules`–`subscriptions` | 1 |
| an offer, add-on or schedule by id | Query by_type | 1 |
| a page of a kind, of an owner or an organisation | Query by_owner, by_partner | 1 |
| a page of a kind, of all | Query by_type, its 16 partitions one after another | 1–16 |

What has something to do on a day or at an instant is in due, by keys only: subscriptions under
`day#{0–7}`, `{day}#{id}`, orders that have not ended under `order#{0–7}`, `{instant}`. Orders that
failed wait there for a person, under `failed`, `{instant}`. What the sweep of orders last found
late is in one row by itself, `sweep`, as the console would otherwise ask eight partitions.

Index keys, partition then sort: by_owner `{owner}`, `{path type}#{created}#{id}`; by_type
`{path type}#{last digit of the id}`, `{id}`; by_partner `{organisation}#{path type}`,
`{created}#{id}`; by_lookup `email#{address}`, `zuora#{id}` or `orders`, `{created}#{id}`.

Every commit locks its owner's row: it is written only if nobody wrote it since it was read. So what
a rule decided from what it read still holds when it is stored, and nothing else needs a lock.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from tessera import clock, ids, outbox
from tessera.commerce.activation import Due, due_day
from tessera.commerce.commits import Commit, Exists, Outdated
from tessera.commerce.customer_search import forgetting_names, name_writes
from tessera.commerce.entitlements import Held, Merge, OwnedCustomer, Ownership
from tessera.commerce.models import (
    Address,
    Customer,
    Holding,
    Identity,
    Order,
    Owner,
    ProcessEvent,
    Schedule,
    StoredPaymentMethod,
    Subscription,
    SubscriptionOffer,
)
from tessera.commerce.owner_work import due_keys
from tessera.commerce.owners import TooManySubscriptions
from tessera.commerce.subscriptions import age
from tessera.dynamo import (
    ConditionFailed,
    Page,
    Row,
    TransactionLost,
    Write,
    commit,
    delete,
    get,
    get_many,
    put,
    query,
    query_all,
    update,
    walk,
    write,
)
from tessera.objects import Record
from tessera.tables import ALL_ORDERS, COMMERCE, LATE_ORDERS

_SHAPE = 1
_PATH_TYPES: Mapping[type[Record], str] = {
    Owner: "identities",
    Identity: "identities",
    Customer: "customers",
    Address: "address",
    Subscription: "subscriptions",
    Holding: "subscriptions",
    SubscriptionOffer: "subscription_offers",
    Schedule: "schedules",
    Order: "orders",
    ProcessEvent: "process",
    StoredPaymentMethod: "payment_methods",
}
_MODELS: Mapping[str, type[Record]] = {
    kind.prefix: kind
    for kind in (
        Identity,
        Customer,
        Address,
        Subscription,
        SubscriptionOffer,
        Schedule,
        Order,
        ProcessEvent,
        StoredPaymentMethod,
    )
}
_HELD = {"offers", "add_ons", "schedule"}
_LEASED = "#provisioning.#attempt = :attempt"
_MAX_ROWS_OF_AN_OWNER = 20_000


_DUE_PARTITIONS = 8
_DUE_PAGE = 200
_NO_BOUND = 1_000_000
"""Where rows left out would make an answer wrong."""
_PARTITIONS = "0123456789abcdef"
_QUERIES_A_PAGE = 20
"""All 16 partitions of a kind, and some room for pages that DynamoDB cuts at 1 MB."""


class CommerceTable:
    def __init__(self, name: str, events_table: str = "") -> None:
        """`events_table` is needed to commit, not to read."""
        self._name = name
        self._events = events_table

    def ownership(self, owner: str) -> Ownership | None:
        row = get(self._name, {"pk": owner, "sk": owner}) if ids.is_id(owner, "id") else None
        return _ownership(row) if row else None

    def identity(self, id: str) -> Identity | None:
        row = get(self._name, {"pk": id, "sk": id}) if ids.is_id(id, "xid") else None
        return Identity.model_validate(row, extra="ignore") if row else None

    def customer(self, id: str) -> Customer | None:
        row = get(self._name, {"pk": id, "sk": id})
        return Customer.model_validate(row, extra="ignore") if row else None

    def address(self, id: str) -> Address | None:
        row = get(self._name, {"pk": id, "sk": id})
        return Address.model_validate(row, extra="ignore") if row else None

    def order(self, id: str) -> Order | None:
        row = get(self._name, {"pk": id, "sk": id})
        return Order.model_validate(row, extra="ignore") if row else None

    def holding(self, subscription: str) -> Holding | None:
        """A subscription with its offers, add-ons and schedule, as last committed.

        One request, as long as it has no more than 1 MB: a life of many years.
        """
        rows = query_all(self._name, COMMERCE, subscription, consistent=True, at_most=_NO_BOUND)
        return next(iter(_holdings(rows)), None)

    def holdings_of(self, owner: str) -> list[Holding]:
        """All subscriptions of an owner, oldest first. Raises `TooManySubscriptions`."""
        found = query_all(
            self._name,
            COMMERCE,
            owner,
            index="by_owner",
            since="schedules",
            until="subscriptions~",
            at_most=_MAX_ROWS_OF_AN_OWNER + 1,
        )
        rows = list(found)
        if len(rows) > _MAX_ROWS_OF_AN_OWNER:
            raise TooManySubscriptions(
                f"{owner} has more subscriptions than one answer holds. Read them page by page at"
                " GET /api/objects/limio/subscriptions."
            )
        return sorted(_holdings(rows), key=age)

    def object(self, path_type: str, id: str) -> Record | None:
        """An object of one of the kinds by its id: one request."""
        match path_type:
            case "identities" if ids.is_id(id, "id"):
                ownership = self.ownership(id)
                return ownership.owner if ownership else None
            case "subscriptions":
                return self.holding(id)
            case "subscription_offers" | "schedules":
                # Their rows stand under a subscription that the id does not tell.
                partition = f"{path_type}#{id[-1]}"
                rows = query(
                    self._name, COMMERCE, partition, index="by_type", since=id, until=id
                ).rows
            case _:
                row = get(self._name, {"pk": id, "sk": id})
                rows = [row] if row else []
        return _object(rows[0]) if rows else None

    def objects(
        self,
        path_type: str,
        *,
        owner: str | None,
        partner_org: str | None,
        limit: int,
        after: Row | None,
    ) -> tuple[list[Record], Row | None]:
        """A page, and the key after which the next one begins.

        Subscriptions come with all they hold, at a query each where they are not an owner's few.
        """
        if path_type == "subscriptions" and owner is not None:
            page = self._few_holdings(owner, limit, after)
            if page is not None:
                return page
        found = self._walk(path_type, owner, partner_org, limit, after)
        if path_type == "subscriptions":
            held = (self.holding(row["pk"]) for row in found.rows)
            return [one for one in held if one is not None], found.next
        return [_object(row) for row in found.rows], found.next

    def newest_orders_of(self, partner_org: str, *, limit: int) -> list[Order]:
        """An organisation's, newest first: one query."""
        found = query(
            self._name,
            COMMERCE,
            f"{partner_org}#orders",
            index="by_partner",
            limit=limit,
            newest_first=True,
        )
        orders = [_object(row) for row in found.rows]
        return [one for one in orders if isinstance(one, Order)]

    def ownerships(
        self, *, partner_org: str | None, limit: int, after: Row | None
    ) -> tuple[list[Ownership], Row | None]:
        """Owners without external identities, of an organisation or all, as `objects` lists them.

        Of an organisation a page may be short although another one follows.
        """
        if partner_org is None:
            found = self._walk("identities", None, None, limit, after, begins="id-")
        else:
            found = self._walk(
                "identities",
                None,
                partner_org,
                limit,
                after,
                keep="#type = :type",
                type=Owner.model_fields["type"].default,
            )
        return [_ownership(row) for row in found.rows], found.next

    def newest_orders_by(self, owner: str, *, limit: int) -> list[Order]:
        """An owner's, newest first: one query."""
        found = query(
            self._name,
            COMMERCE,
            owner,
            index="by_owner",
            begins="orders#",
            limit=limit,
            newest_first=True,
        )
        return [Order.model_validate(row, extra="ignore") for row in found.rows]

    def _walk(
        self,
        path_type: str,
        owner: str | None,
        partner_org: str | None,
        limit: int,
        after: Row | None,
        **options: Any,
    ) -> Page:
        if owner is not None:
            index, partitions = "by_owner", [owner]
            options["begins"] = f"{path_type}#"
        elif partner_org is not None:
            index, partitions = "by_partner", [f"{partner_org}#{path_type}"]
        else:
            index, partitions = "by_type", [f"{path_type}#{digit}" for digit in _PARTITIONS]
        return walk(
            self._name,
            COMMERCE,
            partitions,
            index=index,
            limit=limit,
            after=after,
            at_most=_QUERIES_A_PAGE,
            **options,
        )

    def _few_holdings(
        self, owner: str, limit: int, after: Row | None
    ) -> tuple[list[Record], Row | None] | None:
        """One query, if it brings all rows of the owner's subscriptions."""
        page = query(
            self._name,
            COMMERCE,
            owner,
            index="by_owner",
            since="schedules",
            until="subscriptions~",
        )
        if page.next is not None:
            return None
        keys = {
            row["pk"]: {name: row[name] for name in ("owner", "owner_sk", "pk", "sk")}
            for row in page.rows
            if row["record_type"] == "subscription"
        }
        passed = after["owner_sk"] if after else ""
        left = [one for one in _holdings(page.rows) if keys[one.id]["owner_sk"] > passed]
        left.sort(key=lambda one: str(keys[one.id]["owner_sk"]))
        following = keys[left[limit - 1].id] if len(left) > limit else None
        return [*left[:limit]], following

    def customer_with_addresses(
        self, customer: str, addresses: Sequence[str]
    ) -> tuple[Customer | None, dict[str, Address]]:
        keys = [{"pk": id, "sk": id} for id in (customer, *addresses)]
        rows = {row["pk"]: row for row in get_many(self._name, keys, consistent=True)}
        found = rows.pop(customer, None)
        return (
            Customer.model_validate(found, extra="ignore") if found else None,
            {id: Address.model_validate(row, extra="ignore") for id, row in rows.items()},
        )

    def due_days(self, today: date) -> Iterator[Due]:
        """Subscriptions with a change due up to this day, oldest first in each partition."""
        for partition in range(_DUE_PARTITIONS):
            for row in self._due(f"day#{partition}", f"{today.isoformat()}~"):
                yield Due(row["pk"], row["due_at"])

    def due_orders(self, until: datetime) -> Iterator[str]:
        """Ids of orders whose next try, or lease, is due until then."""
        for partition in range(_DUE_PARTITIONS):
            for row in self._due(f"order#{partition}", clock.instant(until)):
                yield row["pk"]

    def note_late(self, ids: Sequence[str], *, at: datetime) -> None:
        """What a turn of the sweep found, in place of what the one before it did."""
        row = {**LATE_ORDERS, "shape": _SHAPE, "at": clock.instant(at), "late": ids}
        write(put(self._name, row))

    def _due(self, partition: str, until: str) -> Iterator[Row]:
        return query_all(self._name, COMMERCE, partition, index="due", until=until, limit=_DUE_PAGE)

    def look_again(self, due: Due, day: date) -> None:
        """Names the subscription again on that day, unless it was written meanwhile."""
        key = {"pk": due.subscription, "sk": due.subscription}
        later = update(
            self._name,
            key,
            "SET due_at = :later",
            condition="due_at = :was",
            was=due.at,
            later=f"{day.isoformat()}#{due.subscription}",
        )
        # Written meanwhile, it has its right day already.
        with contextlib.suppress(ConditionFailed):
            write(later)

    def lease(self, order: str, *, now: datetime, until: datetime) -> Order | None:
        """Takes the order up: one attempt more, its lease mine. None while another has it.

        Raises `Outdated` when it was never given a clock, or has ended.
        """
        taken = update(
            self._name,
            {"pk": order, "sk": order},
            "SET #status = :processing, #provisioning.#attempt = #provisioning.#attempt + :one,"
            " #provisioning.lease_until = :until, due_at = :until",
            condition="attribute_exists(#provisioning) AND #status IN (:submitted, :processing)"
            " AND (attribute_not_exists(#provisioning.lease_until)"
            " OR #provisioning.lease_until < :now)",
            processing="processing",
            submitted="submitted",
            one=1,
            now=clock.instant(now),
            until=clock.instant(until),
        )
        try:
            row = write(taken, answer="ALL_NEW")
        except ConditionFailed:
            return None
        return Order.model_validate(row, extra="ignore")

    def save_steps(self, order: Order, steps: Sequence[ProcessEvent], *, attempt: int) -> None:
        """The order and what is known of its steps. Raises `Outdated` when the lease was lost."""
        writes = [
            put(
                self._name,
                _row(order),
                condition=f"#owner = :owner AND {_LEASED}",
                owner=order.owner or "",
                attempt=attempt,
            ),
            *(put(self._name, _row(step)) for step in steps),
        ]
        try:
            commit(writes)
        except (ConditionFailed, TransactionLost) as lost:
            raise Outdated from lost

    def process_event(self, id: str) -> ProcessEvent | None:
        row = get(self._name, {"pk": id, "sk": id})
        return ProcessEvent.model_validate(row, extra="ignore") if row else None

    def payment_method(self, id: str) -> StoredPaymentMethod | None:
        row = get(self._name, {"pk": id, "sk": id})
        return StoredPaymentMethod.model_validate(row, extra="ignore") if row else None

    def replace_method(self, method: StoredPaymentMethod, *, seen: datetime) -> None:
        """Nothing is announced of it, so its owner's row need not be locked: what was written
        since `seen` stays.
        """
        changed = put(
            self._name, _row(method), condition="updated = :seen", seen=clock.instant(seen)
        )
        with contextlib.suppress(ConditionFailed):
            write(changed)

    def orders_since(self, owner: str, order: Order) -> Iterator[Order]:
        """The owner's orders placed after this one, oldest first, read as they are looked at."""
        since = f"orders#{clock.instant(order.created)}"
        rows = query_all(
            self._name,
            COMMERCE,
            owner,
            index="by_owner",
            since=since,
            until="orders~",
            at_most=_NO_BOUND,
        )
        orders = (Order.model_validate(row, extra="ignore") for row in rows)
        return (one for one in orders if one.id != order.id)

    def commit(self, change: Commit, *, beside: Sequence[Write] = ()) -> None:
        """Writes all of it or nothing. Raises `Outdated` or, for a created object, `Exists`.

        `beside` are rows of another table that belong to it.
        """
        writes = [self._owner(change.ownership, change.seen, change.merges)]
        if change.ceding is not None:
            writes.append(self._owner(*change.ceding, change.merges))
        first_created = len(writes)
        writes += [
            put(self._name, _row(one), condition="attribute_not_exists(pk)")
            for one in change.creates
        ]
        first_replaced = len(writes)
        owners = {change.ownership.owner.id}
        if change.ceding is not None:
            owners.add(change.ceding[0].owner.id)
        writes += [self._replaced(one, owners, change) for one in change.replaces]
        writes += [self._removed(one) for one in change.removes]
        writes += [outbox.record(self._events, event) for event in change.events]
        writes += self._names(change)
        writes += beside
        try:
            commit(writes)
        except ConditionFailed as failed:
            for position in failed.failed:
                if first_created <= position < first_replaced:
                    raise Exists(change.creates[position - first_created].id) from failed
            raise Outdated from failed
        except TransactionLost as lost:
            raise Outdated from lost

    def _names(self, change: Commit) -> list[Write]:
        """By which partners find the customers that are written."""
        names: list[Write] = []
        for one in (*change.creates, *change.replaces):
            if isinstance(one, Customer):
                names += name_writes(self._name, one, is_new=one in change.creates)
        for one in change.removes:
            if isinstance(one, Customer):
                names += forgetting_names(self._name, one)
        return names

    def _owner(self, ownership: Ownership, seen: datetime | None, merges: bool) -> Write:
        """Nobody but the merge writes an owner that is being merged, or has become another."""
        row = _ownership_row(ownership)
        if seen is None:
            return put(self._name, row, condition="attribute_not_exists(pk)")
        at = clock.instant(seen)
        if merges:
            return put(self._name, row, condition="updated = :seen", seen=at)
        active = "updated = :seen AND #status = :active"
        return put(self._name, row, condition=active, seen=at, active="active")

    def _replaced(self, one: Record, owners: set[str], change: Commit) -> Write:
        values: dict[str, Any] = {f"owner{n}": owner for n, owner in enumerate(sorted(owners))}
        among = ", ".join(f":{name}" for name in values)
        same = ""
        if isinstance(one, Order) and change.attempt is not None:
            same += f" AND {_LEASED}"
            values["attempt"] = change.attempt
        if (expected := change.expects.get(one.id)) is not None:
            same += " AND updated = :expected"
            values["expected"] = clock.instant(expected)
        condition = f"#owner IN ({among}){same}"
        if not same:
            condition = f"attribute_not_exists(pk) OR {condition}"
        return put(self._name, _row(one), condition=condition, **values)

    def _removed(self, one: Record) -> Write:
        return delete(self._name, _key(one), condition="#owner = :owner", owner=one.owner or "")


def _key(one: Record) -> Row:
    pk = one.related if isinstance(one, SubscriptionOffer | Schedule) else one.id
    return {"pk": pk, "sk": one.id}


def _row(one: Record) -> Row:
    kind = _PATH_TYPES[type(one)]
    created = clock.instant(one.created)
    members = one.model_dump(by_alias=True, exclude_none=True, exclude=_HELD)
    row: Row = {
        **members,
        **_key(one),
        "shape": _SHAPE,
        "type_pk": f"{kind}#{one.id[-1]}",
        "type_sk": one.id,
    }
    if one.owner is not None:
        row["owner_sk"] = f"{kind}#{created}#{one.id}"
    if one.partner_org is not None:
        row["partner_pk"] = f"{one.partner_org}#{kind}"
        row["partner_sk"] = f"{created}#{one.id}"
    if (lookup := _lookup(one)) is not None:
        row["lookup_pk"] = lookup
        row["lookup_sk"] = f"{created}#{one.id}"
    return row | _due_keys(one)


def _due_keys(one: Record) -> Row:
    """None where nothing is to be done by itself."""
    partition = int(one.id[-1], 16) % _DUE_PARTITIONS
    match one:
        case Holding() if (day := due_day(one)) is not None:
            return {"due_pk": f"day#{partition}", "due_at": f"{day.isoformat()}#{one.id}"}
        case Order() if one.status == "failed":
            return {"due_pk": "failed", "due_at": clock.instant(one.updated)}
        case Order() if one.provisioning is not None:
            at = one.provisioning.lease_until or one.provisioning.next_at
            if at is not None:
                return {"due_pk": f"order#{partition}", "due_at": clock.instant(at)}
    return {}


def _lookup(one: Record) -> str | None:
    match one:
        case Customer() if one.data.email:
            return f"email#{one.data.email.casefold()}"
        case Subscription() if one.data.zuora.id:
            return f"zuora#{one.data.zuora.id}"
        case Order():
            return ALL_ORDERS
    return None


def _ownership_row(ownership: Ownership) -> Row:
    owner = ownership.owner
    members = ownership.model_dump(by_alias=True, exclude_none=True, exclude={"owner"})
    row = _row(owner.model_copy(update={"owner": owner.id}))
    return {**row, **members, **due_keys(ownership)}


def _ownership(row: Row) -> Ownership:
    return Ownership(
        owner=Owner.model_validate(
            {name: row[name] for name in row if name != "owner"}, extra="ignore"
        ),
        sequence=row["sequence"],
        version=row["version"],
        announced=row.get("announced"),
        identities=tuple(Identity.model_validate(one, extra="ignore") for one in row["identities"]),
        held=tuple(Held.model_validate(one, extra="ignore") for one in row["held"]),
        customers=tuple(
            OwnedCustomer.model_validate(one, extra="ignore") for one in row["customers"]
        ),
        unannounced=tuple(row.get("unannounced", ())),
        merge=Merge.model_validate(row["merge"], extra="ignore") if "merge" in row else None,
    )


def _object(row: Row) -> Record:
    """The object of a row; of a subscription without what hangs from it."""
    if row["sk"].startswith("id-"):
        return _ownership(row).owner
    return _MODELS[row["sk"].partition("-")[0]].model_validate(row, extra="ignore")


def _holdings(rows: Iterable[Row]) -> list[Holding]:
    """Subscriptions out of the rows of one or many, each with what hangs from it."""
    subscriptions: list[Row] = []
    offers: dict[str, list[SubscriptionOffer]] = {}
    schedules: dict[str, list[Schedule]] = {}
    for row in rows:
        match row["record_type"]:
            case "subscription":
                subscriptions.append(row)
            case "subscription_offer":
                offer = SubscriptionOffer.model_validate(row, extra="ignore")
                offers.setdefault(offer.related, []).append(offer)
            case "schedule":
                schedule = Schedule.model_validate(row, extra="ignore")
                schedules.setdefault(schedule.related, []).append(schedule)
    return [
        _holding(row, offers.get(row["pk"], []), schedules.get(row["pk"], []))
        for row in subscriptions
    ]


def _holding(row: Row, offers: list[SubscriptionOffer], schedules: list[Schedule]) -> Holding:
    in_order = sorted(offers, key=lambda offer: offer.place)
    members: dict[str, Any] = {
        "offers": tuple(o for o in in_order if o.data.record_subtype != "add_on"),
        "addOns": tuple(o for o in in_order if o.data.record_subtype == "add_on"),
        "schedule": tuple(sorted(schedules, key=lambda s: (s.data.date, s.id))),
    }
    return Holding.model_validate({**row, **members}, extra="ignore")
