"""The OpenAPI document, made from the endpoint table and the handlers' own signatures.

`python -m infra.openapi` writes it where functions serve it from; a test compares.
"""

import importlib.util
import inspect
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from infra.operations import CHANGED, CONFLICT, OPERATIONS, PDF, UPSTREAM, Operation
from infra.routes import ROUTES, Route
from tessera.edge.environment import Environment
from tessera.edge.openapi import DOCUMENT

FUNCTIONS = Path(__file__).parent.parent / "functions"

_PLACEHOLDERS: Mapping[Any, Any] = {int: 1, bool: False}
"""Of variables: handlers are read here, and nothing of them is called."""
_OUTSIDE = {"zuora_url", "salesforce_url", "partners_pool_id"}
"""Whoever has one of these asks a system that may fail."""
_WITH_BODY = ("POST", "PUT", "PATCH")
_SCHEMA = "#/components/schemas/{model}"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_GATEWAY = {"application/json": {"schema": {"$ref": "#/components/schemas/GatewayMessage"}}}

_REFUSALS: Mapping[int, str] = {
    400: "The request cannot be understood: not JSON, or a cursor of another list.",
    401: "Nobody is signed in, or the token has ended.",
    403: "This kind of caller may not do that, or the scope is missing.",
    404: "There is no such thing, or it is somebody else's.",
    CONFLICT: "It conflicts with what is stored, or the first request of this key still runs.",
    410: "It is gone; what it has become is named.",
    CHANGED: "It has changed since the version that the request names.",
    413: "The body is too large.",
    422: "Fields are not acceptable; `errors` lists them.",
    423: "A change of this subscription is already pending.",
    429: "Too many requests.",
    500: "Something went wrong on our side.",
    UPSTREAM: "An outside system failed; `upstream` says which.",
    503: "The API is overloaded for a moment.",
}
_BY_THE_GATEWAY = (401, 403, 413, 429, 500, 503)
"""Statuses that the gateway also answers by itself, in words of its own."""

_SECURITY = {
    "operator": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Staff: an access token of the operators' pool. Where a group is named, "
        "only its members may call.",
    },
    "partner": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A partner's user: an access token of the partners' pool.",
    },
    "customer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An end user: a token of one of the company's identity providers.",
    },
    "callouts": {"type": "http", "scheme": "basic", "description": "Zuora's callouts."},
}
_CALLOUTS = "commerce/receive_zuora_callout"
_PROVE_THEMSELVES = {_CALLOUTS: "callouts"}
"""Open at the gateway, while the function asks for credentials."""

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same request under the same key is done once and answered twice, for "
    "24 hours. What time may change (409, 423, 429, 5xx) is not kept: send it again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "description": "Every refusal and every fault (RFC 9457).",
    "required": ["type", "code", "title", "status", "detail", "message"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:tessera:problem:identity_in_use"]},
        "code": {"type": "string", "description": "Stable: test for this."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What a person can do about it."},
        "message": {"type": "string", "description": "As `detail`."},
        "requestId": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string", "examples": ["orderItems[0].offer.id"]},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
        "upstream": {
            "type": "object",
            "properties": {
                "system": {"type": "string"},
                "requestId": {"type": "string"},
                "status": {"type": "integer"},
            },
        },
    },
    "examples": [
        {
            "type": "urn:tessera:problem:not_found",
            "code": "not_found",
            "title": "There is no such thing",
            "status": 404,
            "detail": "There is no order with this id.",
            "message": "There is no order with this id.",
            "requestId": "JKJaXmPLvHcESHA=",
        }
    ],
}
_GATEWAY_SCHEMA = {
    "type": "object",
    "description": "What the gateway says before a function is asked.",
    "properties": {"message": {"type": ["string", "null"]}},
}


class Handler(NamedTuple):
    """What one handler tells of one of its routes."""

    route: Route
    sentence: str
    module: ModuleType
    dependant: Any
    """Parameters, as Powertools understands the signature."""
    returns: Any


class _Wire(GenerateJsonSchema):
    """As objects are written here: a member without a value is absent, never `null`."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        if self.mode == "serialization":
            return self.generate_inner(schema["schema"])
        return super().nullable_schema(schema)

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        inner: Mapping[str, Any] = field["schema"]
        while inner["type"].startswith("function-"):
            inner = inner["schema"]
        return bool(inner["type"] != "default")

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False  # it would say the name once more

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        written = super().default_schema(schema)
        if self.mode == "serialization" or written.get("default", "") is None:
            written.pop("default", None)
        return written


class Schemas:
    """The models that operations name, each described once."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[str, JsonSchemaMode], TypeAdapter[Any]] = {}
        self._made: dict[tuple[Any, JsonSchemaMode], JsonSchemaValue] = {}

    def want(self, model: Any, mode: JsonSchemaMode) -> tuple[str, JsonSchemaMode]:
        key = (repr(model), mode)  # models need not be hashable
        self._wanted.setdefault(key, TypeAdapter(model))
        return key

    def make(self) -> dict[str, Any]:
        """All of them; then `of` knows each."""
        inputs = [(key, key[1], adapter) for key, adapter in self._wanted.items()]
        self._made, document = TypeAdapter.json_schemas(
            inputs, ref_template=_SCHEMA, schema_generator=_Wire
        )
        found: dict[str, Any] = document.get("$defs", {})
        return found

    def take_nothing(self, key: tuple[str, JsonSchemaMode]) -> bool:
        """Whether an empty object, for which an empty body stands, is one."""
        try:
            self._wanted[key].validate_python({})
        except ValidationError:
            return False
        return True

    def of(self, key: tuple[str, JsonSchemaMode]) -> JsonSchemaValue:
        # Pydantic keys its answer by what it was given and the mode.
        return self._made[(key, key[1])]


