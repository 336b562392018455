"""How long sessions, sign-ins under way and parked forms last, and what they are known by."""

from datetime import timedelta

import pytest

from tessera.identity import sessions
from tessera.identity.session_store import SessionsTable
from tessera.identity.sessions import Filled, Lifetimes, Signed
from tests.builders import NOW

ANA = Signed(kind="customer", subject="auth0|1", issuer="https://limio.us.auth0.com/")
LIFETIMES = Lifetimes(idle=timedelta(minutes=30), absolute=timedelta(hours=12))
MS = timedelta(milliseconds=1)
FORM = Filled(path="/billing", fields=(("city", "Leeds"),))


@pytest.fixture
def table(tables: dict[str, str]) -> SessionsTable:
    return SessionsTable(tables["Sessions"])


@pytest.mark.parametrize(
    ("seen", "now", "is_live"),
    [
        (timedelta(), timedelta(minutes=30) - MS, True),
        (timedelta(), timedelta(minutes=30), False),
        (timedelta(hours=11, minutes=50), timedelta(hours=12) - MS, True),
        (timedelta(hours=11, minutes=50), timedelta(hours=12), False),
    ],
    ids=["before-idle", "idle", "before-its-end", "its-end"],
)
def test_a_session_ends_when_it_was_idle_for_long_or_is_old(
    seen: timedelta, now: timedelta, is_live: bool
) -> None:
    _, session = sessions.begin(ANA, now=NOW)
    session = session.model_copy(update={"seen": NOW + seen})

    assert session.is_live(LIFETIMES, NOW + now) == is_live


@pytest.mark.parametrize(
    ("later", "is_noted"),
    [(timedelta(minutes=1) - MS, False), (timedelta(minutes=1), True)],
)
def test_who_is_seen_is_noted_once_a_minute(later: timedelta, is_noted: bool) -> None:
    _, session = sessions.begin(ANA, now=NOW)

    assert sessions.seen(session, NOW + later) == (NOW + later if is_noted else NOW)


def test_ids_and_secrets_are_never_the_same_again() -> None:
    begun = [sessions.begin(ANA, now=NOW) for _ in range(50)]

    assert len({id for id, _ in begun}) == 50
    assert len({session.csrf for _, session in begun}) == 50
    assert all(len(id) >= 43 and len(session.csrf) >= 43 for id, session in begun)


def test_a_verifier_is_as_long_as_pkce_wants_it() -> None:
    """43 to 128 characters: RFC 7636, 4.1."""
    _, attempt = sessions.attempt(
        "customer", "auth0", browser="b", return_to="/billing", parked="", now=NOW
    )

    assert 43 <= len(attempt.verifier) <= 128
    assert attempt.browser == sessions.hashed("b")
    assert attempt.verifier != attempt.nonce


@pytest.mark.parametrize(
    ("later", "is_there"), [(timedelta(minutes=15) - MS, True), (timedelta(minutes=15), False)]
)
def test_a_sign_in_waits_for_a_quarter_of_an_hour(
    later: timedelta, is_there: bool, table: SessionsTable
) -> None:
    state, attempt = sessions.attempt(
        "customer", "auth0", browser="b", return_to="/billing", parked="", now=NOW
    )
    table.keep_attempt(state, attempt)

    assert (table.take_attempt(state, now=NOW + later) == attempt) == is_there


@pytest.mark.parametrize(
    ("later", "is_there"), [(timedelta(minutes=15) - MS, True), (timedelta(minutes=15), False)]
)
def test_a_form_waits_for_its_sender_for_a_quarter_of_an_hour(
    later: timedelta, is_there: bool, table: SessionsTable
) -> None:
    _, session = sessions.begin(ANA, now=NOW)
    token, kept = sessions.parked(session, FORM, now=NOW)
    table.park(token, kept)

    assert (table.take_parked(token, now=NOW + later) == kept) == is_there


def test_a_sign_in_is_taken_once(table: SessionsTable) -> None:
    state, attempt = sessions.attempt(
        "customer", "auth0", browser="b", return_to="/billing", parked="", now=NOW
    )
    table.keep_attempt(state, attempt)

    assert [table.take_attempt(state, now=NOW) for _ in range(2)] == [attempt, None]


def test_whoever_reads_the_table_finds_nothing_to_sign_in_with(table: SessionsTable) -> None:
    id, session = sessions.begin(ANA, now=NOW)
    table.begin(id, session, until=NOW + LIFETIMES.absolute)

    assert table.session(id) == session
    assert table.session(sessions.hashed(id)) is None


def test_what_was_ended_meanwhile_does_not_come_back(table: SessionsTable) -> None:
    id, session = sessions.begin(ANA, now=NOW)
    table.begin(id, session, until=NOW + LIFETIMES.absolute)
    table.end(id)

    table.change(id, seen=NOW + timedelta(minutes=5))

    assert table.session(id) is None


def test_a_name_is_shown_up_to_200_characters_and_only_where_it_is_text() -> None:
    assert sessions.short(f" {'a' * 201} ") == "a" * 200
    assert [sessions.short(one) for one in (None, 7, ["Ana"])] == ["", "", ""]


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        ({"name": "Ana Maria", "provider": "okta"}, True),
        ({"kind": "partner"}, False),
        ({"issuer": "https://login.example"}, False),
        ({"subject": "auth0|2"}, False),
    ],
)
def test_a_person_is_the_same_by_kind_issuer_and_subject(
    other: dict[str, str], is_same: bool
) -> None:
    assert ANA.is_same_person_as(ANA.model_copy(update=other)) == is_same


@pytest.mark.parametrize(
    ("shown", "label"),
    [
        ({"name": "Ana", "email": "ana@example.com"}, "Ana"),
        ({"email": "ana@example.com"}, "ana@example.com"),
        ({}, "somebody"),
    ],
)
def test_a_person_is_called_by_name_else_by_email(shown: dict[str, str], label: str) -> None:
    assert ANA.model_copy(update=shown).label == label
