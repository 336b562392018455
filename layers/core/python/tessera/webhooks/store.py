"""The `Webhooks` table as the engine uses it: fan-out, the sender and the sweep.

The conditions here are the concurrency control of the whole engine: senders, sweepers and operators
(`operators_store`) meet on these rows, whose layout `rows` tells, and nowhere else.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tessera import clock, dynamo, outbox
from tessera.dynamo import Row, Write
from tessera.events import Event
from tessera.tables import WEBHOOKS
from tessera.webhooks.health import Change, Health
from tessera.webhooks.jobs import Index, Job
from tessera.webhooks.models import (
    Attempt,
    Delivery,
    Due,
    Endpoint,
    Last,
    NotRecorded,
    Sealed,
    State,
    Success,
    Target,
)
from tessera.webhooks.rows import (
    ENDPOINTS,
    HEALTH,
    HOSTS,
    JOBS,
    SECRETS,
    attempt_key,
    attempt_of,
    attempt_row,
    delivery_key,
    delivery_of,
    delivery_row,
    due_pk,
    endpoint_keys,
    health_of,
    job_members,
    job_of,
    page_start,
    sealed_of,
    stored_value,
    targets_of,
)

_COUNTERS_KEPT_SECONDS = 40 * 86_400
_MOST_JOBS = 1_000
_KEYS_A_READ = 100
"""What one request takes (BatchGetItem)."""


class Endpoints:
    def __init__(self, table: str) -> None:
        self._table = table

    def all(self) -> list[Target]:
        """Every endpoint with its health, also deleted ones: exact, as a new one must work now."""
        # However many: an event that passes an endpoint over is lost to it.
        rows = dynamo.query_all(self._table, WEBHOOKS, ENDPOINTS, consistent=True, at_most=None)
        return targets_of({row["sk"]: row for row in rows})

    def for_sending(
        self, ids: Collection[str], hosts: Collection[str]
    ) -> tuple[dict[str, tuple[Target, Sealed]], dict[str, bytes]]:
        """Endpoints with their ciphertexts, and the credentials of hosts, in one request.

        What is gone is left out, and so is a host without a credential.
        """
        keys = [key for id in ids for key in (*endpoint_keys(id), {"pk": SECRETS, "sk": id})]
        keys += [{"pk": HOSTS, "sk": host} for host in hosts]
        rows = dynamo.get_many(self._table, keys, consistent=True)
        by_kind: dict[str, dict[str, Row]] = {ENDPOINTS: {}, SECRETS: {}, HOSTS: {}}
        for row in rows:
            by_kind[row["pk"]][row["sk"]] = row
        secrets = by_kind[SECRETS]
        found = {
            target.endpoint.id: (target, sealed_of(secrets[target.endpoint.id]))
            for target in targets_of(by_kind[ENDPOINTS])
            if target.endpoint.id in secrets
        }
        return found, {host: row["auth"] for host, row in by_kind[HOSTS].items()}

    def change_health(self, id: str, change: Change) -> Health | None:
        """The health as the change leaves it; None where its condition does not hold."""
        try:
            row = dynamo.write(self._health_update(id, change), answer="ALL_NEW")
        except dynamo.ConditionFailed:
            return None
        return health_of(row or {})

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
            {"pk": ENDPOINTS, "sk": disabled.id},
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
        health = {"pk": ENDPOINTS, "sk": disabled.id + HEALTH}
        since = clock.instant(failing_since)
        still = dynamo.check(self._table, health, "failing_since = :since", since=since)
        return self._committed([off, still], event)

    def _committed(self, writes: list[Write], event: Event) -> bool:
        try:
            dynamo.commit([*writes, outbox.record(self._events_table, event)])
        except (dynamo.ConditionFailed, dynamo.TransactionLost):
            return False  # it was told, or what it tells is over; if neither, it is due again soon
        return True


class Deliveries:
    def __init__(self, table: str) -> None:
        self._table = table

    def add(self, delivery: Delivery) -> Delivery | None:
        """Makes the row; answers the one that stood there already, which stays as it is."""
        row = delivery_row(delivery)
        try:
            dynamo.write(
                dynamo.put(self._table, row, condition="attribute_not_exists(pk)", returning=True)
            )
        except dynamo.ConditionFailed as failed:
            return delivery_of(failed.rows[0])
        return None

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
            attempt_row(attempt),
            condition="attribute_not_exists(pk) OR outcome = :lost",
            lost="lost",
        )
        try:
            dynamo.write(one)
        except dynamo.ConditionFailed:
            return  # our own first try did arrive
        except (BotoCoreError, ClientError) as error:
            raise NotRecorded from error

    def deliver(
        self, claimed: Delivery, how: Last | Success, *, at: datetime, expires_at: int
    ) -> bool:
        """A late success always wins, except over a person who cancelled. Raises `NotRecorded`.

        A `Success` is kept with it; a `Last` only names the attempt that has a row of its own.
        """
        keep, drop = ("#success", ", #last") if isinstance(how, Success) else ("#last", "")
        return self._finish(
            claimed,
            f"SET #state = :delivered, delivered_at = :at, {keep} = :how, expires_at = :expires_at"
            f" REMOVE due_pk, next_due, claimed_until, failed_pk, reason{drop}",
            "#state IN (:pending, :exhausted)",
            delivered="delivered",
            at=clock.instant(at),
            how=how.wire(),
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
        row = dynamo.get(self._table, attempt_key(event, endpoint, n))
        return attempt_of(row) if row else None

    def note_lost(self, attempt: Attempt) -> Attempt | None:
        """Notes that a sender died; answers what stood there already, which stays as it is."""
        one = dynamo.put(
            self._table,
            attempt_row(attempt),
            condition="attribute_not_exists(pk)",
            returning=True,
        )
        try:
            dynamo.write(one)
        except dynamo.ConditionFailed as failed:
            return attempt_of(failed.rows[0])
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
            start=page_start(endpoint, index, cursor) if cursor else None,
        )
        keys = [delivery_key(row["pk"], endpoint) for row in page.rows]
        found = {row["pk"]: delivery_of(row) for row in self._rows(keys)}
        last = f"{page.next['created_at']}/{page.next['pk']}" if page.next else None
        return [found[row["pk"]] for row in page.rows if row["pk"] in found], last

    def again(self, of: Delivery, *, next_due: int, job: str | None = None) -> Delivery | None:
        """Another round for one that has ended; for a pending one the end of its wait.

        None where it was claimed, is in another state or round than it was seen in, or was taken up
        by this job before.
        """
        unmoved = "#state = :seen AND #round = :round AND attribute_not_exists(claimed_until)"
        values: dict[str, Any] = {"seen": of.state, "round": of.round, "next_due": next_due}
        sets = "SET next_due = :next_due"
        if job is not None:
            unmoved += " AND (attribute_not_exists(replayed_by) OR replayed_by <> :job)"
            sets += ", replayed_by = :job"
            values["job"] = job
        if of.state == "pending":
            return self._update(of.event, of.endpoint, sets, unmoved, **values)
        return self._update(
            of.event,
            of.endpoint,
            f"{sets}, #state = :pending, #round = :next, failures = :none, due_pk = :due_pk"
            " REMOVE expires_at, reason, delivered_at",
            unmoved,
            **values,
            pending="pending",
            next=of.round + 1,
            none=0,
            due_pk=due_pk(of),
        )

    def _rows(self, keys: list[dict[str, str]]) -> Iterator[Row]:
        for start in range(0, len(keys), _KEYS_A_READ):
            some = keys[start : start + _KEYS_A_READ]
            yield from dynamo.get_many(self._table, some, consistent=True)

    def _finish(self, claimed: Delivery, expression: str, condition: str, **values: Any) -> bool:
        """Did the condition hold? Asks for no row back: this is half of what a delivery writes."""
        key = delivery_key(claimed.event, claimed.endpoint)
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
        key = delivery_key(event, endpoint)
        one = dynamo.update(self._table, key, expression, condition=condition, **values)
        try:
            row = dynamo.write(one, answer="ALL_NEW")
        except dynamo.ConditionFailed:
            return None
        return delivery_of(row or {})


class Jobs:
    def __init__(self, table: str) -> None:
        self._table = table

    def running(self) -> list[Job]:
        return self._all("#state = :running", running="running")

    def advance(self, seen: Job, moved: Job) -> bool:
        """Writes how far the job is, unless another sweep has moved it on meanwhile."""
        members = job_members(moved)
        names = ("cursor", "matched", "done", "state", "expires_at")
        sets = {name: members[name] for name in names if name in members}
        values: dict[str, Any] = {"running": "running", **sets}
        if seen.cursor is None:
            unmoved = "attribute_not_exists(#cursor)"
        else:
            unmoved, values["seen"] = "#cursor = :seen", seen.cursor
        one = dynamo.update(
            self._table,
            {"pk": JOBS, "sk": seen.id},
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
            self._table, WEBHOOKS, JOBS, consistent=True, at_most=_MOST_JOBS, keep=keep, **values
        )
        return [job_of(row) for row in rows]


_STILL_MINE = "#state = :pending AND attempts = :n AND claimed_until = :mine"


def _mine(claimed: Delivery) -> dict[str, Any]:
    return {"pending": "pending", "n": claimed.attempts, "mine": claimed.claimed_until}


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
    values: dict[str, Any] = {f"set_{name}": stored_value(v) for name, v in change.set.items()}
    values |= {f"begin_{name}": stored_value(value) for name, value in change.begin.items()}
    values |= {f"add_{name}": number for name, number in change.add.items()}
    values |= {f"when_{name}": stored_value(v) for name, v in change.when.items() if v is not None}
    return dynamo.update(
        table,
        {"pk": ENDPOINTS, "sk": id + HEALTH},
        " ".join(f"{clause} {', '.join(terms)}" for clause, terms in clauses.items() if terms),
        condition=" AND ".join(conditions),
        **values,
    )
