"""Endpoints as they are shown: the list with its sparklines, one with its health and keys, jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tessera.edge.pages import formats
from tessera.edge.pages.cells import (
    BAD,
    GOOD,
    INFO,
    OFF,
    WAIT,
    Cell,
    Column,
    Table,
    ago,
    badge,
    chart,
    id_,
    link,
    moment,
    number,
    several,
    text,
)
from tessera.edge.pages.visit import Answer, Visit
from tessera.webhooks.health import Health
from tessera.webhooks.jobs import Job
from tessera.webhooks.models import Endpoint, Target
from tessera.webhooks.outcome import Outcome
from tessera.webhooks.replays import JobView
from tessera.webhooks.rotation import KeysView
from tessera.webhooks.schedule import DAY, HOUR, MINUTE

from .delivery_view import name
from .hours import Hours, chart_of, last_day
from .places import DELIVERIES, ENDPOINTS, HOME, endpoint_at, tabs
from .samples import SAMPLES

_RULE = "Off after 5 days without one success, 20 tries or more."
_REASONS = {"operator": "Paused by an operator.", "gone": "The receiver answered 410 Gone."}
_AUTH = {
    "none": "None of its own",
    "basic": "Basic user and password",
    "bearer": "Bearer token",
    "header": "A secret header",
}
_LONGEST = 40
"""Letters of an address in a list."""
_IDENTITY_KEYS = {
    "auto": "As the release has them",
    "short": "Short",
    "long": "Long",
}


class Key(NamedTuple):
    title: str
    value: str
    until: object


def shown(targets: Sequence[Target]) -> list[Target]:
    """Those that are not deleted, newest first."""
    live = [one for one in targets if one.endpoint.status != "deleted"]
    return sorted(live, key=lambda one: (one.endpoint.created_at, one.endpoint.id), reverse=True)


def listed(visit: Visit, targets: Sequence[Target], hours: Hours) -> Answer:
    day = last_day(hours, visit.now) if targets else []
    rows = []
    for endpoint, health in targets:
        bars = chart_of(day, "UTC", visit.locale, endpoint.id)
        delivered = sum(one.good for one in bars.bars)
        attempted = delivered + sum(one.bad for one in bars.bars)
        rows.append(
            (
                several(
                    link(name(endpoint), endpoint_at(endpoint.id)),
                    Cell("nothing", _shortened(endpoint.url)),
                ),
                text(_types(endpoint)),
                state(endpoint, health),
                text(formats.percent(delivered, attempted, visit.locale)),
                chart(bars),
            )
        )
    columns = ("Endpoint", "Event types", "State")
    return visit.show(
        "endpoints.html",
        "Endpoints",
        crumbs=[HOME],
        tabs=tabs(ENDPOINTS),
        new=f"{ENDPOINTS}/new",
        table=Table(
            "Endpoints",
            (
                *(Column(one) for one in columns),
                Column("Success, 24 h", numeric=True),
                Column("Last 24 hours"),
            ),
            rows,
            sorted_by="newest first",
        ),
    )


def state(endpoint: Endpoint, health: Health) -> Cell:
    match endpoint.status:
        case "paused":
            return badge("paused", OFF)
        case "disabled":
            return badge("switched off", BAD)
        case "deleted":
            return badge("deleted", OFF)
    if health.state == "open":
        return badge("failing", BAD)
    if health.failing_since is not None:
        return badge("failing", WAIT)
    return badge("slow", WAIT) if health.state == "slow" else badge("active", GOOD)


def read(
    visit: Visit,
    target: Target,
    hours: Hours,
    jobs: Sequence[Job],
    keys: KeysView | None = None,
) -> Answer:
    endpoint, health = target
    at = endpoint_at(endpoint.id)
    day = last_day(hours, visit.now)
    return visit.show(
        "endpoint.html",
        name(endpoint),
        crumbs=[HOME, ("Endpoints", ENDPOINTS)],
        at=at,
        deliveries=f"{DELIVERIES}?endpoint={endpoint.id}",
        word=endpoint.status,
        facts=_settings(endpoint),
        health=_health(endpoint, health, visit.now),
        has_failed=bool(health.exhausted_count or health.failures),
        chart=chart_of(day, "UTC", visit.locale, endpoint.id),
        keys=_keys(keys),
        is_revealed=keys is not None,
        jobs=[_job_row(one) for one in jobs],
        scheme=endpoint.signature,
        samples=SAMPLES[endpoint.signature],
    )


def job(visit: Visit, found: JobView, endpoint: Endpoint) -> Answer:
    at = endpoint_at(endpoint.id)
    runs = found.state == "running"
    facts = [
        ("State", badge("running", WAIT) if runs else badge("finished", GOOD)),
        ("Found", number(found.matched)),
        ("Sent again" if found.kind != "discard" else "Cancelled", number(found.done)),
        ("Events since", moment(found.since)),
        ("Started", moment(found.created_at)),
        ("Job", id_(found.id)),
    ]
    return visit.show(
        "job.html",
        f"{_KINDS[found.kind]} at {name(endpoint)}",
        block="state",
        crumbs=[HOME, ("Endpoints", ENDPOINTS), (name(endpoint), at)],
        facts=facts,
        here=f"{at}/replays/{found.id}",
        runs=runs,
        deliveries=f"{DELIVERIES}?endpoint={endpoint.id}",
    )


_KINDS = {
    "replay": "Replay",
    "recover": "Replay of what was given up",
    "discard": "Cancelling what was held back",
}


def duration(seconds: int) -> str:
    for unit, word in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second")):
        if seconds >= unit and seconds % unit == 0:
            count = seconds // unit
            return f"{count} {word}{'' if count == 1 else 's'}"
    return "at once"


def _shortened(url: str) -> str:
    """Its address as far as a list has room."""
    shown = url.removeprefix("https://")
    return f"{shown[:_LONGEST]}…" if len(shown) > _LONGEST else shown


def _types(endpoint: Endpoint) -> str:
    if not endpoint.types:
        return "Every business event"
    first = ", ".join(endpoint.types[:3])
    more = len(endpoint.types) - 3
    return f"{first} and {more} more" if more > 0 else first


def _settings(endpoint: Endpoint) -> list[tuple[str, Cell]]:
    dialect = endpoint.dialect
    waits = "The default: ten attempts in 76 hours"
    if endpoint.waits is not None:
        waits = ", ".join(map(duration, endpoint.waits)) or "One attempt only"
    return [
        ("URL", text(endpoint.url)),
        ("Id", id_(endpoint.id)),
        (
            "Event types",
            several(*map(text, endpoint.types)) if endpoint.types else text("Every business event"),
        ),
        ("Release of the bodies", text(dialect.release)),
        ("Identity keys", text(_IDENTITY_KEYS[dialect.identity_keys])),
        ("Changes ahead of their day", text("Announced" if dialect.announce_ahead else "Left out")),
        ("Waits before further attempts", text(waits)),
        ("Authentication", text(_AUTH[endpoint.auth_kind])),
        (
            "Extra headers",
            several(*(text(f"{header}: {value}") for header, value in endpoint.headers.items()))
            if endpoint.headers
            else text(""),
        ),
        ("Added", moment(endpoint.created_at)),
        ("Last changed", moment(endpoint.updated_at)),
    ]


def _health(endpoint: Endpoint, health: Health, now: datetime) -> list[tuple[str, Cell]]:
    pairs = [("State", state(endpoint, health))]
    if endpoint.status_reason and endpoint.status in ("paused", "disabled"):
        pairs.append(("Why", text(_REASONS.get(endpoint.status_reason, _RULE))))
        pairs.append(("Since", ago(endpoint.updated_at)))
    pairs.append(("Consecutive failures", number(health.failures)))
    if health.failing_since is not None:
        pairs.append(("Failing since", ago(health.failing_since)))
    if health.last_failure is not None:
        sentence = Outcome(health.last_failure).sentence
        pairs.append(("Last failure", several(ago(health.last_failure_at), text(sentence))))
    if health.state == "open":
        is_ahead = health.probe_at is not None and health.probe_at > now
        pairs.append(("Next trial", ago(health.probe_at) if is_ahead else text("With what is due")))
    if health.exhausted_count:
        pairs.append(("Given up", number(health.exhausted_count)))
    return pairs


def _keys(keys: KeysView | None) -> list[Key]:
    if keys is None:
        return []
    current = keys.secret or keys.public_key or ""
    previous = keys.previous_secret or keys.previous_public_key
    found = [Key("Signs now", current, None)]
    if previous:
        found.append(Key("Signs as well", previous, keys.previous_until))
    return found


def _job_row(one: Job) -> tuple[str, str, Cell]:
    tone = INFO if one.state == "running" else GOOD
    return (
        f"{_KINDS[one.kind]}: {one.done} of {one.matched}",
        f"{endpoint_at(one.endpoint)}/replays/{one.id}",
        badge(one.state, tone),
    )
