"""An owner with a subscription, as a sync leaves it."""

from typing import Any

from tessera.commerce.store import CommerceTable
from tessera.commerce.sync import sync
from tests.builders import NOW, TODAY, FakeBilling, FakeCatalog, FakePartners, billed, candidate

OWNER = "id-8606b883875fe37f1beae43c676ebc60"


def synced(owners: CommerceTable, number: str = "A-S00000271", **detail: Any) -> str:
    """The owner, which is `OWNER` unless another account is billed."""
    return sync(
        number,
        billing=FakeBilling(billed(number, **detail)),
        catalog=FakeCatalog(candidate()),
        partners=FakePartners(),
        owners=owners,
        now=NOW,
        today=TODAY,
        mode="test",
    ).owner
