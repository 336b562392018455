"""Deliveries as they are shown: the list of an endpoint's, and one, attempt by attempt."""

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from tessera.edge.pages.cells import (
    BAD,
    GOOD,
    INFO,
    OFF,
    WAIT,
    Cell,
    Column,
    Table,
    Tone,
    ago,
    badge,
    id_,
    link,
    moment,
    number,
    several,
    text,
    tick,
)
from tessera.edge.pages.formats import short_id
from tessera.edge.pages.locations import with_query
from tessera.edge.pages.visit import Answer, Visit
from tessera.events import Event
from tessera.webhooks.announced import EventSummary
from tessera.webhooks.deliveries import AttemptView, DeliveryView, Outbox, has_expired
from tessera.webhooks.endpoints import EndpointView
from tessera.webhooks.listing import DeliveryPage, DeliverySummary
from tessera.webhooks.models import Delivery, Endpoint, HourCount, Target
from tessera.webhooks.operators_store import Deliveries
from tessera.webhooks.settings import RECEIVABLE

from .filters import DELIVERY_FILTERS, Chosen, selected
from .hours import day_chart
from .places import (
    DELIVERIES,
    FIND,
    HOME,
    ORDERS,
    OWNERS,
    delivery_at,
    endpoint_at,
    event_at,
    tabs,
)

TONES: dict[str, Tone] = {
    "delivered": GOOD,
    "waiting": INFO,
    "retrying": WAIT,
    "paused": OFF,
    "gave up": BAD,
    "cancelled": OFF,
}
STATES = (
    ("pending", "Waiting, retrying or paused"),
    ("failing", "Retrying"),
    ("delivered", "Delivered"),
    ("exhausted", "Gave up"),
    ("cancelled", "Cancelled"),
)
COLUMNS = (
    Column("Event type"),
    Column("Subject"),
    Column("State"),
    Column("Attempts", numeric=True),
    Column("Last status"),
    Column("Age"),
)
_WHY = {
    "event": "first attempt",
    "retry": "retry",
    "sweep": "retry",
    "probe": "trial of a failing endpoint",
    "manual": "replay",
    "test": "test",
}
_FRESH = timedelta(minutes=5)
"""For so long a page waits for a delivery that is about to be made."""
_SOON = timedelta(minutes=3)
"""A first attempt is under way although its row is due for the sweep in two minutes: counted from
when it was made, which may be after the page was asked for."""


class AttemptShown(NamedTuple):
    n: int
    outcome: str
    tone: Tone
    at: datetime
    why: str
    ms: int
    message: str
    address: str
    sent: list[tuple[str, Cell]]
    status: int | None
    received: list[tuple[str, Cell]]
    body: str
    redirected_to: str
    next_due: datetime | None


def nothing_yet(visit: Visit) -> Answer:
    return visit.show("none.html", "Deliveries", crumbs=[HOME], tabs=tabs(DELIVERIES))


def listed(
    visit: Visit,
    page: DeliveryPage,
    asked: Chosen,
    targets: Sequence[Target],
    hours: Callable[[date], list[HourCount]],
    zone: str,
) -> Answer:
    here = asked.target.endpoint
    query = {**visit.query, "endpoint": here.id}
    return visit.show(
        "deliveries.html",
        "Deliveries",
        crumbs=[HOME],
        tabs=tabs(DELIVERIES),
        chart=day_chart(hours, visit.now, zone, visit.locale, endpoint=here.id),
        name=name(here),
        endpoint=here.id,
        endpoint_href=endpoint_at(here.id),
        endpoints=[(one.endpoint.id, name(one.endpoint)) for one in targets],
        states=STATES,
        types=[(one, one) for one in RECEIVABLE],
        typed={one: query.get(one, "") for one in ("endpoint", *DELIVERY_FILTERS)},
        table=Table(
            f"Deliveries to {name(here)}",
            (*COLUMNS, Column("Select")),
            [(*row(one), tick(one.event, f"{one.type}, {one.event}")) for one in page.items],
            visit.paging(page.cursor, filters=DELIVERY_FILTERS, keep=("endpoint",)),
            "newest first",
        ),
    )


def row(one: DeliverySummary) -> tuple[Cell, ...]:
    return (
        link(one.type, delivery_at(one.event, one.endpoint)),
        subject(one),
        state(one),
        number(one.attempted),
        text(_last(one)),
        ago(one.created_at),
    )


def subject(one: DeliverySummary | EventSummary) -> Cell:
    """Whom or what it is about."""
    cells = [text(short_id(one.subscription))] if one.subscription else []
    if one.owner:
        cells.append(link(short_id(one.owner), f"{OWNERS}/{one.owner}"))
    if one.test:
        cells.append(badge("test", INFO))
    return several(*cells) if cells else text("")


def state(one: DeliverySummary | DeliveryView) -> Cell:
    shown = badge(one.word, TONES[one.word])
    if one.word == "retrying" and one.next_due is not None:
        return several(shown, ago(one.next_due))
    return shown


