"""Partner users: inviting, renaming and removing the people who sign in for an organisation.

A user is here and in Cognito. Each step leaves what the sweep can finish, so that the two never
disagree for long: first here as `inviting`, then there, then here `active`; to be removed first
here as `removing`, which ends access at once, then there, then gone here.
Source: README, "Partners"; `003_cee8efdc5e1f9bc3.txt` of the seeds.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple, Protocol

from pydantic import StringConstraints

from tessera import clock, ids
from tessera.cursors import Cursors
from tessera.errors import InvalidFields, InvalidRequest, UpstreamFailed
from tessera.events import Event, event
from tessera.identity.principal import Principal
from tessera.objects import Model, canonical_json
from tessera.partners.errors import (
    AlreadySignedIn,
    ChangedMeanwhile,
    CognitoFailed,
    NoUser,
    Overtaken,
)
from tessera.partners.models import Organisation, PartnerUser, Unfinished, UserData
from tessera.partners.organisations import Name, Reading, read, unless_overtaken

INVITED_WITHIN = timedelta(minutes=15)
"""A creation that has not ended by then was left by whoever began it."""
REMOVED_WITHIN = timedelta(minutes=1)
_SWEPT_AT_ONCE = 25
_CLOCKS_DIFFER = timedelta(minutes=2)
"""At most, Cognito's from ours."""


class LoginExists(Exception):
    """Cognito has a login with this e-mail."""


# In one spelling, as two that differ in letter case are one person's. Cognito takes user names of
# up to 128 characters.
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        max_length=128,
        pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s.\x00-\x1f]+$",
    ),
]


class NewUser(Model):
    email: Email
    name: Name | None = None
    """The e-mail when absent: existing clients send only that."""


class UserChanges(Model):
    name: Name


class Login(NamedTuple):
    subject: str
    """The Cognito `sub`."""
    created: datetime


class Logins(Protocol):
    """The partners' logins in Cognito. Every method raises `CognitoFailed`."""

    def create(self, email: str, name: str) -> str:
        """The `sub` of a new login, invited by e-mail. Raises `LoginExists`, `InvalidFields`."""

    def find(self, email: str) -> Login | None: ...

    def invite_again(self, email: str) -> None:
        """Raises `AlreadySignedIn`."""

    def sign_out(self, name: str) -> None:
        """Ends all sessions of an e-mail or `sub`; absent counts as done."""

    def delete(self, name: str) -> None:
        """Absent counts as done."""


class Listing(Reading, Protocol):
    def users_of(
        self, partner_org: str, *, limit: int, after: dict[str, Any] | None
    ) -> tuple[list[PartnerUser], dict[str, Any] | None]: ...


class Stored(Protocol):
    def user(self, partner_org: str, id: str) -> PartnerUser | None: ...


class Activation(Stored, Protocol):
    def activate(self, seen: PartnerUser, active: PartnerUser, event: Event) -> None:
        """Raises `Overtaken`."""


class Removal(Stored, Protocol):
    def begin_removal(self, seen: PartnerUser, removing: PartnerUser, *, due: datetime) -> None:
        """Raises `Overtaken`."""

    def forget(self, user: PartnerUser, told: Sequence[Event] = ()) -> None:
        """Raises `Overtaken`."""


class Enrolment(Activation, Protocol):
    def enrol(self, user: PartnerUser, *, due: datetime) -> None:
        """Raises `NoOrganisation`, `OrganisationArchived`, `EmailInUse`."""

    def forget(self, user: PartnerUser, told: Sequence[Event] = ()) -> None: ...


class Renaming(Stored, Protocol):
    def rename(self, seen: PartnerUser, renamed: PartnerUser) -> None:
        """Raises `Overtaken`."""


class Leftovers(Activation, Removal, Protocol):
    def unfinished(self, *, until: datetime, limit: int) -> Sequence[Unfinished]: ...

    def take(self, unfinished: Unfinished, *, due: datetime) -> bool:
        """Mine until `due`, unless somebody else was faster."""


def invite(
    new: NewUser, *, to: str, users: Enrolment, logins: Logins, mode: str, now: datetime
) -> PartnerUser:
    """The user, whose login is made and invited by e-mail.

    Raises `EmailInUse` without saying where, `NotFound`, `OrganisationArchived`; `CognitoFailed`
    with nothing left here.
    """
    _check_organisation(to)
    user = PartnerUser(
        id=ids.random(PartnerUser.prefix),
        mode=mode,
        status="inviting",
        name=new.name or new.email,
        partner_org=to,
        created=now,
        modified=now,
        data=UserData(email=new.email),
    )
    users.enrol(user, due=now + INVITED_WITHIN)
    try:
        subject = _new_login(user, logins)
    except (CognitoFailed, InvalidFields):
        _withdraw(user, users)
        raise
    try:
        return _activated(user, subject, users, now)
    except Overtaken:
        # Removed before it was made: nobody may sign in with what has just been made.
        logins.delete(subject)
        raise ChangedMeanwhile("The user was removed at this moment.") from None


def list_page(
    partner_org: str,
    *,
    limit: int,
    cursor: str | None,
    by: Principal,
    users: Listing,
    cursors: Cursors,
) -> dict[str, Any]:
    """`{"items", "queryMore"}` in a stable order. Raises `NotFound`."""
    organisation = read(partner_org, organisations=users)
    query = canonical_json(["partner-users", by.kind, by.id, organisation.id])
    after = None if cursor is None else cursors.open(cursor, of=query)
    found, following = users.users_of(organisation.id, limit=limit, after=after)
    more = None if following is None else cursors.seal(following, of=query)
    return {"items": [one.wire() for one in found], "queryMore": more}


