"""The objects of commerce: owners, identities, customers, subscriptions, schedules and orders.

Their wire form is the README's; `data` members are camelCase, all others snake_case.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainSerializer

from tessera import ids
from tessera.clock import Day, Instant, ZonelessDay
from tessera.money import Amount
from tessera.objects import Data, Model, Record

JsonNumber = Annotated[
    Decimal, PlainSerializer(float, return_type=float, when_used="json-unless-none")
]
"""A decimal that existing readers expect as a JSON number; stored with all its digits."""


class IdentityData(Data):
    iss: str
    sub: str
    service: str | None = None
    type: str | None = None


class Identity(Record):
    """An external identity: who a person is at an identity provider, or an account elsewhere."""

    prefix: ClassVar[str] = "xid"
    record_type: str = "identity"
    type: str = "@limio/external-id"
    status: str = "active"
    data: IdentityData


OwnerStatus = Literal["active", "merging", "merged", "replaced"]


class Owner(Record):
    """Whoever owns subscriptions: a person or a firm, known by any number of identities."""

    prefix: ClassVar[str] = "id"
    record_type: str = "identity"
    type: str = "@limio/id"
    status: OwnerStatus = "active"
    replaced_by: str | None = None
    merged_into: str | None = None


class ZuoraAccount(Data):
    account_id: str | None = None
    account_number: str | None = None
    parent_id: str | None = None


class SalesforceAccount(Data):
    account_id: str | None = None
    contact_id: str | None = None


class CustomerData(Data):
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    company_name: str | None = None
    phone: str | None = None
    currency: str | None = None
    zuora: ZuoraAccount = ZuoraAccount()
    salesforce: SalesforceAccount | None = None


class Customer(Record):
    """One Zuora account, billed on its own; an owner may have several."""

    prefix: ClassVar[str] = "cus"
    record_type: str = "customer"
    status: str = "active"
    data: CustomerData


class AddressData(Data):
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


AddressKind = Literal["billing", "delivery"]


class Address(Record):
    prefix: ClassVar[str] = "address"
    record_type: str = "address"
    status: str = "active"
    relationship_type: AddressKind
    related: str
    """The customer whose address it is."""
    data: AddressData


class Card(Data):
    """What may be shown of a card, in the words of existing readers."""

    card_type: str | None = Field(default=None, alias="CreditCardType")
    mask: str | None = Field(default=None, alias="CreditCardMaskNumber")
    expiration_month: int | None = Field(default=None, alias="CreditCardExpirationMonth")
    expiration_year: int | None = Field(default=None, alias="CreditCardExpirationYear")
    status: str | None = Field(default=None, alias="PaymentMethodStatus")

    def is_over(self, today: date) -> bool:
        """Nothing is paid by it after the month that it names."""
        expires = (self.expiration_year or 9999, self.expiration_month or 12)
        return expires < (today.year, today.month)


class ZuoraMethod(Data):
    ref_id: str
    kind: str
    """`CreditCard`, `ACH`, …"""
    result: Card


class MethodData(Data):
    type: Literal["zuora"] = "zuora"
    default: bool = False
    zuora: ZuoraMethod


MethodStatus = Literal["active", "expired", "removed"]


class StoredPaymentMethod(Record):
    """A payment method that an order has named, as billing had it then."""

    prefix: ClassVar[str] = "pm"
    record_type: str = "payment_method"
    status: MethodStatus = "active"
    related: str
    """The customer whose account it is on."""
    data: MethodData


class PriceSummary(Data):
    headline: str
    subline: str


class Price(Data):
    amount: JsonNumber
    currency: str
    summary: PriceSummary | None = None


class Tracking(Data):
    """Of the order that last changed the subscription; `source` is `zuora` if none ever did."""

    source: str | None = None
    name: str | None = None
    order_reference: str | None = None


class Period(Data):
    start: Day
    end: Day


class ZuoraSubscription(Data):
    number: str | None = None
    id: str | None = None
    original_id: str | None = None
    version: int | None = None
    status: str | None = None
    account_id: str | None = None
    account_number: str | None = None
    invoice_owner_account_id: str | None = None


class UnmappedPlan(Data):
    rate_plan_id: str
    product_rate_plan_id: str
    name: str | None = None


class Mapping(Data):
    """How far the subscription's rate plans were recognised as offers and add-ons."""

    status: Literal["mapped", "partial", "unmapped", "ambiguous"]
    unmapped: tuple[UnmappedPlan, ...] = ()
    warning: str | None = None


class Terms(Data):
    """What a pending change makes of the term; what is absent stays as it is."""

    auto_renew: bool | None = None
    term_type: Literal["TERMED", "EVERGREEN"] | None = None
    term_start_date: Day | None = None
    term_end_date: Day | None = None

    @property
    def given(self) -> dict[str, Any]:
        """By their names in a subscription's data."""
        members = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: value for name, value in members if value is not None}


