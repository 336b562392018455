"""What Tessera sends to Zuora: accounts, contacts, orders with their actions, payments.

Every model is a body or a part of one; `wire()` is its JSON, without what is absent. Texts longer
than Zuora takes are cut, since no customer's access should end over a long street name.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, model_serializer
from pydantic.alias_generators import to_camel

from tessera.clock import Day

LONGEST_EMAIL = 80


def _cut(longest: int) -> AfterValidator:
    return AfterValidator(lambda text: text[:longest].strip() or None if text else None)


def _fitting(email: str | None) -> str | None:
    """Half an address would be somebody else's."""
    return email if email and len(email) <= LONGEST_EMAIL else None


Line = Annotated[str | None, _cut(255)]
Place = Annotated[str | None, _cut(100)]
Name = Annotated[str, AfterValidator(lambda text: text[:100])]
Phone = Annotated[str | None, _cut(40)]
Email = Annotated[str | None, AfterValidator(_fitting)]
PostalCode = Annotated[str | None, _cut(20)]


class ZuoraRequest(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    def wire(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True, exclude_none=True)


class ContactDetails(ZuoraRequest):
    """A contact of an account."""

    first_name: Name
    last_name: Name
    work_email: Email = None
    work_phone: Phone = None
    address1: Line = None
    address2: Line = None
    city: Place = None
    state: Place = None
    zip_code: PostalCode = None
    country: str | None = None
    """An ISO code, or a name."""

    def replacing(self) -> dict[str, Any]:
        """The body that puts this address in the place of another: what it lacks is emptied."""
        emptied = ("address1", "address2", "city", "state", "zipCode")
        return {**dict.fromkeys(emptied, ""), **self.wire()}


class NewAccount(ZuoraRequest):
    """`default_payment_method` and `auto_pay` go only together: Zuora wants both or neither."""

    account_number: str
    name: Annotated[str, AfterValidator(lambda text: text[:255])]
    currency: str
    bill_cycle_day: int = 0
    """0: the day of its first order."""
    auto_pay: bool = False
    parent_id: str | None = None
    """An id, not a number."""
    crm_id: str | None = None
    payment_term: str | None = None
    bill_to_contact: ContactDetails
    sold_to_contact: ContactDetails | None = None
    hpm_credit_card_payment_method_id: str | None = None


class AccountChange(ZuoraRequest):
    default_payment_method_id: str | None = None
    auto_pay: bool | None = None


class ListPrice(ZuoraRequest):
    list_price: Decimal


class PerUnit(ZuoraRequest):
    list_price: Decimal | None = None
    quantity: Decimal | None = None


class Discount(ZuoraRequest):
    """One of the two."""

    discount_percentage: Decimal | None = None
    discount_amount: Decimal | None = None


class Pricing(ZuoraRequest):
    """One of these, as the charge's model asks for."""

    recurring_flat_fee: ListPrice | None = None
    one_time_flat_fee: ListPrice | None = None
    recurring_per_unit: PerUnit | None = None
    one_time_per_unit: PerUnit | None = None
    discount: Discount | None = None

    @classmethod
    def of(
        cls,
        charge_model: str,
        charge_type: str,
        *,
        price: Decimal | None = None,
        quantity: Decimal | int | None = None,
    ) -> "Pricing | None":
        """A price of ours, a quantity or both, or None where that charge takes no such thing.

        `charge_model` and `charge_type` are as the product rate plan has them: `Per Unit Pricing`,
        `Recurring`. Of a discount `price` is the percentage or the amount.
        """
        recurs = charge_type == "Recurring"
        match charge_model:
            case "Flat Fee Pricing" if price is not None:
                fee = ListPrice(list_price=price)
                return cls(recurring_flat_fee=fee) if recurs else cls(one_time_flat_fee=fee)
            case "Per Unit Pricing" if price is not None or quantity is not None:
                unit = PerUnit(
                    list_price=price, quantity=None if quantity is None else Decimal(quantity)
                )
                return cls(recurring_per_unit=unit) if recurs else cls(one_time_per_unit=unit)
            case "Discount-Percentage" if price is not None:
                return cls(discount=Discount(discount_percentage=price))
            case "Discount-Fixed Amount" if price is not None:
                return cls(discount=Discount(discount_amount=price))
        return None


class EndDate(ZuoraRequest):
    end_date_condition: Literal["Fixed_Period"] = "Fixed_Period"
    up_to_periods: int
    up_to_periods_type: Literal["Days", "Weeks", "Months", "Years"]


class ChargeOverride(ZuoraRequest):
    product_rate_plan_charge_id: str
    pricing: Pricing | None = None
    end_date: EndDate | None = None


class PlanToAdd(ZuoraRequest):
    product_rate_plan_id: str
    charge_overrides: tuple[ChargeOverride, ...] | None = None


class Term(ZuoraRequest):
    period: int
    period_type: Literal["Day", "Week", "Month", "Year"]


class InitialTerm(ZuoraRequest):
    """An `EVERGREEN` one has nothing but its type."""

    term_type: Literal["TERMED", "EVERGREEN"]
    period: int | None = None
    period_type: Literal["Day", "Week", "Month", "Year"] | None = None
    start_date: Day | None = None


class Renewal(ZuoraRequest):
    auto_renew: bool | None = None
    renewal_setting: Literal["RENEW_WITH_SPECIFIC_TERM", "RENEW_TO_EVERGREEN"] | None = None
    renewal_terms: tuple[Term, ...] | None = None


class Terms(Renewal):
    initial_term: InitialTerm


class CreateSubscription(ZuoraRequest):
    subscription_number: str
    subscription_owner_account_number: str | None = None
    invoice_owner_account_number: str | None = None
    terms: Terms
    subscribe_to_rate_plans: tuple[PlanToAdd, ...]


class TermsAndConditions(Renewal):
    """Whether and how a subscription renews from now on."""


class AddProduct(PlanToAdd):
    """A rate plan more."""


class RemoveProduct(ZuoraRequest):
    rate_plan_id: str
    """The subscription's own, of its latest version."""


class Quantity(ZuoraRequest):
    quantity: Decimal


class QuantityPricing(ZuoraRequest):
    recurring_per_unit: Quantity


class ChargeUpdate(ZuoraRequest):
    charge_number: str
    pricing: QuantityPricing

    @classmethod
    def to_quantity(cls, charge_number: str, quantity: int) -> "ChargeUpdate":
        pricing = QuantityPricing(recurring_per_unit=Quantity(quantity=Decimal(quantity)))
        return cls(charge_number=charge_number, pricing=pricing)


class UpdateProduct(ZuoraRequest):
    rate_plan_id: str
    charge_updates: tuple[ChargeUpdate, ...]


class CancelSubscription(ZuoraRequest):
    """Always at the day that Tessera has announced; Zuora could compute another."""

    cancellation_policy: Literal["SpecificDate"] = "SpecificDate"
    cancellation_effective_date: Day


class RenewSubscription(ZuoraRequest):
    """Another term as agreed."""


Deed = (
    CreateSubscription
    | TermsAndConditions
    | AddProduct
    | RemoveProduct
    | UpdateProduct
    | CancelSubscription
    | RenewSubscription
)


class OrderAction(ZuoraRequest):
    """`OrderAction(deed=RemoveProduct(rate_plan_id=…), on=date(2026, 11, 21))`."""

    deed: Deed
    on: Day
    """All three trigger dates, since an action that lacks one can leave the order pending."""

    @model_serializer
    def _written(self) -> dict[str, Any]:
        kind = type(self.deed).__name__
        days = ("ContractEffective", "ServiceActivation", "CustomerAcceptance")
        return {
            "type": kind,
            "triggerDates": [{"name": n, "triggerDate": self.on.isoformat()} for n in days],
            kind[0].lower() + kind[1:]: self.deed.wire(),
        }


class OrderLine(ZuoraRequest):
    subscription_number: str | None = None
    """Of one that exists; a new one is numbered in its `CreateSubscription`."""
    order_actions: tuple[OrderAction, ...]


class BillingOptions(ZuoraRequest):
    target_date: Day


class ProcessingOptions(ZuoraRequest):
    run_billing: bool = True
    collect_payment: bool = False
    billing_options: BillingOptions


class OrderRequest(ZuoraRequest):
    order_number: str
    order_date: Day
    existing_account_number: str
    subscriptions: tuple[OrderLine, ...]
    processing_options: ProcessingOptions | None = None

    @property
    def moves_money(self) -> bool:
        options = self.processing_options
        return options is not None and options.collect_payment


class PreviewOptions(ZuoraRequest):
    preview_thru_type: Literal["NumberOfPeriods"] = "NumberOfPeriods"
    preview_number_of_periods: int = 1
    preview_types: tuple[Literal["BillingDocs"], ...] = ("BillingDocs",)


class PreviewAccountInfo(ZuoraRequest):
    """Stands for the account that a new customer has not got yet."""

    currency: str
    bill_cycle_day: int = 1


class PreviewRequest(ZuoraRequest):
    """An order that is only asked about. Either an account or what stands for one."""

    order_date: Day
    existing_account_number: str | None = None
    subscriptions: tuple[OrderLine, ...]
    preview_options: PreviewOptions = PreviewOptions()
    preview_account_info: PreviewAccountInfo | None = None

    @classmethod
    def of(cls, order: OrderRequest, *, currency_without_account: str = "") -> "PreviewRequest":
        """With a currency: for a customer without an account, and so without owner fields."""
        if not currency_without_account:
            return cls(
                order_date=order.order_date,
                existing_account_number=order.existing_account_number,
                subscriptions=order.subscriptions,
            )
        return cls(
            order_date=order.order_date,
            subscriptions=tuple(_without_owners(line) for line in order.subscriptions),
            preview_account_info=PreviewAccountInfo(currency=currency_without_account),
        )


class PaidItem(ZuoraRequest):
    invoice_item_id: str
    amount: Decimal


class PaidInvoice(ZuoraRequest):
    invoice_id: str
    amount: Decimal
    items: tuple[PaidItem, ...] | None = None


class NewPayment(ZuoraRequest):
    type: Literal["Electronic"] = "Electronic"
    account_id: str
    amount: Decimal
    currency: str
    payment_method_id: str
    gateway_order_id: str
    """The order's reference, by which the payment is found again."""
    comment: str
    invoices: tuple[PaidInvoice, ...]


class CardForm(ZuoraRequest):
    """What a card form is signed for."""

    uri: str
    method: Literal["POST"] = "POST"
    page_id: str
    account_id: str | None = None
    currency: str | None = None
    locale: str | None = None
    passthrough1: str | None = None


def payment_comment(reference: str) -> str:
    return f"Tessera {reference}"


def _without_owners(line: OrderLine) -> OrderLine:
    owners = ("subscription_owner_account_number", "invoice_owner_account_number")
    ownerless = dict.fromkeys(owners)
    return OrderLine(
        subscription_number=line.subscription_number,
        order_actions=tuple(
            OrderAction(deed=action.deed.model_copy(update=ownerless), on=action.on)
            if isinstance(action.deed, CreateSubscription)
            else action
            for action in line.order_actions
        ),
    )