def rename(
    id: str, changes: UserChanges, *, of: str, users: Renaming, now: datetime
) -> PartnerUser:
    """Another e-mail would be another user: only the name changes. Raises `NotFound`."""

    def attempt() -> PartnerUser:
        seen = _found(id, of, users)
        if seen.name == changes.name:
            return seen
        modified = clock.after(seen.modified, now)
        renamed = seen.model_copy(update={"name": changes.name, "modified": modified})
        users.rename(seen, renamed)
        return renamed

    return unless_overtaken(attempt)


def invite_again(id: str, *, of: str, users: Stored, logins: Logins) -> PartnerUser:
    """Sends the invitation once more. Raises `AlreadySignedIn`, `NotFound`, `CognitoFailed`."""
    user = _found(id, of, users)
    if user.data.last_seen is not None:
        raise AlreadySignedIn("This user has signed in before and needs no invitation.")
    if user.status == "inviting":
        raise ChangedMeanwhile("The first invitation is still under way. Try again in a while.")
    logins.invite_again(user.data.email)
    return user


def remove(id: str, *, of: str, users: Removal, logins: Logins, now: datetime) -> None:
    """Ends access at once, then deletes the login, then the user; a repeat goes on where it was.

    Raises `NotFound`; `CognitoFailed` when access has ended and the sweep does the rest.
    """

    def attempt() -> PartnerUser:
        seen = _found(id, of, users, removing=True)
        if seen.status == "removing":
            return seen
        modified = clock.after(seen.modified, now)
        removing = seen.model_copy(update={"status": "removing", "modified": modified})
        users.begin_removal(seen, removing, due=now + REMOVED_WITHIN)
        return removing

    _finish_removal(unless_overtaken(attempt), users, logins, now)


class Sweep(NamedTuple):
    """What one turn did, for its outcome line."""

    activated: int = 0
    removed: int = 0
    failed: int = 0


def reconcile(*, users: Leftovers, logins: Logins, now: datetime) -> Sweep:
    """Finishes what was left half done; what fails again waits for a later turn."""
    activated = removed = failed = 0
    for left in users.unfinished(until=now, limit=_SWEPT_AT_ONCE):
        if not users.take(left, due=now + INVITED_WITHIN):
            continue
        user = left.user
        try:
            if user.status == "removing":
                _finish_removal(user, users, logins, now)
                removed += 1
            else:
                _activated(user, _login_of(user, logins), users, now)
                activated += 1
        except (UpstreamFailed, InvalidFields):
            failed += 1
        except Overtaken:
            continue
    return Sweep(activated, removed, failed)


def _withdraw(user: PartnerUser, users: Enrolment) -> None:
    try:
        users.forget(user)
    except Overtaken:
        # A removal came first, and does the same.
        return


def _new_login(user: PartnerUser, logins: Logins) -> str:
    """The login's `sub`. The e-mail was free here, so one that is there is a leftover.

    It goes, so that no old password lives on.
    """
    try:
        return logins.create(user.data.email, user.name)
    except LoginExists:
        logins.delete(user.data.email)
    try:
        return logins.create(user.data.email, user.name)
    except LoginExists:
        raise CognitoFailed("Cognito keeps an old login of this e-mail. Try again.") from None


def _login_of(user: PartnerUser, logins: Logins) -> str:
    """The login that was made for this user, or a new one; an older one is a leftover."""
    found = logins.find(user.data.email)
    if found is not None and found.created >= user.created - _CLOCKS_DIFFER:
        return found.subject
    return _new_login(user, logins)


def _activated(user: PartnerUser, subject: str, users: Activation, now: datetime) -> PartnerUser:
    modified = clock.after(user.modified, now)
    active = user.model_copy(update={"status": "active", "subject": subject, "modified": modified})
    users.activate(user, active, event("partner_user.created", active.wire(), at=modified))
    return active


def _finish_removal(user: PartnerUser, users: Removal, logins: Logins, now: datetime) -> None:
    # By its `sub` where that is known: the e-mail may be somebody's again when this comes late.
    login = user.subject or user.data.email
    logins.sign_out(login)
    logins.delete(login)
    # Who was never announced is not missed.
    told = [event("partner_user.removed", user.wire(), at=now)] if user.subject else []
    try:
        users.forget(user, told)
    except Overtaken:
        # Somebody else has finished it at the same time.
        return


def _found(id: str, of: str, users: Stored, *, removing: bool = False) -> PartnerUser:
    """Raises `NotFound`, also for a user who is being removed unless `removing`."""
    _check_organisation(of)
    if not ids.is_id(id, PartnerUser.prefix):
        raise InvalidRequest(
            "The id of a partner user is partner_user- and 32 hexadecimal digits.",
            code="invalid_request",
        )
    user = users.user(of, id)
    if user is None or (user.status == "removing" and not removing):
        raise NoUser
    return user


def _check_organisation(id: str) -> None:
    if not ids.is_id(id, Organisation.prefix):
        raise InvalidRequest(
            "The id of a partner organisation is partner_org- and 32 hexadecimal digits.",
            code="invalid_request",
        )
