"""Whatever a partner user asks for, only what carries the own organisation's id is answered."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.commerce.models import OwnerStatus, ProcessStep, StepError
from tessera.cursors import Cursors
from tessera.errors import InvalidRequest, NotFound
from tessera.objects import Record, canonical_json
from tessera.partners import customers, orders, subscriptions
from tests.builders import NOW, TODAY
from tests.partners.commerce import World, customer, holding, order, owner, sold_at
from tests.partners.organisations import ACME, BOREALIS, partner_of


class Key:
    def read(self) -> dict[str, str]:
        return {"key": "a key that seals"}


CURSORS = Cursors(Key())
ORGANISATIONS = (ACME, BOREALIS, None)
organisations = st.sampled_from(ORGANISATIONS)
owned_by = st.sampled_from([owner(n).id for n in range(4)])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Owners who buy of several organisations, and directly."""
    return World(
        owners=[owner(n, draw(organisations)) for n in range(draw(st.integers(0, 4)))],
        customers=[
            customer(n, draw(organisations), owner=draw(owned_by))
            for n in range(draw(st.integers(0, 6)))
        ],
        holdings=[
            holding(n, draw(organisations), owner=draw(owned_by))
            for n in range(draw(st.integers(0, 6)))
        ],
        orders=[order(n, draw(organisations)) for n in range(draw(st.integers(0, 4)))],
    )


def page(world: World, id: str, by: str, limit: int = 40, cursor: str | None = None) -> Any:
    return subscriptions.list_page(
        id,
        limit=limit,
        cursor=cursor,
        by=partner_of(by),
        owners=world,
        cursors=CURSORS,
        today=TODAY,
    )


@given(worlds(), st.sampled_from([ACME, BOREALIS]))
def test_each_object_is_answered_to_its_own_organisation_and_to_no_other(
    world: World, by: str
) -> None:
    who = partner_of(by)
    reads: list[tuple[dict[str, Any], Callable[[str], Any]]] = [
        (world.customers, lambda id: customers.read(id, by=who, customers=world)),
        (
            world.holdings,
            lambda id: subscriptions.read(id, by=who, subscriptions=world, today=TODAY),
        ),
        (world.orders, lambda id: orders.read(id, by=who, orders=world)),
    ]

    for known, read in reads:
        for id, one in known.items():
            assert isinstance(one, Record)
            if one.partner_org == by:
                assert id in str(read(id))
            else:
                assert refusal(partial(read, id)) == refusal(partial(read, id[:-1] + "f"))


@given(worlds(), st.sampled_from([ACME, BOREALIS]), st.integers(1, 3))
def test_all_pages_of_an_owner_hold_the_own_subscriptions_and_no_other(
    world: World, by: str, limit: int
) -> None:
    for id in [owner(n).id for n in range(5)]:
        mine = {one.id for one in world.holdings_of(id) if one.partner_org == by}
        names = {one.partner_org for one in world.customers.values() if one.owner == id}
        known = world.owners.get(id)
        if known is None or by not in {known.partner_org, *names}:
            with pytest.raises(NotFound):
                page(world, id, by)
            continue
        seen: list[str] = []
        cursor = None
        while True:
            answer = page(world, id, by, limit, cursor)
            assert len(answer["items"]) <= limit
            assert {one["partner_org"] for one in answer["items"]} <= {by}
            seen += [one["id"] for one in answer["items"]]
            cursor = answer["queryMore"]
            if cursor is None:
                break
        assert (len(seen), set(seen)) == (len(mine), mine)


def test_a_cursor_opens_the_list_of_the_one_it_was_given_to_alone() -> None:
    mixed = [customer(1), customer(2, BOREALIS, owner=owner(1).id)]
    held = [holding(n, org, owner=owner(1).id) for n, org in enumerate([ACME, ACME, BOREALIS] * 2)]
    world = World(owners=[owner(1)], customers=mixed, holdings=held)
    cursor = page(world, owner(1).id, ACME, limit=1)["queryMore"]

    assert page(world, owner(1).id, ACME, limit=1, cursor=cursor)["items"]
    with pytest.raises(InvalidRequest):
        page(world, owner(1).id, BOREALIS, limit=1, cursor=cursor)


def test_a_list_goes_on_where_it_was_when_the_last_one_shown_has_left() -> None:
    held = [holding(n, owner=owner(1).id) for n in range(4)]
    world = World(owners=[owner(1)], customers=[customer(1)], holdings=held)
    first = page(world, owner(1).id, ACME, limit=2)
    del world.holdings[held[1].id]

    rest = page(world, owner(1).id, ACME, limit=2, cursor=first["queryMore"])

    assert [one["id"] for one in rest["items"]] == [one.id for one in held[2:]]
    assert rest["queryMore"] is None


