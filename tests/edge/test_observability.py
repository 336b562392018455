"""What is counted, as CloudWatch reads it from the log."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tessera.edge import observability
from tessera.edge.observability import count, flush_metrics


@pytest.fixture(autouse=True)
def enabled(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Counting is off in all other tests; what they counted is thrown away."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    flush_metrics()
    capsys.readouterr()


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    flush_metrics()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_unit_follows_from_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("Swept", "ReceiverMs", "OldestDueSeconds"):
        count(name, 3)

    (line,) = written(capsys)
    metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    assert {metric["Name"]: metric["Unit"] for metric in metrics} == {
        "Swept": "Count",
        "ReceiverMs": "Milliseconds",
        "OldestDueSeconds": "Seconds",
    }


def test_each_set_of_dimensions_is_a_metric_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    count("Attempts", outcome="delivered")
    count("Attempts", outcome="delivered")
    count("Attempts", outcome="timeout")

    lines = written(capsys)

    assert {line["outcome"]: line["Attempts"] for line in lines} == {
        "delivered": [1, 1],
        "timeout": [1],
    }
    for line in lines:
        (metrics,) = line["_aws"]["CloudWatchMetrics"]
        assert metrics["Namespace"] == "Tessera"
        assert set(metrics["Dimensions"][0]) == {"outcome", "service"}


def test_threads_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda n: count(f"Metric{n % 7}", 1), range(280)))

    lines = written(capsys)

    assert sum(sum(line[f"Metric{n}"]) for line in lines for n in range(7)) == 280


def test_nothing_counted_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(capsys) == []
    assert observability.metrics.metric_set == {}
