"""Invocations that ended without an answer, counted from what Lambda logs, over all functions."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.platform import Platform

_FAULTS = "FunctionFaults"
_FAULTY = '{ ($.type = "platform.report") && ($.record.status != "success") }'
"""How Lambda itself logs an invocation that timed out, ran out of memory or could not start."""


def count_faults(scope: Construct, log_group: logs.LogGroup, platform: Platform) -> None:
    """One metric for all functions: an alarm on each of theirs would cost $19 a month."""
    logs.CfnMetricFilter(
        scope,
        "Faults",
        log_group_name=log_group.log_group_name,
        filter_pattern=_FAULTY,
        metric_transformations=[
            logs.CfnMetricFilter.MetricTransformationProperty(
                metric_name=_FAULTS,
                metric_namespace=platform.metrics_namespace,
                metric_value="1",
            )
        ],
    )


def faults(platform: Platform) -> cloudwatch.Metric:
    """Invocations of this stage's functions that ended without an answer."""
    return cloudwatch.Metric(
        namespace=platform.metrics_namespace, metric_name=_FAULTS, statistic="Sum"
    )


def of_all_functions(metric: str, statistic: str) -> cloudwatch.Metric:
    """Over the whole account, whose functions share one limit of concurrency."""
    return cloudwatch.Metric(namespace="AWS/Lambda", metric_name=metric, statistic=statistic)
