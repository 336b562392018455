"""A small catalog and a subscription of it, for the rules that change subscriptions."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tessera import ids
from tessera.catalog.models import AddOn, ForSale, Offer
from tessera.commerce import prices
from tessera.commerce.acceptance import Naming
from tessera.commerce.billed import Charge
from tessera.commerce.buyers import Moment
from tessera.commerce.calendar import Interval
from tessera.commerce.callers import Caller
from tessera.commerce.changes import Prepared, prepare
from tessera.commerce.models import (
    GrantedEntitlement,
    Holding,
    OfferKind,
    PendingChange,
    Period,
    Price,
    SoldOffer,
    SoldProduct,
    SubscriptionData,
    SubscriptionOffer,
    SubscriptionOfferData,
    ZuoraSubscription,
)
from tessera.commerce.order_bodies import read_order
from tessera.commerce.schedules import Payment, expected
from tessera.errors import InvalidFields, Refusal
from tests.builders import NOW, TODAY

OWNER = "id-8606b883875fe37f1beae43c676ebc60"
ACME = "partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1"
MACHINE = Caller(kind="machine", id="3k9q5v0tq1machineclient")
OPERATOR = Caller(kind="operator", id="operator-1")
CUSTOMER = Caller(kind="customer", id="auth0|1", owner=OWNER)
PARTNER = Caller(kind="partner", id="partner_user-1", partner_org=ACME)

NUMBER = "IDEQB58U8CQL"
SUBSCRIPTION = ids.subscription_id(NUMBER)
BEGUN = date(2026, 2, 20)
PERIOD_END = date(2026, 3, 20)
"""Of the first month, which today (2 March) lies in."""
TERM_END = date(2027, 2, 20)

MONTH = Interval(1, "months")
Sale = tuple[ForSale, tuple[SoldProduct, ...]]


class Shop:
    """A catalog that keeps what it is given, by name."""

    def __init__(self, *items: Sale) -> None:
        self.items = {item.id: (item, products) for item, products in items}

    def for_sale(self, ids: Collection[str]) -> dict[str, Sale]:
        return {id: self.items[id] for id in ids if id in self.items}


def offer_id(name: str) -> str:
    return ids.derived("offer", "offer", name)


def add_on_id(name: str) -> str:
    return ids.derived("addon", "addon", name)


def product_id(name: str) -> str:
    return ids.derived("prod", "prod", name)


def price(value: str, every: Interval = MONTH, currency: str = "GBP") -> Any:
    return {
        "name": "Fee",
        "type": "recurring",
        "value": value,
        "currencyCode": currency,
        "repeat_interval": every.length,
        "repeat_interval_type": every.unit,
    }


def product(name: str, *codes: str) -> SoldProduct:
    return SoldProduct(
        id=product_id(name),
        path=f"/products/{name}",
        name=name,
        rate_plan=None,
        entitlements=tuple(GrantedEntitlement(id=f"ent-{c}", name=c, code=c) for c in codes),
    )


def offer(
    name: str, *codes: str, of: str = "Digital", status: str = "active", **attributes: Any
) -> Sale:
    """A monthly plan for £17.50, renewing each year, that grants the codes."""
    kind = attributes.pop("kind", "standard")
    given = {
        "price__limio": [price("17.50")],
        "autoRenew__limio": True,
        **{f"{key}__limio": value for key, value in attributes.items()},
    }
    discount = {"value": "50", "termLength": 3, "termType": "months"}
    item = Offer.model_validate(
        {
            "id": offer_id(name),
            "status": status,
            "name": name,
            "path": f"/offers2/{name}",
            "version": "7a38d8cbd20d9932ba948efaa364bb62651d5ad4",
            "created": NOW,
            "updated": NOW,
            "data": {
                "record_subtype": kind,
                "attributes": given,
                **({"discount": discount} if kind == "discount" else {}),
            },
        }
    )
    return item, (product(of, *codes),) if codes else ()


def add_on(name: str, *codes: str, fits: Collection[str] = ("Digital",), **attributes: Any) -> Sale:
    """£5 a month, for the products it fits."""
    status = attributes.pop("status", "active")
    given = {
        "price__limio": [price("5.00")],
        "compatible_products__limio": [reference("prod", "/products", one) for one in fits],
        **{f"{key}__limio": value for key, value in attributes.items()},
    }
    item = AddOn.model_validate(
        {
            "id": add_on_id(name),
            "status": status,
            "name": name,
            "path": f"/add_ons/{name}",
            "version": "0a38d8cbd20d9932ba948efaa364bb62651d5ad4",
            "created": NOW,
            "updated": NOW,
            "data": {"attributes": given},
        }
    )
    return item, (product(f"{name} desk", *codes),)


def reference(prefix: str, path: str, name: str) -> dict[str, str]:
    return {"id": ids.derived(prefix, prefix, name), "$ref": f"{path}/{name}"}


def offers(*names: str) -> list[dict[str, str]]:
    """References, as upgrade lists hold them."""
    return [reference("offer", "/offers2", name) for name in names]


MONTHLY = offer(
    "Digital Monthly",
    "W2",
    upgrade_offers=offers("Digital Annual", "Print"),
    downgrade_offers=offers("Basic"),
    save_offers=offers("Half price"),
)
ANNUAL = offer("Digital Annual", "SKU0010002", price=[price("180.00", Interval(1, "years"))])
PRINT = offer("Print", "PAPER", of="Paper", switch_date="immediate")
BASIC = offer("Basic", "W1", of="Basic", switch_date="term_end")
HALF_PRICE = offer("Half price", kind="discount", price=[])
SUPPORT = add_on("Support", "HELP", allow_multibuy=True)
CROSSWORDS = add_on("Crosswords", "PUZZLE", fits=("Digital", "Paper"))
CATALOG = Shop(MONTHLY, ANNUAL, PRINT, BASIC, HALF_PRICE, SUPPORT, CROSSWORDS)


def sold(sale: Sale, *, id: str = "", **data: Any) -> SubscriptionOffer:
    """As it hangs from the subscription, since its beginning."""
    item, products = sale
    kind: OfferKind = "add_on" if isinstance(item, AddOn) else "standard"
    if isinstance(item, Offer):
        kind = item.data.record_subtype
    value = next((line.value for line in item.data.attributes.price), None)
    return SubscriptionOffer(
        id=id or held_id(item.name),
        status="active",
        related=SUBSCRIPTION,
        reference=NUMBER,
        owner=OWNER,
        customer="cus-1",
        created=NOW,
        updated=NOW,
        data=SubscriptionOfferData(
            **{
                "name": item.name,
                "record_subtype": kind,
                "start": BEGUN,
                "price": value and Price(amount=value, currency="GBP"),
                "offer": SoldOffer(
                    id=item.id,
                    version=item.version,
                    path=item.path,
                    name=item.name,
                    attributes=item.data.attributes.wire(),
                ),
                "products": products,
                **data,
            }
        ),
    )


def held_id(name: str) -> str:
    return ids.derived("subscription_offer", "subscription_offer", name)


def subscription(
    *offers: SubscriptionOffer,
    status: str = "active",
    partner_org: str | None = None,
    **data: Any,
) -> Holding:
    """Digital Monthly since 20 February for a year, renewing, paid on the 20th of each month."""
    held = offers or (sold(MONTHLY),)
    bare = Holding(
        id=SUBSCRIPTION,
        status=status,
        name=NUMBER,
        reference=NUMBER,
        owner=OWNER,
        customer="cus-1",
        partner_org=partner_org,
        created=NOW,
        updated=NOW,
        data=SubscriptionData(
            **{
                "name": held[0].data.name,
                "start_date": BEGUN,
                "term_start_date": BEGUN,
                "term_end_date": TERM_END,
                "auto_renew": True,
                "currency": "GBP",
                "purchase_country": "GB",
                "price": prices.shown(Decimal("17.50"), "GBP", Interval(1, "months")),
                "current_period": Period(start=BEGUN, end=PERIOD_END),
                "zuora": ZuoraSubscription(number=NUMBER),
                **data,
            }
        ),
        offers=tuple(one for one in held if one.data.record_subtype != "add_on"),
        add_ons=tuple(one for one in held if one.data.record_subtype == "add_on"),
    )
    paid = Charge(
        name="Fee",
        product="Digital",
        plan="Digital Monthly",
        price=Decimal("17.50"),
        quantity=1,
        currency="GBP",
        every=Interval(1, "months"),
        start=PERIOD_END,
        end=None,
        charged_through=None,
    )
    due = [Payment(day, (paid,)) for day in (PERIOD_END, date(2026, 4, 20))]
    rows = expected(bare, due, status="pending-external", now=NOW)
    return bare.model_copy(update={"schedule": tuple(rows)})


def pending(day: date, order_type: str = "change_offer") -> PendingChange:
    return PendingChange(order="order-1", order_type=order_type, effective_date=day)


def body(order_type: str, **members: Any) -> dict[str, Any]:
    return {"order_type": order_type, "forSubscription": {"id": SUBSCRIPTION}, **members}


def moment(today: date = TODAY) -> Moment:
    return Moment(NOW, today, "test")


def prepared(
    order: dict[str, Any],
    holding: Holding | None = None,
    *,
    by: Caller = MACHINE,
    shop: Shop = CATALOG,
    today: date = TODAY,
) -> Prepared:
    """What the order does to the subscription, by the rules and nothing else."""
    request: Any = read_order(order)
    naming = Naming(id="order-01c97b3d18337e3e3ce5809a5439a15d", fingerprint="f")
    return prepare(request, by, holding or subscription(), shop, moment(today), naming)


def refused(
    order: dict[str, Any], holding: Holding | None = None, **options: Any
) -> tuple[str, str]:
    """The field that is at fault, and the code."""
    with pytest.raises(InvalidFields) as refusal:
        prepared(order, holding, **options)
    (error,) = refusal.value.errors
    return error.field, error.code


def status_of(
    order: dict[str, Any], holding: Holding | None = None, **options: Any
) -> tuple[int, str]:
    """Of a refusal that is not about a field."""
    with pytest.raises(Refusal) as refusal:
        prepared(order, holding, **options)
    return refusal.value.status, refusal.value.wire_code
