"""`checkout`: an offer is ordered here, by a partner user for a customer or by a customer.

Its address names the offer, `?offer=…`; for partner users it may name a customer of theirs beside
it. `n` is the form's one-time key: it stays in the address, so that going back to a form that was
sent leads to the order that it became, not to a second one. `?order=…` is the page of an order.
"""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, NamedTuple

from tessera.catalog.models import ComponentOptions, Offer, Page
from tessera.commerce.acceptance import OrderExists
from tessera.commerce.callers import Caller
from tessera.commerce.customer_search import LONGEST_FILTER
from tessera.commerce.eligibility import LATEST_FOR_PARTNERS, OfferChanged
from tessera.commerce.models import Customer
from tessera.commerce.payment_methods import NewForm, open_form
from tessera.edge.pages import formats
from tessera.edge.pages.cells import Cell, text
from tessera.edge.pages.forms import number
from tessera.edge.pages.locations import origin_of, with_query
from tessera.edge.pages.visit import Answer, Visit
from tessera.errors import Conflict, FieldError, InvalidFields, NotFound, invalid
from tessera.identity.sessions import new_token
from tessera.integrations.countries import all_countries, country_name
from tessera.partners import customers as partner_customers

from . import cards
from .asking import Failed
from .blocks import Block, Place
from .cards import default_of
from .methods import methods_seen
from .order_page import OrderPage
from .own import Belongings
from .step import in_fields
from .wording import display_name, price_of, term_of_offer
from .world import World

_KEY = re.compile(r"[\w-]{16,64}", re.ASCII)
_FOUND = 8
_MOST = 100_000
"""Customers that a search shows."""

