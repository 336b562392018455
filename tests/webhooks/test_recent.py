"""Values remembered for a while, and never too many."""

from datetime import timedelta

from tessera.webhooks.recent import Recent
from tests.webhooks.engine import Clock


def test_remembers_until_the_time_is_over() -> None:
    clock = Clock()
    recent: Recent[str, int] = Recent(most=2, kept=timedelta(seconds=5), now=clock)
    recent.keep("a", 1)
    clock.turn(seconds=5)
    within = recent.get("a")
    clock.turn(milliseconds=1)

    assert (within, recent.get("a"), recent.get("b")) == (1, None, None)


def test_forgets_what_was_kept_longest_ago_when_there_are_too_many() -> None:
    recent: Recent[str, int] = Recent(most=2, kept=timedelta(seconds=5), now=Clock())
    recent.keep("a", 1)
    recent.keep("b", 2)
    recent.keep("a", 3)
    recent.keep("c", 4)

    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (3, None, 4)
