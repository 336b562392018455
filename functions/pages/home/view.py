"""What the start page and the console's home show."""

from collections.abc import Mapping, Sequence

from tessera.edge.pages import cookies, formats
from tessera.edge.pages.visit import Answer, Moved, Visit
from tessera.identity.sessions import Kind, Session

from .console import Overview

_DOORS: Mapping[Kind, tuple[str, str, str]] = {
    "customer": ("Customers", "See your plan, your invoices and how you pay.", "/subscriptions"),
    "partner": ("Partners", "Order for your customers and look after them.", "/partner"),
    "operator": ("Console", "Run the catalog, partners, orders and webhooks.", "/settings"),
}


def start(visit: Visit, live: Sequence[Session]) -> Answer:
    """The three sign-ins; who is signed in already is sent on."""
    signed_out = cookies.SIGNED_OUT in visit.cookies
    if signed_out:
        visit.set_cookies.append(cookies.forget(cookies.SIGNED_OUT))
    if len(live) == 1 and not signed_out:
        return Moved(_DOORS[live[0].signed.kind][2])
    signed = {session.signed.kind: session.signed.label for session in live}
    return visit.show(
        "start.html",
        "Welcome",
        doors=[(*door, signed.get(kind, "")) for kind, door in _DOORS.items()],
        signed_out=signed_out,
    )


def home(visit: Visit, overview: Overview, *, has_orders: bool) -> Answer:
    """`has_orders`: the pages that find things are deployed."""
    figures = overview.figures
    return visit.show(
        "home.html",
        "Home",
        block="state",
        has_orders=has_orders,
        troubles=overview.troubles,
        figures=figures,
        ratio=(
            formats.percent(figures.delivered, figures.delivered + figures.failed, visit.locale)
            if figures is not None
            else ""
        ),
        tasks=overview.tasks,
        missing=overview.missing,
    )