def document() -> dict[str, Any]:
    """The whole, in the order of the endpoint table."""
    handlers = list(_handlers())
    schemas = Schemas()
    asked = [_Asked.of(handler, schemas) for handler in handlers]
    models = schemas.make()
    paths: dict[str, dict[str, Any]] = {}
    names: set[str] = set()
    for one in asked:
        operation = one.described(schemas, names)
        paths.setdefault(one.handler.route.path, {})[one.handler.route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tessera",
            "version": "1",
            "description": "Subscriptions, and what they entitle people to. A member without a "
            "value is absent, never `null`; every error is a problem document.",
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": name} for name in dict.fromkeys(_subject(one.handler.route) for one in asked)
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {**_SECURITY, "machine": _machine()},
            "responses": _refusals(),
            "schemas": {
                "Problem": _PROBLEM_SCHEMA,
                "GatewayMessage": _GATEWAY_SCHEMA,
                **dict(sorted(models.items())),
            },
        },
    }


class _Asked(NamedTuple):
    """An operation whose models are on their way to being described."""

    handler: Handler
    operation: Operation
    body: Any
    answers: Mapping[int, Any]
    parameters: list[tuple[str, Any, Any]]
    """Where, the field, and its schema's key."""

    @classmethod
    def of(cls, handler: Handler, schemas: Schemas) -> "_Asked":
        operation = OPERATIONS.get(handler.route.function, Operation())
        body = operation.takes or next(
            (field.field_info.annotation for field in handler.dependant.body_params), None
        )
        gives = operation.gives or _annotated(handler.returns)
        placed = [
            *(("path", field) for field in handler.dependant.path_params),
            *(("query", field) for field in handler.dependant.query_params),
            *(("header", field) for field in handler.dependant.header_params),
        ]
        return cls(
            handler,
            operation,
            None if body is None else schemas.want(body, "validation"),
            {
                status: schemas.want(model, "serialization")
                if model is not None and model != PDF
                else model
                for status, model in gives.items()
            },
            [(where, one, schemas.want(_type_of(one), "validation")) for where, one in placed],
        )

    def described(self, schemas: Schemas, names: set[str]) -> dict[str, Any]:
        route = self.handler.route
        sentence, _, more = self.handler.sentence.partition("\n")
        operation: dict[str, Any] = {
            "operationId": _unused(route, names),
            "tags": [_subject(route)],
            "summary": sentence,
        }
        if more.strip():
            operation["description"] = more.strip()
        parameters = [
            _parameter(where, field, schemas.of(key)) for where, field, key in self.parameters
        ]
        if _keeps_repeats(route):
            parameters.append(_IDEMPOTENCY_KEY)
        if parameters:
            operation["parameters"] = parameters
        if self.body is not None:
            content: dict[str, Any] = {"schema": schemas.of(self.body)}
            if self.operation.example is not None:
                content["example"] = self.operation.example
            operation["requestBody"] = {
                "required": not schemas.take_nothing(self.body),
                "content": {"application/json": content},
            }
        operation["responses"] = {
            str(status): answer for status, answer in sorted(self._answers(schemas).items())
        }
        operation["security"] = _security(route)
        return operation

    def _answers(self, schemas: Schemas) -> dict[int, dict[str, Any]]:
        answers: dict[int, dict[str, Any]] = {}
        for status, key in self.answers.items():
            answers[status] = {"description": _SAID[status]}
            if key == PDF:
                answers[status]["content"] = {PDF: {"schema": {"type": "string"}}}
            elif key is not None:
                answers[status]["content"] = {"application/json": {"schema": schemas.of(key)}}
        for status in self._refused():
            answers[status] = {"$ref": f"#/components/responses/{_name_of(status)}"}
        return answers

    def _refused(self) -> set[int]:
        route, dependant = self.handler.route, self.handler.dependant
        refused = {429, 500, 503, *self.operation.refuses}
        if route.who or route.function in _PROVE_THEMSELVES:
            refused |= {401, 403}
        if dependant.path_params:
            refused |= {400, 404, 422}
        if dependant.query_params or dependant.header_params or route.method in _WITH_BODY:
            refused |= {400, 422}
        if route.method in _WITH_BODY:
            refused.add(413)
        if _keeps_repeats(route):
            refused.add(CONFLICT)
        if any(field.alias == "if-match" for field in dependant.header_params):
            refused.add(CHANGED)
        if _OUTSIDE & set(self.handler.module.Env.model_fields):
            refused.add(UPSTREAM)
        return refused


