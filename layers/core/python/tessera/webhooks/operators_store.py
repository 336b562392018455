"""The `Webhooks` table as people use it, by the API or the console: the engine's store and more.

The layout of the rows is told in `rows`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from tessera import clock, dynamo, outbox
from tessera.dynamo import Row, Write
from tessera.errors import Conflict
from tessera.events import Event
from tessera.tables import WEBHOOKS
from tessera.webhooks import store
from tessera.webhooks.health import Change, Health
from tessera.webhooks.jobs import Index, Job
from tessera.webhooks.models import (
    Attempt,
    Delivery,
    Endpoint,
    EndpointStatus,
    Host,
    HourCount,
    Place,
    Sealed,
    Target,
)
from tessera.webhooks.rows import (
    ENDPOINTS,
    HEALTH,
    HOSTS,
    JOBS,
    SECRETS,
    attempt_of,
    delivery_key,
    delivery_of,
    endpoint_keys,
    endpoint_members,
    job_members,
    job_of,
    page_start,
    parsed,
    sealed_of,
    targets_of,
)

_DELETED_KEPT = timedelta(days=90)
_TESTS_COUNTED_SECONDS = 3_600
_TRIES = 5


class TooManyEndpoints(Conflict):
    title = "There are too many endpoints"


class Endpoints(store.Endpoints):
    def add(self, endpoint: Endpoint, health: Health, sealed: Sealed, *, limit: int) -> None:
        """Raises `TooManyEndpoints`."""
        id = endpoint.id
        ciphertexts = {"keys": sealed.keys, "auth": sealed.auth}
        try:
            dynamo.commit(
                [
                    self._put(ENDPOINTS, id, endpoint_members(endpoint)),
                    self._put(ENDPOINTS, id + HEALTH, health.wire()),
                    self._put(SECRETS, id, {k: v for k, v in ciphertexts.items() if v}),
                    dynamo.update(
                        self._table,
                        {"pk": "COUNT", "sk": ENDPOINTS},
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

    def find(self, id: str) -> Target | None:
        rows = dynamo.get_many(self._table, endpoint_keys(id), consistent=True)
        return next(iter(targets_of({row["sk"]: row for row in rows})), None)

    def hours(self, day: date) -> list[HourCount]:
        """What was counted on that day (UTC), by hour and endpoint."""
        rows = dynamo.query_all(self._table, WEBHOOKS, f"HOURS#{day.isoformat()}", at_most=None)
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
        row = dynamo.get(self._table, {"pk": SECRETS, "sk": id})
        return sealed_of(row) if row else None

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
            key = {"pk": SECRETS, "sk": id}
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
            writes.append(self._put(JOBS, job.id, job_members(job)))
        return self._committed(writes)

    def rotate(self, seen: Endpoint, old: bytes, new: bytes, *, by: str, at: datetime) -> bool:
        """Are the old ciphertexts still those stored, so that the new ones took their place?"""
        members = {"updated_at": clock.instant(at), "updated_by": by}
        return self._committed(
            [
                self._endpoint_update(seen.id, members, "#status <> :deleted"),
                dynamo.update(
                    self._table,
                    {"pk": SECRETS, "sk": seen.id},
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
                    {"pk": ENDPOINTS, "sk": id + HEALTH},
                    "SET expires_at = :expires_at",
                    expires_at=expires_at,
                ),
                dynamo.delete(self._table, {"pk": SECRETS, "sk": id}),
                dynamo.update(
                    self._table, {"pk": "COUNT", "sk": ENDPOINTS}, "ADD live :less", less=-1
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
            {"pk": ENDPOINTS, "sk": id},
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


class Deliveries(store.Deliveries):
    def find(self, event: str, endpoint: str) -> Delivery | None:
        row = dynamo.get(self._table, delivery_key(event, endpoint))
        return delivery_of(row) if row else None

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
        return [attempt_of(row) for row in page.rows]

    def of_event(self, event: str) -> list[Delivery]:
        """One for each endpoint that is to hear of it."""
        rows = dynamo.query_all(self._table, WEBHOOKS, event, begins="D#", at_most=None)
        return [delivery_of(row) for row in rows]

    def told(self, keys: Sequence[tuple[str, str]]) -> list[Delivery]:
        """Those of events and endpoints that are still kept: a request for a hundred."""
        rows = self._rows([delivery_key(event, endpoint) for event, endpoint in keys])
        return [delivery_of(row) for row in rows]

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
        start = page_start(endpoint, index, f"{after.created_at}/{after.event}") if after else None
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
        rows = self._rows([delivery_key(place.event, endpoint) for place in places])
        found = {row["pk"]: delivery_of(row) for row in rows}
        return {place: found[place.event] for place in places if place.event in found}


class Jobs(store.Jobs):
    def add_job(self, job: Job) -> None:
        row = {"pk": JOBS, "sk": job.id, "shape": 1, **job_members(job)}
        dynamo.write(dynamo.put(self._table, row, condition="attribute_not_exists(pk)"))

    def job(self, id: str) -> Job | None:
        row = dynamo.get(self._table, {"pk": JOBS, "sk": id})
        return job_of(row) if row else None

    def jobs_of(self, endpoint: str) -> list[Job]:
        """Newest first; those that finished are kept for a week."""
        found = self._all("at_endpoint = :endpoint", endpoint=endpoint)
        return sorted(found, key=lambda job: (job.created_at, job.id), reverse=True)


class Hosts:
    def __init__(self, table: str) -> None:
        self._table = table

    def put(self, host: Host, auth: bytes) -> None:
        """In the place of the credential it had."""
        members = {name: value for name, value in host.wire().items() if name != "host"}
        row = {"pk": HOSTS, "sk": host.host, "shape": 1, **members, "auth": auth}
        dynamo.write(dynamo.put(self._table, row))

    def remove(self, name: str) -> bool:
        """Was there one?"""
        key = {"pk": HOSTS, "sk": name}
        return dynamo.write(dynamo.delete(self._table, key), answer="ALL_OLD") is not None

    def page(self, *, after: str | None, at_most: int) -> list[Host]:
        """By name."""
        start = {"pk": HOSTS, "sk": after} if after else None
        rows = dynamo.query(self._table, WEBHOOKS, HOSTS, limit=at_most, start=start).rows
        return [parsed(Host, row, host=row["sk"]) for row in rows]


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
