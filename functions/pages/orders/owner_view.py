"""An owner as it is shown: identities, customers, subscriptions, and what it is entitled to."""

from collections.abc import Iterator

from tessera.commerce.entitlement_query import entitlements_of
from tessera.commerce.models import Customer, Holding, Identity
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
    day,
    id_,
    link,
    moment,
    several,
    text,
)
from tessera.edge.pages.formats import words
from tessera.edge.pages.visit import Answer, Visit

from .desk import Owned, name_of
from .order_view import ORDERS, OWNERS, PARTNERS, WEBHOOKS, state

_TONES: dict[str, Tone] = {
    "pending": INFO,
    "active": GOOD,
    "suspended": WAIT,
    "cancelled": OFF,
    "expired": BAD,
}


def at(owner: str) -> str:
    return f"{OWNERS}/{owner}"


def read(visit: Visit, found: Owned, *, can_sync: bool) -> Answer:
    owner = found.ownership.owner
    held = entitlements_of(found.ownership, found.today)
    return visit.show(
        "owner.html",
        name_of(found.ownership.owner.id, found.customers),
        crumbs=[("Orders", ORDERS)],
        at=at(owner.id),
        facts=_facts(found),
        identities=[_identity(one, owner.id) for one in found.ownership.identities],
        customers=Table(
            "Customers",
            (Column("Name"), Column("Email"), Column("Zuora account"), Column("Customer id")),
            [_customer(one) for one in found.customers],
        ),
        too_many=found.holdings is None,
        subscriptions=[_subscription(one, owner.id) for one in found.holdings or ()],
        can_sync=can_sync,
        codes=[one.code for one in held.entitlements],
        ahead=[
            (
                one.subscription,
                one.next.effective_date,
                [code.code for code in one.next.entitlements],
            )
            for one in held.subscriptions
            if one.next is not None
        ],
        why=Table(
            "Why",
            (Column("Code"), Column("Subscription"), Column("Offer"), Column("Product")),
            list(_why(found)),
        ),
        orders=Table(
            "Orders",
            (Column("Reference", short=True), Column("Type"), Column("Status"), Column("Placed")),
            [
                (
                    link(one.reference or one.id, f"{ORDERS}/{one.id}"),
                    text(words(one.order_type)),
                    state(one),
                    ago(one.created),
                )
                for one in found.orders
            ],
            sorted_by="newest first",
        ),
        events=Table(
            "Recent events",
            (Column("Event type"), Column("Happened")),
            [
                (link(one.type, f"{WEBHOOKS}/events/{one.id}"), ago(one.created_at))
                for one in found.events
            ],
            sorted_by="newest first",
        ),
        all_events=f"{WEBHOOKS}/events?owner={owner.id}",
    )


def _facts(found: Owned) -> list[tuple[str, Cell]]:
    owner = found.ownership.owner
    pairs = [
        ("Owner id", id_(owner.id)),
        ("Since", moment(owner.created)),
        (
            "Partner",
            link(found.partner, f"{PARTNERS}/{owner.partner_org}")
            if owner.partner_org
            else text(""),
        ),
    ]
    if owner.status == "merging":
        pairs.append(("Status", badge("being merged", WAIT)))
    return pairs


def _identity(one: Identity, owner: str) -> tuple[list[tuple[str, Cell]], str, str]:
    data = one.data
    facts = [
        ("Issuer", text(data.iss)),
        ("Subject", text(data.sub)),
        ("Service", text(data.service)),
        ("Type", text(data.type)),
        ("Attached", moment(one.created)),
    ]
    return facts, data.sub, f"{at(owner)}/identities/{one.id}/detach"


def _customer(one: Customer) -> tuple[Cell, ...]:
    data = one.data
    full = " ".join(filter(None, (data.first_name, data.last_name)))
    return (
        text(data.company_name or full or "No name"),
        text(data.email),
        text(data.zuora.account_number),
        id_(one.id),
    )


def _subscription(one: Holding, owner: str) -> tuple[str, list[tuple[str, Cell]], str]:
    """Its number, what is known of it, and where it is synced."""
    data = one.data
    number = data.zuora.number or one.name or one.id
    offers = [offer for offer in one.all_offers if offer.status in ("active", "pending")]
    facts = [
        ("Status", badge(one.status, _TONES[one.status])),
        ("Plan", several(*(text(o.data.name) for o in offers)) if offers else text(data.name)),
        ("Began", day(data.start_date)),
        ("Term ends", day(data.term_end_date)),
        ("Subscription id", id_(one.id)),
    ]
    if data.cancel_date is not None:
        facts.append(("Ends", day(data.cancel_date)))
    if data.pending_change is not None:
        change = data.pending_change
        pending = several(text(words(change.order_type)), day(change.effective_date))
        facts.append(("Pending change", pending))
    if data.mapping is not None and data.mapping.unmapped:
        plans = (text(plan.name or plan.product_rate_plan_id) for plan in data.mapping.unmapped)
        facts.append(("Not mapped", several(*plans)))
    return number, facts, f"{at(owner)}/subscriptions/{number}/sync"


def _why(found: Owned) -> Iterator[tuple[Cell, ...]]:
    for holding in found.holdings or ():
        if holding.status != "active":
            continue
        for offer in holding.all_offers:
            if offer.status != "active":
                continue
            for product in offer.data.products:
                for granted in product.entitlements:
                    yield (
                        text(granted.effective_code),
                        text(holding.data.zuora.number or holding.id),
                        text(offer.data.name),
                        text(product.name),
                    )
