"""What code asks of AWS, noted on its way, and what DynamoDB would bill for it.

moto says what a write found and left; the units follow as for the tables in memory: a kilobyte a
write unit, each changed index entry, twice in a transaction, four kilobytes a read unit.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from tessera import aws
from tessera.tables import TABLES
from tests.webhooks.crash.expressions import Item
from tests.webhooks.crash.tables import Units

PER_MILLION = {"write unit": 0.625, "read unit": 0.125, "SQS request": 0.40, "PutEvents": 1.00}
"""Dollars, list prices of a large region."""
HTTP_REQUEST, INVOCATION, GIGABYTE_SECOND = 1.00, 0.20, 13.3334
"""The same: through the HTTP API, of a function, and for a million GB-seconds of arm64."""
MEMORY = 0.5
"""Gigabytes of each function."""
_SERVICES = ("dynamodb", "sqs", "events", "ssm", "secretsmanager", "kms")
_TABLES = {table.name: table for table in TABLES}

Write = tuple[str, str, Item]
"""Kind, table, key."""


class Bill(NamedTuple):
    requests: Counter[str]
    """By service and operation."""
    units: Units

    @property
    def dynamodb(self) -> int:
        return sum(n for name, n in self.requests.items() if name.startswith("dynamodb."))

    def priced(self) -> dict[str, float]:
        """As the price list names them."""
        return {
            "write unit": self.units.written.total(),
            "read unit": self.units.read.total() / 1000,
            "SQS request": sum(n for name, n in self.requests.items() if name.startswith("sqs.")),
            "PutEvents": self.requests["events.PutEvents"],
        }

    def dollars(self, *, over_http: bool = True) -> float:
        """For a million times, with the function that asks and the request that started it.

        20 ms of a function and 8 ms more for each request are assumed; logs and traffic left out.
        """
        seconds = (20 + 8 * self.requests.total()) / 1000
        function = INVOCATION + seconds * MEMORY * GIGABYTE_SECOND
        return dollars(self.priced()) + function + (HTTP_REQUEST if over_http else 0)

    def told(self) -> str:
        number = self.dynamodb
        return f"{number} request{'s' if number != 1 else ''} to DynamoDB"


def dollars(units: Mapping[str, float]) -> float:
    return sum(PER_MILLION[name] * number for name, number in units.items())


@contextmanager
def billed() -> Iterator[Bill]:
    """All that goes to the fake AWS in the block."""
    bill = Bill(Counter(), Units())

    def asks(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        service = model.service_model.service_name
        bill.requests[f"{service}.{model.name}"] += 1
        if service == "dynamodb":
            writes = list(_writes(model.name, params))
            context["bench"] = params, [(one, _stored(*one[1:])) for one in writes]

    def answered(parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if "bench" not in context:
            return
        params, found = context["bench"]
        if "Error" in parsed:
            bill.units.written["refused"] += len(found)
            return
        for (kind, table, key), before in found:
            times = 2 if model.name == "TransactWriteItems" else 1
            after = before if kind == "ConditionCheck" else _stored(table, key)
            bill.units.write(_TABLES[table], before, after, times=times)
        _read(bill.units, model.name, params, parsed)

    clients = [aws.client(service) for service in _SERVICES]  # type: ignore[call-overload]
    for client in clients:
        client.meta.events.register_first("before-parameter-build", asks)
        client.meta.events.register_first("after-call", answered)
    try:
        yield bill
    finally:
        for client in clients:
            client.meta.events.unregister("before-parameter-build", asks)
            client.meta.events.unregister("after-call", answered)


def _writes(operation: str, params: Mapping[str, Any]) -> Iterator[Write]:
    if operation == "TransactWriteItems":
        for one in params["TransactItems"]:
            ((kind, request),) = one.items()
            yield kind, request["TableName"], _key(request)
    elif operation in ("PutItem", "UpdateItem", "DeleteItem"):
        yield operation, params["TableName"], _key(params)
    elif operation == "BatchWriteItem":
        for table, wanted in params["RequestItems"].items():
            for one in wanted:
                ((kind, request),) = one.items()
                yield kind, table, _key({**request, "TableName": table})


def _key(request: Mapping[str, Any]) -> Item:
    table = _TABLES[request["TableName"]]
    held = request.get("Key") or request["Item"]
    return {name: held[name] for name in (table.pk, table.sk) if name is not None}


def _stored(table: str, key: Item) -> Item | None:
    backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][os.environ["AWS_DEFAULT_REGION"]]
    found = backend.get_item(table, dict(key))
    if found is None:
        return None
    # Copied: what moto hands out goes on changing.
    copied: Item = json.loads(json.dumps(found.to_json()["Attributes"], default=str))
    return copied


def _read(units: Units, operation: str, params: Mapping[str, Any], parsed: Any) -> None:
    consistent = params.get("ConsistentRead", False)
    if operation == "GetItem":
        units.reads("get", [parsed.get("Item", {})], consistent=consistent, each=True)
    elif operation == "Query":
        items: Sequence[Item] = parsed["Items"]
        # What a filter left out was read as well.
        seen = max(parsed.get("ScannedCount", 0), len(items))
        average = items[0] if items else {}
        rest = [average] * (seen - len(items))
        units.reads("query", [*items, *rest], consistent=consistent, each=False)
    elif operation == "BatchGetItem":
        for table, found in parsed["Responses"].items():
            asked = params["RequestItems"][table]
            missing: list[Item] = [{}] * (len(asked["Keys"]) - len(found))
            is_consistent = asked.get("ConsistentRead", False)
            units.reads("get", [*found, *missing], consistent=is_consistent, each=True)
