"""What a deployed stack costs while nobody calls it, counted from its templates at list prices."""

import math
from typing import NamedTuple

from tests.infra.synthesis import ROOT, Synthesis

_HOURS = 730
_MINUTES = _HOURS * 60
_GAUGES = 5
"""Metrics of our own that are written each minute: `Swept`, `OldestDueSeconds`, `EndpointsOpen`,
`EndpointsDisabled` and `OldestOpenEventSeconds`."""


class Item(NamedTuple):
    what: str
    number: str
    dollars: float

    @property
    def row(self) -> str:
        return f"| {self.what} | {self.number} | {self.dollars:.2f} |"


def test_an_idle_stack_costs_less_than_ten_dollars_a_month_as_the_readme_itemises(
    production: Synthesis,
) -> None:
    items = [
        Item("alarms, $0.10 a metric", str(_watched(production)), 0.10 * _watched(production)),
        _each(production, "secrets, $0.40", "AWS::SecretsManager::Secret", 0.40),
        _each(production, "keys, $1", "AWS::KMS::Key", 1.00),
        Item("metrics of our own, $0.30", str(_GAUGES), 0.30 * _GAUGES),
        _waiting_for_messages(production),
        _runs_by_themselves(production),
        Item("their log lines, $0.50 a GB", "0.2 GB", 0.10),
        Item("dashboard, the first three of an account are free", "1", 0.00),
    ]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    total = sum(round(item.dollars, 2) for item in items)

    assert total < 10, items
    assert [item.row for item in items if item.row not in readme] == []
    assert f"| **together** | | **{total:.2f}** |" in readme


def test_the_dashboard_keeps_to_the_fifty_metrics_that_are_free(production: Synthesis) -> None:
    (board,) = production.of_type("AWS::CloudWatch::Dashboard")
    text = str(board.properties["DashboardBody"])

    assert "SEARCH" not in text
    assert text.count('"stat"') <= 50


def test_no_metric_is_kept_for_each_route(production: Synthesis) -> None:
    (stage,) = production.of_type("AWS::ApiGatewayV2::Stage")

    assert "DetailedMetricsEnabled" not in str(stage.properties)


def _watched(stack: Synthesis) -> int:
    """An alarm on an expression is billed for each metric in it."""
    return sum(
        sum("MetricStat" in query for query in one.properties.get("Metrics", [])) or 1
        for one in stack.of_type("AWS::CloudWatch::Alarm")
    )


def _each(stack: Synthesis, what: str, type_: str, dollars: float) -> Item:
    number = len(list(stack.of_type(type_)))
    return Item(what, str(number), number * dollars)


def _waiting_for_messages(stack: Synthesis) -> Item:
    """Lambda asks an empty queue with five pollers, each of them for 20 seconds."""
    queues = sum(
        "Queue" in str(one.properties["EventSourceArn"])
        for one in stack.of_type("AWS::Lambda::EventSourceMapping")
    )
    requests = queues * 5 * 3 * _MINUTES / 1e6
    return Item("queues asked for messages, $0.40 a million", f"{requests:.1f} M", 0.40 * requests)


def _runs_by_themselves(stack: Synthesis) -> Item:
    """At 0.2 s of 512 MB on arm64, with twenty small reads each."""
    runs = sum(
        _MINUTES / _minutes_between(one.properties["ScheduleExpression"])
        for one in stack.of_type("AWS::Events::Rule")
        if "ScheduleExpression" in one.properties
    )
    each = 0.20e-6 + 0.2 * 0.5 * 0.0000133334 + 20 * 0.5 * 0.125e-6
    thousands = math.ceil(runs / 1000)
    return Item("sweeps and other runs by the clock", f"{thousands} k", thousands * 1000 * each)


def _minutes_between(expression: str) -> int:
    kind, _, when = expression.partition("(")
    if kind == "cron":
        return 60
    number, unit = when.rstrip(")").split()
    return int(number) * {"minute": 1, "minutes": 1, "hour": 60, "hours": 60}[unit]
