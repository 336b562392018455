"""The step before a cancellation: somebody looks at leaving, which whoever keeps customers wants
to hear of while there is time to make an offer.
"""

from typing import Protocol

from tessera.commerce.buyers import Moment
from tessera.commerce.callers import Caller
from tessera.commerce.change_requests import CancelSubscription, ForSubscription
from tessera.commerce.change_rules import CancelDays, cancel_days, check_open, reached
from tessera.commerce.commits import Commit, decided
from tessera.commerce.entitlements import Announcements, Ownership
from tessera.commerce.models import Holding
from tessera.commerce.owners import present


class Owners(Protocol):
    def ownership(self, owner: str) -> Ownership | None: ...

    def holding(self, subscription: str) -> Holding | None: ...

    def commit(self, change: Commit) -> None:
        """Raises `Outdated`."""


def attempt(subscription: str, *, caller: Caller, owners: Owners, moment: Moment) -> CancelDays:
    """The days on which the subscription may end; raises `cancel.attempted` as an event.

    Nothing is cancelled. Raises `NotFound` and what stands in the way of a cancellation:
    `ManagedByPartner`, `ChangePending`, `SubscriptionNotActive`.
    """
    holding = reached(owners.holding(subscription), caller)
    request = CancelSubscription(
        order_type="cancel_subscription", for_subscription=ForSubscription(id=holding.id)
    )
    check_open(request, caller, holding, moment.today)
    owner = holding.owner or ""

    def announce() -> None:
        ownership = present(owners.ownership(owner), owner)
        telling = Announcements(ownership, now=moment.now, today=moment.today)
        telling.happened(
            "cancel.attempted",
            mode=moment.mode,
            partner_org=holding.partner_org,
            subscription=holding.id,
        )
        seen = ownership.owner.updated
        owners.commit(Commit(telling.ownership, seen, events=telling.events))

    decided(announce)
    return cancel_days(holding, caller, moment.today)
