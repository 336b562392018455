"""Signing in and out: against a provider over real HTTP, with what attackers try."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from infra.local._server import Running, serve
from infra.local.idp import PEOPLE, IdentityProvider
from infra.routes import ROUTES
from tessera import clock
from tessera.aws import client
from tessera.edge.pages import cookies
from tessera.identity import sessions
from tessera.identity.session_store import SessionsTable
from tessera.identity.sessions import Filled, Signed
from tests import handlers
from tests.pages.visitor import BASE_URL, Seen, Visitor, signed_in

INGRID, CARLA = PEOPLE[0].sub, PEOPLE[1].sub
_ROUTES: dict[str, Any] = {route.key: {} for route in ROUTES if route.function == "pages/sign_in"}


@pytest.fixture(scope="module")
def provider() -> Iterator[Running]:
    callback = f"{BASE_URL}/auth/customer/callback"
    with serve(IdentityProvider(redirect=[callback], post_logout=[f"{BASE_URL}/"])) as running:
        yield running


@pytest.fixture
def visitor(tables: dict[str, str], provider: Running) -> Visitor:
    entry = {
        "key": "auth0",
        "display_name": "Auth0",
        "issuer": f"{provider.url}/auth0/",
        "client_id": "tessera",
        "audience": "https://api.example",
    }
    other = {**entry, "key": "other", "display_name": "The <b>other</b>"}
    other["issuer"] = "https://other.example"
    return _visitor([entry, other])


def _visitor(providers: list[dict[str, Any]]) -> Visitor:
    client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers",
        Type="String",
        Value=json.dumps(providers),
        Overwrite=True,
    )
    pools = {
        f"{pool}_{member}".upper(): value
        for pool in ("operators", "partners")
        for member, value in {
            "issuer": f"https://{pool}.example/pool",
            "client": f"{pool}-client",
            "pages": f"https://{pool}.example",
            "keys": f"https://{pool}.example/keys",
        }.items()
    }
    module = handlers.loaded(
        "pages/sign_in",
        _ROUTES,
        folder=handlers.ROOT / "functions",
        IDENTITY_SECRETS="tessera/dev/identity/",
        **{**pools, "ALLOW_HTTP_ISSUERS": "true"},
    )
    return Visitor(lambda event: module.handler(event, None), _ROUTES)


def at_provider(there: str, sub: str) -> str:
    """The person signs in there; our callback's address, with what it brings along."""
    answer = requests.post(there, data={"sub": sub}, allow_redirects=False, timeout=10)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].removeprefix(BASE_URL)


def sign_in(visitor: Visitor, sub: str = INGRID, **query: str) -> Seen:
    start = visitor.get("/auth/customer?" + "&".join(f"{k}={v}" for k, v in query.items()))
    there = visitor.get(_way(start, "auth0"))
    return visitor.get(at_provider(there.location, sub))


def _way(choice: Seen, key: str) -> str:
    (found,) = [part for part in choice.html.split('"') if f"provider={key}" in part]
    return found.replace("&amp;", "&")


def test_several_providers_are_offered_by_their_names(visitor: Visitor) -> None:
    choice = visitor.get("/auth/customer?return_to=%2Fbilling")

    assert choice.status == 200
    assert "Auth0" in choice.text
    assert "The <b>other</b>" in choice.text
    assert "<b>other" not in choice.html


def test_the_provider_is_asked_with_pkce_state_and_nonce(visitor: Visitor) -> None:
    there = visitor.get("/auth/operator?return_to=%2Fsettings")

    parts = urlsplit(there.location)
    asked = {name: value for name, [value] in parse_qs(parts.query).items()}
    assert there.status == 303
    assert there.location.startswith("https://operators.example/oauth2/authorize?")
    assert asked["redirect_uri"] == f"{BASE_URL}/auth/operator/callback"
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == "openid email tessera/admin"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43


def test_signing_in_leads_to_the_page_under_a_session_of_its_own(visitor: Visitor) -> None:
    before = signed_in(visitor, "customer")
    old = visitor.cookies[cookies.NAMES["customer"]]

    done = sign_in(visitor, return_to="%2Fbilling%3Fa%3D1")

    id = visitor.cookies[cookies.NAMES["customer"]]
    session = SessionsTable("Sessions").session(id)
    assert (done.status, done.location) == (303, "/billing?a=1")
    assert session is not None
    assert (session.signed.subject, session.signed.name) == (INGRID, "Ingrid Halden")
    assert id != old
    assert session.csrf != before.csrf
    assert SessionsTable("Sessions").session(old) is None
    (cookie,) = [one for one in done.set_cookies if one.startswith("__Host-customer=")]
    assert cookie.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")


