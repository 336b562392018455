"""What a sync makes of the billing system's picture, seen in the tables."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

import pytest

from tessera import dynamo, ids
from tessera.aws import client
from tessera.commerce import store
from tessera.commerce.billed import Billed
from tessera.commerce.commits import Commit, TooManyParts
from tessera.commerce.entitlements import Announcements, Ownership
from tessera.commerce.mapping import Candidate
from tessera.commerce.models import AddressData, SalesforceAccount
from tessera.commerce.owners import TooManySubscriptions
from tessera.commerce.store import CommerceTable
from tessera.commerce.sync import Synced, sync
from tessera.errors import InvalidFields
from tessera.tables import COMMERCE
from tests.builders import (
    NOW,
    SUPPORT,
    TODAY,
    FakeBilling,
    FakeCatalog,
    FakePartners,
    account,
    billed,
    candidate,
    product,
    rate_plan,
)
from tests.conftest import Told

SUB = "sub-ac3a12b67e833080e10b13ca25b84017"
OWNER = "id-8606b883875fe37f1beae43c676ebc60"


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    return CommerceTable(tables["Commerce"], tables["Events"])


def run(
    owners: CommerceTable,
    *known: Billed,
    catalog: FakeCatalog | None = None,
    partners: FakePartners | None = None,
    later: timedelta = timedelta(0),
    **more: Any,
) -> Synced:
    return sync(
        known[0].number,
        billing=FakeBilling(*known),
        catalog=catalog or FakeCatalog(candidate()),
        partners=partners or FakePartners(),
        owners=owners,
        now=NOW + later,
        today=TODAY + later,
        mode="test",
        **more,
    )


def test_answers_with_the_ids_that_the_number_and_the_account_always_have(
    owners: CommerceTable,
) -> None:
    assert run(owners, billed()) == Synced(id=SUB, owner=OWNER)


def test_all_that_it_makes_has_the_id_that_its_parts_always_give(owners: CommerceTable) -> None:
    home = AddressData(first_name="Ana", city="Leeds", country="GB")
    run(owners, billed(account=account(delivery=home)))

    holding = owners.holding(SUB)
    assert holding is not None
    offer = ids.derived(
        "subscription_offer",
        "subscription_offer",
        SUB,
        "offer-b4dc66dde806261bdda8607d8707aa72",
        "2026-03-02",
    )
    payment = ids.derived("schedule", "schedule", SUB, "payment", "2026-04-02")
    assert holding.customer == "cus-8b28fbca8eb2e9e9f0428ed4215b79e3"
    assert [one.id for one in holding.offers] == [offer]
    assert holding.schedule[0].id == payment
    for kind in ("billing", "delivery"):
        address = ids.derived("address", "address", holding.customer, kind)
        assert owners.address(address) is not None


def test_makes_owner_customer_subscription_offer_and_schedule(owners: CommerceTable) -> None:
    run(owners, billed())

    holding = owners.holding(SUB)
    ownership = owners.ownership(OWNER)
    assert holding is not None
    assert ownership is not None
    assert (holding.name, holding.owner, holding.status) == ("A-S00000271", OWNER, "active")
    assert [offer.data.name for offer in holding.offers] == ["Digital Monthly"]
    assert [row.data.date for row in holding.schedule][:2] == [date(2026, 4, 2), date(2026, 5, 2)]
    assert holding.data.price is not None
    assert holding.data.price.summary is not None
    assert holding.data.price.summary.subline == "£17.50 per month"
    assert [customer.id for customer in ownership.customers] == [holding.customer]


def test_tells_of_customer_subscription_and_entitlements(owners: CommerceTable, told: Told) -> None:
    run(owners, billed())

    assert [(event.type, event.sequence) for event in told()] == [
        ("customer.created", 1),
        ("address.added", 2),
        ("subscription.created", 3),
        ("entitlements.updated", 4),
    ]
    assert told()[-1].snapshot == {
        "tracking": {"subscription": "A-S00000271", "source": "zuora"},
        "updated": "2026-03-02T09:14:07.512Z",
        "owner": OWNER,
        "identities": [],
        "entitlements": [{"code": "W2"}],
    }


def test_a_repeat_writes_nothing_and_tells_nothing(owners: CommerceTable, told: Told) -> None:
    first = run(owners, billed())
    before = owners.ownership(OWNER)

    again = run(owners, billed(), later=timedelta(hours=1))

    assert again == first
    assert owners.ownership(OWNER) == before
    assert len(told()) == 4


def test_an_older_version_never_overwrites_a_newer_one(owners: CommerceTable) -> None:
    run(owners, billed(version=3, auto_renew=False))

    run(owners, billed(version=2, auto_renew=True))

    holding = owners.holding(SUB)
    assert holding is not None
    assert (holding.data.zuora.version, holding.data.auto_renew) == (3, False)


def test_two_subscriptions_of_one_account_have_one_owner(owners: CommerceTable) -> None:
    first = run(owners, billed())
    second = run(owners, billed("A-S00000272"))

    assert second.owner == first.owner
    assert {one.name for one in owners.holdings_of(OWNER)} == {"A-S00000271", "A-S00000272"}


def test_two_syncs_at_the_same_moment_meet_at_the_same_keys(
    owners: CommerceTable, told: Told
) -> None:
    class Overtaken(FakeCatalog):
        """Another sync reads and writes between this one's reading and writing."""

        is_first = True

        def candidates(self, plans: Collection[str], *, partner_org: str | None) -> list[Candidate]:
            if self.is_first:
                self.is_first = False
                run(owners, billed())
            return super().candidates(plans, partner_org=partner_org)

    answer = run(owners, billed(), catalog=Overtaken(candidate()))

    assert answer == Synced(id=SUB, owner=OWNER)
    assert [event.type for event in told()].count("subscription.created") == 1


