"""Every fault that needs a person has an alarm that says what it means and what to do."""

import json

from tests.infra.conftest import ALARM_TOPIC
from tests.infra.synthesis import Resource, Synthesis


def test_every_alarm_says_what_it_means_and_what_to_do(production: Synthesis) -> None:
    for one in _alarms(production).values():
        assert len(one.properties["AlarmDescription"]) > 60
        assert one.properties["AlarmDescription"].endswith(".")


def test_every_queue_of_dead_letters_has_an_alarm(production: Synthesis) -> None:
    letters = {
        one.id
        for one in production.of_type("AWS::SQS::Queue")
        if one.properties["QueueName"].endswith("-dead-letters")
    }
    watched = json.dumps(
        [
            one.properties["Dimensions"]
            for one in _alarms(production).values()
            if one.properties.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        ]
    )

    assert len(letters) == 6
    for id in letters:
        assert id.removesuffix(id[-8:]) in watched  # a nested stack hands it on by another hash


def test_a_function_that_ends_without_an_answer_is_counted_by_the_one_alarm(
    production: Synthesis,
) -> None:
    alarm = _alarms(production)["tessera-prod-errors"].properties
    counted = {
        (one.template, one.properties["LogGroupName"]["Ref"]): one.properties
        for one in production.of_type("AWS::Logs::MetricFilter")
    }
    logs = {
        (one.template, one.properties["LoggingConfig"]["LogGroup"]["Ref"])
        for one in production.of_type("AWS::Lambda::Function")
    }

    assert set(counted) == logs
    for one in counted.values():
        assert "platform.report" in one["FilterPattern"]
        (metric,) = one["MetricTransformations"]
        assert (metric["MetricNamespace"], metric["MetricName"]) == (
            alarm["Namespace"],
            alarm["MetricName"],
        )


def test_throttles_are_watched_where_they_are_shared(production: Synthesis) -> None:
    alarm = _alarms(production)["tessera-prod-throttles"].properties

    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Throttles")
    assert "Dimensions" not in alarm


def test_a_silent_sweep_is_noticed(production: Synthesis) -> None:
    alarm = _alarms(production)["tessera-prod-sweep-silent"].properties

    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["EvaluationPeriods"] * alarm["Period"] == 300


def test_the_emulator_is_spared_the_alarms_that_it_refuses(emulated: Synthesis) -> None:
    alarms = _alarms(emulated)

    assert alarms
    assert not [name for name, one in alarms.items() if "Metrics" in one.properties]


def test_a_topic_that_is_given_hears_of_every_alarm_and_of_its_end(customised: Synthesis) -> None:
    alarms = _alarms(customised)

    assert alarms
    for one in alarms.values():
        assert one.properties["AlarmActions"] == [ALARM_TOPIC]
        assert one.properties["OKActions"] == [ALARM_TOPIC]


def _alarms(synthesis: Synthesis) -> dict[str, Resource]:
    return {one.properties["AlarmName"]: one for one in synthesis.of_type("AWS::CloudWatch::Alarm")}
