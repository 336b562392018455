"""Salesforce: writes a customer as an Account with its Contact, and looks accounts up."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote

import requests

from tessera import clock
from tessera.integrations import salesforce_verdicts as verdicts
from tessera.integrations.credentials import WHAT, Access, Credentials, SignIn, Token
from tessera.integrations.http import (
    INTERACTIVE,
    JSON_CAP,
    Answer,
    Call,
    Judgement,
    NotJson,
    Observe,
    OutOfTime,
    Profile,
    Silence,
    Transport,
    unobserved,
)
from tessera.integrations.salesforce_ids import id18
from tessera.integrations.salesforce_requests import Crm, CrmCustomer, upsert
from tessera.integrations.salesforce_verdicts import (
    Finding,
    SalesforceFailed,
    SalesforceNotConfigured,
)
from tessera.objects import compact_json

_ROUTES = {
    "composite": "/services/data/{version}/composite",
    "row": "/services/data/{version}/sobjects/{sobject}/{id}",
}
_OF_SALESFORCE = re.compile(r"https://([a-z0-9-]+\.)+salesforce\.com", re.IGNORECASE)
USUAL = Crm()

Judge = Callable[[Answer, Any, datetime], Finding | None]
"""What to make of an answer, its JSON and the time it came."""


class CrmAccount(NamedTuple):
    id: str
    """Of 18 characters."""
    name: str


class Upserted(NamedTuple):
    account_id: str
    contact_id: str
    """Both of 18 characters."""


class _Unknown(Exception):
    """Salesforce has no such record."""


class Salesforce:
    """`Salesforce(env.salesforce_url, Secret(env.salesforce_secret)).account("001Dn…")`.

    Every method raises `SalesforceNotConfigured` and `SalesforceFailed`.
    """

    def __init__(
        self,
        url: str,
        secret: Credentials,
        crm: Crm = USUAL,
        *,
        profile: Profile = INTERACTIVE,
        session: requests.Session | None = None,
        now: Callable[[], datetime] = clock.now,
        observe: Observe = unobserved,
        track_id: Callable[[], str | None] = lambda: None,
        time_left: Callable[[], float] | None = None,
    ) -> None:
        """`track_id` names the order or request under way, for our own logs."""
        self._crm = crm
        self._transport = Transport(
            "salesforce", profile, session=session, now=now, observe=observe, time_left=time_left
        )
        self._track_id = track_id
        self._now = now
        sign_in = SignIn(
            "Salesforce",
            url.rstrip("/"),
            "/services/oauth2/token",
            judge=partial(_judgement, judge=verdicts.of_token, what=WHAT, now=now),
            read=partial(_read_token, url=url.rstrip("/")),
            not_configured=SalesforceNotConfigured,
        )
        self._access = Access(sign_in, secret, self._transport, now=now)

    @property
    def is_configured(self) -> bool:
        """Whether there are a URL and both credentials."""
        return self._access.is_configured

    def upsert_customer(self, customer: CrmCustomer) -> Upserted:
        """Writes Account and Contact, or neither. Repeating it is safe."""
        what = "write the customer"
        until = self._deadline(what)
        answer = self._call(
            "POST",
            "composite",
            f"{self._crm.data}/composite",
            what=what,
            until=until,
            body=upsert(customer, self._crm),
            judge=_judged_composite,
        )
        parts = {part["referenceId"]: part for part in answer.json["compositeResponse"]}
        ids = [
            self._id_of(parts[name], sobject, customer.id, what=what, until=until)
            for name, sobject in (("account", "Account"), ("contact", "Contact"))
        ]
        return Upserted(*ids)

    def account(self, id: str) -> CrmAccount | None:
        """An account by its id of 15 or 18 characters, or `None` where there is none."""
        whole, what = id18(id), "read the account"
        until = self._deadline(what)
        if whole is None:
            return None
        path = f"{self._crm.data}/sobjects/Account/{quote(whole, safe='')}?fields=Id,Name"
        try:
            answer = self._call("GET", "row", path, what=what, until=until)
        except _Unknown:
            return None
        return CrmAccount(_id_in(answer.json, what), str(answer.json.get("Name") or ""))

    def _id_of(
        self, part: Mapping[str, Any], sobject: str, external_id: str, *, what: str, until: float
    ) -> str:
        """The id that a part tells; a 204 tells none, and so it is asked for."""
        body = part.get("body")
        if isinstance(body, dict) and "id" in body:
            return _id_in({"Id": body["id"]}, what)
        path = self._crm.row(sobject, external_id) + "?fields=Id"
        try:
            return _id_in(self._call("GET", "row", path, what=what, until=until).json, what)
        except _Unknown:
            raise _unreadable(what) from None

    def _call(
        self,
        method: str,
        route: str,
        path: str,
        *,
        what: str,
        until: float,
        body: Mapping[str, Any] | None = None,
        judge: Judge = verdicts.of_answer,
    ) -> Answer:
        """`what` completes "Salesforce refused to …". Raises `_Unknown`."""
        call = Call(
            method,
            _ROUTES[route],
            path,
            headers={"Content-Type": "application/json"} if body is not None else {},
            body=compact_json(body).encode() if body is not None else None,
            cap=JSON_CAP,
            track_id=self._track_id(),
        )
        judged = partial(_judgement, judge=judge, what=what, now=self._now)
        try:
            return self._access.send(call, until=until, judge=judged)
        except SalesforceFailed as failure:
            if method != "GET" or not self._transport.profile.resends or not failure.is_passing:
                raise
        return self._access.send(call._replace(attempt=2), until=until, judge=judged)

    def _deadline(self, what: str) -> float:
        """Raises `SalesforceNotConfigured`, and `SalesforceFailed` when there is no time left."""
        self._access.require()
        try:
            return self._transport.deadline()
        except OutOfTime:
            raise _failure(Finding("unavailable"), what) from None


def _read_token(answer: Answer, *, url: str) -> Token:
    """Data calls go where Salesforce says, as long as that is Salesforce."""
    given = answer.json
    value, instance = given.get("access_token"), str(given.get("instance_url") or url).rstrip("/")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise _unreadable(WHAT)
    if instance != url and not _OF_SALESFORCE.fullmatch(instance):
        raise _unreadable(WHAT)
    # It does not say how long it serves.
    return Token(value, instance)


def _judged_composite(answer: Answer, body: Any, now: datetime) -> Finding | None:
    finding = verdicts.of_answer(answer, body, now)
    if finding is not None:
        # The resource itself is always there: a wrong address or version.
        return finding._replace(verdict="refused") if finding.verdict == "unknown" else finding
    parts = body.get("compositeResponse") if isinstance(body, dict) else None
    if not isinstance(parts, list) or {"account", "contact"} != {
        part.get("referenceId") for part in parts if isinstance(part, dict)
    }:
        return Finding("unavailable")
    return verdicts.of_composite(parts)


def _judgement(
    result: Answer | Silence, *, judge: Judge, what: str, now: Callable[[], datetime]
) -> Judgement:
    if isinstance(result, Silence):
        failure = _failure(Finding("unavailable"), what)
        return Judgement(failure.verdict, failure)
    try:
        body = result.json
    except NotJson:
        body = None
    finding = judge(result, body, now())
    if finding is None:
        return Judgement()
    if finding.verdict == "unknown":
        return Judgement("unknown", _Unknown(), codes=finding.codes)
    failure = _failure(finding, what, status=result.status)
    return Judgement(
        failure.verdict, failure, codes=finding.codes, is_our_fault=finding.is_our_fault
    )


def _failure(finding: Finding, what: str, *, status: int | None = None) -> SalesforceFailed:
    verdict = "refused" if finding.verdict == "unknown" else finding.verdict
    messages = {
        "refused": f"Salesforce refused to {what}. Whoever runs your Salesforce org can help.",
        "unavailable": f"Salesforce could not {what} just now. Try again in a while.",
        "credentials": f"Salesforce did not accept Tessera's credentials and so did not {what}."
        " Whoever runs Tessera can renew them.",
    }
    return SalesforceFailed(
        messages[verdict],
        verdict=verdict,
        is_our_fault=finding.is_our_fault,
        upstream_status=status,
        codes=finding.codes,
        retry_after=finding.retry_after,
        vendor_text=finding.vendor_text,
    )


def _id_in(row: Any, what: str) -> str:
    id = id18(str(row.get("Id"))) if isinstance(row, dict) else None
    if id is None:
        raise _unreadable(what)
    return id


def _unreadable(what: str) -> SalesforceFailed:
    return SalesforceFailed(
        f"Salesforce's answer cannot be understood, so Tessera could not {what}.",
        verdict="refused",
        is_our_fault=True,
        vendor_text=json.dumps("the answer has another shape"),
    )
