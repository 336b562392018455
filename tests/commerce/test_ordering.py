"""Orders of any type: which rules they meet, and who may place them."""

from datetime import date, timedelta
from typing import Any

import pytest

from tessera import ids
from tessera.commerce.callers import Caller
from tessera.commerce.eligibility import first_day
from tessera.commerce.models import ProcessStep
from tessera.commerce.order_bodies import ORDER_TYPES, read_order
from tessera.commerce.ordering import place, read_own
from tessera.errors import Forbidden, InvalidFields, NotFound, Refusal
from tests.builders import NOW, TODAY
from tests.commerce.desks import NUMBER, Billing, Counter, Organisation, customer
from tests.commerce.selling import (
    ACME,
    CUSTOMER,
    MACHINE,
    MONTHLY,
    OPERATOR,
    OWNER,
    PARTNER,
    Shop,
    add_on,
    body,
    moment,
    offer,
    offer_id,
    price,
    subscription,
)

OTHERS = "partner_org-00000000000000000000000000000b0b"
NEWCOMER = Caller(kind="customer", id="auth0|9", owner="id-00000000000000000000000000000009")
DETAILS = {"firstName": "Carla", "lastName": "Conte", "email": "carla@conte.example"}
ONLINE = offer("Online", "W2", sales_channel=["Online"])
FOR_ACME = offer("Gold", "W2", sales_channel=["Partner"], eligible_partners=[ACME])
FOR_OTHERS = offer("Silver", "W2", sales_channel=["Partner"], eligible_partners=[OTHERS])
DRAFT = offer("Draft", "W2", status="draft")
IN_DOLLARS = offer(
    "Dollars",
    "W2",
    sales_channel=["Partner"],
    eligible_partners=[ACME],
    price=[price("20.00", currency="USD")],
)
SHOP = Shop(ONLINE, FOR_ACME, FOR_OTHERS, DRAFT, IN_DOLLARS, MONTHLY, add_on("Secret", "S"))


def buys(name: str, **members: Any) -> dict[str, Any]:
    return {
        "order_type": "new",
        "orderItems": [{"offer": {"id": offer_id(name)}}],
        "customerDetails": DETAILS,
        "billingDetails": {"country": "GB"},
        "payment": {"type": "zuora", "zuora": {"refId": "8ad094b97b2c3d4e017b2c3d4f506172"}},
        **members,
    }


def counter(**detail: Any) -> Counter:
    return Counter(shop=SHOP, **detail)


def fault(order: Any, by: Caller, at: Counter | None = None) -> tuple[str, str]:
    with pytest.raises(InvalidFields) as refused:
        (at or counter()).place(order, by=by)
    return refused.value.errors[0].field, refused.value.errors[0].code


def known(at: Counter, caller: Caller) -> Counter:
    """The customer has signed in, so that it has an owner."""
    stored = at.owners.owners[OWNER]
    owner = stored.owner.model_copy(update={"id": caller.owner})
    at.forms.opened[caller.id] = NOW
    at.owners.owners[caller.owner or ""] = stored.model_copy(
        update={"owner": owner, "held": (), "customers": ()}
    )
    return at


@pytest.mark.parametrize("kind", ["gift", "", None, 7, ["new"]])
def test_an_order_type_is_one_that_is_known(kind: Any) -> None:
    with pytest.raises(InvalidFields) as refused:
        read_order({"order_type": kind})

    (error,) = refused.value.errors
    assert error.field == "order_type"
    assert all(known in error.message for known in ORDER_TYPES)


def test_a_body_is_an_object() -> None:
    with pytest.raises(InvalidFields):
        read_order([])


@pytest.mark.parametrize("member", ["orderDiscount", "promoCode", "gift"])
@pytest.mark.parametrize("kind", ["new", "change_offer", "renew"])
def test_what_would_change_the_price_and_is_not_supported_is_refused(
    kind: str, member: str
) -> None:
    with pytest.raises(InvalidFields) as refused:
        read_order({"order_type": kind, member: "HALF"})

    assert [(e.field, e.code) for e in refused.value.errors] == [(member, "not_supported")]


def test_each_field_at_fault_is_named_by_its_path() -> None:
    order = buys("Online", orderItems=[{"offer": {}}, {"offer": {"id": "x"}, "quantity": "2"}])

    with pytest.raises(InvalidFields) as refused:
        read_order(order)

    assert {(e.field, e.code) for e in refused.value.errors} >= {
        ("orderItems[0].offer.id", "required"),
        ("orderItems[1].quantity", "invalid_value"),
    }


