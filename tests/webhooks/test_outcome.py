"""What became of an attempt, and what is kept of the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.webhooks.outcome import (
    Answer,
    Outcome,
    excerpt,
    kept_headers,
    of_status,
    redirect_origin,
)


@given(st.integers(100, 999))
def test_only_2xx_is_delivered_and_only_410_is_gone(status: int) -> None:
    outcome = of_status(status)

    assert (outcome is Outcome.DELIVERED) == (200 <= status <= 299)
    assert (outcome is Outcome.REDIRECT) == (300 <= status <= 399)
    assert (outcome is Outcome.GONE) == (status == 410)


@pytest.mark.parametrize("status", [101, 400, 401, 404, 408, 429, 500, 503, 599, 999])
def test_any_other_status_is_an_error_that_is_tried_again(status: int) -> None:
    assert of_status(status) is Outcome.HTTP_ERROR
    assert of_status(status).is_failure


def test_our_own_crash_never_counts_against_the_receiver() -> None:
    assert {outcome for outcome in Outcome if not outcome.is_failure} == {
        Outcome.DELIVERED,
        Outcome.LOST,
    }


def test_every_outcome_has_a_sentence_for_people() -> None:
    assert all(outcome.sentence.endswith(".") for outcome in Outcome)


@pytest.mark.parametrize(
    ("outcome", "limit"), [(Outcome.DELIVERED, 512), (Outcome.HTTP_ERROR, 4_096)]
)
@given(body=st.one_of(st.binary(max_size=6_000), st.text(max_size=3_000).map(str.encode)))
def test_an_excerpt_is_short_printable_text_whatever_came(
    outcome: Outcome, limit: int, body: bytes
) -> None:
    text = excerpt(body, outcome, complete=False)

    assert len(text.encode()) <= limit
    assert all(character.isprintable() or character in "\n\t" for character in text)


def test_keeps_4_kb_of_a_failure_and_512_bytes_of_a_success() -> None:
    body = b"a" * 16_384

    assert excerpt(body, Outcome.HTTP_ERROR, complete=False) == "a" * 4_096
    assert excerpt(body, Outcome.DELIVERED, complete=False) == "a" * 512
    assert excerpt("é".encode() * 999, Outcome.DELIVERED) == "é" * 256


def test_replaces_control_characters_but_keeps_lines() -> None:
    body = "one\r\ntwo\tthree\x1b[31m \u202eevil".encode()

    assert excerpt(body, Outcome.HTTP_ERROR) == "one\ntwo\tthree�[31m �evil"


def test_a_cut_through_a_character_is_still_text() -> None:
    assert excerpt("é".encode()[:1], Outcome.HTTP_ERROR, complete=False) == ""
    assert excerpt("aé".encode()[:2], Outcome.HTTP_ERROR, complete=False) == "a"


def test_older_pages_are_read_in_the_encoding_they_name() -> None:
    body = "Größe".encode("latin-1")

    assert excerpt(body, Outcome.HTTP_ERROR, content_type="text/html; charset=ISO-8859-1") == (
        "Größe"
    )


@pytest.mark.parametrize("body", [b"\x1f\x8b\x08\x00abc", b"\xff\xfe\x00\x01", b"text\0", b"\xe9"])
def test_what_is_no_text_becomes_its_size(body: bytes) -> None:
    assert excerpt(body, Outcome.HTTP_ERROR) == f"binary, {len(body)} bytes"
    assert excerpt(body + b"\0", Outcome.HTTP_ERROR, complete=False) == (
        f"binary, more than {len(body) + 1} bytes"
    )


def test_keeps_few_response_headers_and_shortens_them() -> None:
    headers = {
        "content-type": "text/html",
        "location": "https://x.example/" + "a" * 5_000,
        "server": "evil\x1b[31m",
        "set-cookie": "session=secret",
        "retry-after": "120",
    }

    kept = kept_headers(headers)

    assert set(kept) == {"content-type", "location", "server", "retry-after"}
    assert len(kept["location"]) == 512
    assert kept["server"] == "evil�[31m"


@pytest.mark.parametrize(
    ("location", "origin"),
    [
        ("https://new.example/hooks?token=secret", "https://new.example"),
        ("http://new.example:8080/", "http://new.example:8080"),
        ("//other.example/x", "https://other.example"),
        ("/elsewhere", "https://hooks.example"),
        ("https://user:secret@new.example/", "https://new.example"),
        ("http://[::1]:80/", "http://[::1]:80"),
        ("javascript:alert(1)", None),
        ("https://[bad/", None),
        ("https://new.example:99999/", None),
        ("", None),
    ],
)
def test_shows_where_a_redirect_points_without_its_secrets(
    location: str, origin: str | None
) -> None:
    answer = Answer(Outcome.REDIRECT, ms=1, status=302, headers={"location": location})

    assert redirect_origin(answer, "https://hooks.example/in") == origin


def test_the_refused_address_is_not_in_what_is_printed_of_an_answer() -> None:
    answer = Answer(Outcome.ADDRESS_REFUSED, ms=1, refused_address="169.254.169.254")

    assert "169.254" not in repr(answer)
    assert "169.254" not in answer.outcome.sentence
