"""The `Webhooks` table: endpoints with their health, deliveries with their attempts.

    item                          pk            sk
    endpoint; its health          ENDPOINTS     {endpoint}; {endpoint}#HEALTH
    keys, receiver credentials    SECRETS       {endpoint}          KMS ciphertext
    credential of a host          HOSTS         {host}              KMS ciphertext
    number of endpoints           COUNT         ENDPOINTS
    job                           JOBS          {job}
    test events of a minute       TESTS#{endpoint}  {minute}
    hourly counters               HOURS#{day}   {hour}#{endpoint}
    delivery; attempt             {event}       D#{endpoint}; A#{endpoint}#{n:05d}

    index         pk                      sk              rows
    due           {endpoint}#{shard}      next_due (ms)   pending deliveries
    by_endpoint   {endpoint}              created_at      all deliveries
    failed        {endpoint} (failed_pk)  created_at      failed and not delivered since

Only deliveries carry index attributes. The conditions here are the concurrency control of the whole
engine: senders, sweepers and operators meet on these rows and nowhere else.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from tessera import clock, dynamo, outbox
from tessera.dynamo import Row, Write
from tessera.errors import Conflict
from tessera.events import Event, shard_of
from tessera.objects import Model
from tessera.tables import WEBHOOKS
from tessera.webhooks.health import Change, Health, Value
from tessera.webhooks.jobs import Index, Job
from tessera.webhooks.models import (
    Attempt,
    Delivery,
    Due,
    Endpoint,
    EndpointStatus,
    Host,
    HourCount,
    Last,
    NotRecorded,
    Place,
    Sealed,
    State,
    Target,
)

_ENDPOINTS, _SECRETS, _HOSTS = "ENDPOINTS", "SECRETS", "HOSTS"
_JOBS = "JOBS"
_HEALTH = "#HEALTH"
_COUNTERS_KEPT_SECONDS = 40 * 86_400
_MOST_ENDPOINTS = 10_000
"""Rows of endpoints and health, with those deleted in the last 90 days."""

M = TypeVar("M", bound=Model)

_DELETED_KEPT = timedelta(days=90)
_TESTS_COUNTED_SECONDS = 3_600
_TRIES = 5
_MOST_JOBS = 1_000
_KEYS_A_READ = 100
"""What one request takes (BatchGetItem)."""


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

    def hours(self, day: date) -> list[HourCount]:
        """What was counted on that day (UTC), by hour and endpoint."""
        rows = dynamo.query_all(self._table, WEBHOOKS, f"HOURS#{day.isoformat()}")
        return [
            HourCount(
                hour=int(row["sk"][:2]),
                endpoint=row["sk"][3:],
                delivered=row.get("delivered", 0),
                failed=row.get("failed", 0),
            )
            for row in rows
        ]

    def sealed(self, id: str) -> Sealed | None:
        row = dynamo.get(self._table, {"pk": _SECRETS, "sk": id})
        return _sealed_of(row) if row else None

    def change(
        self,
        id: str,
        members: Mapping[str, Any],
        *,
        version: int,
        auth: bytes | None,
        health: Change | None,
    ) -> bool:
        """Is it still of this version, so that the members were written? It is of the next, then.

        `auth` is the ciphertext that takes the place of the one there is; empty bytes for none.
        """
        writes = [
            self._endpoint_update(
                id, members, "#version = :seen AND #status <> :deleted", seen=version
            )
        ]
        if auth is not None:
            key = {"pk": _SECRETS, "sk": id}
            exists = "attribute_exists(pk)"
            writes.append(
                dynamo.update(self._table, key, "SET #auth = :auth", condition=exists, auth=auth)
                if auth
                else dynamo.update(self._table, key, "REMOVE #auth", condition=exists)
            )
        if health is not None:
            writes.append(self._health_update(id, health))
        return self._committed(writes)

    def switch(
        self,
        seen: Endpoint,
        to: EndpointStatus,
        *,
        by: str,
        at: datetime,
        reason: str | None = None,
        health: Change | None = None,
        job: Job | None = None,
    ) -> bool:
        """Has it the status and the version that were seen, so that this was written?

        All in one transaction: the endpoint, its health, and the job that begins with it.
        """
        members = {
            "status": to,
            "status_reason": reason,
            "updated_at": clock.instant(at),
            "updated_by": by,
        }
        writes = [
            self._endpoint_update(
                seen.id,
                members,
                "#version = :seen AND #status = :was AND #status <> :deleted",
                seen=seen.version,
                was=seen.status,
            )
        ]
        if health is not None:
            writes.append(self._health_update(seen.id, health))
        if job is not None:
            writes.append(self._put(_JOBS, job.id, _job_members(job)))
        return self._committed(writes)

    def rotate(self, seen: Endpoint, old: bytes, new: bytes, *, by: str, at: datetime) -> bool:
        """Are the old ciphertexts still those stored, so that the new ones took their place?"""
        members = {"updated_at": clock.instant(at), "updated_by": by}
        return self._committed(
            [
                self._endpoint_update(seen.id, members, "#status <> :deleted"),
                dynamo.update(
                    self._table,
                    {"pk": _SECRETS, "sk": seen.id},
                    "SET #keys = :new",
                    condition="#keys = :old",
                    new=new,
                    old=old,
                ),
            ]
        )

    def delete(self, id: str, *, by: str, at: datetime) -> None:
        """With its keys; does nothing where it was deleted already."""
        expires_at = int((at + _DELETED_KEPT).timestamp())
        members = {
            "status": "deleted",
            "status_reason": None,
            "updated_at": clock.instant(at),
            "updated_by": by,
            "expires_at": expires_at,
        }
        self._committed(
            [
                self._endpoint_update(id, members, "#status <> :deleted"),
                dynamo.update(
                    self._table,
                    {"pk": _ENDPOINTS, "sk": id + _HEALTH},
                    "SET expires_at = :expires_at",
                    expires_at=expires_at,
                ),
                dynamo.delete(self._table, {"pk": _SECRETS, "sk": id}),
                dynamo.update(
                    self._table, {"pk": "COUNT", "sk": _ENDPOINTS}, "ADD live :less", less=-1
                ),
            ]
        )

    def _endpoint_update(
        self, id: str, members: Mapping[str, Any], condition: str, **values: Any
    ) -> Write:
        """These members and the next version; a member without a value is removed."""
        kept = {name: value for name, value in members.items() if value is not None}
        sets = ", ".join(f"#{name} = :{name}" for name in kept)
        gone = ", ".join(f"#{name}" for name in members if name not in kept)
        return dynamo.update(
            self._table,
            {"pk": _ENDPOINTS, "sk": id},
            f"SET {sets} ADD #version :one" + (f" REMOVE {gone}" if gone else ""),
            condition=f"attribute_exists(pk) AND {condition}",
            one=1,
            **{"deleted": "deleted", **kept, **values},
        )

    def _committed(self, writes: list[Write]) -> bool:
        """Did the conditions hold? Tried again where a sender touched the health meanwhile."""
        for left in reversed(range(_TRIES)):
            try:
                dynamo.commit(writes)
            except dynamo.ConditionFailed:
                return False
            except dynamo.TransactionLost:
                if not left:
                    raise
            else:
                break
        return True

    def _put(self, pk: str, sk: str, members: Row) -> Write:
        row = {"pk": pk, "sk": sk, "shape": 1, **members}
        return dynamo.put(self._table, row, condition="attribute_not_exists(pk)")

    def _health_update(self, id: str, change: Change) -> Write:
        return _health_update(self._table, id, change)


class Announcements:
    """What is told about an endpoint, each in one transaction with what it tells."""

    def __init__(self, table: str, events_table: str) -> None:
        self._table = table
        self._events_table = events_table

    def tell(self, endpoint: str, change: Change, event: Event) -> bool:
        """Both or, where the change's condition does not hold, neither."""
        return self._committed([_health_update(self._table, endpoint, change)], event)

    def disable(
        self, disabled: Endpoint, event: Event, *, failing_since: datetime | None = None
    ) -> bool:
        """Both, unless the endpoint is not active, or has another URL or a success since."""
        off = dynamo.update(
            self._table,
            {"pk": _ENDPOINTS, "sk": disabled.id},
            "SET #status = :disabled, status_reason = :reason, updated_at = :at, updated_by = :by"
            " ADD #version :one",
            condition="#status = :active AND #url = :url",
            disabled=disabled.status,
            reason=disabled.status_reason,
            at=clock.instant(disabled.updated_at),
            by=disabled.updated_by,
            one=1,
            active="active",
            url=disabled.url,
        )
        if failing_since is None:
            return self._committed([off], event)
        health = {"pk": _ENDPOINTS, "sk": disabled.id + _HEALTH}
        since = clock.instant(failing_since)
        still = dynamo.check(self._table, health, "failing_since = :since", since=since)
        return self._committed([off, still], event)

    def _committed(self, writes: list[Write], event: Event) -> bool:
        try:
            dynamo.commit([*writes, outbox.record(self._events_table, event)])
        except (dynamo.ConditionFailed, dynamo.TransactionLost):
            return False  # it was told, or what it tells is over; if neither, it is due again soon
        return True


