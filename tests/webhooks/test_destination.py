"""Where webhooks may go: no spelling of a refused place gets through."""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import assume, example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from tessera.webhooks.destination import (
    Address,
    AddressRefused,
    NameNotFound,
    Reach,
    Resolver,
    UrlRefused,
    addresses,
    canonical,
    confirm,
    may_reach,
)

REACH = Reach(own_hosts=frozenset({"api.tessera.example"}))
LOCAL = Reach(private_hosts=frozenset({"localhost:9000", "127.0.0.1:80", "[::1]:9000"}))

REFUSED_NETWORKS = [
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10"),
        *("127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24"),
        *("192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
]
REFUSED_V4 = st.sampled_from(REFUSED_NETWORKS).flatmap(
    lambda network: st.integers(int(network[0]), int(network[-1])).map(IPv4Address)
)
PUBLIC_V4 = st.ip_addresses(v=4).filter(
    lambda ip: not any(ip in network for network in REFUSED_NETWORKS)
)


def v6(high: int, low: int) -> IPv6Address:
    return IPv6Address(high << 64 | low)


ENCODINGS: dict[str, Callable[[int, int], IPv6Address]] = {
    "mapped ::ffff:0:0/96": lambda v4, _: v6(0, 0xFFFF << 32 | v4),
    "compatible ::/96": lambda v4, _: v6(0, v4),
    "translated ::ffff:0:0:0/96": lambda v4, _: v6(0, 0xFFFF << 48 | v4),
    "NAT64 64:ff9b::/96": lambda v4, _: v6(0x0064_FF9B << 32, v4),
    "local NAT64 64:ff9b:1::/48": lambda v4, any_: v6(0x0064_FF9B_0001 << 16, any_ << 32 | v4),
    "6to4 2002::/16": lambda v4, any_: v6(0x2002 << 48 | v4 << 16 | any_ & 0xFFFF, any_),
    "Teredo 2001::/32": lambda v4, any_: v6(0x2001 << 48 | v4, any_ << 32 | v4 ^ 0xFFFF_FFFF),
    "ISATAP link-local": lambda v4, _: v6(0xFE80 << 48, 0x5EFE << 32 | v4),
    "ISATAP, global bit": lambda v4, _: v6(0xFE80 << 48, 0x0200_5EFE << 32 | v4),
    "ISATAP, global prefix": lambda v4, any_: v6(0x2A00 << 48 | any_, 0x5EFE << 32 | v4),
    "ISATAP, both": lambda v4, any_: v6(0x2600 << 48 | any_, 0x0200_5EFE << 32 | v4),
    "unique local": lambda v4, _: v6(0xFD00 << 48, v4),
    "site-local": lambda v4, _: v6(0xFEC0 << 48, v4),
    "documentation": lambda v4, _: v6(0x2001_0DB8 << 32, v4),
    "newer documentation": lambda v4, _: v6(0x3FFF << 48, v4),
    "multicast": lambda v4, _: v6(0xFF02 << 48, v4),
}


@given(REFUSED_V4)
def test_refuses_every_address_of_every_refused_network(ip: IPv4Address) -> None:
    assert not may_reach(str(ip))


@given(PUBLIC_V4)
def test_reaches_every_other_ipv4_address(ip: IPv4Address) -> None:
    assert may_reach(str(ip))


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(ip=REFUSED_V4, any_=st.integers(0, 0xFFFF_FFFF))
def test_refuses_every_ipv6_encoding_of_every_refused_address(
    encoding: str, ip: IPv4Address, any_: int
) -> None:
    encoded = ENCODINGS[encoding](int(ip), any_)

    assert not may_reach(str(encoded))
    assert not may_reach(encoded.exploded)


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_reaches_no_ipv6_address_outside_the_global_range(ip: IPv6Address) -> None:
    assume(int(ip) >> 125 != 0b001)

    assert not may_reach(str(ip))


@pytest.mark.parametrize(
    "address",
    [
        "2001:1ff:ffff::1",
        "2001:2::1",
        "::",
        "::1",
        "fe80::1%eth0",
        "2600::1%lo",
        "64:ff9b::808:808",
        "::ffff:8.8.8.8",
        "2002::1",
    ],
)
def test_refuses_addresses_of_special_use(address: str) -> None:
    assert not may_reach(address)


@pytest.mark.parametrize("address", ["2606:4700:4700::1111", "2a00:1450:4001::200e", "2001:200::1"])
def test_reaches_public_ipv6(address: str) -> None:
    assert may_reach(address)


def hosts_spelling(ip: int) -> list[str]:
    """What other parsers take for this IPv4 address."""
    a, b, c, d = ip.to_bytes(4, "big")
    return [
        f"{a}.{b}.{c}.{d}",
        f"{a}.{b}.{c}.{d}.",
        f"{ip}",
        f"{ip:#x}",
        f"{ip:#X}",
        f"{ip:#o}".replace("0o", "0"),
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
        f"{a}.{ip & 0xFFFFFF}",
        f"{a}.{b}.{ip & 0xFFFF}",
        f"{a}.{b}.{c}.{d:#x}",
        f"{a:03}.{b:03}.{c:03}.{d:03}",
        f"[::ffff:{a}.{b}.{c}.{d}]",
        f"[::{a}.{b}.{c}.{d}]",
        f"[64:ff9b::{a}.{b}.{c}.{d}]",
        "".join(f"%{ord(character):02x}" for character in f"{a}.{b}.{c}.{d}"),
        f"{a}.{b}.{c}.{d}".translate({digit: 0xFF10 + digit - 48 for digit in range(48, 58)}),
        f"{a}。{b}。{c}。{d}",
        f"{a}.{b}.{c}.0x",
        f"evil.{a}",
    ]


@given(REFUSED_V4 | PUBLIC_V4)
def test_refuses_an_address_for_a_host_however_it_is_spelled(ip: IPv4Address) -> None:
    for host in hosts_spelling(int(ip)):
        with pytest.raises(UrlRefused):
            canonical(f"https://{host}/", REACH)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("https://hooks.example.com", "https://hooks.example.com/"),
        ("HTTPS://Hooks.Example.COM/In", "https://hooks.example.com/In"),
        ("https://hooks.example.com:443/", "https://hooks.example.com/"),
        ("https://hooks.example.com:08443/", "https://hooks.example.com:8443/"),
        ("https://hooks.example.com./a", "https://hooks.example.com/a"),
        ("https://hooks.example.com?x=1", "https://hooks.example.com/?x=1"),
        ("https://hooks.example.com/?", "https://hooks.example.com/"),
        ("https://hooks.example.com/a/../b/./c", "https://hooks.example.com/b/c"),
        ("https://hooks.example.com/a/%2e%2E/b", "https://hooks.example.com/b"),
        ("https://hooks.example.com/%7ea%2fb", "https://hooks.example.com/~a%2Fb"),
        ("https://hooks.example.com/ü/[x]", "https://hooks.example.com/%C3%BC/%5Bx%5D"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://ＨＯＯＫＳ.example/", "https://hooks.example/"),
        ("https://my_hooks.example.com/", "https://my_hooks.example.com/"),
        ("https://hooks.example.com//a//b", "https://hooks.example.com//a//b"),
        ("https://a.b/p;v=1,2?q=a@b:c/d?e", "https://a.b/p;v=1,2?q=a@b:c/d?e"),
    ],
)
def test_stores_one_spelling(typed: str, stored: str) -> None:
    assert canonical(typed, REACH) == stored


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "http://hooks.example.com/",
        "http://hooks.example.com:443/",
        "ftp://hooks.example.com/",
        "https:/hooks.example.com/",
        "https:///hooks",
        "https://",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://hooks.example.com:80/",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:/",
        "https://hooks.example.com:x/",
        "https://hooks.example.com:٤٤٣/",
        "https://hooks.example.com:99999999999/",
        "https://user:secret@hooks.example.com/",
        "https://user@hooks.example.com/",
        "https://@hooks.example.com/",
        "https://hooks.example.com@127.0.0.1/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com#@evil.example/",
        "https://hooks.example.com\\@evil.example/",
        "https://hooks.example.com/a\\b",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\n",
        " https://hooks.example.com/",
        "https://hooks.example.com/\u2028",
        "https://hooks.exa\u200bmple.com/",
        "https://hooks.example.com/\ud800",
        "https://hooks.example.com/100%",
        "https://hooks.example.com/?a=%zz",
        "https://localhost/",
        "https://hooks/",
        "https://com./",
        "https://hooks..example.com/",
        "https://.example.com/",
        "https://hooks.example.com../",
        "https://-hooks.example.com/",
        "https://*.example.com/",
        "https://hooks.%65xample.com/",
        f"https://{'a' * 64}.example.com/",
        f"https://{'a.' * 126}example/",
        "https://[::1]/",
        "https://[2606:4700:4700::1111]/",
        "https://[v1.hooks]/",
        "https://api.tessera.example/",
        "https://API.Tessera.example./loop",
        *(
            f"https://hooks.{domain}/"
            for domain in (
                *("internal", "local", "localhost", "localdomain", "lan", "home", "corp"),
                *("arpa", "onion", "invalid", "LOCAL", "invalid."),
            )
        ),
    ],
)
def test_refuses_a_url_that_breaks_a_rule(url: str) -> None:
    with pytest.raises(UrlRefused) as refused:
        canonical(url, REACH)

    assert refused.value.message.endswith(".")
    assert "secret" not in refused.value.message


