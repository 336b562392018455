"""`addresses`: where invoices and deliveries go, and changing either."""

from typing import Any, get_args

from tessera.catalog.models import ComponentOptions, Page
from tessera.commerce.models import Address, AddressData, AddressKind, Customer
from tessera.edge.pages.app import Answer, Visit
from tessera.edge.pages.locations import with_query
from tessera.errors import FieldError, InvalidFields, NotFound
from tessera.integrations.countries import all_countries, country_name

from . import payments
from .blocks import Block
from .own import Belongings, Own, nothing_found
from .subpages import asked, crumbs
from .world import World

_TITLES: dict[AddressKind, str] = {
    "billing": "Billing address",
    "delivery": "Delivery address",
}
_REQUIRED = {
    "address.address1": "Fill in the first line of the address",
    "address.city": "Fill in the city",
    "address.postalCode": "Fill in the postal code",
    "address.country": "Choose the country",
}
_MEMBERS = ("address1", "address2", "city", "state", "postalCode", "country")


class Addresses:
    def __init__(self, world: World, own: Belongings) -> None:
        self._world = world
        self._own = own

    def show(self, visit: Visit, page: Page, options: ComponentOptions) -> Block | None:
        own = self._own.of(visit)
        match asked(visit):
            case "address":
                return self._form(visit, own, page)
            case "":
                if not own.holdings:
                    return nothing_found(visit, page, "addresses", options)
                return self._list(visit, own, options)
        return None

    def act(self, visit: Visit, page: Page, options: ComponentOptions) -> Answer:
        own = self._own.of(visit)
        customer, kind = self._named(visit, own)
        given = {name: visit.fields.optional(f"address.{name}") for name in _MEMBERS}
        missing = [
            FieldError(field, "required", said)
            for field, said in _REQUIRED.items()
            if given[field.removeprefix("address.")] is None
        ]
        if missing:
            raise InvalidFields(missing)
        self._world.place(
            {
                "order_type": "change_address",
                "forSubscription": {"id": own.on_account(customer.id)[0].id},
                "addressType": kind,
                "address": {name: value for name, value in given.items() if value is not None},
            },
            own.caller,
        )
        return visit.moved(visit.path, f"{_TITLES[kind]} changed")

    def _list(self, visit: Visit, own: Own, options: ComponentOptions) -> Block:
        found = {(one.related, one.relationship_type): one for one in self._stored(own)}
        ids = [one.id for one in own.holdings]
        names = dict(zip(ids, payments.told_apart(own.holdings), strict=True))
        shown = []
        accounts = set()
        for customer in self._own.customers(own.owner):
            held = own.on_account(customer.id)
            if not held:
                continue
            accounts.add(customer.id)
            for kind in get_args(AddressKind):
                address = found.get((customer.id, kind))
                if address is None and kind == "delivery":
                    continue
                shown.append(
                    {
                        "title": _TITLES[kind],
                        "of": " and ".join(dict.fromkeys(names[one.id] for one in held)),
                        "lines": _lines(address.data if address else None, customer),
                        "change": with_query(visit.path, address=f"{customer.id}.{kind}"),
                    }
                )
        return Block(
            "components/addresses.html",
            {
                "title": options.title or "Addresses",
                "addresses": shown,
                "several": len(accounts) > 1,
            },
        )

    def _form(self, visit: Visit, own: Own, page: Page) -> Block:
        customer, kind = self._named(visit, own)
        stored = {(one.related, one.relationship_type): one for one in self._stored(own)}
        address = stored.get((customer.id, kind))
        data = address.data if address else AddressData()
        countries = all_countries()
        if data.country and data.country not in dict(countries):
            countries.append((data.country, data.country))
        held = own.on_account(customer.id)
        return Block(
            "components/address.html",
            {
                "data": data,
                "countries": countries,
                "name": payments.names_of(held),
                "back": visit.path,
                "part": "shipping" if kind == "delivery" else "billing",
            },
            title=f"Change {_TITLES[kind].lower()}",
            crumbs=crumbs(visit, page.name, _TITLES[kind]),
        )

    def _named(self, visit: Visit, own: Own) -> tuple[Customer, AddressKind]:
        """Raises `NotFound`."""
        id, _, named = visit.query.get("address", "").partition(".")
        customer = next((one for one in self._own.customers(own.owner) if one.id == id), None)
        kind: AddressKind | None = next((one for one in _TITLES if one == named), None)
        if customer is None or kind is None or not own.on_account(customer.id):
            raise NotFound("There is no such address.", code="not_found")
        return customer, kind

    def _stored(self, own: Own) -> list[Address]:
        return self._own.addresses(own.owner)


def _lines(address: AddressData | None, customer: Customer) -> list[str]:
    """As on an envelope."""
    who: Any = address or customer.data
    firm = address.company if address else customer.data.company_name
    name = " ".join(part for part in (who.first_name, who.last_name) if part)
    lines = [name, firm]
    if address is not None:
        town = " ".join(part for part in (address.city, address.state, address.postal_code) if part)
        lines += [address.address1, address.address2, town, country_name(address.country)]
    return [line for line in lines if line]
