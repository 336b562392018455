"""Attaching a person's login, or an account elsewhere, to an owner, and detaching it.

One identity belongs to one owner, and all identities of an owner have the same rights.
Source: `000_277bab192cd07c3f.txt` of the seeds, its second call.
"""

from datetime import date, datetime
from typing import Protocol

from tessera import clock
from tessera.commerce.announcing import AT_ONCE, announce_rest, entitled
from tessera.commerce.commits import Commit, OwnerBusy, decided
from tessera.commerce.entitlements import Announcements, Ownership
from tessera.commerce.models import Identity, IdentityData, identity_id
from tessera.commerce.owners import present
from tessera.errors import Conflict, NotFound, invalid
from tessera.identity.claims import IdToken, Label
from tessera.identity.issuers import normalised
from tessera.objects import Model

MOST_IDENTITIES = 50
"""Per owner: every webhook body lists them all."""


class IdentityInUse(Conflict):
    title = "The identity belongs to another owner"


class Labels(Protocol):
    def of(self, normalised_issuer: str) -> tuple[str | None, str | None]:
        """Service and type as configured for an issuer; none where nothing is configured."""


class Owners(Protocol):
    def ownership(self, owner: str) -> Ownership | None: ...

    def identity(self, id: str) -> Identity | None: ...

    def commit(self, change: Commit) -> None:
        """Raises `Outdated` or `Exists`."""


class NewIdentity(Model):
    id_token: IdToken
    service: Label | None = None
    type: Label | None = None


def attach(
    new: NewIdentity, *, to: str, owners: Owners, labels: Labels, now: datetime, today: date
) -> Identity:
    """The identity as attached to the owner `to`, and the events that tell whose access it is.

    A repeat changes nothing, or labels and spelling alone. An identity of an owner that has nothing
    else (somebody signed in before) is taken over, and that owner becomes `replaced`.
    Raises `NotFound`, `OwnerMerged`, `OwnerBusy`, `IdentityInUse`, `InvalidFields`.
    """
    attached, unannounced = decided(lambda: _attach_once(new, to, owners, labels, now, today))
    if unannounced:
        announce_rest(to, owners=owners, now=now, today=today)
    return attached


def detach(identity: str, *, owner: str, owners: Owners, now: datetime, today: date) -> None:
    """Takes the identity from the owner, and tells whose access it still is.

    The last one may go: that person's next login begins with an empty owner.
    Raises `NotFound` when it is not this owner's, `OwnerMerged` and `OwnerBusy`.
    """
    unannounced = decided(lambda: _detach_once(identity, owner, owners, now, today))
    if unannounced:
        announce_rest(owner, owners=owners, now=now, today=today)


def identities_of(owner: str, *, owners: Owners) -> tuple[Identity, ...]:
    """Oldest attachment first. Raises `NotFound`, `OwnerMerged`."""
    return present(owners.ownership(owner), owner).identities


def _attach_once(
    new: NewIdentity, to: str, owners: Owners, labels: Labels, now: datetime, today: date
) -> tuple[Identity, bool]:
    """The identity, and whether subscriptions are left to be announced."""
    ownership = _writable(owners.ownership(to), to)
    issuer = normalised(new.id_token.iss)
    id = identity_id(issuer, new.id_token.sub)
    service, type_ = labels.of(issuer)
    data = IdentityData(
        iss=new.id_token.iss,
        sub=new.id_token.sub,
        service=new.service or service,
        type=new.type or type_,
    )
    existing = owners.identity(id)
    if existing is not None and existing.owner == to:
        if existing.data == data:
            return existing, bool(ownership.unannounced)
        updated = clock.after(existing.updated, now)
        identity = existing.model_copy(update={"data": data, "updated": updated})
        return _commit(identity, ownership, None, owners, now, today, created=False)
    if len(ownership.identities) >= MOST_IDENTITIES:
        raise invalid(
            "id_token",
            f"An owner has at most {MOST_IDENTITIES} identities. Detach one that is not used.",
        )
    identity = Identity(
        id=id,
        mode=ownership.owner.mode,
        owner=to,
        partner_org=ownership.owner.partner_org,
        name=data.sub,
        created=now,
        updated=now if existing is None else clock.after(existing.updated, now),
        data=data,
    )
    emptied = None if existing is None else _emptied(existing, to, owners)
    return _commit(identity, ownership, emptied, owners, now, today, created=existing is None)


def _emptied(existing: Identity, to: str, owners: Owners) -> Ownership:
    """The other owner, if it has nothing but this identity. Raises `IdentityInUse`."""
    other = owners.ownership(existing.owner or "")
    if other is None or not other.is_empty or other.owner.status != "active":
        raise IdentityInUse(
            f"This identity belongs to {existing.owner}. If both are one person, merge the owners"
            " by POST /api/objects/owner_change.",
            owner=existing.owner,
        )
    return other


def _commit(
    identity: Identity,
    ownership: Ownership,
    emptied: Ownership | None,
    owners: Owners,
    now: datetime,
    today: date,
    *,
    created: bool,
) -> tuple[Identity, bool]:
    attached_already = any(one.id == identity.id for one in ownership.identities)
    listed = (
        tuple(identity if one.id == identity.id else one for one in ownership.identities)
        if attached_already
        else (*ownership.identities, identity)
    )
    telling = _told("identity.attached", identity, ownership, listed, now, today)
    owners.commit(
        Commit(
            ownership=telling.ownership,
            seen=ownership.owner.updated,
            creates=[identity] if created else [],
            replaces=[] if created else [identity],
            events=telling.events,
            ceding=None if emptied is None else _retired(emptied, identity, now),
        )
    )
    return identity, bool(telling.ownership.unannounced)


def _detach_once(id: str, owner: str, owners: Owners, now: datetime, today: date) -> bool:
    """Are subscriptions left to be announced?"""
    ownership = _writable(owners.ownership(owner), owner)
    identity = next((one for one in ownership.identities if one.id == id), None)
    if identity is None:
        raise NotFound("This owner has no such identity.", code="not_found")
    left = tuple(one for one in ownership.identities if one.id != id)
    telling = _told("identity.detached", identity, ownership, left, now, today)
    owners.commit(
        Commit(
            ownership=telling.ownership,
            seen=ownership.owner.updated,
            removes=[identity],
            events=telling.events,
        )
    )
    return bool(telling.ownership.unannounced)


def _told(
    type: str,
    identity: Identity,
    ownership: Ownership,
    listed: tuple[Identity, ...],
    now: datetime,
    today: date,
) -> Announcements:
    """What became of the identity, then whose access it is: as much as one commit holds."""
    telling = Announcements(ownership, now=now, today=today)
    all_entitled = entitled(ownership, today)
    telling.becomes(
        ownership.model_copy(update={"identities": listed, "unannounced": all_entitled[AT_ONCE:]})
    )
    telling.tell(type, identity.wire())
    for subscription in all_entitled[:AT_ONCE]:
        telling.entitlements(subscription)
    return telling


def _retired(emptied: Ownership, identity: Identity, now: datetime) -> tuple[Ownership, datetime]:
    updated = clock.after(emptied.owner.updated, now)
    owner = emptied.owner.model_copy(
        update={"status": "replaced", "replaced_by": identity.owner, "updated": updated}
    )
    return emptied.model_copy(update={"owner": owner, "identities": ()}), emptied.owner.updated


def _writable(ownership: Ownership | None, owner: str) -> Ownership:
    there = present(ownership, owner)
    if there.owner.status == "merging":
        raise OwnerBusy("The owner is being merged. Try again in a minute.")
    return there
