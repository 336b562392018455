"""Events as such, whatever they tell of."""

from tessera.events import event, size_of
from tessera.objects import compact_json
from tests.builders import NOW

LONG_KEYS = len("https://limio.com/iss") + len("https://limio.com/sub") - len("iss") - len("sub")


def test_the_size_of_an_event_is_that_of_its_webhook_in_bytes() -> None:
    body = {"name": "\N{EURO SIGN}"}

    assert event("subscription.updated", body, at=NOW).size == len(compact_json(body).encode())


def test_the_body_of_an_identity_counts_with_the_longest_keys_of_any_dialect() -> None:
    login = {"iss": "https://login.example", "sub": "ana"}
    body = {"identities": [login, login]}

    assert size_of(body) == len(compact_json(body).encode()) + 2 * LONG_KEYS
