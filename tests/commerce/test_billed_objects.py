"""What each reading of the billing system makes of customer, subscription, offers and payments."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tessera import ids
from tessera.commerce.billed import Billed
from tessera.commerce.calendar import Interval
from tessera.commerce.mapping import Candidate
from tessera.commerce.models import AddressData, Customer, Holding, SalesforceAccount, Tracking
from tessera.commerce.sync import sync
from tests.builders import (
    DIGITAL,
    NOW,
    SUPPORT,
    TODAY,
    FakeBilling,
    FakeCatalog,
    FakePartners,
    account,
    billed,
    candidate,
    charge,
    rate_plan,
)
from tests.commerce.carrying import MemoryStore

SUB = "sub-ac3a12b67e833080e10b13ca25b84017"
CUSTOMER = "cus-8b28fbca8eb2e9e9f0428ed4215b79e3"
TERM_END = date(2027, 3, 2)
SOON = TODAY + timedelta(days=20)


class Syncing:
    """Reads the billing system again and again, a day later each time it is told so."""

    def __init__(self, *offered: Candidate) -> None:
        self.store = MemoryStore()
        self.catalog = FakeCatalog(*(offered or (candidate(),)))
        self.partners = FakePartners()

    def reads(self, read: Billed, *, days: int = 0) -> Holding:
        sync(
            read.number,
            billing=FakeBilling(read),
            catalog=self.catalog,
            partners=self.partners,
            owners=self.store,
            now=NOW + timedelta(days=days),
            today=TODAY + timedelta(days=days),
            mode="test",
        )
        found = self.store.holding(SUB)
        assert found is not None
        return found

    @property
    def customer(self) -> Customer:
        found = self.store.customer(CUSTOMER)
        assert found is not None
        return found


def made(read: Billed, *offered: Candidate) -> Holding:
    return Syncing(*offered).reads(read)


def test_only_the_first_import_puts_a_customer_under_a_partner() -> None:
    syncing = Syncing()
    syncing.reads(billed(account=account(parent_id="parent")))
    syncing.partners = FakePartners(parent=["partner_org-1"])

    after = syncing.reads(billed(version=2, account=account(parent_id="parent")))

    assert (after.partner_org, syncing.customer.partner_org) == (None, None)


def test_a_customer_that_leaves_the_partners_account_stays_the_partners() -> None:
    syncing = Syncing()
    syncing.partners = FakePartners(parent=["partner_org-1"])
    syncing.reads(billed(account=account(parent_id="parent")))

    after = syncing.reads(billed(version=2, account=account(parent_id=None)))

    assert (after.partner_org, syncing.customer.partner_org) == ("partner_org-1", "partner_org-1")


def test_a_known_customer_that_changes_is_told_of_as_updated() -> None:
    syncing = Syncing()
    syncing.reads(billed())

    syncing.reads(billed(account=account(name="Lopes and Sons")), days=1)

    assert syncing.store.told.count("customer.created") == 1
    (body,) = syncing.store.bodies("customer.updated")
    assert body["data"]["companyName"] == "Lopes and Sons"


def test_a_cancellation_that_has_come_is_told_of_as_such_and_once() -> None:
    syncing = Syncing()
    syncing.reads(billed())
    cancelled = billed(version=2, raw_status="Cancelled", cancel_date=TODAY)

    after = syncing.reads(cancelled)
    syncing.reads(cancelled._replace(version=3))

    assert after.status == "cancelled"
    told = [one for one in syncing.store.told if one.startswith("subscription.")]
    assert told == ["subscription.created", "subscription.cancelled", "subscription.updated"]


def test_a_customer_has_name_email_and_phone_of_the_bill_to_contact() -> None:
    contact = AddressData(
        first_name="Ana", last_name="Lopes", email="a@b.example", phone="+44 1", country="GB"
    )
    syncing = Syncing()

    syncing.reads(billed(account=account(billing=contact, crm_id="0012600001mdRaSAAU")))

    data = syncing.customer.data
    assert (data.first_name, data.last_name, data.email, data.phone) == (
        "Ana",
        "Lopes",
        "a@b.example",
        "+44 1",
    )
    assert data.company_name == "Lopes Ltd"
    assert data.salesforce == SalesforceAccount(account_id="0012600001mdRaSAAU")


def test_an_account_in_the_name_of_a_person_is_of_no_company() -> None:
    syncing = Syncing()

    syncing.reads(billed(account=account(name="Ana Lopes")))

    assert syncing.customer.data.company_name is None


def test_what_an_order_said_of_itself_stays_on_the_subscription() -> None:
    syncing = Syncing()
    first = syncing.reads(billed())
    tracking = Tracking(source="shop", name="C5PBH5JD6698", order_reference="C5PBH5JD6698")
    ordered = first.model_copy(
        update={"ref": "order-1/item", "data": first.data.model_copy(update={"tracking": tracking})}
    )
    syncing.store.keep(ordered)

    after = syncing.reads(billed(version=2))

    assert (after.ref, after.data.tracking) == ("order-1/item", tracking)
    assert (first.ref, first.data.tracking.wire()) == (None, {"source": "zuora"})


def test_a_subscription_names_its_first_version_and_who_is_invoiced() -> None:
    syncing = Syncing()
    syncing.reads(billed(id="1" * 32))

    after = syncing.reads(billed(id="2" * 32, version=2, invoice_owner_id="9" * 32))

    assert after.data.zuora.wire() == {
        "number": "A-S00000271",
        "id": "2" * 32,
        "originalId": "1" * 32,
        "version": 2,
        "status": "Active",
        "accountId": "account-of-A00000042",
        "accountNumber": "A00000042",
        "invoiceOwnerAccountId": "9" * 32,
    }
    assert after.data.purchase_country == "GB"


@pytest.mark.parametrize(
    ("read", "end"),
    [
        ({"auto_renew": True}, None),
        ({"auto_renew": False}, TERM_END),
        ({"raw_status": "Cancelled", "cancel_date": SOON}, SOON),
    ],
    ids=["renews", "does-not-renew", "is-cancelled"],
)
def test_an_offer_ends_with_its_plan_unless_the_term_renews(
    read: dict[str, Any], end: date | None
) -> None:
    (offer,) = made(billed(**read)).offers

    assert offer.data.end == end


def test_an_open_plan_ends_on_the_day_of_a_cancellation() -> None:
    open_plan = rate_plan(end=None, charges=(charge(end=None),))

    (offer,) = made(billed(plans=(open_plan,), cancel_date=SOON)).offers

    assert offer.data.end == SOON


@pytest.mark.parametrize(
    "plan",
    [{"end": TODAY, "start": date(2026, 2, 2)}, {"end": None, "is_removed": True}],
    ids=["over-today", "removed"],
)
def test_a_plan_that_is_over_is_recognised_as_nothing(plan: dict[str, Any]) -> None:
    holding = made(billed(plans=(rate_plan(**plan),)))

    assert holding.offers == ()
    assert holding.data.mapping is not None
    assert (holding.data.mapping.status, holding.data.mapping.unmapped) == ("unmapped", ())


def test_what_has_ended_stays_so_when_the_same_is_bought_again() -> None:
    syncing = Syncing()
    syncing.reads(billed())
    syncing.reads(billed(version=2, plans=(rate_plan(is_removed=True, end=TODAY),)))
    again = date(2026, 3, 12)
    bought = rate_plan("plan-2", start=again, charges=(charge(start=again),))

    after = syncing.reads(billed(version=3, plans=(bought,)), days=10)

    assert [(one.status, one.data.start, one.data.end) for one in after.offers] == [
        ("ended", TODAY, TODAY),
        ("active", again, None),
    ]


def test_an_offer_that_has_ended_is_preferred_to_no_other() -> None:
    archived = candidate("offer-z", is_active=False)
    syncing = Syncing(archived)
    syncing.reads(billed())
    syncing.reads(billed(version=2, plans=(rate_plan(is_removed=True, end=TODAY),)))
    syncing.catalog = FakeCatalog(archived, candidate("offer-y"))
    again = date(2026, 3, 12)

    after = syncing.reads(billed(version=3, plans=(rate_plan("plan-2", start=again),)), days=10)

    assert [one.data.offer.id for one in after.offers if one.status == "active"] == ["offer-y"]


def test_an_unmapped_subscription_has_the_price_of_its_charges() -> None:
    holding = made(billed(), candidate("offer-other", plans=frozenset({SUPPORT})))

    assert holding.data.price is not None
    assert (holding.data.price.amount, holding.data.price.currency) == (Decimal("17.50"), "GBP")
    assert holding.data.name is None


def test_price_name_and_quantity_are_those_of_the_first_standard_offer() -> None:
    second = rate_plan(
        "plan-2",
        product_rate_plan=SUPPORT,
        quantity=5,
        start=date(2026, 3, 1),
        charges=(charge(price=Decimal(40), start=date(2026, 3, 1)),),
    )
    first = candidate(name="Digital", plans=frozenset({DIGITAL}))
    older = candidate("offer-a", name="Print", plans=frozenset({SUPPORT}))

    holding = made(billed(plans=(rate_plan(), second)), first, older)

    assert [one.data.name for one in holding.offers] == ["Print", "Digital"]
    assert (holding.data.name, holding.data.quantity) == ("Print", 5)
    assert holding.data.price is not None
    assert holding.data.price.amount == Decimal(40)


def test_the_next_twenty_four_payments_are_expected() -> None:
    weekly = charge(every=Interval(1, "weeks"), end=None, charged_through=TODAY)

    holding = made(billed(plans=(rate_plan(end=None, charges=(weekly,)),)))

    days = [TODAY + timedelta(weeks=n) for n in range(24)]
    assert [one.data.date for one in holding.schedule] == days
    assert {one.status for one in holding.schedule} == {"pending-external"}


def test_payments_are_expected_up_to_the_end_of_their_charge() -> None:
    ends = charge(end=date(2026, 6, 2))

    holding = made(billed(plans=(rate_plan(charges=(ends,)),)))

    assert [one.data.date.month for one in holding.schedule] == [4, 5]


def test_a_delivery_address_is_kept_where_there_is_one() -> None:
    syncing = Syncing()
    delivery = ids.derived("address", "address", CUSTOMER, "delivery")
    syncing.reads(billed())
    assert syncing.store.address(delivery) is None

    home = AddressData(city="Leeds", country="GB")
    syncing.reads(billed(version=2, account=account(delivery=home)))

    address = syncing.store.address(delivery)
    assert address is not None
    assert (address.relationship_type, address.related, address.data.city) == (
        "delivery",
        CUSTOMER,
        "Leeds",
    )


def test_an_offer_of_two_plans_ends_when_one_of_them_is_removed() -> None:
    syncing = Syncing(candidate(plans=frozenset({DIGITAL, SUPPORT})))
    beside = rate_plan("plan-2", product_rate_plan=SUPPORT)
    syncing.reads(billed(plans=(rate_plan(), beside)))

    removed = rate_plan(is_removed=True, end=TODAY)
    after = syncing.reads(billed(version=2, plans=(removed, beside)))

    assert [(one.status, one.data.end) for one in after.offers] == [("ended", TODAY)]
    assert after.data.mapping is not None
    assert [one.rate_plan_id for one in after.data.mapping.unmapped] == ["plan-2"]


def test_the_words_of_a_price_tell_how_often_that_plan_is_paid() -> None:
    yearly = charge(price=Decimal(180), every=Interval(1, "years"), start=date(2026, 3, 1))
    older = rate_plan("plan-2", product_rate_plan=SUPPORT, start=yearly.start, charges=(yearly,))
    print_offer = candidate("offer-a", name="Print", plans=frozenset({SUPPORT}))

    holding = made(billed(plans=(rate_plan(), older)), candidate(), print_offer)

    assert holding.data.price is not None
    assert holding.data.price.summary is not None
    assert holding.data.price.summary.subline == "\N{POUND SIGN}180.00 per year"


def test_the_period_is_that_of_the_first_charge_that_has_one() -> None:
    odd = rate_plan("plan-0", product_rate_plan=SUPPORT, charges=(charge(every=None),))

    holding = made(billed(plans=(odd, rate_plan())))

    period = holding.data.current_period
    assert period is not None
    assert (period.start, period.end) == (TODAY, date(2026, 4, 2))


def test_what_ends_today_is_not_what_begins_today() -> None:
    syncing = Syncing()
    syncing.reads(billed(plans=(rate_plan(end=SOON),)))
    again = rate_plan("plan-2", start=SOON, charges=(charge(start=SOON),))

    after = syncing.reads(billed(version=2, plans=(rate_plan(end=SOON), again)), days=20)

    assert [(one.status, one.data.start, one.data.end) for one in after.offers] == [
        ("ended", TODAY, SOON),
        ("active", SOON, None),
    ]
