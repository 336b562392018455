"""How Tessera signs in at an outside system: with client credentials, for a token.

The token is kept in memory until shortly before its end. A call that it is refused for is sent
again with a new one, and once more if the credentials were rotated since they were read. Neither
is ever logged.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

from tessera.errors import Conflict, UpstreamFailed
from tessera.integrations.http import TOKEN_CAP, Answer, Call, Judgement, Silence, Transport

WHAT = "sign Tessera in"
"""Completes "Zuora refused to …"."""

_NEEDED = ("client_id", "client_secret")
_RENEWED_BEFORE = timedelta(seconds=300)
_log = logging.getLogger(__name__)

Judge = Callable[[Answer | Silence], Judgement]


class Credentials(Protocol):
    """`tessera.secrets.Secret`, or anything like it."""

    name: str

    def read(self, *, fresh: bool = False) -> Mapping[str, str]:
        """`{"client_id", "client_secret"}`, those that have a value."""


@dataclass(frozen=True)
class Token:
    value: str = field(repr=False)
    base: str
    """The address that it is good for: the paths of calls follow it."""
    lifetime: timedelta | None = None
    """None where the system does not say: until it is refused."""


class SignIn(NamedTuple):
    """Where a system gives tokens out, and what it says then."""

    system: str
    """As people call it. Its setting is `{system}_url`, in small letters."""
    url: str
    """Empty: it is not connected."""
    route: str
    judge: Judge
    read: Callable[[Answer], Token]
    """Raises what the client raises for an answer that cannot be understood."""
    not_configured: type[Conflict]


class Access:
    """`Access(sign_in, secret, transport, now=now).send(call, until=until, judge=judge)`."""

    def __init__(
        self,
        sign_in: SignIn,
        secret: Credentials,
        transport: Transport,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._sign_in = sign_in
        self._secret = secret
        self._transport = transport
        self._now = now
        self._token: Token | None = None
        self._until: datetime | None = None
        self._has_warned = False

    @property
    def is_configured(self) -> bool:
        """Whether there are a URL and both credentials."""
        return bool(self._sign_in.url) and not self._missing()

    def require(self) -> dict[str, str]:
        """Both credentials. Raises the system's `not_configured`."""
        system, name = self._sign_in.system, self._secret.name
        if not self._sign_in.url:
            raise self._sign_in.not_configured(
                f"{system} is not connected. Set {system.lower()}_url and put client_id and"
                f" client_secret into the secret {name}."
            )
        if missing := self._missing():
            raise self._sign_in.not_configured(
                f"{system} is not connected: {system.lower()}_url is set, but the secret {name}"
                f" lacks {' and '.join(missing)}."
            )
        secret = self._secret.read()
        return {name: secret[name] for name in _NEEDED}

    def send(self, call: Call, *, until: float, judge: Judge) -> Answer:
        """The answer to a call, whose `url` is a path, with a token that is taken."""
        remedies = iter((self._forget_token, self._reread_secret))
        while True:
            try:
                token = self._fresh_token(until)
                headers = {**call.headers, "Authorization": f"Bearer {token.value}"}
                there = call._replace(url=token.base + call.url, headers=headers)
                return self._transport.send(there, until=until, judge=judge)
            except UpstreamFailed as failure:
                if not failure.refuses_credentials or not any(remedy() for remedy in remedies):
                    raise

    def _fresh_token(self, until: float) -> Token:
        if self._token is None or (self._until is not None and self._now() >= self._until):
            self._token = None
            form = {**self.require(), "grant_type": "client_credentials"}
            call = Call(
                "POST",
                self._sign_in.route,
                self._sign_in.url + self._sign_in.route,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                body=urlencode(form).encode(),
                cap=TOKEN_CAP,
            )
            answer = self._transport.send(call, until=until, judge=self._sign_in.judge)
            token = self._sign_in.read(answer)
            lifetime = token.lifetime
            self._until = (
                None
                if lifetime is None
                else self._now() + lifetime - min(_RENEWED_BEFORE, lifetime / 2)
            )
            self._token = token
        return self._token

    def _forget_token(self) -> bool:
        """Whether there was one to forget."""
        had_one = self._token is not None
        self._token = None
        return had_one

    def _reread_secret(self) -> bool:
        """Whether the secret was rotated since it was read."""
        before = dict(self._secret.read())
        self._token = None
        return before != self._secret.read(fresh=True)

    def _missing(self) -> list[str]:
        """Which of the two a person has not filled in yet."""
        filled = self._secret.read()
        missing = [name for name in _NEEDED if not filled.get(name)]
        if missing and not self._has_warned:
            self._has_warned = True
            setting = f"{self._sign_in.system.lower()}_url"
            _log.warning("%s is set, but the secret %s is not filled", setting, self._secret.name)
        return missing
