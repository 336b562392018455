"""Carrying orders out: steps, waits, leases, completion and failure, without any outside system."""

from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.commerce.models import SalesforceAccount
from tessera.commerce.order_clock import clock_of
from tessera.commerce.provisioning import Policy, sweep
from tessera.commerce.steps import Done, StepFailed, Trouble
from tests.builders import account, billed, charge, rate_plan
from tests.commerce.carrying import (
    ACCOUNT,
    NUMBER,
    ORDER,
    OWNER,
    START,
    SUB,
    TODAY,
    Absent,
    Carrier,
    Killed,
    ScriptedVendor,
    order,
    pending,
    store_with,
    subscription,
)


def failure(verdict: Any = "unavailable", **detail: Any) -> StepFailed:
    trouble = Trouble("zuora", "zuora_failed", "Zuora could not do it.", (50000061,), "req-1")
    return StepFailed(verdict, trouble, **detail)


def reading() -> Any:
    """What Zuora has of the subscription once the order is there."""
    plan = rate_plan(start=TODAY, end=None, charges=(charge(start=TODAY, end=None),))
    of = account(ACCOUNT, id="8" * 32)
    return billed(NUMBER, start=TODAY, term_start=TODAY, account=of, plans=(plan,))


@pytest.fixture
def zuora() -> ScriptedVendor:
    return ScriptedVendor(reading())


@pytest.fixture
def crm() -> ScriptedVendor:
    return ScriptedVendor()


@pytest.fixture
def carrier(zuora: ScriptedVendor, crm: ScriptedVendor) -> Carrier:
    return Carrier(store_with(order()), crm=crm, billing=zuora)


def test_takes_the_steps_in_order_and_completes(carrier: Carrier) -> None:
    assert carrier.run() == ["completed"]

    assert list(carrier.steps().items()) == [
        ("salesforce_customer", "complete"),
        ("zuora_account", "complete"),
        ("zuora_order", "complete"),
        ("zuora_refresh", "complete"),
    ]
    assert carrier.order.status == "complete"
    assert carrier.order.provisioning is not None
    assert carrier.order.provisioning.next_at is None
    assert carrier.order.provisioning.lease_until is None
    assert carrier.holding.data.pending_change is None
    assert carrier.store.told[-1] == "order.completed"
    assert carrier.store.bodies("order.completed")[0]["status"] == "complete"
    assert carrier.counted == ["OrdersCompleted"]


def test_a_second_message_of_an_order_that_has_ended_does_nothing(
    carrier: Carrier, zuora: ScriptedVendor
) -> None:
    carrier.run()
    before = (list(zuora.kinds), list(carrier.store.told))

    assert carrier.run() == ["ended"]

    assert (zuora.kinds, carrier.store.told) == before


def test_an_unknown_order_is_acknowledged(carrier: Carrier) -> None:
    assert carrier.run("order-" + "0" * 32) == ["unknown"]


def test_without_vendors_every_step_is_skipped_and_the_order_completes() -> None:
    carrier = Carrier(store_with(order()), crm=Absent(), billing=Absent())

    assert carrier.run() == ["completed"]

    assert set(carrier.steps().values()) == {"skipped"}
    assert carrier.order.status == "complete"
    assert carrier.holding.data.pending_change is None
    assert "entitlements.updated" not in carrier.store.told


@pytest.mark.parametrize(
    ("order_type", "steps"),
    [
        *(
            (kind, ["zuora_order", "zuora_refresh"])
            for kind in (
                "change_offer",
                "add_offer",
                "cancel_subscription",
                "add_on",
                "update_subscription",
                "renew",
            )
        ),
        ("change_address", ["zuora_contact"]),
        ("change_payment", ["zuora_payment_method"]),
        ("pay_invoice", ["zuora_payment"]),
    ],
)
def test_each_order_type_has_its_steps(order_type: str, steps: list[str]) -> None:
    carrier = Carrier(store_with(order(order_type)), crm=Absent(), billing=Absent())

    carrier.run()

    assert list(carrier.steps()) == steps


