"""Forms on owners: what they ask, what is read from them, and what is said afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from tessera.commerce.merging import OwnerChange
from tessera.commerce.sync import Synced
from tessera.edge.pages.formats import short_id
from tessera.edge.pages.forms import Fields
from tessera.edge.pages.visit import Answer, Visit
from tessera.errors import InvalidFields, InvalidRequest, NotFound, invalid
from tessera.identity.claims import IdToken
from tessera.identity.external import NewIdentity
from tessera.validation import of_validation

from .desk import Named
from .order_view import ORDERS
from .owner_view import at

_FIELDS = {
    "id_token": "iss",
    "destinationId": "destination",
    "sourceId": "destination",
    "destination_id": "destination",
    "source_id": "destination",
}


@contextmanager
def at_its_fields(missing: str = "destination") -> Iterator[None]:
    """Puts refusals at the fields of these forms; `missing` is where something was named."""
    try:
        yield
    except ValidationError as invalid_form:
        raise _renamed(of_validation(invalid_form.errors(include_url=False))) from None
    except InvalidFields as refused:
        raise _renamed(refused) from None
    except (NotFound, InvalidRequest) as refused:
        raise invalid(missing, refused.message, refused.wire_code) from None


def attach(visit: Visit, owner: Named) -> Answer:
    return visit.show(
        "attach.html",
        f"Attach identity to {_called(owner)}",
        crumbs=_crumbs(owner),
        cancel=_at(owner),
    )


def read_identity(fields: Fields) -> NewIdentity:
    return NewIdentity(
        id_token=IdToken(iss=fields.text("iss"), sub=fields.text("sub")),
        service=fields.optional("service"),
        type=fields.optional("type"),
    )


def confirm_detach(visit: Visit, owner: Named, identity: str) -> Answer:
    """Raises `NotFound`."""
    found = next((one for one in owner.ownership.identities if one.id == identity), None)
    if found is None:
        raise NotFound("This owner has no such identity.", code="not_found")
    return visit.show(
        "confirm.html",
        f"Detach {found.data.sub}?",
        crumbs=_crumbs(owner),
        sentence=f"Whoever signs in as {found.data.sub} loses access to everything of "
        f"{_called(owner)}, and access platforms are told.",
        button="Detach",
        cancel=_at(owner),
    )


def merge(visit: Visit, owner: Named) -> Answer:
    return visit.show(
        "merge.html",
        f"Merge {_called(owner)} into…",
        crumbs=_crumbs(owner),
        name=owner.name,
        owner=owner.ownership.owner.id,
        cancel=_at(owner),
    )


def read_merge(source: str, fields: Fields) -> OwnerChange:
    return OwnerChange.model_validate(
        {
            "sourceId": source,
            "destinationId": fields.text("destination"),
            "message": fields.optional("message"),
        }
    )


def merged(source: str, done: bool) -> str:
    if done:
        return f"{source} is part of this owner now"
    return f"{source} is becoming part of this owner; the rest follows within minutes"


def sync(visit: Visit, *, is_connected: bool) -> Answer:
    return visit.show("sync.html", "Sync a subscription", is_connected=is_connected)


def synced(key: str, done: Synced) -> str:
    mapping = done.mapping
    if mapping is None or mapping.status == "mapped":
        return f"{key} synced: all its rate plans were recognised"
    left = ", ".join(one.name or one.product_rate_plan_id for one in mapping.unmapped)
    return f"{key} synced, {mapping.status}" + (f". Not recognised: {left}" if left else "")


def _crumbs(owner: Named) -> list[tuple[str, str]]:
    return [("Orders", ORDERS), (_called(owner), _at(owner))]


def _at(owner: Named) -> str:
    return at(owner.ownership.owner.id)


def _called(owner: Named) -> str:
    """Of an owner without a name as much of its id as a heading has room for on a phone."""
    return owner.name if owner.name != owner.ownership.owner.id else short_id(owner.name)


def _renamed(refused: InvalidFields) -> InvalidFields:
    return InvalidFields(
        one._replace(field=_FIELDS.get(one.field, one.field.removeprefix("id_token.")))
        for one in refused.errors
    )
