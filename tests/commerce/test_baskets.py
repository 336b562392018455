"""Baskets: what a subscriber is about to change, collected and then placed."""

from datetime import timedelta
from typing import Any

import pytest

from tessera.commerce import baskets
from tessera.commerce.baskets import BasketGone, ChangeBasket, ChangedMeanwhile, OpenBasket
from tessera.commerce.callers import Caller
from tessera.commerce.ordering import previewing
from tessera.errors import InvalidFields, Refusal
from tests.builders import NOW, TODAY
from tests.commerce.desks import Counter, customer
from tests.commerce.selling import (
    ACME,
    ANNUAL,
    BASIC,
    CROSSWORDS,
    CUSTOMER,
    MONTHLY,
    NUMBER,
    OPERATOR,
    OWNER,
    PARTNER,
    PERIOD_END,
    PRINT,
    SUBSCRIPTION,
    SUPPORT,
    Shop,
    add_on_id,
    held_id,
    moment,
    offer,
    offer_id,
    offers,
    pending,
    sold,
    subscription,
)

OTHER_LOGIN = Caller(kind="customer", id="auth0|other", owner=OWNER)


def opened(at: Counter, *, by: Caller = CUSTOMER, **order: Any) -> dict[str, Any]:
    body = {
        "order_type": "update_subscription",
        "forSubscription": {"id": SUBSCRIPTION},
        **order,
    }
    return baskets.open_basket(
        OpenBasket.model_validate({"order": body}),
        caller=by,
        desk=at.desk.checkout,
        preview=previewing(by, at.desk, moment()),
        moment=moment(),
    )


def changed(at: Counter, basket: dict[str, Any], **change: Any) -> dict[str, Any]:
    by = change.pop("by", CUSTOMER)
    body = {"checkoutId": basket["checkoutId"], "orderItemActionType": "add", **change}
    return baskets.change_basket(
        ChangeBasket.model_validate(body),
        caller=by,
        desk=at.desk.checkout,
        preview=previewing(by, at.desk, moment()),
        moment=moment(),
    )


def read(
    at: Counter, basket: dict[str, Any], *, by: Caller = CUSTOMER, after: timedelta = timedelta()
) -> dict[str, Any]:
    now = moment()._replace(now=NOW + after)
    return baskets.read_basket(
        basket["checkoutId"],
        caller=by,
        desk=at.desk.checkout,
        preview=previewing(by, at.desk, now),
        moment=now,
    )


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in items]


def test_a_basket_shows_what_can_be_chosen_from_here() -> None:
    basket = opened(Counter())

    assert basket["forSubscription"] == {"id": SUBSCRIPTION, "name": NUMBER}
    assert basket["forSubscriptionOffer"] == {"id": held_id("Digital Monthly")}
    assert names(basket["upgrades"]) == ["Digital Annual", "Print"]
    assert names(basket["downgrades"]) == ["Basic"]
    assert names(basket["saveOffers"]) == ["Half price"]
    day = PERIOD_END.isoformat()
    assert basket["cancel"] == {"default": day, "earliest": day, "latest": day}
    assert basket["selection"] == {"addOns": []}
    assert basket["preview"] == {
        "effectiveDate": f"{day}T00:00:00.000",
        "currency": "GBP",
        "dueNow": "0.00",
        "lines": [],
    }


@pytest.mark.parametrize(("currency", "nothing"), [("JPY", "0"), ("KWD", "0.000")])
def test_nothing_due_has_the_decimals_of_the_currency(currency: str, nothing: str) -> None:
    basket = opened(Counter(subscription(currency=currency)))

    assert basket["preview"]["dueNow"] == nothing


def test_opening_a_basket_is_told_once_and_locks_nothing() -> None:
    at = Counter()

    opened(at)

    assert at.owners.told() == ["checkout.initiated"]
    (event,) = at.owners.events
    assert (event.subscription, event.snapshot["id"]) == (SUBSCRIPTION, event.id)
    assert at.owners.records[SUBSCRIPTION].data.pending_change is None


def test_add_ons_are_offered_that_go_with_the_plan() -> None:
    cross_sell = [{"id": add_on_id(one), "$ref": f"/add_ons/{one}"} for one in ("Support", "Rare")]
    plan = offer("Digital Monthly", "W2", cross_sell_addons=cross_sell)
    at = Counter(subscription(sold(plan)), shop=Shop(plan, SUPPORT, CROSSWORDS))

    assert names(opened(at)["addOns"]) == ["Support"]


