"""Partner organisations: creating, reading, listing, changing and archiving them.

Source: README, "Partners"; `003_cee8efdc5e1f9bc3.txt` of the seeds.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple, Protocol, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from tessera import clock, ids
from tessera.cursors import Cursors
from tessera.errors import FieldError, InvalidFields, InvalidRequest
from tessera.events import Event, event
from tessera.identity.principal import Principal
from tessera.objects import Model, canonical_json
from tessera.partners.accounts import SalesforceAccounts, ZuoraAccount, ZuoraAccounts
from tessera.partners.errors import (
    ChangedMeanwhile,
    NoOrganisation,
    OrganisationArchived,
    Overtaken,
)
from tessera.partners.models import Organisation, OrganisationData
from tessera.text import line

T = TypeVar("T")
_TRIES = 3
_EDITABLE = ("name", "logo")


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("line breaks and control characters are not allowed")
    return text


def _https(url: str) -> str:
    """An empty text is no logo."""
    if url and not _is_https(url):
        raise ValueError("give an address that begins with https://")
    return url


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # a host in brackets that is no IPv6 address
        return False
    return bool(parts.scheme == "https" and parts.hostname and url.isprintable() and " " not in url)


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(line),
]
Logo = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2048), AfterValidator(_https)
]
_Id = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
    AfterValidator(_printable),
]


class NewOrganisation(Model):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=False)

    name: Name
    zuora_account_id: _Id
    """Its id or its number."""
    is_zuora_invoice_owner: StrictBool
    salesforce_account_id: Annotated[str, Field(max_length=64)] | None = None
    logo: Logo | None = None


class Additions(Protocol):
    def of_zuora_account(self, account_id: str) -> list[str]: ...

    def add(self, organisation: Organisation, event: Event) -> None: ...


class Reading(Protocol):
    def find(self, id: str) -> Organisation | None: ...


class Names(Protocol):
    def organisations(
        self, *, limit: int, after: dict[str, Any] | None
    ) -> tuple[list[Organisation], dict[str, Any] | None]:
        """Newest first, and where the next page begins."""


class Changes(Reading, Protocol):
    def change(self, seen: Organisation, changed: Organisation, event: Event) -> None:
        """Raises `Overtaken`."""


class Archive(Reading, Protocol):
    def archive(self, seen: Organisation, archived: Organisation, event: Event) -> None:
        """Raises `OrganisationHasUsers` and `Overtaken`."""


class Warned(Model):
    code: str
    message: str
    field: str


class Created(NamedTuple):
    organisation: Organisation
    warnings: tuple[Warned, ...]

    def wire(self) -> dict[str, Any]:
        shown = self.organisation.wire()
        if self.warnings:
            shown["warnings"] = [one.wire() for one in self.warnings]
        return shown


def create(
    new: NewOrganisation,
    *,
    organisations: Additions,
    zuora: ZuoraAccounts,
    salesforce: SalesforceAccounts,
    mode: str,
    now: datetime,
) -> Created:
    """Raises `InvalidFields` naming each account at fault, `ZuoraFailed`, `SalesforceFailed`.

    What is not connected is not asked: its id is stored as it was given.
    """
    errors: list[FieldError] = []
    account = _zuora_account(new.zuora_account_id, zuora, errors)
    parent = _salesforce_account(new.salesforce_account_id, salesforce, errors)
    if errors:
        raise InvalidFields(errors)
    organisation = Organisation(
        id=ids.random(Organisation.prefix),
        mode=mode,
        status="active",
        name=new.name,
        created=now,
        modified=now,
        data=OrganisationData(
            zuora_account_id=account.id,
            zuora_account_number=account.number or None,
            zuora_currency=account.currency,
            is_zuora_invoice_owner=new.is_zuora_invoice_owner,
            salesforce_account_id=parent,
            logo=new.logo or None,
        ),
    )
    warnings = []
    if organisations.of_zuora_account(account.id):
        text = "Another partner organisation has this Zuora account: both see its invoices."
        warnings.append(Warned(code="zuora_account_shared", message=text, field="zuoraAccountId"))
    if parent is None and salesforce.is_configured:
        text = "Its customers get no parent account in Salesforce, and it cannot be added later."
        warnings.append(Warned(code="no_parent_account", message=text, field="salesforceAccountId"))
    organisations.add(organisation, event("partner_org.created", organisation.wire(), at=now))
    return Created(organisation, tuple(warnings))


def read(id: str, *, organisations: Reading) -> Organisation:
    """Raises `InvalidRequest` for what is no id, and `NotFound`."""
    if not ids.is_id(id, Organisation.prefix):
        raise InvalidRequest(
            "The id of a partner organisation is partner_org- and 32 hexadecimal digits.",
            code="invalid_request",
        )
    organisation = organisations.find(id)
    if organisation is None:
        raise NoOrganisation
    return organisation


def list_page(
    *, limit: int, cursor: str | None, by: Principal, organisations: Names, cursors: Cursors
) -> dict[str, Any]:
    """`{"items", "queryMore"}`, newest first, archived ones among them."""
    query = canonical_json(["partner-organisations", by.kind, by.id])
    after = None if cursor is None else cursors.open(cursor, of=query)
    found, following = organisations.organisations(limit=limit, after=after)
    more = None if following is None else cursors.seal(following, of=query)
    return {"items": [one.wire() for one in found], "queryMore": more}


def change(
    id: str, members: Mapping[str, Any], *, organisations: Changes, now: datetime
) -> Organisation:
    """Sets name and logo, an empty logo removes it; without a difference nothing is written.

    Raises `InvalidFields` naming every other member, whatever its value, `NotFound`,
    `OrganisationArchived` and `ChangedMeanwhile`.
    """
    edits = _edits(members)

    def attempt() -> Organisation:
        seen = read(id, organisations=organisations)
        if seen.status == "archived":
            raise OrganisationArchived("An archived organisation stays as it is.")
        data = seen.data
        if "logo" in edits:
            data = data.model_copy(update={"logo": edits["logo"] or None})
        update = {"name": edits.get("name", seen.name), "data": data}
        changed = seen.model_copy(update=update)
        if changed == seen:
            return seen
        modified = clock.after(seen.modified, now)
        changed = changed.model_copy(update={"modified": modified})
        organisations.change(
            seen, changed, event("partner_org.updated", changed.wire(), at=modified)
        )
        return changed

    return unless_overtaken(attempt)


def archive(id: str, *, organisations: Archive, now: datetime) -> None:
    """Nobody sells for it any more; objects keep naming it. A repeat changes nothing.

    Raises `OrganisationHasUsers`, `NotFound` and `ChangedMeanwhile`.
    """

    def attempt() -> None:
        seen = read(id, organisations=organisations)
        if seen.status == "archived":
            return
        modified = clock.after(seen.modified, now)
        archived = seen.model_copy(update={"status": "archived", "modified": modified})
        organisations.archive(
            seen, archived, event("partner_org.archived", archived.wire(), at=modified)
        )

    unless_overtaken(attempt)


def unless_overtaken(attempt: Callable[[], T]) -> T:
    """Tries again on what others have written in between. Raises `ChangedMeanwhile` in the end."""
    for _ in range(_TRIES):
        try:
            return attempt()
        except Overtaken:
            continue
    raise ChangedMeanwhile("Others are changing this at this moment. Send the request again.")


def _zuora_account(key: str, zuora: ZuoraAccounts, errors: list[FieldError]) -> ZuoraAccount:
    unchecked = ZuoraAccount(id=key, number="", currency=None, is_active=True)
    if not zuora.is_configured:
        return unchecked
    account = zuora.find(key)
    if account is None:
        text = "Zuora has no account with this id or number."
    elif not account.is_active:
        text = "This account is not active in Zuora."
    else:
        return account
    errors.append(FieldError("zuoraAccountId", "invalid_value", text))
    return unchecked


def _salesforce_account(
    given: str | None, salesforce: SalesforceAccounts, errors: list[FieldError]
) -> str | None:
    text = (given or "").strip()
    if not text:
        return None
    id = salesforce.full_id(text)
    if id is None:
        words = "A Salesforce account id is 001 and 12 or 15 more letters and digits."
    elif salesforce.is_configured and not salesforce.account_exists(id):
        words = "Salesforce has no account with this id."
    else:
        return id
    errors.append(FieldError("salesforceAccountId", "invalid_value", words))
    return None


_NAME: TypeAdapter[str] = TypeAdapter(Name)
_LOGO: TypeAdapter[str] = TypeAdapter(Logo)


def _edits(members: Mapping[str, Any]) -> dict[str, str]:
    errors = [
        FieldError(member, "not_editable", "Only name and logo can be changed")
        for member in members
        if member not in _EDITABLE
    ]
    edits = {}
    for member, adapter in (("name", _NAME), ("logo", _LOGO)):
        if member in members:
            try:
                edits[member] = adapter.validate_python(members[member])
            except ValidationError as unfit:
                (first, *_) = unfit.errors(include_url=False)
                code = "too_long" if first["type"] == "string_too_long" else "invalid_value"
                text = first["msg"].removeprefix("Value error, ")
                errors.append(FieldError(member, code, f"{member}: {text}"))
    if errors:
        raise InvalidFields(errors)
    return edits
