"""The faults a test orders from a stand-in, each over a real connection."""

import socket
import threading
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest
import requests

from infra.local._faults import MOST_FAULTS
from infra.local._server import Request, Response, Running, StandIn, Wire, route, serve


class Counter(StandIn):
    fault_kinds = frozenset({"reasons", "forget"})

    def seed(self, name: str) -> None:
        self.state = {"count": 0}

    def after(self, request: Request, response: Response) -> None:
        response.headers["X-Count"] = str(self.state["count"])

    def fault(self, action: dict[str, Any], request: Request) -> Response | None:
        if action["kind"] == "forget":
            self.state["count"] = 100
            return None
        return Response(body={"success": False, "reasons": action["codes"]})

    @route("POST", "/count")
    def count(self, request: Request) -> Response:
        self.state["count"] += 1
        return Response(201, {"count": self.state["count"]})

    @route("GET", "/count")
    def show(self, request: Request) -> Response:
        return Response(body={"count": self.state["count"]})

    @route("GET", "/dripped")
    def drip(self, request: Request) -> Response:
        head = "head" in request.query
        return Response(body="slow", wire=Wire(byte_seconds=0.01, drip_head=head))

    @route("GET", "/streamed")
    def stream(self, request: Request) -> Response:
        return Response(stream=iter([b"one ", b"", b"two"]))

    @route("GET", "/reset")
    def reset_connection(self, request: Request) -> Response:
        return Response(wire=Wire(cut="reset"))


@pytest.fixture
def counter() -> Iterator[Running]:
    with serve(Counter()) as running:
        yield running


def order(running: Running, action: dict[str, Any], **rest: Any) -> requests.Response:
    answer = requests.post(
        f"{running.url}/_control/faults", json={"action": action, **rest}, timeout=10
    )
    assert answer.status_code == 201, answer.text
    return answer


def count(running: Running, *, timeout: float = 10) -> requests.Response:
    return requests.post(f"{running.url}/count", timeout=timeout)


def counted(running: Running) -> int:
    with running.stand_in.lock:
        return int(running.stand_in.state["count"])


def faults_seen(running: Running) -> list[tuple[int | None, str | None]]:
    return [(entry["status"], entry["fault"]) for entry in running.stand_in.journal.entries()]


def test_status_answers_in_place_of_the_work(counter: Running) -> None:
    order(counter, {"kind": "status", "status": 503, "headers": {"X-Why": "tired"}})

    answer = count(counter)

    assert (answer.status_code, answer.headers["X-Why"]) == (503, "tired")
    assert answer.json() == {"message": "The stand-in was told to answer 503."}
    assert counted(counter) == 0
    assert faults_seen(counter) == [(503, "status")]


def test_status_takes_a_body_of_the_tests_choice(counter: Running) -> None:
    order(counter, {"kind": "status", "status": 401, "body": [{"errorCode": "INVALID_SESSION_ID"}]})

    assert count(counter).json() == [{"errorCode": "INVALID_SESSION_ID"}]


def test_throttle_says_how_long_to_wait(counter: Running) -> None:
    order(counter, {"kind": "throttle", "retry_after": 120})

    answer = count(counter)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "120")
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert answer.headers["RateLimit-Reset"] == "120"
    assert counted(counter) == 0


def test_html_answers_200_with_a_page(counter: Running) -> None:
    order(counter, {"kind": "html"})

    answer = count(counter)

    assert (answer.status_code, counted(counter)) == (200, 0)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")


def test_drop_before_closes_with_nothing_done(counter: Running) -> None:
    order(counter, {"kind": "drop_before"})

    with pytest.raises(requests.ConnectionError):
        count(counter)

    assert counted(counter) == 0
    assert faults_seen(counter) == [(None, "drop_before")]


def test_drop_after_closes_with_the_work_done(counter: Running) -> None:
    order(counter, {"kind": "drop_after"})

    with pytest.raises(requests.ConnectionError):
        count(counter)

    assert counted(counter) == 1
    assert faults_seen(counter) == [(201, "drop_after")]
    assert count(counter).json() == {"count": 2}


def test_delay_does_the_work_at_once_and_holds_the_answer_back(counter: Running) -> None:
    order(counter, {"kind": "delay", "seconds": 60})

    with pytest.raises(requests.ReadTimeout):
        count(counter, timeout=0.1)

    assert counted(counter) == 1
    assert count(counter).json() == {"count": 2}  # nobody else waits for it


def test_delay_ends_with_the_answer(counter: Running) -> None:
    order(counter, {"kind": "delay", "seconds": 0.2})
    began = monotonic()

    assert count(counter).status_code == 201
    assert monotonic() - began >= 0.2


def test_delayed_work_is_done_even_though_the_client_has_gone(counter: Running) -> None:
    order(counter, {"kind": "delay", "seconds": 0.3, "late": "work"})
    with pytest.raises(requests.ReadTimeout):
        count(counter, timeout=0.05)
    assert counted(counter) == 0

    stand_in = counter.stand_in
    with stand_in.changed:
        assert stand_in.changed.wait_for(lambda: stand_in.state["count"] == 1, timeout=10)


def test_delayed_work_is_left_undone_when_the_server_stops(counter: Running) -> None:
    order(counter, {"kind": "delay", "seconds": 60, "late": "work"})
    failures: list[Exception] = []

    def ask() -> None:
        try:
            count(counter, timeout=30)
        except requests.ConnectionError as failure:
            failures.append(failure)

    client = threading.Thread(target=ask)
    client.start()
    stand_in = counter.stand_in
    while stand_in.faults.waiting():  # until the request has met its fault
        requests.get(f"{counter.url}/_control/clock", timeout=10)

    counter.stop()
    client.join(10)

    assert len(failures) == 1
    assert stand_in.state["count"] == 0


