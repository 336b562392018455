"""What subscribers read of their own subscriptions, through the deployed handlers."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tessera.commerce.commits import Commit
from tessera.commerce.entitlements import Ownership
from tessera.commerce.models import (
    Holding,
    Identity,
    IdentityData,
    Owner,
    PendingChange,
    Terms,
    identity_id,
)
from tessera.commerce.store import CommerceTable
from tessera.identity.issuers import normalised
from tests.builders import NOW, TODAY, api_event, customer
from tests.commerce.selling import (
    ACME,
    MONTHLY,
    OWNER,
    SUBSCRIPTION,
    offer,
    sold,
    subscription,
)
from tests.handlers import body, load

ISSUER, SUB = "https://limio.us.auth0.com/", "auth0|67bf2138817314f757da5abc"
ALL = "/api/mma/subscriptions"
FUNCTIONS = {ALL: "list_own_subscriptions", ALL + "/{id}": "read_own_subscription"}
Ask = Callable[..., Any]


def has(holding: Holding) -> None:
    """Ana has it, and signs in for it."""
    login = Identity(
        id=identity_id(normalised(ISSUER), SUB),
        owner=OWNER,
        name=SUB,
        created=NOW,
        updated=NOW,
        data=IdentityData(iss=ISSUER, sub=SUB),
    )
    ownership = Ownership(owner=Owner(id=OWNER, created=NOW, updated=NOW), identities=(login,))
    records = [login, holding, *holding.offers, *holding.add_ons, *holding.schedule]
    change = Commit(ownership=ownership, seen=None, creates=records)
    CommerceTable("Commerce", "Events").commit(change)


@pytest.fixture
def ask(tables: dict[str, str]) -> Ask:
    boto3.client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers", Type="String", Value="[]"
    )

    def ask(route: str, id: str = "") -> Any:
        handler = load(f"commerce/{FUNCTIONS[route]}", {f"GET {route}": {"customer": []}})
        caller = customer(SUB, ISSUER)
        return body(handler(api_event("GET", route.format(id=id), route=route, caller=caller)))

    return ask


def test_a_subscription_is_listed_as_it_is_read_by_itself(ask: Ask) -> None:
    change = PendingChange(
        order="order-1",
        order_type="change_offer",
        effective_date=TODAY.replace(day=20),
        terms=Terms(auto_renew=False),
    )
    has(subscription(sold(MONTHLY), pending_change=change))

    (listed,) = ask(ALL)["items"]

    assert listed == ask(ALL + "/{id}", SUBSCRIPTION)
    assert "terms" not in listed["data"]["pendingChange"]


def test_which_partners_may_sell_an_offer_is_not_told_to_who_bought_it(ask: Ask) -> None:
    channels = ["Online", "Partner"]
    has(subscription(sold(offer("Gold", sales_channel=channels, eligible_partners=[ACME]))))

    (listed,) = ask(ALL)["items"]

    for shown in (listed, ask(ALL + "/{id}", SUBSCRIPTION)):
        attributes = shown["offers"][0]["data"]["offer"]["attributes"]
        assert "eligible_partners__limio" not in attributes
        assert attributes["sales_channel__limio"] == channels