def test_a_customer_buys_for_its_own_owner() -> None:
    at = known(counter(), NEWCOMER)

    placed = at.place(buys("Online"), by=NEWCOMER)

    order = at.order(placed)
    assert (placed.owner, order.source) == (NEWCOMER.owner, "shop")
    assert order.placed_by.kind == "customer"
    assert order.payment_method == "8ad094b97b2c3d4e017b2c3d4f506172"


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"owner": OWNER}, "owner"),
        ({"customer": "cus-1"}, "customer"),
        ({"partner_org": ACME}, "partner_org"),
        ({"id_token": {"iss": "i", "sub": "s"}}, "id_token"),
        ({"effectiveDate": (TODAY + timedelta(days=1)).isoformat()}, "effectiveDate"),
        ({"payment": {"type": "invoice"}}, "payment.type"),
        ({"payment": None}, "payment"),
    ],
)
def test_a_customer_buys_for_nobody_else_from_today_and_with_a_card(
    members: dict[str, Any], field: str
) -> None:
    at = known(counter(), NEWCOMER)

    assert fault(buys("Online", **members), NEWCOMER, at)[0] == field
    assert at.owners.commits == 0


def test_a_customer_pays_with_nobody_elses_card() -> None:
    at = known(counter(), NEWCOMER)
    at.forms.opened.clear()

    assert fault(buys("Online"), NEWCOMER, at) == ("payment.zuora.refId", "invalid_value")


def test_an_order_sent_again_is_answered_although_its_card_form_is_long_past() -> None:
    at = known(counter(), NEWCOMER)
    order = buys("Online", external_id="EXT-1")
    placed = at.place(order, by=NEWCOMER)
    at.forms.opened.clear()

    assert at.place(order, by=NEWCOMER) == placed


def test_a_customer_may_name_itself() -> None:
    at = known(counter(), NEWCOMER)

    assert at.place(buys("Online", owner=NEWCOMER.owner), by=NEWCOMER).owner == NEWCOMER.owner


@pytest.mark.parametrize("name", ["Gold", "Silver", "Draft", "Nothing"])
def test_to_a_customer_what_is_not_sold_online_does_not_exist(name: str) -> None:
    with pytest.raises(NotFound) as refused:
        known(counter(), NEWCOMER).place(buys(name), by=NEWCOMER)

    assert refused.value.wire_code == "offer_not_found"


@pytest.mark.parametrize("name", ["Online", "Silver", "Draft", "Nothing"])
def test_to_a_partner_what_it_may_not_sell_does_not_exist(name: str) -> None:
    with pytest.raises(NotFound) as refused:
        counter().place(buys(name), by=PARTNER)

    assert refused.value.wire_code == "offer_not_found"


@pytest.mark.parametrize("caller", [MACHINE, OPERATOR], ids=["machine", "operator"])
def test_the_company_is_told_which_offer_it_cannot_sell(caller: Caller) -> None:
    assert fault(buys("Draft"), caller) == ("orderItems[0].offer.id", "offer_not_eligible")
    to_acme = buys("Silver", partner_org=ACME)
    assert fault(to_acme, caller) == ("orderItems[0].offer.id", "offer_not_eligible")


@pytest.mark.parametrize("how", ["placed", "previewed"])
def test_a_subscription_that_webhooks_could_not_carry_is_not_sold(how: str) -> None:
    everything = offer("Everything", *(f"{n:080}" for n in range(300)))
    at = Counter(shop=Shop(offer("Online", "W2"), everything))
    items = [{"offer": {"id": offer_id(name)}} for name in ("Online", "Everything")]
    order = buys("Online", orderItems=items)

    with pytest.raises(InvalidFields) as refused:
        (at.place if how == "placed" else at.preview)(order)

    (error,) = refused.value.errors
    assert (error.field, error.code) == ("orderItems[1]", "too_long")
    assert at.owners.commits == 0


def test_a_partner_sells_to_a_new_customer_without_asking_for_payment() -> None:
    at = counter()

    placed = at.place(buys("Gold", payment=None), by=PARTNER)

    order = at.order(placed)
    assert (order.partner_org, order.source, order.placed_by.kind) == (ACME, "shop", "partner")
    written = [at.owners.records[id] for id in (placed.customer or "", *order.subscriptions)]
    assert {one.partner_org for one in written} == {ACME}
    assert at.owners.owners[placed.owner or ""].owner.partner_org == ACME


