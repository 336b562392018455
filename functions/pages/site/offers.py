"""`offers`: the cards of a pricing page, those that this visitor may have."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import quote

from tessera.catalog.models import Charge, ComponentOptions, Offer, Page
from tessera.edge.pages.locations import with_query
from tessera.edge.pages.visit import Visit

from .blocks import Block
from .wording import rhythm, term_of_offer

_NOTHING = "No offers are available here at the moment."
_NOTHING_FOR_PARTNER = "No offers are available to {} here. Ask your contact."


class Labelled(Protocol):
    def of_label(self, label: str, *, visible_to: str | None = None) -> Sequence[Offer]: ...


class Offers:
    def __init__(self, catalog: Labelled) -> None:
        self._catalog = catalog

    def show(self, visit: Visit, page: Page, options: ComponentOptions) -> Block:
        empty = _NOTHING
        if visit.kind == "partner":
            organisation = visit.partner.organisation
            found = self._catalog.of_label(page.label or "", visible_to=organisation.id)
            offers = [one for one in found if one.is_visible_to(organisation.id)]
            empty = _NOTHING_FOR_PARTNER.format(organisation.name)
        else:
            found = self._catalog.of_label(page.label or "")
            offers = [one for one in found if one.is_visible_online()]
        # A save offer is shown to who leaves, not to who comes.
        standard = [one for one in offers if one.data.record_subtype == "standard"]
        in_order = sorted(standard, key=lambda one: (_recurring(one), one.name))
        return Block(
            "components/offers.html",
            {
                "text": options.text or "",
                "cards": [_card(one) for one in in_order],
                "empty": options.empty or empty,
            },
            title=options.title or page.name,
        )


def _card(offer: Offer) -> dict[str, Any]:
    attributes = offer.data.attributes
    features = (line.strip() for line in (attributes.offer_features or "").splitlines())
    address = attributes.checkout.destination
    return {
        "name": attributes.display_name or offer.name,
        "prices": [_price(charge) for charge in attributes.price],
        "term": term_of_offer(offer),
        "features": [line for line in features if line],
        "href": with_query(address, offer=offer.id),
        "button": attributes.cta_text or "Order",
        "anchor": quote(offer.id),
    }


def _price(charge: Charge) -> dict[str, Any]:
    return {
        "value": charge.value,
        "currency": charge.currency_code,
        "rhythm": rhythm(charge),
        "name": charge.name or "",
    }


def _recurring(offer: Offer) -> Decimal:
    return _sum(charge for charge in offer.data.attributes.price if charge.type == "recurring")


def _sum(charges: Iterable[Charge]) -> Decimal:
    return sum((Decimal(charge.value) for charge in charges), Decimal(0))
