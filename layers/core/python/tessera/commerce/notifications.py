"""Which of Zuora's notifications were received: Zuora repeats one until it is answered."""

import hashlib
from datetime import datetime, timedelta

from tessera import clock, dynamo

_KEPT = timedelta(days=7)


class NotificationTable:
    """Rows of the table `Idempotency`, which forgets them by itself."""

    def __init__(self, table: str) -> None:
        self._table = table

    def is_known(self, id: str, now: datetime) -> bool:
        row = dynamo.get(self._table, {"pk": _name(id)})
        # Deletion lags by up to two days: what has expired counts as absent.
        return row is not None and int(row["expires_at"]) > clock.epoch_ms(now) // 1000

    def remember(self, id: str, now: datetime) -> None:
        expires_at = clock.epoch_ms(now + _KEPT) // 1000
        row = {"pk": _name(id), "shape": 1, "expires_at": expires_at}
        dynamo.write(dynamo.put(self._table, row))


def _name(id: str) -> str:
    return "CALLOUT#" + hashlib.sha256(id.encode()).hexdigest()
