"""Changing an endpoint: what is named changes, if the caller knew the latest version."""

from typing import Any

import pytest

from tessera import clock
from tessera.webhooks import credentials, destination
from tessera.webhooks.destination import AddressRefused, Reach
from tessera.webhooks.dialects import Dialect
from tessera.webhooks.health import Health
from tessera.webhooks.models import Endpoint, Sendable
from tests.handlers import body
from tests.webhooks.asking import ENDPOINT, WHERE, Asks, sealing_key
from tests.webhooks.engine import KEY, Engine

NEW_HOST = "https://new.example.com/in"
BEARER = {"kind": "bearer", "token": "t0ken"}


@pytest.fixture
def change(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Asks:
    def confirm(url: str, reach: Reach) -> bool:
        if "private" in url:
            raise AddressRefused("10.0.0.1")
        return "soon" not in url

    monkeypatch.setattr(destination, "confirm", confirm)
    return Asks("change_endpoint", "PATCH", ENDPOINT, SECRETS_KEY=sealing_key(), **WHERE)


def stored(engine: Engine, id: str) -> Endpoint:
    found = engine.endpoints.find(id)
    assert found is not None
    return found.endpoint


def opened(engine: Engine, id: str) -> credentials.Credentials:
    found, _ = engine.endpoints.for_sending([id], [])
    return credentials.opened(Sendable(*found[id]), engine.seal, clock.now())


def test_changes_what_is_named_and_leaves_the_rest(change: Asks, engine: Engine) -> None:
    id = engine.has_endpoint(types=("order.*",), waits=(5, 60), headers={"x-shop": "de"})
    before = stored(engine, id)

    answer = change(id=id, body={"version": 1, "description": "Shop", "waits": [10]})

    assert answer["statusCode"] == 200
    shown = body(answer)
    assert (shown["description"], shown["waits"], shown["version"]) == ("Shop", [10], 2)
    after = stored(engine, id)
    assert after.updated_by == "machine/3k9q5v0tq1machineclient"
    assert after == before.model_copy(
        update={
            "description": "Shop",
            "waits": (10,),
            "version": 2,
            "updated_at": after.updated_at,
            "updated_by": after.updated_by,
        }
    )
    assert after.updated_at > before.updated_at
    assert opened(engine, id).keys == (KEY,)
    assert "secret" not in shown


def test_null_is_the_default(change: Asks, engine: Engine) -> None:
    id = engine.has_endpoint(
        description="Shop", types=("order.*",), waits=(5,), headers={"a": "b"}, dialect={}
    )
    nulls = dict.fromkeys(("description", "types", "waits", "headers", "dialect"))

    answer = change(id=id, body={"version": 1, **nulls})

    assert answer["statusCode"] == 200
    after = stored(engine, id)
    assert (after.description, after.types, after.waits, after.headers, after.dialect) == (
        "",
        (),
        None,
        {},
        Dialect(),
    )


def test_changes_one_member_of_the_dialect(change: Asks, engine: Engine) -> None:
    id = engine.has_endpoint(dialect=Dialect(release="86", announce_ahead=False))

    change(id=id, body={"version": 1, "dialect": {"identity_keys": "long"}})

    assert stored(engine, id).dialect == Dialect(
        release="86", identity_keys="long", announce_ahead=False
    )


def test_refuses_a_version_that_is_not_the_latest(change: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()
    change(id=id, body={"version": 1, "description": "mine"})

    answer = change(id=id, body={"version": 1, "description": "theirs"})

    assert (answer["statusCode"], body(answer)["code"]) == (409, "version_conflict")
    assert stored(engine, id).description == "mine"


def test_a_change_between_reading_and_writing_wins(engine: Engine) -> None:
    id = engine.has_endpoint()
    held = [
        engine.endpoints.change(id, {"description": by}, version=1, auth=None, health=None)
        for by in ("first", "second")
    ]

    assert held == [True, False]
    assert stored(engine, id).description == "first"


def test_needs_the_version(change: Asks, engine: Engine) -> None:
    answer = change(id=engine.has_endpoint(), body={"description": "x"})

    assert answer["statusCode"] == 422
    assert [(e["field"], e["code"]) for e in body(answer)["errors"]] == [("version", "required")]


def test_writes_nothing_when_nothing_is_named(change: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()

    answer = change(id=id, body={"version": 1})

    assert (answer["statusCode"], body(answer)["version"]) == (200, 1)


def test_a_new_url_begins_slowly_with_a_clean_sheet(change: Asks, engine: Engine) -> None:
    at = clock.now()
    ill = Health(state="open", streak=40, failures=40, failing_since=at, probe_at=at, interval=900)
    id = engine.has_endpoint(health=ill)

    change(id=id, body={"version": 1, "url": "https://hooks.example.com/v2"})

    assert stored(engine, id).url == "https://hooks.example.com/v2"
    assert engine.health(id) == Health(state="slow", drain=60)


@pytest.mark.parametrize("members", [{"description": "x"}, {"url": "https://Hooks.example.com/in"}])
def test_the_same_url_says_nothing_about_health(
    change: Asks, engine: Engine, members: dict[str, str]
) -> None:
    id = engine.has_endpoint(health=Health(state="open", streak=12))

    assert change(id=id, body={"version": 1, **members})["statusCode"] == 200

    assert engine.health(id) == Health(state="open", streak=12)


def test_takes_another_credential_and_lets_one_go(change: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()

    set_answer = change(id=id, body={"version": 1, "auth": BEARER})
    with_auth = opened(engine, id)
    null_answer = change(id=id, body={"version": 2, "auth": None})

    assert body(set_answer)["auth_kind"] == "bearer"
    assert "t0ken" not in set_answer["body"]
    assert with_auth.header == {"authorization": "Bearer t0ken"}
    assert body(null_answer)["auth_kind"] == "none"
    assert opened(engine, id) == credentials.Credentials((KEY,), {})


def test_a_credential_does_not_go_to_another_host_unasked(change: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()
    change(id=id, body={"version": 1, "auth": BEARER})

    silent = change(id=id, body={"version": 2, "url": NEW_HOST})
    nowhere = change(id=id, body={"version": 2, "url": "ftp://new.example.com"})
    said = change(id=id, body={"version": 2, "url": NEW_HOST, "auth": BEARER})

    assert [(e["field"], e["code"]) for e in body(silent)["errors"]] == [("auth", "required")]
    assert [e["field"] for e in body(nowhere)["errors"]] == ["url"]
    assert (said["statusCode"], stored(engine, id).url) == (200, NEW_HOST)


def test_warns_of_a_name_that_does_not_resolve_yet(change: Asks, engine: Engine) -> None:
    answer = change(
        id=engine.has_endpoint(), body={"version": 1, "url": "https://soon.example.com"}
    )

    assert [one["code"] for one in body(answer)["warnings"]] == ["name_not_found"]


@pytest.mark.parametrize(
    ("members", "field", "code"),
    [
        ({"url": None}, "url", "required"),
        ({"url": "http://hooks.example.com/"}, "url", "invalid_value"),
        ({"url": "https://private.example.com/"}, "url", "invalid_value"),
        ({"types": ["orders"]}, "types[0]", "invalid_value"),
        ({"waits": [4]}, "waits[0]", "invalid_value"),
        ({"headers": {"Host": "x"}}, "headers.Host", "invalid_value"),
        ({"auth": {"kind": "bearer", "token": "a b"}}, "auth.token", "invalid_value"),
        ({"description": "x" * 501}, "description", "too_long"),
        ({"signature": "v1a"}, "signature", "unknown_member"),
        ({"status": "paused"}, "status", "unknown_member"),
    ],
)
def test_refuses_what_could_never_work(
    change: Asks, engine: Engine, members: dict[str, Any], field: str, code: str
) -> None:
    id = engine.has_endpoint()

    answer = change(id=id, body={"version": 1, **members})

    assert answer["statusCode"] == 422
    assert [(e["field"], e["code"]) for e in body(answer)["errors"]] == [(field, code)]
    assert stored(engine, id).version == 1


def test_a_url_that_the_rules_no_longer_allow_can_still_have_its_note_changed(
    change: Asks, engine: Engine
) -> None:
    id = engine.has_endpoint(url="http://once-private.example.com:9001/")

    answer = change(id=id, body={"version": 1, "description": "old"})

    assert answer["statusCode"] == 200
    assert body(answer)["url"] == "http://once-private.example.com:9001/"


def test_a_deleted_endpoint_stays_as_it_was(change: Asks, engine: Engine) -> None:
    answer = change(id=engine.has_endpoint(status="deleted"), body={"version": 1, "waits": []})

    assert (answer["statusCode"], body(answer)["code"]) == (409, "endpoint_deleted")


def test_does_not_know_others(change: Asks) -> None:
    assert change(id="endpoint-x", body={"version": 1})["statusCode"] == 404
