"""The `Webhooks` table: endpoints with their health, deliveries with their attempts.

    item                          pk            sk
    endpoint; its health          ENDPOINTS     {endpoint}; {endpoint}#HEALTH
    keys, receiver credentials    SECRETS       {endpoint}          KMS ciphertext
    credential of a host          HOSTS         {host}              KMS ciphertext
    number of endpoints           COUNT         ENDPOINTS
    hourly counters               HOURS#{day}   {hour}#{endpoint}
    delivery; attempt             {event}       D#{endpoint}; A#{endpoint}#{n:05d}

    index         pk                      sk              rows
    due           {endpoint}#{shard}      next_due (ms)   pending deliveries
    by_endpoint   {endpoint}              created_at      all deliveries
    failed        {endpoint} (failed_pk)  created_at      failed and not delivered since

Only deliveries carry index attributes. The conditions here are the concurrency control of the whole
engine: senders, sweepers and operators meet on these rows and nowhere else.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tessera import clock, dynamo
from tessera.dynamo import Row, Write
from tessera.errors import Conflict
from tessera.events import shard_of
from tessera.objects import Model
from tessera.tables import WEBHOOKS
from tessera.webhooks.health import Change, Health, Value
from tessera.webhooks.models import (
    Attempt,
    Delivery,
    Due,
    Endpoint,
    Last,
    NotRecorded,
    Sealed,
    State,
    Target,
)

_ENDPOINTS, _SECRETS, _HOSTS = "ENDPOINTS", "SECRETS", "HOSTS"
_HEALTH = "#HEALTH"
_COUNTERS_KEPT_SECONDS = 40 * 86_400
_MOST_ENDPOINTS = 10_000
"""Rows of endpoints and health, with those deleted in the last 90 days."""


class TooManyEndpoints(Conflict):
    title = "There are too many endpoints"


class Endpoints:
    def __init__(self, table: str) -> None:
        self._table = table

    def add(self, endpoint: Endpoint, health: Health, sealed: Sealed, *, limit: int) -> None:
        """Raises `TooManyEndpoints`."""
        id = endpoint.id
        ciphertexts = {"keys": sealed.keys, "auth": sealed.auth}
        try:
            dynamo.commit(
                [
                    self._put(_ENDPOINTS, id, _endpoint_row(endpoint)),
                    self._put(_ENDPOINTS, id + _HEALTH, health.wire()),
                    self._put(_SECRETS, id, {k: v for k, v in ciphertexts.items() if v}),
                    dynamo.update(
                        self._table,
                        {"pk": "COUNT", "sk": _ENDPOINTS},
                        "ADD live :one",
                        condition="attribute_not_exists(live) OR live < :limit",
                        one=1,
                        limit=limit,
                    ),
                ]
            )
        except dynamo.ConditionFailed as failed:
            raise TooManyEndpoints(
                f"There are {limit} endpoints, which is the limit. Delete one that is not needed."
            ) from failed

    def all(self) -> list[Target]:
        """Every endpoint with its health, also deleted ones: exact, as a new one must work now."""
        rows = dynamo.query_all(
            self._table, WEBHOOKS, _ENDPOINTS, consistent=True, at_most=_MOST_ENDPOINTS
        )
        return _targets({row["sk"]: row for row in rows})

    def find(self, id: str) -> Target | None:
        rows = dynamo.get_many(self._table, _keys_of(id), consistent=True)
        return next(iter(_targets({row["sk"]: row for row in rows})), None)

    def for_sending(
        self, ids: Collection[str], hosts: Collection[str]
    ) -> tuple[dict[str, tuple[Target, Sealed]], dict[str, bytes]]:
        """Endpoints with their ciphertexts, and the credentials of hosts, in one request.

        What is gone is left out, and so is a host without a credential.
        """
        keys = [key for id in ids for key in (*_keys_of(id), {"pk": _SECRETS, "sk": id})]
        keys += [{"pk": _HOSTS, "sk": host} for host in hosts]
        rows = dynamo.get_many(self._table, keys, consistent=True)
        by_kind: dict[str, dict[str, Row]] = {_ENDPOINTS: {}, _SECRETS: {}, _HOSTS: {}}
        for row in rows:
            by_kind[row["pk"]][row["sk"]] = row
        secrets = by_kind[_SECRETS]
        found = {
            target.endpoint.id: (target, _sealed_of(secrets[target.endpoint.id]))
            for target in _targets(by_kind[_ENDPOINTS])
            if target.endpoint.id in secrets
        }
        return found, {host: row["auth"] for host, row in by_kind[_HOSTS].items()}

    def change_health(self, id: str, change: Change) -> Health | None:
        """The health as the change leaves it; None where its condition does not hold."""
        try:
            row = dynamo.write(self._health_update(id, change), answer="ALL_NEW")
        except dynamo.ConditionFailed:
            return None
        return _health_of(row or {})

    def add_to_hour(self, id: str, at: datetime, *, delivered: int, failed: int) -> None:
        """For the charts; a batch lost in a crash does no harm."""
        dynamo.write(
            dynamo.update(
                self._table,
                {"pk": f"HOURS#{at.date().isoformat()}", "sk": f"{at:%H}#{id}"},
                "SET expires_at = :expires_at ADD delivered :delivered, failed :failed",
                expires_at=int(at.timestamp()) + _COUNTERS_KEPT_SECONDS,
                delivered=delivered,
                failed=failed,
            )
        )

    def _put(self, pk: str, sk: str, members: Row) -> Write:
        row = {"pk": pk, "sk": sk, "shape": 1, **members}
        return dynamo.put(self._table, row, condition="attribute_not_exists(pk)")

    def _health_update(self, id: str, change: Change) -> Write:
        sets = [f"#{name} = :set_{name}" for name in change.set]
        sets += [f"#{name} = if_not_exists(#{name}, :begin_{name})" for name in change.begin]
        clauses = {
            "SET": sets,
            "ADD": [f"#{name} :add_{name}" for name in change.add],
            "REMOVE": [f"#{name}" for name in change.remove],
        }
        conditions = ["attribute_exists(pk)"]
        conditions += [
            f"attribute_not_exists(#{name})" if value is None else f"#{name} = :when_{name}"
            for name, value in change.when.items()
        ]
        values: dict[str, Any] = {f"set_{name}": _stored(v) for name, v in change.set.items()}
        values |= {f"begin_{name}": _stored(value) for name, value in change.begin.items()}
        values |= {f"add_{name}": number for name, number in change.add.items()}
        values |= {f"when_{name}": _stored(v) for name, v in change.when.items() if v is not None}
        return dynamo.update(
            self._table,
            {"pk": _ENDPOINTS, "sk": id + _HEALTH},
            " ".join(f"{clause} {', '.join(terms)}" for clause, terms in clauses.items() if terms),
            condition=" AND ".join(conditions),
            **values,
        )


class Deliveries:
    def __init__(self, table: str) -> None:
        self._table = table

    def add(self, delivery: Delivery) -> Delivery | None:
        """Makes the row; answers the one that stood there already, which stays as it is."""
        row = _delivery_row(delivery)
        try:
            dynamo.write(
                dynamo.put(self._table, row, condition="attribute_not_exists(pk)", returning=True)
            )
        except dynamo.ConditionFailed as failed:
            return _delivery_of(failed.rows[0])
        return None

    def find(self, event: str, endpoint: str) -> Delivery | None:
        row = dynamo.get(self._table, _delivery_key(event, endpoint))
        return _delivery_of(row) if row else None

    def attempts(self, event: str, endpoint: str, *, at_most: int) -> list[Attempt]:
        """Newest first."""
        page = dynamo.query(
            self._table,
            WEBHOOKS,
            event,
            begins=f"A#{endpoint}#",
            newest_first=True,
            limit=at_most,
        )
        return [_attempt_of(row) for row in page.rows]

    def claim(self, event: str, endpoint: str, *, n: int, until_ms: int) -> Delivery | None:
        """Starts attempt n + 1 unless somebody has; nobody else sends until the claim runs out."""
        return self._update(
            event,
            endpoint,
            "SET attempts = :next, claimed_until = :until",
            "#state = :pending AND attempts = :n AND attribute_not_exists(claimed_until)",
            pending="pending",
            n=n,
            next=n + 1,
            until=until_ms,
        )

    def record(self, attempt: Attempt) -> None:
        """Keeps a result unless one is there; one that was noted as lost gives way.

        Raises `NotRecorded`.
        """
        one = dynamo.put(
            self._table,
            _attempt_row(attempt),
            condition="attribute_not_exists(pk) OR outcome = :lost",
            lost="lost",
        )
        try:
            dynamo.write(one)
        except dynamo.ConditionFailed:
            return  # our own first try did arrive
        except (BotoCoreError, ClientError) as error:
            raise NotRecorded from error

    def deliver(self, claimed: Delivery, last: Last, *, at: datetime, expires_at: int) -> bool:
        """A late success always wins, except over a person who cancelled. Raises `NotRecorded`."""
        return self._finish(
            claimed,
            "SET #state = :delivered, delivered_at = :at, #last = :last, expires_at = :expires_at"
            " REMOVE due_pk, next_due, claimed_until, failed_pk, reason",
            "#state IN (:pending, :exhausted)",
            delivered="delivered",
            at=clock.instant(at),
            last=last.wire(),
            expires_at=expires_at,
            pending="pending",
            exhausted="exhausted",
        )

    def postpone(self, claimed: Delivery, last: Last, *, next_due: int) -> bool:
        """A failure with a wait ahead. Raises `NotRecorded`."""
        return self._finish(
            claimed,
            "SET failures = :failures, next_due = :next_due, #last = :last, failed_pk = :endpoint"
            " REMOVE claimed_until",
            _STILL_MINE,
            **_mine(claimed),
            failures=claimed.failures + 1,
            next_due=next_due,
            last=last.wire(),
            endpoint=claimed.endpoint,
        )

    def exhaust(self, claimed: Delivery, last: Last, *, reason: str, expires_at: int) -> bool:
        """A failure with no wait left. Raises `NotRecorded`."""
        return self._finish(
            claimed,
            "SET #state = :exhausted, failures = :failures, #last = :last, failed_pk = :endpoint,"
            " reason = :reason, expires_at = :expires_at REMOVE due_pk, next_due, claimed_until",
            _STILL_MINE,
            **_mine(claimed),
            exhausted="exhausted",
            failures=claimed.failures + 1,
            last=last.wire(),
            endpoint=claimed.endpoint,
            reason=reason,
            expires_at=expires_at,
        )

    def end(
        self, event: str, endpoint: str, state: State, *, reason: str, expires_at: int
    ) -> Delivery | None:
        """Ends a pending delivery for a reason that is no attempt."""
        if state == "exhausted":
            keep, drop, values = ", failed_pk = :failed", "", {"failed": endpoint}
        else:
            keep, drop, values = "", ", failed_pk", {}
        return self._update(
            event,
            endpoint,
            f"SET #state = :ended, reason = :reason, expires_at = :expires_at{keep}"
            f" REMOVE due_pk, next_due, claimed_until{drop}",
            "#state = :pending",
            pending="pending",
            ended=state,
            reason=reason,
            expires_at=expires_at,
            **values,
        )

    def due(self, endpoint: str, shard: int, *, until_ms: int, at_most: int) -> list[Due]:
        """Pending deliveries of one shard whose time has come, the earliest first."""
        page = dynamo.query(
            self._table,
            WEBHOOKS,
            f"{endpoint}#{shard}",
            index="due",
            until=until_ms,
            limit=at_most,
        )
        return [Due(row["pk"], row["sk"].removeprefix("D#"), row["next_due"]) for row in page.rows]

    def lease(self, due: Due, *, until_ms: int) -> Delivery | None:
        """Takes the row for this sweep; another sweep finds it again when the lease is over."""
        return self._update(
            due.event,
            due.endpoint,
            "SET next_due = :until",
            "#state = :pending AND next_due = :seen",
            pending="pending",
            seen=due.next_due,
            until=until_ms,
        )

    def attempt(self, event: str, endpoint: str, n: int) -> Attempt | None:
        row = dynamo.get(self._table, _attempt_key(event, endpoint, n))
        return _attempt_of(row) if row else None

    def note_lost(self, attempt: Attempt) -> Attempt | None:
        """Notes that a sender died; answers what stood there already, which stays as it is."""
        one = dynamo.put(
            self._table,
            _attempt_row(attempt),
            condition="attribute_not_exists(pk)",
            returning=True,
        )
        try:
            dynamo.write(one)
        except dynamo.ConditionFailed as failed:
            return _attempt_of(failed.rows[0])
        return None

    def release(self, lapsed: Delivery) -> bool:
        """Removes a claim that has run out."""
        released = self._update(
            lapsed.event,
            lapsed.endpoint,
            "REMOVE claimed_until",
            "attempts = :n AND claimed_until = :mine",
            n=lapsed.attempts,
            mine=lapsed.claimed_until,
        )
        return released is not None

    def _finish(self, claimed: Delivery, expression: str, condition: str, **values: Any) -> bool:
        """Did the condition hold? Asks for no row back: this is half of what a delivery writes."""
        key = _delivery_key(claimed.event, claimed.endpoint)
        one = dynamo.update(self._table, key, expression, condition=condition, **values)
        try:
            dynamo.write(one)
        except dynamo.ConditionFailed:
            return False
        except (BotoCoreError, ClientError) as error:
            raise NotRecorded from error
        return True

    def _update(
        self, event: str, endpoint: str, expression: str, condition: str, **values: Any
    ) -> Delivery | None:
        """The delivery as the update leaves it; None where its condition does not hold."""
        key = _delivery_key(event, endpoint)
        one = dynamo.update(self._table, key, expression, condition=condition, **values)
        try:
            row = dynamo.write(one, answer="ALL_NEW")
        except dynamo.ConditionFailed:
            return None
        return _delivery_of(row or {})


_STILL_MINE = "#state = :pending AND attempts = :n AND claimed_until = :mine"


def _mine(claimed: Delivery) -> dict[str, Any]:
    return {"pending": "pending", "n": claimed.attempts, "mine": claimed.claimed_until}


def _keys_of(endpoint: str) -> list[dict[str, str]]:
    return [
        {"pk": _ENDPOINTS, "sk": endpoint},
        {"pk": _ENDPOINTS, "sk": endpoint + _HEALTH},
    ]


def _endpoint_row(endpoint: Endpoint) -> Row:
    return {name: value for name, value in endpoint.wire().items() if name != "id"}


def _targets(rows: Mapping[str, Row]) -> list[Target]:
    """Endpoints with their health, from both rows of each by sort key."""
    return [
        Target(_endpoint_of(row), _health_of(rows.get(sk + _HEALTH, {})))
        for sk, row in rows.items()
        if not sk.endswith(_HEALTH)
    ]


def _endpoint_of(row: Row) -> Endpoint:
    return Endpoint(id=row["sk"], **_members(row, Endpoint))


def _health_of(row: Row) -> Health:
    return Health(**_members(row, Health))


def _sealed_of(row: Row) -> Sealed:
    return Sealed(keys=row["keys"], auth=row.get("auth"))


def _stored(value: Value) -> str | int:
    return clock.instant(value) if isinstance(value, datetime) else value


def _delivery_key(event: str, endpoint: str) -> dict[str, str]:
    return {"pk": event, "sk": f"D#{endpoint}"}


def _delivery_row(delivery: Delivery) -> Row:
    members = delivery.wire()
    del members["event"]  # it is the key
    return {
        **_delivery_key(delivery.event, delivery.endpoint),
        "shape": 1,
        **members,
        "due_pk": f"{delivery.endpoint}#{shard_of(delivery.event)}",
    }


def _delivery_of(row: Row) -> Delivery:
    members = _members(row, Delivery)
    if "due_pk" not in row:
        members.pop("next_due", None)  # the index needs both: so does whoever trusts it
    return Delivery(event=row["pk"], **members)


def _attempt_key(event: str, endpoint: str, n: int) -> dict[str, str]:
    return {"pk": event, "sk": f"A#{endpoint}#{n:05d}"}


def _attempt_row(attempt: Attempt) -> Row:
    members = attempt.wire()
    # They are in the key, and `endpoint` would put an attempt into an index of deliveries.
    event, endpoint = members.pop("event"), members.pop("endpoint")
    return {**_attempt_key(event, endpoint, attempt.n), "shape": 1, **members}


def _attempt_of(row: Row) -> Attempt:
    endpoint = row["sk"].split("#")[1]
    return Attempt(event=row["pk"], endpoint=endpoint, **_members(row, Attempt))


def _members(row: Row, of: type[Model]) -> dict[str, Any]:
    return {name: row[name] for name in of.model_fields if name in row}
