"""A stand-in for customers' identity providers: two OpenID Connect issuers that ask no password.

    /auth0/                 as Auth0 does it: RS256, its issuer ends with a slash
    /okta/oauth2/default    as Okta does it: ES256, no slash; access tokens name the person in `uid`

Below each: /.well-known/openid-configuration, /jwks, /authorize, /token, /logout. Also
    POST /_control/tokens   {"issuer", "sub", "audience", "claims", "defect"} mints a bearer token
    POST /_control/rotate   {"issuer", "keep": true}: a new key; the one before stays published
and the fault {"kind": "defect", "defect": one of `DEFECTS`} spoils the id token of /token.
"""

import argparse
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from infra.local import idp_pages
from infra.local._server import Refused, Request, Response, StandIn, main, route, write_json
from infra.local.idp_protocol import (
    authorization_error,
    client_credentials,
    discovery,
    oauth_error,
    proves,
    redirection,
)
from infra.local.idp_tokens import (
    DEFECTS,
    LIFETIME,
    Algorithm,
    access_claims,
    id_claims,
    new_key,
    published,
    sign,
    standard_claims,
)

CODE_LIFETIME = timedelta(seconds=60)
MOST_CODES = 1_000
CALLBACK = "http://localhost:8080/auth/customer/callback"
SIGNED_OUT = "http://localhost:8080/"


@dataclass(frozen=True)
class Issuer:
    key: str
    name: str
    base: str
    slash: str
    algorithm: Algorithm


@dataclass(frozen=True)
class Person:
    issuer: str
    sub: str
    email: str
    name: str


ISSUERS = (
    Issuer("auth0", "Auth0", "/auth0", "/", "RS256"),
    Issuer("okta", "Okta", "/okta/oauth2/default", "", "ES256"),
)
PEOPLE = (
    Person("auth0", "auth0|67bf2138817314f757da5abc", "ingrid@halden.example", "Ingrid Halden"),
    Person("auth0", "auth0|67bf2138817314f757da5abd", "carla@conte.example", "Carla Conte"),
    Person("auth0", "auth0|67bf2138817314f757da5abe", "noor@newcomer.example", "Noor Newcomer"),
    Person("okta", "00u1f7k3vQzX9mBtW5d7", "mira@novak.example", "Mira Novak"),
)