def test_what_an_order_learns_of_the_customer_meanwhile_is_kept(owners: CommerceTable) -> None:
    class Overtaken(CommerceTable):
        """An order writes the customer after it was read and before its owner is."""

        is_first = True

        def ownership(self, owner: str) -> Ownership | None:
            if self.is_first:
                self.is_first = False
                known = owners.ownership(owner)
                before = owners.customer(ids.customer_id("A00000042"))
                assert known is not None
                assert before is not None
                crm = before.data.model_copy(
                    update={"salesforce": SalesforceAccount(contact_id="003")}
                )
                later = before.updated + timedelta(seconds=1)
                after = before.model_copy(update={"data": crm, "updated": later})
                telling = Announcements(known, now=later, today=TODAY)
                telling.tell("customer.updated", after.wire())
                owners.commit(
                    Commit(
                        ownership=telling.ownership,
                        seen=known.owner.updated,
                        replaces=[after],
                        events=telling.events,
                    )
                )
            return super().ownership(owner)

    run(owners, billed())
    renamed = billed(account=account(name="Lopes and Sons"), version=2)

    run(Overtaken("Commerce", "Events"), renamed, later=timedelta(minutes=5))

    customer = owners.customer(ids.customer_id("A00000042"))
    assert customer is not None
    assert customer.data.company_name == "Lopes and Sons"
    assert customer.data.salesforce == SalesforceAccount(contact_id="003")


def test_a_plan_that_no_offer_holds_is_listed_and_grants_nothing(
    owners: CommerceTable, told: Told
) -> None:
    answer = run(owners, billed(), catalog=FakeCatalog(), detail=True)

    assert answer.mapping is not None
    assert answer.mapping.status == "unmapped"
    assert [plan.rate_plan_id for plan in answer.mapping.unmapped] == ["plan-1"]
    assert "entitlements.updated" not in [event.type for event in told()]


