"""What the partner forms say, as the rules want it; each fault in a sentence at its field."""

from typing import Any

from tessera.edge.pages.forms import Fields, checked
from tessera.errors import FieldError
from tessera.objects import Model
from tessera.partners.organisations import Logo, Name, NewOrganisation
from tessera.partners.users import NewUser, UserChanges

_NAME = "Give the partner organisation a name"
_ORGANISATION = {
    "name": _NAME,
    "zuoraAccountId": "Give the id or the number of its account in Zuora",
    "isZuoraInvoiceOwner": "Choose who owns the invoices",
    "salesforceAccountId": "A Salesforce account id has 15 or 18 letters and digits",
}
_USER = {
    "name": "Give the user a name",
    "email": "Give an email address, as ann@acme.example",
}
_OWNERS = {"partner": True, "customer": False}


class _Edits(Model):
    name: Name | None = None
    logo: Logo | None = None


class _NamedUser(NewUser):
    name: Name


def new_organisation(fields: Fields, *, needs_salesforce: bool) -> NewOrganisation:
    """Raises `InvalidFields` naming every field at fault."""
    salesforce = fields.optional("salesforceAccountId")
    also = []
    if needs_salesforce and salesforce is None:
        text = "Give its account in Salesforce: it cannot be added later"
        also.append(FieldError("salesforceAccountId", "required", text))
    members = {
        "name": fields.text("name"),
        "logo": fields.optional("logo"),
        "zuoraAccountId": fields.text("zuoraAccountId"),
        "salesforceAccountId": salesforce,
        "isZuoraInvoiceOwner": _OWNERS.get(fields.text("isZuoraInvoiceOwner")),
    }
    return checked(NewOrganisation, members, _ORGANISATION, also)


def edits(fields: Fields) -> dict[str, Any]:
    """Everything that was posted: the rule refuses what cannot be edited."""
    members = {name: fields.text(name) for name in fields.names}
    known = {name: text for name, text in members.items() if name in _Edits.model_fields}
    checked(_Edits, known, _ORGANISATION)
    return members


def new_user(fields: Fields) -> NewUser:
    members = {"name": fields.text("name"), "email": fields.text("email")}
    return checked(_NamedUser, members, _USER)


def user_changes(fields: Fields) -> UserChanges:
    return checked(UserChanges, {"name": fields.text("name")}, _USER)