def test_says_where_a_user_name_and_a_password_belong() -> None:
    with pytest.raises(UrlRefused, match="use the endpoint's authentication"):
        canonical("https://user:secret@hooks.example.com/", REACH)


def test_a_host_is_as_long_as_names_can_be_in_dns() -> None:
    longest, longer = (".".join(["a" * 63] * 3 + ["a" * n, "example"]) for n in (53, 54))
    assert len(longest) == 253

    assert canonical(f"https://{longest}/", REACH) == f"https://{longest}/"
    with pytest.raises(UrlRefused):
        canonical(f"https://{longer}/", REACH)


def test_refuses_a_url_that_is_too_long_as_typed_or_once_encoded() -> None:
    for path in ("a" * 2_040, "ü" * 400):
        with pytest.raises(UrlRefused) as refused:
            canonical(f"https://hooks.example/{path}", REACH)

        assert refused.value.code == "too_long"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("http://localhost:9000/in", "http://localhost:9000/in"),
        ("https://LOCALHOST:9000/in", "https://localhost:9000/in"),
        ("http://127.0.0.1/in", "http://127.0.0.1/in"),
        ("http://[::1]:9000/in", "http://[::1]:9000/in"),
    ],
)
def test_private_hosts_are_exempt(typed: str, stored: str) -> None:
    assert canonical(typed, LOCAL) == stored


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:9001/",
        "http://localhost/",
        "http://127.0.0.1:9000/",
        "http://127.0.0.2/",
        "http://x.localhost:9000/",
        "http://localhost.:9000/",
        "http://user@localhost:9000/",
        "http://localhost:9000/#part",
        "http://localhost:9000/a b",
        "ftp://localhost:9000/",
    ],
)
def test_private_hosts_are_exempt_exactly_and_from_nothing_else(url: str) -> None:
    with pytest.raises(UrlRefused):
        canonical(url, LOCAL)


