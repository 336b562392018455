"""The offers that a partner organisation may sell: those of its channel that name it."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from tessera.catalog.models import AddOn, Offer
from tessera.identity.principal import Partner

_LEADS_TO = (
    "upgrade_offers__limio",
    "downgrade_offers__limio",
    "save_offers__limio",
    "cross_sell_addons__limio",
)


class Catalog(Protocol):
    def of_label(self, label: str, *, visible_to: str | None = None) -> Sequence[Offer]: ...

    def for_sale(self, ids: Iterable[str]) -> Mapping[str, Offer | AddOn]: ...


def list_offers(label: str, *, by: Partner, catalog: Catalog) -> dict[str, Any]:
    """`{"items": [offer…]}` by price, then name.

    No other organisation is named, and no offer that this one may not have.
    """
    offers = catalog.of_label(label, visible_to=by.partner_org)
    visible = [offer for offer in offers if offer.is_visible_to(by.partner_org)]
    in_order = sorted(visible, key=lambda offer: (_price(offer), offer.name))
    shown = [offer.wire() for offer in in_order]
    led_to = {one["id"] for offer in shown for name in _LEADS_TO for one in _led_to(offer, name)}
    known = catalog.for_sale(sorted(led_to)) if led_to else {}
    may_have = {id for id, one in known.items() if one.is_visible_to(by.partner_org)}
    for offer in shown:
        attributes = offer["data"]["attributes"]
        attributes["eligible_partners__limio"] = [by.partner_org]
        for name in _LEADS_TO:
            if name in attributes:
                attributes[name] = [o for o in attributes[name] if o["id"] in may_have]
    return {"items": shown}


def _price(offer: Offer) -> Decimal:
    return sum((Decimal(charge.value) for charge in offer.data.attributes.price), Decimal(0))


def _led_to(offer: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = offer["data"]["attributes"].get(name, ())
    return found
