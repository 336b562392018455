"""Whether anything can be chosen for a subscription, so that no link leads to an empty form."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import NamedTuple, Protocol

from tessera.catalog.models import ForSale, Offer
from tessera.commerce.baskets import choices
from tessera.commerce.callers import Caller
from tessera.commerce.models import Holding, SoldProduct
from tessera.commerce.subscriptions import is_in_force, on_day, plans_on


class Items(Protocol):
    def for_sale(self, ids: Iterable[str]) -> Mapping[str, ForSale]: ...


class OnOffer(NamedTuple):
    plans: bool
    add_ons: bool
    """More of them, or others; those held can be given up."""


def on_offer(
    holdings: Collection[Holding], caller: Caller, today: date, items: Items
) -> dict[str, OnOffer]:
    """By subscription. Two batch reads for all of them (up to 100 items each)."""
    running = [on_day(one, today) for one in holdings]
    once = _Once(items)
    sold = once.read({plan.data.offer.id for one in running for plan in plans_on(one, today)})
    once.read({id for offer in sold if isinstance(offer, Offer) for id in _led_to(offer)})
    return {one.id: _of(one, caller, today, once) for one in running}


def _of(holding: Holding, caller: Caller, today: date, shop: "_Once") -> OnOffer:
    plans = plans_on(holding, today)
    found = [choices(holding, plan, plans, caller, shop) for plan in plans]
    return OnOffer(
        plans=any(one.upgrades or one.downgrades for one in found),
        add_ons=any(one.add_ons for one in found)
        or any(is_in_force(one, today) for one in holding.add_ons),
    )


def _led_to(offer: Offer) -> Iterable[str]:
    attributes = offer.data.attributes
    for led_to in (
        attributes.upgrade_offers,
        attributes.downgrade_offers,
        attributes.cross_sell_addons,
        attributes.save_offers,
    ):
        yield from (one.id for one in led_to)


class _Once:
    """The catalog's items, each read once, and without products: choosing needs none."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self._known: dict[str, ForSale | None] = {}

    def read(self, ids: Collection[str]) -> list[ForSale]:
        missing = [id for id in ids if id not in self._known]
        if missing:
            found = self._items.for_sale(missing)
            self._known |= {id: found.get(id) for id in missing}
        return [item for id in ids if (item := self._known[id]) is not None]

    def for_sale(
        self, ids: Collection[str]
    ) -> Mapping[str, tuple[ForSale, tuple[SoldProduct, ...]]]:
        return {one.id: (one, ()) for one in self.read(ids)}
