"""Functions that run by themselves, on a schedule."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets

from infra.constructs.function import Function


def every_minute(function: Function) -> None:
    """Without repeats: the next turn is one."""
    events.Rule(
        function,
        "EveryMinute",
        schedule=events.Schedule.rate(Duration.minutes(1)),
        targets=[targets.LambdaFunction(function.lambda_, retry_attempts=0)],
    )