def _refusals() -> dict[str, Any]:
    return {
        _name_of(status): {
            "description": description,
            "content": {**_PROBLEM, **(_GATEWAY if status in _BY_THE_GATEWAY else {})},
        }
        for status, description in _REFUSALS.items()
    }


def _name_of(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


_SAID = {
    200: "As asked.",
    201: "It was made.",
    202: "It was accepted and will be done.",
    204: "It was done; there is nothing to tell.",
    302: "The file is at `Location`, for a few minutes.",
    304: "Unchanged since the tag that was sent.",
}


def _handlers() -> Iterator[Handler]:
    """Of each operation of the API, in the order of the endpoint table."""
    found: dict[tuple[str, str], Handler] = {}
    described = [route for route in ROUTES if _is_described(route)]
    by_pattern = {(route.method, _decorated(route.path)): route for route in described}
    for folder in dict.fromkeys(route.function for route in described):
        module = _imported(folder)
        _, _, said = str(module.__doc__).partition(": ")
        sentence = said[:1].upper() + said[1:]
        for one in (*module.app._static_routes, *module.app._dynamic_routes):
            route = by_pattern.get((one.method, one.path))
            if route is not None:
                returns = inspect.signature(one.func).return_annotation
                found[route.method, route.path] = Handler(
                    route, sentence, module, one.dependant, returns
                )
    for route in described:
        yield found[route.method, route.path]


def _is_described(route: Route) -> bool:
    return route.path.startswith("/api/") and not route.path.endswith("+}")


def _decorated(path: str) -> str:
    return re.sub(r"\{(\w+)\}", r"<\1>", path)


def _imported(folder: str) -> ModuleType:
    path = FUNCTIONS / folder / "handler.py"
    name = f"functions.{folder.replace('/', '.')}.handler"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not there")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _annotated(returns: Any) -> Mapping[int, Any]:
    """By a handler's own words: a model is 200, `Response[None]` is 204."""
    if get_origin(returns) is Response:
        (content,) = get_args(returns)
        if content is not type(None):
            raise TypeError(f"infra/operations.py must say what {returns} holds, by status")
        return {204: None}
    return {200: returns}


def _type_of(field: Any) -> Any:
    """With its bounds."""
    info: FieldInfo = field.field_info
    annotation: Any = info.annotation
    for bound in info.metadata:
        annotation = Annotated[annotation, bound]
    return annotation


def _parameter(where: str, field: Any, schema: JsonSchemaValue) -> dict[str, Any]:
    name = str(field.alias)
    if where == "header":
        name = "-".join(part.capitalize() for part in name.split("-"))
    parameter: dict[str, Any] = {"name": name, "in": where}
    if where == "path" or field.required:
        parameter["required"] = True
    options = schema.get("anyOf", [])
    if {"type": "null"} in options:
        # A query has no null: without the parameter there is none.
        rest = [one for one in options if one != {"type": "null"}]
        schema = rest[0] if len(rest) == 1 else {"anyOf": rest}
    if where == "path":
        schema = {**schema, "minLength": 1}
    if not field.required and field.default is not None and where != "path":
        schema = {**schema, "default": field.default}
    return {**parameter, "schema": schema}


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.function in _PROVE_THEMSELVES:
        return [{_PROVE_THEMSELVES[route.function]: []}]
    return [
        {one.kind: [f"tessera/{need}" for need in one.needs] if one.kind == "machine" else []}
        for one in route.who
    ]


def _machine() -> dict[str, Any]:
    needs = {
        need for route in ROUTES for one in route.who if one.kind == "machine" for need in one.needs
    }
    scopes = {f"tessera/{need}": f"Calls about {need}." for need in sorted(needs)}
    return {
        "type": "oauth2",
        "description": "Middleware, with a client of the operators' pool. The stack's output "
        "TokenUrl is the address for tokens.",
        "flows": {"clientCredentials": {"tokenUrl": "/oauth2/token", "scopes": scopes}},
    }


def _keeps_repeats(route: Route) -> bool:
    return route.method == "POST" and bool(route.who)


def _subject(route: Route) -> str:
    return route.function.partition("/")[0]


def _unused(route: Route, names: set[str]) -> str:
    """The function's name; where it has a second route, with who calls it there."""
    name = route.function.partition("/")[2]
    if name in names:
        name = f"{name}_as_{route.who[0].kind}"
    names.add(name)
    return name


def _without_environment() -> None:
    """Handlers start without a stack: each variable is there, and none of them is used."""

    def load(cls: type[BaseModel]) -> BaseModel:
        fields = cls.model_fields.items()
        return cls.model_validate(
            {name: _PLACEHOLDERS.get(field.annotation, "1") for name, field in fields}
        )

    Environment.load = classmethod(load)  # type: ignore[method-assign, assignment]
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")


def written() -> str:
    """As it is committed."""
    _without_environment()
    return json.dumps(document(), indent=1, ensure_ascii=False, default=str) + "\n"


if __name__ == "__main__":
    text = written()
    if "--print" in sys.argv:
        sys.stdout.write(text)
    else:
        DOCUMENT.write_text(text, encoding="utf-8")
