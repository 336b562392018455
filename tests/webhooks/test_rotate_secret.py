"""Rotating the key of an endpoint, and showing an administrator the keys."""

import json
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tessera import clock
from tessera.webhooks import credentials, signing
from tessera.webhooks.credentials import SigningKey
from tessera.webhooks.health import Health
from tessera.webhooks.models import Sendable
from tests.builders import operator
from tests.handlers import body
from tests.webhooks.asking import ENDPOINT, Asks, sealing_key
from tests.webhooks.engine import KEY, Engine, endpoint, event

OWN = "whsec_" + "QUFB" * 10 + "QUE="


@pytest.fixture
def rotate(engine: Engine) -> Asks:
    engine.clock.at = clock.now()
    route = ENDPOINT + "/rotate-secret"
    return Asks("rotate_secret", "POST", route, SECRETS_KEY=sealing_key())


@pytest.fixture
def reveal(engine: Engine) -> Asks:
    route = ENDPOINT + "/reveal-secret"
    return Asks("reveal_secret", "POST", route, SECRETS_KEY=sealing_key())


def keys_at(engine: Engine, id: str, **later: float) -> tuple[str, ...]:
    found, _ = engine.endpoints.for_sending([id], [])
    at = clock.now() + timedelta(**later)
    return credentials.opened(Sendable(*found[id]), engine.seal, at).keys


def test_signs_with_both_for_a_day_and_then_with_the_new_one(rotate: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()

    answer = rotate(id=id)

    assert answer["statusCode"] == 200
    shown = body(answer)
    new = shown["secret"]
    until = clock.now() + timedelta(days=1)
    assert shown["previous_secret"] == KEY
    assert not {"public_key", "previous_public_key"} & set(shown)
    assert abs(clock.now() - until + timedelta(days=1)) < timedelta(minutes=1)
    assert shown["previous_until"][:16] == clock.instant(until)[:16]
    assert keys_at(engine, id) == (new, KEY)
    assert keys_at(engine, id, hours=25) == (new,)


def test_either_key_verifies_what_is_sent_meanwhile(rotate: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()
    new = body(rotate(id=id))["secret"]

    engine.delivers(event(at=clock.now()))

    (sent,) = engine.receiver.received
    for key in (new, KEY):
        assert Webhook(key).verify(sent.body.decode(), dict(sent.headers)) == json.loads(sent.body)


def test_no_overlap_ends_the_old_key_now(rotate: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()

    shown = body(rotate(id=id, body={"overlap": 0}))

    assert keys_at(engine, id) == (shown["secret"],)
    assert "previous_secret" not in shown


def test_never_signs_with_three_keys(rotate: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()
    first = body(rotate(id=id, body={"overlap": 3600}))

    answer = rotate(id=id)

    assert (answer["statusCode"], body(answer)["code"]) == (409, "rotation_under_way")
    assert body(answer)["until"] == first["previous_until"]
    assert first["previous_until"] in body(answer)["message"]
    assert keys_at(engine, id) == (first["secret"], KEY)


def test_a_key_that_got_out_can_be_ended_in_the_middle_of_an_overlap(
    rotate: Asks, engine: Engine
) -> None:
    id = engine.has_endpoint()
    rotate(id=id)

    shown = body(rotate(id=id, body={"overlap": 0}))

    assert keys_at(engine, id) == (shown["secret"],)


def test_an_overlap_that_is_over_is_forgotten(rotate: Asks, engine: Engine) -> None:
    made = endpoint()
    ended = SigningKey(key=OWN, until=clock.now() - timedelta(seconds=1))
    sealed = credentials.sealed(made.id, [SigningKey(key=KEY), ended], None, engine.seal)
    engine.endpoints.add(made, Health(), sealed, limit=200)

    answer = rotate(id=made.id)

    assert answer["statusCode"] == 200
    assert keys_at(engine, made.id) == (body(answer)["secret"], KEY)


def test_takes_a_key_that_the_caller_brings(rotate: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()

    assert body(rotate(id=id, body={"secret": OWN}))["secret"] == OWN

    assert keys_at(engine, id) == (OWN, KEY)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"secret": "whsec_abc"}, "secret"),
        ({"secret": KEY}, "secret"),
        ({"overlap": -1}, "overlap"),
        ({"overlap": 7 * 86_400 + 1}, "overlap"),
    ],
)
def test_refuses_what_is_no_rotation(
    rotate: Asks, engine: Engine, members: dict[str, Any], field: str
) -> None:
    id = engine.has_endpoint()

    answer = rotate(id=id, body=members)

    assert answer["statusCode"] == 422
    assert [error["field"] for error in body(answer)["errors"]] == [field]
    assert KEY not in answer["body"]
    assert keys_at(engine, id) == (KEY,)


def test_only_the_public_halves_of_v1a_keys_are_answered(
    rotate: Asks, reveal: Asks, engine: Engine
) -> None:
    made = endpoint(signature="v1a")
    old = signing.new_private_key()
    sealed = credentials.sealed(made.id, [SigningKey(key=old)], None, engine.seal)
    engine.endpoints.add(made, Health(), sealed, limit=200)

    rotated, revealed = rotate(id=made.id), reveal(id=made.id, caller=operator("admin"))

    assert body(rotated) == body(revealed)
    assert not {"secret", "previous_secret"} & set(body(rotated))
    assert body(rotated)["previous_public_key"] == signing.public_key(old)
    assert body(rotated)["public_key"] == signing.public_key(keys_at(engine, made.id)[0])
    assert "whsk_" not in rotated["body"] + revealed["body"]


def test_of_two_rotations_at_once_one_is_written(engine: Engine) -> None:
    id = engine.has_endpoint()
    seen, before = engine.endpoints.find(id), engine.endpoints.sealed(id)
    assert seen is not None
    assert before is not None
    held = [
        engine.endpoints.rotate(seen.endpoint, before.keys, new, by="machine/m", at=clock.now())
        for new in (b"first", b"second")
    ]

    assert held == [True, False]
    after = engine.endpoints.sealed(id)
    assert after is not None
    assert after.keys == b"first"


def test_a_rotation_is_remembered_with_who_did_it(rotate: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()

    rotate(id=id, caller=operator("admin", sub="ann"))

    found = engine.endpoints.find(id)
    assert found is not None
    assert (found.endpoint.updated_by, found.endpoint.version) == ("operator/ann", 2)


def test_an_administrator_sees_the_keys_and_is_noted_by_name(
    reveal: Asks, rotate: Asks, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    id = engine.has_endpoint()
    rotated = body(rotate(id=id))
    caplog.clear()

    answer = reveal(id=id, caller=operator("admin", sub="ann"))

    assert (answer["statusCode"], body(answer)) == (200, rotated)
    (line,) = (vars(record) for record in caplog.records)
    assert (line["event"], line["outcome"], line["client"]) == ("reveal_secret", "revealed", "ann")
    assert line["endpoint"] == id


def test_no_key_is_in_a_log(
    reveal: Asks, rotate: Asks, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    id = engine.has_endpoint()

    rotate(id=id)
    rotate(id=id, body={"secret": OWN})
    reveal(id=id, caller=operator("admin"))

    assert len(caplog.records) == 3
    assert "whs" not in repr([vars(record) for record in caplog.records])


def test_a_deleted_endpoint_has_no_keys(rotate: Asks, reveal: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()
    engine.endpoints.delete(id, by="machine/m", at=clock.now())

    for answer in (rotate(id=id), reveal(id=id, caller=operator("admin"))):
        assert (answer["statusCode"], body(answer)["code"]) == (409, "endpoint_deleted")
