"""Queues, streams and schedules: nothing is lost, and nothing is in work twice."""

import json
from typing import Any

import pytest

from infra.constructs.orders import on_the_hour
from tests.infra.synthesis import Resource, Synthesis

_DAY = 86_400


def test_visibility_is_six_times_the_time_of_the_function_that_works_a_queue_off(
    production: Synthesis,
) -> None:
    sources = [one for one in _sources(production) if "ScalingConfig" in one.properties]

    assert len(sources) == 5
    for source in sources:
        queue, timeout = _queue_of(source, production), _timeout_of(source, production)
        # Orders come one by one, and a killed worker's is soon taken up: after its lease of 310 s.
        hidden = 330 if source.properties["BatchSize"] == 1 and timeout == 300 else 6 * timeout
        assert queue.properties["VisibilityTimeout"] == hidden


@pytest.mark.parametrize(
    ("name", "retention"),
    [
        ("fan-out", 14 * _DAY),
        ("fast", _DAY),
        ("slow", _DAY),
        ("resync-subscription", _DAY),
        ("provision-order", 4 * _DAY),
    ],
)
def test_a_queue_gives_up_after_five_tries_into_dead_letters_kept_two_weeks(
    production: Synthesis, name: str, retention: int
) -> None:
    queue = _queue(production, name)
    redrive = queue["RedrivePolicy"]
    dead_letters = _queue(production, f"{name}-dead-letters")

    assert queue["MessageRetentionPeriod"] == retention
    assert redrive["maxReceiveCount"] == 5
    assert "DeadLetters" in redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]
    assert dead_letters["MessageRetentionPeriod"] == 14 * _DAY
    assert not queue.get("FifoQueue")


def test_batches_come_without_waiting_and_failures_return_one_by_one(
    production: Synthesis,
) -> None:
    """Of ten; what asks an outside system comes alone, so that it has the function's time."""
    for source in _sources(production):
        if "ScalingConfig" in source.properties:
            alone = "Resync" in source.id or "Provision" in source.id
            assert source.properties["BatchSize"] == (1 if alone else 10)
            assert source.properties.get("MaximumBatchingWindowInSeconds", 0) == 0
        assert source.properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_each_lane_has_its_room(production: Synthesis) -> None:
    assert _concurrency(production) == {
        "CalloutsResync": 5,
        "FanOut": 20,
        "Fast": 80,
        "OrdersProvision": 10,
        "Slow": 20,
    }


