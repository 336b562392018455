"""What every answer of the API has, whatever came of the request."""

import base64
import json
from typing import Any

import pytest

from tessera.edge.api import Response, answer, entrypoint, resolver
from tessera.edge.downloads import download
from tessera.errors import NotFound
from tests.builders import api_event, machine

_ANSWERS: dict[str, Any] = {
    "found": lambda: answer(200, {"id": "thing-1"}),
    "nothing": lambda: Response(status_code=204),
    "refused": lambda: (_ for _ in ()).throw(NotFound("There is no such thing.")),
    "broken": lambda: 1 / 0,
    "document": lambda: download(b"%PDF", name="invoice.pdf", lend=str),
    "public": lambda: answer(200, {}, {"Cache-Control": "public, max-age=300", "ETag": '"1"'}),
    "tagged": lambda: answer(200, {}, {"ETag": '"1"'}),
}


def asked(act: Any, monkeypatch: pytest.MonkeyPatch, body: Any = None, **more: Any) -> Any:
    monkeypatch.setenv("CALLERS", json.dumps({"PUT /api/x": {"machine": ["orders"]}}))
    app = resolver()
    app.put("/api/x")(act)
    event = api_event("PUT", "/api/x", body=body, caller=machine("orders"))
    return entrypoint(app)({**event, **more}, None)


@pytest.mark.parametrize("name", _ANSWERS)
def test_no_answer_is_kept_on_the_way_or_taken_for_what_it_is_not(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = asked(_ANSWERS[name], monkeypatch)["headers"]

    kept = {
        "public": "public, max-age=300",
        "tagged": "private, no-cache",  # it may be kept, and must be asked about
        "document": "private, no-store",
    }
    assert headers["Cache-Control"] == kept.get(name, "no-store")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age" in headers["Strict-Transport-Security"]


def test_a_fault_of_ours_tells_the_caller_nothing_but_where_to_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> None:
        raise RuntimeError("password=hunter2 at 10.0.0.7")

    answered = asked(broken, monkeypatch)

    assert answered["statusCode"] == 500
    assert json.loads(answered["body"]) == {
        "type": "urn:tessera:problem:internal",
        "code": "internal",
        "title": "Something went wrong on our side",
        "status": 500,
        "detail": "Something went wrong on our side. Try again; if it stays, report the request "
        "id.",
        "message": "Something went wrong on our side. Try again; if it stays, report the request "
        "id.",
        "requestId": "JKJaXmPLvHcESHA=",
    }


_FITS = 256 * 1024 - len('{"a":""}')


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("x" * _FITS, 204),
        ("x" * (_FITS + 1), 413),
        ("ö" * (_FITS // 2), 204),
        ("ö" * (_FITS // 2 + 1), 413),
    ],
    ids=["fits", "a byte more", "fits in two bytes each", "a letter more"],
)
@pytest.mark.parametrize("encoded", [False, True])
def test_a_body_is_measured_in_bytes_as_they_were_sent(
    text: str, status: int, encoded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps({"a": text}, ensure_ascii=False, separators=(",", ":"))
    sent = base64.b64encode(body.encode()).decode() if encoded else body

    answered = asked(
        lambda: Response(status_code=204), monkeypatch, body=sent, isBase64Encoded=encoded
    )

    assert answered["statusCode"] == status
