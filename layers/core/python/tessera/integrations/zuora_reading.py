"""Zuora's answers about a subscription in the words of `commerce`: sync's only source."""

from decimal import Decimal
from typing import Protocol

from tessera.commerce.billed import Account, Billed, BilledStatus, Charge, RatePlan
from tessera.commerce.calendar import Interval
from tessera.commerce.models import AddressData
from tessera.errors import NotFound, invalid
from tessera.integrations import zuora_models as zuora
from tessera.integrations.countries import country_code
from tessera.integrations.salesforce_ids import account_id
from tessera.integrations.zuora_verdicts import UnknownToZuora

_STATUSES: dict[str, BilledStatus] = {
    "active": "active",
    "pendingactivation": "pending",
    "pendingacceptance": "pending",
    "suspended": "suspended",
    "cancelled": "cancelled",
}
_PERIODS = {
    "week": Interval(1, "weeks"),
    "month": Interval(1, "months"),
    "quarter": Interval(3, "months"),
    "semiannual": Interval(6, "months"),
    "annual": Interval(1, "years"),
    "eighteenmonths": Interval(18, "months"),
    "twoyears": Interval(2, "years"),
    "threeyears": Interval(3, "years"),
    "fiveyears": Interval(5, "years"),
}


class ZuoraSubscriptionNotFound(NotFound):
    title = "Zuora does not know the subscription"


class Reader(Protocol):
    """The two reads of the Zuora client; both raise `UnknownToZuora` and `ZuoraFailed`."""

    def subscription(self, key: str) -> zuora.ZuoraSubscription: ...

    def account(self, key: str) -> zuora.ZuoraAccount: ...


class ZuoraBilling:
    def __init__(self, client: Reader) -> None:
        self._client = client

    def read(self, key: str) -> Billed:
        """Raises `ZuoraSubscriptionNotFound`; `InvalidFields` for a draft or unusable account."""
        try:
            subscription = self._client.subscription(key)
        except UnknownToZuora as unknown:
            raise ZuoraSubscriptionNotFound(
                f"Zuora has no subscription {key[:100]}. Check the number or id."
            ) from unknown
        status = _status(subscription)
        read = self._client.account(subscription.account_id)
        return _billed(subscription, status, _account(read), _bill_cycle_day(read))


def _status(subscription: zuora.ZuoraSubscription) -> BilledStatus:
    folded = _folded(subscription.status)
    if folded == "draft":
        raise invalid(
            "id",
            f"Subscription {subscription.subscription_number} is a draft in Zuora. Activate it"
            " there, then sync again.",
            "zuora_draft",
        )
    # Statuses that Zuora may add ("Expired") are known by their dates.
    return _STATUSES.get(folded, "active")


def _account(answer: zuora.ZuoraAccount) -> Account:
    info = answer.basic_info
    currency = answer.billing_and_payment and answer.billing_and_payment.currency
    if answer.bill_to_contact is None or not currency:
        missing = "a bill-to contact" if currency else "a currency"
        raise invalid(
            "id",
            f"Zuora account {info.account_number} has no {missing.removeprefix('a ')}. Give it"
            f" {missing} in Zuora, then sync again.",
            "zuora_unusable",
        )
    sold_to = answer.sold_to_contact
    return Account(
        id=info.id,
        number=info.account_number,
        name=info.name,
        currency=currency,
        parent_id=info.parent_id,
        crm_id=account_id(info.crm_id),
        billing=_address(answer.bill_to_contact),
        delivery=_address(sold_to) if sold_to is not None else None,
    )


def _bill_cycle_day(answer: zuora.ZuoraAccount) -> int | None:
    billing = answer.billing_and_payment
    return billing.bill_cycle_day if billing is not None else None