def test_a_partner_that_is_not_invoiced_says_how_its_customer_pays() -> None:
    at = counter(organisations=[Organisation(is_zuora_invoice_owner=False)])

    assert fault(buys("Gold", payment=None), PARTNER, at) == ("payment", "required")
    assert at.place(buys("Gold", payment={"type": "invoice"}), by=PARTNER).status == "submitted"


@pytest.mark.parametrize(
    ("placed", "zone", "day"),
    [
        # The evening of 2 March in Los Angeles, the morning of 3 March in Auckland.
        ("2026-03-03T02:00:00Z", "America/Los_Angeles", date(2026, 3, 2)),
        ("2026-03-02T20:00:00Z", "Pacific/Auckland", date(2026, 3, 3)),
        ("2026-03-03T09:00:00+13:00", "UTC", date(2026, 3, 2)),
    ],
)
def test_the_day_of_an_order_is_a_day_of_the_business(placed: str, zone: str, day: date) -> None:
    request: Any = read_order(buys("Online", orderDate=placed))

    assert first_day(request, day, PARTNER, zone) == day


@pytest.mark.parametrize(("days", "is_accepted"), [(-1, False), (0, True), (90, True), (91, False)])
def test_a_partner_sells_up_to_ninety_days_ahead(days: int, is_accepted: bool) -> None:
    at = counter()
    day = (TODAY + timedelta(days=days)).isoformat()
    order = buys("Gold", payment=None, effectiveDate=day)

    if is_accepted:
        assert at.place(order, by=PARTNER).status == "submitted"
    else:
        assert fault(order, PARTNER, at) == ("effectiveDate", "invalid_value")


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"owner": OWNER}, "owner"),
        ({"customer": "cus-1"}, "customer"),
        ({"partner_org": OTHERS}, "partner_org"),
        ({"id_token": {"iss": "i", "sub": "s"}}, "id_token"),
    ],
)
def test_a_partner_sells_to_nobody_but_its_own_customers(
    members: dict[str, Any], field: str
) -> None:
    at = counter()

    assert fault(buys("Gold", **members), PARTNER, at)[0] == field
    assert at.owners.commits == 0


def test_a_partner_sells_again_to_its_own_customer() -> None:
    at = counter(who=customer(partner_org=ACME))

    placed = at.place(
        {"order_type": "new", "customer": "cus-1", "orderItems": buys("Gold")["orderItems"]},
        by=PARTNER,
    )

    assert (placed.owner, placed.customer) == (OWNER, "cus-1")


@pytest.mark.parametrize("by", ["customer", "machine"])
def test_without_payment_a_known_customer_buys_by_its_default_method_alone(by: str) -> None:
    at = counter()
    caller = MACHINE if by == "machine" else Caller(kind="customer", id="ana", owner=OWNER)
    order = buys("Online", payment=None, **({"owner": OWNER} if by == "machine" else {}))

    assert fault(order, caller, at) == ("payment", "required")
    assert at.owners.commits == 0

    at.billing.defaults.add(NUMBER)
    assert at.place(order, by=caller).customer == "cus-1"


def test_where_billing_is_not_connected_nothing_is_paid_and_nothing_asked() -> None:
    at = counter(billing=Billing(connected=False))

    assert at.place(buys("Online", payment=None, owner=OWNER)).status == "submitted"


def test_what_is_sold_on_a_partners_customer_is_sold_by_that_partner() -> None:
    at = counter(who=customer(partner_org=ACME))
    items = {"order_type": "new", "customer": "cus-1"}

    assert fault({**items, "orderItems": buys("Silver")["orderItems"]}, MACHINE, at) == (
        "orderItems[0].offer.id",
        "offer_not_eligible",
    )
    placed = at.place({**items, "orderItems": buys("Gold")["orderItems"]}, by=MACHINE)
    assert at.order(placed).partner_org == ACME


def test_a_partners_account_is_invoiced_in_its_own_currency() -> None:
    assert fault(buys("Dollars", payment=None), PARTNER)[1] == "currency_mismatch"
    pays = counter(organisations=[Organisation(is_zuora_invoice_owner=False)])
    assert pays.place(buys("Dollars", payment={"type": "invoice"}), by=PARTNER).id


