"""What a benchmark ran on, and where its figures go."""

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent.parent / ".local" / "bench"


def is_short() -> bool:
    """`TESSERA_BENCH_SHORT=1 make bench` takes a minute or two, with coarser figures."""
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


def publish(name: str, figures: Mapping[str, Any]) -> None:
    """Prints them and keeps them in `.local/bench`."""
    made = {
        "name": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "short": is_short(),
        "machine": description(),
        "figures": figures,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(made, indent=2) + "\n")
    print(f"\n{name}")
    print("  machine: " + ", ".join(f"{what} {value}" for what, value in description().items()))
    for what, value in figures.items():
        print(f"  {what}: {_told(value)}")


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