def test_what_the_caller_may_not_buy_is_not_offered() -> None:
    gold = offer("Gold", sales_channel=["Partner"], eligible_partners=[ACME])
    plan = offer("Digital Monthly", "W2", upgrade_offers=offers("Gold", "Basic"))
    shop = Shop(plan, gold, BASIC)

    online = opened(Counter(subscription(sold(plan)), shop=shop))
    of_acme = Counter(
        subscription(sold(plan), partner_org=ACME), who=customer(partner_org=ACME), shop=shop
    )

    assert names(online["upgrades"]) == ["Basic"]
    (only,) = opened(of_acme, by=PARTNER)["upgrades"]
    assert only["data"]["attributes"]["eligible_partners__limio"] == [ACME]


def test_a_chosen_offer_takes_the_place_of_an_earlier_choice() -> None:
    at = Counter()
    basket = opened(at)

    changed(at, basket, type="offer", offer={"id": offer_id("Print")})
    now = changed(at, basket, type="offer", offer={"id": offer_id("Digital Annual")})

    assert now["selection"] == {"offer": {"id": offer_id("Digital Annual")}, "addOns": []}
    assert now["preview"]["effectiveDate"] == f"{PERIOD_END.isoformat()}T00:00:00.000"
    assert read(at, basket) == now
    cleared = changed(at, basket, type="offer", orderItemActionType="remove")
    assert "offer" not in cleared["selection"]


def test_add_ons_are_chosen_and_put_back() -> None:
    at = Counter()
    basket = opened(at)

    now = changed(at, basket, type="add_on", offer={"id": add_on_id("Support")}, quantity=2)
    assert now["selection"]["addOns"] == [
        {"action": "add", "id": add_on_id("Support"), "quantity": 2}
    ]
    now = changed(
        at, basket, type="add_on", offer={"id": add_on_id("Support")}, orderItemActionType="remove"
    )
    assert now["selection"]["addOns"] == []


def test_another_quantity_of_a_new_add_on_takes_the_place_of_the_one_before() -> None:
    at = Counter()
    basket = opened(at)

    for quantity in (2, 3):
        add_on = {"type": "add_on", "offer": {"id": add_on_id("Support")}, "quantity": quantity}
        now = changed(at, basket, **add_on)

        assert now["selection"]["addOns"] == [
            {"action": "add", "id": add_on_id("Support"), "quantity": quantity}
        ]


HELD_BY = pytest.mark.parametrize(
    "name", [add_on_id("Support"), held_id("Support")], ids=["catalog's id", "own id"]
)


@HELD_BY
def test_another_quantity_of_a_held_add_on_takes_the_place_of_the_one_before(name: str) -> None:
    at = Counter(subscription(sold(MONTHLY), sold(SUPPORT)))
    basket = opened(at)

    changed(at, basket, type="add_on", offer={"id": name}, quantity=3)
    now = changed(at, basket, type="add_on", offer={"id": name}, quantity=4)

    assert now["selection"]["addOns"] == [
        {"action": "update", "subscription_offer": held_id("Support"), "quantity": 4}
    ]


@HELD_BY
def test_a_held_add_on_is_removed_however_often_that_is_said(name: str) -> None:
    at = Counter(subscription(sold(MONTHLY), sold(SUPPORT)))
    basket = opened(at)
    removal = {"type": "add_on", "offer": {"id": name}, "orderItemActionType": "remove"}

    changed(at, basket, type="add_on", offer={"id": name}, quantity=3)
    for _ in range(3):
        now = changed(at, basket, **removal)

        assert now["selection"]["addOns"] == [
            {"action": "remove", "subscription_offer": held_id("Support")}
        ]


@HELD_BY
@pytest.mark.parametrize("as_many", [{}, {"quantity": 1}], ids=["no quantity", "as many as held"])
def test_a_held_add_on_stays_once_it_is_added_again(name: str, as_many: dict[str, Any]) -> None:
    at = Counter(subscription(sold(MONTHLY), sold(SUPPORT)))
    basket = opened(at)
    add_on = {"type": "add_on", "offer": {"id": name}}

    changed(at, basket, **add_on, orderItemActionType="remove")

    assert changed(at, basket, **add_on, **as_many)["selection"]["addOns"] == []


