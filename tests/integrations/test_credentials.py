"""How long a token is held, whichever system gave it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tessera.errors import UpstreamFailed
from tessera.integrations.credentials import Access, SignIn, Token
from tessera.integrations.http import (
    INTERACTIVE,
    Answer,
    Call,
    Judgement,
    Silence,
    Transport,
)
from tessera.integrations.zuora_verdicts import ZuoraNotConfigured
from tests.integrations.zuora_tenant import Vault

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
URL = "https://vendor.example"


class Refused(UpstreamFailed):
    refuses_credentials = True


class Vendor(Transport):
    """Gives out the tokens 1, 2, …, and refuses calls with those that are revoked."""

    def __init__(self) -> None:
        super().__init__("vendor", INTERACTIVE)
        self.given = 0
        self.revoked: set[str] = set()
        self.calls: list[str] = []

    def send(
        self, call: Call, *, until: float, judge: Callable[[Answer | Silence], Judgement]
    ) -> Answer:
        if call.url == f"{URL}/token":
            self.given += 1
            return Answer(200, {}, str(self.given).encode())
        bearer = call.headers["Authorization"]
        self.calls.append(bearer.removeprefix("Bearer "))
        if self.calls[-1] in self.revoked:
            raise Refused("not yours")
        return Answer(200, {}, b"{}")


def accessing(
    vendor: Vendor, lifetime: timedelta | None, now: Callable[[], datetime] = lambda: START
) -> Callable[[], Answer]:
    sign_in = SignIn(
        "Vendor",
        URL,
        "/token",
        judge=lambda _: Judgement(),
        read=lambda answer: Token(answer.body.decode(), URL, lifetime),
        not_configured=ZuoraNotConfigured,
    )
    access = Access(sign_in, Vault(), vendor, now=now)
    return lambda: access.send(Call("GET", "/a", "/a"), until=0, judge=lambda _: Judgement())


@pytest.mark.parametrize(
    ("lifetime", "held"),
    [
        pytest.param(timedelta(hours=1), timedelta(minutes=55), id="five_minutes_less"),
        pytest.param(timedelta(minutes=4), timedelta(minutes=2), id="half_of_a_short_life"),
    ],
)
def test_a_token_is_held_until_shortly_before_its_end(lifetime: timedelta, held: timedelta) -> None:
    times = iter([START, START + held - timedelta(seconds=1), START + held, START + held])
    vendor = Vendor()
    call = accessing(vendor, lifetime, lambda: next(times))

    for _ in range(3):
        call()

    assert vendor.calls == ["1", "1", "2"]


def test_a_token_without_an_end_is_held_until_it_is_refused_and_renewed_once() -> None:
    vendor = Vendor()
    call = accessing(vendor, None)
    call()
    vendor.revoked.add("1")

    call()
    call()

    assert vendor.calls == ["1", "1", "2", "2"]


def test_a_vendor_that_refuses_new_tokens_too_is_not_asked_for_ever() -> None:
    vendor = Vendor()
    vendor.revoked.update(map(str, range(9)))
    call = accessing(vendor, None)

    with pytest.raises(Refused):
        call()

    assert vendor.calls == ["1", "2"]


def test_a_token_does_not_show_in_logs() -> None:
    assert "s3cret" not in f"{Token('s3cret', URL)} {Token('s3cret', URL)!r}"
