"""The README's table of figures, made from what `make bench` left behind.

`make bench && .venv/bin/python -m infra.readme_benchmarks` writes it between its markers, with the
date and the machine. Figures of a short run, or of some benchmarks only, are not shown.
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
RESULTS = ROOT / ".local" / "bench.json"
ORDER = (
    "imports",
    "sizes",
    "operations",
    "price",
    "pages",
    "throughput",
    "throughput-50ms",
    "end-to-end",
    "isolation",
    "isolation-beyond",
)
_MARKED = re.compile(r"(<!-- benchmarks -->\n).*?(<!-- /benchmarks -->)", re.DOTALL)

Results = Mapping[str, Mapping[str, Any]]
"""By benchmark, as each wrote it."""


def rendered(text: str, results: Results) -> str:
    """The README with these figures. Raises `ValueError` where they are not the whole."""
    missing = [name for name in ORDER if name not in results or results[name]["short"]]
    if missing:
        raise ValueError(f"run `make bench` whole: {', '.join(missing)} did not run, or short")
    table = f"{_told(results)}\n\n{_table(results)}"
    return _MARKED.sub(lambda marks: f"{marks[1]}{table}{marks[2]}", text)


def _told(results: Results) -> str:
    days = sorted(str(results[name]["at"])[:10] for name in ORDER)
    machine = results[ORDER[0]]["machine"]
    when = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    busy = max(results[name]["machine"]["load_1m"] for name in ORDER)
    return (
        f"Measured on {when}: {machine['processor']}, {machine['cpus']} processors, "
        f"Python {machine['python']}, load at most {busy}."
    )


def _table(results: Results) -> str:
    head = ("what", "figure", "target")
    rows = [tuple(row[name] for name in head) for one in ORDER for row in results[one]["rows"]]
    return "".join("| " + " | ".join(line) + " |\n" for line in (head, ("---",) * 3, *rows))


if __name__ == "__main__":
    if not RESULTS.exists():
        sys.exit("There are no figures yet: run `make bench`.")
    try:
        new = rendered(
            README.read_text(encoding="utf-8"), json.loads(RESULTS.read_text(encoding="utf-8"))
        )
    except ValueError as incomplete:
        sys.exit(str(incomplete))
    README.write_text(new, encoding="utf-8")
