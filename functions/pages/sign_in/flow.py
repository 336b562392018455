"""What happens between "Sign in" and the page that was asked for, and at "Sign out"."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import cast, get_args
from urllib.parse import urlencode

from tessera.edge.observability import note
from tessera.edge.pages import cookies
from tessera.edge.pages.app import Answer, Moved, Pages, Visit
from tessera.edge.pages.doors import WORDS
from tessera.edge.pages.forms import CSRF
from tessera.edge.pages.locations import own_path, with_query
from tessera.errors import NotFound, Refusal
from tessera.identity import sessions
from tessera.identity.code_flow import Pool, authorization_address, vouched
from tessera.identity.provider_settings import ProviderSettings
from tessera.identity.providers import IdentityProvider
from tessera.identity.sessions import Attempt, Kind, Session, Signed
from tessera.integrations.oidc import IdentityProviderFailed, OpenIdProviders
from tessera.secrets import Secret

HOMES: Mapping[Kind, str] = {
    "operator": "/settings",
    "partner": "/partner",
    "customer": "/subscriptions",
}
_DENIED = "The sign-in was cancelled."
_STALE = (
    "This sign-in has been used already, took too long, or was begun in another browser. "
    "Nothing is wrong with your account."
)
_REFUSED = "The sign-in did not succeed. Your account may not be set up for these pages."
_CLOCK = "The clocks of two systems differ too much to trust this sign-in. Try again in a minute."
_SENTENCES = {
    "token_not_yet_valid": _CLOCK,
    "token_expired": _CLOCK,
    "code_refused": _REFUSED,
    "no_group": "Your account may not use the console. Ask an administrator to add you to a group.",
}
_SIGNED_OUT_SECONDS = 60
_BROWSER_SECONDS = 24 * 3600


class SignIn:
    def __init__(
        self,
        app: Pages,
        *,
        pools: Mapping[str, Pool],
        settings: ProviderSettings,
        providers: OpenIdProviders,
        secrets: str,
        now: Callable[[], datetime],
    ) -> None:
        self._app = app
        self._pools = pools
        self._settings = settings
        self._providers = providers
        self._secrets = secrets
        self._now = now

    def start(self, visit: Visit, named: str) -> Answer:
        kind = _kind(named)
        back = own_path(visit.query.get("return_to"), HOMES[kind])
        parked = visit.query.get("parked", "")
        here = with_query(f"/auth/{kind}", return_to=back, parked=parked)
        others = self._app.doors.live(visit, but=kind)
        if others and "as" not in visit.query:
            return visit.show(
                "other_kind.html",
                f"This page is for {WORDS[kind].partition(' ')[2]}s",
                signed=others[0].signed,
                as_what=WORDS[others[0].signed.kind],
                for_whom=WORDS[kind],
                go_on=with_query(here, **{"as": kind}),
            )
        candidates = self._candidates(kind)
        chosen = [one for one in candidates if one.key == visit.query.get("provider")]
        if not chosen and len(candidates) != 1:
            return visit.show(
                "choice.html",
                "Choose how to sign in",
                providers=[
                    (one.name, with_query(here, **{"as": kind, "provider": one.key}))
                    for one in candidates
                ],
            )
        return self._sent_to(visit, (chosen or candidates)[0], kind, back, parked)

    def come_back(self, visit: Visit, named: str) -> Answer:
        kind = _kind(named)
        attempt = self._attempt(visit, kind)
        if attempt is None:
            return self._failed(visit, kind, _STALE, "stale", 400)
        if "code" not in visit.query:
            denied = visit.query.get("error") == "access_denied"
            sentence = _DENIED if denied else _REFUSED
            return self._failed(visit, kind, sentence, "denied", 400, attempt.return_to)
        try:
            signed = self._vouched(visit, kind, attempt)
        except IdentityProviderFailed:
            raise
        except Refusal as refusal:
            sentence = _SENTENCES.get(refusal.wire_code, _REFUSED)
            return self._failed(visit, kind, sentence, refusal.wire_code, 403, attempt.return_to)
        return self._begun(visit, signed, attempt)

    def sign_out(self, visit: Visit, named: str) -> Answer:
        """Ours first, then the provider's; the start page then says so."""
        kind = _kind(named)
        session = self._app.doors.session(visit, kind)
        if session is None or not sessions.matches(visit.fields.raw(CSRF), session.csrf):
            return Moved("/")
        self._app.sessions.end(visit.cookies[cookies.NAMES[kind]])
        visit.set_cookies += [
            cookies.forget(cookies.NAMES[kind]),
            cookies.keep(cookies.SIGNED_OUT, kind, seconds=_SIGNED_OUT_SECONDS),
        ]
        note(outcome="signed_out")
        return Moved(self._sign_out_address(kind, session))

    def _candidates(self, kind: Kind) -> list[IdentityProvider]:
        if kind != "customer":
            return [self._pools[kind].provider]
        return [one for one in self._settings.read() if one.login]

    def _sent_to(
        self, visit: Visit, provider: IdentityProvider, kind: Kind, back: str, parked: str
    ) -> Answer:
        browser = visit.cookies.get(cookies.BROWSER) or sessions.new_token()
        endpoint = self._providers.endpoints(provider, now=visit.now).authorization_endpoint
        if not endpoint:
            raise IdentityProviderFailed(provider, "no_authorization_endpoint")
        state, attempt = sessions.attempt(
            kind,
            provider.key or "",
            browser=browser,
            return_to=back,
            parked=parked,
            now=visit.now,
        )
        self._app.sessions.keep_attempt(state, attempt)
        visit.set_cookies.append(cookies.keep(cookies.BROWSER, browser, seconds=_BROWSER_SECONDS))
        return Moved(
            authorization_address(
                endpoint,
                provider,
                redirect_uri=self._callback(kind),
                state=state,
                attempt=attempt,
            )
        )

    def _attempt(self, visit: Visit, kind: Kind) -> Attempt | None:
        state, browser = visit.query.get("state"), visit.cookies.get(cookies.BROWSER)
        attempt = self._app.sessions.take_attempt(state, now=visit.now) if state else None
        if attempt is None or attempt.kind != kind or browser is None:
            return None
        return attempt if sessions.matches(sessions.hashed(browser), attempt.browser) else None

    def _vouched(self, visit: Visit, kind: Kind, attempt: Attempt) -> Signed:
        candidates = self._candidates(kind)
        provider = next((one for one in candidates if one.key == attempt.provider), None)
        if provider is None:
            raise NotFound("This way to sign in is gone.")
        secret = ""
        if provider.client_auth != "none":
            secret = Secret(f"{self._secrets}{provider.key}").read().get("client_secret", "")
        token = self._providers.id_token(
            provider,
            code=visit.query["code"],
            verifier=attempt.verifier,
            redirect_uri=self._callback(kind),
            secret=secret,
            now=visit.now,
        )
        return vouched(
            token,
            kind=kind,
            provider=provider,
            attempt=attempt,
            keys=self._providers,
            now=self._now(),
        )

    def _begun(self, visit: Visit, signed: Signed, attempt: Attempt) -> Answer:
        """A session under a new id; the one that this browser had before is ended."""
        kind, now = signed.kind, self._now()
        if before := visit.cookies.get(cookies.NAMES[kind]):
            self._app.sessions.end(before)
        id, session = sessions.begin(signed, now=now)
        to = attempt.return_to
        parked = self._app.sessions.take_parked(attempt.parked, now=now) if attempt.parked else None
        if parked is not None and parked.signed.is_same_person_as(signed):
            session = session.model_copy(update={"filled": parked.filled})
            to = own_path(parked.filled.path, to)
        lifetimes = self._app.env.lifetimes[kind]
        self._app.sessions.begin(id, session, until=now + lifetimes.absolute)
        visit.set_cookies.append(cookies.keep(cookies.NAMES[kind], id))
        note(outcome="signed_in", kind=kind)
        return Moved(to)

    def _sign_out_address(self, kind: Kind, session: Session) -> str:
        back = f"{self._app.env.base_url}/"
        if kind != "customer":
            return self._pools[kind].sign_out_address(back=back)
        provider = next(
            (one for one in self._candidates(kind) if one.key == session.signed.provider), None
        )
        if provider is None:
            return "/"
        try:
            endpoint = self._providers.endpoints(provider, now=self._now()).end_session_endpoint
        except IdentityProviderFailed:
            return "/"  # ours is ended, which is what was asked for
        if not endpoint:
            return "/"
        query = urlencode({"client_id": provider.client_id, "post_logout_redirect_uri": back})
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"

    def _failed(
        self, visit: Visit, kind: Kind, sentence: str, code: str, status: int, back: str = ""
    ) -> Answer:
        note(outcome="refused", code=code)
        return visit.show(
            "failed.html",
            "You are not signed in",
            status=status,
            sentence=sentence,
            again=with_query(f"/auth/{kind}", return_to=back),
        )

    def _callback(self, kind: Kind) -> str:
        return f"{self._app.env.base_url}/auth/{kind}/callback"


def _kind(named: str) -> Kind:
    if named not in get_args(Kind):
        raise NotFound("There is no such sign-in.")
    return cast("Kind", named)