@pytest.mark.parametrize(
    "ahead",
    [
        {"raw_status": "Cancelled", "cancel_date": date(2026, 5, 2)},
        {"start": date(2026, 5, 2)},
    ],
    ids=["a-cancellation", "a-later-start"],
)
def test_a_day_to_come_on_which_nothing_is_given_or_taken_is_not_announced(
    ahead: dict[str, Any], owners: CommerceTable, told: Told
) -> None:
    run(owners, billed(**ahead), catalog=FakeCatalog())

    assert told("entitlements.updated") == []


def test_completing_the_catalog_and_syncing_again_grants(owners: CommerceTable, told: Told) -> None:
    run(owners, billed(), catalog=FakeCatalog())

    run(owners, billed(), later=timedelta(minutes=5))

    assert told()[-1].snapshot["entitlements"] == [{"code": "W2"}]


def test_editing_the_catalog_gives_and_takes_nothing(owners: CommerceTable) -> None:
    run(owners, billed())

    run(owners, billed(version=2), catalog=FakeCatalog(candidate(products=(product("W3"),))))

    ownership = owners.ownership(OWNER)
    assert ownership is not None
    assert ownership.held[0].on(TODAY) == ("W2",)


def test_refresh_copies_the_entitlements_anew(owners: CommerceTable, told: Told) -> None:
    run(owners, billed())

    run(
        owners,
        billed(),
        catalog=FakeCatalog(candidate(products=(product("W3"),))),
        refresh=True,
    )

    assert told()[-1].snapshot["entitlements"] == [{"code": "W3"}]


def test_a_booked_cancellation_is_announced_with_its_day(owners: CommerceTable, told: Told) -> None:
    run(owners, billed())

    run(owners, billed(version=2, raw_status="Cancelled", cancel_date=date(2026, 5, 2)))

    body = told()[-1].snapshot
    assert (body["effectiveDate"], body["entitlements"]) == ("2026-05-02T00:00:00.000", [])
    holding = owners.holding(SUB)
    assert holding is not None
    assert holding.status == "active"
    assert {row.data.date for row in holding.schedule if row.status == "pending-external"} == {
        date(2026, 4, 2)
    }


def test_a_cancellation_whose_day_has_come_takes_the_entitlements(
    owners: CommerceTable, told: Told
) -> None:
    run(owners, billed())

    run(owners, billed(version=2, raw_status="Cancelled", cancel_date=TODAY))

    body = told()[-1].snapshot
    assert ("effectiveDate" in body, body["entitlements"]) == (False, [])


def test_a_suspended_subscription_grants_nothing_until_it_is_resumed(
    owners: CommerceTable, told: Told
) -> None:
    run(owners, billed(status="suspended", raw_status="Suspended"))
    assert "entitlements.updated" not in [event.type for event in told()]

    run(owners, billed(version=2))

    assert told()[-1].snapshot["entitlements"] == [{"code": "W2"}]


def test_a_removed_plan_ends_its_offer(owners: CommerceTable, told: Told) -> None:
    run(owners, billed())

    removed = rate_plan(is_removed=True, end=TODAY)
    run(owners, billed(version=2, plans=(removed,)))

    holding = owners.holding(SUB)
    assert holding is not None
    assert [(offer.status, offer.data.end) for offer in holding.offers] == [("ended", TODAY)]
    assert told()[-1].snapshot["entitlements"] == []


def test_a_discount_that_begins_with_the_next_term_is_one_before_and_after_the_renewal(
    owners: CommerceTable,
) -> None:
    term_end, promised = date(2027, 3, 2), date(2027, 6, 2)
    catalog = FakeCatalog(
        candidate(),
        candidate(
            "offer-7e9e5ac30f2216fd0fd6f5faed316f2d", kind="discount", plans=frozenset({SUPPORT})
        ),
    )
    known = billed(
        term_end=date(2028, 3, 2),
        plans=(
            rate_plan(end=date(2028, 3, 2)),
            rate_plan("save", product_rate_plan=SUPPORT, start=term_end, end=promised),
        ),
    )
    cut = rate_plan("save", product_rate_plan=SUPPORT, start=term_end, end=term_end)
    seen = []
    for version, reading in enumerate(
        (known, known._replace(term_end=term_end, plans=(rate_plan(), cut)), known), start=1
    ):
        run(owners, reading._replace(version=version), catalog=catalog)
        holding = owners.holding(SUB)
        assert holding is not None
        seen.append([(o.id, o.status, o.data.end) for o in holding.offers])

    assert [len(offers) for offers in seen] == [2, 2, 2]
    assert seen[0] == seen[1] == seen[2]
    assert {(status, end) for _, status, end in seen[0]} == {
        ("active", None),
        ("pending", promised),
    }