_PERSON = {
    "customerDetails.firstName": "Fill in the first name",
    "customerDetails.lastName": "Fill in the last name",
    "customerDetails.email": "Fill in the email address",
}
_ADDRESS = {
    "address1": "Fill in the first line of the address",
    "city": "Fill in the city",
    "postalCode": "Fill in the postal code",
    "country": "Choose the country",
}
_DETAILS = ("firstName", "lastName", "email", "companyName", "phone")
_MEMBERS = ("address1", "address2", "city", "state", "postalCode", "country")
_REFERENCE = "payment.zuora.refId"
_OF_CARD = ("component", _REFERENCE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

_FIELDS = {
    name: name
    for name in (
        *(f"customerDetails.{one}" for one in _DETAILS),
        *(f"{kind}Details.{one}" for kind in ("billing", "delivery") for one in _MEMBERS),
        *("quantity", "effectiveDate", "external_id", "payment"),
    )
} | {"orderItems[0].quantity": "quantity"}
"""Members of an order that are fields of the form."""


class _Scene(NamedTuple):
    visit: Visit
    page: Page
    caller: Caller
    offer: Offer
    today: date
    customer: Customer | None
    """Whom it is for, if it is somebody known."""

    @property
    def is_partner(self) -> bool:
        return self.caller.kind == "partner"

    @property
    def invoiced_to_partner(self) -> bool:
        return self.is_partner and self.visit.partner.organisation.is_zuora_invoice_owner

    @property
    def here(self) -> str:
        return with_query(self.page.slug, offer=self.offer.id)

    @property
    def countries(self) -> list[tuple[str, str]]:
        allowed = self.offer.data.attributes.allowed_countries
        if allowed is None:
            return all_countries()
        return [(code, country_name(code) or code) for code in allowed]


class Checkout:
    def __init__(self, world: World, own: Belongings) -> None:
        self._world = world
        self._own = own
        self._order = OrderPage(world)

    def show(self, visit: Visit, page: Page, options: ComponentOptions) -> Block:
        """Raises `NotFound` for an offer that is not for this visitor."""
        if visit.kind is None:
            raise NotFound("There is no checkout without sign-in.")
        if "order" in visit.query:
            return self._order.show(visit, page, options)
        if "offer" not in visit.query:
            return _nothing_chosen(visit, options, page)
        scene = self._scene(visit, page)
        if not _KEY.fullmatch(visit.query.get("n", "")):
            chosen = scene.customer.id if scene.customer and scene.is_partner else None
            address = with_query(
                scene.here, customer=chosen, q=visit.query.get("q"), n=new_token()[:32]
            )
            return Block("", {}, moved=visit.moved(address))
        return self._form(scene, options)

    def act(self, visit: Visit, page: Page, options: ComponentOptions) -> Answer | Block:
        if visit.kind is None:
            raise NotFound("There is no checkout without sign-in.")
        scene = self._scene(visit, page)
        with _in_words():
            body = _body(scene, self._needs_delivery(scene))
            if self._wants_card(scene) and not visit.fields.text(_REFERENCE):
                self._check(body, scene)
                return self._card(scene, options)
            placed = self._world.place(body | self._payment(scene), scene.caller)
        return visit.moved(with_query(page.slug, order=placed.id))

    def _scene(self, visit: Visit, page: Page) -> _Scene:
        caller, today = self._world.caller(visit), self._world.moment().today
        offer = self._world.catalog.offer(visit.query.get("offer", ""))
        if offer is None or offer.data.record_subtype != "standard" or not _is_for(offer, caller):
            raise NotFound("There is no such offer.", code="offer_not_found")
        return _Scene(visit, page, caller, offer, today, self._customer(visit, caller))

    def _customer(self, visit: Visit, caller: Caller) -> Customer | None:
        owners = self._world.owners
        if caller.kind == "partner":
            id = visit.query.get("customer")
            return partner_customers.read(id, by=visit.partner, customers=owners) if id else None
        ownership = owners.ownership(caller.owner or "")
        known = (
            [one.id for one in ownership.customers if one.partner_org is None] if ownership else []
        )
        return owners.customer(known[0]) if known else None

    def _form(self, scene: _Scene, options: ComponentOptions) -> Block:
        visit, offer = scene.visit, scene.offer
        visit.form.key = visit.query["n"]
        attributes, locale = offer.data.attributes, visit.locale
        latest = scene.today + LATEST_FOR_PARTNERS
        return Block(
            "components/checkout.html",
            {
                "text": options.text or "",
                "summary": list(_summary(scene)),
                "version": offer.version,
                "is_partner": scene.is_partner,
                "customer": _person(scene.customer) if scene.customer else "",
                "is_known": scene.customer is not None,
                "anew": with_query(scene.here, n=visit.query["n"]),
                "address": visit.path,
                "offer": offer.id,
                "key": visit.query["n"],
                "q": visit.query.get("q", ""),
                "longest": LONGEST_FILTER,
                "found": self._found(scene),
                "has_delivery": self._needs_delivery(scene) and scene.customer is None,
                "countries": scene.countries,
                "many": attributes.allow_multibuy,
                "today": scene.today.isoformat(),
                "start_hint": f"From today to {formats.day(latest, locale)}",
                "ways": self._ways(scene),
                "card": self._card_words(scene),
            },
            title=options.title or f"Order {display_name(offer)}",
        )

    def _found(self, scene: _Scene) -> list[tuple[str, str, str]] | None:
        """Customers whose name begins as typed; `None` while nobody is looked for."""
        visit, wanted = scene.visit, scene.visit.query.get("q", "").strip()[:LONGEST_FILTER]
        if not scene.is_partner or not wanted:
            return None
        found = partner_customers.list_page(
            wanted,
            limit=_FOUND,
            cursor=None,
            by=visit.partner,
            customers=self._world.customers,
            cursors=self._world.cursors,
        )
        return [
            (
                one.get("accountName") or one.get("email") or "Without a name",
                one.get("email", ""),
                with_query(scene.here, customer=one["id"], n=visit.query["n"]),
            )
            for one in found["items"]
        ]

    def _needs_delivery(self, scene: _Scene) -> bool:
        bundled = [one.product.id for one in scene.offer.data.product_bundles]
        products = self._world.catalog.products(bundled)
        return any(one.attributes.has_delivery for one in products.values())

    def _ways(self, scene: _Scene) -> list[tuple[str, str, str]]:
        """How it is paid, where the person has a choice."""
        if not scene.is_partner or scene.invoiced_to_partner:
            return []
        ways = [("invoice", "On account", "The customer pays by invoice")]
        if self._world.billing.has_card_form:
            ways.append(("card", "By card", "Asked for on the next page"))
        return ways

    def _card_words(self, scene: _Scene) -> str:
        """For customers, who have no choice."""
        if scene.is_partner:
            return ""
        default = self._default(scene)
        return f"Paid by {default}." if default else "Your card is asked for on the next page."

    def _default(self, scene: _Scene) -> str:
        """What the customer's account pays by already; empty without any."""
        if scene.customer is None:
            return ""
        found = methods_seen(self._world, self._own.of(scene.visit))
        default = None if isinstance(found, Failed) else default_of(found, scene.customer.id)
        return cards.name_of(default) if default else ""

    def _wants_card(self, scene: _Scene) -> bool:
        if not scene.is_partner:
            return not self._default(scene)
        return bool(self._ways(scene)) and scene.visit.fields.text("payment") == "card"

    def _payment(self, scene: _Scene) -> dict[str, Any]:
        reference = scene.visit.fields.text(_REFERENCE)
        if reference and self._wants_card(scene):
            return {"payment": {"type": "zuora", "zuora": {"refId": reference}}}
        if self._ways(scene):
            if scene.visit.fields.text("payment") != "invoice":
                raise invalid("payment", "Choose how it is paid", "required")
            return {"payment": {"type": "invoice"}}
        return {}

    def _check(self, body: dict[str, Any], scene: _Scene) -> None:
        """Before a card is asked for: what could not be ordered is said first."""
        try:
            self._world.preview(body, scene.caller)
        except InvalidFields as refusal:
            others = [one for one in refusal.errors if not one.field.startswith("payment")]
            if others:
                raise InvalidFields(others) from refusal

    def _card(self, scene: _Scene, options: ComponentOptions) -> Block:
        visit = scene.visit
        visit.form.key = visit.query.get("n") or visit.form.key
        form = open_form(
            NewForm(currency=scene.offer.currency),
            caller=scene.caller,
            objects=self._world.owners,
            billing=self._world.billing.methods(waits=True),
            forms=self._world.forms,
            now=self._world.moment().now,
        )
        typed = [(name, value) for name, value in visit.fields.own if name not in _OF_CARD]
        return Block(
            "components/checkout_card.html",
            {
                "script": form.script,
                "params": json.dumps(form.params),
                "typed": typed,
                "summary": list(_summary(scene)),
                "back": with_query(scene.here, n=visit.query.get("n")),
            },
            title=f"Pay for {display_name(scene.offer)}",
            card_page=origin_of(form.script),
        )


@contextmanager
def _in_words() -> Iterator[None]:
    """What the rules say of an order, said to whoever filled in the form."""
    try:
        with in_fields(_FIELDS):
            yield
    except OfferChanged as changed:
        raise Conflict(
            "This offer has changed since you opened the page, so nothing was ordered. Look at it"
            " as it is now, then place the order again.",
            code=changed.wire_code,
        ) from changed
    except OrderExists as earlier:
        raise invalid(
            "external_id", "Another order has this reference. Give this one its own."
        ) from earlier


def _is_for(offer: Offer, caller: Caller) -> bool:
    if caller.partner_org is not None:
        return offer.is_visible_to(caller.partner_org)
    return offer.is_visible_online()


def _body(scene: _Scene, has_delivery: bool) -> dict[str, Any]:
    """The order as typed, without how it is paid. Raises `InvalidFields` naming each field."""
    fields, errors = scene.visit.fields, []
    quantity = number(fields.text("quantity") or "1")
    if quantity is None or not 0 < quantity <= _MOST:
        errors.append(FieldError("quantity", "invalid_value", "Give a whole number from 1"))
    version = fields.optional("version")
    item = {"offer": {"id": scene.offer.id, "version": version}, "quantity": quantity}
    body: dict[str, Any] = {"order_type": "new", "orderItems": [item]}
    if scene.customer is None:
        errors += _missing(scene, _PERSON)
        body["customerDetails"] = _given(scene, "customerDetails", _DETAILS)
        errors += _missing(scene, {f"billingDetails.{n}": said for n, said in _ADDRESS.items()})
        body["billingDetails"] = _given(scene, "billingDetails", _MEMBERS)
        if has_delivery and fields.ticked("same"):
            body["deliveryDetails"] = body["billingDetails"]
        elif has_delivery:
            needed = {f"deliveryDetails.{name}": said for name, said in _ADDRESS.items()}
            errors += _missing(scene, needed)
            body["deliveryDetails"] = _given(scene, "deliveryDetails", _MEMBERS)
        email = fields.text("customerDetails.email")
        if email and not _EMAIL.fullmatch(email):
            said = "Write the email address as name@example.com"
            errors.append(FieldError("customerDetails.email", "invalid_value", said))
    elif scene.is_partner:
        body["customer"] = scene.customer.id
    if scene.is_partner:
        if reference := fields.optional("external_id"):
            body["external_id"] = reference
        if start := fields.optional("effectiveDate"):
            try:
                body["effectiveDate"] = date.fromisoformat(start).isoformat()
            except ValueError:
                said = f"Write the day as {scene.today.isoformat()}"
                errors.append(FieldError("effectiveDate", "invalid_value", said))
    if errors:
        raise InvalidFields(errors)
    return body


def _missing(scene: _Scene, needed: dict[str, str]) -> list[FieldError]:
    return [
        FieldError(field, "required", said)
        for field, said in needed.items()
        if not scene.visit.fields.text(field)
    ]


def _given(scene: _Scene, path: str, members: Iterable[str]) -> dict[str, str]:
    typed = {name: scene.visit.fields.text(f"{path}.{name}") for name in members}
    return {name: value for name, value in typed.items() if value}


def _summary(scene: _Scene) -> Iterator[tuple[str, Cell]]:
    offer, locale = scene.offer, scene.visit.locale
    yield "Offer", text(display_name(offer))
    for charge in offer.data.attributes.price:
        name = charge.name if len(offer.data.attributes.price) > 1 else None
        yield name or "Price", text(price_of([charge], locale))
    if term := term_of_offer(offer):
        yield "Term", text(term)
    if scene.is_partner:
        name = scene.visit.partner.organisation.name
        yield "Invoiced to", text(name if scene.invoiced_to_partner else "Your customer")
    yield "Tax", text("Added on the invoice")


def _person(customer: Customer) -> str:
    data = customer.data
    person = " ".join(one for one in (data.first_name, data.last_name) if one)
    said = [data.company_name, person, data.email]
    return ", ".join(one for one in said if one)


def _nothing_chosen(visit: Visit, options: ComponentOptions, page: Page) -> Block:
    pages = visit.place.pages if isinstance(visit.place, Place) else ()
    offers = next(
        (
            one.slug
            for one in pages
            if one.kind == "pricing"
            and one.status == "active"
            and one.authentication in (visit.kind, "none")
        ),
        "",
    )
    return Block(
        "components/nothing_chosen.html",
        {"text": options.empty or "No offer is chosen yet.", "offers": offers},
        title=options.title or page.name,
    )
