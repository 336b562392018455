"""Money: the decimals of each currency, halves, and how amounts are written."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tessera import money
from tessera.money import Amount

CURRENCIES = ("GBP", "JPY", "KWD", "CLF")
amounts = st.decimals(-(10**9), 10**9, places=6)


@pytest.mark.parametrize(
    ("currency", "shown"),
    [
        ("GBP", "1234.57"),
        ("EUR", "1234.57"),
        ("JPY", "1235"),
        ("KRW", "1235"),
        ("CLP", "1235"),
        ("XOF", "1235"),
        ("BHD", "1234.568"),
        ("KWD", "1234.568"),
        ("TND", "1234.568"),
        ("CLF", "1234.5678"),
        ("UYW", "1234.5678"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(currency: str, shown: str) -> None:
    assert money.text(Decimal("1234.567849"), currency) == shown


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.005", "0.01"), ("-0.005", "-0.01"), ("2.675", "2.68"), ("0.0049", "0.00")],
)
def test_halves_are_rounded_away_from_zero(amount: str, rounded: str) -> None:
    assert str(money.rounded(Decimal(amount), "GBP")) == rounded


@given(amount=amounts, currency=st.sampled_from(CURRENCIES))
def test_what_is_rounded_once_stays_so_and_is_near(amount: Decimal, currency: str) -> None:
    once = money.rounded(amount, currency)

    assert money.rounded(once, currency) == once
    assert abs(once - amount) * 2 <= Decimal(1).scaleb(-money.decimals(currency))


@pytest.mark.parametrize(
    ("amount", "written"),
    [(Decimal("17.50"), "17.50"), (Decimal("1E+3"), "1000"), (Decimal("1E-7"), "0.0000001")],
)
def test_an_amount_is_written_as_text_without_an_exponent(amount: Decimal, written: str) -> None:
    class Price(BaseModel):
        amount: Amount

    assert Price(amount=amount).model_dump() == {"amount": written}
