"""Reading subscriptions from Zuora: the same for the API, for callouts and for the console."""

from datetime import datetime

from tessera import clock
from tessera.catalog.store import CatalogTable
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.commerce.sync import Synced, sync
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.integrations.zuora_reading import ZuoraBilling
from tessera.partners.store import PartnersTable


class SyncEnvironment(ZuoraEnvironment):
    commerce_table: str
    events_table: str
    catalog_table: str
    partners_table: str
    business_time_zone: str
    mode: str


class Syncing:
    def __init__(self, env: SyncEnvironment) -> None:
        self._env = env
        self._zuora = zuora_client(env)
        self._billing = ZuoraBilling(self._zuora)
        self._catalog = Shelf(CatalogTable(env.catalog_table))
        self._partners = PartnersTable(env.partners_table)
        self._owners = CommerceTable(env.commerce_table, env.events_table)

    @property
    def is_configured(self) -> bool:
        return self._zuora.is_configured

    def sync(
        self, key: str, *, now: datetime, refresh: bool = False, detail: bool = False
    ) -> Synced:
        return sync(
            key,
            billing=self._billing,
            catalog=self._catalog,
            partners=self._partners,
            owners=self._owners,
            now=now,
            today=clock.today(now, self._env.business_time_zone),
            mode=self._env.mode,
            refresh=refresh,
            detail=detail,
        )
