"""What is read of Zuora's answers; everything else in them is ignored, and `null` is absent."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from tessera.clock import Day

Text = Annotated[str | None, BeforeValidator(lambda value: value or None)]
"""Zuora writes what is absent as `""` here and as `null` there."""
Number = Annotated[Decimal, Field(gt=-(10**15), lt=10**15)]


class ZuoraAnswer(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, answer: Any) -> Any:
        if not isinstance(answer, dict):
            return answer
        return {name: value for name, value in answer.items() if value is not None}


class TokenGiven(ZuoraAnswer):
    model_config = ConfigDict(alias_generator=None)

    access_token: Annotated[str, Field(pattern=r"^[\x21-\x7e]+$", repr=False)]
    expires_in: Annotated[int, Field(ge=0, le=7 * 24 * 3600)]
    """Seconds."""


class Tier(ZuoraAnswer):
    starting_unit: Number | None = None
    ending_unit: Number | None = None
    price: Number | None = None
    price_format: Text = None


class RatePlanCharge(ZuoraAnswer):
    number: str
    name: str
    product_rate_plan_charge_id: str
    type: str
    """`Recurring`, `OneTime` or `Usage`."""
    model: str
    """`FlatFee`, `PerUnit`, …"""
    price: Number | None = None
    quantity: Number | None = None
    currency: Text = None
    billing_period: Text = None
    """`Month`, `Quarter`, `Semi_Annual`, …; with `_`, `-` or a space."""
    effective_start_date: Day | None = None
    effective_end_date: Day | None = None
    """The first day not covered."""
    charged_through_date: Day | None = None
    done: bool | None = None
    tiers: tuple[Tier, ...] = ()


class RatePlan(ZuoraAnswer):
    id: str
    """Changes with every version of the subscription."""
    product_rate_plan_id: str
    last_change_type: Text = None
    """`Add`, `Update` or `Remove`."""
    product_name: Text = None
    rate_plan_name: Text = None
    rate_plan_charges: tuple[RatePlanCharge, ...] = ()


class StatusSpan(ZuoraAnswer):
    start_date: Day | None = None
    end_date: Day | None = None
    status: str


class ZuoraSubscription(ZuoraAnswer):
    id: str
    """Of this version: it changes with every amendment."""
    subscription_number: str
    version: int
    is_latest_version: bool = True
    status: str
    """In any letter case, with and without spaces: `Pending Activation`, `PendingActivation`."""
    currency: Text = None
    account_id: str
    account_number: str
    invoice_owner_account_id: Text = None
    invoice_owner_account_number: Text = None
    scheduled_cancel_date: Day | None = None
    contract_effective_date: Day | None = None
    term_type: Text = None
    term_start_date: Day | None = None
    term_end_date: Day | None = None
    subscription_start_date: Day | None = None
    subscription_end_date: Day | None = None
    auto_renew: bool | None = None
    renewal_term: int | None = None
    renewal_term_period_type: Text = None
    status_history: tuple[StatusSpan, ...] = ()
    rate_plans: tuple[RatePlan, ...] = ()


class BasicInfo(ZuoraAnswer):
    id: str
    account_number: str
    name: str
    status: Text = None
    crm_id: Text = None
    parent_id: Text = None


class BillingAndPayment(ZuoraAnswer):
    currency: Text = None
    bill_cycle_day: int | None = None
    """Of the month: 31 is its end, 0 is not decided yet."""
    auto_pay: bool | None = None
    default_payment_method_id: Text = None


class Metrics(ZuoraAnswer):
    balance: Number | None = None
    currency: Text = None


class Contact(ZuoraAnswer):
    id: Text = None
    first_name: Text = None
    last_name: Text = None
    work_email: Text = None
    personal_email: Text = None
    work_phone: Text = None
    address1: Text = None
    address2: Text = None
    city: Text = None
    state: Text = None
    zip_code: Text = None
    country: Text = None
    """An English name, or an ISO code."""


class ZuoraAccount(ZuoraAnswer):
    basic_info: BasicInfo
    billing_and_payment: BillingAndPayment | None = None
    metrics: Metrics | None = None
    bill_to_contact: Contact | None = None
    sold_to_contact: Contact | None = None


class Done(ZuoraAnswer):
    """It was done, and nothing else of the answer matters."""


class AccountCreated(ZuoraAnswer):
    account_id: str
    account_number: str
    bill_to_contact_id: Text = None
    sold_to_contact_id: Text = None


class OrderedSubscription(ZuoraAnswer):
    subscription_number: str
    subscription_id: Text = None
    status: Text = None


Outcome = Literal["done", "refused", "unsettled"]


class OrderState(ZuoraAnswer):
    order_number: str
    status: str

    @property
    def outcome(self) -> Outcome:
        """An order that is refused was placed, and came to nothing."""
        folded = self.status.casefold()
        if folded in ("completed", "pending", "scheduled"):
            return "done"
        return "refused" if folded in ("failed", "cancelled", "canceled") else "unsettled"


class OrderPlaced(OrderState):
    account_number: Text = None
    order_id: Text = None
    subscriptions: tuple[OrderedSubscription, ...] = ()
    invoice_numbers: tuple[str, ...] = ()


class OrderRead(ZuoraAnswer):
    order: OrderState


class PreviewedItem(ZuoraAnswer):
    product_name: Text = None
    charge_name: Text = None
    service_start_date: Day | None = None
    service_end_date: Day | None = None
    amount_without_tax: Number | None = None
    tax_amount: Number | None = None
    processing_type: Text = None
    """`Charge`, `Discount`, …"""


class PreviewedDocument(ZuoraAnswer):
    """An invoice or a credit memo; the amounts of both are positive."""

    target_date: Day | None = None
    amount: Number = Decimal(0)
    amount_without_tax: Number | None = None
    tax_amount: Number | None = None
    invoice_items: tuple[PreviewedItem, ...] = ()


class PreviewResult(ZuoraAnswer):
    invoices: tuple[PreviewedDocument, ...] = ()
    credit_memos: tuple[PreviewedDocument, ...] = ()

    @property
    def due_now(self) -> Decimal:
        charged = sum((invoice.amount for invoice in self.invoices), Decimal(0))
        return charged - sum((memo.amount for memo in self.credit_memos), Decimal(0))


class Previewed(ZuoraAnswer):
    preview_result: PreviewResult


class PaymentMethod(ZuoraAnswer):
    id: str
    type: str
    """`CreditCard`, `ACH`, …"""
    credit_card_type: Text = None
    card_number: Text = None
    """Masked: `************1111`."""
    expiration_month: int | None = None
    expiration_year: int | None = None
    is_default: bool | None = None
    status: Text = None

    @property
    def last_four(self) -> str | None:
        digits = (self.card_number or "")[-4:]
        return digits if len(digits) == 4 and digits.isdigit() else None

    @property
    def is_usable(self) -> bool:
        return (self.status or "").casefold() == "active"


class PaymentMethods(ZuoraAnswer):
    """Live tenants list them by type (`creditcard`), the description says in one list."""

    default_payment_method_id: Text = None
    methods: tuple[PaymentMethod, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, answer: Any) -> Any:
        if not isinstance(answer, dict) or "methods" in answer:
            return answer
        lists = [value for value in answer.values() if isinstance(value, list)]
        found = [
            m for each in lists for m in each if isinstance(m, dict) and {"id", "type"} <= {*m}
        ]
        return {**answer, "methods": found}

    @property
    def default(self) -> PaymentMethod | None:
        """The method that pays if nothing else is said."""
        marked = (m for m in self.methods if m.id == self.default_payment_method_id or m.is_default)
        return next(marked, None)

    def find(self, id: str) -> PaymentMethod | None:
        return next((method for method in self.methods if method.id == id), None)


class Signature(ZuoraAnswer):
    """What lets one browser open one card form."""

    signature: Annotated[str, Field(repr=False)]
    token: Annotated[str, Field(repr=False)]
    tenant_id: str
    key: Annotated[str, Field(repr=False)]


class Payment(ZuoraAnswer):
    id: str
    number: Text = None
    status: str
    amount: Number | None = None
    currency: Text = None
    gateway_order_id: Text = None
    comment: Text = None
    gateway_response: Text = None

    @property
    def outcome(self) -> Outcome:
        folded = self.status.casefold()
        if folded in ("processed", "processing", "posted", "pending"):
            return "done"
        return "refused" if folded in ("error", "canceled", "cancelled") else "unsettled"


class PaymentPage(ZuoraAnswer):
    payments: tuple[Payment, ...] = ()
    next_page: Text = None


class ZuoraInvoice(ZuoraAnswer):
    id: str
    account_id: str
    invoice_number: str
    invoice_date: Day | None = None
    due_date: Day | None = None
    amount: Number = Decimal(0)
    balance: Number = Decimal(0)
    currency: Text = None
    status: Text = None


class InvoicePage(ZuoraAnswer):
    data: tuple[ZuoraInvoice, ...] = ()
    next_page: Text = None
    """The cursor of the page that follows."""


class InvoiceFile(ZuoraAnswer):
    id: str
    version_number: int = 0


class InvoiceFiles(ZuoraAnswer):
    invoice_files: tuple[InvoiceFile, ...] = ()


class ProductRatePlanCharge(ZuoraAnswer):
    id: str
    name: Text = None
    charge_model: str
    """`Flat Fee Pricing`, `Per Unit Pricing`, `Discount-Percentage`, …"""
    charge_type: str
    """`Recurring`, `OneTime` or `Usage`."""


class ProductRatePlan(ZuoraAnswer):
    id: str
    name: Text = None
    effective_start_date: Day | None = None
    effective_end_date: Day | None = None
    product_rate_plan_charges: tuple[ProductRatePlanCharge, ...] = ()
