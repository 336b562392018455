"""Each alarm goes off for the fault that it is there for, and stays quiet for what is normal.

The fault is brought about in our own code, which counts it as it does in Lambda; what AWS counts
itself stands here as AWS documents it. An alarm whose namespace, metric, dimensions, statistic or
pattern differ by a letter from what is counted would never go off, and nobody would know.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from operator import gt, lt
from typing import Any, NamedTuple

import pytest
from aws_lambda_powertools import Metrics
from botocore.exceptions import ClientError, EndpointConnectionError
from pydantic import BaseModel

from infra.constructs import alarms
from tessera import aws, clock, dynamo
from tessera.commerce.callouts import Resync, resync
from tessera.commerce.steps import StepFailed, Trouble
from tessera.commerce.sync import Synced
from tessera.edge import observability
from tessera.edge.observability import count, flush_metrics
from tessera.edge.queue import worker
from tessera.errors import UpstreamFailed
from tessera.webhooks import deliveries, publishing
from tessera.webhooks.outbox import Outbox
from tessera.webhooks.outcome import Answer, Outcome
from tests.builders import NOW, api_event, operator
from tests.commerce import carrying
from tests.commerce.test_provisioning import reading
from tests.handlers import load
from tests.infra.synthesis import Synthesis
from tests.webhooks.engine import ACCEPTED, REFUSED, Engine, event


class Reading(NamedTuple):
    """One value that CloudWatch was given."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    value: float = 1


Periods = Sequence[Sequence[Reading]]
"""What was read in each of the alarm's periods, in order."""


class Shown(NamedTuple):
    bad: Periods
    normal: Periods


@dataclass
class Scene:
    """Where a fault is brought about: a fake AWS, and one function's way of counting."""

    production: Synthesis
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    @contextmanager
    def counting(self, folder: str) -> Iterator[list[Reading]]:
        """As the deployed function counts, which hands `count` to its rules; fills the list."""
        variables = self.production.functions[folder].environment
        self.monkeypatch.setattr(
            observability,
            "metrics",
            Metrics(
                namespace=variables["POWERTOOLS_METRICS_NAMESPACE"],
                service=variables["POWERTOOLS_SERVICE_NAME"],
            ),
        )
        flush_metrics()
        self.capsys.readouterr()
        read: list[Reading] = []
        try:
            yield read
        finally:
            flush_metrics()
            for line in self.capsys.readouterr().out.splitlines():
                read += _readings(json.loads(line))


def _readings(line: dict[str, Any]) -> Iterator[Reading]:
    """Of a log line in CloudWatch's embedded metric format."""
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: line[name] for name in names}
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield Reading(directive["Namespace"], metric["Name"], dimensions, value)


Drill = Callable[[Scene], Shown]
DRILLS: dict[str, Drill] = {}
"""By alarm, without the stage."""


def drill(*names: str) -> Callable[[Drill], Drill]:
    def keep(act: Drill) -> Drill:
        DRILLS.update(dict.fromkeys(names, act))
        return act

    return keep


