"""Orders as they are shown: the list, and one with its steps and all that hangs from it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tessera.commerce.models import Order, ProcessEvent, ProcessStep, Try
from tessera.commerce.order_bodies import ORDER_TYPES
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
    several,
    text,
)
from tessera.edge.pages.formats import short_id, words
from tessera.edge.pages.visit import Answer, Visit
from tessera.objects import Record
from tessera.webhooks.announced import EventSummary
from tessera.webhooks.models import Delivery

from .desk import FILTERS, About, OrdersPage, name_of, offer_of

ORDERS = "/objects/orders/limio"
OWNERS = "/objects/identities/limio"
WEBHOOKS = "/objects/webhooks/limio"
PARTNERS = "/settings/profile/partners"
_PLACED_BY = {
    "machine": "API client",
    "operator": "Operator",
    "customer": "Customer",
    "partner": "Partner user",
}
TONES: dict[str, Tone] = {
    "submitted": INFO,
    "processing": WAIT,
    "complete": GOOD,
    "failed": BAD,
}
STEP_TONES: dict[str, Tone] = {
    "pending": INFO,
    "complete": GOOD,
    "skipped": OFF,
    "warning": WAIT,
    "failed": BAD,
}
STEPS = {
    "salesforce_customer": "Salesforce: account and contact",
    "zuora_account": "Zuora: account",
    "zuora_payment_method": "Zuora: payment method",
    "zuora_order": "Zuora: order",
    "zuora_refresh": "Zuora: read back",
    "zuora_contact": "Zuora: contact",
    "zuora_payment": "Zuora: payment",
}
_STATUSES = ("submitted", "processing", "complete", "failed")


class StepShown(NamedTuple):
    name: str
    status: str
    tone: Tone
    is_skipped: bool
    attempts: str
    at: datetime
    facts: list[tuple[str, Cell]]
    said: str
    """The outside system's own words."""
    tries: list[str]


def listed(visit: Visit, page: OrdersPage, zone: str) -> Answer:
    return visit.show(
        "orders.html",
        "Orders",
        zone=zone,
        statuses=[(one, one.capitalize()) for one in _STATUSES],
        types=[(one, words(one)) for one in ORDER_TYPES],
        sellers=list(page.sellers.items()),
        typed={one: visit.query.get(one, "") for one in FILTERS},
        table=Table(
            "Orders",
            (
                Column("Reference", short=True),
                Column("Type", short=True),
                Column("Customer"),
                Column("Partner"),
                Column("Offer"),
                Column("Source", short=True),
                Column("Status"),
                Column("Placed"),
            ),
            [_row(one, page) for one in page.orders],
            visit.paging(page.next, filters=FILTERS),
            "newest first",
        ),
    )


def read(visit: Visit, found: About) -> Answer:
    order = found.order
    is_under_way = order.status in ("submitted", "processing")
    return visit.show(
        "order.html",
        f"Order {order.reference or order.id}",
        block="state",
        crumbs=[("Orders", ORDERS)],
        here=f"{ORDERS}/{order.id}",
        facts=_facts(found),
        has_failed=order.status == "failed",
        moves=is_under_way,
        warnings=[one.message for one in order.warnings],
        steps=[_step(one, found.steps.get(one.id)) for one in order.process],
        objects=Table(
            "Objects",
            (Column("Type"), Column("Id"), Column("Partner organisation id")),
            [_object(one) for one in _records(found)],
        ),
        events=_events(found.events, found.deliveries),
        all_events=f"{WEBHOOKS}/events?owner={order.owner}" if order.owner else "",
    )


def confirm_retry(visit: Visit, order: Order) -> Answer:
    return visit.show(
        "retry.html",
        f"Retry order {order.reference or order.id}?",
        crumbs=[("Orders", ORDERS), (order.reference or order.id, f"{ORDERS}/{order.id}")],
        step=step_name(order.error.step) if order.error is not None else "",
        cancel=f"{ORDERS}/{order.id}",
    )


def step_name(name: str) -> str:
    """`zuora_account/1` is that of the second item."""
    kind, _, item = name.partition("/")
    title = STEPS.get(kind, words(kind))
    return f"{title} (item {int(item) + 1})" if item.isdecimal() else title


def buyer(order: Order) -> str:
    """As the order names its customer; empty where it names none."""
    details: Any = order.data.get("customerDetails")
    if not isinstance(details, dict):
        return ""
    names = (details.get("firstName"), details.get("lastName"))
    full = " ".join(str(one) for one in names if one)
    return str(details.get("companyName") or full or details.get("email") or "")


def state(order: Order) -> Cell:
    return badge(order.status, TONES[order.status])


