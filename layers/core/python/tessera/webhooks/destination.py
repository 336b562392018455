"""Where a webhook may go: rules for the URL that a person typed and for what its host resolves to.

They fail closed. `canonical` judges the URL, when an endpoint is made or changed and before each
send; `addresses` judges what the name resolves to, at each connect, all answers before one is used;
`confirm` does so when a URL is typed.
"""

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote, urlsplit

from tessera.webhooks.outcome import Outcome
from tessera.webhooks.unacceptable import Unacceptable

_LONGEST_URL, _LONGEST_HOST = 2_048, 253
_DEFAULT_PORTS = {"https": 443, "http": 80}
_URL = re.compile(r"(?i:(https?))://([^/?]*)([^?]*)(?:\?(.*))?")
# An underscore is no letter of a host name, yet names that hold one exist and work.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PRIVATE_DOMAINS = frozenset(
    {
        *("internal", "local", "localhost", "localdomain", "lan", "home", "corp"),
        *("arpa", "onion", "invalid"),
    }
)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_SAFE = "!$&'()*+,;=:@/?%"

_REFUSED_V4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
# An allow-list, so that mapped, compatible, translated, NAT64, unique local, link-local and
# site-local forms fall to one rule. `ipaddress` calls several of them global.
_GLOBAL_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = [
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]
_ISATAP, _ISATAP_MASK = 0x5EFE, 0xFCFF_FFFF
"""The upper half of an interface identifier that carries an IPv4 address (RFC 5214)."""


class UrlRefused(Unacceptable):
    """A webhook URL breaks one of the rules for its form."""


class AddressRefused(Unacceptable):
    """The name resolves to an address that webhooks may not reach. Only the log may name it."""

    def __init__(self, address: str) -> None:
        super().__init__(Outcome.ADDRESS_REFUSED.sentence)
        self.address = address


class NameNotFound(Exception):
    """The host name does not resolve, now."""


class Address(NamedTuple):
    family: int
    sockaddr: tuple[Any, ...]
    """As `socket.connect` takes it: the address first, then the port."""


Resolver: TypeAlias = Callable[[str, int], Sequence[Address]]
"""Name and port to addresses. Raises `OSError` when the name does not resolve."""

Permit: TypeAlias = Callable[[str], bool]
"""May this address be reached?"""


@dataclass(frozen=True)
class Reach:
    """What a deployment allows its webhooks to reach."""

    ports: frozenset[int] = frozenset({443, 8443})
    own_hosts: frozenset[str] = frozenset()
    """Host names of this deployment itself: delivering to them would loop."""
    private_hosts: frozenset[str] = frozenset()
    """`host:port` exempt from the rules for https, port, host and address; only for local use."""

    def is_private(self, host: str, port: int) -> bool:
        shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"{shown}:{port}" in self.private_hosts


@lru_cache(maxsize=1_024)
def canonical(url: str, reach: Reach) -> str:
    """The one spelling of the URL that is stored and sent. Raises `UrlRefused`.

    It is its own canonical form, and every parser on the way out sees the same host in it.
    """
    if len(url) > _LONGEST_URL:
        raise UrlRefused("A webhook URL has at most 2048 characters.", code="too_long")
    if not url.isprintable() or " " in url or "\\" in url:
        raise UrlRefused("A webhook URL holds no spaces, backslashes or control characters.")
    if "#" in url:
        raise UrlRefused("A webhook URL has no fragment: leave out # and what follows.")
    match = _URL.fullmatch(url)
    if match is None:
        raise UrlRefused("A webhook URL begins with https:// and a host name.")
    scheme, authority, path, query = match[1].lower(), match[2], match[3], match[4]
    if "@" in authority:
        raise UrlRefused(
            "A webhook URL holds no user name or password: use the endpoint's authentication."
        )
    if _STRAY_PERCENT.search(path + (query or "")):
        raise UrlRefused("In a webhook URL two hexadecimal digits follow each %.")

    named, _, port_text = authority.rpartition(":")
    if not named or not port_text.isascii() or not port_text.isdigit():
        named, port_text = authority, ""
    port = int(port_text) if port_text else _DEFAULT_PORTS[scheme]
    host = named.lower()
    if not reach.is_private(host, port):
        host = _public_host(named)
        if scheme != "https":
            raise UrlRefused("A webhook URL begins with https://.")
        if port not in reach.ports:
            ports = " or ".join(str(allowed) for allowed in sorted(reach.ports))
            raise UrlRefused(f"The port of a webhook URL is {ports}.")
        if host in reach.own_hosts:
            raise UrlRefused("A webhook URL does not lead back to this system.")

    shown_port = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
    shown_query = f"?{_encoded(query)}" if query else ""
    rebuilt = f"{scheme}://{host}{shown_port}{_without_dots(_encoded(path))}{shown_query}"
    if len(rebuilt) > _LONGEST_URL:
        raise UrlRefused(
            "A webhook URL has at most 2048 characters, once encoded.", code="too_long"
        )
    return rebuilt


