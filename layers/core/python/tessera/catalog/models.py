"""The items of the catalog: entitlements, products, offers, add-ons and pages.

Entitlements are selected on products, offers and add-ons hold products, subscriptions hold offers
and add-ons. Wire forms and field rules: README, "Catalog".
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, ValidationInfo, field_validator

from tessera import money
from tessera.catalog.fields import (
    Code,
    Count,
    Country,
    Currency,
    DecimalText,
    Destination,
    Label,
    Line,
    Name,
    Notice,
    Organisation,
    Prose,
    Slug,
    Status,
    Unit,
    ZuoraId,
    at_least_one,
    each_once,
)
from tessera.catalog.kinds import KINDS, Kind
from tessera.catalog.references import (
    AddOnReference,
    EntitlementReference,
    OfferReference,
    ProductReference,
)
from tessera.objects import Model, Record

MOST_LABELS = 10
MOST_BUNDLES = 20
"""An offer's row, its name, and old and new labels and rate plans: 2 + 2 x (10 + 20) writes."""

Channel: TypeAlias = Literal["Online", "Salesforce", "Partner"]

_ONCE = AfterValidator(each_once)
_Entitlements = Annotated[tuple[EntitlementReference, ...], Field(max_length=50), _ONCE]
_Products = Annotated[tuple[ProductReference, ...], Field(max_length=20), _ONCE]
_Offers = Annotated[tuple[OfferReference, ...], Field(max_length=20), _ONCE]
_AddOns = Annotated[tuple[AddOnReference, ...], Field(max_length=20), _ONCE]
_Labels = Annotated[tuple[Label, ...], Field(max_length=MOST_LABELS), _ONCE]
_Channels = Annotated[tuple[Channel, ...], _ONCE]
_Organisations = Annotated[tuple[Organisation, ...], Field(max_length=500), _ONCE]
_Countries = Annotated[
    tuple[Country, ...], Field(max_length=250), _ONCE, AfterValidator(at_least_one)
]


class Item(Record):
    """What all items have in common. The name never changes: it is part of the path."""

    catalog_kind: ClassVar[Kind]
    name: Name
    path: str
    status: Status

    def content(self) -> dict[str, Any]:
        """All of it that a save can change, as JSON members."""
        kept = self.wire()
        for member in ("version", "created", "updated"):
            kept.pop(member, None)
        return kept


class Entitlement(Item):
    """A feature or an access that customers get."""

    catalog_kind: ClassVar[Kind] = "entitlements"
    prefix: ClassVar[str] = KINDS["entitlements"].prefix
    record_type: Literal["entitlement"] = "entitlement"
    label: Line
    code: Code | None = None

    @property
    def effective_code(self) -> str:
        """What outside systems know it by: without a code, its name."""
        return self.code or self.name


class _Attributes(Model):
    """Members that existing readers know with the suffix `__limio`."""

    model_config = ConfigDict(alias_generator=lambda name: f"{name}__limio")


class ProductAttributes(_Attributes):
    display_name: Line | None = None
    product_code: Line | None = None
    has_delivery: StrictBool = False


class Product(Item):
    catalog_kind: ClassVar[Kind] = "products"
    prefix: ClassVar[str] = KINDS["products"].prefix
    record_type: Literal["product"] = "product"
    attributes: ProductAttributes = ProductAttributes()
    entitlements: _Entitlements = ()


DISCOUNTS = frozenset({"Discount-Percentage", "Discount-Fixed Amount"})
"""The charge models that take something off other charges."""


class PlanCharge(Model):
    """A charge of a product rate plan, as Zuora has it: what decides how a price is sent there."""

    id: str
    name: str | None = None
    model: str
    """`Flat Fee Pricing`, `Per Unit Pricing`, `Discount-Percentage`, …"""
    type: str
    """`Recurring`, `OneTime` or `Usage`."""


class Bundle(Model):
    """A product as it is sold: with the Zuora product rate plan that bills it."""

    product: ProductReference
    rate_plan: ZuoraId | None = None
    """Without one the offer cannot become active."""
    charges: tuple[PlanCharge, ...] | None = None
    """The rate plan's, written by us on every save; absent while Zuora could not be asked."""


class Charge(Model):
    """One line of a price. With `rate_plan_charge` its value is sent to Zuora as that charge's."""

    name: Line | None = None
    type: Literal["recurring", "one_time"]
    trigger: Literal["subscription_start"] = "subscription_start"
    currency_code: Currency = Field(alias="currencyCode")
    value: DecimalText
    repeat_interval: Count | None = None
    repeat_interval_type: Unit | None = None
    rate_plan_charge: ZuoraId | None = None

    @field_validator("value")
    @classmethod
    def _in_its_currency(cls, value: DecimalText, info: ValidationInfo) -> DecimalText:
        currency = info.data.get("currency_code")
        if currency is None:
            return value
        rounded = money.rounded(value, currency)
        if rounded != value:
            raise ValueError(f"{currency} has {money.decimals(currency)} decimals")
        return rounded


class Term(Model):
    renewal_type: Literal["TERMED", "EVERGREEN"] = "TERMED"
    length: Count | None = None
    type: Unit | None = None
    renewal_trigger: Literal["EXTERNAL"] = "EXTERNAL"


class Checkout(Model):
    """Where an offer is bought: `/checkout`, another page of this site or another site."""

    checkout_type: Literal["standard", "external"]
    external_url: Destination | None = None

    @property
    def destination(self) -> str:
        return self.external_url or "/checkout"


class Discount(Model):
    """A percentage or an amount, as the charge in Zuora says, for a time."""

    value: DecimalText
    term_length: Count = Field(alias="termLength")
    term_type: Unit = Field(alias="termType")


