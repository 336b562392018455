"""A partner organisation's accounts in outside systems: what is asked, and what was asked too late.

An organisation that was made while Zuora was not connected has its account as it was given, an id
or a number. The first order for it looks it up.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol

from tessera import clock
from tessera.events import Event, event
from tessera.partners.errors import ChangedMeanwhile, Overtaken, PartnerAccountUnusable
from tessera.partners.models import Organisation


class ZuoraAccount(NamedTuple):
    id: str
    number: str
    currency: str | None
    is_active: bool


class ZuoraAccounts(Protocol):
    @property
    def is_configured(self) -> bool: ...

    def find(self, key: str) -> ZuoraAccount | None:
        """By id or number. Raises `ZuoraFailed`."""


class SalesforceAccounts(Protocol):
    @property
    def is_configured(self) -> bool: ...

    def full_id(self, text: str) -> str | None:
        """An account's id of 15 or 18 characters as 18; none of what is no account id."""

    def account_exists(self, id: str) -> bool:
        """By the 18-character id. Raises `SalesforceFailed`."""


class Organisations(Protocol):
    def find(self, id: str) -> Organisation | None: ...

    def change(self, seen: Organisation, changed: Organisation, event: Event) -> None:
        """Raises `Overtaken` and `ChangedMeanwhile`."""


class ResolvedOrganisations:
    """`ResolvedOrganisations(partners, zuora, now=clock.now).find(id)`: with a known account."""

    def __init__(
        self, organisations: Organisations, zuora: ZuoraAccounts, *, now: Callable[[], datetime]
    ) -> None:
        self._organisations = organisations
        self._zuora = zuora
        self._now = now

    def find(self, id: str) -> Organisation | None:
        """Stores what it had to look up. Raises `PartnerAccountUnusable` and `ZuoraFailed`."""
        seen = self._organisations.find(id)
        if seen is None:
            return None
        found = resolved(seen, self._zuora)
        if found is seen:
            return seen
        modified = clock.after(seen.modified, self._now())
        found = found.model_copy(update={"modified": modified})
        told = event("partner_org.updated", found.wire(), at=modified)
        try:
            self._organisations.change(seen, found, told)
        except (Overtaken, ChangedMeanwhile):
            # Somebody else was quicker. Nothing is lost: whoever needs it next looks it up again.
            return found
        return found


def resolved(organisation: Organisation, zuora: ZuoraAccounts) -> Organisation:
    """With the id, number and currency of its Zuora account, which is asked only where unknown.

    Raises `PartnerAccountUnusable` and `ZuoraFailed`.
    """
    data = organisation.data
    if data.zuora_account_number is not None or not zuora.is_configured:
        return organisation
    account = zuora.find(data.zuora_account_id)
    if account is None or not account.is_active:
        lack = "does not exist" if account is None else "is not active"
        raise PartnerAccountUnusable(
            f"The Zuora account {data.zuora_account_id} of the partner organisation"
            f" {organisation.id} {lack}. Put that right in Zuora and try again, or make the"
            " organisation anew with another account.",
            field="zuoraAccountId",
            partner_org=organisation.id,
        )
    known = {
        "zuora_account_id": account.id,
        "zuora_account_number": account.number,
        "zuora_currency": account.currency,
    }
    return organisation.model_copy(update={"data": data.model_copy(update=known)})
