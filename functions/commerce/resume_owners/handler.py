"""Each minute: end merges and announcements of owners that were begun and left."""

from collections.abc import Mapping

from tessera import clock
from tessera.commerce.merge_store import MergeTable
from tessera.commerce.resuming import resume_all
from tessera.edge.environment import Environment
from tessera.edge.observability import time_left
from tessera.edge.schedule import scheduled

TO_END = 30
"""Seconds kept of a turn, so that what is begun in it is ended in it."""


class Env(Environment):
    commerce_table: str
    events_table: str
    business_time_zone: str


env = Env.load()
owners = MergeTable(env.commerce_table, env.events_table)


def resume_owners() -> Mapping[str, int]:
    return resume_all(
        owners=owners,
        now=clock.now,
        today=clock.today(clock.now(), env.business_time_zone),
        may_go_on=lambda: time_left() > TO_END,
    )


handler = scheduled(resume_owners)