def test_a_card_that_the_order_names_is_a_step_of_its_own() -> None:
    carrier = Carrier(store_with(order(payment_method="8" * 32)), crm=Absent(), billing=Absent())

    carrier.run()

    assert list(carrier.steps())[2] == "zuora_payment_method"


def test_with_an_account_per_item_the_steps_are_taken_for_each() -> None:
    policy = Policy(zone="UTC", mode="test", account_per_item=True)
    carrier = Carrier(store_with(order()), crm=Absent(), billing=Absent(), policy=policy)

    carrier.run()

    assert list(carrier.steps()) == [
        "salesforce_customer/0",
        "zuora_account/0",
        "zuora_order/0",
        "zuora_refresh",
    ]


def test_waits_longer_after_each_failure_then_hourly(
    carrier: Carrier, zuora: ScriptedVendor
) -> None:
    zuora.says("zuora_account", *(failure() for _ in range(10)))

    outcomes = carrier.run()

    assert outcomes.count("put_off") == 10
    waits = [delay for delay in carrier.queue.delays if delay != 0]
    assert waits[:6] == [10, 30, 60, 120, 300, 900]
    assert set(waits[6:]) == {900}
    assert carrier.timer.at - START == timedelta(
        seconds=10 + 30 + 60 + 120 + 300 + 900 + 1800 + 3 * 3600
    )
    assert carrier.order.status == "complete"


def test_a_retry_after_is_a_minimum(carrier: Carrier, zuora: ScriptedVendor) -> None:
    zuora.says("zuora_account", failure(retry_after=120))

    carrier.run()

    assert carrier.queue.delays[1] == 120


def test_a_long_wait_is_passed_on_in_pieces_that_a_queue_takes(
    carrier: Carrier, zuora: ScriptedVendor
) -> None:
    zuora.says("zuora_account", failure(retry_after=3600))

    outcomes = carrier.run()

    assert carrier.queue.delays == [0, 900, 900, 900, 900]
    assert outcomes == ["put_off", "waiting", "waiting", "waiting", "completed"]


def test_no_wait_that_is_asked_for_outlasts_the_time_of_the_order(
    carrier: Carrier, zuora: ScriptedVendor
) -> None:
    asked = failure("ambiguous", retry_after=20 * 3600)
    zuora.says("zuora_account", asked, asked, asked)

    carrier.run()

    assert carrier.order.status == "failed"
    assert carrier.timer.at - START == timedelta(hours=24)


def test_only_a_definite_failure_takes_the_next_generation(
    carrier: Carrier, zuora: ScriptedVendor
) -> None:
    zuora.says(
        "zuora_order",
        failure("ambiguous"),
        failure("unavailable", same_key=False),
        failure("ambiguous", same_key=False),
    )

    carrier.run()

    tried = [work.step.generation for work in zuora.calls if work.step.step == "zuora_order"]
    assert tried == [0, 0, 1, 2]


def test_looks_back_from_the_second_attempt_on(carrier: Carrier, zuora: ScriptedVendor) -> None:
    zuora.says("zuora_account", failure("ambiguous"))

    carrier.run()

    repeats = [(work.step.step, work.is_repeat) for work in zuora.calls]
    assert repeats == [("zuora_account", False), ("zuora_account", True), ("zuora_order", True)]


def test_two_messages_at_once_take_the_steps_once(carrier: Carrier, zuora: ScriptedVendor) -> None:
    leased = carrier.store.lease(ORDER, now=START, until=START + timedelta(seconds=310))
    assert leased is not None

    assert carrier.run(until=START + timedelta(seconds=250)) == ["held"] * 5
    assert zuora.kinds == []

    assert carrier.queue.run(carrier.provisioner.provision)[-1] == "completed"
    assert carrier.timer.at >= START + timedelta(seconds=310)


