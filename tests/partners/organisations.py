"""Organisations, users and accounts to test with, and what they are kept in, in memory."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tessera.events import Event
from tessera.identity.principal import Partner
from tessera.partners.accounts import ZuoraAccount
from tessera.partners.errors import EmailInUse, NoOrganisation, OrganisationHasUsers, Overtaken
from tessera.partners.models import (
    Organisation,
    OrganisationData,
    PartnerUser,
    Unfinished,
    UserData,
)
from tessera.partners.users import Login, LoginExists
from tests.builders import NOW

ACME = "partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1"
BOREALIS = "partner_org-0b0ea115000000000000000000000000"
ACME_ZUORA = "8ad08aef7a0e1f20017a0e1f21314253"
ACME_SALESFORCE = "001Dn00000AbCdEIAV"
EMAIL = "petra@acme.example"


def organisation(id: str = ACME, **detail: Any) -> Organisation:
    return Organisation(
        **{
            "id": id,
            "status": "active",
            "name": "Acme Resellers",
            "created": NOW,
            "modified": NOW,
            "data": OrganisationData(
                zuora_account_id=ACME_ZUORA,
                zuora_account_number="A00000007",
                zuora_currency="GBP",
                is_zuora_invoice_owner=True,
                salesforce_account_id=ACME_SALESFORCE,
            ),
            **detail,
        }
    )


def partner_of(id: str = ACME, **detail: Any) -> Partner:
    """Somebody who is signed in for an organisation."""
    user = "partner_user-8d39f72b071341a9545e4b0e927bac09"
    members = {"id": user, "name": "Petra Novak", "organisation": organisation(id).acting()}
    return Partner(**{**members, **detail})


def petra(**detail: Any) -> PartnerUser:
    return PartnerUser(
        **{
            "id": "partner_user-8d39f72b071341a9545e4b0e927bac09",
            "status": "active",
            "name": "Petra Novak",
            "partner_org": ACME,
            "created": NOW,
            "modified": NOW,
            "data": UserData(email=EMAIL),
            "subject": "subject-0",
            **detail,
        }
    )


class Accounts:
    """Zuora's, by id and number; not connected where none are given."""

    def __init__(self, *accounts: ZuoraAccount, failing: Exception | None = None) -> None:
        self.is_configured = bool(accounts) or failing is not None
        self._known = {key: one for one in accounts for key in (one.id, one.number)}
        self._failing = failing

    def find(self, key: str) -> ZuoraAccount | None:
        if self._failing is not None:
            raise self._failing
        return self._known.get(key)


class CrmAccounts:
    """Salesforce's; not connected where none are given."""

    def __init__(self, *ids: str, failing: Exception | None = None) -> None:
        self.is_configured = bool(ids) or failing is not None
        self._ids = ids
        self._failing = failing

    def full_id(self, text: str) -> str | None:
        """Those of the tests: one has its 18 characters worked out by hand."""
        known = {ACME_SALESFORCE[:15]: ACME_SALESFORCE}
        return known.get(text, text if len(text) == 18 else None)

    def account_exists(self, id: str) -> bool:
        if self._failing is not None:
            raise self._failing
        return id in self._ids


class Kept:
    """Partner organisations and users as the table keeps them, with what was announced."""

    def __init__(self, *organisations: Organisation) -> None:
        self.organisations_by_id = {one.id: one for one in organisations}
        self.users: dict[str, PartnerUser] = {}
        self.claims: dict[str, str] = {}
        self.due: dict[str, datetime] = {}
        self.told: list[Event] = []

    def find(self, id: str) -> Organisation | None:
        return self.organisations_by_id.get(id)

    def of_zuora_account(self, account_id: str) -> list[str]:
        all = self.organisations_by_id.values()
        return [one.id for one in all if one.data.zuora_account_id == account_id]

    def add(self, organisation: Organisation, event: Event) -> None:
        self.organisations_by_id[organisation.id] = organisation
        self.told.append(event)

    def change(self, seen: Organisation, changed: Organisation, event: Event) -> None:
        if self.organisations_by_id[seen.id].modified != seen.modified:
            raise Overtaken
        self.add(changed, event)

    def archive(self, seen: Organisation, archived: Organisation, event: Event) -> None:
        if any(user.partner_org == seen.id for user in self.users.values()):
            raise OrganisationHasUsers("it has users")
        self.change(seen, archived, event)

    def user(self, partner_org: str, id: str) -> PartnerUser | None:
        found = self.users.get(id)
        return found if found is not None and found.partner_org == partner_org else None

    def enrol(self, user: PartnerUser, *, due: datetime) -> None:
        if user.partner_org not in self.organisations_by_id:
            raise NoOrganisation
        if user.data.email in self.claims:
            raise EmailInUse("in use")
        self.users[user.id] = user
        self.claims[user.data.email] = user.id
        self.due[user.id] = due

    def activate(self, seen: PartnerUser, active: PartnerUser, event: Event) -> None:
        self._write(seen, active)
        self.due.pop(seen.id)
        self.told.append(event)

    def rename(self, seen: PartnerUser, renamed: PartnerUser) -> None:
        self._write(seen, renamed)

    def begin_removal(self, seen: PartnerUser, removing: PartnerUser, *, due: datetime) -> None:
        self._write(seen, removing)
        self.due[seen.id] = due

    def forget(self, user: PartnerUser, told: Sequence[Event] = ()) -> None:
        self._check(user)
        del self.users[user.id], self.claims[user.data.email], self.due[user.id]
        self.told += told

    def unfinished(self, *, until: datetime, limit: int) -> list[Unfinished]:
        due = sorted((at, id) for id, at in self.due.items() if at <= until)
        return [Unfinished(self.users[id], at.isoformat()) for at, id in due[:limit]]

    def take(self, unfinished: Unfinished, *, due: datetime) -> bool:
        self.due[unfinished.user.id] = due
        return True

    def _write(self, seen: PartnerUser, changed: PartnerUser) -> None:
        self._check(seen)
        self.users[seen.id] = changed

    def _check(self, seen: PartnerUser) -> None:
        there = self.users.get(seen.id)
        if there is None or there.modified != seen.modified:
            raise Overtaken


class Pool:
    """The partners' user pool: logins by e-mail, and who was invited how often."""

    def __init__(self) -> None:
        self.logins: dict[str, Login] = {}
        self.invitations: list[str] = []
        self.signed_out: list[str] = []
        self.now = NOW
        self._made = 0

    def create(self, email: str, name: str) -> str:
        if email in self.logins:
            raise LoginExists
        self._made += 1
        self.logins[email] = Login(f"subject-{self._made}", self.now)
        self.invitations.append(email)
        return self.logins[email].subject

    def find(self, email: str) -> Login | None:
        return self.logins.get(email)

    def invite_again(self, email: str) -> None:
        self.invitations.append(email)

    def sign_out(self, name: str) -> None:
        self.signed_out.append(name)

    def delete(self, name: str) -> None:
        kept = {e: one for e, one in self.logins.items() if name not in (e, one.subject)}
        self.logins = kept