def test_a_discount_that_begins_with_the_next_term_goes_when_the_term_is_not_renewed(
    owners: CommerceTable,
) -> None:
    term_end = date(2027, 3, 2)
    catalog = FakeCatalog(
        candidate(),
        candidate(
            "offer-7e9e5ac30f2216fd0fd6f5faed316f2d", kind="discount", plans=frozenset({SUPPORT})
        ),
    )
    cut = rate_plan("save", product_rate_plan=SUPPORT, start=term_end, end=term_end)
    run(owners, billed(plans=(rate_plan(), cut)), catalog=catalog)

    run(
        owners,
        billed(version=2, auto_renew=False, plans=(rate_plan(), cut)),
        catalog=catalog,
    )

    holding = owners.holding(SUB)
    assert holding is not None
    assert sorted(offer.status for offer in holding.offers) == ["active", "ended"]


def test_an_add_on_is_recognised_beside_the_offer(owners: CommerceTable, told: Told) -> None:
    plans = (rate_plan(), rate_plan("plan-2", product_rate_plan=SUPPORT))
    add_on = candidate(
        "addon-7e9e5ac30f2216fd0fd6f5faed316f2d",
        kind="add_on",
        plans=frozenset({SUPPORT}),
        products=(product("HELP"),),
    )

    run(owners, billed(plans=plans), catalog=FakeCatalog(candidate(), add_on))

    holding = owners.holding(SUB)
    assert holding is not None
    assert [one.data.record_subtype for one in holding.add_ons] == ["add_on"]
    assert told()[-1].snapshot["entitlements"] == [{"code": "W2"}, {"code": "HELP"}]


def test_a_customer_of_one_partner_is_put_under_it_on_the_first_import(
    owners: CommerceTable,
) -> None:
    partners = FakePartners(parent=["partner_org-1"])

    run(owners, billed(account=account(parent_id="parent")), partners=partners)

    holding = owners.holding(SUB)
    assert holding is not None
    assert holding.partner_org == "partner_org-1"


def test_a_parent_that_several_partners_share_names_none(owners: CommerceTable) -> None:
    partners = FakePartners(parent=["partner_org-1", "partner_org-2"])

    answer = run(
        owners, billed(account=account(parent_id="parent")), partners=partners, detail=True
    )

    assert answer.mapping is not None
    assert answer.mapping.warning == "several_organisations"
    holding = owners.holding(SUB)
    assert holding is not None
    assert holding.partner_org is None


def test_a_repeat_keeps_the_warning_of_several_partners_and_tells_nothing(
    owners: CommerceTable, told: Told
) -> None:
    partners = FakePartners(parent=["partner_org-1", "partner_org-2"])
    ambiguous = billed(account=account(parent_id="parent"))
    first = run(owners, ambiguous, partners=partners, detail=True)
    count = len(told())

    again = run(owners, ambiguous, partners=partners, detail=True, later=timedelta(hours=1))

    assert again == first
    assert len(told()) == count


def test_a_sync_costs_three_reads_and_one_transaction(owners: CommerceTable) -> None:
    calls: list[str] = []
    client("dynamodb").meta.events.register(
        "before-call.dynamodb", lambda model, **_: calls.append(model.name)
    )

    run(owners, billed())

    assert calls == ["BatchGetItem", "GetItem", "Query", "TransactWriteItems"]


