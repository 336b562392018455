"""What the pages about pages show."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from tessera.catalog.models import Offer, Page
from tessera.catalog.page_problems import Problem, Surroundings, problems
from tessera.edge.pages import formats
from tessera.edge.pages.cells import (
    BAD,
    GOOD,
    OFF,
    WAIT,
    Column,
    Table,
    Tone,
    amount,
    badge,
    link,
    several,
    text,
)
from tessera.edge.pages.forms import number
from tessera.edge.pages.tables import ROWS
from tessera.edge.pages.visit import Answer, Visit
from tessera.partners.models import Organisation

from .forms import OPTIONS, SELF_SERVICE

_HOME = "/settings/pages"
_CRUMB = ("Pages", _HOME)
_TONES: Mapping[str, Tone] = {"draft": WAIT, "active": GOOD, "archived": OFF}
KINDS = {
    "pricing": "Pricing",
    "checkout": "Checkout",
    "portal": "Portal",
    "self_service": "Self-service",
}
_SIGN_INS = {"none": "None", "customer": "Customer sign-in", "partner": "Partner sign-in"}
_COMPONENTS = {
    "offers": "Offers",
    "checkout": "Checkout",
    "subscriptions": "Subscriptions",
    "plan": "Plan",
    "add_ons": "Add-ons",
    "cancel": "Cancel",
    "invoices": "Invoices",
    "payment_methods": "Payment methods",
    "addresses": "Addresses",
    "partner_customers_table": "Partner Customers Table",
    "partner_invoices_table": "Partner Invoices Table",
    "update_subscription": "Update subscription",
    "cancel_subscription": "Cancel subscription",
}
_PORTAL = (
    ("partner_customers_table", "All customers of the organisation"),
    ("partner_invoices_table", "All invoices of the organisation"),
    ("update_subscription", "Partner users may change a customer's plan"),
    ("cancel_subscription", "Partner users may cancel a customer's subscription"),
)
_TEXTS = {
    "title": "Title",
    "text": "Text",
    "thank_you": "Thank-you text",
    "empty": "Text when there is nothing to show",
    "failed": "Text when it cannot be read",
}

_SHORT = ("Kind", "Address", "Authentication")


def address(page: Page) -> str:
    return f"{_HOME}/{page.id}"


def all_pages(visit: Visit, around: Surroundings) -> Answer:
    begin = number(visit.cursor or "") or 0
    shown = around.pages[begin : begin + ROWS]
    more = str(begin + ROWS) if len(around.pages) > begin + ROWS else None
    columns = ("Name", "Kind", "Address", "Authentication", "Shows", "Problems")
    table = Table(
        "Pages",
        [Column(name, short=name in _SHORT) for name in columns],
        [_row(one, around) for one in shown],
        visit.paging(more),
        "by name",
    )
    return visit.show(
        "pages.html", "Pages", table=table, new=f"{_HOME}/new", may_save=_may_save(visit)
    )


def new_page(visit: Visit) -> Answer:
    return visit.show(
        "new_page.html",
        "Create page",
        crumbs=[_CRUMB],
        kinds=[
            ("pricing", KINDS["pricing"], "Shows the offers of a label"),
            ("checkout", KINDS["checkout"], "Where an offer is ordered"),
            ("portal", KINDS["portal"], "Where partner users look after their customers"),
            ("self_service", KINDS["self_service"], "Where people look after their own plan"),
        ],
        sign_ins=_sign_ins("pricing"),
        cancel=_HOME,
    )


def page(visit: Visit, page: Page, around: Surroundings) -> Answer:
    may = _may_save(visit) and page.status != "archived"
    names = [one.name for one in page.components]
    views = page.kind == "pricing" and page.authentication == "partner"
    return visit.show(
        "page_settings.html",
        f"{page.name} ({page.slug})",  # two may have one name
        crumbs=[_CRUMB],
        facts=[
            ("Kind", text(KINDS[page.kind])),
            ("Status", badge(page.status, _TONES[page.status])),
            ("Address", link(page.slug, page.slug) if page.status == "active" else text(page.slug)),
        ],
        problems=[(one.sentence, _mended_at(one)) for one in problems(page, around)],
        updated=page.wire()["updated"],
        slug=page.slug,
        label=page.label or "",
        kind=page.kind,
        sign_in=page.authentication,
        sign_ins=_sign_ins(page.kind),
        ticks=[(name, _COMPONENTS[name], hint) for name, hint in _portal(page)],
        ticked=names,
        places=_places(page),
        positions=[(str(n), f"Position {n}") for n in range(1, len(SELF_SERVICE) + 1)],
        texts=list(_texts(page)),
        may_save=may,
        can_publish=may and page.status == "draft",
        view_as=f"{address(page)}/view-as" if views else "",
        archive=f"{address(page)}/archive" if may else "",
        cancel=_HOME,
    )


def view_as(
    visit: Visit,
    page: Page,
    partners: Iterable[Organisation],
    chosen: Organisation | None,
    offers: Iterable[Offer],
) -> Answer:
    rows = [
        (
            link(
                one.data.attributes.display_name or one.name, f"/settings/catalog/offers/{one.id}"
            ),
            several(*(cell for charge in one.data.attributes.price for cell in _price(charge)))
            if one.data.attributes.price
            else text(""),
            text(one.data.attributes.checkout.destination),
        )
        for one in offers
    ]
    title = f"{page.name} as {chosen.name}" if chosen else f"View {page.name} as…"
    columns = (Column("Offer"), Column("Price", numeric=True), Column("Checkout page"))
    return visit.show(
        "view_as.html",
        title,
        crumbs=[_CRUMB, (page.name, address(page))],
        partners=[(one.id, one.name) for one in partners],
        chosen=chosen.id if chosen else "",
        name=chosen.name if chosen else "",
        table=Table(f"What {chosen.name} sees at {page.slug}", columns, rows) if chosen else None,
    )


def ask_to_archive(visit: Visit, page: Page) -> Answer:
    return visit.show(
        "confirm.html",
        f"Archive “{page.name}”?",
        crumbs=[_CRUMB, (page.name, address(page))],
        sentence=f"Nobody can open {page.slug} any more. Another page may use the address.",
        button="Archive page",
        cancel=address(page),
    )


def _row(page: Page, around: Surroundings) -> tuple[Any, ...]:
    found = problems(page, around)
    name = link(page.name, address(page))
    counted = f"{len(found)} problem{'s' if len(found) > 1 else ''}"
    return (
        name if page.status == "active" else several(name, badge(page.status, _TONES[page.status])),
        text(KINDS[page.kind]),
        text(page.slug),
        text(_SIGN_INS[page.authentication]),
        text(_shows(page)),
        badge(counted, BAD) if found else text(""),
    )


def _mended_at(problem: Problem) -> str:
    if problem.about == "page":
        return f"{_HOME}/{problem.id}"
    offers = "/settings/catalog/offers"
    if problem.about == "offer":
        return f"{offers}/{problem.id}"
    return f"{offers}?{urlencode({'label': problem.id})}"


def _shows(page: Page) -> str:
    if page.label is not None and page.kind == "pricing":
        return f"Offers labelled {page.label}"
    return ", ".join(_COMPONENTS[one.name] for one in page.components)


def _sign_ins(kind: str) -> list[tuple[str, str, str]]:
    """As far as the kind allows."""
    partner = ("partner", _SIGN_INS["partner"], "Users of partner organisations")
    customer = ("customer", _SIGN_INS["customer"], "People who bought for themselves")
    return [partner] if kind == "portal" else [partner, customer]


def _portal(page: Page) -> Sequence[tuple[str, str]]:
    return _PORTAL if page.kind == "portal" else ()


def _places(page: Page) -> list[tuple[str, str, str]]:
    """Of self-service: field, words, and where the component stands; empty where it does not."""
    if page.kind != "self_service":
        return []
    order = [one.name for one in page.components if one.name in SELF_SERVICE]
    at: dict[str, str] = {name: str(position) for position, name in enumerate(order, 1)}
    return [(f"place-{name}", _COMPONENTS[name], at.get(name, "")) for name in SELF_SERVICE]


def _texts(page: Page) -> Iterable[tuple[str, list[tuple[str, str, str, bool]]]]:
    """By component: field, label, text as it is, and whether it is one line."""
    stored: dict[str, Mapping[str, Any]] = {one.name: one.options.wire() for one in page.components}
    for name, asked in OPTIONS.items():
        if name in stored:
            fields = [
                (f"{name}-{one}", _TEXTS[one], str(stored[name].get(one, "")), one == "title")
                for one in asked
            ]
            yield _COMPONENTS[name], fields


def _price(charge: Any) -> tuple[Any, Any]:
    rhythm = formats.rhythm(charge.repeat_interval, charge.repeat_interval_type)
    return amount(charge.value, charge.currency_code), text(rhythm)


def _may_save(visit: Visit) -> bool:
    return "admin" in visit.operator.groups
