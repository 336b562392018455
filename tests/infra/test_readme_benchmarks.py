"""The README shows figures of a whole run, with the day and the machine."""

import re
from typing import Any

import pytest

from infra.readme_benchmarks import ORDER, README, rendered
from tests.infra.synthesis import ROOT

_MACHINE = {"processor": "Some CPU", "cpus": 2, "load_1m": 0.4, "python": "3.11.7"}
_TEXT = "before\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\nafter\n"


def _results(**changed: Any) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "at": "2026-11-22T03:00:00+00:00",
            "short": False,
            "machine": _MACHINE,
            "rows": [{"what": f"time of {name}", "figure": "1 ms", "target": ""}],
            **changed,
        }
        for name in ORDER
    }


def test_figures_replace_those_of_before_with_day_and_machine() -> None:
    shown = rendered(_TEXT, _results())

    assert (
        "Measured on 2026-11-22: Some CPU, 2 processors, Python 3.11.7, load at most 0.4" in shown
    )
    assert "| time of imports | 1 ms |  |\n" in shown
    assert "old" not in shown
    assert shown.startswith("before\n")
    assert shown.endswith("after\n")


def test_a_short_run_and_a_missing_benchmark_are_not_shown() -> None:
    with pytest.raises(ValueError, match="imports"):
        rendered(_TEXT, _results(short=True))
    with pytest.raises(ValueError, match="isolation"):
        rendered(_TEXT, {name: one for name, one in _results().items() if name != "isolation"})


def test_every_benchmark_has_its_place_in_the_table() -> None:
    files = (ROOT / "tests" / "bench").glob("test_*.py")
    published = [
        name
        for file in files
        for name in re.findall(r'publish\(\s*"([a-z0-9-]+)"', file.read_text(encoding="utf-8"))
    ]

    assert sorted(published) == sorted(ORDER)
    assert "<!-- benchmarks -->" in README.read_text(encoding="utf-8")
