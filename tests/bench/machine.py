"""What benchmarks ran on, and where their figures go: the terminal, and `.local/bench.json`."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).parent.parent.parent / ".local" / "bench.json"


class Row(NamedTuple):
    """One line of the table that is printed at the end and shown in the README."""

    what: str
    figure: str
    target: str = ""


def is_short() -> bool:
    """`TESSERA_BENCH_SHORT=1 make bench` takes a few minutes, with coarser figures."""
    return os.environ.get("TESSERA_BENCH_SHORT", "") not in ("", "0")


def description() -> dict[str, Any]:
    """The machine, and how busy it was with other things."""
    return {
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "load_1m": round(os.getloadavg()[0], 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }


def publish(name: str, rows: Sequence[Row], figures: Mapping[str, Any]) -> None:
    """Prints them and keeps them beside those of other benchmarks, in place of earlier ones."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[name] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "short": is_short(),
        "machine": description(),
        "rows": [row._asdict() for row in rows],
        "figures": figures,
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\n{name}")
    for what, value in figures.items():
        print(f"  {what}: {_told(value)}")


def tell(names: Sequence[str]) -> None:
    """The rows of these benchmarks as one table, in this order."""
    results = json.loads(RESULTS.read_text())
    rows = [Row(**row) for name in names for row in results[name]["rows"]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    machine = ", ".join(f"{what} {value}" for what, value in description().items())
    print(f"\n{machine}; all figures in {RESULTS.relative_to(RESULTS.parents[1])}\n")
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_told(one)}" for name, one in value.items())
    return f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