def _billed(
    subscription: zuora.ZuoraSubscription,
    status: BilledStatus,
    account: Account,
    bill_cycle_day: int | None,
) -> Billed:
    starts = (
        subscription.subscription_start_date,
        subscription.contract_effective_date,
        subscription.term_start_date,
    )
    start = next((day for day in starts if day is not None), None)
    if start is None:
        raise invalid(
            "id",
            f"Subscription {subscription.subscription_number} has no start date in Zuora.",
            "zuora_unusable",
        )
    evergreen = _folded(subscription.term_type or "") == "evergreen"
    currency = subscription.currency or account.currency
    cancelled = status == "cancelled"
    # A charge may be billed on a day of its own instead: that of its start, or its subscription's.
    bill_days = tuple(day for day in (bill_cycle_day, start.day) if day)
    return Billed(
        number=subscription.subscription_number,
        id=subscription.id,
        version=subscription.version,
        # Zuora says "Cancelled" as soon as a cancellation is booked; its day decides.
        status="active" if cancelled else status,
        raw_status=subscription.status,
        start=start,
        term_start=subscription.term_start_date,
        term_end=None if evergreen else subscription.term_end_date,
        term_type="EVERGREEN" if evergreen else "TERMED",
        auto_renew=bool(subscription.auto_renew),
        cancel_date=(
            subscription.subscription_end_date or start
            if cancelled
            else subscription.scheduled_cancel_date
        ),
        currency=currency,
        invoice_owner_id=subscription.invoice_owner_account_id,
        plans=tuple(_plan(plan, currency, bill_days) for plan in subscription.rate_plans),
        account=account,
    )


def _plan(plan: zuora.RatePlan, currency: str, bill_days: tuple[int, ...]) -> RatePlan:
    charges = plan.rate_plan_charges
    starts = [c.effective_start_date for c in charges if c.effective_start_date is not None]
    ends = [charge.effective_end_date for charge in charges]
    counted = [c for c in charges if _folded(c.model) == "perunit" and c.quantity]
    counted_from = (charge.effective_start_date for charge in counted)
    return RatePlan(
        id=plan.id,
        product_rate_plan=plan.product_rate_plan_id,
        name=plan.rate_plan_name or plan.product_name or plan.product_rate_plan_id,
        is_removed=_folded(plan.last_change_type or "") == "remove",
        start=min(starts, default=None),
        end=None if None in ends else max((e for e in ends if e is not None), default=None),
        quantity=max((int(charge.quantity or 1) for charge in counted), default=1),
        quantity_from=max((day for day in counted_from if day is not None), default=None),
        charges=tuple(
            _charge(charge, plan, currency, bill_days)
            for charge in charges
            if _folded(charge.type) == "recurring" and charge.effective_start_date is not None
        ),
    )


def _charge(
    charge: zuora.RatePlanCharge, plan: zuora.RatePlan, currency: str, bill_days: tuple[int, ...]
) -> Charge:
    assert charge.effective_start_date is not None  # noqa: S101  # the caller has looked
    flat = _folded(charge.model) == "flatfee"
    return Charge(
        name=charge.name,
        product=plan.product_name or "",
        plan=plan.rate_plan_name or plan.product_name or charge.name,
        price=charge.price,
        quantity=1 if flat else int(charge.quantity or Decimal(1)),
        currency=charge.currency or currency,
        every=_PERIODS.get(_folded(charge.billing_period or "")),
        start=charge.effective_start_date,
        end=charge.effective_end_date,
        charged_through=charge.charged_through_date,
        bill_days=(*bill_days, charge.effective_start_date.day),
    )


def _address(contact: zuora.Contact) -> AddressData:
    return AddressData(
        first_name=contact.first_name,
        last_name=contact.last_name,
        email=contact.work_email or contact.personal_email,
        phone=contact.work_phone,
        address1=contact.address1,
        address2=contact.address2,
        city=contact.city,
        state=contact.state,
        postal_code=contact.zip_code,
        country=country_code(contact.country),
    )


def _folded(word: str) -> str:
    return word.replace(" ", "").replace("_", "").replace("-", "").casefold()
