"""What is read of Zuora's answers; everything else in them is ignored, and `null` is absent."""

from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tessera.clock import Day

Item = TypeVar("Item")

Many = Annotated[tuple[Item, ...], BeforeValidator(lambda value: () if value is None else value)]
Text = Annotated[str | None, BeforeValidator(lambda value: value or None)]
"""Zuora writes what is absent as `""` here and as `null` there."""
Number = Annotated[Decimal, Field(gt=-(10**15), lt=10**15)]


class ZuoraAnswer(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class Token(ZuoraAnswer):
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
    tiers: Many[Tier] = ()


class RatePlan(ZuoraAnswer):
    id: str
    """Changes with every version of the subscription."""
    product_rate_plan_id: str
    last_change_type: Text = None
    """`Add`, `Update` or `Remove`."""
    product_name: Text = None
    rate_plan_name: Text = None
    rate_plan_charges: Many[RatePlanCharge] = ()


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
    status_history: Many[StatusSpan] = ()
    rate_plans: Many[RatePlan] = ()


class BasicInfo(ZuoraAnswer):
    id: str
    account_number: str
    name: str
    status: Text = None
    crm_id: Text = None
    parent_id: Text = None


class BillingAndPayment(ZuoraAnswer):
    currency: Text = None
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
