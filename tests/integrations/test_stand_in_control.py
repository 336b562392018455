"""What people and tests may do to every stand-in: state, clock, journal."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from infra.local._journal import KEPT, Journal
from infra.local._server import Headers, Request, Response, Running, read_json, serve, write_json
from infra.local._standin import StateUnreadable, merged
from tests.integrations.ledger import Ledger, journal_of, state_of


@pytest.fixture
def ledger() -> Iterator[Running]:
    with serve(Ledger()) as running:
        yield running


def test_keeps_its_state_over_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "ledger.json"
    with serve(Ledger(state_path=file)) as running:
        requests.post(f"{running.url}/entries", json={"name": "second"}, timeout=10)

    with serve(Ledger(state_path=file, seed="empty")) as running:
        answer = requests.get(f"{running.url}/entries/second", timeout=10)

    assert answer.text == '{"name":"second","price":17.50}'
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["ledger.json"]


def test_writes_a_change_before_it_answers_and_nothing_for_a_reading(tmp_path: Path) -> None:
    file = tmp_path / "ledger.json"
    with serve(Ledger(state_path=file)) as running:
        requests.post(f"{running.url}/entries", json={"name": "second"}, timeout=10)
        written, first = file.read_text(), file.stat().st_ino
        requests.get(f"{running.url}/entries/first", timeout=10)

        assert json.loads(written)["state"]["entries"] == ["first", "second"]
        assert file.stat().st_ino == first


@pytest.mark.parametrize("content", ["", "[]", '{"state": {}}', '{"clock_ahead_seconds": "x"}'])
def test_refuses_a_state_file_it_did_not_write(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ledger.json"
    file.write_text(content)

    with pytest.raises(StateUnreadable, match="delete it to start afresh"):
        Ledger(state_path=file)


def test_takes_a_whole_state_and_a_change_to_it(ledger: Running) -> None:
    state = f"{ledger.url}/_control/state"
    requests.put(state, json={"entries": ["put"], "price": 1, "gone": 1}, timeout=10)
    answer = requests.patch(state, json={"price": 2.25, "gone": None}, timeout=10)

    assert answer.text == '{"entries":["put"],"price":2.25}'
    assert state_of(ledger) == {"entries": ["put"], "price": 2.25}
    assert requests.put(state, json=[], timeout=10).status_code == 400


def test_forgets_everything_on_reset(ledger: Running) -> None:
    control = f"{ledger.url}/_control"
    requests.post(f"{ledger.url}/entries", json={"name": "second"}, timeout=10)
    requests.post(f"{control}/clock", json={"now": "2030-01-01T00:00:00Z"}, timeout=10)
    requests.post(f"{control}/faults", json={"action": {"kind": "html"}}, timeout=10)

    answer = requests.post(f"{control}/reset", json={"seed": "empty"}, timeout=10)

    assert answer.status_code == 200
    assert state_of(ledger)["entries"] == []
    assert journal_of(ledger) == []
    assert requests.get(f"{control}/faults", timeout=10).json() == {"faults": []}
    assert ledger.stand_in.now() - datetime.now(UTC) < timedelta(seconds=5)


def test_refuses_a_seed_it_does_not_have(ledger: Running) -> None:
    answer = requests.post(f"{ledger.url}/_control/reset", json={"seed": "rich"}, timeout=10)

    assert (answer.status_code, answer.json()["message"]) == (400, '"seed" is one of demo, empty')


def test_time_goes_on_from_the_instant_it_was_set_to_even_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "ledger.json"
    wanted = datetime(2030, 1, 1, tzinfo=UTC)
    with serve(Ledger(state_path=file)) as running:
        clock = f"{running.url}/_control/clock"
        requests.post(clock, json={"now": "2030-01-01T01:00:00+01:00"}, timeout=10)
        shown = datetime.fromisoformat(requests.get(clock, timeout=10).json()["now"])
        first, second = running.stand_in.now(), running.stand_in.now()

    assert wanted <= shown < first < second < wanted + timedelta(minutes=1)
    later = Ledger(state_path=file).now()
    assert second - timedelta(seconds=1) <= later < wanted + timedelta(minutes=1)


@pytest.mark.parametrize("now", ["2030-01-01T00:00:00", "soon", 5])
def test_refuses_a_time_that_is_not_an_instant(ledger: Running, now: object) -> None:
    answer = requests.post(f"{ledger.url}/_control/clock", json={"now": now}, timeout=10)

    assert answer.status_code == 400
    assert ledger.stand_in.now() - datetime.now(UTC) < timedelta(seconds=5)


def test_journals_what_was_asked_and_answered_without_credentials(ledger: Running) -> None:
    requests.post(
        f"{ledger.url}/entries?a=1&a=2",
        json={"name": "x", "price": 1.50},
        headers={"Authorization": "Bearer secret", "Idempotency-Key": "k-1"},
        timeout=10,
    )

    [entry] = journal_of(ledger)
    headers = {name.lower(): value for name, value in entry.pop("headers").items()}
    assert "authorization" not in headers
    assert headers["idempotency-key"] == "k-1"
    assert datetime.fromisoformat(entry.pop("at")) <= datetime.now(UTC)
    assert entry == {
        "method": "POST",
        "path": "/entries",
        "query": {"a": ["1", "2"]},
        "body": {"name": "x", "price": 1.5},
        "status": 201,
        "key": "k-1",
        "replayed": False,
        "fault": None,
    }


def test_finds_requests_by_a_part_of_the_path_or_an_expression(ledger: Running) -> None:
    for path in ("/entries/first", "/entries/none", "/files/a(b"):
        requests.get(ledger.url + path, timeout=10)

    def paths(wanted: str) -> list[str]:
        return [entry["path"] for entry in journal_of(ledger, wanted)]

    assert paths("first") == ["/entries/first"]
    assert paths("^/entries/[a-n]") == ["/entries/first", "/entries/none"]
    assert paths("a(b") == ["/files/a(b"]


def test_forgets_requests_when_told_and_never_journals_control(ledger: Running) -> None:
    requests.get(f"{ledger.url}/entries/first", timeout=10)

    requests.delete(f"{ledger.url}/_control/requests", timeout=10)

    assert journal_of(ledger) == []


def test_journal_keeps_the_newest_requests_and_no_large_body() -> None:
    journal, now = Journal(), datetime.now(UTC)
    for number in range(KEPT + 1):
        request = Request("GET", f"/{number}", {}, Headers(), b"")
        journal.note(request, Response(), fault=None, at=now)
    large = Request("POST", "/large", {}, Headers(), b"x" * 70_000)
    journal.note(large, Response(), fault=None, at=now)
    binary = Request("POST", "/binary", {}, Headers(), b"\xff\x00")
    journal.note(binary, Response(), fault=None, at=now)

    entries = journal.entries()
    assert (len(entries), entries[0]["path"]) == (KEPT, "/3")
    assert [entry["body"] for entry in entries[-2:]] == ["(70000 bytes, not kept)", "base64:/wA="]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False, places=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_json_keeps_every_number_as_it_is_spelled(value: Any) -> None:
    assert read_json(write_json(value)) == value
    assert read_json(write_json(value, indent=2)) == value


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), object()])
def test_json_refuses_what_is_not_json(value: object) -> None:
    with pytest.raises(TypeError):
        write_json({"value": value})


@given(
    st.dictionaries(st.text(), JSON, max_size=4), st.dictionaries(st.text(), st.none(), max_size=4)
)
def test_a_patch_of_nulls_only_takes_members_away(
    target: dict[str, Any], nulls: dict[str, None]
) -> None:
    assert merged(target, nulls) == {k: v for k, v in target.items() if k not in nulls}


def test_a_patch_reaches_into_objects_and_replaces_lists() -> None:
    target = {"a": {"b": 1, "c": [1, 2]}, "d": "text"}

    assert merged(target, {"a": {"c": [3]}, "d": {"e": 1}}) == {
        "a": {"b": 1, "c": [3]},
        "d": {"e": 1},
    }
    assert target == {"a": {"b": 1, "c": [1, 2]}, "d": "text"}
