"""Partner users live here and in Cognito: the two agree, whatever fails in between."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tessera.errors import NotFound, Refusal, invalid
from tessera.events import Event
from tessera.partners.errors import AlreadySignedIn, ChangedMeanwhile, CognitoFailed, EmailInUse
from tessera.partners.models import PartnerUser, UserData
from tessera.partners.users import (
    INVITED_WITHIN,
    Login,
    NewUser,
    Sweep,
    UserChanges,
    invite,
    invite_again,
    reconcile,
    remove,
    rename,
)
from tests.builders import NOW
from tests.partners.organisations import (
    ACME,
    BOREALIS,
    EMAIL,
    Kept,
    Pool,
    organisation,
    petra,
)

LATER = NOW + INVITED_WITHIN


class Crash(Exception):
    """The process dies here."""


@pytest.fixture
def kept() -> Kept:
    return Kept(organisation(), organisation(BOREALIS))


@pytest.fixture
def pool() -> Pool:
    return Pool()


def invited(kept: Kept, pool: Pool, email: str = EMAIL, to: str = ACME) -> PartnerUser:
    return invite(NewUser(email=email), to=to, users=kept, logins=pool, mode="test", now=NOW)


def test_a_user_is_active_once_the_login_is_made_and_invited(kept: Kept, pool: Pool) -> None:
    user = invite(
        NewUser(email=" Petra@Acme.example ", name=" Petra Novak "),
        to=ACME,
        users=kept,
        logins=pool,
        mode="test",
        now=NOW,
    )

    assert user.wire() == {
        "id": user.id,
        "record_type": "partner_user",
        "service": "limio",
        "mode": "test",
        "status": "active",
        "name": "Petra Novak",
        "partner_org": ACME,
        "created": "2026-03-02T09:14:07.512Z",
        "modified": "2026-03-02T09:14:07.513Z",
        "data": {"email": EMAIL},
    }
    assert user.subject == pool.logins[EMAIL].subject
    assert pool.invitations == [EMAIL]
    assert [(e.type, e.snapshot) for e in kept.told] == [("partner_user.created", user.wire())]
    assert kept.due == {}


def test_without_a_name_the_user_is_called_by_the_email(kept: Kept, pool: Pool) -> None:
    assert invited(kept, pool).name == EMAIL


def test_an_email_is_one_users_over_all_organisations_in_any_letter_case(
    kept: Kept, pool: Pool
) -> None:
    first = invited(kept, pool)

    with pytest.raises(EmailInUse) as refused:
        invited(kept, pool, "PETRA@acme.EXAMPLE", BOREALIS)

    assert ACME not in str(refused.value)
    assert list(kept.users) == [first.id]
    assert pool.invitations == [EMAIL]


@pytest.mark.parametrize(
    "email",
    [
        "",
        "petra",
        "petra@",
        "@acme.example",
        "p etra@acme.example",
        "petra@acme",
        f"{'a' * 116}@acme.example",
    ],
)
def test_what_is_no_email_address_is_refused(email: str) -> None:
    with pytest.raises(ValidationError):
        NewUser(email=email)


@given(st.from_regex(r"[a-zA-Z0-9.+_-]{1,30}@[a-zA-Z0-9-]{1,20}\.[a-zA-Z]{2,6}", fullmatch=True))
def test_letter_case_and_space_around_make_no_other_address(email: str) -> None:
    folded = NewUser(email=email).email

    assert NewUser(email=f" {email.upper()} ").email == folded
    assert NewUser(email=email.lower()).email == folded == folded.lower()


def test_an_email_has_as_many_characters_as_cognito_takes() -> None:
    longest = f"{'a' * 115}@acme.example"

    assert NewUser(email=longest).email == longest


@pytest.mark.parametrize("refusal", [CognitoFailed("no"), invalid("email", "no")])
def test_nothing_is_left_here_when_cognito_refuses(
    refusal: Refusal, kept: Kept, pool: Pool
) -> None:
    def fails(email: str, name: str) -> str:
        raise refusal

    pool.create = fails  # type: ignore[method-assign]  # this one call fails

    with pytest.raises(type(refusal)):
        invited(kept, pool)

    assert (kept.users, kept.claims, kept.due, kept.told) == ({}, {}, {}, [])


def test_a_login_left_over_in_cognito_goes_with_its_old_password(kept: Kept, pool: Pool) -> None:
    pool.logins[EMAIL] = Login("subject-of-old", NOW - timedelta(days=1))

    user = invited(kept, pool)

    assert user.subject != "subject-of-old"
    assert pool.logins[EMAIL].subject == user.subject


@pytest.mark.parametrize("step", ["create", "activate"])
def test_a_crash_while_a_user_is_made_heals(kept: Kept, pool: Pool, step: str) -> None:
    dies_at(step, kept, pool)
    with pytest.raises(Crash):
        invited(kept, pool)
    revive(kept, pool)
    assert reconcile(users=kept, logins=pool, now=LATER - timedelta(seconds=1)) == Sweep()

    swept = reconcile(users=kept, logins=pool, now=LATER)

    (user,) = kept.users.values()
    assert swept == Sweep(activated=1)
    assert (user.status, user.subject) == ("active", pool.logins[EMAIL].subject)
    assert pool.invitations == [EMAIL]
    assert [event.type for event in kept.told] == ["partner_user.created"]
    assert reconcile(users=kept, logins=pool, now=LATER + timedelta(days=1)) == Sweep()


def test_the_sweep_takes_no_login_that_is_older_than_the_user(kept: Kept, pool: Pool) -> None:
    pool.logins[EMAIL] = Login("subject-of-old", NOW - timedelta(days=1))
    dies_at("create", kept, pool)
    with pytest.raises(Crash):
        invited(kept, pool)
    revive(kept, pool)

    reconcile(users=kept, logins=pool, now=LATER)

    (user,) = kept.users.values()
    assert user.subject == pool.logins[EMAIL].subject != "subject-of-old"


def test_what_fails_in_the_sweep_is_tried_again_later(kept: Kept, pool: Pool) -> None:
    dies_at("create", kept, pool)
    with pytest.raises(Crash):
        invited(kept, pool)
    dies_at("create", kept, pool, CognitoFailed("down"))

    assert reconcile(users=kept, logins=pool, now=LATER) == Sweep(failed=1)
    revive(kept, pool)
    assert reconcile(users=kept, logins=pool, now=LATER) == Sweep()
    assert reconcile(users=kept, logins=pool, now=LATER + INVITED_WITHIN) == Sweep(activated=1)


def test_a_removed_user_is_gone_here_and_there(kept: Kept, pool: Pool) -> None:
    user = invited(kept, pool)

    remove(user.id, of=ACME, users=kept, logins=pool, now=NOW)

    assert (kept.users, kept.claims, kept.due, pool.logins) == ({}, {}, {}, {})
    assert pool.signed_out == [user.subject]
    assert [event.type for event in kept.told] == ["partner_user.created", "partner_user.removed"]
    with pytest.raises(NotFound):
        remove(user.id, of=ACME, users=kept, logins=pool, now=NOW)


def test_the_email_of_a_removed_user_is_free_again(kept: Kept, pool: Pool) -> None:
    remove(invited(kept, pool).id, of=ACME, users=kept, logins=pool, now=NOW)

    assert invited(kept, pool, to=BOREALIS).partner_org == BOREALIS


@pytest.mark.parametrize("step", ["sign_out", "delete", "forget"])
def test_a_removal_that_is_cut_off_has_ended_access_and_is_finished_by_the_sweep(
    kept: Kept, pool: Pool, step: str
) -> None:
    user = invited(kept, pool)
    dies_at(step, kept, pool)
    with pytest.raises(Crash):
        remove(user.id, of=ACME, users=kept, logins=pool, now=NOW)
    revive(kept, pool)
    assert kept.users[user.id].status == "removing"

    assert reconcile(users=kept, logins=pool, now=LATER) == Sweep(removed=1)

    assert (kept.users, kept.claims, kept.due, pool.logins) == ({}, {}, {}, {})


def test_a_removal_is_taken_up_where_it_was_when_it_is_asked_for_again(
    kept: Kept, pool: Pool
) -> None:
    user = invited(kept, pool)
    dies_at("delete", kept, pool, CognitoFailed("down"))
    with pytest.raises(CognitoFailed):
        remove(user.id, of=ACME, users=kept, logins=pool, now=NOW)
    revive(kept, pool)

    remove(user.id, of=ACME, users=kept, logins=pool, now=NOW)

    assert (kept.users, pool.logins) == ({}, {})


def test_who_is_being_removed_is_neither_renamed_nor_invited_any_more(
    kept: Kept, pool: Pool
) -> None:
    user = invited(kept, pool)
    dies_at("delete", kept, pool, CognitoFailed("down"))
    with pytest.raises(CognitoFailed):
        remove(user.id, of=ACME, users=kept, logins=pool, now=NOW)

    with pytest.raises(NotFound):
        rename(user.id, UserChanges(name="Anna"), of=ACME, users=kept, now=NOW)
    with pytest.raises(NotFound):
        invite_again(user.id, of=ACME, users=kept, logins=pool)


def test_who_is_removed_while_being_made_gets_no_login(kept: Kept, pool: Pool) -> None:
    def activate(seen: PartnerUser, active: PartnerUser, event: Event) -> None:
        del kept.activate
        remove(seen.id, of=ACME, users=kept, logins=pool, now=NOW)
        kept.activate(seen, active, event)

    kept.activate = activate  # type: ignore[method-assign]  # the removal comes in between

    with pytest.raises(ChangedMeanwhile):
        invited(kept, pool)

    assert (kept.users, kept.claims, pool.logins) == ({}, {}, {})
    assert kept.told == []  # nobody has heard of who is gone


def test_only_the_name_of_a_user_changes(kept: Kept, pool: Pool) -> None:
    user = invited(kept, pool)

    renamed = rename(user.id, UserChanges(name="Petra N."), of=ACME, users=kept, now=NOW)

    assert renamed.model_dump(exclude={"name", "modified"}) == user.model_dump(
        exclude={"name", "modified"}
    )
    assert renamed.modified > user.modified
    with pytest.raises(ValidationError):
        UserChanges.model_validate({"name": "Petra", "email": "other@acme.example"})


def test_an_invitation_goes_out_again_until_the_first_sign_in(kept: Kept, pool: Pool) -> None:
    user = invited(kept, pool)

    invite_again(user.id, of=ACME, users=kept, logins=pool)

    assert pool.invitations == [EMAIL, EMAIL]
    seen = user.model_copy(update={"data": UserData(email=EMAIL, last_seen=NOW)})
    kept.users[user.id] = seen
    with pytest.raises(AlreadySignedIn):
        invite_again(user.id, of=ACME, users=kept, logins=pool)


def test_the_first_invitation_is_not_sent_twice_while_it_is_under_way(
    kept: Kept, pool: Pool
) -> None:
    kept.users[petra().id] = petra(status="inviting", subject=None)

    with pytest.raises(ChangedMeanwhile) as refused:
        invite_again(petra().id, of=ACME, users=kept, logins=pool)

    assert (refused.value.status, pool.invitations) == (409, [])


def test_a_creation_is_left_to_itself_for_a_quarter_of_an_hour(kept: Kept, pool: Pool) -> None:
    user = petra(status="inviting", subject=None)
    kept.enrol(user, due=NOW + INVITED_WITHIN)

    before = reconcile(users=kept, logins=pool, now=NOW + timedelta(minutes=15, seconds=-1))
    after = reconcile(users=kept, logins=pool, now=NOW + timedelta(minutes=15))

    assert (before.activated, after.activated) == (0, 1)


def test_a_user_of_another_organisation_is_not_there(kept: Kept, pool: Pool) -> None:
    user = invited(kept, pool)
    acts: list[Callable[[], object]] = [
        lambda: rename(user.id, UserChanges(name="X"), of=BOREALIS, users=kept, now=NOW),
        lambda: remove(user.id, of=BOREALIS, users=kept, logins=pool, now=NOW),
        lambda: invite_again(user.id, of=BOREALIS, users=kept, logins=pool),
    ]

    for act in acts:
        with pytest.raises(NotFound):
            act()
    assert kept.users == {user.id: user}


def dies_at(step: str, kept: Kept, pool: Pool, failure: Exception | None = None) -> None:
    """Before the step is done, as seen from what it would change."""

    def die(*args: object, **more: object) -> None:
        raise failure or Crash

    setattr(kept if hasattr(kept, step) else pool, step, die)


def revive(kept: Kept, pool: Pool) -> None:
    for one in (kept, pool):
        for name in [name for name, value in vars(one).items() if callable(value)]:
            delattr(one, name)
