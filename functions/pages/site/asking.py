"""Zuora as pages ask it: three seconds for all that a page shows of it, longer for what is done."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tessera.edge.observability import correlation_id, logger, time_left
from tessera.errors import Conflict, UpstreamFailed

if TYPE_CHECKING:
    from tessera.edge.zuora import Connection
    from tessera.integrations.zuora import Zuora
    from tessera.integrations.zuora_invoices import ZuoraInvoices
    from tessera.integrations.zuora_methods import ZuoraMethods

T = TypeVar("T")

PATIENCE = 3.0
"""Seconds."""

NOT_CONNECTED = "Billing is not connected"
SILENT = "Zuora did not answer."


class CardPage(Protocol):
    """What an environment knows of the hosted card form; all empty where there is none."""

    @property
    def zuora_page_id(self) -> str: ...

    @property
    def zuora_page_uri(self) -> str: ...

    @property
    def zuora_page_script(self) -> str: ...


class Failed:
    """In place of what Zuora should have told."""

    def __init__(self, refusal: Conflict | UpstreamFailed) -> None:
        self.is_connected = isinstance(refusal, UpstreamFailed)
        self.sentence = SILENT if self.is_connected else NOT_CONNECTED
        self.reference = correlation_id() or "" if self.is_connected else ""


class LiveBilling:
    """Clients are made on first use: most pages ask nothing, and they take a while to load."""

    def __init__(self, connection: "Connection", card_page: CardPage) -> None:
        self._connection = connection
        self._card_page = card_page
        self._clients: dict[bool, Zuora] = {}
        self._until = 0.0
        self._seen: dict[str, Any] = {}

    def begin(self) -> None:
        """Before a page is shown: its patience begins, and what was seen before is forgotten."""
        self._until = time.monotonic() + PATIENCE
        self._seen = {}

    @property
    def has_card_form(self) -> bool:
        page = self._card_page
        return bool(page.zuora_page_id and page.zuora_page_uri and page.zuora_page_script)

    def invoices(self, *, waits: bool = False) -> "ZuoraInvoices":
        from tessera.integrations.zuora_invoices import ZuoraInvoices

        return ZuoraInvoices(self._client(waits))

    def methods(self, *, waits: bool = False) -> "ZuoraMethods":
        from tessera.integrations.zuora_methods import HostedPage, ZuoraMethods

        page = self._card_page
        hosted = HostedPage(page.zuora_page_id, page.zuora_page_uri, page.zuora_page_script)
        return ZuoraMethods(self._client(waits), hosted)

    def seen(self, what: str, read: Callable[[], T]) -> T | Failed:
        """What Zuora tells, asked once for all components of a page; its failure is the block's."""
        if what not in self._seen:
            self._seen[what] = self._tried(what, read)
        found: T | Failed = self._seen[what]
        return found

    def _tried(self, what: str, read: Callable[[], T]) -> T | Failed:
        try:
            return read()
        except UpstreamFailed as refusal:
            logger.warning("billing silent", extra={"what": what, "code": refusal.wire_code})
            return Failed(refusal)
        except Conflict as refusal:
            if refusal.wire_code != "zuora_not_configured":
                raise
            return Failed(refusal)

    def _client(self, waits: bool) -> "Zuora":
        if waits not in self._clients:
            self._clients[waits] = self._connected(waits)
        return self._clients[waits]

    def _connected(self, waits: bool) -> "Zuora":
        from tessera.edge.zuora import zuora_client
        from tessera.integrations.http import INTERACTIVE, Profile

        if waits:
            return zuora_client(self._connection, profile=INTERACTIVE)
        quick = Profile(connect=1.5, read=PATIENCE, total=PATIENCE, reserve=0)
        return zuora_client(self._connection, profile=quick, time_left=self._left)

    def _left(self) -> float:
        return min(self._until - time.monotonic(), time_left())