@pytest.fixture
def scene(
    tables: dict[str, str],
    production: Synthesis,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    return Scene(production, capsys, monkeypatch)


def test_no_alarm_is_without_a_drill(production: Synthesis) -> None:
    assert {name.removeprefix("tessera-prod-") for name in _alarms(production)} == set(DRILLS)


@pytest.mark.parametrize("name", DRILLS)
def test_an_alarm_goes_off_for_its_fault_and_for_nothing_else(scene: Scene, name: str) -> None:
    alarm = _alarms(scene.production)[f"tessera-prod-{name}"]

    shown = DRILLS[name](scene)

    assert goes_off(alarm, shown.bad, scene.production)
    assert not goes_off(alarm, shown.normal, scene.production)


# What becomes of readings.


def goes_off(alarm: dict[str, Any], periods: Periods, stack: Synthesis) -> bool:
    """Whether the last periods are all bad, as CloudWatch decides it."""
    values = list(_values(alarm, periods, stack))[-alarm["EvaluationPeriods"] :]
    assert len(values) == alarm["EvaluationPeriods"]
    assert "DatapointsToAlarm" not in alarm
    silence = {"breaching": True, "notBreaching": False}[alarm["TreatMissingData"]]
    is_bad = {"GreaterThanThreshold": gt, "LessThanThreshold": lt}[alarm["ComparisonOperator"]]
    return all(silence if value is None else is_bad(value, alarm["Threshold"]) for value in values)


class Point(float):
    """A value that knows the one of the period before."""

    before: float | None = None


def _values(alarm: dict[str, Any], periods: Periods, stack: Synthesis) -> Iterator[float | None]:
    if "Metrics" not in alarm:
        stat = {"Metric": alarm, "Stat": alarm["Statistic"]}
        yield from (_statistic(stat, read, stack) for read in periods)
        return
    queries = {one["Id"]: one for one in alarm["Metrics"]}
    (expression,) = [one["Expression"] for one in queries.values() if one["ReturnData"]]
    before: dict[str, float] = {}
    for read in periods:
        found = {
            id: _statistic(one["MetricStat"], read, stack)
            for id, one in queries.items()
            if "MetricStat" in one
        }
        known = {id: Point(value) for id, value in found.items() if value is not None}
        for id, point in known.items():
            point.before = before.get(id)
        before.update(known)
        yield _calculated(expression, known) if len(known) == len(found) else None


def _calculated(expression: str, known: Mapping[str, Point]) -> float | None:
    """CloudWatch's metric math, as far as an alarm here uses it."""
    if one := re.fullmatch(r"DIFF\((\w+)\)", expression):
        point = known[one[1]]
        return None if point.before is None else point - point.before
    one = re.fullmatch(r"IF\((\w+) >= (\d+), (\w+) / (\w+), (\d+)\)", expression)
    assert one is not None, f"unknown to this test: {expression}"
    enough = known[one[1]] >= float(one[2])
    return known[one[3]] / known[one[4]] if enough else float(one[5])


def _statistic(stat: Mapping[str, Any], read: Sequence[Reading], stack: Synthesis) -> float | None:
    metric = stat["Metric"]
    dimensions = {
        one["Name"]: _named(one["Value"], stack) for one in metric.get("Dimensions") or []
    }
    values = [
        one.value
        for one in read
        if (one.namespace, one.metric) == (metric["Namespace"], metric["MetricName"])
        and one.dimensions == dimensions
    ]
    count: Mapping[str, Callable[[list[float]], float]]
    count = {"Sum": sum, "Maximum": max, "SampleCount": len}
    return count[stat["Stat"]](values) if values else None


def _named(value: Any, stack: Synthesis) -> str:
    """A dimension's value; what another nested stack hands on stands by the name it has in AWS."""
    if isinstance(value, str):
        return value
    output = value["Ref"].rpartition("Outputs")[2]
    for template in stack.templates.values():
        if output in template.get("Outputs", {}):
            handed = template["Outputs"][output]["Value"]
            id = handed["Ref"] if "Ref" in handed else handed["Fn::GetAtt"][0]
            properties = template["Resources"][id]["Properties"]
            return str(properties.get("QueueName") or properties["Name"])
    raise AssertionError(f"nobody hands on {output}")


def _alarms(stack: Synthesis) -> dict[str, dict[str, Any]]:
    return {
        one.properties["AlarmName"]: one.properties
        for one in stack.of_type("AWS::CloudWatch::Alarm")
    }


# Queues.


class Message(BaseModel):
    what: str


def _dead_letters(queue: str, scene: Scene) -> Shown:
    """A message that our worker fails at as often as the queue allows is with the dead letters."""

    def fails(message: Message) -> None:
        raise RuntimeError("a fault of ours")

    dead = _made(f"{queue}-dead-letters", scene)
    arn = aws.client("sqs").get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    policy = dict(_queue(queue, scene)["RedrivePolicy"])
    policy["deadLetterTargetArn"] = arn["Attributes"]["QueueArn"]
    url = _made(queue, scene, {"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "0"})
    aws.client("sqs").send_message(QueueUrl=url, MessageBody='{"what": "ever"}')
    work, before = worker(fails, on=Message), _visible(dead)
    while received := aws.client("sqs").receive_message(QueueUrl=url).get("Messages"):
        (one,) = received
        failed = work({"Records": [{"messageId": "m-1", "body": one["Body"]}]}, None)
        assert failed == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    return Shown(bad=[[_visible(dead)]], normal=[[before]])


def _made(queue: str, scene: Scene, attributes: Any = None) -> str:
    """As the stack names it."""
    name = _queue(queue, scene)["QueueName"]
    made = aws.client("sqs").create_queue(QueueName=name, Attributes=attributes or {})
    return str(made["QueueUrl"])


def _queue(name: str, scene: Scene) -> dict[str, Any]:
    return next(
        one.properties
        for one in scene.production.of_type("AWS::SQS::Queue")
        if one.properties["QueueName"] == f"tessera-prod-{name}"
    )


def _visible(url: str) -> Reading:
    """As SQS tells CloudWatch each minute."""
    found = aws.client("sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return Reading(
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": url.rpartition("/")[2]},
        float(found["Attributes"]["ApproximateNumberOfMessages"]),
    )


@drill("dead-letters-unpublished")
def what_the_stream_could_not_hand_over(scene: Scene) -> Shown:
    """Lambda puts it there itself, after the event source's retries."""
    url = _made("events-dead-letters", scene)
    before = _visible(url)
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    return Shown(bad=[[_visible(url)]], normal=[[before]])


def _waiting(queue: str, limit: float, scene: Scene) -> Shown:
    alarm = _alarms(scene.production)[f"tessera-prod-waiting-{queue}"]
    times = alarm["EvaluationPeriods"]

    def oldest(seconds: float) -> list[Reading]:
        name = _queue(queue, scene)["QueueName"]
        metric = "ApproximateAgeOfOldestMessage"
        return [Reading("AWS/SQS", metric, {"QueueName": name}, seconds)]

    late = [oldest(limit + 1)] * times
    return Shown(bad=late, normal=[*late[:-1], oldest(limit)])


for _name in alarms.DEAD_LETTERS:
    drill(f"dead-letters-{_name}")(partial(_dead_letters, _name))

for _name, _limit in {
    "fan-out": 2 * 60,
    "fast": 30,
    "slow": 30 * 60,
    "resync-subscription": 30 * 60,
    "provision-order": 30 * 60,
}.items():
    drill(f"waiting-{_name}")(partial(_waiting, _name, _limit))


# The API, and functions as Lambda sees them.


@drill("api-5xx")
def answers_that_are_our_fault(scene: Scene) -> Shown:
    """A table that is not there is a bug of ours; what is not in it is not."""
    handler = load("catalog/read_item", {"GET /api/catalog/{kind}/{id}": {"operator": ["admin"]}})
    asked = api_event(
        "GET",
        f"/api/catalog/offers/offer-{'0' * 32}",
        route="/api/catalog/{kind}/{id}",
        caller=operator("admin"),
    )
    asked["pathParameters"] = {"kind": "offers", "id": f"offer-{'0' * 32}"}
    missing = [handler(asked)["statusCode"] for _ in range(5)]
    aws.client("dynamodb").delete_table(TableName="Catalog")
    failed = [handler(asked)["statusCode"] for _ in range(5)]
    assert (missing, failed) == ([404] * 5, [500] * 5)

    def counted(statuses: list[int]) -> list[Reading]:
        """As API Gateway counts them."""
        api = {"ApiId": "tessera-prod"}
        return [Reading("AWS/ApiGateway", "5xx", api, float(one >= 500)) for one in statuses]

    return Shown(bad=[counted(failed)], normal=[counted([*missing, *failed[:4]])])


_REPORT: dict[str, Any] = {
    "time": "2026-03-02T09:14:07.512Z",
    "type": "platform.report",
    "record": {
        "requestId": "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa",
        "metrics": {"durationMs": 3000.0, "billedDurationMs": 3000, "memorySizeMB": 512},
        "status": "timeout",
    },
}
"""How Lambda logs the end of an invocation where logs are JSON: as its Telemetry API tells it."""


@drill("errors")
def functions_that_end_without_an_answer(scene: Scene) -> Shown:
    reports = [{**_REPORT, "record": {**_REPORT["record"], "status": status}} for status in _ENDS]
    done = {**_REPORT, "record": {**_REPORT["record"], "status": "success"}}
    ours = {"level": "ERROR", "message": "record failed", "status": "timeout"}
    start = {**_REPORT, "type": "platform.start", "record": {"requestId": "6d68ca91"}}
    return Shown(
        bad=[[one for line in reports for one in _filtered(line, scene)]],
        normal=[[one for line in (done, ours, start) for one in _filtered(line, scene)]],
    )


_ENDS = ("error", "failure", "timeout")


def _filtered(line: dict[str, Any], scene: Scene) -> list[Reading]:
    """What a log line counts under the filter that each function's log group has."""
    filters = {
        json.dumps([one.properties["FilterPattern"], one.properties["MetricTransformations"]])
        for one in scene.production.of_type("AWS::Logs::MetricFilter")
    }
    pattern, (metric,) = json.loads(filters.pop())
    assert not filters
    terms = re.findall(r'\(\$\.([\w.]+) (=|!=) "([^"]*)"\)', pattern)
    understood = " && ".join(f'($.{path} {sign} "{value}")' for path, sign, value in terms)
    assert pattern == f"{{ {understood} }}"
    for path, sign, value in terms:
        found: Any = line
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if found is None or (found == value) != (sign == "="):
            return []
    return [
        Reading(metric["MetricNamespace"], metric["MetricName"], {}, float(metric["MetricValue"]))
    ]


@drill("throttles")
def starts_that_lambda_refused(scene: Scene) -> Shown:
    """Lambda counts them for each function, and all together without a dimension."""
    one = {"FunctionName": "tessera-prod-place_order"}
    return Shown(
        bad=[[Reading("AWS/Lambda", "Throttles", of, 1) for of in (one, {})]],
        normal=[[Reading("AWS/Lambda", "Throttles", of, 0) for of in (one, {})]],
    )


# Orders and subscriptions.


@drill("orders-failed")
def an_order_that_zuora_refuses(scene: Scene) -> Shown:
    def carried_out(*failures: StepFailed) -> list[Reading]:
        zuora = carrying.ScriptedVendor(reading())
        zuora.says("zuora_order", *failures)
        store = carrying.store_with(carrying.order())
        carrier = carrying.Carrier(store, crm=carrying.ScriptedVendor(), billing=zuora)
        with scene.counting("commerce/provision_order") as read:
            carrier.run()
            for name in carrier.counted:
                count(name)
        return read

    trouble = Trouble("zuora", "zuora_failed", "Zuora refused it.", (), "r-1")
    later = [carried_out(StepFailed("unavailable", trouble))]
    return Shown(bad=[carried_out(StepFailed("refused", trouble))], normal=later)


@drill("resyncs-given-up")
def a_subscription_that_zuora_never_answers_for(scene: Scene) -> Shown:
    def fail(key: str) -> Synced:
        raise UpstreamFailed("down")

    def asked(hours: float) -> list[Reading]:
        wanted = Resync(subscription_key="A-S00000271", received_at=NOW - timedelta(hours=hours))
        with scene.counting("commerce/resync_subscription") as read:
            resync(wanted, sync=fail, queue=_Silent(), now=NOW, random=lambda: 0.5, count=count)
        return read

    return Shown(bad=[asked(6.1)], normal=[asked(1)])


class _Silent:
    def send(self, wanted: Resync, *, delay: int) -> None:
        """Keeps nothing."""


# Deliveries.


def _sends(scene: Scene, engine: Engine, answer: Answer) -> list[Reading]:
    """One event, answered so."""
    if not engine.endpoints.all():
        engine.has_endpoint()
    engine.queues.take()  # hints at repeats
    hints = engine.fans_out(event())
    engine.receiver.answers = [answer]
    sender = engine.new_sender(count=count)
    with scene.counting("webhooks/send_deliveries") as read:
        sender.batch(hints, engine.each)
    return read


def _sweeps(scene: Scene, engine: Engine) -> list[Reading]:
    sweeper = engine.new_sweeper(count=count)
    with scene.counting("webhooks/sweep_deliveries") as read:
        sweeper.turn()
    return read


@drill("sender-faults")
def a_key_that_cannot_be_opened(scene: Scene) -> Shown:
    engine = Engine()
    normal = _sends(scene, engine, REFUSED)
    (target,) = engine.endpoints.all()
    key = {"pk": "SECRETS", "sk": target.endpoint.id}
    dynamo.write(dynamo.update("Webhooks", key, "SET #keys = :none", none=b"not a ciphertext"))
    engine.clock.turn(hours=1)  # nobody remembers the old one
    hints = engine.fans_out(event(at=engine.clock.at))
    with scene.counting("webhooks/send_deliveries") as bad, pytest.raises(ClientError):
        engine.new_sender(count=count).batch(hints, engine.each)
    return Shown(bad=[bad], normal=[normal])


@drill("record-failed")
def a_result_that_storage_refuses(scene: Scene) -> Shown:
    engine = Engine()
    normal = _sends(scene, engine, REFUSED)
    calls, name = aws.client("dynamodb").meta.events, "before-call.dynamodb.PutItem"

    def refuse(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    engine.receiver.during = lambda: calls.register(name, refuse)
    try:
        bad = _sends(scene, engine, REFUSED)
    finally:
        calls.unregister(name, refuse)
    return Shown(bad=[bad], normal=[normal])


@drill("egress-refused")
def webhooks_to_where_they_may_not_go(scene: Scene) -> Shown:
    refused = Answer(Outcome.ADDRESS_REFUSED, 1, refused_address="169.254.169.254")
    one = _sends(scene, Engine(), refused)
    return Shown(bad=[one * 21], normal=[one * 20])


@drill("first-attempts")
def receivers_that_fail_at_once(scene: Scene) -> Shown:
    good, bad = (_sends(scene, Engine(), answer) for answer in (ACCEPTED, REFUSED))
    alarm = _alarms(scene.production)["tessera-prod-first-attempts"]
    assert not goes_off(alarm, [bad * 49], scene.production)
    return Shown(bad=[good * 44 + bad * 6], normal=[good * 45 + bad * 5])


@drill("invariant-send-deliveries")
def a_claimed_row_that_breaks_the_rule(scene: Scene) -> Shown:
    engine = Engine()
    normal = _sends(scene, engine, ACCEPTED)
    engine.deliveries.claim = partial(_broken, engine.deliveries.claim)  # type: ignore[method-assign]
    return Shown(bad=[_sends(scene, engine, ACCEPTED)], normal=[normal])


@drill("invariant-sweep-deliveries")
def a_swept_row_that_breaks_the_rule(scene: Scene) -> Shown:
    engine = Engine()
    engine.has_endpoint()
    engine.fans_out(event())
    engine.clock.turn(minutes=3)
    normal = _sweeps(scene, engine)
    engine.clock.turn(minutes=10)
    engine.deliveries.lease = partial(_broken, engine.deliveries.lease)  # type: ignore[method-assign]
    return Shown(bad=[_sweeps(scene, engine)], normal=[normal])


def _broken(act: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """The row as it would be if a write of ours had left one half undone."""
    row = act(*arguments, **named)
    return row and row.model_copy(update={"next_due": None})


@drill("invariant-read-delivery", "invariant-webhooks")
def a_row_that_somebody_looks_at_and_that_breaks_the_rule(scene: Scene) -> Shown:
    def read_by(folder: str, engine: Engine, *asked: str) -> list[Reading]:
        with scene.counting(folder) as read:
            deliveries.read(
                *asked,
                deliveries=engine.deliveries,
                endpoints=engine.endpoints,
                outbox=engine.outbox,
                count=count,
                now=NOW,
            )
        return read

    engine = Engine()
    id, announced = engine.has_endpoint(), event()
    engine.fans_out(announced)
    readers = ("webhooks/read_delivery", "pages/webhooks")
    normal = [one for by in readers for one in read_by(by, engine, announced.id, id)]
    engine.deliveries.find = partial(_broken, engine.deliveries.find)  # type: ignore[method-assign]
    bad = [one for by in readers for one in read_by(by, engine, announced.id, id)]
    return Shown(bad=[bad], normal=[normal])


@drill("claims-lapsed")
def senders_that_die(scene: Scene) -> Shown:
    engine = Engine()
    engine.has_endpoint()
    (hint,) = engine.fans_out(event())
    until_ms = clock.epoch_ms(NOW + timedelta(seconds=35))
    assert engine.deliveries.claim(hint.event, hint.endpoint, n=0, until_ms=until_ms)
    engine.clock.turn(minutes=2)
    one = _sweeps(scene, engine)
    return Shown(bad=[one * 11], normal=[one * 10])


@drill("oldest-due-delivery")
def a_delivery_that_nobody_sends(scene: Scene) -> Shown:
    engine = Engine()
    engine.has_endpoint()
    engine.fans_out(event())
    engine.clock.turn(minutes=12)  # it was due after two, had its first hint been lost
    normal = _sweeps(scene, engine)
    engine = Engine()
    engine.has_endpoint()
    engine.fans_out(event(at=NOW))
    engine.clock.turn(minutes=13)
    return Shown(bad=[_sweeps(scene, engine)], normal=[normal])


@drill("sweep-silent")
def a_schedule_that_is_off(scene: Scene) -> Shown:
    turn = _sweeps(scene, Engine())
    return Shown(bad=[[turn[0]], *[[]] * 5], normal=[*[[]] * 4, turn])


@drill("endpoints-disabled")
def an_endpoint_that_is_switched_off(scene: Scene) -> Shown:
    engine = Engine()
    id = engine.has_endpoint()
    engine.has_endpoint(status="disabled")
    before, still = _sweeps(scene, engine), _sweeps(scene, engine)
    engine.change_endpoint(id, status="disabled")
    return Shown(bad=[before, _sweeps(scene, engine)], normal=[before, still])


@drill("oldest-open-event")
def an_event_that_is_not_fanned_out(scene: Scene) -> Shown:
    def committed(minutes: float) -> list[Reading]:
        engine = Engine()
        engine.is_committed(event(at=NOW))
        with scene.counting("webhooks/publish_events") as read:
            now = NOW + timedelta(minutes=minutes)
            publishing.republish(
                bus=_Taking(), outbox=Outbox("Events"), now=lambda: now, count=count
            )
        return read

    return Shown(normal=[committed(4)], bad=[committed(10)])


class _Taking:
    def publish(self, events: Sequence[Any]) -> set[int]:
        return set()
