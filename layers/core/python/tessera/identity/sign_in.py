"""Who a signed-in user is here: the owner of an identity, made on the first login.

Nothing is ever matched by e-mail: an address at a provider proves nothing about a purchase.
"""

from datetime import datetime

from tessera import ids
from tessera.commerce.commits import Commit, decided
from tessera.commerce.entitlements import Ownership
from tessera.commerce.models import Identity, IdentityData, Owner, identity_id
from tessera.identity.external import Labels, Owners
from tessera.identity.issuers import normalised
from tessera.identity.principal import Customer


def owner_of(
    customer: Customer, *, owners: Owners, labels: Labels, now: datetime, mode: str
) -> str:
    """The owner's id. An unknown identity gets an empty owner, so that the person can buy.

    Attaching the identity to another owner later takes it over from the empty one.
    """
    return decided(lambda: _owner_of(customer, owners, labels, now, mode))


def known_owner_of(customer: Customer, *, owners: Owners) -> str | None:
    """The owner's id, or none for somebody who was never here before; writes nothing."""
    known = owners.identity(identity_id(normalised(customer.issuer), customer.id))
    return known.owner if known is not None else None


def _owner_of(customer: Customer, owners: Owners, labels: Labels, now: datetime, mode: str) -> str:
    issuer = normalised(customer.issuer)
    known = owners.identity(identity_id(issuer, customer.id))
    if known is not None and known.owner is not None:
        return known.owner
    owner = Owner(id=ids.random("id"), mode=mode, created=now, updated=now)
    service, type_ = labels.of(issuer)
    identity = Identity(
        id=identity_id(issuer, customer.id),
        mode=mode,
        owner=owner.id,
        name=customer.id,
        created=now,
        updated=now,
        data=IdentityData(iss=customer.issuer, sub=customer.id, service=service, type=type_),
    )
    owners.commit(
        Commit(
            ownership=Ownership(owner=owner, identities=(identity,)),
            seen=None,
            creates=[identity],
        )
    )
    return owner.id