class PendingChange(Data):
    order: str
    order_type: str = Field(alias="order_type")
    effective_date: ZonelessDay
    terms: Terms | None = None
    """From its day on, so that no read depends on a timer. Not shown."""


class SubscriptionData(Data):
    name: str | None = None
    start_date: Day
    term_start_date: Day | None = None
    term_end_date: Day | None = None
    term_type: Literal["TERMED", "EVERGREEN"] = "TERMED"
    auto_renew: bool = False
    cancel_date: Day | None = None
    """The first day not covered, once a cancellation is known."""
    cancel_reason: str | None = None
    currency: str | None = None
    quantity: int = 1
    purchase_country: str | None = None
    price: Price | None = None
    tracking: Tracking = Tracking()
    current_period: Period | None = None
    zuora: ZuoraSubscription = ZuoraSubscription()
    mapping: Mapping | None = None
    pending_change: PendingChange | None = None


class GrantedEntitlement(Data):
    """An entitlement as it was when it was sold."""

    id: str
    name: str
    label: str | None = None
    code: str | None = None

    @property
    def effective_code(self) -> str:
        """Outside systems know an entitlement without a code by its name."""
        return self.code or self.name


class SoldCharge(Data):
    """A charge of a product rate plan as Zuora had it when the offer was saved."""

    id: str
    name: str | None = None
    model: str
    """`Flat Fee Pricing`, `Per Unit Pricing`, …: which form its price has in an order."""
    type: str
    """`Recurring`, `OneTime` or `Usage`."""


class SoldProduct(Data):
    id: str
    path: str
    name: str
    rate_plan: str | None = Field(default=None, alias="rate_plan")
    charges: tuple[SoldCharge, ...] | None = None
    """Of the rate plan; absent where Zuora was not asked, so that an order has to."""
    entitlements: tuple[GrantedEntitlement, ...] = ()


class SoldOffer(Data):
    """The offer or add-on as it was when it was sold."""

    id: str
    version: str
    path: str
    name: str
    attributes: dict[str, Any] = Field(default_factory=dict)
    discount: Amount | None = None
    """Of a discount its percentage or amount, as the charge in the billing system says."""


class SoldRatePlans(Data):
    rate_plan_ids: tuple[str, ...] = ()


OfferKind = Literal["standard", "discount", "add_on"]
_KIND_ORDER = {"standard": 0, "discount": 1, "add_on": 2}


class SubscriptionOfferData(Data):
    name: str
    record_subtype: OfferKind = Field(default="standard", alias="record_subtype")
    start: Day
    end: Day | None = None
    """The first day not covered; absent while open-ended."""
    quantity: int = 1
    price: Price | None = None
    offer: SoldOffer
    zuora: SoldRatePlans = SoldRatePlans()
    products: tuple[SoldProduct, ...] = ()


class SubscriptionOffer(Record):
    """An offer or add-on that a subscription holds, with the entitlements sold with it."""

    prefix: ClassVar[str] = "subscription_offer"
    record_type: str = "subscription_offer"
    status: Literal["pending", "active", "ended", "cancelled"]
    related: str
    """The subscription that holds it."""
    data: SubscriptionOfferData

    @property
    def place(self) -> tuple[int, date, str]:
        """Standard offers by start, then discounts, then add-ons."""
        return _KIND_ORDER[self.data.record_subtype], self.data.start, self.id


class LineItem(Data):
    charge_name: str
    product_name: str
    charge_description: str = ""
    processing_type: str = "Charge"
    quantity: int = 1
    amount_without_tax: Amount
    tax_amount: Amount = Decimal("0.00")


class ScheduleData(Data):
    type: Literal["payment"] = "payment"
    date: ZonelessDay
    schedule_date: ZonelessDay = Field(alias="schedule_date")
    amount: Amount
    amount_without_tax: Amount
    unit_amount: Amount = Field(alias="unit_amount")
    tax_amount: Amount
    currency: str
    quantity: int = 1
    description: str
    line_items: tuple[LineItem, ...] = ()


class Schedule(Record):
    """An expected payment."""

    prefix: ClassVar[str] = "schedule"
    record_type: str = "schedule"
    status: Literal["active", "pending", "pending-external", "cancelled"]
    related: str
    """The subscription that is paid."""
    data: ScheduleData


SubscriptionStatus = Literal["pending", "active", "suspended", "cancelled", "expired"]


class Subscription(Record):
    prefix: ClassVar[str] = "sub"
    record_type: str = "subscription"
    status: SubscriptionStatus
    ref: str | None = None
    """`<order id>/<UUID of the item>`; absent when it was synced."""
    start: Instant | None = None
    data: SubscriptionData

    def wire(self) -> dict[str, Any]:
        shown = super().wire()
        shown["data"].get("pendingChange", {}).pop("terms", None)
        return shown


