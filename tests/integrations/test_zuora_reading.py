"""What Zuora says of a subscription and its account, in the words of commerce."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tessera.commerce.billed import Billed, RatePlan
from tessera.integrations.zuora_models import ZuoraAccount, ZuoraSubscription
from tessera.integrations.zuora_reading import ZuoraBilling

SUBSCRIBER, INVOICED = "2" * 32, "9" * 32
START, END = date(2026, 3, 2), date(2027, 3, 2)


class Tenant:
    """One subscription, of a year, on an account that another one is invoiced for."""

    def __init__(self, *plans: dict[str, Any], account: dict[str, Any], **members: Any) -> None:
        self._subscription = {
            "id": "1" * 32,
            "subscriptionNumber": "A-S1",
            "version": 1,
            "status": "Active",
            "accountId": SUBSCRIBER,
            "accountNumber": "A1",
            "invoiceOwnerAccountId": INVOICED,
            "termType": "TERMED",
            "termStartDate": START,
            "termEndDate": END,
            "subscriptionStartDate": START,
            "ratePlans": plans,
            **members,
        }
        self._account = account

    def subscription(self, key: str) -> ZuoraSubscription:
        return ZuoraSubscription.model_validate(self._subscription)

    def account(self, key: str) -> ZuoraAccount:
        basic = {"id": key, "accountNumber": "A1", "name": "Lopes Ltd", "parentId": "3" * 32}
        return ZuoraAccount.model_validate(
            {
                "basicInfo": basic,
                "billingAndPayment": {"currency": "GBP"},
                "billToContact": {"firstName": "Ana", "lastName": "Lopes"},
                **self._account,
            }
        )


def read(*plans: dict[str, Any], account: dict[str, Any] | None = None, **members: Any) -> Billed:
    return ZuoraBilling(Tenant(*plans, account=account or {}, **members)).read("A-S1")


def charge(**members: Any) -> dict[str, Any]:
    return {
        "number": "C-1",
        "name": "Monthly",
        "productRatePlanChargeId": "5" * 32,
        "type": "Recurring",
        "model": "FlatFee",
        "price": 17.5,
        "billingPeriod": "Month",
        "effectiveStartDate": START,
        "effectiveEndDate": END,
        **members,
    }


def plan_of(*charges: dict[str, Any], **members: Any) -> RatePlan:
    whole = {"id": "4" * 32, "productRatePlanId": "6" * 32, "ratePlanCharges": charges, **members}
    (plan,) = read(whole).plans
    return plan


def test_the_account_is_the_subscribers_whoever_is_invoiced() -> None:
    billed = read()

    assert (billed.account.id, billed.invoice_owner_id) == (SUBSCRIBER, INVOICED)
    assert billed.account.parent_id == "3" * 32


@pytest.mark.parametrize(
    ("members", "cancelled_on"),
    [
        ({"status": "Cancelled", "subscriptionEndDate": date(2026, 5, 2)}, date(2026, 5, 2)),
        ({"status": "Cancelled"}, START),
        ({"scheduledCancelDate": date(2026, 6, 2)}, date(2026, 6, 2)),
        ({"subscriptionEndDate": END}, None),
    ],
    ids=["cancelled", "cancelled-at-once", "booked", "not-cancelled"],
)
def test_a_cancellation_is_known_by_its_day(
    members: dict[str, Any], cancelled_on: date | None
) -> None:
    assert read(**members).cancel_date == cancelled_on


def test_an_evergreen_subscription_has_no_end_of_term() -> None:
    assert (read().term_type, read().term_end) == ("TERMED", END)

    evergreen = read(termType="EVERGREEN")
    assert (evergreen.term_type, evergreen.term_end) == ("EVERGREEN", None)


def test_a_subscriptions_own_currency_goes_before_its_accounts() -> None:
    assert (read(currency="USD").currency, read().currency) == ("USD", "GBP")


def test_the_quantity_is_that_of_a_charge_per_unit() -> None:
    flat = charge(quantity=9)
    counted = charge(model="PerUnit", quantity=5)

    assert plan_of(flat, counted).quantity == 5
    assert plan_of(flat).quantity == 1
    assert plan_of(flat).charges[0].amount == Decimal("17.5")
    assert plan_of(counted).charges[0].amount == Decimal("87.5")


def test_a_plan_begins_with_its_first_charge_and_ends_with_its_last() -> None:
    early = charge(effectiveEndDate=date(2026, 6, 2))
    late = charge(effectiveStartDate=date(2026, 6, 2))

    plan = plan_of(early, late)

    assert (plan.start, plan.end) == (START, END)
    assert plan_of(early, charge(effectiveEndDate=None)).end is None


def test_a_plan_is_removed_by_the_last_change_to_it() -> None:
    assert plan_of(charge(), lastChangeType="Remove").is_removed
    assert not plan_of(charge(), lastChangeType="Add").is_removed


def test_only_what_recurs_is_expected_to_be_paid_again() -> None:
    fee = charge(name="Joining fee", type="OneTime")

    assert [one.name for one in plan_of(fee, charge()).charges] == ["Monthly"]


def test_bill_to_is_the_billing_address_and_sold_to_that_of_delivery() -> None:
    contacts = {
        "billToContact": {"personalEmail": "ana@home.example", "city": "Leeds"},
        "soldToContact": {"workEmail": "desk@work.example", "city": "York"},
    }

    account = read(account=contacts).account

    assert (account.billing.email, account.billing.city) == ("ana@home.example", "Leeds")
    assert account.delivery is not None
    assert (account.delivery.email, account.delivery.city) == ("desk@work.example", "York")
    assert read().account.delivery is None
