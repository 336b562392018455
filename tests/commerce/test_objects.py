"""The objects API: any object by its id, and lists of each kind, over real tables."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import boto3
import pytest

from tessera import dynamo, events, ids, outbox
from tessera.commerce.commits import Commit
from tessera.commerce.history import EventHistory
from tessera.commerce.method_records import paying_by
from tessera.commerce.models import (
    Card,
    Customer,
    CustomerData,
    Order,
    PlacedBy,
    ProcessEvent,
    ProcessEventData,
    Subscription,
    ZuoraMethod,
)
from tessera.commerce.objects import PREFIXES, Moment, Wanted, list_page, read
from tessera.commerce.owners import OwnerMerged
from tessera.commerce.store import CommerceTable
from tessera.commerce.sync import sync
from tessera.cursors import Cursors
from tessera.errors import InvalidFields, InvalidRequest, NotFound
from tessera.identity.external import NewIdentity, attach
from tessera.identity.principal import Machine, Operator, Principal
from tests.builders import (
    NOW,
    TODAY,
    FakeBilling,
    FakeCatalog,
    FakePartners,
    NoLabels,
    account,
    api_event,
    billed,
    candidate,
    machine,
    operator,
)
from tests.commerce.counting import counted
from tests.conftest import Told
from tests.fake_aws import filled
from tests.handlers import Handler, body, load

OWNER = "id-8606b883875fe37f1beae43c676ebc60"
SUB = "sub-ac3a12b67e833080e10b13ca25b84017"
XID = "xid-09bada0050da949f7eba44dbecdc5716"
ACME = "partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1"
ORDER = "order-c3a3d018e1460c3cea0f68c8ae9513d9"
MIDDLEWARE = Machine(id="middleware")


class Key:
    def read(self) -> dict[str, str]:
        return {"key": "a key that seals"}


class Store:
    """An owner with a subscription, an identity and an order, and another of a partner's."""

    def __init__(self) -> None:
        self.table = CommerceTable("Commerce", "Events")
        self.history = EventHistory("Events")
        self.cursors = Cursors(Key())
        self.has("A-S00000271")
        token = {"iss": "limio.us.auth0.com", "sub": "auth0|67bf2138817314f757da5abc"}
        new = NewIdentity.model_validate({"id_token": token})
        attach(new, to=OWNER, owners=self.table, labels=NoLabels(), now=NOW, today=TODAY)
        placed = Order(
            id=ORDER,
            order_type="new",
            source="shop",
            order_date=NOW,
            placed_by=PlacedBy(kind="machine", id="m"),
            data={"quantity": 1},
            fingerprint="f" * 64,
            owner=OWNER,
            created=NOW,
            updated=NOW,
        )
        self.creates(placed)
        self.partners_owner = self.has(
            "A-S00000999", account=account("A00000099", parent_id="acme")
        )

    def has(self, number: str, **detail: Any) -> str:
        return sync(
            number,
            billing=FakeBilling(billed(number, **detail)),
            catalog=FakeCatalog(candidate()),
            partners=FakePartners(acme=[ACME]),
            owners=self.table,
            now=NOW,
            today=TODAY,
            mode="test",
        ).owner

    def creates(self, *records: Any) -> None:
        ownership = self.table.ownership(OWNER)
        assert ownership is not None
        seen = ownership.owner.updated
        for start in range(0, len(records), 40):  # with their names, what a transaction holds
            some = records[start : start + 40]
            self.table.commit(Commit(ownership=ownership, seen=seen, creates=some))

    def read(
        self, path_type: str, id: str, *, today: date = TODAY, by: Principal = MIDDLEWARE
    ) -> dict[str, Any]:
        moment = Moment(NOW, today, "test")
        return read(path_type, id, by=by, objects=self.table, history=self.history, moment=moment)

    def page(
        self,
        path_type: str,
        *,
        limit: int = 40,
        cursor: str | None = None,
        by: Principal = MIDDLEWARE,
        days: int = 0,
        **wanted: str,
    ) -> dict[str, Any]:
        passed = timedelta(days=days)
        return list_page(
            path_type,
            Wanted(**wanted),
            limit=limit,
            cursor=cursor,
            by=by,
            objects=self.table,
            history=self.history,
            cursors=self.cursors,
            moment=Moment(NOW + passed, TODAY + passed, "test"),
        )

    def pages(self, path_type: str, **asked: Any) -> Iterator[list[dict[str, Any]]]:
        cursor = None
        for _ in range(200):
            page = self.page(path_type, cursor=cursor, **asked)
            yield page["items"]
            cursor = page["queryMore"]
            if cursor is None:
                return
        raise AssertionError("the list does not end")

    def ids(self, path_type: str, **asked: Any) -> list[str]:
        return [one["id"] for page in self.pages(path_type, **asked) for one in page]


