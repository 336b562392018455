"""Bar charts as inline SVG: geometry only, the template draws."""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 720, 120
_GAP = 4


class Bar(NamedTuple):
    """One column: the good part below, the bad part on top of it."""

    label: str
    good: int
    bad: int
    x: int
    width: int
    good_y: int
    good_height: int
    bad_y: int
    bad_height: int


class Chart(NamedTuple):
    bars: tuple[Bar, ...]
    most: int
    sentence: str
    """Says the same as the picture."""
    width: int = WIDTH
    height: int = HEIGHT


def chart(values: Sequence[tuple[str, int, int]], sentence: str) -> Chart:
    """`values` are label, good and bad, oldest first. What is not zero is at least visible."""
    most = max((good + bad for _, good, bad in values), default=0)
    step = WIDTH // max(len(values), 1)
    bars = []
    for position, (label, good, bad) in enumerate(values):
        good_height, bad_height = _height(good, most), _height(bad, most)
        good_height = min(good_height, HEIGHT - bad_height)
        bars.append(
            Bar(
                label=label,
                good=good,
                bad=bad,
                x=position * step,
                width=max(step - _GAP, 1),
                good_y=HEIGHT - good_height,
                good_height=good_height,
                bad_y=HEIGHT - good_height - bad_height,
                bad_height=bad_height,
            )
        )
    return Chart(tuple(bars), most, sentence)


def _height(value: int, most: int) -> int:
    return max(round(value / most * HEIGHT), 2) if value else 0