def test_whoever_lost_the_lease_writes_nothing_more(
    carrier: Carrier, zuora: ScriptedVendor
) -> None:
    """It was so slow that another one has taken the order up, and is done."""
    carry_out = zuora.carry_out

    def slow(kind: str, work: Any) -> Done:
        zuora.carry_out = carry_out  # type: ignore[method-assign]  # only the first is slow
        carrier.timer.turn(seconds=311)
        assert carrier.provisioner.provision(ORDER)["outcome"] == "completed"
        return carry_out(kind, work)

    zuora.carry_out = slow  # type: ignore[method-assign]  # see above

    assert carrier.run() == ["lost_lease"]
    assert carrier.store.told.count("order.completed") == 1
    assert carrier.order.status == "complete"


def test_a_refusal_fails_the_order_and_takes_everything_back(
    carrier: Carrier, zuora: ScriptedVendor
) -> None:
    zuora.says("zuora_order", failure("refused"))

    assert carrier.run() == ["failed"]

    assert carrier.order.status == "failed"
    assert carrier.order.wire()["error"] == {
        "step": "zuora_order",
        "system": "zuora",
        "code": "zuora_failed",
        "requestId": "req-1",
    }
    assert carrier.steps()["zuora_order"] == "failed"
    assert carrier.holding.status == "cancelled"
    assert carrier.holding.data.cancel_reason == "provisioning_failed"
    assert carrier.holding.data.pending_change is None
    assert [one.status for one in carrier.holding.all_offers] == ["cancelled"]
    assert carrier.store.told == [
        "order.failed",
        "subscription.cancelled",
        "entitlements.updated",
    ]
    (revoked,) = carrier.store.bodies("entitlements.updated")
    assert revoked["entitlements"] == []
    assert "effectiveDate" not in revoked
    (failed,) = carrier.store.bodies("order.failed")
    assert failed["eventId"] == carrier.store.events[0].id
    assert failed["event"] == {
        "message": "Order Received",
        "type": "order.new",
        "event": {"id": ORDER},
    }
    assert failed["pluginErrorOutput"] == [
        {"name": "zuora", "message": "Zuora could not do it (50000061), request req-1"}
    ]
    assert carrier.counted == ["OrdersFailed"]


def test_time_up_fails_the_order(carrier: Carrier, zuora: ScriptedVendor) -> None:
    zuora.says("zuora_account", *(failure() for _ in range(60)))

    assert carrier.run()[-1] == "failed"

    assert START + timedelta(hours=24) <= carrier.timer.at < START + timedelta(hours=25, minutes=13)
    assert carrier.order.error is not None
    assert carrier.order.error.code == "zuora_failed"


def test_an_outcome_that_stays_unknown_is_for_a_person_to_judge() -> None:
    zuora = ScriptedVendor()
    zuora.says("zuora_payment", *(failure("ambiguous") for _ in range(60)))
    carrier = Carrier(store_with(order("pay_invoice")), crm=Absent(), billing=zuora)

    carrier.run()

    assert carrier.order.error is not None
    assert carrier.order.error.code == "outcome_unknown"
    assert carrier.timer.at < START + timedelta(hours=22)
    assert carrier.store.told == ["order.failed"]
    assert {work.step.generation for work in zuora.calls} == {0}


@pytest.mark.parametrize("verdict", ["credentials", "unavailable"])
def test_a_third_strike_fails_the_order(
    verdict: str, carrier: Carrier, zuora: ScriptedVendor
) -> None:
    zuora.says("zuora_account", *(failure(verdict, is_strike=True) for _ in range(3)))

    assert carrier.run() == ["put_off", "put_off", "failed"]


@pytest.mark.parametrize(("tries", "verdict"), [(1, "refused"), (6, "unavailable")])
def test_a_failing_crm_is_a_warning_and_billing_goes_on(
    tries: int, verdict: str, carrier: Carrier, crm: ScriptedVendor
) -> None:
    crm.says("salesforce_customer", *(failure(verdict) for _ in range(tries)))

    carrier.run()

    assert carrier.order.status == "complete"
    assert carrier.steps()["salesforce_customer"] == "warning"
    assert [warning.code for warning in carrier.order.warnings] == ["zuora_failed"]
    assert len(crm.calls) == tries