@pytest.fixture
def store(tables: dict[str, str]) -> Store:
    return filled("eu-west-1", Store)


def test_what_an_outside_system_said_is_for_operators(store: Store) -> None:
    said = "Ana Lopes has no default payment method"
    data = ProcessEventData(order=ORDER, step="zuora_order", attempts=1, text=said)
    step = ProcessEvent(
        id=f"process_event-{'7' * 32}",
        status="failed",
        owner=OWNER,
        created=NOW,
        updated=NOW,
        data=data,
    )
    store.creates(step)
    staff = Operator(id="ops", groups=("support",))

    told = store.read("process", step.id)
    (listed,) = store.page("process")["items"]
    shown = store.read("process", step.id, by=staff)
    (shown_listed,) = store.page("process", by=staff)["items"]

    assert (told["data"]["step"], told["data"]["attempts"]) == ("zuora_order", 1)
    assert told == listed
    assert "text" not in told["data"]
    assert shown["data"]["text"] == shown_listed["data"]["text"] == said


STORED = ["orders", "customers", "identities", "address", "subscription_offers", "schedules"]
EMPTY = ["payment_methods", "process"]


@pytest.mark.parametrize("path_type", [*STORED, "subscriptions", "user_entitlements", "events"])
def test_what_is_listed_is_what_is_read_by_id(store: Store, path_type: str) -> None:
    listed = [one for page in store.pages(path_type) for one in page]

    assert listed
    for one in listed:
        assert store.read(path_type, one["id"]) == one
        assert one["service"] == "limio"


def test_a_subscription_comes_with_all_it_holds(store: Store) -> None:
    one = store.read("subscriptions", SUB)

    assert (one["name"], one["record_type"], one["owner"]) == ("A-S00000271", "subscription", OWNER)
    assert [offer["data"]["name"] for offer in one["offers"]] == ["Digital Monthly"]
    assert (one["addOns"], one["schedule"][0]["record_type"]) == ((), "schedule")
    assert store.page("subscriptions", owner=OWNER)["items"] == [one]
    assert one in store.page("subscriptions")["items"]


def test_statuses_are_those_of_the_day(store: Store) -> None:
    store.has("A-S00000272", auto_renew=False)
    id = ids.subscription_id("A-S00000272")
    (offer,) = store.read("subscriptions", id)["offers"]

    after = store.read("subscriptions", id, today=date(2027, 3, 2))
    before = store.read("subscriptions", id, today=date(2026, 3, 1))

    assert (after["status"], before["status"]) == ("expired", "pending")
    assert (offer["status"], before["offers"][0]["status"]) == ("active", "pending")
    alone = store.read("subscription_offers", offer["id"], today=date(2026, 3, 1))
    assert alone == before["offers"][0]


def test_payment_methods_that_orders_named_are_objects_too(store: Store) -> None:
    (customer,) = (
        one
        for one in store.table.objects(
            "customers", owner=OWNER, partner_org=None, limit=1, after=None
        )[0]
        if isinstance(one, Customer)
    )
    card = ZuoraMethod(
        ref_id="8" * 32,
        kind="CreditCard",
        result=Card(mask="************1111", expiration_month=11, expiration_year=2026),
    )
    kept = paying_by(card, customer, known=None, before=None, now=NOW).method
    store.creates(kept)

    assert store.page("payment_methods", owner=OWNER)["items"] == [kept.wire()]
    assert store.read("payment_methods", kept.id) == kept.wire()
    december = store.read("payment_methods", kept.id, today=date(2026, 12, 1))
    assert (december["status"], december["related"]) == ("expired", customer.id)

    gone = kept.model_copy(update={"status": "removed", "updated": NOW + timedelta(seconds=1)})
    store.table.replace_method(gone, seen=kept.updated)
    store.table.replace_method(kept, seen=kept.updated)  # outdated: what is newer stays

    assert store.table.payment_method(kept.id) == gone


def test_an_order_shows_nothing_of_how_repeats_are_told(store: Store) -> None:
    one = store.read("orders", ORDER)

    assert (one["data"], one["order_type"]) == ({"quantity": 1}, "new")
    assert "fingerprint" not in one


def test_identities_are_owners_and_their_external_identities(store: Store) -> None:
    owner, external = store.read("identities", OWNER), store.read("identities", XID)

    assert owner["type"] == "@limio/id"
    assert set(owner) == {
        "id", "record_type", "type", "service", "mode", "status", "created", "updated"
    }  # fmt: skip
    assert (external["type"], external["owner"]) == ("@limio/external-id", OWNER)
    assert set(store.ids("identities", owner=OWNER)) == {OWNER, XID}