class Holding(Subscription):
    """A subscription as every read gives it: with all it holds."""

    offers: tuple[SubscriptionOffer, ...] = ()
    add_ons: tuple[SubscriptionOffer, ...] = Field(default=(), alias="addOns")
    schedule: tuple[Schedule, ...] = ()

    @property
    def all_offers(self) -> tuple[SubscriptionOffer, ...]:
        """In the order in which their entitlements count."""
        return tuple(sorted((*self.offers, *self.add_ons), key=lambda offer: offer.place))


StepStatus = Literal["pending", "complete", "skipped", "warning", "failed"]


class StepError(Data):
    code: str
    codes: tuple[int | str, ...] = ()
    """The outside system's own."""


class ProcessStep(Model):
    """What became of one step of carrying an order out."""

    id: str
    step: str
    status: StepStatus
    at: Instant
    attempts: int = 0
    generation: int = 0
    """Grows with each definite failure: the next send takes a new idempotency key."""
    strikes: int | None = None
    """Failures of the kinds that are borne twice at most."""
    result: dict[str, Any] | None = None
    request_id: str | None = Field(default=None, alias="requestId")
    error: StepError | None = None


class Try(Data):
    """One exchange with an outside system."""

    at: Instant
    generation: int = 0
    method: str
    route: str
    outcome: str
    status: int | None = None
    request_id: str | None = None
    codes: tuple[int | str, ...] = ()


class ProcessEventData(Data):
    order: str
    step: str
    attempts: int = 0
    generation: int = 0
    result: dict[str, Any] | None = None
    error: StepError | None = None
    text: str | None = None
    """The outside system's words, which can quote personal data: for operators."""
    tries: tuple[Try, ...] = ()
    """The last ten."""


class ProcessEvent(Record):
    """A step of an order with all that is known of its tries."""

    prefix: ClassVar[str] = "process_event"
    record_type: str = "process_event"
    status: StepStatus
    data: ProcessEventData


class PlacedBy(Model):
    kind: Literal["machine", "operator", "customer", "partner"]
    id: str


class OrderWarning(Model):
    code: str
    message: str
    field: str | None = None


class Provisioning(Model):
    """The clock of an order: when carrying it out goes on, and when it is given up."""

    attempt: int = 0
    next_at: Instant | None = None
    """None once it has ended."""
    give_up_at: Instant
    lease_until: Instant | None = None
    """While one worker carries it on."""


class EndedOffer(Data):
    id: str
    before: Day | None = None
    """Its end until then; none while it was open."""


class ResizedOffer(Data):
    id: str
    before: int
    after: int


class Alteration(Data):
    """What an order does to one subscription: carried out, undone and done again from this."""

    subscription: str
    day: Day
    """The first day on which it holds."""
    is_new: bool = False
    """It creates the subscription with all it holds."""
    adds: tuple[str, ...] = ()
    """Subscription offers that it creates."""
    ends: tuple[EndedOffer, ...] = ()
    reopens: tuple[EndedOffer, ...] = ()
    """What goes on although its term was to be the last: no matter of the billing system."""
    resizes: tuple[ResizedOffer, ...] = ()
    before: dict[str, Any] = Field(default_factory=dict)
    """Members of the subscription's data that it changes, as stored until then."""
    after: dict[str, Any] = Field(default_factory=dict)
    """The same members as they are from `day` on."""


class AlteredDetails(Data):
    """What an order changes of a customer or an address: taken back and done again from this."""

    id: str
    before: dict[str, Any] | None = None
    """Members of its data until then; none where it was not there."""
    after: dict[str, Any] = Field(default_factory=dict)


class OrderError(Data):
    """Why an order failed."""

    step: str
    system: str
    code: str
    request_id: str | None = None


_KEPT_INSIDE = (
    "fingerprint",
    "payment_method",
    "provisioning",
    "alterations",
    "altered_details",
)


class Order(Record):
    prefix: ClassVar[str] = "order"
    record_type: str = "order"
    status: Literal["submitted", "processing", "complete", "failed"] = "submitted"
    order_type: str
    external_id: str | None = None
    source: str
    order_date: Instant = Field(alias="orderDate")
    subscriptions: tuple[str, ...] = ()
    placed_by: PlacedBy
    data: dict[str, Any]
    warnings: tuple[OrderWarning, ...] = ()
    process: tuple[ProcessStep, ...] = ()
    error: OrderError | None = None
    """While it is failed."""
    fingerprint: str | None = None
    """SHA-256 of the body that placed it: tells a repeat from another order. Not shown."""
    payment_method: str | None = None
    """Zuora's id of the payment method that it names. Not shown."""
    provisioning: Provisioning | None = None
    """Not shown: `status` and `process` say how far it has come."""
    alterations: tuple[Alteration, ...] = ()
    """One for each of its subscriptions. Not shown."""
    altered_details: tuple[AlteredDetails, ...] = ()
    """Of the customer and its addresses. Not shown."""

    def wire(self) -> dict[str, Any]:
        shown = super().wire()
        for name in _KEPT_INSIDE:
            shown.pop(name, None)
        return shown


def identity_id(normalised_issuer: str, subject: str) -> str:
    return ids.derived("xid", "identity", normalised_issuer, subject)
