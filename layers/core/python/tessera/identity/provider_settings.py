"""The identity providers as they stand in an SSM parameter, looked up every five minutes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from tessera import clock
from tessera.aws import client
from tessera.identity.providers import IdentityProvider, Labels, labels, parse

_KEPT = timedelta(minutes=5)


class ProviderSettings:
    """`ProviderSettings(env.identity_providers_parameter).read()`.

    Every method raises `ProvidersUnreadable`.
    """

    def __init__(self, parameter: str, *, now: Callable[[], datetime] = clock.now) -> None:
        self._parameter = parameter
        self._now = now
        self._providers: tuple[IdentityProvider, ...] = ()
        self._read_at: datetime | None = None

    def read(self) -> tuple[IdentityProvider, ...]:
        now = self._now()
        if self._read_at is None or now - self._read_at >= _KEPT:
            answer = client("ssm").get_parameter(Name=self._parameter)
            self._providers = parse(answer["Parameter"]["Value"])
            self._read_at = now
        return self._providers

    def origins(self) -> list[str]:
        """Of the sign-in pages: where signing in and out leads."""
        parts = [urlsplit(one.issuer) for one in self.read() if one.login]
        return [f"{one.scheme}://{one.netloc}" for one in parts]

    def of(self, issuer: str) -> Labels:
        """The labels of an issuer in any of its spellings."""
        return labels(issuer, self.read())
