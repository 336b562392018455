"""A catalog in memory for rules, and the functions of the catalog over the fake AWS."""

import importlib
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from infra.routes import ROUTES
from tessera import aws
from tessera.catalog.installed import installed_pages
from tessera.catalog.store import CatalogTable
from tests.builders import api_event, machine
from tests.catalog.shelf import MemoryCatalog

Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def catalog() -> MemoryCatalog:
    return MemoryCatalog()


@pytest.fixture
def table(tables: dict[str, str]) -> CatalogTable:
    """The Catalog table with the installed pages over it."""
    return CatalogTable(tables["Catalog"], installed=installed_pages("test"))


@pytest.fixture
def requests(table: CatalogTable) -> list[str]:
    """The DynamoDB operations called from now on; clear it before the act."""
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        made.append(model.name)

    aws.client("dynamodb").meta.events.register("before-call.dynamodb", note)
    return made


@pytest.fixture
def call(tables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """`call("create_item", "POST", "offers", body=…)` is the status and the answer."""
    callers = {route.key: {who.kind: list(who.needs) for who in route.who} for route in ROUTES}
    for name, value in {
        "CATALOG_TABLE": tables["Catalog"],
        "IDEMPOTENCY_TABLE": tables["Idempotency"],
        "CURSORS_SECRET": "cursors",
        "ZUORA_URL": "",
        "ZUORA_SECRET": "zuora",
        "ZUORA_ENTITY_IDS": "",
        "ZUORA_ORG_IDS": "",
        "MODE": "test",
        "CALLERS": json.dumps(callers),
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("secretsmanager").create_secret(
        Name="cursors", SecretString=json.dumps({"key": "a key that seals"})
    )

    def send(
        function: str, method: str, path: str, *, caller: Any = None, **request: Any
    ) -> tuple[int, Any]:
        handler = importlib.import_module(f"functions.catalog.{function}.handler").handler
        one = "/{id}" if "/" in path else ""
        answer = handler(
            api_event(
                method,
                f"/api/catalog/{path}",
                route="/api/catalog/{kind}" + one,
                caller=machine("catalog") if caller is None else caller,
                **request,
            ),
            None,
        )
        return answer["statusCode"], json.loads(answer["body"]) if answer.get("body") else None

    return send
