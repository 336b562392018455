"""/openapi.json, and what the API says where there is nothing."""

import base64
import gzip
import json
from typing import Any

import pytest

from tessera.edge.openapi import DOCUMENT
from tests import handlers
from tests.builders import api_event
from tests.handlers import Handler

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def served() -> Handler:
    routes = ["GET /openapi.json", *(f"{method} /api/{{path+}}" for method in _METHODS)]
    return handlers.load("pages/api_document", {key: {} for key in routes})


def _asked(served: Handler, method: str, path: str) -> dict[str, Any]:
    return served(api_event(method, path, route="/api/{path+}"))


def test_the_document_is_served_as_committed_and_kept_for_five_minutes(served: Handler) -> None:
    plain = served(api_event("GET", "/openapi.json"))
    packed = served(api_event("GET", "/openapi.json", headers={"accept-encoding": "gzip"}))

    assert plain["statusCode"] == 200
    assert plain["headers"]["Content-Type"] == "application/json"
    assert plain["headers"]["Cache-Control"] == "public, max-age=300"
    assert plain["body"] == DOCUMENT.read_text()
    assert gzip.decompress(base64.b64decode(packed["body"])).decode() == plain["body"]


def test_who_has_it_already_is_sent_nothing(served: Handler) -> None:
    tag = served(api_event("GET", "/openapi.json"))["headers"]["ETag"]

    again = served(api_event("GET", "/openapi.json", headers={"if-none-match": tag}))

    assert (again["statusCode"], again["body"]) == (304, "")


@pytest.mark.parametrize("method", _METHODS)
def test_an_unknown_address_is_a_problem_document(served: Handler, method: str) -> None:
    answer = _asked(served, method, "/api/nothing/here")

    assert answer["statusCode"] == 404
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert json.loads(answer["body"])["code"] == "not_found"
    assert "/api/nothing/here" in json.loads(answer["body"])["detail"]


def test_another_method_of_a_known_address_is_told_which_there_are(served: Handler) -> None:
    answer = _asked(served, "PUT", "/api/catalog/offers")

    assert answer["statusCode"] == 405
    assert answer["headers"]["Allow"] == "POST, GET"
    assert json.loads(answer["body"])["code"] == "method_not_allowed"
