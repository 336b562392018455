"""The committed OpenAPI document is what the handlers and the endpoint table say."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from infra.routes import ROUTES
from tessera.edge.openapi import DOCUMENT
from tests.infra.handlers import PYTHONPATH
from tests.infra.synthesis import ROOT


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return content


def test_the_committed_document_is_what_the_handlers_say() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "infra.openapi", "--print"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": PYTHONPATH},
        check=False,
    )

    assert made.returncode == 0, made.stderr
    assert made.stdout == DOCUMENT.read_text(encoding="utf-8"), "run: python -m infra.openapi"


def test_every_route_of_the_api_is_described_with_who_may_call(document: dict[str, Any]) -> None:
    described = {
        f"{method.upper()} {path}": [kind for way in one["security"] for kind in way]
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    }
    named = {
        route.key: [caller.kind for caller in route.who] or ["callouts"]
        for route in ROUTES
        if route.path.startswith("/api/") and not route.path.endswith("+}")
    }

    assert described == named


def test_each_operation_says_what_it_answers_well_and_how_it_refuses(
    document: dict[str, Any],
) -> None:
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            statuses = set(one["responses"])
            assert one["summary"].endswith("."), path
            assert any(status.startswith("2") for status in statuses), (method, path)
            assert {"401", "403", "429", "500"} <= statuses, (method, path)
            for parameter in one.get("parameters", ()):
                assert parameter["in"] != "path" or f"{{{parameter['name']}}}" in path


def test_every_reference_in_it_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in set(_references(document)):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in found, reference
            found = found[part]


def test_the_schemas_are_sound_and_the_examples_of_bodies_fit_them(
    document: dict[str, Any],
) -> None:
    examples = 0
    for name, schema in document["components"]["schemas"].items():
        OAS31Validator.check_schema(schema)
        for example in schema.get("examples", ()):
            _check(example, {"$ref": f"#/components/schemas/{name}"}, document)
    for methods in document["paths"].values():
        for one in methods.values():
            for content in one.get("requestBody", {}).get("content", {}).values():
                if "example" in content:
                    _check(content["example"], content["schema"], document)
                    examples += 1

    assert examples > 10


def _check(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    OAS31Validator({**schema, "components": document["components"]}).validate(value)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def test_pages_have_one_to_a_hundred_items_and_forty_unless_told(document: dict[str, Any]) -> None:
    sizes = {
        path: one["schema"]
        for path, methods in document["paths"].items()
        for one in methods.get("get", {}).get("parameters", [])
        if one["name"] in ("limit", "pageSize")
    }

    assert "/api/partner/customer" in sizes
    for path, size in sizes.items():
        usual = 20 if path == "/api/partner-organisations" else 40
        assert (path, size["minimum"], size["maximum"], size["default"]) == (path, 1, 100, usual)