def test_a_cursor_of_the_release_before_is_refused() -> None:
    held = [holding(n, owner=owner(1).id) for n in range(2)]
    world = World(owners=[owner(1)], customers=[customer(1)], holdings=held)
    who = partner_of(ACME)
    list_before = ["partner-subscriptions", who.kind, who.id, ACME, owner(1).id]
    before = CURSORS.seal({"after": held[0].id}, of=canonical_json(list_before))

    with pytest.raises(InvalidRequest):
        page(world, owner(1).id, ACME, limit=1, cursor=before)


def test_a_cursor_opens_the_list_of_no_other_owner() -> None:
    held = [holding(n, owner=owner(1).id) for n in (1, 2)]
    customers = [customer(1), customer(2)]
    world = World(owners=[owner(1), owner(2)], customers=customers, holdings=held)
    cursor = page(world, owner(1).id, ACME, limit=1)["queryMore"]

    with pytest.raises(InvalidRequest):
        page(world, owner(2).id, ACME, limit=1, cursor=cursor)


@pytest.mark.parametrize("id", ["", "id-1", f"cus-{1:032x}", f"id-{'A' * 32}", f"id-{1:032x}\n"])
def test_what_is_no_owners_id_is_not_looked_up(id: str) -> None:
    world = World(owners=[owner(1)], customers=[customer(1)], holdings=[holding(1)])

    assert refusal(lambda: page(world, id, ACME)) == refusal(lambda: page(world, owner(3).id, ACME))


@pytest.mark.parametrize("status", ["merged", "replaced"])
def test_an_owner_that_became_another_is_as_unknown_as_any(status: OwnerStatus) -> None:
    gone = owner(1).model_copy(update={"status": status, "merged_into": owner(2).id})
    world = World(owners=[gone], customers=[customer(1)], holdings=[holding(1)])

    assert refusal(lambda: page(world, owner(1).id, ACME)) == refusal(
        lambda: page(world, owner(3).id, ACME)
    )


@pytest.mark.parametrize("id", ["", "cus-1", owner(1).id, "../orders", "partner_org-" + "0" * 32])
def test_an_id_of_another_kind_is_as_unknown_as_any(id: str) -> None:
    world, who = World(), partner_of()

    for read in (
        lambda: customers.read(id, by=who, customers=world),
        lambda: orders.read(id, by=who, orders=world),
        lambda: subscriptions.read(id, by=who, subscriptions=world, today=TODAY),
    ):
        assert refusal(read)[0] == "not_found"


def test_an_order_shows_its_steps_and_not_what_outside_systems_said() -> None:
    step = ProcessStep(
        id="process_event-1",
        step="zuora_order",
        status="failed",
        at=NOW,
        attempts=2,
        request_id="request-1",
        error=StepError(code="zuora_failed", codes=(53100320,)),
    )
    world = World(orders=[order(process=(step,))])

    shown = orders.read(order().id, by=partner_of(), orders=world)

    assert [sorted(one) for one in shown["process"]] == [["at", "attempts", "id", "status", "step"]]
    assert "53100320" not in str(shown)
    assert "request-1" not in str(shown)


def test_a_subscription_is_shown_as_its_dates_make_it_today() -> None:
    world = World(holdings=[holding(status="pending")])

    read = subscriptions.read(
        holding().id, by=partner_of(), subscriptions=world, today=date(2026, 3, 3)
    )

    assert read.status == "active"


def refusal(read: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(NotFound) as refused:
        read()
    return refused.value.wire_code, str(refused.value)


def test_of_the_partners_that_may_sell_what_it_sold_one_sees_itself_alone() -> None:
    held = holding(
        1,
        offers=(sold_at("17.50", 1, ACME, BOREALIS, ACME),),
        addOns=(sold_at("5", 2, ACME, BOREALIS),),
    )
    world = World(owners=[owner(1)], customers=[customer(1)], holdings=[held])

    (listed,) = page(world, owner(1).id, ACME)["items"]
    read = subscriptions.read(held.id, by=partner_of(), subscriptions=world, today=TODAY)

    for shown in (listed, read.wire()):
        (offer,), (add_on,) = shown["offers"], shown["addOns"]
        assert offer["data"]["offer"]["attributes"]["eligible_partners__limio"] == [ACME]
        assert "eligible_partners__limio" not in add_on["data"]["offer"]["attributes"]
