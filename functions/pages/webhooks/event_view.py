"""Events as they are shown: what happened, and whether any endpoint listened."""

import json
from collections.abc import Sequence

from tessera.edge.pages.cells import (
    GOOD,
    INFO,
    OFF,
    Cell,
    Column,
    Table,
    ago,
    badge,
    id_,
    link,
    moment,
    number,
    several,
    text,
)
from tessera.edge.pages.visit import Answer, Visit
from tessera.events import EVENT_TYPES
from tessera.webhooks import announced
from tessera.webhooks.announced import EventView, Kept, Listed
from tessera.webhooks.models import Delivery, Target

from . import delivery_view
from .filters import EVENT_FILTERS
from .places import EVENTS, HOME, OWNERS, delivery_at, event_at, tabs

_READ_AT_ONCE = 100
"""Rows by one request (BatchGetItem)."""


def asked_for(found: Sequence[Kept]) -> list[tuple[str, str]]:
    """Event and endpoint of the deliveries that a list tells the state of.

    A hundred, which one request reads; of the events behind them it tells how many listened.
    """
    asked: list[tuple[str, str]] = []
    for one in found:
        keys = [(one.event.id, endpoint) for endpoint in one.told or ()]
        if len(asked) + len(keys) > _READ_AT_ONCE:
            break
        asked += keys
    return asked


def listed(visit: Visit, page: Listed, deliveries: Sequence[Delivery]) -> Answer:
    of_event: dict[str, list[Delivery]] = {}
    for one in deliveries:
        of_event.setdefault(one.event, []).append(one)
    return visit.show(
        "events.html",
        "Events",
        crumbs=[HOME],
        tabs=tabs(EVENTS),
        types=[(one, one) for one in EVENT_TYPES],
        typed={one: visit.query.get(one, "") for one in EVENT_FILTERS},
        table=Table(
            "Events",
            (
                Column("Event type"),
                Column("Subject"),
                Column("Who listened"),
                Column("Happened"),
            ),
            [
                (
                    link(kept.event.type, event_at(kept.event.id)),
                    delivery_view.subject(announced.summary_of(kept.event)),
                    _listened(kept, of_event.get(kept.event.id, [])),
                    ago(kept.event.created_at),
                )
                for kept in page.found
            ],
            visit.paging(page.cursor, filters=EVENT_FILTERS),
            "newest first",
        ),
    )


def read(visit: Visit, found: EventView, targets: Sequence[Target]) -> Answer:
    names = {one.endpoint.id: delivery_view.name(one.endpoint) for one in targets}
    return visit.show(
        "event.html",
        f"{found.type} {found.id[-6:]}",
        crumbs=[HOME, ("Events", EVENTS)],
        facts=_facts(found),
        bodies=[
            (
                "" if len(found.bodies) == 1 else _dialects(one.dialects[0].release),
                json.dumps(json.loads(one.body), indent=2, ensure_ascii=False),
            )
            for one in found.bodies
        ],
        is_for_all=found.webhook,
        table=Table(
            "Deliveries",
            (
                Column("Endpoint"),
                Column("State"),
                Column("Attempts", numeric=True),
                Column("Last status"),
                Column("Age"),
            ),
            [
                (
                    link(
                        names.get(one.endpoint, one.endpoint), delivery_at(one.event, one.endpoint)
                    ),
                    *delivery_view.row(one)[2:],
                )
                for one in found.deliveries
            ],
        ),
    )


def _listened(kept: Kept, rows: Sequence[Delivery]) -> Cell:
    if not kept.event.webhook:
        return badge("inside only", OFF)
    if kept.told is None:
        return badge("on its way", INFO)
    if not kept.told:
        return badge("nobody", OFF)
    if not rows:
        return text(_endpoints(len(kept.told)))
    delivered = sum(one.state == "delivered" for one in rows)
    if delivered == len(rows):
        return several(badge("delivered", GOOD), text(_endpoints(len(rows))))
    gave_up = sum(one.state == "exhausted" for one in rows)
    word = "gave up" if gave_up else "on its way"
    return several(
        badge(word, delivery_view.TONES.get(word, INFO)),
        text(f"{delivered} of {_endpoints(len(rows))} delivered"),
    )


def _endpoints(how_many: int) -> str:
    return "1 endpoint" if how_many == 1 else f"{how_many} endpoints"


def _facts(found: EventView) -> list[tuple[str, Cell]]:
    owner = link(found.owner, f"{OWNERS}/{found.owner}") if found.owner else text("")
    pairs = [
        ("Event", id_(found.id)),
        ("Happened", moment(found.created_at)),
        ("Owner", owner),
        ("Subscription", id_(found.subscription)),
    ]
    if found.sequence is not None:
        pairs.append(("Sequence", number(found.sequence)))
    return pairs


def _dialects(release: str) -> str:
    return f"As release {release} has it"
