"""What an order changed of a customer and its addresses is taken back when the order fails."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tessera import ids
from tessera.commerce.altered_details import Details, altered, of_customer, redone, undone
from tessera.commerce.buyers import Moment
from tessera.commerce.models import Address, AddressData, Customer, Order, ZuoraAccount
from tessera.commerce.retrying import retry
from tests.commerce.carrying import (
    CUSTOMER,
    ORDER,
    OWNER,
    START,
    TODAY,
    Carrier,
    MemoryStore,
    ScriptedVendor,
    address,
    customer,
    order,
    store_with,
)
from tests.commerce.selling import CATALOG
from tests.commerce.test_provisioning import failure

DELIVERY = ids.derived("address", "address", CUSTOMER, "delivery")
LEEDS = {"address1": "2 Low Rd", "city": "Leeds", "postal_code": "LS2 1AA", "country": "GB"}


def moved(**data: Any) -> Address:
    """The billing address as the order has it."""
    return address().model_copy(update={"data": AddressData(**{**LEEDS, **data})})


def delivery() -> Address:
    kept = {"id": DELIVERY, "relationship_type": "delivery", "data": AddressData(**LEEDS)}
    return address().model_copy(update=kept)


def renamed(**names: Any) -> Customer:
    known = customer()
    return known.model_copy(update={"data": known.data.model_copy(update=names)})


def moving(*changes: tuple[Address | Customer | None, Address | Customer]) -> Order:
    noted = tuple(altered(before, after) for before, after in changes)
    return order("change_address", altered_details=noted, subscriptions=())


def shown(details: Details) -> Any:
    of_addresses = {kind: one.data for kind, one in details.addresses.items()}
    return details.customer.data, of_addresses


def test_an_address_is_again_the_one_before() -> None:
    placed = moving((address(), moved()))

    back = undone(placed, of_customer(customer(), [moved()]), START)

    assert shown(back) == shown(of_customer(customer(), [address()]))
    assert back.addresses["billing"].updated > address().updated


def test_an_address_that_was_not_there_is_gone() -> None:
    placed = moving((None, delivery()))
    details = of_customer(customer(), [address(), delivery()])

    back = undone(placed, details, START)

    assert back.missing_of(details) == [delivery()]
    assert back.differing_from(details) == []


def test_names_are_again_those_before_and_the_account_stays() -> None:
    after = renamed(last_name="Silva", company_name="Silva Ltd")
    placed = moving((customer(), after))
    in_zuora = ZuoraAccount(account_id="8" * 32, account_number="A-1")
    since = renamed(last_name="Silva", company_name="Silva Ltd", zuora=in_zuora)

    back = undone(placed, of_customer(since, []), START)

    assert (back.customer.data.last_name, back.customer.data.company_name) == ("Conte", "Conte Ltd")
    assert back.customer.data.zuora.account_id == "8" * 32


def test_what_was_changed_since_stays() -> None:
    placed = moving((address(), moved()), (customer(), renamed(first_name="Ana", last_name="S")))
    later = of_customer(renamed(first_name="Ana", last_name="Later"), [moved(city="York")])

    back = undone(placed, later, START)

    assert back.addresses == later.addresses
    assert (back.customer.data.first_name, back.customer.data.last_name) == ("Carla", "Later")


def test_a_member_that_was_empty_is_empty_again() -> None:
    placed = moving((address(), moved(address2="Flat 2", state="West Yorkshire")))

    back = undone(placed, of_customer(customer(), [moved(address2="Flat 2")]), START)
    assert back.addresses["billing"].data.address2 == "Flat 2"  # another one since

    whole = moved(address2="Flat 2", state="West Yorkshire")
    back = undone(placed, of_customer(customer(), [whole]), START)

    assert back.addresses["billing"].data == address().data


texts = st.none() | st.sampled_from(["a", "b", "c"])
places = st.builds(AddressData, address1=texts, city=texts, state=texts, country=st.just("GB"))
names = st.fixed_dictionaries({}, optional={"first_name": texts, "phone": texts, "email": texts})


@given(place=st.none() | places, to=places, before=names, after=names)
def test_taken_back_and_done_again_is_as_ordered(
    place: AddressData | None, to: AddressData, before: Any, after: Any
) -> None:
    was, becomes = renamed(**before), renamed(**{**before, **after})
    old = None if place is None else address().model_copy(update={"data": place})
    new = address().model_copy(update={"data": to})
    placed = moving((old, new), (was, becomes))
    without = of_customer(was, [] if old is None else [old])
    ordered = of_customer(becomes, [new])

    back = undone(placed, ordered, START)

    assert shown(back) == shown(without)
    assert shown(redone(placed, back, START)) == shown(ordered)
    assert shown(undone(placed, back, START)) == shown(back)


def carried(placed: Order, *details: Address | Customer) -> tuple[Carrier, ScriptedVendor]:
    zuora = ScriptedVendor()
    store = store_with(placed, None, *details)
    return Carrier(store, crm=ScriptedVendor(), billing=zuora), zuora


def data_of(store: MemoryStore, kind: str = "billing") -> AddressData | None:
    kept = store.address(ids.derived("address", "address", CUSTOMER, kind))
    return None if kept is None else kept.data


def test_a_change_of_address_that_failed_is_taken_back_with_its_failure() -> None:
    placed = moving((address(), moved()), (None, delivery()), (customer(), renamed(last_name="S")))
    carrier, zuora = carried(placed, moved(), delivery(), renamed(last_name="S"))
    zuora.says("zuora_contact", failure("refused"))

    assert carrier.run() == ["failed"]

    assert data_of(carrier.store) == address().data
    assert data_of(carrier.store, "delivery") is None
    known = carrier.store.customer(CUSTOMER)
    assert known is not None
    assert known.data.last_name == "Conte"
    assert carrier.store.told == ["order.failed", "customer.updated"]
    (told,) = carrier.store.bodies("customer.updated")
    assert told["data"]["lastName"] == "Conte"
    assert carrier.store.ownerships[OWNER].held


def test_a_retry_moves_again_and_carries_on() -> None:
    placed = moving((address(), moved()), (None, delivery()))
    carrier, zuora = carried(placed, moved(), delivery())
    zuora.says("zuora_contact", failure("refused"))
    carrier.run()

    retry(ORDER, owners=carrier.store, shop=CATALOG, moment=Moment(carrier.timer.at, TODAY, "test"))

    assert data_of(carrier.store) == moved().data
    assert data_of(carrier.store, "delivery") == delivery().data
    assert carrier.run() == ["completed"]
    assert zuora.calls[-1].addresses["billing"].data == moved().data


def test_a_sync_on_the_way_does_not_lose_the_address() -> None:
    """It read Zuora before the order came there, and put the old address back."""
    carrier, zuora = carried(moving((address(), moved())), address())

    assert carrier.run() == ["completed"]

    (work,) = zuora.calls
    assert work.addresses["billing"].data == moved().data
    assert data_of(carrier.store) == moved().data


def test_of_two_orders_the_later_address_reaches_zuora() -> None:
    carrier, zuora = carried(moving((address(), moved())), moved(city="York"))

    assert carrier.run() == ["completed"]

    (work,) = zuora.calls
    assert work.addresses["billing"].data.city == "York"
    assert data_of(carrier.store) == moved(city="York").data


def test_nobody_is_shown_what_an_order_noted_of_the_details() -> None:
    assert "altered_details" not in moving((address(), moved())).wire()