def _health_update(table: str, id: str, change: Change) -> Write:
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
        table,
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

    def walk(
        self,
        endpoint: str,
        index: Index,
        *,
        since: datetime | None,
        until: datetime | None,
        cursor: str | None,
        at_most: int,
    ) -> tuple[list[Delivery], str | None]:
        """A page of an endpoint's deliveries, the oldest event first, and the next one's cursor."""
        page = dynamo.query(
            self._table,
            WEBHOOKS,
            endpoint,
            index=index,
            since=clock.instant(since) if since else None,
            until=clock.instant(until) if until else None,
            limit=at_most,
            start=_place(endpoint, index, cursor) if cursor else None,
        )
        keys = [_delivery_key(row["pk"], endpoint) for row in page.rows]
        found = {row["pk"]: _delivery_of(row) for row in self._rows(keys)}
        last = f"{page.next['created_at']}/{page.next['pk']}" if page.next else None
        return [found[row["pk"]] for row in page.rows if row["pk"] in found], last

    def again(self, of: Delivery, *, job: str, next_due: int) -> Delivery | None:
        """Begins another round for a job, or ends the wait of a pending one; once for each job."""
        values = {"job": job, "next_due": next_due, "seen": of.state, "round": of.round}
        once = "#state = :seen AND #round = :round AND"
        once += " (attribute_not_exists(replayed_by) OR replayed_by <> :job)"
        if of.state == "pending":
            return self._update(
                of.event,
                of.endpoint,
                "SET next_due = :next_due, replayed_by = :job",
                f"{once} AND attribute_not_exists(claimed_until)",
                **values,
            )
        return self._update(
            of.event,
            of.endpoint,
            "SET #state = :pending, #round = :next, failures = :none, next_due = :next_due,"
            " due_pk = :due_pk, replayed_by = :job REMOVE expires_at, reason, delivered_at",
            once,
            **values,
            pending="pending",
            next=of.round + 1,
            none=0,
            due_pk=_due_pk(of),
        )

    def of_event(self, event: str) -> list[Delivery]:
        """One for each endpoint that is to hear of it."""
        rows = dynamo.query_all(self._table, WEBHOOKS, event, begins="D#", at_most=_MOST_ENDPOINTS)
        return [_delivery_of(row) for row in rows]

    def places(
        self,
        endpoint: str,
        index: Index,
        *,
        since: datetime | None,
        until: datetime | None,
        after: Place | None,
        at_once: int,
    ) -> Iterator[Place]:
        """Newest first, read as far as it is asked for."""
        start = _place(endpoint, index, f"{after.created_at}/{after.event}") if after else None
        while True:
            page = dynamo.query(
                self._table,
                WEBHOOKS,
                endpoint,
                index=index,
                since=clock.instant(since) if since else None,
                until=clock.instant(until) if until else None,
                newest_first=True,
                limit=at_once,
                start=start,
            )
            for row in page.rows:
                yield Place(row["created_at"], row["pk"], row.get("type"), row.get("owner"))
            if page.next is None:
                return
            start = page.next

    def at(self, endpoint: str, places: Sequence[Place]) -> Mapping[Place, Delivery]:
        rows = self._rows([_delivery_key(place.event, endpoint) for place in places])
        found = {row["pk"]: _delivery_of(row) for row in rows}
        return {place: found[place.event] for place in places if place.event in found}

    def replay(self, seen: Delivery, *, next_due: int) -> Delivery | None:
        """Another round for one that has ended; for a pending one the end of its wait.

        None where it was claimed, or is in another state or round than it was seen in.
        """
        same = "#state = :seen AND #round = :round AND attribute_not_exists(claimed_until)"
        values = {"seen": seen.state, "round": seen.round, "next_due": next_due}
        if seen.state == "pending":
            wait_no_more = "SET next_due = :next_due"
            return self._update(seen.event, seen.endpoint, wait_no_more, same, **values)
        return self._update(
            seen.event,
            seen.endpoint,
            "SET #state = :pending, #round = :next, failures = :none, next_due = :next_due,"
            " due_pk = :due_pk REMOVE expires_at, reason, delivered_at",
            same,
            **values,
            pending="pending",
            next=seen.round + 1,
            none=0,
            due_pk=_due_pk(seen),
        )

    def _rows(self, keys: list[dict[str, str]]) -> Iterator[Row]:
        for start in range(0, len(keys), _KEYS_A_READ):
            some = keys[start : start + _KEYS_A_READ]
            yield from dynamo.get_many(self._table, some, consistent=True)

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


