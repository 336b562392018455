"""Everybody who may knock at the deployed stack, honest and not, each with a way to prove it."""

import base64
import dataclasses
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import boto3
import requests

from infra.local import demo
from infra.local.api_client import Api
from infra.local.credentials import replace_first_password
from infra.local.emulator import LocalAws
from infra.local.running_stack import Login, Machine, Partner, RunningStack
from infra.routes import Route
from tests.e2e.conftest import Deployed
from tests.e2e.exercises import auth0
from tests.e2e.pages import session
from tests.e2e.pages.session import Pages

_PASSWORD = "Chosen-by-me-1"  # of people who exist for one test
_EXPIRY_SECONDS = 10


class Caller(NamedTuple):
    name: str
    authorization: str = ""
    kind: str = ""
    """As routes name it; empty for whoever proves nothing."""
    rights: frozenset[str] = frozenset()
    """Scopes of a machine, groups of an operator."""

    def is_admitted_to(self, route: Route) -> bool:
        return any(
            one.kind == self.kind and (not one.needs or self.rights & set(one.needs))
            for one in route.who
        )


class Visitor(NamedTuple):
    """Somebody with a browser, or who takes a page for an API."""

    name: str
    headers: dict[str, str]
    csrf: str = ""
    kind: str = ""
    groups: frozenset[str] = frozenset()


