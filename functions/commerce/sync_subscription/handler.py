"""POST /api/plugins/zuora/sync/subscription/{id}: bring a Zuora subscription into Tessera."""

from typing import Annotated, Literal

from tessera import clock
from tessera.commerce.sync import Synced
from tessera.edge.api import Query, entrypoint, resolver
from tessera.edge.syncing import SyncEnvironment, Syncing


class Env(SyncEnvironment):
    """As all that read subscriptions from Zuora."""


env = Env.load()
syncing = Syncing(env)
app = resolver()


@app.post("/api/plugins/zuora/sync/subscription/<id>")
def sync_subscription(
    id: str,
    detail: Annotated[bool, Query()] = False,
    refresh: Annotated[Literal["catalog"] | None, Query()] = None,
) -> Synced:
    return syncing.sync(id, now=clock.now(), refresh=refresh is not None, detail=detail)


handler = entrypoint(app)
