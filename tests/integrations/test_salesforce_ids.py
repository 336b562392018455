"""Salesforce ids of 15 characters become the 18 that systems without capitals can keep."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.salesforce_records import whole
from tessera.integrations.salesforce_ids import account_id, id18


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("001Dn00000HaLdE", "001Dn00000HaLdEIAV"),
        ("001Dn00000AcMeR", "001Dn00000AcMeRIAV"),
        ("001d0000000abcd", "001d0000000abcdAAA"),
        ("ABCDEABCDEABCDE", "ABCDEABCDEABCDE555"),
    ],
)
def test_the_suffix_says_which_characters_are_capitals(short: str, long: str) -> None:
    assert id18(short) == long
    assert id18(long) == long


@given(st.text(string.ascii_letters + string.digits, min_size=15, max_size=15))
def test_agrees_with_the_stand_in_and_tells_spellings_apart(short: str) -> None:
    long = id18(short)

    assert long == whole(short)
    folded = id18(short.lower())
    assert (folded is not None and long is not None and folded[15:] == long[15:]) == (
        short == short.lower()
    )


@pytest.mark.parametrize("text", ["", "001", "001Dn00000HaLd!", "001Dn00000HaLdEIAVX", "é" * 15])
def test_what_is_no_id_has_no_form(text: str) -> None:
    assert id18(text) is None


@pytest.mark.parametrize("text", [None, "003Dn00000HaLdE", "ACME-7"])
def test_an_account_field_may_hold_something_else(text: str | None) -> None:
    assert account_id(text) is None