def may_reach(address: str) -> bool:
    """Is this address on the public internet, and does it hide no other one?"""
    if "%" in address:  # a zone: only addresses of this machine's own links have one
        return False
    ip = ip_address(address)
    if not isinstance(ip, IPv6Address):
        return not any(ip in network for network in _REFUSED_V4)
    is_isatap = (int(ip) >> 32) & _ISATAP_MASK == _ISATAP
    return ip in _GLOBAL_V6 and not is_isatap and not any(ip in net for net in _REFUSED_V6)


def resolve(host: str, port: int) -> list[Address]:
    """The system's resolver, asked once for both families."""
    # As bytes, since text would go through the outdated IDNA of the standard library first.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(Address(family, sockaddr) for family, _, _, _, sockaddr in found))


def addresses(
    host: str, port: int, reach: Reach, *, resolver: Resolver = resolve, permit: Permit = may_reach
) -> Sequence[Address]:
    """Where to connect to. One bad answer refuses all. Raises `NameNotFound`, `AddressRefused`."""
    is_private = reach.is_private(host, port)
    try:
        # With a final dot, so that no search domain of the machine is tried.
        found = resolver(host if is_private else f"{host}.", port)
    except OSError:
        raise NameNotFound(host) from None
    if not found:
        raise NameNotFound(host)
    for address in () if is_private else found:
        if not permit(address.sockaddr[0]):
            raise AddressRefused(address.sockaddr[0])
    return found


def confirm(
    url: str, reach: Reach, *, resolver: Resolver = resolve, permit: Permit = may_reach
) -> bool:
    """Does the host of this canonical URL resolve yet? Raises `AddressRefused`.

    A name that does not is acceptable with a warning: many are registered only afterwards.
    """
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    try:
        addresses(parts.hostname or "", port, reach, resolver=resolver, permit=permit)
    except NameNotFound:
        return False
    return True


def _public_host(host: str) -> str:
    if not host.isascii():
        # Nearly all hosts are ASCII, so a cold start does not pay for the tables.
        import idna

        try:
            host = idna.encode(host, uts46=True, std3_rules=True).decode()
        except idna.IDNAError:
            raise UrlRefused("The host name of the URL is not valid.") from None
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if "[" in host or _NUMBER.fullmatch(labels[-1]):
        raise UrlRefused("A webhook URL names its host; an IP address is not accepted.")
    if len(host) > _LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlRefused("The host name of the URL is not valid.")
    if len(labels) < 2 or labels[-1] in _PRIVATE_DOMAINS:
        raise UrlRefused("The host of a webhook URL has a public name, as hooks.example.com.")
    return host


def _encoded(part: str) -> str:
    """Percent-encoded in the one way that no later encoder changes."""

    def shortest(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if _UNRESERVED.fullmatch(character) else match[0].upper()

    return quote(_ESCAPE.sub(shortest, part), safe=_SAFE)


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if path.endswith(("/.", "/..")):
        kept.append("")
    return "/" + "/".join(kept)