def test_an_owner_with_too_many_subscriptions_is_told_so_and_not_shown_a_part(
    owners: CommerceTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(owners, billed())
    # Twenty thousand rows would take minutes to make.
    rows = 2 + len(owners.holdings_of(OWNER)[0].schedule)
    monkeypatch.setattr(store, "_MAX_ROWS_OF_AN_OWNER", rows)
    assert len(owners.holdings_of(OWNER)) == 1

    monkeypatch.setattr(store, "_MAX_ROWS_OF_AN_OWNER", rows - 1)
    with pytest.raises(TooManySubscriptions, match="page by page"):
        owners.holdings_of(OWNER)


def test_the_first_address_of_each_kind_is_told_of_once(owners: CommerceTable, told: Told) -> None:
    home = AddressData(first_name="Ana", city="Leeds", country="GB")
    run(owners, billed())
    run(owners, billed(version=2, account=account(delivery=home)), later=timedelta(hours=1))
    moved = home.model_copy(update={"city": "York"})
    run(owners, billed(version=3, account=account(delivery=moved)), later=timedelta(hours=2))

    added = told("address.added")
    assert [event.created_at for event in added] == [NOW, NOW + timedelta(hours=1)]
    assert {event.snapshot["owner"] for event in added} == {OWNER}


def test_what_one_transaction_has_no_room_for_is_written_by_the_next_sync(
    owners: CommerceTable,
) -> None:
    """Zuora CPQ sells as many products on one subscription as it likes."""

    def of(number: int, called: str = "A-S00000271") -> tuple[Billed, FakeCatalog]:
        plans = [f"{n:032x}" for n in range(number)]
        return billed(
            called, plans=tuple(rate_plan(f"plan-{n}", product_rate_plan=n) for n in plans)
        ), FakeCatalog(*(candidate(f"offer-{n}", plans=frozenset({n})) for n in plans))

    many, catalog = of(80)
    run(owners, many, catalog=catalog)
    first = owners.holding(SUB)
    run(owners, many, catalog=catalog)
    second = owners.holding(SUB)

    assert first is not None
    assert second is not None
    assert [len(one.offers) for one in (first, second)] == [80, 80]
    assert [len(one.schedule) for one in (first, second)] == [8, 11]
    more, catalog = of(110, "A-S00000991")
    with pytest.raises(TooManyParts):
        run(owners, more, catalog=catalog)


def _granting(codes: int) -> FakeCatalog:
    return FakeCatalog(candidate(products=(product(*(f"{n:080}" for n in range(codes))),)))


def test_what_zuora_sells_is_taken_over_also_where_no_order_could_be_so_large(
    owners: CommerceTable, told: Told
) -> None:
    run(owners, billed(), catalog=_granting(300))

    (created,) = told("subscription.created")
    assert created.size > 64 * 1024


def test_a_subscription_that_no_event_could_tell_of_is_refused_and_nothing_is_written(
    owners: CommerceTable, told: Told
) -> None:
    with pytest.raises(InvalidFields) as refused:
        run(owners, billed(), catalog=_granting(900))

    (error,) = refused.value.errors
    assert (error.field, error.code) == ("id", "too_long")
    assert (owners.holding(SUB), told()) == (None, [])


def test_a_subscription_is_read_whole_however_many_rows_it_has(owners: CommerceTable) -> None:
    """Its offers come behind its payments: cut at 1 MB, it would have no entitlements."""
    run(owners, billed())
    (row, *_) = dynamo.query("Commerce", COMMERCE, SUB, begins="schedule-").rows
    for n in range(30):
        more = {"id": f"schedule-{n:032x}", "sk": f"schedule-{n:032x}", "padding": "x" * 40_000}
        dynamo.write(dynamo.put("Commerce", {**row, **more}))

    holding = owners.holding(SUB)

    assert holding is not None
    assert [one.data.name for one in holding.offers] == ["Digital Monthly"]
    assert len(holding.schedule) == 41
