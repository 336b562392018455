"""Credentials of hosts: one Basic credential serves every endpoint on a host without its own."""

from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from tessera.cursors import Cursors
from tessera.errors import FieldError, InvalidFields, NotFound
from tessera.identity.principal import Principal
from tessera.objects import Model, compact_json
from tessera.webhooks.credentials import Closes
from tessera.webhooks.destination import Reach, UrlRefused, canonical
from tessera.webhooks.endpoints import named
from tessera.webhooks.models import Host
from tessera.webhooks.settings import Checks, header_of_basic


class HostCredential(Model):
    user: str
    password: str


class HostPage(Model):
    items: list[Host]
    cursor: str | None = None


class Hosts(Protocol):
    def put(self, host: Host, auth: bytes) -> None:
        """In the place of the credential it had."""

    def remove(self, name: str) -> bool:
        """Was there one?"""

    def page(self, *, after: str | None, at_most: int) -> list[Host]:
        """By name."""


def put(
    typed: str,
    credential: HostCredential,
    *,
    by: Principal,
    reach: Reach,
    seal: Closes,
    hosts: Hosts,
    now: datetime,
) -> Host:
    """Raises `InvalidFields`."""
    name = host_name(typed, reach)
    checks = Checks()
    header = header_of_basic(credential.user, credential.password, checks)
    checks.refuse()
    host = Host(host=name, user=credential.user, updated_at=now, updated_by=named(by))
    hosts.put(host, seal.close(compact_json(header), host=name))
    return host


def remove(typed: str, *, reach: Reach, hosts: Hosts) -> None:
    """Raises `NotFound`."""
    if not hosts.remove(host_name(typed, reach)):
        raise NotFound("There is no credential for this host.", code="not_found")


def page(
    hosts: Hosts, *, by: Principal, cursors: Cursors, cursor: str | None, size: int
) -> HostPage:
    """By name; never with a password. Raises `InvalidRequest` for a foreign cursor."""
    of = f"{named(by)} hosts"
    after = str(cursors.open(cursor, of=of)["after"]) if cursor else None
    found = hosts.page(after=after, at_most=size + 1)
    shown = found[:size]
    more = cursors.seal({"after": shown[-1].host}, of=of) if len(found) > size else None
    return HostPage(items=shown, cursor=more)


def host_name(typed: str, reach: Reach) -> str:
    """The spelling under which an endpoint's URL has this host. Raises `InvalidFields`."""
    exempt = {place.rpartition(":")[0] for place in reach.private_hosts}
    if typed.lower() in exempt:
        return typed.lower()
    url = f"https://{typed}:{min(reach.ports)}/"
    try:
        if any(sign in typed for sign in ":/?[]@%"):
            raise UrlRefused("A host is a name alone, as hooks.example.com.")
        return str(urlsplit(canonical(url, reach)).hostname)
    except UrlRefused as refused:
        raise InvalidFields([FieldError("host", refused.code, refused.message)]) from None