class Jobs:
    def __init__(self, table: str) -> None:
        self._table = table

    def add_job(self, job: Job) -> None:
        row = {"pk": _JOBS, "sk": job.id, "shape": 1, **_job_members(job)}
        dynamo.write(dynamo.put(self._table, row, condition="attribute_not_exists(pk)"))

    def job(self, id: str) -> Job | None:
        row = dynamo.get(self._table, {"pk": _JOBS, "sk": id})
        return _job_of(row) if row else None

    def jobs_of(self, endpoint: str) -> list[Job]:
        """Newest first; those that finished are kept for a week."""
        found = self._all("at_endpoint = :endpoint", endpoint=endpoint)
        return sorted(found, key=lambda job: (job.created_at, job.id), reverse=True)

    def running(self) -> list[Job]:
        return self._all("#state = :running", running="running")

    def advance(self, seen: Job, moved: Job) -> bool:
        """Writes how far the job is, unless another sweep has moved it on meanwhile."""
        members = _job_members(moved)
        names = ("cursor", "matched", "done", "state", "expires_at")
        sets = {name: members[name] for name in names if name in members}
        values: dict[str, Any] = {"running": "running", **sets}
        if seen.cursor is None:
            unmoved = "attribute_not_exists(#cursor)"
        else:
            unmoved, values["seen"] = "#cursor = :seen", seen.cursor
        one = dynamo.update(
            self._table,
            {"pk": _JOBS, "sk": seen.id},
            "SET " + ", ".join(f"#{name} = :{name}" for name in sets),
            condition=f"#state = :running AND {unmoved}",
            **values,
        )
        try:
            dynamo.write(one)
        except dynamo.ConditionFailed:
            return False
        return True

    def _all(self, keep: str, **values: Any) -> list[Job]:
        rows = dynamo.query_all(
            self._table, WEBHOOKS, _JOBS, consistent=True, at_most=_MOST_JOBS, keep=keep, **values
        )
        return [_job_of(row) for row in rows]


