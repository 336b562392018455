"""What sending to the endpoints of a batch takes: read in one request, remembered for seconds."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Protocol

from tessera.webhooks.health import Health
from tessera.webhooks.models import Hint, Now, Sealed, Sendable, Target
from tessera.webhooks.recent import Recent

_REMEMBERED = timedelta(seconds=5)
_MOST_REMEMBERED = 1_000


class Endpoints(Protocol):
    def for_sending(
        self, ids: Collection[str], hosts: Collection[str]
    ) -> tuple[dict[str, tuple[Target, Sealed]], dict[str, bytes]]:
        """Endpoints with their ciphertexts, and credentials of hosts; what is gone is left out."""


class Sendables:
    def __init__(self, endpoints: Endpoints, *, now: Now) -> None:
        self._endpoints = endpoints
        self._known: Recent[str, Sendable] = Recent(
            most=_MOST_REMEMBERED, kept=_REMEMBERED, now=now
        )
        self._hosts: dict[str, str] = {}
        """Of endpoints without a credential of their own, so that one request fetches both."""

    def of(self, hints: Sequence[Hint]) -> dict[str, Sendable]:
        """By endpoint; fast hints go by memory, slow ones never. Deleted endpoints are left out.

        A second request only looks for the credential of a host that is met for the first time.
        """
        fresh = {hint.endpoint for hint in hints if hint.lane == "slow"}
        wanted = {hint.endpoint for hint in hints}
        known = {id: kept for id in wanted - fresh if (kept := self._known.get(id)) is not None}
        missing = sorted(wanted - known.keys())
        return known | self._read(missing) if missing else known

    def note(self, sendable: Sendable, health: Health) -> None:
        """The health has just been seen as it is, unlike all else: that grows no younger by it."""
        endpoint = sendable.target.endpoint
        self._known.replace(endpoint.id, sendable._replace(target=Target(endpoint, health)))

    def _read(self, ids: Sequence[str]) -> dict[str, Sendable]:
        hosts = {self._hosts[id] for id in ids if id in self._hosts}
        found, auths = self._endpoints.for_sending(ids, sorted(hosts))
        self._hosts = {id: host for id, host in self._hosts.items() if id not in ids} | {
            id: target.endpoint.host
            for id, (target, sealed) in found.items()
            if sealed.auth is None
        }
        if unseen := sorted({self._hosts[id] for id in found if id in self._hosts} - hosts):
            auths |= self._endpoints.for_sending([], unseen)[1]
        return {
            id: self._known.keep(id, Sendable(target, sealed, auths.get(self._hosts.get(id, ""))))
            for id, (target, sealed) in found.items()
        }
