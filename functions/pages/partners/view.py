"""What the partner pages show."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from tessera.catalog.models import Offer
from tessera.commerce.models import Order
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
    logo,
    number,
    several,
    text,
)
from tessera.edge.pages.formats import words
from tessera.edge.pages.locations import image_origins
from tessera.edge.pages.tables import Paging
from tessera.edge.pages.visit import Answer, Visit
from tessera.partners.models import Organisation, PartnerUser
from tessera.partners.organisations import Created

from .desk import About, OrganisationPage

_HOME = "/settings/profile/partners"
_CRUMB = ("Partners", _HOME)
_ORDERS = "/objects/orders/limio"
_OFFERS = "/settings/catalog/offers"
_OWNERS = {True: "Partner", False: "End customer"}
_USER_STATES: dict[str, tuple[str, Tone]] = {
    "inviting": ("being invited", WAIT),
    "invited": ("invited", INFO),
    "active": ("active", GOOD),
    "removing": ("being removed", OFF),
}
_ORDER_STATES: dict[str, Tone] = {
    "submitted": WAIT,
    "processing": WAIT,
    "complete": GOOD,
    "failed": BAD,
}


class UserRow(NamedTuple):
    name: str
    email: str
    state: Cell
    seen: Cell
    edit: str
    """Addresses of what may be done; empty where it may not."""
    invite: str
    remove: str


class Users(NamedTuple):
    caption: str
    rows: list[UserRow]
    paging: Paging


def address(id: str) -> str:
    return f"{_HOME}/{id}"


def all_partners(visit: Visit, found: OrganisationPage) -> Answer:
    logos = {one.id: _logo(one) for one in found.shown}
    table = Table(
        "Partners",
        (
            Column("Partner organisation name"),
            Column("Partner Organisation ID"),
            Column("Zuora account ID"),
            Column("Zuora Invoice Owner", short=True),
            Column("Users", numeric=True),
            Column("Created"),
        ),
        [_row(one, logos[one.id]) for one in found.shown],
        visit.paging(found.next),
        "newest first",
    )
    return visit.show(
        "partners.html",
        "Partners",
        crumbs=[("Settings", "/settings"), ("Profile", "")],
        images=image_origins(logos.values()),
        table=table,
        new=f"{_HOME}/new",
    )


def new_partner(visit: Visit, *, needs_salesforce: bool) -> Answer:
    picture = visit.fields.text("logo")
    return visit.show(
        "new_partner.html",
        "Create partner",
        crumbs=[_CRUMB],
        images=image_origins([picture]),
        logo=picture if image_origins([picture]) else "",
        needs_salesforce=needs_salesforce,
        cancel=_HOME,
    )


def created(visit: Visit, made: Created, namesakes: int) -> Answer:
    organisation = made.organisation
    told = [f"{organisation.name} created: {organisation.id}."]
    if namesakes:
        others = "Another partner is" if namesakes == 1 else f"{namesakes} other partners are"
        told.append(f"{others} called {organisation.name} too.")
    told += [one.message for one in made.warnings]
    return visit.moved(address(organisation.id), " ".join(told))


def partner(
    visit: Visit, organisation: Organisation, about: About, *, menu: Collection[str]
) -> Answer:
    here = address(organisation.id)
    data, picture = organisation.data, _logo(organisation)
    is_active = organisation.status == "active"
    return visit.show(
        "partner.html",
        organisation.name,
        crumbs=[_CRUMB],
        images=image_origins([picture]),
        logo=picture,
        facts=[
            ("Partner Organisation ID", id_(organisation.id)),
            ("Status", badge("active", GOOD) if is_active else badge("archived", OFF)),
            ("Zuora account ID", id_(data.zuora_account_id)),
            ("Zuora account number", id_(data.zuora_account_number)),
            ("Zuora Invoice Owner", text(_OWNERS[data.is_zuora_invoice_owner])),
            ("Salesforce account ID", id_(data.salesforce_account_id)),
            ("Created", ago(organisation.created)),
        ],
        may_change=is_active and "admin" in visit.operator.groups,
        edit=f"{here}/edit",
        new_user=f"{here}/users/new",
        archive=f"{here}/archive" if is_active and not organisation.users else "",
        users=_users(visit, organisation, about),
        offers=_offers(about.offers, linked=_OFFERS in menu),
        orders=_orders(about.orders, linked=_ORDERS in menu),
    )


def edit_partner(visit: Visit, organisation: Organisation) -> Answer:
    picture = _logo(organisation)
    return visit.show(
        "edit_partner.html",
        f"Edit {organisation.name}",
        crumbs=[_CRUMB, (organisation.name, address(organisation.id))],
        images=image_origins([picture]),
        name=organisation.name,
        logo=organisation.data.logo or "",
        picture=picture,
        cancel=address(organisation.id),
    )


def ask_to_archive(visit: Visit, organisation: Organisation) -> Answer:
    return visit.show(
        "confirm.html",
        f"Archive “{organisation.name}”?",
        crumbs=[_CRUMB, (organisation.name, address(organisation.id))],
        sentence=f"Nobody can sell for {organisation.name} any more, and this cannot be undone."
        " Customers keep what they bought, and orders keep naming it.",
        button="Archive partner",
        cancel=address(organisation.id),
    )


def new_user(visit: Visit, organisation: Organisation) -> Answer:
    return visit.show(
        "user.html",
        f"Create user of {organisation.name}",
        crumbs=[_CRUMB, (organisation.name, address(organisation.id))],
        name="",
        email="",
        cancel=address(organisation.id),
    )


def edit_user(visit: Visit, organisation: Organisation, user: PartnerUser) -> Answer:
    return visit.show(
        "user.html",
        f"Edit name of {user.name}",
        crumbs=[_CRUMB, (organisation.name, address(organisation.id))],
        name=user.name,
        email=user.data.email,
        cancel=address(organisation.id),
    )


def ask_to_remove(visit: Visit, organisation: Organisation, user: PartnerUser) -> Answer:
    return visit.show(
        "confirm.html",
        f"Remove {user.name}",
        crumbs=[_CRUMB, (organisation.name, address(organisation.id))],
        sentence=f"{user.name} ({user.data.email}) is signed out at once and can no longer sign in"
        f" for {organisation.name}.",
        button="Remove user",
        cancel=address(organisation.id),
    )


def _row(one: Organisation, picture: str) -> tuple[Cell, ...]:
    name = logo(one.name, address(one.id), picture)
    archived = one.status == "archived"
    return (
        several(name, badge("archived", OFF)) if archived else name,
        id_(one.id),
        id_(one.data.zuora_account_number or one.data.zuora_account_id),
        text(_OWNERS[one.data.is_zuora_invoice_owner]),
        number(one.users),
        ago(one.created),
    )


def _users(visit: Visit, organisation: Organisation, about: About) -> Users:
    may_change = organisation.status == "active" and "admin" in visit.operator.groups
    return Users(
        f"Users of {organisation.name}",
        [_user(one, organisation.id, may_change) for one in about.users],
        visit.paging(about.next_users),
    )


def _user(user: PartnerUser, organisation: str, may_change: bool) -> UserRow:
    at = f"{address(organisation)}/users/{user.id}"
    is_invited = user.status == "active" and user.data.last_seen is None
    word, tone = _USER_STATES["invited" if is_invited else user.status]
    can = may_change and user.status != "removing"
    return UserRow(
        name=user.name,
        email=user.data.email,
        state=badge(word, tone),
        seen=ago(user.data.last_seen),
        edit=f"{at}/edit" if can else "",
        invite=f"{at}/invitation" if can and is_invited else "",
        remove=f"{at}/remove" if can else "",
    )


def _offers(offers: Iterable[Offer] | None, *, linked: bool) -> Table | None:
    if offers is None:
        return None
    rows = [
        (
            link(one.name, f"{_OFFERS}/{one.id}") if linked else text(one.name),
            text(", ".join(one.data.attributes.label)),
            text(", ".join(one.data.attributes.sales_channel or ())),
        )
        for one in offers
    ]
    columns = (Column("Offer"), Column("Offer label"), Column("Sales Channel"))
    return Table("Offers it may buy", columns, rows)


def _orders(orders: Iterable[Order] | None, *, linked: bool) -> Table | None:
    if orders is None:
        return None
    rows = [
        (
            link(_reference(one), f"{_ORDERS}/{one.id}") if linked else text(_reference(one)),
            text(words(one.order_type)),
            badge(one.status, _ORDER_STATES[one.status]),
            ago(one.created),
        )
        for one in orders
    ]
    columns = (Column("Reference", short=True), Column("Type"), Column("Status"), Column("Placed"))
    return Table("Recent orders", columns, rows, sorted_by="newest first")


def _reference(order: Order) -> str:
    return order.reference or order.id


def _logo(organisation: Organisation) -> str:
    """Empty where the address's host cannot be named in the page's policy."""
    found = organisation.data.logo or ""
    return found if image_origins([found]) else ""