class Hosts:
    def __init__(self, table: str) -> None:
        self._table = table

    def put(self, host: Host, auth: bytes) -> None:
        """In the place of the credential it had."""
        members = {name: value for name, value in host.wire().items() if name != "host"}
        row = {"pk": _HOSTS, "sk": host.host, "shape": 1, **members, "auth": auth}
        dynamo.write(dynamo.put(self._table, row))

    def remove(self, name: str) -> bool:
        """Was there one?"""
        key = {"pk": _HOSTS, "sk": name}
        return dynamo.write(dynamo.delete(self._table, key), answer="ALL_OLD") is not None

    def page(self, *, after: str | None, at_most: int) -> list[Host]:
        """By name."""
        start = {"pk": _HOSTS, "sk": after} if after else None
        rows = dynamo.query(self._table, WEBHOOKS, _HOSTS, limit=at_most, start=start).rows
        return [_model(Host, row, host=row["sk"]) for row in rows]


class Trials:
    """Test events, so many a minute."""

    def __init__(self, table: str, events_table: str) -> None:
        self._table = table
        self._events_table = events_table

    def announce(self, event: Event, endpoint: str, *, minute: datetime, at_most: int) -> bool:
        """Records the event unless so many have been in this minute; both in one transaction."""
        counted = dynamo.update(
            self._table,
            {"pk": f"TESTS#{endpoint}", "sk": clock.instant(minute)},
            "SET expires_at = :expires_at ADD announced :one",
            condition="attribute_not_exists(announced) OR announced < :at_most",
            expires_at=int(minute.timestamp()) + _TESTS_COUNTED_SECONDS,
            one=1,
            at_most=at_most,
        )
        try:
            dynamo.commit([counted, outbox.record(self._events_table, event)])
        except dynamo.ConditionFailed:
            return False
        return True


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
    return _model(Endpoint, row, id=row["sk"])