class Callers:
    """Made once for a stack, with users, clients and a pool of their own."""

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed
        self._stack = deployed.stack
        self._aws = LocalAws(deployed.launch.place.aws_url)
        self._cognito = boto3.client("cognito-idp")
        self._scopes = frozenset(one.split("/")[1] for one in self._stack.machine.scope.split())
        self._api = Api(self._stack)
        self._support = self._operator("support")
        self._honest = self._named()
        self._forged = {
            "machine": list(self._forged_of_pool("machine", "Operators")),
            "operator": list(self._forged_of_pool("operator", "Operators")),
            "partner": list(self._forged_of_pool("partner", "Partners")),
            "customer": list(self._forged_of_customer()),
        }

    def of(self, route: Route) -> list[Caller]:
        """Whom to try on a route: forged are the tokens of those whom it admits."""
        lacking = self._scopes - {need for one in route.who for need in one.needs}
        return [
            *self._honest,
            Caller(
                "a machine without the scope",
                _bearer(self._api.machine_token(*sorted(lacking))),
                "machine",
                lacking,
            ),
            *(
                one
                for kind in {one.kind for one in route.who}
                for one in self._forged.get(kind, ())
            ),
        ]

    def visitors(self) -> list[Visitor]:
        administrator = session.operator(self._deployed)
        away = session.operator(self._deployed)
        a_day_ago = self._deployed.now() - timedelta(days=1)
        session.age(self._deployed, away, "operator", seen=a_day_ago)
        helper = self._signed_in(self._support, "/settings")
        customer = session.customer(self._deployed, demo.INGRID.sub, "/subscriptions")
        partners = [
            session.partner(self._deployed, one, "/partner/offers") for one in self._stack.partners
        ]
        organisation, login, user = self._partner_user()
        gone = session.partner(
            self._deployed, Partner(organisation, "Gone", (login,)), "/partner/offers"
        )
        gone_csrf = _csrf(gone, "/partner/offers")
        self._deployed.api.call("DELETE", f"/api/partner-organisation/{organisation}/users/{user}")
        admin, support = frozenset({"admin"}), frozenset({"support"})
        swapped = {"__Host-operator": customer.cookies["__Host-customer"]}
        return [
            Visitor("nobody", {}),
            Visitor("an administrator", *_browser(administrator, "/settings"), "operator", admin),
            Visitor("a support operator", *_browser(helper, "/settings"), "operator", support),
            Visitor("a customer", *_browser(customer, "/subscriptions"), "customer"),
            *(
                Visitor(f"partner {letter}", *_browser(one, "/partner/offers"), "partner")
                for letter, one in zip("AB", partners, strict=True)
            ),
            Visitor("a removed partner user", {"Cookie": _cookies(gone.cookies)}, gone_csrf),
            Visitor("an operator away for a day", {"Cookie": _cookies(away.cookies)}),
            Visitor("a made-up session", {"Cookie": _cookies(_made_up())}),
            Visitor("a customer as an operator", {"Cookie": _cookies(swapped)}),
            Visitor("a machine's token", {"Authorization": _bearer(self._api.machine_token())}),
            Visitor("an operator's token", {"Authorization": _bearer(self._api.operator_token())}),
        ]

    def _named(self) -> list[Caller]:
        login = demo.ZUORA_CALLOUT_LOGIN
        organisation, gone, user = self._partner_user()
        was = self._api.partner_token(gone)
        self._api.call("DELETE", f"/api/partner-organisation/{organisation}/users/{user}")
        support = Api(dataclasses.replace(self._stack, operator=self._support)).operator_token()
        customer = self._api.person_token(auth0(self._api), f"auth0|{uuid.uuid4()}")
        return [
            Caller("no token"),
            Caller("a machine", _bearer(self._api.machine_token()), "machine", self._scopes),
            Caller(
                "an administrator",
                _bearer(self._api.operator_token()),
                "operator",
                frozenset({"admin"}),
            ),
            Caller("a support operator", _bearer(support), "operator", frozenset({"support"})),
            Caller("a customer", _bearer(customer), "customer"),
            *(
                Caller(
                    f"partner {letter}", _bearer(self._api.partner_token(one.users[0])), "partner"
                )
                for letter, one in zip("AB", self._stack.partners, strict=True)
            ),
            Caller("a removed partner user", _bearer(was)),
            Caller("Zuora", _basic(login.username, login.password), "zuora"),
            Caller("Zuora with another password", _basic(login.username, "guessed")),
        ]

    def _forged_of_pool(self, kind: str, pool: str) -> Iterator[Caller]:
        sound = self._token(kind, self._stack)
        id = self._stack.outputs[f"{pool}PoolId"]
        for name, token in (
            ("expired", self._expired(kind, id)),
            ("with altered claims", _altered(sound, extra="tessera/admin tessera/partner")),
            ("without a signature", _unsigned(sound)),
            ("for another audience", self._token(kind, self._with_client_of(id))),
            ("of another pool", self._token(kind, self._with_client_of(self._strangers_pool))),
            ("of another issuer", self._signed_elsewhere(sound)),
        ):
            yield Caller(f"a token of a {kind} {name}", _bearer(token))

    def _forged_of_customer(self) -> Iterator[Caller]:
        asked = {"issuer": auth0(self._api), "sub": demo.INGRID.sub}
        for defect in ("expired", "wrong_aud", "wrong_iss", "alg_none", "hs256", "unknown_kid"):
            token = self._minted({**asked, "defect": defect})
            yield Caller(f"a token of a customer, {defect}", _bearer(token))
        altered = _altered(self._minted(asked), sub="auth0|somebody-else")
        yield Caller("a token of a customer with altered claims", _bearer(altered))

    def _token(self, kind: str, stack: RunningStack) -> str:
        api = Api(stack)
        match kind:
            case "machine":
                return api.machine_token()
            case "operator":
                return api.operator_token()
        return api.partner_token(stack.partners[0].users[0])

    def _expired(self, kind: str, pool: str) -> str:
        outputs = self._stack.outputs
        client = {
            "machine": self._stack.machine.client_id,
            "operator": outputs["OperatorsClientId"],
            "partner": outputs["PartnersClientId"],
        }[kind]
        with self._short_lived(pool, client):
            token = self._token(kind, self._stack)
        expires = int(_claims(token)["exp"])
        deadline = time.monotonic() + _EXPIRY_SECONDS
        while self._deployed.now().timestamp() <= expires and time.monotonic() < deadline:
            time.sleep(0.1)
        return token

    @contextmanager
    def _short_lived(self, pool: str, client: str) -> Iterator[None]:
        """Tokens of the client live for a second; Cognito itself allows no less than 5 minutes."""
        kept = self._cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)
        settings: dict[str, Any] = {
            name: value
            for name, value in kept["UserPoolClient"].items()
            if name not in ("ClientSecret", "CreationDate", "LastModifiedDate") and value
        }
        units = {**settings.get("TokenValidityUnits", {}), "AccessToken": "seconds"}
        short = {**settings, "AccessTokenValidity": 1, "TokenValidityUnits": units}
        try:
            self._cognito.update_user_pool_client(**short)
            yield
        finally:
            restored = {"AccessTokenValidity": 60, "TokenValidityUnits": {"AccessToken": "minutes"}}
            self._cognito.update_user_pool_client(**{**restored, **settings})

    def _with_client_of(self, pool: str) -> RunningStack:
        """The stack as seen by whoever takes clients that it does not know for its own."""
        flows: dict[str, Any] = {"UserPoolId": pool, "AllowedOAuthFlowsUserPoolClient": True}
        back = [f"{self._stack.api}/auth/{kind}/callback" for kind in ("operator", "partner")]
        machine = self._cognito.create_user_pool_client(
            **flows,
            ClientName=f"stranger-{uuid.uuid4().hex}",
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=self._stack.machine.scope.split(),
        )["UserPoolClient"]
        page = self._cognito.create_user_pool_client(
            **flows,
            ClientName=f"stranger-page-{uuid.uuid4().hex}",
            CallbackURLs=back,
            SupportedIdentityProviders=["COGNITO"],
            AllowedOAuthFlows=["code"],
            AllowedOAuthScopes=["openid", "email", "tessera/admin", "tessera/partner"],
        )["UserPoolClient"]["ClientId"]
        outputs = {**self._stack.outputs, "OperatorsClientId": page, "PartnersClientId": page}
        known = dataclasses.replace(
            self._stack,
            outputs=outputs,
            machine=Machine(
                machine["ClientId"], machine["ClientSecret"], self._stack.machine.scope
            ),
        )
        if pool != self._strangers_pool:
            return known
        login = Login(f"{uuid.uuid4().hex}@stranger.example", _PASSWORD)
        self._user(pool, login)
        return dataclasses.replace(
            known, operator=login, partners=(Partner("partner-x", "Stranger", (login,)),)
        )

    @property
    def _strangers_pool(self) -> str:
        if not hasattr(self, "_made_pool"):
            made = self._cognito.create_user_pool(PoolName=f"strangers-{uuid.uuid4().hex}")
            self._made_pool = made["UserPool"]["Id"]
            names = [*(one.split("/")[1] for one in self._stack.machine.scope.split())]
            self._cognito.create_resource_server(
                UserPoolId=self._made_pool,
                Identifier="tessera",
                Name="tessera",
                Scopes=[
                    {"ScopeName": one, "ScopeDescription": one}
                    for one in (*names, "admin", "partner")
                ],
            )
        return self._made_pool

    def _signed_elsewhere(self, token: str) -> str:
        """The same claims to the letter, signed by the customers' provider."""
        asked = {"issuer": auth0(self._api), "sub": "someone", "claims": _claims(token)}
        return self._minted(asked)

    def _minted(self, asked: dict[str, Any]) -> str:
        answer = requests.post(
            f"{self._stack.stand_ins.idp}/_control/tokens", json=asked, timeout=10
        )
        answer.raise_for_status()
        return str(answer.json()["token"])

    def _operator(self, group: str) -> Login:
        login = Login(f"{uuid.uuid4().hex}@tessera.example", _PASSWORD)
        pool = self._stack.outputs["OperatorsPoolId"]
        self._user(pool, login)
        self._cognito.admin_add_user_to_group(
            UserPoolId=pool, Username=login.email, GroupName=group
        )
        return login

    def _user(self, pool: str, login: Login) -> None:
        self._cognito.admin_create_user(
            UserPoolId=pool,
            Username=login.email,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": login.email}],
        )
        replace_first_password(self._aws, pool, login)

    def _partner_user(self) -> tuple[str, Login, str]:
        """Of the first organisation: its id, how the user signs in, and the user's id."""
        organisation = self._stack.partners[0].id
        login = Login(f"{uuid.uuid4().hex}@partner.example", _PASSWORD)
        made = self._api.call(
            "POST", f"/api/partner-organisation/{organisation}", {"email": login.email}
        )
        replace_first_password(self._aws, self._stack.outputs["PartnersPoolId"], login)
        return organisation, login, str(made["id"])

    def _signed_in(self, login: Login, address: str) -> Pages:
        pages = Pages(self._stack.api)
        pages.sign_in(address, {"username": login.email}, {"password": login.password})
        return pages


