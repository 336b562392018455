"""What Tessera sends to Salesforce: a customer as an Account with its Contact.

Texts longer than Salesforce's fields are cut, since no order should fail for a long name.
"""

from typing import Any, NamedTuple
from urllib.parse import quote

from tessera.integrations.countries import country_name

LONGEST_EMAIL = 80


class Crm(NamedTuple):
    """How this Salesforce org is set up (README, "Configuration")."""

    api_version: str = "65.0"
    external_id_field: str = "Tessera_Id__c"
    """On Account and Contact: text, External ID, Unique."""
    record_type_id: str = ""
    billing_address: bool = False
    """Off by default: orgs with country picklists refuse what they do not know."""

    @property
    def data(self) -> str:
        return f"/services/data/v{self.api_version}"

    def row(self, sobject: str, external_id: str) -> str:
        """The path of the one record with this external id."""
        id = quote(external_id, safe="")
        return f"{self.data}/sobjects/{sobject}/{self.external_id_field}/{id}"


class CrmAddress(NamedTuple):
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class CrmCustomer(NamedTuple):
    """A business customer. Its id in Tessera is the external id of both records."""

    id: str
    name: str
    """The company, or the person's name where there is none."""
    first_name: str | None
    last_name: str
    email: str | None = None
    phone: str | None = None
    parent_id: str | None = None
    """The Salesforce account of the partner."""
    address: CrmAddress = CrmAddress()


def upsert(customer: CrmCustomer, crm: Crm) -> dict[str, Any]:
    """The body of the one composite call that writes both, or neither; repeatable as it stands.

    The duplicate header is not inherited by the parts: a similar name must not stop an order. The
    contact names its account by external id, since an update without an answer body has no id.
    """
    account = {
        "Name": customer.name[:255],
        "ParentId": customer.parent_id,
        "RecordTypeId": crm.record_type_id,
        **(_billing(customer.address) if crm.billing_address else {}),
    }
    email = customer.email or ""
    contact = {
        "FirstName": (customer.first_name or "")[:40],
        "LastName": customer.last_name[:80],
        "Email": email if len(email) <= LONGEST_EMAIL else "",
        "Phone": (customer.phone or "")[:40],
        "Account": {crm.external_id_field: customer.id},
    }
    return {
        "allOrNone": True,
        # Collation may reorder what depends on one another without saying so.
        "collateSubrequests": False,
        "compositeRequest": [
            _part("account", crm.row("Account", customer.id), account),
            _part("contact", crm.row("Contact", customer.id), contact),
        ],
    }


def _part(name: str, url: str, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "method": "PATCH",
        "referenceId": name,
        "url": url,
        "httpHeaders": {"Sforce-Duplicate-Rule-Header": "allowSave=true"},
        "body": {field: value for field, value in body.items() if value},
    }


def _billing(address: CrmAddress) -> dict[str, str]:
    street = ", ".join(line for line in (address.address1, address.address2) if line)
    return {
        "BillingStreet": street[:255],
        "BillingCity": (address.city or "")[:40],
        "BillingState": (address.state or "")[:80],
        "BillingPostalCode": (address.postal_code or "")[:20],
        "BillingCountry": (country_name(address.country) or "")[:80],
    }