def test_vendor_faults_are_answered_by_the_stand_in(counter: Running) -> None:
    order(counter, {"kind": "reasons", "codes": [50000061]})

    answer = count(counter)

    assert answer.json() == {"success": False, "reasons": [50000061]}
    assert (answer.headers["X-Count"], counted(counter)) == ("0", 0)
    assert faults_seen(counter) == [(200, "reasons")]


def test_a_vendor_fault_without_an_answer_lets_the_request_go_on(counter: Running) -> None:
    order(counter, {"kind": "forget"})

    assert count(counter).json() == {"count": 101}


def test_a_fault_lets_requests_pass_first_and_ends_after_its_times(counter: Running) -> None:
    order(counter, {"kind": "status", "status": 500}, after=1, times=2)

    assert [count(counter).status_code for _ in range(4)] == [201, 500, 500, 201]


def test_a_fault_without_end_lasts_until_it_is_deleted(counter: Running) -> None:
    order(counter, {"kind": "status", "status": 500}, times=None)
    assert [count(counter).status_code for _ in range(3)] == [500, 500, 500]

    requests.delete(f"{counter.url}/_control/faults", timeout=10)

    assert count(counter).status_code == 201


def test_a_fault_hits_only_the_method_and_path_it_names(counter: Running) -> None:
    order(counter, {"kind": "status", "status": 500}, match={"method": "post", "path": "^/cou.t$"})

    assert requests.get(f"{counter.url}/count", timeout=10).status_code == 200
    assert requests.post(f"{counter.url}/other", timeout=10).status_code == 404
    assert count(counter).status_code == 500


def test_a_request_is_hit_by_the_first_fault_in_line(counter: Running) -> None:
    order(counter, {"kind": "status", "status": 500})
    order(counter, {"kind": "status", "status": 502})

    assert [count(counter).status_code for _ in range(3)] == [500, 502, 201]


def test_hits_only_requests_whose_body_fits(counter: Running) -> None:
    order(counter, {"kind": "html", "status": 500}, match={"body": "order-[ab]"}, times=None)

    bodies = ["order-a", "order-c", "", "order-b"]
    answers = [requests.post(f"{counter.url}/count", data=one, timeout=10) for one in bodies]

    assert [answer.status_code for answer in answers] == [500, 201, 201, 500]


def test_lists_the_faults_in_waiting(counter: Running) -> None:
    order(counter, {"kind": "html"}, match={"path": "count"}, after=2, times=3)

    answer = requests.get(f"{counter.url}/_control/faults", timeout=10)

    assert answer.json() == {
        "faults": [
            {
                "match": {"method": None, "path": "count", "body": ""},
                "after": 2,
                "times": 3,
                "action": {"kind": "html"},
            }
        ]
    }


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ([], "a fault is"),
        ({"action": {"kind": "explode"}}, "unknown kind 'explode'; known: delay, drop_after"),
        ({"action": {"kind": "html"}, "match": "count"}, '"match" is'),
        ({"action": {"kind": "html"}, "match": {"path": "("}}, "not a regular expression"),
        ({"action": {"kind": "html"}, "times": 0}, '"times"'),
        ({"action": {"kind": "html"}, "after": -1}, '"after"'),
        ({"action": {"kind": "status"}}, "needs the status"),
        ({"action": {"kind": "status", "status": 100}}, "from 200 to 599"),
        ({"action": {"kind": "status", "status": 500, "headers": "x"}}, '"headers"'),
        ({"action": {"kind": "delay", "seconds": 601}}, '"seconds"'),
        ({"action": {"kind": "delay"}}, '"seconds"'),
        ({"action": {"kind": "delay", "seconds": 1, "late": "never"}}, '"late"'),
    ],
)
def test_refuses_a_fault_it_cannot_carry_out(counter: Running, fault: Any, reason: str) -> None:
    answer = requests.post(f"{counter.url}/_control/faults", json=fault, timeout=10)

    assert answer.status_code == 400
    assert reason in answer.json()["message"]
    assert count(counter).status_code == 201


def test_takes_only_so_many_faults(counter: Running) -> None:
    for _ in range(MOST_FAULTS):
        counter.stand_in.faults.order({"action": {"kind": "html"}})

    answer = requests.post(
        f"{counter.url}/_control/faults", json={"action": {"kind": "html"}}, timeout=10
    )

    assert answer.status_code == 400


def test_control_is_beyond_the_reach_of_faults(counter: Running) -> None:
    order(counter, {"kind": "drop_before"}, times=None)

    assert requests.get(f"{counter.url}/_control/state", timeout=10).json() == {"count": 0}


@pytest.mark.parametrize("query", ["", "?head"])
def test_drips_an_answer_byte_by_byte(counter: Running, query: str) -> None:
    began = monotonic()

    assert requests.get(f"{counter.url}/dripped{query}", timeout=10).text == "slow"

    letters = 100 if query else 4  # the head alone has more than a hundred
    assert monotonic() - began >= letters * 0.01


def test_streams_an_answer_in_pieces(counter: Running) -> None:
    answer = requests.get(f"{counter.url}/streamed", timeout=10)

    assert (answer.text, answer.headers["Transfer-Encoding"]) == ("one two", "chunked")


def test_resets_a_connection(counter: Running) -> None:
    with socket.create_connection(("127.0.0.1", counter.port), timeout=10) as raw:
        raw.sendall(b"GET /reset HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            raw.recv(1)
