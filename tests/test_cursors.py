"""Cursors: opaque, bound to caller and list, refused when altered."""

import base64
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tessera.cursors import Cursors, ForeignCursor

OF = "machine/1 orders owner=id-1"
POSITION = {"pk": "id-1", "sk": "order-1"}


class Key:
    def __init__(self, key: str = "k" * 32) -> None:
        self._key = key

    def read(self) -> dict[str, str]:
        return {"key": self._key}


CURSORS = Cursors(Key())
positions = st.dictionaries(st.text(max_size=9), st.text(max_size=9) | st.integers(), max_size=4)


@given(position=positions, of=st.text(max_size=40))
def test_a_cursor_opens_to_where_its_list_goes_on(position: dict[str, Any], of: str) -> None:
    assert CURSORS.open(CURSORS.seal(position, of=of), of=of) == position


def test_a_cursor_goes_into_an_address_as_it_is() -> None:
    cursor = CURSORS.seal({"pk": "\N{EURO SIGN}?/+" * 20}, of=OF)

    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(place=st.integers(min_value=0), flip=st.integers(1, 255))
def test_a_cursor_that_was_altered_anywhere_is_refused(place: int, flip: int) -> None:
    cursor = CURSORS.seal(POSITION, of=OF)
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[place % len(raw)] ^= flip

    with pytest.raises(ForeignCursor) as refused:
        CURSORS.open(base64.urlsafe_b64encode(bytes(raw)).decode(), of=OF)

    assert (refused.value.status, refused.value.wire_code) == (400, "invalid_request")


@pytest.mark.parametrize(
    "other", ["machine/2 orders owner=id-1", "machine/1 orders owner=id-2", "machine/1 orders", ""]
)
def test_a_cursor_of_another_caller_or_list_is_refused(other: str) -> None:
    with pytest.raises(ForeignCursor):
        CURSORS.open(CURSORS.seal(POSITION, of=OF), of=other)


def test_a_cursor_sealed_with_another_key_is_refused() -> None:
    foreign = Cursors(Key("x" * 32)).seal(POSITION, of=OF)

    with pytest.raises(ForeignCursor):
        CURSORS.open(foreign, of=OF)


@given(cursor=st.text(max_size=60))
def test_what_is_no_cursor_is_refused_and_breaks_nothing(cursor: str) -> None:
    with pytest.raises(ForeignCursor):
        CURSORS.open(cursor, of=OF)


def test_a_seal_without_a_position_is_no_cursor() -> None:
    whole = base64.urlsafe_b64decode(CURSORS.seal(POSITION, of=OF) + "==")

    with pytest.raises(ForeignCursor):
        CURSORS.open(base64.urlsafe_b64encode(whole[:16]).decode(), of=OF)


@pytest.mark.parametrize("more", ["A", "=", "==", "!", " ", "\n", ".", "\0"])
def test_a_cursor_with_a_character_too_many_is_refused(more: str) -> None:
    cursor = CURSORS.seal(POSITION, of=OF)

    for altered in (cursor + more, more + cursor, cursor[:20] + more + cursor[20:]):
        with pytest.raises(ForeignCursor):
            CURSORS.open(altered, of=OF)


@given(position=positions, last=st.sampled_from("AQgwBRhx-_"))
def test_a_cursor_with_another_last_character_is_refused(
    position: dict[str, Any], last: str
) -> None:
    cursor = CURSORS.seal(position, of=OF)
    assume(cursor[-1] != last)

    with pytest.raises(ForeignCursor):
        CURSORS.open(cursor[:-1] + last, of=OF)
