"""Valid things to test with; each takes the one detail that matters."""

import json
from collections.abc import Collection
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from tessera.commerce.billed import Account, Billed, Charge, RatePlan
from tessera.commerce.calendar import Interval
from tessera.commerce.mapping import Candidate
from tessera.commerce.models import AddressData, GrantedEntitlement, SoldProduct

NOW = datetime(2026, 3, 2, 9, 14, 7, 512000, tzinfo=UTC)
TODAY = date(2026, 3, 2)

DIGITAL = "8ad0965d000000000000000000000101"
SUPPORT = "8ad0965d000000000000000000000103"


def charge(**detail: Any) -> Charge:
    """Monthly, 17.50 GBP, in force for a year, billed until 2 April."""
    return Charge(
        **{
            "name": "Monthly",
            "product": "Digital",
            "plan": "Digital monthly",
            "price": Decimal("17.50"),
            "quantity": 1,
            "currency": "GBP",
            "every": Interval(1, "months"),
            "start": date(2026, 3, 2),
            "end": date(2027, 3, 2),
            "charged_through": date(2026, 4, 2),
            **detail,
        }
    )


def rate_plan(id: str = "plan-1", **detail: Any) -> RatePlan:
    return RatePlan(
        **{
            "id": id,
            "product_rate_plan": DIGITAL,
            "name": "Digital monthly",
            "is_removed": False,
            "start": date(2026, 3, 2),
            "end": date(2027, 3, 2),
            "quantity": 1,
            "charges": (charge(),),
            **detail,
        }
    )


def account(number: str = "A00000042", **detail: Any) -> Account:
    return Account(
        **{
            "id": f"account-of-{number}",
            "number": number,
            "name": "Lopes Ltd",
            "currency": "GBP",
            "parent_id": None,
            "crm_id": None,
            "billing": AddressData(
                first_name="Ana", last_name="Lopes", email="ana@example.com", country="GB"
            ),
            "delivery": None,
            **detail,
        }
    )


def billed(number: str = "A-S00000271", **detail: Any) -> Billed:
    """A year of Digital from 2 March 2026, renewing, on account A00000042."""
    return Billed(
        **{
            "number": number,
            "id": "8ad0965d0000000000000000000a0042",
            "version": 1,
            "status": "active",
            "raw_status": "Active",
            "start": date(2026, 3, 2),
            "term_start": date(2026, 3, 2),
            "term_end": date(2027, 3, 2),
            "term_type": "TERMED",
            "auto_renew": True,
            "cancel_date": None,
            "currency": "GBP",
            "invoice_owner_id": None,
            "plans": (rate_plan(),),
            "account": account(),
            **detail,
        }
    )


def candidate(id: str = "offer-b4dc66dde806261bdda8607d8707aa72", **detail: Any) -> Candidate:
    """The offer that sells Digital monthly and grants W2."""
    return Candidate(
        **{
            "id": id,
            "version": "7a38d8cbd20d9932ba948efaa364bb62651d5ad4",
            "path": "/offers2/Digital Monthly",
            "name": "Digital Monthly",
            "kind": "standard",
            "is_active": True,
            "fits_channel": True,
            "plans": frozenset({DIGITAL}),
            "currency": "GBP",
            "amount": Decimal("17.50"),
            "products": (product("W2"),),
            "attributes": {},
            **detail,
        }
    )


def product(*codes: str, id: str = "prod-07ed400759a0f606a8b5bfa84712aabe") -> SoldProduct:
    return SoldProduct(
        id=id,
        path="/products/Digital",
        name="Digital",
        rate_plan=DIGITAL,
        entitlements=tuple(
            GrantedEntitlement(id=f"ent-{code}", name=f"Access {code}", code=code) for code in codes
        ),
    )


class FakeBilling:
    """A billing system that knows what it is given; it can change between two reads."""

    def __init__(self, *known: Billed) -> None:
        self.known = {one.number: one for one in known}

    def read(self, key: str) -> Billed:
        return self.known[key]


class FakeCatalog:
    def __init__(self, *candidates: Candidate) -> None:
        self.all = list(candidates)

    def candidates(self, plans: Collection[str], *, partner_org: str | None) -> list[Candidate]:
        return [one for one in self.all if one.plans & set(plans)]


class FakePartners:
    def __init__(self, **organisations: list[str]) -> None:
        self.organisations = organisations

    def of_zuora_account(self, account_id: str) -> list[str]:
        return self.organisations.get(account_id, [])


class NoLabels:
    def of(self, normalised_issuer: str) -> tuple[str | None, str | None]:
        return None, None


def api_event(
    method: str,
    path: str,
    *,
    route: str | None = None,
    body: Any = None,
    caller: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
) -> dict[str, Any]:
    """What the HTTP API hands to a function (payload 2.0). A `str` body is sent as it is."""
    text = body if isinstance(body, str) else json.dumps(body) if body is not None else None
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {route or path}",
        "rawPath": path,
        "rawQueryString": "&".join(f"{name}={value}" for name, value in (query or {}).items()),
        "headers": {"content-type": "application/json", **(headers or {})},
        "requestContext": {
            "http": {"method": method, "path": path},
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "$default",
            "authorizer": caller or {},
        },
        "isBase64Encoded": False,
    }
    if text is not None:
        event["body"] = text
    if query:
        event["queryStringParameters"] = query
    return event


def machine(*scopes: str, client: str = "3k9q5v0tq1machineclient") -> dict[str, Any]:
    scope = " ".join(f"tessera/{scope}" for scope in scopes)
    return {"jwt": {"claims": {"client_id": client, "sub": client, "scope": scope}}}


def operator(*groups: str, sub: str = "operator-1") -> dict[str, Any]:
    claims = {
        "client_id": "page-client",
        "sub": sub,
        "scope": "openid email tessera/admin",
        "cognito:groups": f"[{' '.join(groups)}]",
    }
    return {"jwt": {"claims": claims}}


def customer(
    subject: str = "auth0|67bf2138817314f757da5abc",
    issuer: str = "https://limio.us.auth0.com/",
    expires_at: int = 4102444800,
) -> dict[str, Any]:
    named = {"issuer": quote(issuer, safe=""), "subject": quote(subject, safe="")}
    return {"lambda": {**named, "expires_at": expires_at}}


def partner(
    subject: str = "subject-of-petra",
    organisation: str = "partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1",
) -> dict[str, Any]:
    claims = {
        "client_id": "partners-page-client",
        "sub": subject,
        "scope": "openid email tessera/partner",
        "lmo:partner_org": organisation,
    }
    return {"jwt": {"claims": claims}}