def test_an_archived_organisation_sells_nothing() -> None:
    at = counter(organisations=[])

    assert fault(buys("Gold"), PARTNER, at)[0] == "partner_org"


def test_external_ids_of_two_callers_do_not_meet() -> None:
    at = known(counter(), NEWCOMER)
    order = buys("Online", external_id="EXT-1")

    ours, own = at.place(order, by=MACHINE), at.place(order, by=NEWCOMER)

    assert ours.id == ids.derived("order", "order", "company", "EXT-1")
    assert own.id == ids.derived("order", "order", NEWCOMER.owner or "", "EXT-1")


@pytest.mark.parametrize("caller", [MACHINE, OPERATOR, CUSTOMER], ids=lambda c: c.kind)
def test_a_change_is_placed_by_the_rules_of_its_type(caller: Caller) -> None:
    at = Counter()

    placed = at.place(body("cancel_subscription"), by=caller)

    assert placed.subscriptionReference == "IDEQB58U8CQL"
    assert "order.subscription_cancelled" in at.owners.told()


def test_a_partners_plan_is_changed_by_the_partner_not_by_the_customer() -> None:
    sold = subscription(partner_org=ACME)

    with pytest.raises(Forbidden) as refused:
        Counter(sold).place(body("cancel_subscription"), by=CUSTOMER)

    assert refused.value.wire_code == "managed_by_partner"
    assert Counter(sold).place(body("cancel_subscription"), by=PARTNER).status == "submitted"


def test_whoever_asks_for_it_is_answered_when_the_order_has_ended() -> None:
    at = counter()

    def provisioned(seconds: float) -> None:
        at.waited.append(seconds)
        (order,) = [one for one in at.owners.records.values() if one.id.startswith("order-")]
        at.owners.records[order.id] = order.model_copy(update={"status": "complete"})

    placed = place(
        buys("Online", process_immediately=True),
        caller=MACHINE,
        desk=at.desk,
        moment=moment(),
        wait=provisioned,
    )

    assert (placed.status, len(at.waited)) == ("complete", 1)


def test_nobody_waits_who_did_not_ask() -> None:
    at = counter()

    assert at.place(buys("Online")).status == "submitted"
    assert at.waited == []


def test_an_order_that_lost_a_race_is_decided_again() -> None:
    at = known(counter(), NEWCOMER)
    stored = at.owners.owners[NEWCOMER.owner or ""]

    def overtaken() -> None:
        at.owners.before_commit = lambda: None
        owner = stored.owner.model_copy(update={"updated": NOW + timedelta(milliseconds=5)})
        at.owners.owners[owner.id] = stored.model_copy(update={"owner": owner})

    at.owners.before_commit = overtaken

    assert at.place(buys("Online"), by=NEWCOMER).status == "submitted"
    assert at.owners.commits == 1


def test_only_ones_own_orders_are_shown_and_nothing_of_outside_systems() -> None:
    at = known(counter(), NEWCOMER)
    placed = at.place(buys("Online"), by=NEWCOMER)
    step = ProcessStep(id="p", step="zuora_order", status="failed", at=NOW, request_id="f0c4")
    stored = at.order(placed)
    at.owners.records[placed.id] = stored.model_copy(update={"process": (step,)})

    shown = read_own(placed.id, caller=NEWCOMER, owners=at.owners)

    assert shown["id"] == placed.id
    assert "requestId" not in shown["process"][0]
    with pytest.raises(Refusal):
        read_own(placed.id, caller=CUSTOMER, owners=at.owners)


@pytest.mark.parametrize(
    ("caller", "source"),
    [(MACHINE, "api"), (OPERATOR, "api"), (CUSTOMER, "shop"), (PARTNER, "shop")],
    ids=["middleware", "staff", "customer", "partner"],
)
def test_a_change_comes_from_where_its_caller_orders_unless_it_says_so(
    caller: Caller, source: str
) -> None:
    sold_by = ACME if caller.kind == "partner" else None

    def source_of(**members: Any) -> str:
        at = Counter(subscription(partner_org=sold_by))
        order = body("cancel_subscription", **members)
        return at.order(at.place(order, by=caller)).source

    assert source_of() == source
    assert source_of(source="salesforce") == "salesforce"
    assert source_of(initiated_source="salesforce") == "salesforce"
