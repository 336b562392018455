"""The step of an order that Salesforce takes: the customer as an Account with its Contact."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Protocol

from tessera.commerce.commits import Busy, OwnerBusy
from tessera.commerce.models import Customer, Order, OrderWarning
from tessera.commerce.steps import Done, StepFailed, Trouble, Work
from tessera.errors import InvalidFields
from tessera.identity.claims import IdToken
from tessera.identity.external import IdentityInUse, Labels, NewIdentity, Owners, attach
from tessera.identity.principal import PartnerOrganisation
from tessera.integrations.salesforce import Salesforce, Upserted
from tessera.integrations.salesforce_requests import CrmAddress, CrmCustomer
from tessera.integrations.salesforce_verdicts import SalesforceFailed

_ISSUER, _TYPE = "salesforce", "account"


class Stored(Protocol):
    """A partner organisation as it is stored."""

    def acting(self) -> PartnerOrganisation: ...


class Named(Protocol):
    """Gives the owner the Salesforce account as an identity."""

    def __call__(self, account: str, order: Order) -> OrderWarning | None: ...


class SalesforceSteps:
    def __init__(
        self,
        salesforce: Salesforce,
        organisation: Callable[[str], Stored | None],
        named: Named,
    ) -> None:
        self._salesforce = salesforce
        self._organisation = organisation
        self._named = named

    @property
    def is_configured(self) -> bool:
        return self._salesforce.is_configured

    def carry_out(self, kind: str, work: Work) -> Done:
        """Repeating it is safe. Raises `StepFailed`."""
        customer = work.customer
        if kind != "salesforce_customer" or customer is None:
            raise ValueError(f"{kind} is no step of Salesforce's")
        known = customer.data.salesforce
        if known is not None and known.account_id is not None:
            return Done({"accountId": known.account_id})
        try:
            made = self._upsert(self._wanted(customer, work))
        except SalesforceFailed as failure:
            raise _judged(failure) from failure
        try:
            warning = self._named(made.account_id, work.order)
        except (Busy, OwnerBusy) as busy:
            trouble = Trouble("salesforce", busy.wire_code, busy.message)
            raise StepFailed("unavailable", trouble) from busy
        ids = {"account_id": made.account_id, "contact_id": made.contact_id}
        return Done(
            {"accountId": made.account_id, "contactId": made.contact_id},
            crm_account=ids,
            warnings=(warning,) if warning is not None else (),
        )

    def _upsert(self, wanted: CrmCustomer) -> Upserted:
        """An organisation made while Salesforce was not connected may name an account that is not
        there: who refuses is asked for it, so that the order can say so.
        """
        try:
            return self._salesforce.upsert_customer(wanted)
        except SalesforceFailed as failure:
            parent = wanted.parent_id
            if failure.verdict != "refused" or parent is None or self._salesforce.account(parent):
                raise
            raise StepFailed("refused", _no_parent(parent, failure)) from failure

    def _wanted(self, customer: Customer, work: Work) -> CrmCustomer:
        data, billing = customer.data, work.addresses.get("billing")
        id = work.order.partner_org
        stored = self._organisation(id) if id else None
        person = f"{data.first_name or ''} {data.last_name or ''}".strip()
        at = billing.data if billing is not None else None
        return CrmCustomer(
            id=customer.id,
            name=data.company_name or person or customer.id,
            first_name=data.first_name,
            last_name=data.last_name or data.company_name or customer.id,
            email=data.email,
            phone=data.phone,
            parent_id=stored.acting().salesforce_account_id if stored else None,
            address=CrmAddress()
            if at is None
            else CrmAddress(
                at.address1, at.address2, at.city, at.state, at.postal_code, at.country
            ),
        )


class SalesforceIdentity:
    """Attaches it, so that receivers shaped after Salesforce find themselves in the payload."""

    def __init__(
        self,
        owners: Owners,
        labels: Labels,
        *,
        now: Callable[[], datetime],
        today: Callable[[datetime], date],
    ) -> None:
        self._owners = owners
        self._labels = labels
        self._now = now
        self._today = today

    def __call__(self, account: str, order: Order) -> OrderWarning | None:
        """A warning when another owner has it already, or this one has too many."""
        new = NewIdentity(id_token=IdToken(iss=_ISSUER, sub=account), service=_ISSUER, type=_TYPE)
        now = self._now()
        try:
            attach(
                new,
                to=order.owner or "",
                owners=self._owners,
                labels=self._labels,
                now=now,
                today=self._today(now),
            )
        except (IdentityInUse, InvalidFields) as refused:
            return OrderWarning(code=refused.wire_code, message=refused.message)
        return None


def _no_parent(parent: str, failure: SalesforceFailed) -> Trouble:
    return Trouble(
        system="salesforce",
        code="partner_account_unusable",
        message=f"The Salesforce account {parent} of the partner organisation does not exist. Make"
        " the organisation anew with one that does.",
        codes=tuple(failure.codes),
        text=failure.vendor_text or None,
    )


def _judged(failure: SalesforceFailed) -> StepFailed:
    return StepFailed(
        failure.verdict,
        Trouble(
            system="salesforce",
            code="salesforce_failed",
            message=failure.message,
            codes=tuple(failure.codes),
            text=failure.vendor_text or None,
        ),
        retry_after=failure.retry_after,
        is_strike=failure.verdict == "credentials",
    )
