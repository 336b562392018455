"""What an operation costs does not depend on how much there is: 1, 100 or 5,000 of everything.

The others' rows are copied from those of one subscription, straight into the table, as writing five
thousand orders would take minutes; what is asked and written afterwards goes the usual way.
"""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from tessera import aws, ids
from tessera.commerce.commits import Commit
from tessera.commerce.customer_search import PartnerCustomers
from tessera.commerce.entitlement_query import Asked, query
from tessera.commerce.order_lists import OrderLists, Wanted
from tessera.commerce.store import CommerceTable
from tessera.commerce.sync import sync
from tessera.identity.external import NewIdentity, attach
from tests.builders import (
    NOW,
    TODAY,
    FakeBilling,
    FakeCatalog,
    FakePartners,
    NoLabels,
    account,
    billed,
    candidate,
)
from tests.commerce.carrying import order
from tests.commerce.counting import counted
from tests.partners.organisations import ACME, ACME_ZUORA

SIZES = [1, 100, pytest.param(5000, marks=pytest.mark.long)]
NUMBER = "A-S00000271"
SUB = ids.subscription_id(NUMBER)
OWNER = ids.owner_id_of_account("A00000042")
CUSTOMER = ids.customer_id("A00000042")
TOKEN = {"iss": "limio.us.auth0.com", "sub": "auth0|67bf2138817314f757da5abc"}


@pytest.fixture(params=SIZES)
def owners(tables: dict[str, str], request: pytest.FixtureRequest) -> CommerceTable:
    """One owner with all there is to it, and as many like it as make up the size."""
    owners = CommerceTable(tables["Commerce"], tables["Events"])
    synced(owners)
    attach(
        NewIdentity.model_validate({"id_token": TOKEN}),
        to=OWNER,
        owners=owners,
        labels=NoLabels(),
        now=NOW,
        today=TODAY,
    )
    ownership = owners.ownership(OWNER)
    assert ownership is not None
    placed = order("renew").model_copy(
        update={"owner": OWNER, "partner_org": ACME, "subscriptions": (SUB,)}
    )
    owners.commit(Commit(ownership=ownership, seen=ownership.owner.updated, creates=[placed]))
    copied(request.param - 1)
    return owners


def synced(owners: CommerceTable, **detail: Any) -> None:
    known = billed(NUMBER, account=account(parent_id=ACME_ZUORA), **detail)
    sync(
        NUMBER,
        billing=FakeBilling(known),
        catalog=FakeCatalog(candidate()),
        partners=FakePartners(**{ACME_ZUORA: [ACME]}),
        owners=owners,
        now=NOW,
        today=TODAY,
        mode="test",
    )


def copied(times: int) -> None:
    """Each copy with ids, number and e-mail address of its own, of the same organisation."""
    table = kept()
    rows = json.dumps(
        [one for one in everything() if not one["sk"]["S"].startswith(("schedule-", "address-"))]
    )
    same = {one["pk"]["S"] for one in json.loads(rows)} | {NUMBER, "ana@example.com"}
    for n in range(times):
        text = rows
        for name in sorted(same, key=len, reverse=True):
            text = text.replace(f'"{name}', f'"{n:05}{name}' if "@" in name else f'"{name}-{n:05}')
        for row in json.loads(text):
            # Past the checks of a request, which take most of its time.
            pk, sk = DynamoType(row["pk"]), DynamoType(row["sk"])
            table.items[pk][sk] = Item(pk, sk, row)


def kept() -> Any:
    """The table itself, behind the requests."""
    region = aws.client("dynamodb").meta.region_name
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][region].tables["Commerce"]


def everything() -> list[Any]:
    return [one.to_json()["Attributes"] for one in kept().all_items()]


READS: dict[str, tuple[Callable[[CommerceTable], Any], dict[str, int]]] = {
    "an owner by its identity, with its entitlements": (
        lambda owners: query(Asked(**TOKEN), owners=owners, today=TODAY),
        {"GetItem": 2},
    ),
    "an owner's entitlements": (
        lambda owners: query(Asked(owner=OWNER), owners=owners, today=TODAY),
        {"GetItem": 1},
    ),
    "an owner's subscriptions": (lambda owners: owners.holdings_of(OWNER), {"Query": 1}),
    "a subscription": (lambda owners: owners.holding(SUB), {"Query": 1}),
    "an object by id": (lambda owners: owners.customer(CUSTOMER), {"GetItem": 1}),
    "an organisation's newest customers": (
        lambda owners: PartnerCustomers("Commerce").newest(ACME, limit=40, after=None),
        {"Query": 1},
    ),
    "an organisation's customers by name": (
        lambda owners: PartnerCustomers("Commerce").named(ACME, "lopes", limit=40, after=None),
        {"Query": 1},
    ),
    "an organisation's newest orders": (
        lambda owners: owners.newest_orders_of(ACME, limit=40),
        {"Query": 1},
    ),
    "all orders, newest first": (
        lambda owners: OrderLists("Commerce").page(Wanted(), limit=40, after=None),
        {"Query": 1},
    ),
    "customers by exact e-mail": (
        lambda owners: OrderLists("Commerce").customers("ana@example.com"),
        {"Query": 1},
    ),
}


def test_costs_the_same_however_much_there_is(
    owners: CommerceTable, request: pytest.FixtureRequest
) -> None:
    partitions = Counter(one.get("partner_pk", {}).get("S") for one in everything())
    size = request.node.callspec.params["owners"]
    for kind in ("customers", "subscriptions", "orders"):
        assert partitions[f"{ACME}#{kind}"] == size
    for name, (read, allowed) in READS.items():
        with counted() as requests:
            found = read(owners)

        assert found, name
        assert requests == allowed, name
    with counted() as unchanged:
        synced(owners)
    with counted() as changed:
        synced(owners, version=2, auto_renew=False)
    assert unchanged == {"GetItem": 1, "BatchGetItem": 1, "Query": 1}
    assert changed == {**unchanged, "TransactWriteItems": 1}
