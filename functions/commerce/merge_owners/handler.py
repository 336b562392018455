"""POST /api/objects/owner_change: make one owner part of another."""

from typing import Any

from tessera import clock
from tessera.commerce.merge_store import MergeTable
from tessera.commerce.merging import OwnerChange, merge
from tessera.edge.api import Response, accepted, answer, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note, time_left

TO_ANSWER = 9
"""Seconds kept of the gateway's thirty: what takes more than twenty is ended by the sweep."""


class Env(Environment):
    commerce_table: str
    events_table: str
    business_time_zone: str


env = Env.load()
owners = MergeTable(env.commerce_table, env.events_table)
app = resolver()


@app.post("/api/objects/owner_change")
def merge_owners(wanted: OwnerChange) -> Response[Any]:
    done = merge(
        wanted,
        owners=owners,
        now=clock.now,
        today=clock.today(clock.now(), env.business_time_zone),
        may_go_on=lambda: time_left() > TO_ANSWER,
    )
    note(
        outcome="merged" if done else "merging",
        source=wanted.source_id,
        destination=wanted.destination_id,
    )
    body = {"result": {}, "success": True}
    return answer(200, body) if done else accepted(body)


handler = entrypoint(app)