def _row(one: Order, page: OrdersPage) -> tuple[Cell, ...]:
    offer = offer_of(one)
    customer = buyer(one) or short_id(one.owner or "")
    return (
        link(one.reference or one.id, f"{ORDERS}/{one.id}"),
        text(words(one.order_type)),
        link(customer, f"{OWNERS}/{one.owner}") if one.owner else text(buyer(one)),
        link(page.partners.get(one.partner_org, one.partner_org), f"{PARTNERS}/{one.partner_org}")
        if one.partner_org
        else text(""),
        text(page.offers.get(offer, "")),
        text(one.source),
        state(one),
        ago(one.created),
    )


def _facts(found: About) -> list[tuple[str, Cell]]:
    order = found.order
    name = name_of(order.owner or "", found.customers)
    owner = link(name, f"{OWNERS}/{order.owner}") if order.owner else text("")
    partner = order.partner_org
    pairs = [
        ("Status", state(order)),
        ("Type", text(words(order.order_type))),
        ("Customer", text(buyer(order))),
        ("Owner", owner),
        ("Offer", text(found.offers.get(offer_of(order), ""))),
        ("Partner", link(found.partner, f"{PARTNERS}/{partner}") if partner else text("")),
        ("Source", text(order.source)),
        ("Placed by", several(text(_PLACED_BY[order.placed_by.kind]), id_(order.placed_by.id))),
        ("Placed", several(moment(order.created), ago(order.created))),
        ("Order id", id_(order.id)),
        ("External id", text(order.external_id)),
    ]
    timer = order.provisioning
    if order.status in ("submitted", "processing") and timer is not None:
        if timer.next_at is not None:
            pairs.append(("Goes on", ago(timer.next_at)))
        pairs.append(("Given up", moment(timer.give_up_at)))
    if order.error is not None:
        where = f"{step_name(order.error.step)}: {words(order.error.code)}"
        pairs.append(("Failed at", several(text(where), id_(order.error.request_id))))
    return pairs


def _step(one: ProcessStep, known: ProcessEvent | None) -> StepShown:
    facts: list[tuple[str, Cell]] = []
    for name, value in (one.result or {}).items():
        facts.append((_spaced(name), id_(str(value))))
    if one.request_id:
        facts.append(("Request id", id_(one.request_id)))
    if one.error is not None:
        codes = ", ".join(map(str, one.error.codes))
        facts.append(("Error", text(words(one.error.code) + (f" ({codes})" if codes else ""))))
    tries = "1 attempt" if one.attempts == 1 else f"{one.attempts} attempts"
    return StepShown(
        name=step_name(one.step),
        status=one.status,
        tone=STEP_TONES[one.status],
        is_skipped=one.status == "skipped",
        attempts=tries if one.attempts else "",
        at=one.at,
        facts=facts,
        said=(known.data.text or "") if known is not None else "",
        tries=[_try(each) for each in (known.data.tries if known is not None else ())],
    )


def _try(one: Try) -> str:
    answered = f" {one.status}" if one.status else ""
    request = f", request {one.request_id}" if one.request_id else ""
    return (
        f"{one.at:%d %b %H:%M:%S} UTC: {one.method} {one.route}: {one.outcome}{answered}{request}"
    )


def _spaced(name: str) -> str:
    """`accountNumber` is `Account number`."""
    apart = "".join(f" {each.lower()}" if each.isupper() else each for each in name)
    return apart.replace("_", " ").strip().capitalize()


def _records(found: About) -> list[Record]:
    records: list[Record] = [found.order]
    if found.ownership is not None:
        records.append(found.ownership.owner)
    records += [*found.customers, *found.addresses]
    for holding in found.holdings:
        records += [holding, *holding.all_offers, *holding.schedule]
    return records


def _object(one: Record) -> tuple[Cell, ...]:
    return (text(words(one.record_type)), id_(one.id), id_(one.partner_org))


def _events(events: Sequence[EventSummary], deliveries: Sequence[Sequence[Delivery]]) -> Table:
    return Table(
        "Events since it was placed",
        (Column("Event type"), Column("Webhooks"), Column("Happened")),
        [
            (
                link(event.type, f"{WEBHOOKS}/events/{event.id}"),
                text(told(rows)),
                ago(event.created_at),
            )
            for event, rows in zip(events, deliveries, strict=True)
        ],
        sorted_by="newest first",
    )


def told(rows: Sequence[Delivery]) -> str:
    if not rows:
        return ""
    delivered = sum(one.state == "delivered" for one in rows)
    return f"{delivered} of {len(rows)} delivered"