PIECES = st.lists(
    st.sampled_from(
        [
            *("a", "Z", "0", "-", ".", "..", "/", "//", "/./", "/../", "?", "&", "=", "+", ";"),
            *(",", ":", "@", "%41", "%2f", "%2F", "%2e", "%2E%2e", "%25", "%252e", "%", "~", "!"),
            *("'", "(", "*", "[", "]", "|", '"', "<", "`", "{", "^", "é", "日", "\U0001f3ab"),
            *("%C3%A9", "%c3"),
        ]
    ),
    max_size=12,
).map("".join)
HOSTS = st.one_of(
    st.sampled_from(["hooks.example.com", "a.b", "Bücher.example", "xn--bcher-kva.example"]),
    st.text("abcxyzABC019-_.ßéａ。", min_size=1, max_size=20),
)
URLS = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["https", "HTTPS", "hTTps"]),
    HOSTS,
    st.sampled_from(["", ":443", ":8443", ":0443"]),
    st.just("") | PIECES.map("/".__add__),
    st.just("") | PIECES.map("?".__add__),
)


@given(URLS)
@example("https://a.b/%2e%2e//..//%2E/?%2e%7E#")
@example("https://a.b?/../..")
def test_the_canonical_url_is_its_own_and_every_parser_on_the_way_out_sees_the_same(
    url: str,
) -> None:
    try:
        stored = canonical(url, REACH)
    except UrlRefused:
        return

    prepared = requests.Request("POST", stored).prepare()
    parsed, split = parse_url(stored), urlsplit(stored)
    assert canonical(stored, REACH) == stored
    assert prepared.url == stored
    assert parsed.url == stored
    assert parsed.host == split.hostname
    assert (parsed.port, parsed.auth, parsed.fragment) == (split.port, None, None)
    assert stored.isascii()