def test_a_crm_that_is_critical_fails_the_order(zuora: ScriptedVendor, crm: ScriptedVendor) -> None:
    crm.says("salesforce_customer", failure("refused"))
    policy = Policy(zone="UTC", mode="test", crm_is_critical=True)
    carrier = Carrier(store_with(order()), crm=crm, billing=zuora, policy=policy)

    assert carrier.run() == ["failed"]
    assert zuora.kinds == []


def test_ids_go_to_the_step_and_to_the_customer(
    carrier: Carrier, crm: ScriptedVendor, zuora: ScriptedVendor
) -> None:
    crm_ids = {"account_id": "001Dn00000CoNtEIAV", "contact_id": "003Dn00000CoNtEIAV"}
    crm.says("salesforce_customer", Done({"accountId": "001Dn00000CoNtEIAV"}, crm_account=crm_ids))
    zuora.says("zuora_account", Done({"accountId": "8" * 32}, account={"account_id": "8" * 32}))
    zuora.says("zuora_order", failure("refused"))

    carrier.run()

    known = carrier.store.customer(carrier.holding.customer or "")
    assert known is not None
    assert known.data.salesforce == SalesforceAccount(**crm_ids)
    assert (known.data.zuora.account_id, known.data.zuora.account_number) == ("8" * 32, ACCOUNT)
    steps = {step.step: step.result for step in carrier.order.process}
    assert steps["zuora_account"] == {"accountId": "8" * 32}
    assert carrier.store.told.count("customer.updated") == 2


def test_an_order_ends_although_zuora_has_given_its_subscription_to_another_account(
    crm: ScriptedVendor,
) -> None:
    moved = reading()._replace(account=account("T-ANOTHER", id="9" * 32))
    carrier = Carrier(store_with(order()), crm=crm, billing=ScriptedVendor(moved))

    assert carrier.run() == ["completed"]

    assert carrier.order.status == "complete"
    assert carrier.holding.owner == OWNER
    assert carrier.resyncs.asked == [NUMBER]


def test_a_refresh_that_fails_ten_times_leaves_it_to_a_later_sync(
    carrier: Carrier, zuora: ScriptedVendor
) -> None:
    zuora.says("read", *(failure() for _ in range(10)))

    outcomes = carrier.run()

    assert outcomes.count("put_off") == 9
    assert carrier.order.status == "complete"
    assert carrier.steps()["zuora_refresh"] == "warning"
    assert carrier.resyncs.asked == [NUMBER]


def test_what_was_read_is_written_with_the_end_of_the_order(zuora: ScriptedVendor) -> None:
    zuora.reads[NUMBER] = reading()._replace(version=2)
    carrier = Carrier(store_with(order()), crm=Absent(), billing=zuora)

    carrier.run()

    assert carrier.holding.data.zuora.version == 2
    assert carrier.holding.data.zuora.account_id == "8" * 32
    assert carrier.holding.schedule
    assert carrier.store.told[-2:] == ["subscription.updated", "order.completed"]
    assert "entitlements.updated" not in carrier.store.told
    assert [one.status for one in carrier.holding.all_offers] == ["active"]


def test_each_process_event_keeps_its_last_ten_tries(zuora: ScriptedVendor) -> None:
    exchange = SimpleNamespace(
        method="POST",
        route="/v1/accounts",
        outcome="unavailable",
        status=503,
        generation=0,
        request_id="r",
        codes=(50000061,),
    )

    @contextmanager
    def heard() -> Any:
        yield [exchange]

    zuora.says("zuora_account", *(failure() for _ in range(14)))
    carrier = Carrier(store_with(order()), crm=Absent(), billing=zuora, listening=heard)

    carrier.run()

    (step,) = [one for one in carrier.order.process if one.step == "zuora_account"]
    event = carrier.store.process_event(step.id)
    assert event is not None
    assert (event.status, event.owner, event.data.order) == ("complete", OWNER, ORDER)
    assert (step.attempts, event.data.attempts, len(event.data.tries)) == (15, 15, 10)
    assert event.data.tries[-1].route == "/v1/accounts"
    assert event.data.text is None