def test_only_new_events_reach_the_publisher_and_none_is_dropped(production: Synthesis) -> None:
    (stream,) = (one for one in _sources(production) if "StartingPosition" in one.properties)

    assert stream.properties["StartingPosition"] == "TRIM_HORIZON"
    assert stream.properties["BatchSize"] == 100
    assert stream.properties["BisectBatchOnFunctionError"] is True
    assert stream.properties["MaximumRetryAttempts"] == 5
    (pattern,) = stream.properties["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {"eventName": ["INSERT"]}
    assert "Unpublished" in json.dumps(stream.properties["DestinationConfig"]["OnFailure"])


def test_events_for_webhooks_are_tried_for_a_day_and_then_kept(production: Synthesis) -> None:
    (rule,) = (one for one in _rules(production) if one.id.startswith("BusWebhookEvents"))
    (target,) = rule.properties["Targets"]

    assert rule.properties["EventPattern"] == {"source": ["tessera"], "detail": {"webhook": [True]}}
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == _DAY
    assert "FanOutDeadLetters" in json.dumps(target["DeadLetterConfig"])


def test_the_sweeps_run_each_minute_and_are_not_repeated(production: Synthesis) -> None:
    swept = {}
    for rule in _rules(production):
        if "ScheduleExpression" in rule.properties:
            (target,) = rule.properties["Targets"]
            function = target["Arn"]["Fn::GetAtt"][0]
            swept[function] = (
                rule.properties["ScheduleExpression"],
                target["RetryPolicy"]["MaximumRetryAttempts"],
            )

    each_minute = {
        name[: name.index("Function")]
        for name, (schedule, _) in swept.items()
        if schedule == "rate(1 minute)"
    }
    assert {"OwnersResumeOwners", "PublishEvents", "SweepDeliveries"} <= each_minute
    assert {repeats for _, repeats in swept.values()} == {0}


def test_the_bus_keeps_an_archive_that_the_emulator_cannot(
    production: Synthesis, emulated: Synthesis
) -> None:
    assert len(list(production.of_type("AWS::Events::Archive"))) == 1
    assert not list(emulated.of_type("AWS::Events::Archive"))


def test_queues_refuse_plain_http(production: Synthesis) -> None:
    queues = {one.id for one in production.of_type("AWS::SQS::Queue")}
    guarded = {
        policy.properties["Queues"][0]["Ref"]
        for policy in production.of_type("AWS::SQS::QueuePolicy")
        if "aws:SecureTransport" in json.dumps(policy.properties["PolicyDocument"])
    }

    assert guarded == queues


def test_a_longer_deadline_moves_the_sender_and_both_lanes_with_it(
    customised: Synthesis,
) -> None:
    sender = customised.functions["webhooks/send_deliveries"]

    assert sender.environment["WEBHOOK_DEADLINE"] == "25"
    assert sender.properties["Timeout"] == 40
    assert _queue(customised, "fast", "dev")["VisibilityTimeout"] == 240
    assert _queue(customised, "slow", "dev")["VisibilityTimeout"] == 240
    assert {**_concurrency(customised), "Fast": 4, "Slow": 2} == _concurrency(customised)


def test_orders_are_carried_out_unless_they_are_sent_again_to_one_endpoint(
    production: Synthesis,
) -> None:
    (rule,) = (
        one
        for one in _rules(production)
        if "order.submitted" in json.dumps(one.properties.get("EventPattern"))
    )

    pattern = rule.properties["EventPattern"]
    assert pattern["source"] == ["tessera"]
    assert pattern["detail"] == {"only_endpoint": [{"exists": False}]}
    assert "order.retry_requested" in pattern["detail-type"]
    assert not {"order.completed", "order.failed"} & set(pattern["detail-type"])


@pytest.mark.parametrize(
    ("zone", "minute"),
    [
        ("UTC", "0"),
        ("Europe/Berlin", "0"),
        ("Asia/Kolkata", "30"),
        ("Asia/Kathmandu", "15"),
        ("America/St_Johns", "30"),
        ("Australia/Lord_Howe", "0,30"),
    ],
)
def test_changes_take_effect_on_each_full_hour_of_the_business(zone: str, minute: str) -> None:
    schedule = on_the_hour(zone)

    assert schedule.expression_string == f"cron({minute} * * * ? *)"


def _sources(synthesis: Synthesis) -> list[Resource]:
    return list(synthesis.of_type("AWS::Lambda::EventSourceMapping"))


def _rules(synthesis: Synthesis) -> list[Resource]:
    return list(synthesis.of_type("AWS::Events::Rule"))


def _queue(synthesis: Synthesis, name: str, stage: str = "prod") -> dict[str, Any]:
    return next(
        one.properties
        for one in synthesis.of_type("AWS::SQS::Queue")
        if one.properties["QueueName"] == f"tessera-{stage}-{name}"
    )


def _queue_of(source: Resource, synthesis: Synthesis) -> Resource:
    id = source.properties["EventSourceArn"]["Fn::GetAtt"][0]
    return next(one for one in synthesis.of_type("AWS::SQS::Queue") if one.id == id)


def _timeout_of(source: Resource, synthesis: Synthesis) -> int:
    id = source.properties["FunctionName"]["Ref"]
    return next(
        int(one.properties["Timeout"])
        for one in synthesis.of_type("AWS::Lambda::Function")
        if one.id == id
    )


def _concurrency(synthesis: Synthesis) -> dict[str, int]:
    return {
        source.id[: source.id.index("Source")]: source.properties["ScalingConfig"][
            "MaximumConcurrency"
        ]
        for source in _sources(synthesis)
        if "ScalingConfig" in source.properties
    }
