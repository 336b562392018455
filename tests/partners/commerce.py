"""Customers of several organisations with what they have, for looking at them as a partner."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tessera import ids
from tessera.commerce.entitlements import OwnedCustomer, Ownership
from tessera.commerce.models import (
    Customer,
    CustomerData,
    Holding,
    Order,
    Owner,
    PlacedBy,
    Price,
    SoldOffer,
    SubscriptionData,
    SubscriptionOffer,
    SubscriptionOfferData,
)
from tessera.commerce.subscriptions import age
from tests.builders import NOW, TODAY
from tests.partners.organisations import ACME


def owner(n: int = 1, partner_org: str | None = ACME) -> Owner:
    return Owner(id=f"id-{n:032x}", partner_org=partner_org, created=NOW, updated=NOW)


def customer(n: int = 1, partner_org: str | None = ACME, **detail: Any) -> Customer:
    """Ana Lopes of Lopes Ltd, the `n`th minute after."""
    data = {
        "first_name": "Ana",
        "last_name": "Lopes",
        "email": "ana@example.com",
        "company_name": "Lopes Ltd",
        **{name: detail.pop(name) for name in list(detail) if name in CustomerData.model_fields},
    }
    made = NOW + timedelta(minutes=n)
    return Customer(
        **{
            "id": f"cus-{n:032x}",
            "owner": owner(n).id,
            "partner_org": partner_org,
            "created": made,
            "updated": made,
            "data": CustomerData(**data),
            **detail,
        }
    )


def holding(n: int = 1, partner_org: str | None = ACME, **detail: Any) -> Holding:
    return Holding(
        **{
            "id": f"sub-{n:032x}",
            "status": "active",
            "owner": owner(n).id,
            "partner_org": partner_org,
            "created": NOW,
            "updated": NOW,
            "data": SubscriptionData(start_date=TODAY),
            **detail,
        }
    )


def sold_at(amount: str, n: int, partner_org: str, *eligible: str) -> SubscriptionOffer:
    """What a holding has, its offer with the price among its attributes as it was sold."""
    attributes: dict[str, Any] = {"price__limio": [{"value": Decimal(amount)}]}
    if eligible:
        attributes["eligible_partners__limio"] = list(eligible)
    return SubscriptionOffer(
        id=f"subscription_offer-{n:032x}",
        status="active",
        related=f"sub-{n:032x}",
        owner=owner(n).id,
        partner_org=partner_org,
        created=NOW,
        updated=NOW,
        data=SubscriptionOfferData(
            name="Digital",
            start=TODAY,
            price=Price(amount=Decimal(amount), currency="GBP"),
            offer=SoldOffer(
                id="offer-1", version="1", path="/offers2/1", name="1", attributes=attributes
            ),
        ),
    )


def order(n: int = 1, partner_org: str | None = ACME, **detail: Any) -> Order:
    return Order(
        **{
            "id": f"order-{n:032x}",
            "order_type": "new",
            "source": "api",
            "order_date": NOW,
            "placed_by": PlacedBy(kind="partner", id="partner_user-1"),
            "data": {},
            "owner": owner(n).id,
            "partner_org": partner_org,
            "created": NOW,
            "updated": NOW,
            **detail,
        }
    )


class World:
    """Everything of everybody, as the Commerce table answers for it."""

    def __init__(
        self,
        *,
        owners: Sequence[Owner] = (),
        customers: Sequence[Customer] = (),
        holdings: Sequence[Holding] = (),
        orders: Sequence[Order] = (),
    ) -> None:
        self.owners = {one.id: one for one in owners}
        self.customers = {one.id: one for one in customers}
        self.holdings = {one.id: one for one in holdings}
        self.orders = {one.id: one for one in orders}

    def ownership(self, id: str) -> Ownership | None:
        assert ids.is_id(id, "id"), "nothing else is asked for"
        if id not in self.owners:
            return None
        theirs = (one for one in self.customers.values() if one.owner == id)
        owned = (OwnedCustomer(id=one.id, partner_org=one.partner_org) for one in theirs)
        return Ownership(owner=self.owners[id], customers=tuple(owned))

    def holdings_of(self, owner: str) -> list[Holding]:
        return sorted((one for one in self.holdings.values() if one.owner == owner), key=age)

    def customer(self, id: str) -> Customer | None:
        assert ids.is_id(id, "cus"), "nothing else is asked for"
        return self.customers.get(id)

    def holding(self, id: str) -> Holding | None:
        assert ids.is_id(id, "sub"), "nothing else is asked for"
        return self.holdings.get(id)

    def order(self, id: str) -> Order | None:
        assert ids.is_id(id, "order"), "nothing else is asked for"
        return self.orders.get(id)
