"""Whether an owner is there to be read: it exists, and has not become another."""

from tessera.commerce.entitlements import Ownership
from tessera.errors import Conflict, Gone, NotFound


class TooManySubscriptions(Conflict):
    title = "The owner has more subscriptions than one answer holds"


class OwnerMerged(Gone):
    title = "The owner has become another"


def present(ownership: Ownership | None, owner: str) -> Ownership:
    """What was read of `owner`. Raises `NotFound`, and `OwnerMerged` naming the survivor."""
    if ownership is None:
        raise NotFound(f"There is no owner {owner[:60]}.", code="not_found")
    survivor = ownership.owner.merged_into or ownership.owner.replaced_by
    if ownership.owner.status in ("merged", "replaced"):
        raise OwnerMerged(f"This owner is now {survivor}. Use that id.", owner=survivor)
    return ownership