def _health_of(row: Row) -> Health:
    return _model(Health, row)


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
        "due_pk": _due_pk(delivery),
    }


def _due_pk(delivery: Delivery) -> str:
    return f"{delivery.endpoint}#{shard_of(delivery.event)}"


def _place(endpoint: str, index: Index, cursor: str) -> Row:
    """Where a page of an index begins."""
    created_at, event = cursor.split("/")
    pk = "endpoint" if index == "by_endpoint" else "failed_pk"
    return {**_delivery_key(event, endpoint), pk: endpoint, "created_at": created_at}


def _delivery_of(row: Row) -> Delivery:
    if "due_pk" not in row:
        # The index needs both: so does whoever trusts it.
        row = {name: value for name, value in row.items() if name != "next_due"}
    return _model(Delivery, row, event=row["pk"])


def _job_members(job: Job) -> Row:
    # As `endpoint` it would put the job into an index of deliveries.
    names = {"endpoint": "at_endpoint"}
    return {names.get(name, name): value for name, value in job.wire().items() if name != "id"}


def _job_of(row: Row) -> Job:
    return _model(Job, row, id=row["sk"], endpoint=row["at_endpoint"])


def _attempt_key(event: str, endpoint: str, n: int) -> dict[str, str]:
    return {"pk": event, "sk": f"A#{endpoint}#{n:05d}"}


def _attempt_row(attempt: Attempt) -> Row:
    members = attempt.wire()
    # They are in the key, and `endpoint` would put an attempt into an index of deliveries.
    event, endpoint = members.pop("event"), members.pop("endpoint")
    return {**_attempt_key(event, endpoint, attempt.n), "shape": 1, **members}


def _attempt_of(row: Row) -> Attempt:
    endpoint = row["sk"].split("#")[1]
    return _model(Attempt, row, event=row["pk"], endpoint=endpoint)


def _model(of: type[M], row: Row, **key: str) -> M:
    """What a later version stored beside the members that are known is passed over."""
    return of.model_validate({**row, **key}, extra="ignore")