class SaleAttributes(_Attributes):
    """What offers and add-ons have in common."""

    display_name: Line | None = None
    offer_features: Prose | None = None
    cta_text: Line | None = None
    label: _Labels = ()
    sales_channel: _Channels | None = None
    """Absent: online. An empty list: in no channel."""
    eligible_partners: _Organisations = ()
    price: tuple[Charge, ...] = Field(default=(), max_length=10)
    allow_multibuy: StrictBool = False
    allowed_countries: _Countries | None = None


class OfferAttributes(SaleAttributes):
    checkout: Checkout = Checkout(checkout_type="standard")
    term: Term = Term(length=12, type="months")
    auto_renew: StrictBool = Field(default=False, alias="autoRenew__limio")
    switch_date: Literal["immediate", "next_payment", "term_end"] = "next_payment"
    """When a switch to this offer takes hold."""
    cancel_date: Literal["period_end", "term_end"] = "period_end"
    upgrade_offers: _Offers = ()
    downgrade_offers: _Offers = ()
    save_offers: _Offers = ()
    cross_sell_addons: _AddOns = ()


class AddOnAttributes(SaleAttributes):
    compatible_products: _Products = ()
    """None: offered with nothing."""


class SaleData(Model):
    product_bundles: tuple[Bundle, ...] = Field(
        default=(), alias="productBundles", max_length=MOST_BUNDLES
    )
    attributes: SaleAttributes


class OfferData(SaleData):
    record_subtype: Literal["standard", "discount"] = "standard"
    discount: Discount | None = None
    attributes: OfferAttributes = OfferAttributes()


class AddOnData(SaleData):
    attributes: AddOnAttributes = AddOnAttributes()


class ForSale(Item):
    """What offers and add-ons have in common: products, a price, and who may see them."""

    version: str
    """40 hexadecimal digits, SHA-1 of the content: another one after every change."""
    type: Literal["item"] = "item"
    data: SaleData

    @property
    def rate_plans(self) -> tuple[str, ...]:
        """The product rate plans in Zuora that sell it, and by which it is recognised."""
        return tuple(b.rate_plan for b in self.data.product_bundles if b.rate_plan is not None)

    @property
    def currency(self) -> str | None:
        price = self.data.attributes.price
        return price[0].currency_code if price else None

    @property
    def is_sold_to_partners(self) -> bool:
        """Is it in the channel Partner, whatever its status?"""
        return "Partner" in (self.data.attributes.sales_channel or ())

    def is_visible_online(self) -> bool:
        """To customers, and on pages without sign-in."""
        channels = self.data.attributes.sales_channel
        return self.status == "active" and (channels is None or "Online" in channels)

    def is_visible_to(self, partner_org: str) -> bool:
        """To that partner organisation; with none eligible, to nobody."""
        eligible = self.data.attributes.eligible_partners
        return self.status == "active" and self.is_sold_to_partners and partner_org in eligible


class Offer(ForSale):
    catalog_kind: ClassVar[Kind] = "offers"
    prefix: ClassVar[str] = KINDS["offers"].prefix
    record_type: Literal["offer"] = "offer"
    data: OfferData = OfferData()


class AddOn(ForSale):
    catalog_kind: ClassVar[Kind] = "add-ons"
    prefix: ClassVar[str] = KINDS["add-ons"].prefix
    record_type: Literal["add_on"] = "add_on"
    data: AddOnData = AddOnData()


class ComponentOptions(Model):
    """What a component says in place of its own words."""

    title: Line | None = None
    text: Notice | None = None
    thank_you: Notice | None = None
    empty: Notice | None = None
    failed: Notice | None = None


ComponentName: TypeAlias = Literal[
    "offers",
    "checkout",
    "subscriptions",
    "plan",
    "add_ons",
    "cancel",
    "invoices",
    "payment_methods",
    "addresses",
    "partner_customers_table",
    "partner_invoices_table",
    "update_subscription",
    "cancel_subscription",
]


class Component(Model):
    name: ComponentName
    options: ComponentOptions = ComponentOptions()


class Page(Item):
    """A page of the shop, the portal or self-service, as configuration."""

    catalog_kind: ClassVar[Kind] = "pages"
    prefix: ClassVar[str] = KINDS["pages"].prefix
    record_type: Literal["page"] = "page"
    slug: Slug
    """Its address."""
    kind: Literal["pricing", "checkout", "portal", "self_service"]
    label: Label | None = None
    """The offers that carry it are shown here."""
    authentication: Literal["none", "customer", "partner"]
    components: tuple[Component, ...] = Field(default=(), max_length=20)


AnyItem: TypeAlias = Entitlement | Product | Offer | AddOn | Page

MODELS: dict[Kind, type[AnyItem]] = {
    "entitlements": Entitlement,
    "products": Product,
    "offers": Offer,
    "add-ons": AddOn,
    "pages": Page,
}


class Advice(Model):
    """A warning: it is saved all the same, although it may not be what was meant."""

    code: str
    message: str
    field: str | None = None


class Listing(NamedTuple):
    items: Sequence[AnyItem]
    next: str | None
    """The name after which the next page begins; none on the last one."""


class EntitlementCopy(Model):
    """An entitlement as it is when it is sold."""

    id: str
    name: str
    label: str
    code: str | None = None


class ProductCopy(Model):
    """A product with its entitlements as they are when it is sold: the catalog may change after.

    `{"id", "path", "name", "rate_plan", "charges": [{"id", "name", "model", "type"}],
    "entitlements": [{"id", "name", "label", "code"?}]}`
    """

    id: str
    path: str
    name: str
    rate_plan: str | None = None
    charges: tuple[PlanCharge, ...] | None = None
    entitlements: tuple[EntitlementCopy, ...] = ()
