"""Deleting an endpoint: it gets nothing more, and its keys are gone."""

import boto3
import pytest

from tessera import clock
from tessera.webhooks.operators_store import TooManyEndpoints
from tests.handlers import body
from tests.webhooks.asking import ENDPOINT, Asks
from tests.webhooks.engine import Engine, event, row


@pytest.fixture
def delete(engine: Engine) -> Asks:
    engine.clock.at = clock.now()
    return Asks("delete_endpoint", "DELETE", ENDPOINT)


def live(engine: Engine) -> int:
    count = row("Webhooks", "COUNT", "ENDPOINTS")
    assert count is not None
    return int(count["live"])


def test_removes_the_keys_makes_room_and_keeps_the_record_for_90_days(
    delete: Asks, engine: Engine
) -> None:
    id, other = engine.has_endpoint(), engine.has_endpoint()

    answer = delete(id=id)

    assert (answer["statusCode"], answer["body"]) == (204, "")
    deleted = row("Webhooks", "ENDPOINTS", id)
    assert deleted is not None
    assert (deleted["status"], deleted["version"]) == ("deleted", 2)
    assert deleted["updated_by"] == "machine/3k9q5v0tq1machineclient"
    kept = 90 * 86_400
    assert deleted["expires_at"] == pytest.approx(clock.now().timestamp() + kept, abs=60)
    health = row("Webhooks", "ENDPOINTS", id + "#HEALTH")
    assert health is not None
    assert health["expires_at"] == deleted["expires_at"]
    assert row("Webhooks", "SECRETS", id) is None
    assert row("Webhooks", "SECRETS", other) is not None
    assert live(engine) == 1


def test_what_is_pending_is_cancelled_by_the_engine(delete: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()
    queued, held = event(at=clock.now()), event(at=clock.now())
    hints = engine.fans_out(queued)
    engine.fans_out(held)

    delete(id=id)

    assert engine.sends(hints) == ["cancelled"]
    assert engine.sweeps() == []
    assert engine.delivery(held, id).state == "cancelled"
    assert engine.receiver.received == []


def test_a_repeat_changes_nothing(delete: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()
    engine.has_endpoint()
    delete(id=id)
    before = row("Webhooks", "ENDPOINTS", id)

    answer = delete(id=id)

    assert answer["statusCode"] == 204
    assert row("Webhooks", "ENDPOINTS", id) == before
    assert live(engine) == 1


def test_two_at_once_make_room_for_one(engine: Engine) -> None:
    id = engine.has_endpoint()
    engine.has_endpoint()
    for _ in range(2):
        engine.endpoints.delete(id, by="machine/m", at=clock.now())

    assert live(engine) == 1


def test_a_deleted_endpoint_makes_room_for_another(delete: Asks, engine: Engine) -> None:
    ids = [engine.has_endpoint() for _ in range(2)]
    seen = engine.endpoints.find(ids[0])
    assert seen is not None
    delete(id=ids[0])
    again = seen.endpoint.model_copy(update={"id": "endpoint-" + "9" * 32})
    sealed = engine.endpoints.sealed(ids[1])
    assert sealed is not None

    engine.endpoints.add(again, seen.health, sealed, limit=2)

    third = again.model_copy(update={"id": "endpoint-" + "8" * 32})
    with pytest.raises(TooManyEndpoints):
        engine.endpoints.add(third, seen.health, sealed, limit=2)


def test_does_not_know_others(delete: Asks) -> None:
    answer = delete(id="endpoint-" + "0" * 32)

    assert (answer["statusCode"], body(answer)["code"]) == (404, "not_found")
    assert boto3.client("dynamodb").scan(TableName="Webhooks")["Items"] == []
