"""What a partner user's tokens say: the organisation, as stored at this moment."""

from datetime import datetime
from typing import Protocol

from tessera.errors import Unauthorized
from tessera.partners.models import KnownLogin, Organisation


class Users(Protocol):
    def login(self, subject: str) -> KnownLogin | None: ...

    def active(self, id: str) -> Organisation | None: ...

    def seen(self, login: KnownLogin, *, at: datetime) -> bool:
        """False if the user is not active any more."""


def organisation_of(subject: str, *, users: Users, now: datetime) -> str:
    """The organisation of the user with this Cognito `sub`, who is noted to have been here.

    Raises `Unauthorized` for nobody's login, a removed user, and an archived organisation.
    """
    login = users.login(subject)
    if login is None or users.active(login.partner_org) is None or not users.seen(login, at=now):
        raise Unauthorized("This login is not a partner's any more.", code="unauthorized")
    return login.partner_org