def test_the_sweep_takes_up_orders_whose_message_was_lost(carrier: Carrier) -> None:
    def swept() -> int:
        done = sweep(
            orders=carrier.store, queue=carrier.queue, now=carrier.timer, time_left=lambda: 60
        )
        return int(done["sent"])

    carrier.timer.turn(minutes=9)
    assert swept() == 0
    carrier.timer.turn(minutes=2)
    assert swept() == 1
    assert carrier.store.late == [ORDER]
    assert carrier.queue.run(carrier.provisioner.provision) == ["completed"]
    carrier.timer.turn(hours=1)
    assert swept() == 0
    assert carrier.store.late == []


def test_a_change_stays_locked_until_its_day(zuora: ScriptedVendor) -> None:
    day = TODAY + timedelta(days=30)
    change = pending("cancel_subscription", day)
    holding = subscription(cancel_date=day, pending_change=change)
    zuora.reads[NUMBER] = reading()._replace(cancel_date=day)
    store = store_with(order("cancel_subscription"), holding)
    carrier = Carrier(store, crm=Absent(), billing=zuora)

    carrier.run()

    assert carrier.order.status == "complete"
    assert carrier.holding.data.pending_change == change


def test_a_change_whose_day_came_before_its_order_was_done_is_released_with_it(
    zuora: ScriptedVendor,
) -> None:
    zuora.says("zuora_order", *(failure() for _ in range(12)))
    day = TODAY + timedelta(days=0)
    holding = subscription(pending_change=pending("add_on", day))
    carrier = Carrier(store_with(order("add_on"), holding), crm=Absent(), billing=zuora)

    carrier.run()

    assert carrier.holding.data.pending_change is None


@given(st.integers(min_value=1, max_value=40), st.sampled_from(["store", "vendor"]))
def test_a_worker_killed_anywhere_ends_in_the_same_state(after: int, where: str) -> None:
    zuora, crm = ScriptedVendor(reading()), ScriptedVendor()
    zuora.says("zuora_account", Done({}, account={"account_id": "8" * 32}))
    carrier = Carrier(store_with(order()), crm=crm, billing=zuora)
    left = after

    def tick() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    if where == "store":
        carrier.store.after_write = tick
    else:
        for vendor in (zuora, crm):
            _dying(vendor, tick)

    carrier.run()

    assert carrier.order.status == "complete"
    assert carrier.store.told.count("order.completed") == 1
    assert carrier.store.ownerships[OWNER].find(SUB) is not None


def _dying(vendor: ScriptedVendor, tick: Any) -> None:
    carry_out = vendor.carry_out

    def done_then_dead(kind: str, work: Any) -> Done:
        done = carry_out(kind, work)
        tick()
        return done

    vendor.carry_out = done_then_dead  # type: ignore[method-assign]  # the worker dies after it


def test_the_clock_of_a_payment_ends_before_zuora_forgets_its_key() -> None:
    assert clock_of("pay_invoice", START).give_up_at == START + timedelta(hours=20)
    assert clock_of("new", START).give_up_at == START + timedelta(hours=24)


def test_the_failure_of_a_partners_order_names_the_partner() -> None:
    partner = "partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1"
    sold = subscription(pending_change=pending(), partner_org=partner)
    zuora = ScriptedVendor()
    zuora.says("zuora_account", failure("refused"))
    store = store_with(order(partner_org=partner), sold)

    Carrier(store, crm=ScriptedVendor(), billing=zuora).run()

    named = {event.type: event.partner_org for event in store.events}
    assert named == dict.fromkeys(
        ("order.failed", "subscription.cancelled", "entitlements.updated"), partner
    )
