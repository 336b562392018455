"""From what the gateway verified to a typed principal, and whether the route admits it."""

import json
import os
from functools import cache
from typing import Any, Protocol
from urllib.parse import unquote

from tessera import clock
from tessera.errors import Forbidden, Unauthorized
from tessera.identity.principal import (
    Anonymous,
    Customer,
    Machine,
    Operator,
    Partner,
    Principal,
)

ADMIN_SCOPE = "tessera/admin"
PARTNER_SCOPE = "tessera/partner"
"""Of the partners' pool alone; the gateway lets each pool's tokens on its own routes only."""
ORGANISATION_CLAIM = "lmo:partner_org"


class StoredPartners(Protocol):
    def signed_in(self, subject: str, *, organisation: str) -> Partner | None:
        """The active user with this Cognito `sub`, if of this organisation and it is active."""


def of(event: dict[str, Any], partners: StoredPartners | None = None) -> Principal:
    """Raises `Unauthorized` for a token that names nobody.

    `partners` are asked for every partner user, so that a removal takes effect while tokens still
    live.
    """
    authorizer = event["requestContext"].get("authorizer") or {}
    if "lambda" in authorizer:
        return _customer(authorizer["lambda"] or {})
    if "jwt" in authorizer:
        claims = authorizer["jwt"].get("claims") or {}
        if PARTNER_SCOPE in str(claims.get("scope", "")).split():
            return _partner(claims, partners)
        return _from_operators_pool(claims)
    return Anonymous()


def admit(who: Principal, route: str) -> None:
    """Refuses a kind of caller that the route's declaration does not name.

    `CALLERS` is written by the stack from the route table:
    `{"POST /api/order": {"machine": ["orders"], "operator": ["admin"]}}`. Scopes are checked by the
    gateway as well; a route that is missing here admits nobody. One that names nobody is open: its
    function checks the caller itself, or needs to know none.
    """
    allowed = _routes(os.environ.get("CALLERS", "{}")).get(route)
    if allowed == {}:
        return
    if allowed is None or who.kind not in allowed:
        raise Forbidden("Your kind of sign-in cannot use this address.", code="forbidden")
    needed = allowed[who.kind]
    if isinstance(who, Machine) and not who.scopes & {f"tessera/{scope}" for scope in needed}:
        raise Forbidden(
            f"This token lacks the scope tessera/{needed[0]}. Ask for it with the token.",
            code="forbidden",
        )
    if isinstance(who, Operator) and not who.groups & set(needed):
        raise Forbidden(
            f"Only operators of the group {' or '.join(needed)} may do this.", code="forbidden"
        )


def _from_operators_pool(claims: dict[str, Any]) -> Principal:
    scopes = frozenset(str(claims.get("scope", "")).split())
    client = str(claims.get("client_id", ""))
    subject = str(claims.get("sub", ""))
    if not client:
        # An id token has no client_id: only access tokens carry scopes and open routes.
        raise Unauthorized("Send an access token.", code="unauthorized")
    if ADMIN_SCOPE in scopes:
        return Operator(id=subject, groups=_groups(claims.get("cognito:groups")))
    return Machine(id=client, scopes=scopes)


def _partner(claims: dict[str, Any], partners: StoredPartners | None) -> Partner:
    if partners is None:
        raise Forbidden("Your kind of sign-in cannot use this address.", code="forbidden")
    subject = str(claims.get("sub", ""))
    organisation = str(claims.get(ORGANISATION_CLAIM, ""))
    known = None
    if subject and organisation:
        known = partners.signed_in(subject, organisation=organisation)
    if known is None:
        raise Unauthorized("This sign-in has ended. Sign in again.", code="unauthorized")
    return known


def _groups(claim: Any) -> frozenset[str]:
    """The gateway hands a list claim over as the text `[admin support]`."""
    if isinstance(claim, str):
        return frozenset(claim.strip("[]").replace(",", " ").split())
    return frozenset(map(str, claim or ()))


def _customer(context: dict[str, Any]) -> Customer:
    issuer, subject = context.get("issuer"), context.get("subject")
    if not issuer or not subject:
        raise Unauthorized("Sign in again.", code="unauthorized")
    _refuse_expired(context)
    return Customer(id=unquote(str(subject)), issuer=unquote(str(issuer)))


def _refuse_expired(context: dict[str, Any]) -> None:
    """The gateway keeps an authorizer's yes for minutes; the token may end before that."""
    if clock.epoch_ms(clock.now()) // 1000 >= int(context.get("expires_at", 0)):
        raise Unauthorized("Your sign-in has expired. Sign in again.", code="unauthorized")


@cache
def _routes(text: str) -> dict[str, dict[str, list[str]]]:
    routes: dict[str, dict[str, list[str]]] = json.loads(text)
    return routes
