"""Events as rows of the table `Events`: what a commit writes beside its change.

`publish_events` takes them from there to the bus, so that nothing is announced that was not
committed, and nothing committed goes unannounced.
"""

import json
from decimal import Decimal

from tessera import clock
from tessera.dynamo import Row, Write, put
from tessera.events import Event, shard_of
from tessera.objects import compact_json

_REPUBLISH_AFTER_MS = 120_000
_KEPT_SECONDS = 90 * 86_400


def record(table: str, event: Event) -> Write:
    """The write that belongs into the transaction of the change it announces.

    `open` and `open_at` bring it back to the publisher should the table's stream lose it.
    """
    created_ms = clock.epoch_ms(event.created_at)
    row: Row = {
        "pk": event.id,
        "sk": "EVENT",
        "shape": 1,
        **event.wire(),
        # Text, because a DynamoDB map does not keep the order of its members.
        "snapshot": compact_json(event.snapshot),
        "open": shard_of(event.id),
        "open_at": created_ms + _REPUBLISH_AFTER_MS,
        "day": f"{event.created_at.date().isoformat()}#{shard_of(event.id)}",
        "expires_at": created_ms // 1000 + _KEPT_SECONDS,
    }
    return put(table, row, condition="attribute_not_exists(pk)")


def recorded(row: Row) -> Event:
    """The event of a row of `Events`."""
    members = {name: row[name] for name in Event.model_fields if name in row}
    return Event(**{**members, "snapshot": json.loads(row["snapshot"], parse_float=Decimal)})
