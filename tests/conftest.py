"""One fake AWS for the whole run, emptied before each test; no network but loopback."""

import gc
import os
from collections.abc import Callable, Iterator
from typing import Any

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="eu-west-1",
    POWERTOOLS_METRICS_NAMESPACE="Tessera",
    POWERTOOLS_METRICS_DISABLED="true",
)

import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws

from tessera import aws, dynamo, outbox
from tessera.events import Event
from tessera.tables import TABLES, Index, Table
from tests.fake_aws import put_tables


@pytest.fixture
def fake_aws() -> Iterator[None]:
    """An AWS account with nothing in it; clients of it are kept from test to test."""
    with mock_aws(config={"core": {"mock_credentials": False, "reset_boto3_session": False}}):
        yield


@pytest.fixture
def tables(fake_aws: None) -> dict[str, str]:
    """All tables, empty; the name of each by what the code calls it."""
    put_tables(os.environ["AWS_DEFAULT_REGION"], _make_tables)
    return {table.name: table.name for table in TABLES}


def _make_tables() -> None:
    for table in TABLES:
        aws.client("dynamodb").create_table(**definition(table))


def definition(table: Table) -> dict[str, Any]:
    """What `CreateTable` takes, from the one declaration."""
    keys: list[Table | Index] = [table, *table.indexes]
    attributes: dict[str, str] = {}
    for key in keys:
        attributes[key.pk] = getattr(key, "pk_type", "S")
        if key.sk is not None:
            attributes[key.sk] = getattr(key, "sk_type", "S")
    indexes = [
        {
            "IndexName": index.name,
            "KeySchema": _schema(index),
            "Projection": _projection(index),
        }
        for index in table.indexes
    ]
    return {
        "TableName": table.name,
        "KeySchema": _schema(table),
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": type_} for name, type_ in attributes.items()
        ],
        "BillingMode": "PAY_PER_REQUEST",
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    }


def _schema(keys: Table | Index) -> list[dict[str, str]]:
    schema = [{"AttributeName": keys.pk, "KeyType": "HASH"}]
    if keys.sk is not None:
        schema.append({"AttributeName": keys.sk, "KeyType": "RANGE"})
    return schema


def _projection(index: Index) -> dict[str, Any]:
    if index.includes is None:
        return {"ProjectionType": "KEYS_ONLY"}
    if index.includes == ("*",):
        return {"ProjectionType": "ALL"}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.includes)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is known to take long takes the time that it needs."""
    for item in items:
        if item.get_closest_marker("long") or item.get_closest_marker("bench"):
            item.add_marker(pytest.mark.timeout(0))


def pytest_collection_finish() -> None:
    """What was imported stays: looking through it for garbage took a quarter of the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


# How long an example takes says more of the machine than of the code: time gates nothing.
settings.register_profile("tessera", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tessera")

Told = Callable[..., list[Event]]


@pytest.fixture
def told(tables: dict[str, str]) -> Told:
    """All events on record, as their owner's sequence numbers them; of one type if one is named."""

    def read(type: str | None = None) -> list[Event]:
        pages = aws.client("dynamodb").get_paginator("scan").paginate(TableName="Events")
        recorded = [outbox.recorded(dynamo.row_of(row)) for page in pages for row in page["Items"]]
        in_order = sorted(recorded, key=lambda event: event.sequence or 0)
        return [event for event in in_order if type in (None, event.type)]

    return read
