"""The vendor's published description, where it is at hand, and what does not fit it.

The file has no licence, so it is never copied: it is read from beside the repository, or from where
ZUORA_CONTRACT says.
"""

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker

REPOSITORY = Path(__file__).resolve().parents[2]
CONTRACT = Path(
    os.environ.get("ZUORA_CONTRACT")
    or REPOSITORY.parent / "shared" / "contracts" / "zuora-subset-2026-05-01.json"
)
needs_contract = pytest.mark.skipif(
    not CONTRACT.exists(), reason="the vendor's description is not here; set ZUORA_CONTRACT"
)

# Live tenants do these things otherwise than the description says, and the stand-in follows them.
LIVE_PROPERTIES = {
    "reasons.message",
    "metrics.currency",
    "metrics.totalInvoiceBalance",
    "creditcard",
    "passthrough1",
}
Schema = dict[str, Any]


@cache
def contract() -> Schema:
    return dict(json.loads(CONTRACT.read_text()))


def resolved(schema: Schema) -> Schema:
    while "$ref" in schema:
        section, name = schema["$ref"].split("/")[-2:]
        schema = contract()["components"][section][name]
    return schema


def template_of(path: str) -> str:
    """The contract's path that a request was for; literal parts win over parameters."""
    fitting = [
        template
        for template in contract()["paths"]
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path)
    ]
    return min(fitting, key=lambda template: template.count("{"), default="")


def describes(method: str, path: str) -> bool:
    """Whether the contract has this call at all."""
    return method.lower() in contract()["paths"].get(template_of(path), {})


def schema_of(method: str, path: str, status: int, body: Any) -> Schema | None:
    """What the contract says an answer looks like; failures look alike whatever their status."""
    responses = contract()["paths"][template_of(path)][method.lower()]["responses"]
    if isinstance(body, dict) and body.get("success") is False:
        return dict(resolved(responses["4XX"])["content"]["application/json"]["schema"])
    response = resolved(
        responses[str(status) if str(status) in responses else f"{status // 100}XX"]
    )
    content = response.get("content", {}).get("application/json")
    return dict(content["schema"]) if content else None


def errors(schema: Schema, body: Any) -> list[str]:
    root = {**schema, "components": contract()["components"]}
    validator = OAS30Validator(root, format_checker=oas30_format_checker)
    found = [e for e in validator.iter_errors(body) if not is_live_difference(e)]
    return [f"{e.json_path}: {e.message[:200]}" for e in found] + list(undeclared(schema, body))


def is_live_difference(error: Any) -> bool:
    path = [part for part in error.absolute_path if isinstance(part, str)]
    number = isinstance(error.instance, int | float)
    return bool(
        error.instance is None
        or (path == ["reasons", "code"] and isinstance(error.instance, int))
        or (path[:1] == ["metrics"] and number)
        # The list of an account's payment methods is named for their type and has siblings.
        or error.schema.get("title") == "Custom Payment Method"
    )


def undeclared(schema: Schema, body: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The members that no alternative of the schema names; most schemas would let them pass."""
    if isinstance(body, list):
        inner = [s["items"] for s in alternatives(schema) if "items" in s]
        for member in body if inner else []:
            yield from undeclared({"allOf": inner}, member, path)
    if not isinstance(body, dict) or ".".join(path) in LIVE_PROPERTIES:
        return
    declared: dict[str, list[Schema]] = {}
    for one in alternatives(schema):
        for name, inner_schema in one.get("properties", {}).items():
            declared.setdefault(name, []).append(inner_schema)
    for name, value in body.items():
        here = (*path, name)
        if ".".join(here) in LIVE_PROPERTIES:
            continue
        if name not in declared:
            yield f"{'.'.join(here)} is not declared"
        else:
            yield from undeclared({"allOf": declared[name]}, value, here)


def alternatives(schema: Schema) -> Iterator[Schema]:
    """A schema and everything that it is combined of."""
    schema = resolved(schema)
    yield schema
    for combination in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(combination, []):
            yield from alternatives(part)


def request_schema(method: str, path: str) -> Schema:
    body = resolved(contract()["paths"][template_of(path)][method.lower()]["requestBody"])
    return dict(body["content"]["application/json"]["schema"])
