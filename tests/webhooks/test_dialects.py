"""What endpoints of every age get for the same event, byte for byte."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tessera.webhooks.dialects import Dialect, render, render_entitlements

GOLDEN = Path(__file__).parent / "golden"

ZEPHR = [
    {
        "sub": "92779261-f615-4fc6-9fdd-8b71d59b8f0f",
        "iss": "https://limio-v4.api.zephr.com",
        "service": "zephr",
        "type": "user_id",
    },
    {
        "sub": "0c2ab33e-97c3-4a68-8b19-e5bdedd37d0f",
        "iss": "https://limio-v4-daniel-test.cdn.zephr.com/",
    },
]
SALESFORCE = [
    {
        "sub": "0012600001mdRaSAAU",
        "iss": "salesforce",
        "service": "salesforce",
        "type": "account",
    },
    {
        "sub": "d0298190-d8ab-463c-a47f-3e83896c41d2",
        "iss": "https://admin.staging.which-account.blaize.io",
        "service": "zephr",
        "type": "user_id",
    },
]


def snapshot(subscription: str, source: str, order: str, **members: Any) -> dict[str, Any]:
    tracking = {
        "orderReference": order,
        "name": order,
        "source": source,
        "subscription": subscription,
    }
    return {"entitlements": [], "identities": ZEPHR, "tracking": tracking, **members}


OWNER = "id-c6281aebbe25728aae1b6223e87f7b2b"
SNAPSHOTS = {
    "new": snapshot(
        "32439PDFQPA0",
        "shop",
        "13L04SESPHMG",
        updated="2022-07-05T06:58:53.046Z",
        owner=OWNER,
        entitlements=[{"code": "W2"}],
    ),
    "switch": snapshot(
        "Digital Annual Switch",
        "salesforce",
        "29CVVO5SJFR0",
        effectiveDate="2023-11-16T00:00:00.000",
        updated="2022-11-23T16:51:00.206Z",
        owner="id-438655aadfd9f8855ace51122089688f",
        identities=SALESFORCE,
        entitlements=[{"code": "SKU0010002"}],
    ),
    "cancel": snapshot(
        "32439PDFQPA0",
        "shop",
        "3V053CN9SFIG",
        effectiveDate="2022-08-05T00:00:00.000",
        updated="2022-07-20T10:15:30.000Z",
        owner=OWNER,
    ),
    "save": snapshot(
        "32439PDFQPA0",
        "shop",
        "2D0RC2FUM5DG",
        effectiveDate="2022-08-05T00:00:00.000",
        updated="2022-07-20T10:15:30.000Z",
        owner=OWNER,
        entitlements=[{"code": "W2"}],
    ),
}
DIALECTS = {
    "85": Dialect(release="85"),
    "86": Dialect(release="86"),
    "89": Dialect(release="89"),
    "89_short": Dialect(release="89", identity_keys="short"),
}
CASES = sorted(file.stem for file in GOLDEN.iterdir())


def test_every_published_case_has_its_golden_file() -> None:
    assert len(CASES) == 13


@pytest.mark.parametrize("case", CASES)
def test_renders_the_golden_bytes(case: str) -> None:
    event, _, dialect = case.partition("_")

    body = render_entitlements(SNAPSHOTS[event], DIALECTS[dialect])

    assert body == (GOLDEN / f"{case}.json").read_bytes()


@pytest.mark.parametrize(
    ("release", "keys", "long", "order_named"),
    [
        ("85.9", "auto", True, False),
        ("86.0", "auto", False, False),
        ("88.99", "auto", False, False),
        ("89.0", "auto", True, True),
        ("100", "auto", True, True),
        ("9.5", "auto", True, False),
        ("86", "long", True, False),
        ("85", "short", False, False),
    ],
)
def test_compares_releases_as_two_numbers(
    release: str, keys: Any, long: bool, order_named: bool
) -> None:
    dialect = Dialect(release=release, identity_keys=keys)

    assert (dialect.has_long_keys, dialect.names_the_order) == (long, order_named)


def test_a_dialect_that_says_nothing_is_the_newest_and_hears_of_days_ahead() -> None:
    assert Dialect().wire() == {"release": "89.0", "identity_keys": "auto", "announce_ahead": True}


def test_writes_a_release_with_both_its_numbers() -> None:
    assert Dialect(release="089").release == "89.0"


@pytest.mark.parametrize(
    "wrong",
    [
        {"release": "newest"},
        {"release": "89.0.1"},
        {"release": "89."},
        {"release": "-1"},
        {"release": "٨٩"},
        {"release": "89\n"},
        {"release": 89},
        {"identity_keys": "middle"},
        {"announce": True},
    ],
)
def test_refuses_a_dialect_nobody_speaks(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Dialect(**wrong)


def test_leaves_out_what_a_synced_subscription_has_no_order_for() -> None:
    synced = SNAPSHOTS["new"] | {"tracking": {"subscription": "A-1", "source": "zuora"}}

    body = render_entitlements(synced, Dialect())

    assert body.startswith(b'{"tracking":{"subscription":"A-1","source":"zuora"},"updated"')


def test_a_guest_has_an_empty_list_of_identities() -> None:
    body = render_entitlements(SNAPSHOTS["new"] | {"identities": []}, Dialect())

    assert json.loads(body)["identities"] == []


def test_other_events_are_the_bare_object_in_its_own_order() -> None:
    customer = {
        "id": "cus-8b28fbca8eb2e9e9f0428ed4215b79e3",
        "data": {"lastName": "Łódź/Ñandú 🎫", "firstName": "Ana"},
        "price": {"amount": Decimal("17.50"), "seats": Decimal(1000), "tax": Decimal("0E-2")},
        "active": True,
    }

    body = render("customer.created", customer, Dialect(release="85"))

    assert body.decode() == (
        '{"id":"cus-8b28fbca8eb2e9e9f0428ed4215b79e3",'
        '"data":{"lastName":"Łódź/Ñandú 🎫","firstName":"Ana"},'
        '"price":{"amount":17.5,"seats":1000,"tax":0},"active":true}'
    )


def test_an_entitlement_event_is_rendered_in_the_dialect() -> None:
    body = render("entitlements.updated", SNAPSHOTS["new"], Dialect(release="86"))

    assert body == (GOLDEN / "new_86.json").read_bytes()


TEXT = st.text(max_size=12)
IDENTITY = st.fixed_dictionaries(
    {"sub": TEXT, "iss": TEXT}, optional={"service": TEXT, "type": TEXT}
)
SNAPSHOT = st.fixed_dictionaries(
    {
        "tracking": st.fixed_dictionaries(
            {"subscription": TEXT}, optional={"source": TEXT, "name": TEXT, "orderReference": TEXT}
        ),
        "updated": TEXT,
        "owner": TEXT,
        "identities": st.lists(IDENTITY, max_size=3),
        "entitlements": st.lists(st.fixed_dictionaries({"code": TEXT}), max_size=3),
    },
    optional={"effectiveDate": st.just("2023-11-16T00:00:00.000")},
)
ANY_DIALECT = st.builds(
    Dialect,
    release=st.sampled_from(["1", "85.9", "86.0", "88.3", "89.0", "120.0"]),
    identity_keys=st.sampled_from(["auto", "short", "long"]),
)


@given(SNAPSHOT, ANY_DIALECT)
def test_no_dialect_makes_a_longer_body_than_the_one_that_nobody_chose(
    any_snapshot: dict[str, Any], dialect: Dialect
) -> None:
    widest = render_entitlements(any_snapshot, Dialect())

    assert len(render_entitlements(any_snapshot, dialect)) <= len(widest)


@given(SNAPSHOT, ANY_DIALECT)
def test_every_dialect_says_the_same_about_entitlements(
    any_snapshot: dict[str, Any], dialect: Dialect
) -> None:
    body = json.loads(render_entitlements(any_snapshot, dialect))

    assert body["entitlements"] == any_snapshot["entitlements"]
    assert body.get("effectiveDate") == any_snapshot.get("effectiveDate")
    assert [(i["sub"], i["iss"]) for i in body["identities"]] == [
        (i["sub"], i["iss"]) for i in any_snapshot["identities"]
    ]
