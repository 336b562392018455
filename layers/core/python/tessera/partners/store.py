"""The Partners table: organisations, their users, and where both are looked for.

| row | pk | sk | newest | by_lookup |
|---|---|---|---|---|
| organisation | `partner_org-…` | `partner_org-…` | `{created}#{id}` | Zuora account |
| user | `partner_org-…` | `partner_user-…` | – | `unfinished`, while it is |
| claim on an e-mail | `email#{e-mail}` | `email#{e-mail}` | – | – |
| login of an active user | `login#{Cognito sub}` | `login#{Cognito sub}` | – | – |

| access | how | requests |
|---|---|---|
| an organisation; a user | Get | 1 |
| names of organisations | BatchGet | 1 |
| who is signed in, and for whom | BatchGet of login and organisation, consistent | 1 |
| users of an organisation | Query, consistent, in the order of their ids | 1 |
| organisations, newest first | Query newest | 1 |
| organisations of a Zuora account | Query by_lookup `zuora#{account id}` | 1 |
| users whose making or removal is half done | Query by_lookup `unfinished`, by when due | 1 |

A user's every change but `lastSeen` raises `modified` and is conditional on the one that was read.
An organisation counts its users in the transactions that enrol and remove them, so that it cannot
be archived beside one. The login row is there exactly while the user is active.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from tessera import clock, outbox
from tessera.dynamo import (
    ConditionFailed,
    Row,
    TransactionLost,
    Write,
    commit,
    delete,
    get,
    get_many,
    put,
    query,
    update,
    walk,
    write,
)
from tessera.events import Event
from tessera.identity.principal import Partner
from tessera.partners.errors import (
    ChangedMeanwhile,
    EmailInUse,
    NoOrganisation,
    OrganisationArchived,
    OrganisationHasUsers,
    Overtaken,
)
from tessera.partners.models import KnownLogin, Organisation, PartnerUser, Unfinished
from tessera.tables import PARTNERS

_SHAPE = 1
_ALL = "organisations"
_UNFINISHED = "unfinished"
_TRIES = 5
_QUERIES_A_PAGE = 4
"""A page is one query; more only where DynamoDB cuts one at 1 MB."""


class PartnersTable:
    def __init__(self, name: str, events_table: str = "") -> None:
        """`events_table` is needed to change anything, not to read."""
        self._name = name
        self._events = events_table

    def find(self, id: str) -> Organisation | None:
        row = get(self._name, {"pk": id, "sk": id})
        return _organisation(row) if row else None

    def active(self, id: str) -> Organisation | None:
        """The organisation, unless it is archived."""
        organisation = self.find(id)
        return organisation if organisation and organisation.status == "active" else None

    def names(self, ids: Iterable[str]) -> dict[str, str]:
        """Of up to a hundred organisations, by id, in one request."""
        keys = [{"pk": id, "sk": id} for id in dict.fromkeys(ids)]
        rows = get_many(self._name, keys) if keys else []
        return {row["pk"]: row["name"] for row in rows}

    def of_zuora_account(self, account_id: str) -> list[str]:
        """Ids of the active organisations that have this Zuora account."""
        page = query(self._name, PARTNERS, f"zuora#{account_id}", index="by_lookup", limit=40)
        return [row["pk"] for row in page.rows if row["status"] == "active"]

    def organisations(
        self, *, limit: int, after: Row | None
    ) -> tuple[list[Organisation], Row | None]:
        """Newest first, and the key after which the next page begins."""
        page = walk(
            self._name,
            PARTNERS,
            [_ALL],
            index="newest",
            limit=limit,
            after=after,
            at_most=_QUERIES_A_PAGE,
            newest_first=True,
        )
        return [_organisation(row) for row in page.rows], page.next

    def add(self, organisation: Organisation, event: Event) -> None:
        row = _organisation_row(organisation)
        _commit(
            [
                put(self._name, row, condition="attribute_not_exists(pk)"),
                outbox.record(self._events, event),
            ]
        )

    def change(self, seen: Organisation, changed: Organisation, event: Event) -> None:
        """Writes name and data. Raises `Overtaken` if it is not as it was seen."""
        try:
            _commit([self._changed(seen, changed), outbox.record(self._events, event)])
        except ConditionFailed as failed:
            raise Overtaken from failed

    def archive(self, seen: Organisation, archived: Organisation, event: Event) -> None:
        """Raises `OrganisationHasUsers`, and `Overtaken` if it is not as it was seen."""
        archiving = self._changed(seen, archived, only="#users = :none", none=0)
        try:
            _commit([archiving, outbox.record(self._events, event)])
        except ConditionFailed as failed:
            if failed.rows[0]["users"]:
                raise OrganisationHasUsers(
                    "Remove its users first; then the organisation can be archived."
                ) from failed
            raise Overtaken from failed

    def user(self, partner_org: str, id: str) -> PartnerUser | None:
        row = get(self._name, {"pk": partner_org, "sk": id})
        return _user(row) if row else None

    def users_of(
        self, partner_org: str, *, limit: int, after: Row | None
    ) -> tuple[list[PartnerUser], Row | None]:
        """In the order of their ids, and the key after which the next page begins."""
        page = query(
            self._name,
            PARTNERS,
            partner_org,
            begins="partner_user-",
            limit=limit,
            start=after,
            consistent=True,
        )
        return [_user(row) for row in page.rows], page.next

    def enrol(self, user: PartnerUser, *, due: datetime) -> None:
        """Stores the user as `inviting`, to be looked after from `due` on if it still is.

        Raises `NoOrganisation`, `OrganisationArchived` and `EmailInUse`.
        """
        row = {**_user_row(user), "lookup_pk": _UNFINISHED, "lookup_sk": clock.instant(due)}
        claim = {**_claim_key(user), "shape": _SHAPE, "user": user.id}
        writes = [
            update(
                self._name,
                _organisation_key(user.partner_org),
                "SET #users = #users + :one",
                condition="attribute_exists(pk) AND #status = :active",
                returning=True,
                one=1,
                active="active",
            ),
            put(self._name, claim, condition="attribute_not_exists(pk)"),
            put(self._name, row, condition="attribute_not_exists(pk)"),
        ]
        try:
            _commit(writes)
        except ConditionFailed as failed:
            if 0 in failed.failed:
                if 0 not in failed.rows:
                    raise NoOrganisation from failed
                raise OrganisationArchived("An archived organisation gets no users.") from failed
            raise EmailInUse("Another partner user already has this e-mail address.") from failed

    def activate(self, seen: PartnerUser, active: PartnerUser, event: Event) -> None:
        """The login is made: from now on it opens. Raises `Overtaken`."""
        activation = self._user_changed(
            seen,
            "SET #status = :status, subject = :subject, modified = :modified"
            " REMOVE lookup_pk, lookup_sk",
            status=active.status,
            subject=active.subject or "",
            modified=clock.instant(active.modified),
        )
        self._commit_on(
            [
                activation,
                put(self._name, _login_row(active)),
                outbox.record(self._events, event),
            ]
        )

    def rename(self, seen: PartnerUser, renamed: PartnerUser) -> None:
        """Raises `Overtaken`."""
        modified = clock.instant(renamed.modified)
        writes = [
            self._user_changed(
                seen,
                "SET #name = :name, modified = :modified",
                name=renamed.name,
                modified=modified,
            )
        ]
        if seen.status == "active":
            writes.append(put(self._name, _login_row(renamed)))
        self._commit_on(writes)

    def begin_removal(self, seen: PartnerUser, removing: PartnerUser, *, due: datetime) -> None:
        """Ends access, and has the rest looked after from `due` on. Raises `Overtaken`."""
        writes = [
            self._user_changed(
                seen,
                "SET #status = :status, modified = :modified, lookup_pk = :unfinished,"
                " lookup_sk = :due",
                status=removing.status,
                modified=clock.instant(removing.modified),
                unfinished=_UNFINISHED,
                due=clock.instant(due),
            )
        ]
        if seen.subject is not None:
            writes.append(delete(self._name, _login_key(seen.subject)))
        self._commit_on(writes)

    def forget(self, user: PartnerUser, told: Sequence[Event] = ()) -> None:
        """Deletes the user and frees the e-mail. Raises `Overtaken` if it is not as it was read."""
        self._commit_on(
            [
                delete(
                    self._name,
                    _user_key(user),
                    condition="modified = :seen",
                    seen=clock.instant(user.modified),
                ),
                delete(self._name, _claim_key(user), condition="#user = :user", user=user.id),
                update(
                    self._name,
                    _organisation_key(user.partner_org),
                    "SET #users = #users - :one",
                    one=1,
                ),
                *(outbox.record(self._events, event) for event in told),
            ]
        )

    def unfinished(self, *, until: datetime, limit: int) -> list[Unfinished]:
        """Users whose making or removal should have ended by then, the longest due first."""
        rows = query(
            self._name,
            PARTNERS,
            _UNFINISHED,
            index="by_lookup",
            until=clock.instant(until),
            limit=limit,
        ).rows
        return [Unfinished(_user(row), row["lookup_sk"]) for row in rows]

    def take(self, unfinished: Unfinished, *, due: datetime) -> bool:
        """Puts it off until `due`, for whoever comes first: the others are told no."""
        try:
            write(
                update(
                    self._name,
                    _user_key(unfinished.user),
                    "SET lookup_sk = :due",
                    condition="lookup_sk = :seen AND modified = :modified",
                    due=clock.instant(due),
                    seen=unfinished.due,
                    modified=clock.instant(unfinished.user.modified),
                )
            )
        except ConditionFailed:
            return False
        return True

    def signed_in(self, subject: str, *, organisation: str) -> Partner | None:
        """The active user with this Cognito `sub`, if of this organisation and it is active."""
        keys = [_login_key(subject), _organisation_key(organisation)]
        rows = {row["pk"]: row for row in get_many(self._name, keys, consistent=True)}
        login, own = rows.get(f"login#{subject}"), rows.get(organisation)
        if login is None or own is None or login["partner_org"] != organisation:
            return None
        if own["status"] != "active":
            return None
        return Partner(
            id=login["user"], name=login["name"], organisation=_organisation(own).acting()
        )

    def login(self, subject: str) -> KnownLogin | None:
        row = get(self._name, _login_key(subject))
        return KnownLogin(row["user"], row["partner_org"]) if row else None

    def seen(self, login: KnownLogin, *, at: datetime) -> bool:
        """Notes that the user signs in now; false if it is not active any more."""
        try:
            write(
                update(
                    self._name,
                    {"pk": login.partner_org, "sk": login.user},
                    "SET #data.lastSeen = :at",
                    condition="#status = :active",
                    at=clock.instant(at),
                    active="active",
                )
            )
        except ConditionFailed:
            return False
        return True

    def _changed(
        self, seen: Organisation, changed: Organisation, *, only: str = "", **values: int
    ) -> Write:
        also = f" AND {only}" if only else ""
        return update(
            self._name,
            _organisation_key(seen.id),
            "SET #name = :name, #data = :data, #status = :status, modified = :modified,"
            " lookup_pk = :account",
            condition="modified = :seen" + also,
            returning=True,
            name=changed.name,
            data=changed.data.wire(),
            status=changed.status,
            modified=clock.instant(changed.modified),
            account=_zuora_key(changed),
            seen=clock.instant(seen.modified),
            **values,
        )

    def _user_changed(self, seen: PartnerUser, expression: str, **values: Any) -> Write:
        return update(
            self._name,
            _user_key(seen),
            expression,
            condition="modified = :seen",
            seen=clock.instant(seen.modified),
            **values,
        )

    def _commit_on(self, writes: Sequence[Write]) -> None:
        """All conditional on what was read of one user. Raises `Overtaken`."""
        try:
            _commit(writes)
        except ConditionFailed as failed:
            raise Overtaken from failed


def _commit(writes: Sequence[Write]) -> None:
    """Again while others touch the same rows at the same moment."""
    for _ in range(_TRIES):
        try:
            return commit(writes)
        except TransactionLost:
            continue
    raise ChangedMeanwhile("Others are changing this at this moment. Send the request again.")


def _organisation_key(id: str) -> dict[str, str]:
    return {"pk": id, "sk": id}


def _user_key(user: PartnerUser) -> dict[str, str]:
    return {"pk": user.partner_org, "sk": user.id}


def _claim_key(user: PartnerUser) -> dict[str, str]:
    return {"pk": f"email#{user.data.email}", "sk": f"email#{user.data.email}"}


def _login_key(subject: str) -> dict[str, str]:
    return {"pk": f"login#{subject}", "sk": f"login#{subject}"}


def _zuora_key(organisation: Organisation) -> str:
    return f"zuora#{organisation.data.zuora_account_id}"


def _organisation_row(organisation: Organisation) -> Row:
    return {
        **organisation.wire(),
        **_organisation_key(organisation.id),
        "shape": _SHAPE,
        "users": organisation.users,
        "newest_pk": _ALL,
        "newest_sk": f"{clock.instant(organisation.created)}#{organisation.id}",
        "lookup_pk": _zuora_key(organisation),
        "lookup_sk": organisation.id,
    }


def _organisation(row: Row) -> Organisation:
    return Organisation.model_validate(
        {name: row[name] for name in Organisation.model_fields if name in row}
    )


def _user_row(user: PartnerUser) -> Row:
    return {**user.wire(), **_user_key(user), "shape": _SHAPE}


def _user(row: Row) -> PartnerUser:
    return PartnerUser.model_validate(
        {name: row[name] for name in PartnerUser.model_fields if name in row}
    )


def _login_row(user: PartnerUser) -> Row:
    return {
        **_login_key(user.subject or ""),
        "shape": _SHAPE,
        "user": user.id,
        "name": user.name,
        "partner_org": user.partner_org,
    }
