"""The Sessions table, as far as it notes who opened a card form of the billing system.

| row | pk | ends |
|---|---|---|
| opened form | `CARD_FORM#<caller>` | an hour after it was opened |
"""

import hashlib
from datetime import datetime

from tessera import clock, dynamo
from tessera.commerce.account_orders import FORM_COUNTS_FOR
from tessera.commerce.callers import Caller

_SHAPE = 1


class OpenedForms:
    def __init__(self, table: str) -> None:
        self._table = table

    def opened(self, caller: Caller, *, at: datetime) -> None:
        """Notes it: what is typed in there may be named by this caller for an hour."""
        row = {
            **_key(caller),
            "shape": _SHAPE,
            "opened_at": clock.epoch_ms(at),
            "expires_at": clock.epoch_ms(at + FORM_COUNTS_FOR) // 1000,
        }
        dynamo.write(dynamo.put(self._table, row))

    def has_opened_form(self, caller: Caller, *, since: datetime) -> bool:
        row = dynamo.get(self._table, _key(caller))
        return row is not None and int(row["opened_at"]) >= clock.epoch_ms(since)


def _key(caller: Caller) -> dict[str, str]:
    who = f"{caller.kind}\n{caller.scope}\n{caller.id}"
    return {"pk": f"CARD_FORM#{hashlib.sha256(who.encode()).hexdigest()}"}