def test_user_entitlements_are_what_the_query_answers_in_an_envelope(store: Store) -> None:
    id = ids.entitlements_of_owner(OWNER)

    one = store.read("user_entitlements", id)

    assert (one["id"], one["record_type"]) == (id, "user_entitlements")
    assert (one["owner"], one["status"], one["mode"]) == (OWNER, "active", "test")
    assert set(one["data"]) == {"version", "identities", "entitlements", "subscriptions"}
    assert one["data"]["entitlements"] == ({"code": "W2"},)
    assert store.page("user_entitlements", owner=OWNER)["items"] == [one]


def test_an_owner_that_became_another_has_no_entitlements_of_its_own(store: Store) -> None:
    ownership = store.table.ownership(OWNER)
    assert ownership is not None
    merged = {"status": "merged", "merged_into": store.partners_owner}
    owner = ownership.owner.model_copy(update=merged)
    change = ownership.model_copy(update={"owner": owner})
    store.table.commit(Commit(ownership=change, seen=owner.updated))

    assert store.read("identities", OWNER)["merged_into"] == store.partners_owner
    with pytest.raises(OwnerMerged):
        store.read("user_entitlements", ids.entitlements_of_owner(OWNER))
    assert store.page("user_entitlements", owner=OWNER)["items"] == []
    remaining = [ids.entitlements_of_owner(store.partners_owner)]
    assert store.ids("user_entitlements") == remaining


@pytest.mark.parametrize("path_type", [*STORED, "subscriptions", "user_entitlements", "events"])
def test_lists_by_owner_hold_this_owners_objects_only(store: Store, path_type: str) -> None:
    listed = [one for page in store.pages(path_type, owner=OWNER) for one in page]
    others = store.ids(path_type, owner=store.partners_owner)

    assert listed
    assert all(OWNER in (one.get("owner"), one["id"]) for one in listed)
    assert not {one["id"] for one in listed} & set(others)
    assert {one["id"] for one in listed} | set(others) == set(store.ids(path_type))


@pytest.mark.parametrize("path_type", [*STORED, "subscriptions", "user_entitlements"])
def test_lists_by_organisation_hold_what_hangs_from_its_customers(
    store: Store, path_type: str
) -> None:
    listed = [one for page in store.pages(path_type, partner_org=ACME) for one in page]

    assert {one["id"] for one in listed} == set(store.ids(path_type, owner=store.partners_owner))
    assert all(one["partner_org"] == ACME for one in listed)
    one_by_one = store.ids(path_type, partner_org=ACME, limit=1)
    assert sorted(one_by_one) == sorted(one["id"] for one in listed)
    assert store.ids(path_type, partner_org=f"partner_org-{0:032}") == []


