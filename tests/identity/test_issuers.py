"""Which spellings of an issuer meet, and which stay apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.identity.issuers import normalised

PIECES = ("http://", "HTTPS://", "http:", "/", ":443", ":80", " ", "\t", "Host", "a.b", "İß", "pA")
SPELLING = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text()
HOST = st.from_regex(r"[a-z][a-z0-9.-]{0,20}[a-z0-9]", fullmatch=True)
PATH = st.from_regex(r"(/[A-Za-z0-9._~%-]{1,8}){0,3}", fullmatch=True)


@pytest.mark.parametrize(
    "spelling",
    [
        "limio.us.auth0.com",
        "https://limio.us.auth0.com/",
        "HTTPS://LIMIO.us.auth0.com",
        "http://limio.us.auth0.com//",
        "https://limio.us.auth0.com:443/",
        "http://Limio.us.auth0.com:80",
        "  https://limio.us.auth0.com \n",
    ],
)
def test_the_spellings_of_one_issuer_meet(spelling: str) -> None:
    assert normalised(spelling) == "limio.us.auth0.com"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://d.okta.com", "https://d.okta.com/oauth2/default"),
        ("https://d.okta.com/oauth2/default", "https://d.okta.com/oauth2/Default"),
        ("https://d.okta.com:8443", "https://d.okta.com"),
        ("https://d.okta.com:4430", "https://d.okta.com"),
        ("https://d.okta.com/:443", "https://d.okta.com"),
        ("ftp://d.okta.com", "https://d.okta.com"),
        ("https://d.okta.com/?a", "https://d.okta.com"),
    ],
)
def test_other_issuers_stay_apart(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


@pytest.mark.parametrize("word", ["salesforce", "https", "a b"])
def test_bare_words_stay_as_they_are(word: str) -> None:
    assert normalised(word) == word


def test_a_path_keeps_its_case_while_the_host_loses_it() -> None:
    assert normalised("https://D.Okta.com/OAuth2/Default/") == "d.okta.com/OAuth2/Default"


@pytest.mark.parametrize("spelling", ["http://https://a", "a / /", "a:443:80", "http:// a"])
def test_nothing_is_left_to_drop(spelling: str) -> None:
    assert normalised(spelling) == "a"


@given(SPELLING)
def test_what_was_normalised_stays(spelling: str) -> None:
    once = normalised(spelling)

    assert normalised(once) == once


@given(HOST, PATH, st.sampled_from(["https://", "http://", "HTTPS://", ""]), st.booleans())
def test_scheme_port_case_and_slashes_make_no_difference(
    host: str, path: str, scheme: str, with_port: bool
) -> None:
    port = ":443" if with_port else ""

    assert normalised(f" {scheme}{host.upper()}{port}{path}// ") == normalised(host + path)