@given(st.text())
def test_any_text_is_a_canonical_url_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://hooks.example/{text}"):
        try:
            stored = canonical(url, REACH)
        except UrlRefused:
            continue
        assert stored.startswith("https://")


def answering(*found: str) -> Resolver:
    def resolver(host: str, port: int) -> list[Address]:
        assert host.endswith(".")  # no search domain may take part
        return [
            Address(socket.AF_INET6 if ":" in ip else socket.AF_INET, (ip, port)) for ip in found
        ]

    return resolver


def failing(host: str, port: int) -> list[Address]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_hands_out_all_addresses_in_the_order_of_the_resolver() -> None:
    found = addresses("hooks.example", 443, REACH, resolver=answering("8.8.8.8", "2606:4700::1"))

    assert [address.sockaddr for address in found] == [("8.8.8.8", 443), ("2606:4700::1", 443)]


@given(REFUSED_V4.map(str), st.integers(0, 3))
def test_one_bad_answer_refuses_all(bad: str, position: int) -> None:
    answers = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"]
    answers.insert(position, bad)

    with pytest.raises(AddressRefused) as refused:
        addresses("hooks.example", 443, REACH, resolver=answering(*answers))

    assert refused.value.address == bad


@given(REFUSED_V4.map(str))
def test_no_message_reveals_what_was_resolved(bad: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        addresses("hooks.example", 443, REACH, resolver=answering(bad))

    assert bad not in f"{refused.value} {refused.value!r} {refused.value.message}"


@pytest.mark.parametrize("resolver", [failing, answering()])
def test_a_name_without_addresses_is_not_found(resolver: Resolver) -> None:
    with pytest.raises(NameNotFound):
        addresses("hooks.example", 443, REACH, resolver=resolver)


def test_a_typed_url_is_resolved_at_once() -> None:
    url = "https://hooks.example/in"

    assert confirm(url, REACH, resolver=answering("8.8.8.8"))
    assert not confirm(url, REACH, resolver=failing)
    with pytest.raises(AddressRefused):
        confirm(url, REACH, resolver=answering("8.8.8.8", "10.0.0.1"))


@pytest.mark.parametrize("url", ["http://localhost:9000/", "http://[::1]:9000/"])
def test_a_private_host_may_resolve_to_what_it_likes(url: str) -> None:
    def resolver(host: str, port: int) -> list[Address]:
        assert host in ("localhost", "::1")
        return [Address(socket.AF_INET, ("127.0.0.1", port))]

    assert confirm(url, LOCAL, resolver=resolver)


def test_the_system_resolver_finds_loopback() -> None:
    assert confirm("http://localhost:9000/", LOCAL)
