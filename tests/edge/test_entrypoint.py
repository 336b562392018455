"""What Lambda calls, around every handler: keys, forms of bodies, answers, the line in the log."""

import base64
import json
import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tessera.edge import observability
from tessera.edge.api import Response, accepted, created, document, entrypoint, resolver
from tessera.errors import NotFound, UpstreamFailed
from tessera.objects import Model
from tests.builders import api_event, customer, machine


class Thing(Model):
    id: str
    note: str | None = None


class Endpoint:
    """A function with one route, in an environment of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, table: str | None = None) -> None:
        self.calls = 0
        self.act: Callable[[], Any] = lambda: Response(status_code=204)
        routes = {f"{method} /api/x": {"machine": ["orders"]} for method in ("POST", "PUT")}
        monkeypatch.setenv("CALLERS", json.dumps(routes))
        if table is None:
            monkeypatch.delenv("IDEMPOTENCY_TABLE", raising=False)
        else:
            monkeypatch.setenv("IDEMPOTENCY_TABLE", table)
        app = resolver()
        app.post("/api/x")(self._act)
        app.put("/api/x")(self._act)
        self._handler = entrypoint(app)

    def _act(self) -> Any:
        self.calls += 1
        return self.act()

    def __call__(self, method: str = "POST", **more: Any) -> dict[str, Any]:
        sent = {"body": more.pop("body", None), "headers": more.pop("headers", None)}
        caller = more.pop("caller", machine("orders"))
        event = api_event(method, "/api/x", caller=caller, **sent)
        return self._handler({**event, **more}, None)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    return Endpoint(monkeypatch)


KEY = {"idempotency-key": "k-1"}


@pytest.mark.parametrize(("method", "calls"), [("POST", 1), ("PUT", 2)])
def test_a_key_counts_for_what_is_posted_alone(
    method: str, calls: int, monkeypatch: pytest.MonkeyPatch, tables: dict[str, str]
) -> None:
    endpoint = Endpoint(monkeypatch, table=tables["Idempotency"])

    for _ in range(2):
        endpoint(method, headers=dict(KEY))

    assert endpoint.calls == calls


def test_a_function_without_the_table_carries_out_each_request(endpoint: Endpoint) -> None:
    for _ in range(2):
        endpoint(headers=dict(KEY))

    assert endpoint.calls == 2


def test_a_value_that_is_absent_is_left_out_at_any_depth(endpoint: Endpoint) -> None:
    endpoint.act = lambda: {"a": None, "b": [{"c": None, "d": 1}]}

    assert json.loads(endpoint()["body"]) == {"b": [{"d": 1}]}


@pytest.mark.parametrize(("made", "status"), [(created, 201), (accepted, 202)])
def test_models_are_answered_in_their_wire_form(
    made: Callable[[Any], Any], status: int, endpoint: Endpoint
) -> None:
    endpoint.act = lambda: made(Thing(id="1"))

    answer = endpoint()

    assert answer["statusCode"] == status
    assert json.loads(answer["body"]) == {"id": "1"}
    assert answer["headers"]["Content-Type"] == "application/json"


def test_a_document_keeps_its_numbers(endpoint: Endpoint) -> None:
    endpoint.act = lambda: document({"amount": Decimal("17.5"), "none": None})

    answer = endpoint()

    assert (answer["statusCode"], answer["body"]) == (200, '{"amount":17.5}')


def test_nothing_is_answered_with_an_empty_body(endpoint: Endpoint) -> None:
    assert (endpoint()["statusCode"], endpoint()["body"]) == (204, "")


def test_a_body_may_come_encoded_and_without_its_type(endpoint: Endpoint) -> None:
    endpoint.act = lambda: {"ok": True}
    raw = base64.b64encode(b'{"a": 1}').decode()

    assert endpoint(body=raw, isBase64Encoded=True, headers={})["statusCode"] == 200


@pytest.mark.parametrize("sent", ['[{"id": "1"}]', '[{"id": "1"}, {"id": "2"}]', "[]", "[[]]"])
def test_a_list_is_not_taken_for_its_first_element(
    sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLERS", json.dumps({"POST /api/x": {"machine": ["orders"]}}))
    app, taken = resolver(), list[Thing]()

    @app.post("/api/x")
    def take(new: Thing) -> None:
        taken.append(new)

    event = api_event("POST", "/api/x", body=sent, caller=machine("orders"))
    answer = entrypoint(app)(event, None)

    assert (answer["statusCode"], taken) == (422, [])
    assert json.loads(answer["body"])["errors"] == [
        {"field": "body", "code": "invalid_value", "message": "body must be a JSON object"}
    ]


@pytest.mark.parametrize(
    ("raw", "code"), [(b"\xff\xfe", "invalid_request"), (b'{"a": 1', "invalid_json")]
)
def test_a_body_that_is_no_json_text_is_refused(raw: bytes, code: str, endpoint: Endpoint) -> None:
    answer = endpoint(body=base64.b64encode(raw).decode(), isBase64Encoded=True)

    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["code"] == code
    assert endpoint.calls == 0


def _refuses(refusal: Exception) -> Callable[[], Any]:
    def act() -> Any:
        raise refusal

    return act


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (lambda: Response(status_code=204), "done"),
        (lambda: Response(status_code=399), "done"),
        (lambda: Response(status_code=400), "refused"),
        (_refuses(NotFound("There is no such thing.")), "refused"),
        (_refuses(ZeroDivisionError()), "failed"),
    ],
    ids=["done", "399", "400", "refusal", "fault"],
)
def test_the_log_says_how_it_ended(
    act: Callable[[], Any],
    outcome: str,
    endpoint: Endpoint,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logger = logging.getLogger(observability.logger.service)
    monkeypatch.setattr(logger, "propagate", True)
    caplog.set_level(logging.INFO)
    endpoint.act = act
    endpoint()

    lines = [vars(record) for record in caplog.records if hasattr(record, "cold_start")]
    assert [one["outcome"] for one in lines] == [outcome]


@pytest.mark.parametrize(
    ("refusal", "counted"), [(NotFound("No."), False), (UpstreamFailed("No."), True)]
)
def test_what_outside_systems_refuse_is_counted(
    refusal: Exception,
    counted: bool,
    endpoint: Endpoint,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    observability.flush_metrics()  # what tests before this one counted
    capsys.readouterr()
    endpoint.act = _refuses(refusal)
    endpoint()

    written = [json.loads(one) for one in capsys.readouterr().out.splitlines()]
    assert any("UpstreamFailures" in one for one in written) == counted


@pytest.mark.parametrize(
    ("caller", "act"),
    [
        ({}, dict),
        (machine("other"), dict),
        (machine("orders"), _refuses(NotFound("No."))),
        (machine("orders"), _refuses(ZeroDivisionError())),
        (machine("orders"), dict),
    ],
    ids=["no-token", "no-scope", "refused", "broken", "done"],
)
def test_the_gateway_is_told_that_an_answer_is_text(
    caller: dict[str, Any], act: Callable[[], Any], endpoint: Endpoint
) -> None:
    endpoint.act = act

    answer = endpoint(caller=caller)

    assert answer["isBase64Encoded"] is False
    json.loads(answer["body"])


def test_a_customer_is_not_named_in_the_log(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At some identity providers the subject is an e-mail address."""
    routes: dict[str, Any] = {"POST /api/x": {"customer": []}}
    monkeypatch.setenv("CALLERS", json.dumps(routes))
    logger = logging.getLogger(observability.logger.service)
    monkeypatch.setattr(logger, "propagate", True)
    caplog.set_level(logging.INFO)

    endpoint(caller=customer("ana@lopes.example"))

    assert [vars(one).get("caller") for one in caplog.records if hasattr(one, "cold_start")]
    assert "ana@lopes.example" not in repr([vars(one) for one in caplog.records])