def test_what_could_not_be_ordered_is_not_taken_in() -> None:
    at = Counter()
    basket = opened(at)

    with pytest.raises(Refusal):
        changed(at, basket, type="offer", offer={"id": offer_id("Digital Monthly")})

    assert "offer" not in read(at, basket)["selection"]


@pytest.mark.parametrize(
    "change",
    [
        {"type": "offer"},
        {"type": "add_on"},
        {"type": "add_on", "orderItemActionType": "remove", "offer": {"id": "addon-0"}},
    ],
)
def test_a_change_names_what_it_is_about(change: dict[str, Any]) -> None:
    at = Counter()
    basket = opened(at)

    with pytest.raises(InvalidFields) as refused:
        changed(at, basket, **change)

    assert refused.value.errors[0].field == "offer.id"


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"forSubscription": {}}, "order.forSubscription"),
        (
            {"forSubscription": {"id": SUBSCRIPTION, "subscription_offer": "none"}},
            "order.forSubscription.subscription_offer",
        ),
        ({"offer": {"id": offer_id("Digital Monthly")}}, "order.offer.id"),
        ({"offer": {"id": offer_id("Digital Annual")}, "quantity": 2}, "order.quantity"),
        ({"addOns": [{"id": add_on_id("Crosswords"), "quantity": 2}]}, "order.addOns[0].quantity"),
    ],
)
def test_what_is_wrong_with_a_new_basket_is_named_by_its_path(
    order: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidFields) as refused:
        opened(Counter(), **order)

    assert [one.field for one in refused.value.errors] == [field]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "offer", "offer": {"id": offer_id("Digital Monthly")}}, "offer.id"),
        (
            {"type": "offer", "offer": {"id": offer_id("Digital Annual")}, "quantity": 2},
            "quantity",
        ),
        ({"offer": {"id": add_on_id("Crosswords")}, "quantity": 2}, "quantity"),
        ({"addOn": {"id": add_on_id("Crosswords")}, "quantity": 2}, "quantity"),
        ({"offer": {"id": offer_id("Basic")}}, "offer.id"),
        ({"addOn": {"id": offer_id("Basic")}}, "addOn.id"),
        ({"addOn": {"id": "addon-0"}, "orderItemActionType": "remove"}, "addOn.id"),
    ],
)
def test_what_is_wrong_with_a_change_of_a_basket_is_named_by_its_path(
    change: dict[str, Any], field: str
) -> None:
    at = Counter()
    basket = opened(at, by=OPERATOR, addOns=[{"id": add_on_id("Support")}])

    with pytest.raises(InvalidFields) as refused:
        changed(at, basket, **{"type": "add_on", "by": OPERATOR, **change})

    assert [one.field for one in refused.value.errors] == [field]


@pytest.mark.parametrize("caller", [OTHER_LOGIN, PARTNER], ids=["other login", "partner"])
def test_a_basket_belongs_to_whoever_opened_it(caller: Caller) -> None:
    at = Counter()

    with pytest.raises(BasketGone) as refused:
        read(at, opened(at), by=caller)

    assert refused.value.status == 410


def test_a_basket_lives_twenty_four_hours() -> None:
    at = Counter()
    basket = opened(at)

    assert read(at, basket, after=timedelta(hours=24, milliseconds=-1))["checkoutId"]
    with pytest.raises(BasketGone):
        read(at, basket, after=timedelta(hours=24))


def test_two_changes_at_once_do_not_overwrite_each_other() -> None:
    at = Counter()
    basket = opened(at)
    stale = at.baskets.all[basket["checkoutId"]]
    changed(at, basket, type="offer", offer={"id": offer_id("Print")})

    with pytest.raises(ChangedMeanwhile):
        at.baskets.save(stale, seen=stale.revision)


def test_a_basket_is_placed_as_one_order() -> None:
    at = Counter()
    basket = opened(at)
    changed(at, basket, type="offer", offer={"id": offer_id("Digital Annual")})
    order = {"order_type": "update_subscription", "checkoutId": basket["checkoutId"]}

    placed = at.place(order, by=CUSTOMER)

    assert placed.subscriptionReference == NUMBER
    pending_change = at.owners.records[SUBSCRIPTION].data.pending_change
    assert (pending_change.order, pending_change.effective_date) == (placed.id, PERIOD_END)
    assert "order.subscription_updated" in at.owners.told()


