"""Who is let in to a page: sessions, expiry, other kinds of sign-in, forged requests."""

import json
from collections.abc import Mapping
from typing import NamedTuple, cast

from tessera.edge.callers import StoredPartners
from tessera.edge.pages import cookies
from tessera.edge.pages.forms import CSRF
from tessera.edge.pages.locations import origin_of
from tessera.edge.pages.visit import SignInNeeded, Visit
from tessera.errors import Forbidden
from tessera.identity import sessions
from tessera.identity.session_store import SessionsTable
from tessera.identity.sessions import KINDS, Kind, Lifetimes, Session

_SESSION = "_session"
WORDS: Mapping[Kind, str] = {
    "operator": "an operator",
    "partner": "a partner user",
    "customer": "a customer",
}


class Route(NamedTuple):
    """Who may come to an address, from the endpoint table."""

    kind: Kind | None
    groups: frozenset[str]


def routes(text: str) -> dict[str, Route]:
    """By route key, of what the stack writes into `CALLERS`."""
    found: dict[str, Route] = {}
    for key, callers in json.loads(text).items():
        named = [name for name in callers if name.endswith(_SESSION)]
        kind = named[0].removesuffix(_SESSION) if named else ""
        # The kind of a `visitor_session` is the page's own affair.
        known = cast("Kind", kind) if kind in KINDS else None
        found[key] = Route(known, frozenset(callers[named[0]]) if named else frozenset())
    return found


class Doors:
    def __init__(
        self,
        table: SessionsTable,
        lifetimes: Mapping[Kind, Lifetimes],
        base_url: str,
        partners: StoredPartners | None,
    ) -> None:
        self._table = table
        self._lifetimes = lifetimes
        self._origin = origin_of(base_url)
        self._partners = partners

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Refuses what another site made the browser send. Raises `Forbidden`."""
        site = headers.get("sec-fetch-site")
        origin = headers.get("origin")
        if site not in (None, "same-origin") or origin not in (None, self._origin):
            raise Forbidden(
                "This form was sent from another site, so nothing was done. Open the page here and "
                "send it again.",
                code="cross_site",
            )

    def check_token(self, visit: Visit) -> None:
        """Raises `Forbidden` unless the form carries its session's token."""
        given = visit.fields.raw(CSRF)
        if visit.session is None or not sessions.matches(given, visit.session.csrf):
            raise Forbidden(
                "This form belongs to another sign-in, so nothing was done. Reload the page and "
                "send it again.",
                code="forged_form",
            )

    def let_in(self, visit: Visit, kind: Kind, *, parks: bool = False) -> None:
        """Puts the live session of this kind on the visit.

        Raises `SignInNeeded`, having parked the form of an expired session when `parks`, and
        `Forbidden` for an action of somebody who is signed in as another kind of person.
        """
        session = self.session(visit, kind)
        if session is None or not session.is_live(self._lifetimes[kind], visit.now):
            if visit.method == "POST":
                self._refuse_others(visit, kind)
            raise SignInNeeded(kind, parked=self._parked(visit, session) if parks else "")
        if kind == "partner":
            # As stored now: somebody removed a second ago is out.
            signed = session.signed
            if self._partners is not None:
                visit.partner_user = self._partners.signed_in(
                    signed.subject, organisation=signed.organisation
                )
            if visit.partner_user is None:
                raise SignInNeeded(kind)
        visit.kind, visit.session = kind, session

    def session(self, visit: Visit, kind: Kind) -> Session | None:
        """Of the cookie of this kind, live or not. Another kind's id in it is nobody's."""
        if kind not in visit.sessions:
            id = visit.cookies.get(cookies.NAMES[kind])
            found = self._table.session(id) if id else None
            visit.sessions[kind] = found if found and found.signed.kind == kind else None
        return visit.sessions[kind]

    def live(self, visit: Visit, *, but: Kind | None = None) -> list[Session]:
        """The live sessions of this browser, of the other kinds than `but`."""
        found = [(one, self.session(visit, one)) for one in KINDS if one != but]
        return [
            session
            for one, session in found
            if session is not None and session.is_live(self._lifetimes[one], visit.now)
        ]

    def _refuse_others(self, visit: Visit, kind: Kind) -> None:
        others = self.live(visit, but=kind)
        if others:
            signed = others[0].signed
            raise Forbidden(
                f"You are signed in as {signed.label}, {WORDS[signed.kind]}. Only "
                f"{WORDS[kind]} may do this, so nothing was done.",
                code="forbidden",
            )

    def _parked(self, visit: Visit, session: Session | None) -> str:
        given = visit.fields.raw(CSRF)
        if session is None or not sessions.matches(given, session.csrf):
            return ""
        token, parked = sessions.parked(session, visit.as_typed, now=visit.now)
        self._table.park(token, parked)
        return token
