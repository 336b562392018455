"""The README's route, event and alarm tables, made from what is deployed.

`python -m infra.readme_tables` writes them between their markers; a test compares.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from infra.constructs import alarms
from infra.constructs.alarms import Alarm
from infra.routes import ROUTES, Callers
from tessera.events import EVENT_TYPES

README = Path(__file__).parent.parent / "README.md"


def rendered(text: str) -> str:
    """The README with its tables as they should be."""
    for name, table in {"routes": _routes(), "events": _events(), "alarms": _alarms()}.items():
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
            lambda marks, table=table: f"{marks[1]}{table}{marks[2]}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
    return text


def _routes() -> str:
    rows = (
        (f"`{r.method} {r.path}`", ", ".join(map(_who, r.who)) or "anybody", f"`{r.function}`")
        for r in ROUTES
    )
    return _table(("route", "who may call", "function"), rows)


def _who(callers: Callers) -> str:
    if callers.kind == "machine":
        return "machine with " + " or ".join(f"`tessera/{need}`" for need in callers.needs)
    kind = callers.kind.replace("_session", ", signed in on pages")
    return kind + (f" ({', '.join(callers.needs)})" if callers.needs else "")


def _events() -> str:
    rows = (
        (f"`{kind.name}`", kind.label or "–", kind.body + ("" if kind.webhook else "; bus only"))
        for kind in EVENT_TYPES.values()
    )
    return _table(("event", "known as", "body"), rows)


def _alarms() -> str:
    every: list[Alarm] = [
        *alarms.DEAD_LETTERS.values(),
        alarms.UNPUBLISHED,
        *alarms.QUEUE_AGE.values(),
        alarms.API_FAILS,
        alarms.FUNCTION_ERRORS,
        alarms.FUNCTION_THROTTLES,
        alarms.FIRST_ATTEMPTS,
        alarms.ENDPOINTS_DISABLED,
        *(one.alarm for one in (*alarms.RESYNC, *alarms.PROVISIONING, *alarms.DELIVERY)),
    ]
    rows = ((f"`{alarm.name}`", alarm.meaning, alarm.action) for alarm in every)
    return _table(("alarm", "meaning", "action"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    README.write_text(rendered(README.read_text(encoding="utf-8")), encoding="utf-8")
