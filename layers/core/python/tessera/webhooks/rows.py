"""The rows of the `Webhooks` table: their keys, and how they are written and read.

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

Only deliveries carry index attributes. The attempt that succeeded in a delivery's first round has
no row of its own: it is the member `success` of the delivery, and its `last` then.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from tessera import clock
from tessera.dynamo import Row
from tessera.events import shard_of
from tessera.objects import Model
from tessera.webhooks.health import Health, Value
from tessera.webhooks.jobs import Index, Job
from tessera.webhooks.models import Attempt, Delivery, Endpoint, Sealed, Target
from tessera.webhooks.outcome import Outcome

ENDPOINTS, SECRETS, HOSTS = "ENDPOINTS", "SECRETS", "HOSTS"
JOBS = "JOBS"
HEALTH = "#HEALTH"

M = TypeVar("M", bound=Model)


def endpoint_keys(endpoint: str) -> list[dict[str, str]]:
    return [
        {"pk": ENDPOINTS, "sk": endpoint},
        {"pk": ENDPOINTS, "sk": endpoint + HEALTH},
    ]


def endpoint_members(endpoint: Endpoint) -> Row:
    return {name: value for name, value in endpoint.wire().items() if name != "id"}


def targets_of(rows: Mapping[str, Row]) -> list[Target]:
    """Endpoints with their health, from both rows of each by sort key."""
    return [
        Target(endpoint_of(row), health_of(rows.get(sk + HEALTH, {})))
        for sk, row in rows.items()
        if not sk.endswith(HEALTH)
    ]


def endpoint_of(row: Row) -> Endpoint:
    return parsed(Endpoint, row, id=row["sk"])


def health_of(row: Row) -> Health:
    return parsed(Health, row)


def sealed_of(row: Row) -> Sealed:
    return Sealed(keys=row["keys"], auth=row.get("auth"))


def stored_value(value: Value) -> str | int:
    return clock.instant(value) if isinstance(value, datetime) else value


def delivery_key(event: str, endpoint: str) -> dict[str, str]:
    return {"pk": event, "sk": f"D#{endpoint}"}


def delivery_row(delivery: Delivery) -> Row:
    members = delivery.wire()
    del members["event"]  # it is the key
    return {
        **delivery_key(delivery.event, delivery.endpoint),
        "shape": 1,
        **members,
        "due_pk": due_pk(delivery),
    }


def due_pk(delivery: Delivery) -> str:
    return f"{delivery.endpoint}#{shard_of(delivery.event)}"


def page_start(endpoint: str, index: Index, cursor: str) -> Row:
    """Where a page of an index begins."""
    created_at, event = cursor.split("/")
    pk = "endpoint" if index == "by_endpoint" else "failed_pk"
    return {**delivery_key(event, endpoint), pk: endpoint, "created_at": created_at}


def delivery_of(row: Row) -> Delivery:
    if "due_pk" not in row:
        # The index needs both: so does whoever trusts it.
        row = {name: value for name, value in row.items() if name != "next_due"}
    success = row.get("success")
    if success is not None and "last" not in row:
        last = {"n": success["n"], "at": success["started_at"], "outcome": Outcome.DELIVERED}
        row = {**row, "last": {**last, "status": success.get("status")}}
    return parsed(Delivery, row, event=row["pk"])


def job_members(job: Job) -> Row:
    # As `endpoint` it would put the job into an index of deliveries.
    names = {"endpoint": "at_endpoint"}
    return {names.get(name, name): value for name, value in job.wire().items() if name != "id"}


def job_of(row: Row) -> Job:
    return parsed(Job, row, id=row["sk"], endpoint=row["at_endpoint"])


def attempt_key(event: str, endpoint: str, n: int) -> dict[str, str]:
    return {"pk": event, "sk": f"A#{endpoint}#{n:05d}"}


def attempt_row(attempt: Attempt) -> Row:
    members = attempt.wire()
    # They are in the key, and `endpoint` would put an attempt into an index of deliveries.
    event, endpoint = members.pop("event"), members.pop("endpoint")
    return {**attempt_key(event, endpoint, attempt.n), "shape": 1, **members}


def attempt_of(row: Row) -> Attempt:
    endpoint = row["sk"].split("#")[1]
    return parsed(Attempt, row, event=row["pk"], endpoint=endpoint)


def parsed(of: type[M], row: Row, **key: str) -> M:
    """What a later version stored beside the members that are known is passed over."""
    return of.model_validate({**row, **key}, extra="ignore")