@pytest.mark.parametrize("to", ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2Fauth%2Fx"])
def test_nobody_is_led_away_after_signing_in(visitor: Visitor, to: str) -> None:
    assert sign_in(visitor, return_to=to).location == "/subscriptions"


def test_a_callback_counts_once(visitor: Visitor) -> None:
    there = visitor.get(_way(visitor.get("/auth/customer"), "auth0"))
    callback = at_provider(there.location, INGRID)

    assert visitor.get(callback).status == 303
    again = visitor.get(callback)

    assert again.status == 400
    assert "used already" in again.text
    assert "Try again" in again.text


def test_a_callback_in_another_browser_signs_nobody_in(visitor: Visitor) -> None:
    there = visitor.get(_way(visitor.get("/auth/customer"), "auth0"))
    callback = at_provider(there.location, INGRID)
    victim = Visitor(visitor.handler, _ROUTES)

    refused = victim.get(callback)

    assert refused.status == 400
    assert cookies.NAMES["customer"] not in victim.cookies


def test_a_callback_of_another_kind_signs_nobody_in(visitor: Visitor) -> None:
    there = visitor.get(_way(visitor.get("/auth/customer"), "auth0"))
    callback = at_provider(there.location, INGRID)

    refused = visitor.get(callback.replace("/customer/", "/operator/"))

    assert refused.status == 400
    assert cookies.NAMES["operator"] not in visitor.cookies


def test_who_cancels_is_told_so_and_may_try_again(visitor: Visitor) -> None:
    there = visitor.get(_way(visitor.get("/auth/customer?return_to=%2Fbilling"), "auth0"))
    state = parse_qs(urlsplit(there.location).query)["state"][0]

    page = visitor.get(f"/auth/customer/callback?error=access_denied&state={state}")

    assert page.status == 400
    assert "cancelled" in page.text
    assert 'href="/auth/customer?return_to=%2Fbilling"' in page.html


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        ("wrong_nonce", "did not succeed"),
        ("bad_signature", "did not succeed"),
        ("wrong_aud", "did not succeed"),
        ("alg_none", "did not succeed"),
        ("expired", "clocks"),
        ("not_yet", "clocks"),
    ],
)
def test_a_spoilt_token_signs_nobody_in(
    visitor: Visitor, provider: Running, defect: str, words: str
) -> None:
    fault = {
        "match": {"path": "/token"},
        "times": 1,
        "action": {"kind": "defect", "defect": defect},
    }
    requests.post(f"{provider.url}/_control/faults", json=fault, timeout=10)

    page = sign_in(visitor)

    assert page.status == 403
    assert words in page.text
    assert cookies.NAMES["customer"] not in visitor.cookies


def test_a_provider_that_is_down_is_named(tables: dict[str, str]) -> None:
    visitor = _visitor(
        [{"key": "gone", "issuer": "http://127.0.0.1:9/", "client_id": "x", "display_name": "Gone"}]
    )

    page = visitor.get("/auth/customer")

    assert page.status == 502
    assert "Gone" in page.text


@pytest.mark.parametrize(("sub", "comes_back"), [(INGRID, True), (CARLA, False)])
def test_a_parked_form_comes_back_to_the_same_person_only(
    visitor: Visitor, provider: Running, sub: str, comes_back: bool
) -> None:
    issuer = f"{provider.url}/auth0/"
    signed = Signed(kind="customer", subject=INGRID, issuer=issuer)
    session = sessions.begin(signed, now=clock.now())[1]
    filled = Filled(path="/edit-plan", fields=(("offer", "gold"),))
    token, parked = sessions.parked(session, filled, now=clock.now())
    SessionsTable("Sessions").park(token, parked)

    done = sign_in(visitor, sub, return_to="%2Fbilling", parked=token)

    kept = SessionsTable("Sessions").session(visitor.cookies[cookies.NAMES["customer"]])
    assert kept is not None
    assert kept.filled == (filled if comes_back else None)
    assert done.location == ("/edit-plan" if comes_back else "/billing")


def test_who_is_signed_in_as_another_kind_is_told_before_going_on(visitor: Visitor) -> None:
    signed_in(visitor, "operator", name="Olivia <i>")

    page = visitor.get("/auth/customer?return_to=%2Fbilling")

    assert page.status == 200
    assert "This page is for customers" in page.text
    assert "You are signed in as Olivia <i> , an operator." in page.text
    assert "<i>" not in page.html


def test_signing_out_ends_our_session_first_then_the_providers(
    visitor: Visitor, provider: Running
) -> None:
    sign_in(visitor)
    id = visitor.cookies[cookies.NAMES["customer"]]
    session = SessionsTable("Sessions").session(id)
    assert session is not None

    left = visitor.send("/auth/customer/sign-out", {"csrf_token": session.csrf})

    assert left.status == 303
    assert left.location.startswith(f"{provider.url}/auth0/logout?client_id=tessera")
    assert "post_logout_redirect_uri=https%3A%2F%2Fshop.example%2F" in left.location
    assert SessionsTable("Sessions").session(id) is None
    assert cookies.NAMES["customer"] not in visitor.cookies


def test_another_sites_form_signs_nobody_out(visitor: Visitor) -> None:
    session = signed_in(visitor, "operator")

    forged = visitor.send("/auth/operator/sign-out", {"csrf_token": "x"})
    foreign = visitor.send(
        "/auth/operator/sign-out",
        {"csrf_token": session.csrf},
        origin="https://evil.example",
    )

    assert (forged.location, foreign.status) == ("/", 403)
    id = visitor.cookies[cookies.NAMES["operator"]]
    assert SessionsTable("Sessions").session(id) is not None


def test_there_are_three_kinds_of_sign_in_and_no_fourth(visitor: Visitor) -> None:
    assert visitor.get("/auth/machine").status == 404


def test_a_sign_in_under_way_ends_after_a_quarter_of_an_hour(tables: dict[str, str]) -> None:
    now = clock.now()
    state, attempt = sessions.attempt(
        "operator", "operators", browser="b", return_to="/", parked="", now=now
    )
    table = SessionsTable("Sessions")
    table.keep_attempt(state, attempt)

    assert table.take_attempt(state, now=now + timedelta(minutes=15)) is None
