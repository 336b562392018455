"""The published bodies of Switch, Cancel and Save, made by the rules themselves, byte for byte."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tessera import ids
from tessera.commerce.buyers import Moment
from tessera.commerce.callers import Caller
from tessera.commerce.changes import place_change
from tessera.commerce.commits import Commit
from tessera.commerce.entitlements import Ownership, held
from tessera.commerce.models import Holding, Identity, IdentityData, Order, Owner, Period
from tessera.commerce.order_bodies import read_order
from tessera.webhooks.dialects import Dialect, render
from tests.commerce.selling import HALF_PRICE, Shop, offer, offer_id, offers, sold, subscription

GOLDEN = Path(__file__).parent.parent / "webhooks" / "golden"
EARLIER = datetime(2022, 7, 5, 6, 58, 53, 46000, tzinfo=UTC)

MONTHLY = offer("Digital Monthly", "W2", save_offers=offers("Half price"))
ANNUAL = offer("Digital Annual", "SKU0010002", switch_date="term_end")
SHOP = Shop(MONTHLY, ANNUAL, HALF_PRICE)
ZEPHR = [
    ("92779261-f615-4fc6-9fdd-8b71d59b8f0f", "https://limio-v4.api.zephr.com", "zephr", "user_id"),
    ("0c2ab33e-97c3-4a68-8b19-e5bdedd37d0f", "https://limio-v4-daniel-test.cdn.zephr.com/"),
]
SALESFORCE = [
    ("0012600001mdRaSAAU", "salesforce", "salesforce", "account"),
    (
        "d0298190-d8ab-463c-a47f-3e83896c41d2",
        "https://admin.staging.which-account.blaize.io",
        "zephr",
        "user_id",
    ),
]


class Owners:
    """One owner with one subscription of Digital Monthly, begun on a day, for a year."""

    def __init__(self, owner: str, name: str, begun: date, logins: list[Any]) -> None:
        self._holding = subscription(
            sold(MONTHLY, start=begun),
            start_date=begun,
            term_start_date=begun,
            term_end_date=begun.replace(year=begun.year + 1),
            current_period=Period(start=begun, end=begun.replace(month=begun.month + 1)),
        ).model_copy(
            update={"id": ids.subscription_id(name), "name": name, "owner": owner, "schedule": ()}
        )
        identities = tuple(_identity(*login) for login in logins)
        self._ownership = Ownership(
            owner=Owner(id=owner, created=EARLIER, updated=EARLIER),
            identities=identities,
            held=(held(self._holding),),
        )
        self.commits: list[Commit] = []

    def order(self, id: str) -> Order | None:
        return None

    def holding(self, subscription: str) -> Holding | None:
        return self._holding

    def ownership(self, owner: str) -> Ownership | None:
        return self._ownership

    def commit(self, change: Commit) -> None:
        self.commits.append(change)


def _identity(sub: str, iss: str, service: str | None = None, type: str | None = None) -> Identity:
    data = IdentityData(iss=iss, sub=sub, service=service, type=type)
    return Identity(id=f"xid-{sub}", name=sub, created=EARLIER, updated=EARLIER, data=data)


ANA = "id-c6281aebbe25728aae1b6223e87f7b2b"
JULY = datetime(2022, 7, 20, 10, 15, 30, tzinfo=UTC)
CASES: dict[str, tuple[Owners, datetime, Caller, dict[str, Any], str]] = {
    "switch": (
        Owners(
            "id-438655aadfd9f8855ace51122089688f",
            "Digital Annual Switch",
            date(2022, 11, 16),
            SALESFORCE,
        ),
        datetime(2022, 11, 23, 16, 51, 0, 206000, tzinfo=UTC),
        Caller(kind="machine", id="m"),
        {
            "order_type": "change_offer",
            "source": "salesforce",
            "offer": {"id": offer_id("Digital Annual")},
        },
        "29CVVO5SJFR0",
    ),
    "cancel": (
        Owners(ANA, "32439PDFQPA0", date(2022, 7, 5), ZEPHR),
        JULY,
        Caller(kind="customer", id="c", owner=ANA),
        {"order_type": "cancel_subscription"},
        "3V053CN9SFIG",
    ),
    "save": (
        Owners(ANA, "32439PDFQPA0", date(2022, 7, 5), ZEPHR),
        JULY,
        Caller(kind="customer", id="c", owner=ANA),
        {"order_type": "add_offer", "offer": {"id": offer_id("Half price")}},
        "2D0RC2FUM5DG",
    ),
}


@pytest.mark.parametrize("release", ["85", "86", "89"])
@pytest.mark.parametrize("case", list(CASES))
def test_the_rules_make_the_published_bytes(case: str, release: str) -> None:
    owners, now, caller, order, reference = CASES[case]
    holding = owners.holding("")
    assert holding is not None
    sent = {**order, "forSubscription": {"name": holding.name}}
    request: Any = read_order(sent)

    placed = place_change(
        request,
        sent,
        caller=caller,
        owners=owners,
        shop=SHOP,
        moment=Moment(now, now.date(), "test"),
    )

    told = [one for one in owners.commits[-1].events if one.type == "entitlements.updated"]
    body = render(told[0].type, told[0].snapshot, Dialect(release=release))
    # The order of the sample had an id of its own, which its reference does not tell.
    same_order = body.replace(placed.order_reference.encode(), reference.encode())
    assert len(told) == 1
    assert same_order == (GOLDEN / f"{case}_{release}.json").read_bytes()