def test_placing_a_basket_again_answers_the_same_order() -> None:
    at = Counter()
    basket = opened(at, offer={"id": offer_id("Digital Annual")})
    order = {"order_type": "update_subscription", "checkoutId": basket["checkoutId"]}
    placed = at.place(order, by=CUSTOMER)

    assert at.place(order, by=CUSTOMER) == placed
    assert read(at, basket)["order"] == placed.id
    with pytest.raises(BasketGone):
        changed(at, basket, type="offer", offer={"id": offer_id("Print")})


@pytest.mark.parametrize(
    "named",
    [
        {"forSubscription": {"id": "sub-0123456789abcdef0123456789abcdef"}},
        {"forSubscription": {"name": "A-S00000009"}},
        {"subscriptionRef": "A-S00000009"},
    ],
    ids=["by id", "by name", "in older words"],
)
def test_a_basket_is_not_placed_for_another_subscription_than_its_own(
    named: dict[str, Any],
) -> None:
    at = Counter()
    basket = opened(at, offer={"id": offer_id("Digital Annual")})
    order = {"order_type": "update_subscription", "checkoutId": basket["checkoutId"], **named}

    with pytest.raises(InvalidFields) as refused:
        at.place(order, by=CUSTOMER)

    (member,) = named
    assert refused.value.errors[0].field.split(".")[0] == member
    assert at.owners.records[SUBSCRIPTION].data.pending_change is None


@pytest.mark.parametrize("named", [{"id": SUBSCRIPTION}, {"name": NUMBER}], ids=["id", "name"])
def test_a_basket_is_placed_although_the_order_names_its_subscription_too(
    named: dict[str, str],
) -> None:
    at = Counter()
    basket = opened(at, offer={"id": offer_id("Digital Annual")})
    order = {"order_type": "update_subscription", "checkoutId": basket["checkoutId"]}

    placed = at.place({**order, "forSubscription": named}, by=CUSTOMER)

    assert placed.subscriptionReference == NUMBER


def test_an_order_of_a_basket_is_answered_by_its_external_id_once_the_basket_is_gone() -> None:
    at = Counter()
    basket = opened(at, offer={"id": offer_id("Digital Annual")})
    order = {
        "order_type": "update_subscription",
        "checkoutId": basket["checkoutId"],
        "external_id": "EXT-1",
    }
    placed = at.place(order, by=CUSTOMER)
    del at.baskets.all[basket["checkoutId"]]

    assert at.place(order, by=CUSTOMER) == placed
    with pytest.raises(BasketGone):
        at.place({**order, "source": "other"}, by=CUSTOMER)


def test_an_empty_basket_is_no_order() -> None:
    at = Counter()
    order = {"order_type": "update_subscription", "checkoutId": opened(at)["checkoutId"]}

    with pytest.raises(InvalidFields) as refused:
        at.place(order, by=CUSTOMER)

    assert refused.value.errors[0].field == "checkoutId"


def test_nobody_elses_basket_is_placed() -> None:
    at = Counter()
    basket = opened(at, offer={"id": offer_id("Digital Annual")})

    with pytest.raises(BasketGone):
        at.place(
            {"order_type": "update_subscription", "checkoutId": basket["checkoutId"]},
            by=OTHER_LOGIN,
        )


@pytest.mark.parametrize(
    ("holding", "code"),
    [
        (subscription(pending_change=pending(TODAY + timedelta(days=9))), "change_pending"),
        (subscription(partner_org=ACME), "managed_by_partner"),
        (subscription(cancel_date=TODAY), "subscription_not_active"),
    ],
    ids=["pending", "partner", "over"],
)
def test_a_basket_is_not_opened_for_what_cannot_be_changed(holding: Any, code: str) -> None:
    at = Counter(holding)

    with pytest.raises(Refusal) as refused:
        opened(at)

    assert refused.value.wire_code == code
    assert at.owners.commits == 0


def test_a_plan_is_named_where_there_are_several() -> None:
    at = Counter(subscription(sold(MONTHLY), sold(PRINT)), shop=Shop(MONTHLY, PRINT, ANNUAL))

    unnamed = opened(at)
    assert "forSubscriptionOffer" not in unnamed
    assert unnamed["upgrades"] == []
    named = opened(
        at, forSubscription={"id": SUBSCRIPTION, "subscription_offer": held_id("Digital Monthly")}
    )
    assert names(named["upgrades"]) == ["Digital Annual", "Print"]