def _bearer(token: str) -> str:
    return f"Bearer {token}"


def _basic(username: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def _part(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text + "=="))


def _packed(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = _part(token.split(".")[1])
    return claims


def _altered(token: str, *, extra: str = "", **claims: str) -> str:
    """With more scopes and other claims under the signature that it had."""
    head, _, signature = token.split(".")
    changed = {**_claims(token), **claims}
    if extra:
        changed["scope"] = f"{changed.get('scope', '')} {extra}"
    return f"{head}.{_packed(changed)}.{signature}"


def _unsigned(token: str) -> str:
    head, claims, _ = token.split(".")
    return f"{_packed({**_part(head), 'alg': 'none'})}.{claims}."


def _browser(pages: Pages, address: str) -> tuple[dict[str, str], str]:
    return {"Cookie": _cookies(pages.cookies)}, _csrf(pages, address)


def _csrf(pages: Pages, address: str) -> str:
    token = session.hidden(pages.get(address).text, "csrf_token")
    assert token, f"{address} has no form"
    return token


def _cookies(jar: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in jar.items())


def _made_up() -> dict[str, str]:
    kinds = ("operator", "partner", "customer")
    return {f"__Host-{kind}": base64.urlsafe_b64encode(b"\7" * 32).decode() for kind in kinds}