class IdentityProvider(StandIn):
    """Signs people in without asking who they are, and is strict about everything else."""

    fault_kinds = frozenset({"defect"})

    def __init__(
        self,
        *,
        state_path: Path | None = None,
        seed: str = "demo",
        public_url: str | None = None,
        redirect: Sequence[str] | None = None,
        post_logout: Sequence[str] | None = None,
    ) -> None:
        self._redirects = {
            "redirect_uris": list(redirect or []),
            "post_logout_redirect_uris": list(post_logout or []),
        }
        super().__init__(state_path=state_path, seed=seed)
        self.public_url = (public_url or "").rstrip("/")
        self._register()

    def seed(self, name: str) -> None:
        client = {
            "name": "Tessera",
            "secret": None,
            "redirect_uris": [CALLBACK],
            "post_logout_redirect_uris": [SIGNED_OUT],
        }
        people = [asdict(person) for person in PEOPLE] if name == "demo" else []
        self.state = {
            "clients": {"tessera": client},
            "people": people,
            "keys": {issuer.key: [new_key(issuer.algorithm)] for issuer in ISSUERS},
            "codes": {},
        }
        self._register()

    def _register(self) -> None:
        """What the command line says about the client rules over seed and state file."""
        for name, uris in self._redirects.items():
            if uris:
                self.state["clients"]["tessera"][name] = list(uris)

    def issuer_url(self, issuer: Issuer) -> str:
        return f"{self.public_url}{issuer.base}{issuer.slash}"

    def fault(self, action: dict[str, Any], request: Request) -> Response | None:
        issuer = _issuer_at(request.path)
        if request.method != "POST" or not request.path.endswith("/token") or issuer is None:
            return None
        if action.get("defect") not in DEFECTS:
            raise Refused(oauth_error(f"the fault names no defect: {action}"))
        return self._exchange(issuer, request, defect=action["defect"])

    @route("GET", "/")
    def overview(self, request: Request) -> Response:
        issuers = [self.issuer_url(issuer) for issuer in ISSUERS]
        return idp_pages.overview(issuers, self.state["clients"])

    @route("GET", "/auth0/.well-known/openid-configuration")
    @route("GET", "/okta/oauth2/default/.well-known/openid-configuration")
    def discover(self, request: Request) -> Response:
        issuer = _issuer_of(request)
        base = f"{self.public_url}{issuer.base}"
        return Response(body=discovery(self.issuer_url(issuer), base, issuer.algorithm))

    @route("GET", "/auth0/jwks")
    @route("GET", "/okta/oauth2/default/jwks")
    def keys(self, request: Request) -> Response:
        keys = self.state["keys"][_issuer_of(request).key]
        return Response(body={"keys": [published(key) for key in keys]})

    @route("GET", "/auth0/authorize")
    @route("GET", "/okta/oauth2/default/authorize")
    def ask(self, request: Request) -> Response:
        issuer = _issuer_of(request)
        wanted = self._authorization(issuer, request)
        people = [person for person in self.state["people"] if person["issuer"] == issuer.key]
        return idp_pages.sign_in(
            provider=issuer.name,
            client=self.state["clients"][wanted["client_id"]]["name"],
            people=people,
            query=urlencode(wanted),
            redirect=wanted["redirect_uri"],
        )

    @route("POST", "/auth0/authorize")
    @route("POST", "/okta/oauth2/default/authorize")
    def agree(self, request: Request) -> Response:
        issuer = _issuer_of(request)
        wanted = self._authorization(issuer, request)
        form = request.form()
        if form.get("cancel"):
            raise Refused(self._back(issuer, wanted, error="access_denied"))
        sub = form.get("sub", "").strip()
        if not sub or len(sub) > 255:
            return idp_pages.refused("Nobody was chosen", "Go back and choose who signs in.")
        now = self.now().timestamp()
        codes = self.state["codes"]
        for code in [code for code, granted in codes.items() if granted["until"] < now]:
            del codes[code]
        if len(codes) >= MOST_CODES:
            raise Refused(self._back(issuer, wanted, error="temporarily_unavailable"))
        code = secrets.token_urlsafe(32)
        until = int(now + CODE_LIFETIME.total_seconds())
        codes[code] = {"issuer": issuer.key, "sub": sub, "until": until, "wanted": wanted}
        return self._back(issuer, wanted, code=code)

    @route("POST", "/auth0/token")
    @route("POST", "/okta/oauth2/default/token")
    def exchange(self, request: Request) -> Response:
        return self._exchange(_issuer_of(request), request)

    @route("GET", "/auth0/logout")
    @route("POST", "/auth0/logout")
    @route("GET", "/okta/oauth2/default/logout")
    @route("POST", "/okta/oauth2/default/logout")
    def log_out(self, request: Request) -> Response:
        asked = {name: values[-1] for name, values in request.query.items()} | request.form()
        target = asked.get("post_logout_redirect_uri")
        if not target:
            return idp_pages.signed_out()
        client = self.state["clients"].get(asked.get("client_id", "tessera"), {})
        if target not in client.get("post_logout_redirect_uris", []):
            return idp_pages.refused(
                "This address is not registered", f"Nobody may be sent to {target} after sign-out."
            )
        return redirection(target, {"state": asked["state"]} if "state" in asked else {})

    @route("POST", "/_control/tokens")
    def mint(self, request: Request) -> Response:
        asked = request.json()
        if not isinstance(asked, dict) or not isinstance(asked.get("sub"), str):
            raise Refused(_wrong("a token needs an issuer and a sub"))
        issuer, defect = self._named(asked.get("issuer")), asked.get("defect")
        extra = asked.get("claims", {})
        if not isinstance(extra, dict):
            raise Refused(_wrong('"claims" is an object; null takes a claim away'))
        if defect is not None and defect not in DEFECTS:
            raise Refused(_wrong(f'"defect" is one of {", ".join(DEFECTS)}'))
        claims = standard_claims(
            self.issuer_url(issuer), asked["sub"], asked.get("audience", "tessera"), self.now()
        )
        if issuer.key == "okta":
            claims["uid"] = asked["sub"]
        claims |= json.loads(write_json(extra))  # signing takes floats, not Decimals
        claims = {name: value for name, value in claims.items() if value is not None}
        return Response(201, {"token": self._signed(claims, issuer, defect)})

    @route("POST", "/_control/rotate")
    def rotate(self, request: Request) -> Response:
        asked = request.json() if request.body else {}
        issuers = [self._named(asked["issuer"])] if asked.get("issuer") else ISSUERS
        for issuer in issuers:
            before = self.state["keys"][issuer.key][:1] if asked.get("keep", True) else []
            self.state["keys"][issuer.key] = [new_key(issuer.algorithm), *before]
        kids = {key: [each["kid"] for each in keys] for key, keys in self.state["keys"].items()}
        return Response(body={"kids": kids})

    def _named(self, wanted: object) -> Issuer:
        for issuer in ISSUERS:
            if wanted in (issuer.key, self.issuer_url(issuer)):
                return issuer
        raise Refused(_wrong(f'"issuer" is one of {", ".join(issuer.key for issuer in ISSUERS)}'))

    def _authorization(self, issuer: Issuer, request: Request) -> dict[str, str]:
        """The parameters of an authorization request that may go ahead; else raises `Refused`.

        Nobody is sent to an address that is not registered, not even with an error.
        """
        wanted = {name: values[-1] for name, values in request.query.items()}
        client = self.state["clients"].get(wanted.get("client_id", ""))
        if client is None:
            reason = f"There is no client {wanted.get('client_id', '')!r} here."
            raise Refused(idp_pages.refused("This client is not registered", reason))
        if wanted.get("redirect_uri") not in client["redirect_uris"]:
            reason = f"{wanted.get('redirect_uri', '')!r} is not registered, letter by letter."
            raise Refused(idp_pages.refused("This address is not registered", reason))
        error = authorization_error(wanted, request.query)
        if error is not None:
            raise Refused(self._back(issuer, wanted, **error))
        return wanted

    def _back(self, issuer: Issuer, wanted: dict[str, str], **result: str) -> Response:
        state = {"state": wanted["state"]} if "state" in wanted else {}
        return redirection(
            wanted["redirect_uri"], {**result, **state, "iss": self.issuer_url(issuer)}
        )

    def _exchange(self, issuer: Issuer, request: Request, defect: str | None = None) -> Response:
        form = request.form()
        client_id = self._authenticated_client(request, form)
        if form.get("grant_type") != "authorization_code":
            raise Refused(oauth_error("only authorization_code here", "unsupported_grant_type"))
        granted = self.state["codes"].pop(form.get("code", ""), None)  # whatever comes of it
        if granted is None or granted["until"] < self.now().timestamp():
            raise Refused(oauth_error("the code is unknown, used or older than 60 s"))
        wanted = granted["wanted"]
        if granted["issuer"] != issuer.key or wanted["client_id"] != client_id:
            raise Refused(oauth_error("the code was given to another client or issuer"))
        if form.get("redirect_uri") != wanted["redirect_uri"]:
            raise Refused(oauth_error("redirect_uri is not the one of the authorization request"))
        if not proves(form.get("code_verifier", ""), wanted["code_challenge"]):
            raise Refused(oauth_error("code_verifier does not fit the code_challenge"))
        person, now, url = self._person(issuer, granted["sub"]), self.now(), self.issuer_url(issuer)
        access = access_claims(url, person, wanted, now, by_uid=issuer.key == "okta")
        body = {
            "access_token": self._signed(access, issuer),
            "id_token": self._signed(id_claims(url, person, wanted, now), issuer, defect),
            "token_type": "Bearer",
            "expires_in": int(LIFETIME.total_seconds()),
            "scope": wanted["scope"],
        }
        return Response(200, body, {"Cache-Control": "no-store"})

    def _authenticated_client(self, request: Request, form: dict[str, str]) -> str:
        client_id, secret = client_credentials(request, form)
        client = self.state["clients"].get(client_id)
        expected = client.get("secret") if client else None
        if client is None or (
            expected and not hmac.compare_digest(expected.encode(), secret.encode())
        ):
            failure = oauth_error("client_id or client_secret is wrong", "invalid_client", 401)
            failure.headers["WWW-Authenticate"] = 'Basic realm="idp"'
            raise Refused(failure)
        return client_id

    def _signed(self, claims: dict[str, Any], issuer: Issuer, defect: str | None = None) -> str:
        return sign(claims, self.state["keys"][issuer.key][0], now=self.now(), defect=defect)

    def _person(self, issuer: Issuer, sub: str) -> dict[str, str]:
        for person in self.state["people"]:
            if person["issuer"] == issuer.key and person["sub"] == sub:
                return dict(person)
        return {"sub": sub}


def _issuer_at(path: str) -> Issuer | None:
    return next((issuer for issuer in ISSUERS if path.startswith(f"{issuer.base}/")), None)


def _issuer_of(request: Request) -> Issuer:
    issuer = _issuer_at(request.path)
    if issuer is None:
        raise LookupError(f"no issuer is served at {request.path}")
    return issuer


def _wrong(message: str) -> Response:
    return Response(400, {"message": message})


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--public-url", help="under which it is reached; default: its own address")
    parser.add_argument(
        "--redirect", action="append", metavar="URI", help="where sign-in may return to; repeatable"
    )
    parser.add_argument(
        "--post-logout", action="append", metavar="URI", help="the same for sign-out; repeatable"
    )


if __name__ == "__main__":
    main(IdentityProvider, 9103, _add_options)
