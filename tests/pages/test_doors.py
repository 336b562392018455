"""Who is let in to a page, by which cookie, for how long, and what a stranger gets to see."""

from datetime import timedelta
from typing import Any

import pytest

from tessera.edge.pages.cookies import NAMES
from tessera.identity.session_store import SessionsTable
from tests.pages.visitor import Visitor, signed_in


def test_nobody_is_sent_to_sign_in_and_back_to_the_page_that_was_asked_for(
    visitor: Visitor,
) -> None:
    moved = visitor.get("/settings/things?at=x%26y&status=new")

    assert moved.status == 303
    assert moved.location == (
        "/auth/operator?return_to=%2Fsettings%2Fthings%3Fat%3Dx%2526y%26status%3Dnew"
    )


@pytest.mark.parametrize(
    ("idle", "lets_in"), [(29, True), (31, False)], ids=["busy", "half an hour away"]
)
def test_a_session_ends_half_an_hour_after_the_last_request(
    visitor: Visitor, idle: int, lets_in: bool
) -> None:
    signed_in(visitor, "operator", idle=timedelta(minutes=idle))

    assert visitor.get("/settings/things").status == (200 if lets_in else 303)


def test_a_request_prolongs_the_session(visitor: Visitor) -> None:
    signed_in(visitor, "operator", idle=timedelta(minutes=29))

    visitor.get("/settings/things")

    session = SessionsTable("Sessions").session(visitor.cookies[NAMES["operator"]])
    assert session is not None
    assert session.seen > session.began + timedelta(minutes=28)


def test_the_cookie_of_another_kind_opens_nothing_even_under_the_right_name(
    visitor: Visitor,
) -> None:
    signed_in(visitor, "customer", groups=("admin",))
    visitor.cookies[NAMES["operator"]] = visitor.cookies[NAMES["customer"]]

    assert visitor.get("/settings/things").status == 303


def test_an_id_that_nobody_got_opens_nothing(visitor: Visitor) -> None:
    visitor.cookies[NAMES["operator"]] = "x" * 43

    assert visitor.get("/settings/things").status == 303


def test_support_reads_and_is_told_what_it_may_not_do(visitor: Visitor, family: Any) -> None:
    session = signed_in(visitor, "operator", groups=("support",))

    assert visitor.get("/settings/things").status == 200
    refused = visitor.send("/settings/things/new", {"csrf_token": session.csrf, "name": "Lamp"})

    assert (refused.status, family.made) == (403, [])
    assert "reserved to operators of the group admin" in refused.text
    assert "You are signed in as Olivia Operator" in refused.text


def test_an_action_of_somebody_signed_in_as_another_kind_is_refused(
    visitor: Visitor, family: Any
) -> None:
    session = signed_in(visitor, "customer", name="Carla Conte")

    refused = visitor.send("/settings/things/new", {"csrf_token": session.csrf, "name": "Lamp"})

    assert (refused.status, family.made) == (403, [])
    assert "Carla Conte" in refused.text


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/settings/things/broken?missing=1", 404, "does not exist, or it is not yours to see"),
        ("/settings/things/broken", 500, "JKJaXmPLvHcESHA="),
    ],
)
def test_what_goes_wrong_is_said_without_a_word_of_our_insides(
    visitor: Visitor, address: str, status: int, words: str
) -> None:
    signed_in(visitor, "operator")

    page = visitor.get(address)

    assert page.status == status
    assert words in page.text
    assert "secret" not in page.html
    assert page.html.count("<h1>") == 1


def test_every_page_keeps_the_browser_from_harm(visitor: Visitor) -> None:
    signed_in(visitor, "operator")

    page = visitor.get("/settings/things")

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "form-action 'self' https://operators.example https://partners.example" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "max-age=" in page.headers["Strict-Transport-Security"]


def test_a_picture_from_outside_widens_the_policy_by_its_one_origin(visitor: Visitor) -> None:
    signed_in(visitor, "operator")

    narrow = visitor.get("/settings/things").headers["Content-Security-Policy"]
    widened = visitor.get("/settings/things/new").headers["Content-Security-Policy"]

    assert widened == narrow.replace(
        "img-src 'self' data:", "img-src 'self' data: https://cdn.example"
    )


def test_htmx_gets_the_block_alone(visitor: Visitor) -> None:
    signed_in(visitor, "operator")

    block = visitor.get("/settings/things", hx_request="true", hx_request_type="partial")

    assert block.html.startswith("<ul>")
    assert "€1,234.50" in block.html


def test_money_is_written_as_the_browsers_locale_has_it(visitor: Visitor) -> None:
    signed_in(visitor, "operator")

    assert "1.234,50\u00a0€" in visitor.get("/settings/things", accept_language="de-AT,en").html
