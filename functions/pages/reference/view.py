"""What the reference shows: operations by subject, then the models that they name."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tessera.edge.pages.visit import Answer, Visit

_BOUNDS = (
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minimum", "from {}"),
    ("maximum", "to {}"),
    ("minItems", "at least {}"),
    ("maxItems", "at most {}"),
    ("pattern", "as {}"),
    ("default", "{} unless given"),
)


class Words(NamedTuple):
    """What a value is; `model` is the name of one that is described further down."""

    text: str
    model: str = ""


class Member(NamedTuple):
    name: str
    where: str
    is_required: bool
    kinds: tuple[Words, ...]
    bounds: str
    told: str


class Reply(NamedTuple):
    status: str
    told: str
    kinds: tuple[Words, ...]


class Operation(NamedTuple):
    id: str
    method: str
    path: str
    told: str
    more: str
    callers: tuple[str, ...]
    parameters: tuple[Member, ...]
    body: tuple[Words, ...]
    example: str
    replies: tuple[Reply, ...]


class Model(NamedTuple):
    name: str
    told: str
    members: tuple[Member, ...]
    kinds: tuple[Words, ...]


def reference(visit: Visit, document: Mapping[str, Any]) -> Answer:
    operations = list(_operations(document))
    subjects = [
        (tag["name"], [one for subject, one in operations if subject == tag["name"]])
        for tag in document["tags"]
    ]
    models = [_model(*one) for one in document["components"]["schemas"].items()]
    return visit.show("reference.html", "API reference", subjects=subjects, models=models)


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Operation]]:
    refusals = document["components"]["responses"]
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            content = one.get("requestBody", {}).get("content", {}).get("application/json", {})
            yield (
                one["tags"][0],
                Operation(
                    id=one["operationId"],
                    method=method.upper(),
                    path=path,
                    told=one["summary"],
                    more=one.get("description", ""),
                    callers=tuple(_callers(one["security"])),
                    parameters=tuple(
                        _member(p["name"], p["in"], bool(p.get("required")), p["schema"], p)
                        for p in one.get("parameters", ())
                    ),
                    body=tuple(_kinds(content["schema"])) if content else (),
                    example=(
                        json.dumps(content["example"], indent=2, ensure_ascii=False)
                        if "example" in content
                        else ""
                    ),
                    replies=tuple(
                        _reply(status, reply, refusals)
                        for status, reply in one["responses"].items()
                    ),
                ),
            )


def _callers(security: list[dict[str, list[str]]]) -> Iterator[str]:
    for way in security:
        for kind, scopes in way.items():
            yield f"{kind} with {' or '.join(scopes)}" if scopes else kind


def _reply(status: str, reply: Mapping[str, Any], refusals: Mapping[str, Any]) -> Reply:
    if "$ref" in reply:
        refusal = refusals[_last(reply["$ref"])]
        return Reply(status, refusal["description"], (Words("Problem", "Problem"),))
    kinds = [
        kind
        for media, content in reply.get("content", {}).items()
        for kind in (_kinds(content["schema"]) if media == "application/json" else (Words(media),))
    ]
    return Reply(status, reply["description"], tuple(kinds))


def _model(name: str, schema: Mapping[str, Any]) -> Model:
    required = schema.get("required", ())
    members = tuple(
        _member(member, "", member in required, one, one)
        for member, one in schema.get("properties", {}).items()
    )
    kinds = () if members else tuple(_kinds(schema))
    return Model(name, schema.get("description", ""), members, kinds)


def _member(
    name: str, where: str, is_required: bool, schema: Mapping[str, Any], told: Mapping[str, Any]
) -> Member:
    bounds = ", ".join(words.format(schema[key]) for key, words in _BOUNDS if key in schema)
    kinds = tuple(_kinds(schema))
    return Member(name, where, is_required, kinds, bounds, told.get("description", ""))


def _kinds(schema: Mapping[str, Any]) -> Iterator[Words]:
    """One for each alternative."""
    if "$ref" in schema:
        name = _last(schema["$ref"])
        yield Words(name, name)
    elif options := schema.get("anyOf") or schema.get("oneOf"):
        for option in options:
            yield from _kinds(option)
    elif "enum" in schema:
        for value in schema["enum"]:
            yield Words(json.dumps(value, ensure_ascii=False))
    elif "const" in schema:
        yield Words(json.dumps(schema["const"], ensure_ascii=False))
    elif schema.get("type") == "array":
        for kind in _kinds(schema.get("items", {})):
            yield Words(f"list of {kind.text}", kind.model)
    else:
        named = schema.get("type", "anything")
        text = " or ".join(named) if isinstance(named, list) else named
        yield Words(f"{text} ({schema['format']})" if "format" in schema else text)


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]