def read(visit: Visit, found: DeliveryView, target: Target | None) -> Answer:
    endpoint = target.endpoint if target is not None else None
    to = name(endpoint) if endpoint is not None else found.endpoint
    is_pending = found.state == "pending"
    is_due = found.next_due is not None and found.next_due < visit.now + _SOON
    return visit.show(
        "delivery.html",
        f"{found.type} to {to}",
        block="state",
        crumbs=[HOME, ("Deliveries", f"{DELIVERIES}?endpoint={found.endpoint}")],
        facts=_facts(found, to),
        body=_pretty(found.body),
        attempts=[_attempt(one) for one in found.attempts],
        here=delivery_at(found.event, found.endpoint),
        moves=is_pending and is_due and found.word != "paused",
        next_due=found.next_due if is_pending and found.word != "paused" else None,
        is_due=found.next_due is not None and found.next_due <= visit.now,
        can_replay=endpoint is not None and endpoint.status != "deleted",
        can_cancel=is_pending,
        is_paused=found.word == "paused",
    )


def on_its_way(
    event: str, endpoint: str, rows: Deliveries, outbox: Outbox, now: datetime
) -> Event | None:
    """An event made a moment ago for this endpoint, while its delivery is not there yet."""
    delivery = rows.find(event, endpoint)
    if delivery is not None and not has_expired(delivery, now):
        return None
    sent = outbox.find(event, now=now)
    if sent is None or sent.only_endpoint != endpoint or now - sent.created_at > _FRESH:
        return None
    return sent


def awaited(visit: Visit, sent: Event, endpoint: str) -> Answer:
    return visit.show(
        "awaited.html",
        f"{sent.type} on its way",
        crumbs=[HOME, ("Endpoint", endpoint_at(endpoint))],
        here=delivery_at(sent.id, endpoint),
        type=sent.type,
        sent_at=sent.created_at,
    )


def confirm_cancel(visit: Visit, found: Delivery) -> Answer:
    return visit.show(
        "confirm.html",
        f"Cancel {found.type}?",
        crumbs=[HOME, (found.type, delivery_at(found.event, found.endpoint))],
        sentence="It is not sent any more. The endpoint never hears of this event, unless "
        "somebody replays it.",
        button="Cancel delivery",
        cancel=delivery_at(found.event, found.endpoint),
    )


def confirm_replay(visit: Visit, endpoint: EndpointView) -> Answer:
    chosen = selected(visit.query)
    what = _deliveries(len(chosen))
    return visit.show(
        "replay.html",
        f"Replay {what}?",
        crumbs=[HOME, ("Deliveries", f"{DELIVERIES}?endpoint={endpoint.id}")],
        what=what,
        name=name(endpoint),
        events=[(one, event_at(one)) for one in chosen],
        cancel=f"{DELIVERIES}?endpoint={endpoint.id}",
    )


def sent_again(how_many: int) -> str:
    return f"{_deliveries(how_many)} {'is' if how_many == 1 else 'are'} sent again"


def name(endpoint: Endpoint | EndpointView) -> str:
    return endpoint.description or endpoint.url


def _deliveries(how_many: int) -> str:
    return "1 delivery" if how_many == 1 else f"{how_many} deliveries"


def _last(one: DeliverySummary) -> str:
    if one.last is None:
        return ""
    return str(one.last.status or words(one.last.outcome))


def words(code: str) -> str:
    return code.replace("_", " ")


def _facts(found: DeliveryView, to: str) -> list[tuple[str, Cell]]:
    order = _order_of(found.body)
    pairs = [
        ("State", state(found)),
        ("Event", several(link(found.type, event_at(found.event)), id_(found.event))),
        ("Endpoint", link(to, endpoint_at(found.endpoint))),
        ("Owner", link(found.owner, f"{OWNERS}/{found.owner}") if found.owner else text("")),
        ("Subscription", id_(found.subscription)),
        ("Order reference", link(*order) if order else text("")),
        ("Happened", moment(found.created_at)),
        ("Delivered", moment(found.delivered_at)),
        ("Replays", number(found.round)),
    ]
    if found.reason:
        pairs.append(("Reason", text(words(found.reason))))
    if found.test:
        pairs.append(("Kind", badge("test event", INFO)))
    return pairs


def _order_of(body: str | None) -> tuple[str, str] | None:
    """The reference of the order and where it leads, where the body tells it."""
    told: Any = json.loads(body) if body else {}
    if not isinstance(told, dict):
        return None
    if told.get("record_type") == "order" and told.get("id"):
        return str(told.get("reference") or told["id"]), f"{ORDERS}/{told['id']}"
    tracking = told.get("tracking")
    reference = tracking.get("orderReference") if isinstance(tracking, dict) else None
    return (str(reference), with_query(FIND, q=str(reference))) if reference else None


def _pretty(body: str | None) -> str:
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False) if body else ""


def _attempt(one: AttemptView) -> AttemptShown:
    failed = one.outcome.is_failure
    response = one.response
    return AttemptShown(
        n=one.n,
        outcome=str(response.status) if response is not None else words(one.outcome),
        tone=BAD if failed else GOOD if one.outcome == "delivered" else OFF,
        at=one.started_at,
        why=_WHY[one.why],
        ms=one.ms,
        message=one.message,
        address=f"{one.request.method} {one.request.url}",
        sent=_headers({**one.request.headers, "authorization": "(hidden)"}),
        status=response.status if response is not None else None,
        received=_headers(response.headers) if response is not None else [],
        body=response.body if response is not None else "",
        redirected_to=one.redirected_to or "",
        next_due=one.next_due,
    )


def _headers(headers: dict[str, str]) -> list[tuple[str, Cell]]:
    return [(header, text(value)) for header, value in headers.items()]
