"""Bodies that one reader takes and another does not, or that nobody can keep as they were sent."""

from decimal import Decimal

import pytest

from tessera.commerce.acceptance import fingerprint
from tessera.edge.json_bodies import parsed_json
from tessera.errors import InvalidJson
from tests.builders import api_event, machine
from tests.handlers import body, load


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ('{"amount":' + "1" * 5000 + "}", "The number 1111111111… has more than 100 characters."),
        ('{"amount":1e400}', "The number 1e400 is too large or too small to be read."),
        (
            '{"amount":1e-999999999}',
            "The number 1e-999999999 is too large or too small to be read.",
        ),
        ('{"amount":-1E+99999999999999999999}', "too large or too small"),
        ('{"amount":0.' + "1" * 200 + "}", "has more than 100 characters"),
        ('{"amount":-Infinity}', "-Infinity is not a JSON value."),
        ('{"a":1,"b":{"c":1,"c":2}}', 'An object has the member "c" twice.'),
        ('{"name":"Ana \\ud83d"}', "\\ud83d is half of a character; its other half is missing."),
        ('[{"\\udc00":1}]', "\\udc00 is half of a character"),
        ('{"\\udc00":1,"\\udc00":1}', "\\udc00 is half of a character"),
        ('{"a":' * 101 + "1" + "}" * 101, "The body is nested too deeply."),
        ("[" * 200_000, "The body is nested too deeply."),
        ('{"a":"\x01"}', "Expected valid JSON at line 1, column 7."),
    ],
)
def test_a_body_that_readers_would_read_differently_is_refused(sent: str, said: str) -> None:
    with pytest.raises(InvalidJson) as refused:
        parsed_json(sent)

    assert said in refused.value.message


def test_numbers_keep_all_their_digits_and_pairs_are_one_character() -> None:
    assert parsed_json('{"a":[0.1234567890123456789012,7,"\\ud83d\\ude00",null]}') == {
        "a": [Decimal("0.1234567890123456789012"), 7, "😀", None]
    }


def test_the_same_body_has_the_same_fingerprint_however_many_digits_it_has() -> None:
    long, other = "0.1234567890123456789012", "0.1234567890123456789013"
    first = fingerprint(parsed_json(f'{{"a":1,"b":{long}}}'))

    assert fingerprint(parsed_json(f'{{"b":{long},"a":1.0}}')) == first
    assert fingerprint(parsed_json(f'{{"a":1,"b":{other}}}')) != first


@pytest.mark.parametrize("key", [{}, {"idempotency-key": "1"}], ids=["alone", "with a key"])
@pytest.mark.parametrize("sent", ['{"x":"\\ud800"}', '{"x":' + "9" * 5000 + "}"])
def test_such_a_body_is_the_callers_fault_at_every_endpoint(
    sent: str, key: dict[str, str], tables: dict[str, str]
) -> None:
    place = load("commerce/place_order", {"POST /api/order": {"machine": ["orders"]}})
    event = api_event("POST", "/api/order", body=sent, caller=machine("orders"), headers=key)

    answer = place(event)

    assert (answer["statusCode"], body(answer)["code"]) == (400, "invalid_json")
    assert answer["headers"]["Content-Type"] == "application/problem+json"
