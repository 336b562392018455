"""`Idempotency-Key`: the same request twice is carried out once and answered twice."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tessera.aws import client
from tessera.edge.idempotency import InProgress, Repeats
from tessera.errors import InvalidFields, InvalidRequest
from tests.builders import NOW, api_event
from tests.webhooks.asking import sealing_key

BODY = '{"name": "Web", "label": "Web access"}'


class Requests:
    """One after the other, each answered with its number."""

    def __init__(self, table: str, *, sealing_key: str | None = None) -> None:
        self.repeats = Repeats(table, sealing_key=sealing_key)
        self.table = table
        self.carried_out = 0
        self.status = 201
        self.during: Callable[[], Any] = lambda: None

    def __call__(
        self,
        key: str | None = "k-1",
        body: str = BODY,
        *,
        caller: str = "machine/1",
        path: str = "/api/order",
        later: timedelta = timedelta(),
    ) -> dict[str, Any]:
        headers = {} if key is None else {"idempotency-key": key}
        event = api_event("POST", path, body=body, headers=headers)
        return self.repeats.once(event, body, caller=caller, now=NOW + later, act=self._act)

    def _act(self) -> dict[str, Any]:
        self.carried_out += 1
        number = self.carried_out
        self.during()
        return {
            "statusCode": self.status,
            "headers": {"ETag": f'"{number}"'},
            "body": json.dumps({"id": number}),
        }

    def kept(self) -> list[Any]:
        return client("dynamodb").scan(TableName=self.table)["Items"]


@pytest.fixture
def requests(tables: dict[str, str]) -> Requests:
    return Requests(tables["Idempotency"])


def test_the_second_gets_the_answer_of_the_first_and_is_told_so(requests: Requests) -> None:
    first, second = requests(), requests()

    assert requests.carried_out == 1
    assert "Idempotent-Replayed" not in first["headers"]
    assert second == {
        **first,
        "headers": {**first["headers"], "Idempotent-Replayed": "true"},
    }


def test_a_request_without_a_key_is_carried_out_each_time(requests: Requests) -> None:
    requests(None)
    requests(None)

    assert requests.carried_out == 2
    assert requests.kept() == []


def test_a_body_is_the_same_whatever_the_order_of_its_members(requests: Requests) -> None:
    requests()
    requests(body='{"label":"Web access","name":"Web"}')

    assert requests.carried_out == 1


@pytest.mark.parametrize("other", ['{"name": "Web"}', "", "[]"])
def test_another_body_under_the_key_is_refused(requests: Requests, other: str) -> None:
    requests()

    with pytest.raises(InvalidFields) as refused:
        requests(body=other)

    (error,) = refused.value.errors
    assert (error.field, error.code) == ("Idempotency-Key", "idempotency_key_reused")
    assert requests.carried_out == 1


@pytest.mark.parametrize(
    "other",
    [{"caller": "machine/2"}, {"path": "/api/order/preview"}, {"key": "k-2"}],
    ids=["caller", "route", "key"],
)
def test_keys_are_per_caller_and_route(requests: Requests, other: dict[str, str]) -> None:
    requests()

    assert "Idempotent-Replayed" not in requests(**other)["headers"]  # type: ignore[arg-type]
    assert requests.carried_out == 2


@pytest.mark.parametrize("seconds", [0, 35])
def test_while_the_first_runs_the_second_is_told_to_ask_again(
    requests: Requests, seconds: int
) -> None:
    refusals: list[InProgress] = []

    def meanwhile() -> None:
        with pytest.raises(InProgress) as refused:
            requests(later=timedelta(seconds=seconds))
        refusals.append(refused.value)

    requests.during = meanwhile
    requests()

    (refusal,) = refusals
    assert (refusal.status, refusal.wire_code) == (409, "in_progress")
    assert refusal.headers["Retry-After"] == "1"
    assert requests.carried_out == 1


def test_what_died_while_it_ran_is_carried_out_anew(requests: Requests) -> None:
    answers: list[dict[str, Any]] = []

    def meanwhile() -> None:
        requests.during = lambda: None
        answers.append(requests(later=timedelta(seconds=36)))

    requests.during = meanwhile
    requests()

    assert requests.carried_out == 2
    assert [one["body"] for one in answers] == ['{"id": 2}']


@pytest.mark.parametrize(("hours", "carried_out"), [(24, 1), (24.001, 2)])
def test_an_answer_is_kept_for_a_day(requests: Requests, hours: float, carried_out: int) -> None:
    requests()
    requests(later=timedelta(hours=hours))

    assert requests.carried_out == carried_out


@pytest.mark.parametrize("status", [200, 202, 204, 400, 404, 422])
def test_what_is_decided_is_kept(requests: Requests, status: int) -> None:
    requests.status = status

    assert [requests()["statusCode"] for _ in range(2)] == [status, status]
    assert requests.carried_out == 1


@pytest.mark.parametrize("status", [409, 423, 429, 500, 502, 503])
def test_what_time_may_change_is_tried_again(requests: Requests, status: int) -> None:
    requests.status = status
    requests()
    requests.status = 201

    assert requests()["statusCode"] == 201
    assert requests.carried_out == 2


def test_what_broke_is_tried_again(requests: Requests) -> None:
    def breaks() -> None:
        raise ZeroDivisionError

    requests.during = breaks
    with pytest.raises(ZeroDivisionError):
        requests()
    requests.during = lambda: None

    assert requests()["statusCode"] == 201


@pytest.mark.parametrize(("length", "is_taken"), [(0, False), (1, True), (255, True), (256, False)])
def test_a_key_has_1_to_255_characters(requests: Requests, length: int, is_taken: bool) -> None:
    if is_taken:
        assert requests("k" * length)["statusCode"] == 201
    else:
        with pytest.raises(InvalidRequest, match="1 to 255 characters"):
            requests("k" * length)
        assert requests.carried_out == 0


def test_what_is_kept_goes_by_itself(requests: Requests) -> None:
    requests()

    (row,) = requests.kept()
    assert int(row["expires_at"]["N"]) == int((NOW + timedelta(days=1)).timestamp())


def test_a_confidential_answer_is_kept_sealed(tables: dict[str, str]) -> None:
    requests = Requests(tables["Idempotency"], sealing_key=sealing_key())

    first, second = requests(), requests()

    assert (second["body"], second["statusCode"]) == (first["body"], 201)
    (row,) = requests.kept()
    assert "ETag" not in repr(row)
    assert requests.carried_out == 1
