"""How long a function takes to start: every handler imported by an interpreter of its own.

From layers as they are shipped, with their bytecode; the handler's own code comes without, as in a
function's package. boto3 is that of the development environment, as Lambda's runtime has its own.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest

from tests.bench.conftest import Publish
from tests.bench.layers import build
from tests.bench.machine import Row, is_short
from tests.infra.handlers import environment_of
from tests.infra.synthesis import ROOT, Deployed, synthesise

ROUNDS = 3
WORKERS = ("fan_out_event", "provision_order", "publish_events", "send_deliveries")

pytestmark = pytest.mark.bench


class Start(NamedTuple):
    ms: float
    cpu_ms: float


def started(function: Deployed, packages: Path, layers: str) -> Start:
    """Once, with nothing left over from the time before."""
    module = f"functions.{function.folder.replace('/', '.')}.handler"
    environment = {
        **environment_of(function),
        "PYTHONPATH": f"{layers}:{packages}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": os.environ.get("HOME", "/"),
    }
    said = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, str(ROOT / "tests" / "bench" / "start.py"), module],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return Start(*map(float, said.stdout.split()))


def middle(starts: list[Start]) -> Start:
    return Start(*(round(median(column), 1) for column in zip(*starts, strict=True)))


def test_every_handler_imported_by_a_fresh_interpreter(publish: Publish, tmp_path: Path) -> None:
    functions = synthesise(tmp_path / "stack", stage="prod").functions
    layers = build(tmp_path / "layers", local=True)
    packages = tmp_path / "packages"
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "functions", packages / "functions", ignore=without)
    path = f"{layers.vendor / 'python'}:{layers.core / 'python'}"
    chosen = dict(sorted(functions.items())[:: 6 if is_short() else 1])
    rounds: dict[str, list[Start]] = {folder: [] for folder in chosen}
    # One round after the other, so that what else the machine does meets all of them.
    for _ in range(ROUNDS):
        for folder, function in chosen.items():
            rounds[folder].append(started(function, packages, path))
    figures = {folder: middle(starts) for folder, starts in rounds.items()}
    budget = json.loads((ROOT / "tests" / "infra" / "handler_imports.json").read_text())

    publish(
        "imports",
        _rows(figures, budget),
        {
            folder: {**one._asdict(), "modules_at_most": budget[folder]["modules"]}
            for folder, one in figures.items()
        },
    )


def _rows(figures: Mapping[str, Start], budget: Mapping[str, dict[str, int]]) -> list[Row]:
    def row(what: str, folders: list[str]) -> Row:
        times = sorted(figures[one].ms for one in folders)
        modules = max(budget[one]["modules"] for one in folders)
        slowest = max(folders, key=lambda one: figures[one].ms)
        worked = median(figures[one].cpu_ms for one in folders)
        return Row(
            f"cold start: import of {what} ({len(folders)})",
            f"median {median(times):.0f} ms, {worked:.0f} ms of them processor time; "
            f"most {times[-1]:.0f} ms (`{slowest}`)",
            f"at most {modules} modules",
        )

    pages = [one for one in figures if one.startswith("pages/")]
    workers = [one for one in figures if one.rpartition("/")[2] in WORKERS]
    others = [one for one in figures if one not in (*pages, *workers)]
    total = sum(one.ms for one in figures.values())
    kinds = {"API and other functions": others, "workers of queues": workers, "pages": pages}
    return [
        *(row(what, folders) for what, folders in kinds.items() if folders),
        Row("cold start: all together", f"{total / 1000:.1f} s, each the median of {ROUNDS}"),
    ]