def customers(count: int) -> list[Customer]:
    return [
        Customer(
            id=ids.derived("cus", "many", str(n)),
            owner=OWNER,
            partner_org=ACME,
            created=NOW,
            updated=NOW,
            data=CustomerData(first_name=f"{n}"),
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("wanted", [{}, {"owner": OWNER}, {"partner_org": ACME}])
@pytest.mark.parametrize("limit", [1, 7, 41, 100])
def test_a_walk_through_the_pages_meets_everything_once(
    store: Store, wanted: dict[str, str], limit: int
) -> None:
    many = customers(40)
    store.creates(*many)
    before = {one["id"] for page in store.pages("customers", limit=100, **wanted) for one in page}

    pages = list(store.pages("customers", limit=limit, **wanted))

    met = [one["id"] for page in pages for one in page]
    assert len(met) == len(set(met))
    assert {one.id for one in many} <= set(met) == before
    assert all(len(page) == limit for page in pages[:-1])
    assert 0 < len(pages[-1]) <= limit


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_an_owners_subscriptions_are_walked_whole(store: Store, limit: int) -> None:
    store.has("A-S00000272")
    store.has("A-S00000273")

    pages = list(store.pages("subscriptions", limit=limit, owner=OWNER))

    assert [len(page) for page in pages] == {1: [1, 1, 1], 2: [2, 1], 3: [3]}[limit]
    met = [one for page in pages for one in page]
    assert {one["name"] for one in met} == {f"A-S0000027{n}" for n in (1, 2, 3)}
    assert all(one["offers"] and one["schedule"] for one in met)


def bulky(count: int) -> list[Subscription]:
    """A third of what one query brings, each."""
    stored = Subscription(
        id=SUB,
        status="active",
        owner=OWNER,
        created=NOW,
        updated=NOW,
        data={"startDate": TODAY, "name": "x" * 340_000},
    )
    return [
        stored.model_copy(update={"id": ids.derived("sub", "bulky", str(n))}) for n in range(count)
    ]


def test_reading_takes_one_request(store: Store) -> None:
    for path_type in [*STORED, "subscriptions", "user_entitlements", "events"]:
        id = store.ids(path_type, owner=OWNER)[0]

        with counted() as requests:
            store.read(path_type, id)

        assert requests.total() == 1, path_type


def test_a_page_of_an_owner_or_organisation_takes_one_query(store: Store) -> None:
    store.creates(*customers(80))
    for path_type in [*STORED, "subscriptions"]:
        with counted() as by_owner:
            store.page(path_type, owner=OWNER)
        with counted() as by_partner:
            store.page(path_type, partner_org=ACME)

        with_holdings = 1 if path_type == "subscriptions" else 0
        assert by_owner == {"Query": 1}, path_type
        assert by_partner == {"Query": 1 + with_holdings}, path_type
    with counted() as entitlements:
        store.page("user_entitlements", owner=OWNER)
    with counted() as told:
        store.page("events", owner=OWNER)
    assert entitlements == {"GetItem": 1}
    assert told == {"Query": 1, "BatchGetItem": 1}


@pytest.mark.parametrize("size", [0, 80])
def test_a_page_of_all_takes_sixteen_queries_at_most(store: Store, size: int) -> None:
    store.creates(*customers(size))

    with counted() as requests:
        store.page("customers", limit=100)
    with counted() as small:
        store.page("customers", limit=1)

    assert requests == {"Query": 16}
    assert small["Query"] <= 16


def test_a_query_that_brings_a_megabyte_is_gone_on_with(store: Store) -> None:
    for one in bulky(5):
        store.creates(one)

    with counted() as requests:
        first = store.page("subscriptions", owner=OWNER, limit=5)
    cursor = first["queryMore"]
    second = store.page("subscriptions", owner=OWNER, limit=5, cursor=cursor)
    met = [*first["items"], *second["items"]]

    assert len({one["id"] for one in met}) == len(met) == 6
    # one to see that they are many, two or three to list them, one for each
    assert requests["Query"] <= 1 + 3 + 5


def test_events_are_listed_newest_first_and_hold_what_was_said(store: Store, told: Told) -> None:
    said = [event for event in told() if event.owner == OWNER]

    listed = [one for page in store.pages("events", owner=OWNER, limit=2) for one in page]

    assert [one["id"] for one in listed] == [event.id for event in reversed(said)]
    assert listed[-1] == {
        "id": said[0].id,
        "record_type": "event",
        "service": "limio",
        "mode": "test",
        "name": "customer.created",
        "owner": OWNER,
        "created": "2026-03-02T09:14:07.512Z",
        "data": said[0].snapshot,
    }


def recorded(type: str = "owner.merged", **detail: Any) -> events.Event:
    made = events.event(type, {"id": "x", "record_type": "event"}, at=NOW)
    changed = made.model_copy(update=detail)
    dynamo.commit([outbox.record("Events", changed)])
    return changed


def test_an_event_that_announces_itself_is_its_own_object(store: Store) -> None:
    event = recorded("checkout.initiated")

    assert store.read("events", event.id) == {"id": "x", "record_type": "event"}


def test_samples_and_what_has_expired_are_not_events_any_more(store: Store) -> None:
    sample = recorded(only_endpoint="wh-1")
    old = recorded(created_at=NOW - timedelta(days=91))

    listed = store.ids("events", limit=100)

    assert sample.id not in listed
    assert old.id not in listed
    for event in (sample, old):
        with pytest.raises(NotFound):
            store.read("events", event.id)


def test_all_events_are_met_over_ninety_days_with_a_bound_for_each_page(store: Store) -> None:
    ages = {recorded(created_at=NOW - timedelta(days=age)).id for age in (1, 40, 89)}

    with counted() as requests:
        store.page("events", limit=100)
    listed = store.ids("events", limit=100)

    assert ages <= set(listed)
    assert len(listed) == len(set(listed))
    assert requests == {"Query": 64, "BatchGetItem": 1}


def test_a_cursor_whose_day_is_gone_meanwhile_ends_the_list(store: Store) -> None:
    cursor = store.page("events", limit=1)["queryMore"]

    later = store.page("events", limit=1, cursor=cursor, days=95)

    assert later == {"items": [], "queryMore": None}


def test_events_are_not_listed_by_organisation(store: Store) -> None:
    with pytest.raises(InvalidFields) as refused:
        store.page("events", partner_org=ACME)

    assert refused.value.errors[0].field == "partner_org"


@pytest.mark.parametrize("path_type", EMPTY)
def test_kinds_of_which_there_are_none_yet_are_empty(store: Store, path_type: str) -> None:
    assert store.page(path_type) == {"items": [], "queryMore": None}
    with pytest.raises(NotFound):
        store.read(path_type, f"{PREFIXES[path_type][0]}-{0:032}")


@pytest.mark.parametrize("path_type", PREFIXES)
def test_an_id_of_nothing_is_not_found_and_what_is_no_id_refused(
    store: Store, path_type: str
) -> None:
    for prefix in PREFIXES[path_type]:
        with pytest.raises(NotFound):
            store.read(path_type, f"{prefix}-{0:032}")
    for id in ("", "x", f"other-{0:032}", f"{PREFIXES[path_type][0]}-0", "cus#" + "0" * 60_000):
        with pytest.raises(InvalidRequest):
            store.read(path_type, id)


def test_an_unknown_kind_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.page("gadgets")
    with pytest.raises(NotFound):
        store.read("gadgets", SUB)


@pytest.mark.parametrize(
    "wanted",
    [
        {"owner": OWNER, "partner_org": ACME},
        {"owner": ""},
        {"owner": "ana@example.com"},
        {"owner": SUB},
        {"partner_org": ""},
        {"partner_org": OWNER},
    ],
)
def test_refuses_a_list_of_whom_it_cannot_tell(store: Store, wanted: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        store.page("orders", **wanted)


def test_a_cursor_is_for_its_caller_and_query_only(store: Store) -> None:
    cursor = store.page("identities", limit=1, owner=OWNER)["queryMore"]
    assert store.page("identities", limit=1, owner=OWNER, cursor=cursor)["items"]

    altered = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    differing: tuple[dict[str, Any], ...] = (
        {"owner": OWNER, "cursor": altered},
        {"owner": store.partners_owner, "cursor": cursor},
        {"cursor": cursor},
        {"owner": OWNER, "cursor": cursor, "by": Machine(id="another")},
        {"owner": OWNER, "cursor": cursor, "by": Operator(id="middleware")},
    )
    for asked in differing:
        with pytest.raises(InvalidRequest):
            store.page("identities", limit=1, **asked)
    with pytest.raises(InvalidRequest):
        store.page("customers", limit=1, owner=OWNER, cursor=cursor)


LIST = "/api/objects/limio/{path_type}"
ALLOWED = {"machine": ["objects"], "operator": ["admin", "support"]}


@pytest.fixture
def lists(store: Store) -> Handler:
    boto3.client("secretsmanager").create_secret(
        Name="tessera/dev/cursors", SecretString='{"key": "sealing key of cursors"}'
    )
    return load("commerce/list_objects", {f"GET {LIST}": ALLOWED})


def asked(path_type: str, caller: Any = None, **query: str) -> dict[str, Any]:
    return api_event(
        "GET",
        f"/api/objects/limio/{path_type}",
        route=LIST,
        query=query,
        caller=caller or machine("objects"),
    )


def test_the_deployed_function_lists_a_page_and_the_next(lists: Handler) -> None:
    first = body(lists(asked("customers", limit="1")))
    second = body(lists(asked("customers", limit="1", queryMore=first["queryMore"])))

    assert set(second) == {"items"}
    found = [*first["items"], *second["items"]]
    assert {one["data"]["zuora"]["accountNumber"] for one in found} == {"A00000042", "A00000099"}
    assert lists(asked("gadgets"))["statusCode"] == 404
    assert body(lists(asked("orders", operator("support"), owner=OWNER)))["items"]


@pytest.mark.parametrize("limit", ["0", "101", "many"])
def test_the_deployed_function_refuses_a_limit(lists: Handler, limit: str) -> None:
    answer = lists(asked("orders", limit=limit))

    assert (answer["statusCode"], body(answer)["errors"][0]["field"]) == (422, "limit")


def test_the_deployed_function_reads_one(store: Store) -> None:
    route = f"{LIST}/{{id}}"
    reads = load("commerce/read_object", {f"GET {route}": ALLOWED})

    def get(caller: Any) -> dict[str, Any]:
        path = f"/api/objects/limio/subscriptions/{SUB}"
        return reads(api_event("GET", path, route=route, caller=caller))

    answer = get(machine("objects"))

    assert answer["statusCode"] == 200
    assert '"amount":17.5,' in answer["body"]
    assert body(answer)["offers"][0]["related"] == SUB
    assert get(machine("orders"))["statusCode"] == 403
