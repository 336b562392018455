"""Forms on pages: tokens, mistakes, double clicks, and what comes back after signing in again."""

from datetime import timedelta
from typing import Any, cast

import pytest

from tessera import clock
from tessera.edge.idempotency import InProgress, Repeats
from tessera.edge.pages.forms import Fields, errors_of
from tessera.edge.pages.once import StillUnderWay, once
from tessera.edge.pages.visit import Moved
from tessera.errors import FieldError, InvalidFields
from tests.pages.visitor import BASE_URL, Visitor, signed_in


def test_a_form_that_is_right_moves_on_and_says_so_once(visitor: Visitor, family: Any) -> None:
    signed_in(visitor, "operator")

    done = visitor.post("/settings/things/new", {"name": "Lamp"})
    first, second = visitor.get(done.location), visitor.get(done.location)

    assert (done.status, done.location, family.made) == (303, "/settings/things", ["Lamp"])
    assert "Lamp created" in first.text
    assert 'role="status"' in first.html
    assert "Lamp created" not in second.text


def test_a_mistake_shows_the_form_again_with_what_was_typed_and_a_link_to_the_field(
    visitor: Visitor,
) -> None:
    signed_in(visitor, "operator")

    again = visitor.post("/settings/things/new", {"name": " ", "words": "<b>", "tags": ["a"]})

    assert again.status == 422
    assert '<a href="#f-name">Give the thing a name.</a>' in again.html
    assert 'aria-describedby="f-name-hint f-name-error"' in again.html
    assert again.html.count("autofocus") == 1
    assert "&lt;b&gt;</textarea>" in again.html
    assert 'value="a" id="f-tags" checked' in again.html


def test_a_conflict_is_said_at_its_field(visitor: Visitor, family: Any) -> None:
    signed_in(visitor, "operator")
    family.made.append("Lamp")

    again = visitor.post("/settings/things/new", {"name": "Lamp"})

    assert again.status == 422
    assert (
        '<small class="error" id="f-name-error">Another thing has this name.</small>' in again.html
    )


def test_a_double_click_makes_one_thing_and_leads_to_the_same_page(
    visitor: Visitor, family: Any
) -> None:
    signed_in(visitor, "operator")
    form = visitor.get("/settings/things/new")
    fields = {
        "csrf_token": form.hidden("csrf_token"),
        "form_key": form.hidden("form_key"),
        "name": "Lamp",
    }

    first = visitor.send("/settings/things/new", fields)
    second = visitor.send("/settings/things/new", fields)

    assert (first.status, second.status) == (303, 303)
    assert first.location == second.location
    assert family.made == ["Lamp"]


def test_a_second_click_that_waits_in_vain_is_told_so_in_words_of_people() -> None:
    class Running:
        def once(self, *_: Any, **__: Any) -> Any:
            raise InProgress

    waited: list[float] = []
    with pytest.raises(StillUnderWay, match="What you sent first is still under way"):
        once(
            cast("Repeats", Running()),
            "k",
            path="/",
            caller="ann",
            now=clock.now(),
            act=lambda: Moved("/"),
            sleep=waited.append,
        )

    assert sum(waited) < 10


def test_after_a_mistake_the_same_form_can_be_sent_again(visitor: Visitor, family: Any) -> None:
    signed_in(visitor, "operator")
    form = visitor.get("/settings/things/new")
    keys = {name: form.hidden(name) for name in ("csrf_token", "form_key")}

    visitor.send("/settings/things/new", {**keys, "name": ""})
    mended = visitor.send("/settings/things/new", {**keys, "name": "Lamp"})

    assert (mended.status, family.made) == (303, ["Lamp"])


@pytest.mark.parametrize("token", ["", "forged", "x" * 43])
def test_a_form_with_another_token_does_nothing(visitor: Visitor, family: Any, token: str) -> None:
    signed_in(visitor, "operator")

    refused = visitor.send("/settings/things/new", {"csrf_token": token, "name": "Lamp"})

    assert (refused.status, family.made) == (403, [])
    assert "nothing was done" in refused.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": f"{BASE_URL}.evil.example"},
    ],
)
def test_a_form_from_another_site_does_nothing(
    visitor: Visitor, family: Any, headers: dict[str, str]
) -> None:
    session = signed_in(visitor, "operator")

    refused = visitor.send(
        "/settings/things/new", {"csrf_token": session.csrf, "name": "Lamp"}, **headers
    )

    assert (refused.status, family.made) == (403, [])


def test_a_form_of_our_own_origin_passes(visitor: Visitor, family: Any) -> None:
    session = signed_in(visitor, "operator")

    done = visitor.send(
        "/settings/things/new",
        {"csrf_token": session.csrf, "name": "Lamp"},
        origin=BASE_URL,
        sec_fetch_site="same-origin",
    )

    assert (done.status, family.made) == (303, ["Lamp"])


def test_a_form_after_its_session_is_parked_and_nothing_is_done(
    visitor: Visitor, family: Any
) -> None:
    session = signed_in(visitor, "operator", idle=timedelta(minutes=31))

    moved = visitor.send("/settings/things/new", {"csrf_token": session.csrf, "name": "Lamp"})

    assert (moved.status, family.made) == (303, [])
    assert moved.location.startswith("/auth/operator?return_to=%2Fsettings%2Fthings%2Fnew&parked=")


def test_an_action_without_a_form_page_returns_to_where_it_was_sent_from(
    visitor: Visitor,
) -> None:
    session = signed_in(visitor, "operator", idle=timedelta(minutes=31))

    moved = visitor.send(
        "/settings/things/forget",
        {"csrf_token": session.csrf},
        referer=f"{BASE_URL}/settings/things?at=x",
    )

    assert moved.location == "/auth/operator?return_to=%2Fsettings%2Fthings%3Fat%3Dx"


def test_what_is_wrong_is_listed_in_the_order_of_the_form() -> None:
    typed = Fields([("csrf_token", "x"), ("name", ""), ("email", ""), ("name", "")])
    refusal = InvalidFields(
        [
            FieldError("owner", "required", "a choice that nobody made"),
            FieldError("email", "required", "second"),
            FieldError("name", "required", "first"),
            FieldError("", "invalid", "all of it"),
        ]
    )

    told = errors_of(refusal, {}, typed)

    assert [one.field for one in told] == ["", "name", "email", "owner"]
