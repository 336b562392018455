"""The catalog as commerce looks at it: what a plan may have been sold as, what can be sold now."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from tessera.catalog.models import AddOn, ForSale, Offer, ProductCopy
from tessera.commerce.mapping import Candidate
from tessera.commerce.models import OfferKind, SoldProduct
from tessera.commerce.purchased_objects import recurring_amount


class Holder(Protocol):
    """An item that holds a rate plan, with its products as they would be sold today."""

    @property
    def item(self) -> Offer | AddOn: ...

    @property
    def products(self) -> tuple[ProductCopy, ...]: ...


class Items(Protocol):
    def for_sale(self, ids: Iterable[str]) -> Mapping[str, Offer | AddOn]: ...

    def copies(self, items: Iterable[Offer | AddOn]) -> Mapping[str, tuple[ProductCopy, ...]]: ...

    def holding_plans(self, plans: Iterable[str]) -> Sequence[Holder]: ...


class Shelf:
    def __init__(self, items: Items) -> None:
        self._items = items

    def candidates(self, plans: Collection[str], *, partner_org: str | None) -> list[Candidate]:
        """What any of these product rate plans may have been sold as."""
        return [
            _candidate(holder.item, holder.products, partner_org)
            for holder in self._items.holding_plans(plans)
        ]

    def for_sale(
        self, ids: Collection[str]
    ) -> Mapping[str, tuple[ForSale, tuple[SoldProduct, ...]]]:
        """Offers and add-ons by id, each with its products as they are sold."""
        found = self._items.for_sale(ids)
        copies = self._items.copies(found.values())
        return {id: (item, _sold(copies[id])) for id, item in found.items()}


def _candidate(
    item: Offer | AddOn, products: tuple[ProductCopy, ...], partner_org: str | None
) -> Candidate:
    visible = item.is_visible_to(partner_org) if partner_org else item.is_visible_online()
    return Candidate(
        id=item.id,
        version=item.version,
        path=item.path,
        name=item.name,
        kind=_kind(item),
        is_active=item.status == "active",
        fits_channel=visible,
        plans=frozenset(item.rate_plans),
        currency=item.currency,
        amount=recurring_amount(item),
        products=_sold(products),
        attributes=item.data.attributes.wire(),
    )


def _kind(item: Offer | AddOn) -> OfferKind:
    return "add_on" if isinstance(item, AddOn) else item.data.record_subtype


def _sold(copies: Iterable[ProductCopy]) -> tuple[SoldProduct, ...]:
    return tuple(SoldProduct.model_validate(copy.wire()) for copy in copies)
