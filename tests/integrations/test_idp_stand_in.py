"""The stand-in for identity providers: lenient about who signs in, strict about the protocol."""

import html
import re
from collections.abc import Iterator

import pytest
import requests

from infra.local._server import Running, serve
from infra.local.idp import PEOPLE, IdentityProvider
from tests.integrations.idp_client import (
    AFTERWARDS,
    ALGORITHMS,
    CALLBACK,
    INGRID,
    VERIFIER,
    base_of,
    exchange,
    issuer_of,
    request_for,
    returned,
    sign_in,
    verified,
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Running]:
    stand_in = IdentityProvider(redirect=[CALLBACK], post_logout=[AFTERWARDS])
    with serve(stand_in) as running:
        yield running


@pytest.fixture
def idp(shared: Running) -> Running:
    """The provider as seeded, without the half second that new keys would take."""
    control = f"{shared.url}/_control"
    requests.post(f"{control}/clock", json={"now": None}, timeout=10)
    requests.delete(f"{control}/faults", timeout=10)
    requests.patch(
        f"{control}/state",
        json={"clients": {"other": None, "tessera": {"secret": None}}},
        timeout=10,
    )
    return shared


@pytest.mark.parametrize("key", ["auth0", "okta"])
def test_publishes_each_issuer_where_openid_connect_looks_for_it(idp: Running, key: str) -> None:
    issuer = issuer_of(idp, key)

    found = requests.get(
        f"{issuer.removesuffix('/')}/.well-known/openid-configuration", timeout=10
    ).json()

    assert found["issuer"] == issuer
    assert found["id_token_signing_alg_values_supported"] == [ALGORITHMS[key]]
    assert found["code_challenge_methods_supported"] == ["S256"]
    [published] = requests.get(found["jwks_uri"], timeout=10).json()["keys"]
    assert (published["use"], published["alg"]) == ("sig", ALGORITHMS[key])
    assert not {"d", "p", "q"} & published.keys()


def test_seeds_three_people_at_auth0_and_one_at_okta() -> None:
    assert [person.issuer for person in PEOPLE] == ["auth0", "auth0", "auth0", "okta"]
    assert INGRID == "auth0|67bf2138817314f757da5abc"


def test_a_person_signs_in_through_the_page(idp: Running) -> None:
    address = f"{base_of(idp)}/authorize"
    shown = requests.get(address, params=request_for(), timeout=10)

    assert shown.status_code == 200
    names = re.findall(r"<strong>([^<]+)</strong>", shown.text)
    assert names == ["Tessera", "Ingrid Halden", "Carla Conte", "Noor Newcomer"]
    policy = shown.headers["Content-Security-Policy"]
    assert "form-action 'self' http://localhost:4321;" in policy
    actions = {html.unescape(action) for action in re.findall(r'action="([^"]+)"', shown.text)}
    [action] = actions
    back = requests.post(address + action, data={"sub": INGRID}, allow_redirects=False, timeout=10)

    result = returned(back)
    assert result["state"] == "the state&"
    assert result["iss"] == issuer_of(idp, "auth0")
    tokens = exchange(idp, result["code"])
    assert tokens.headers["Cache-Control"] == "no-store"
    claims = verified(idp, tokens.json()["id_token"])
    assert claims["exp"] - claims["iat"] == tokens.json()["expires_in"] == 3600
    assert {name: claims[name] for name in ("sub", "aud", "nonce", "email", "name")} == {
        "sub": INGRID,
        "aud": "tessera",
        "nonce": "the nonce",
        "email": "ingrid@halden.example",
        "name": "Ingrid Halden",
    }


def test_okta_access_tokens_name_the_login_in_sub_and_the_person_in_uid(idp: Running) -> None:
    mira = PEOPLE[3]
    code = sign_in(idp, "okta", mira.sub, audience="api://tessera", nonce=None)

    tokens = exchange(idp, code, "okta").json()

    access = verified(idp, tokens["access_token"], "okta", "api://tessera")
    assert (access["sub"], access["uid"]) == (mira.email, mira.sub)
    identity = verified(idp, tokens["id_token"], "okta")
    assert identity["sub"] == mira.sub
    assert "nonce" not in identity


def test_anybody_may_sign_in_by_subject_alone(idp: Running) -> None:
    tokens = exchange(idp, sign_in(idp, sub="auth0|new<b>")).json()

    claims = verified(idp, tokens["id_token"])
    assert claims["sub"] == "auth0|new<b>"
    assert not {"email", "name"} & claims.keys()


def test_shares_only_what_the_scope_asks_for(idp: Running) -> None:
    tokens = exchange(idp, sign_in(idp, scope="openid")).json()

    assert not {"email", "name"} & verified(idp, tokens["id_token"]).keys()


def test_cancelling_goes_back_with_access_denied(idp: Running) -> None:
    back = requests.post(
        f"{base_of(idp)}/authorize",
        params=request_for(),
        data={"cancel": "1"},
        allow_redirects=False,
        timeout=10,
    )

    assert returned(back)["error"] == "access_denied"


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "stranger"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": CALLBACK.replace("localhost", "127.0.0.1")},
        {"redirect_uri": "https://evil.example/<script>"},
        {"redirect_uri": None},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_sends_nobody_to_an_address_that_is_not_registered(
    idp: Running, method: str, change: dict[str, str | None]
) -> None:
    answer = requests.request(
        method,
        f"{base_of(idp)}/authorize",
        params=request_for(**change),
        data={"sub": INGRID},
        allow_redirects=False,
        timeout=10,
    )

    assert answer.status_code == 400
    assert "is not registered" in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_tells_the_client_what_is_wrong_with_its_request(
    idp: Running, change: dict[str, str | None], error: str
) -> None:
    answer = requests.get(
        f"{base_of(idp)}/authorize",
        params=request_for(**change),
        allow_redirects=False,
        timeout=10,
    )

    result = returned(answer)
    assert (result["error"], result["state"]) == (error, "the state&")


@pytest.mark.parametrize(
    "change",
    [
        {"code_verifier": None},
        {"code_verifier": VERIFIER + "x"},
        {"code_verifier": "short"},
        {"redirect_uri": CALLBACK + "?x=1"},
        {"redirect_uri": None},
        {"code": "guessed"},
    ],
)
def test_a_code_is_worth_nothing_without_its_verifier_and_address(
    idp: Running, change: dict[str, str | None]
) -> None:
    code = sign_in(idp)

    answer = exchange(idp, **{"code": code, **change})  # type: ignore[arg-type]  # all are text

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_code_works_once(idp: Running) -> None:
    code = sign_in(idp)

    assert exchange(idp, code).status_code == 200
    assert exchange(idp, code).json()["error"] == "invalid_grant"


def test_a_code_dies_with_a_failed_attempt(idp: Running) -> None:
    code = sign_in(idp)
    exchange(idp, code, code_verifier="x" * 43)

    assert exchange(idp, code).status_code == 400


def test_a_code_is_good_for_a_minute(idp: Running) -> None:
    clock = f"{idp.url}/_control/clock"
    requests.post(clock, json={"now": "2030-01-01T00:00:00Z"}, timeout=10)
    late, timely = sign_in(idp), sign_in(idp)

    requests.post(clock, json={"now": "2030-01-01T00:00:50Z"}, timeout=10)
    assert exchange(idp, timely).status_code == 200
    requests.post(clock, json={"now": "2030-01-01T00:01:05Z"}, timeout=10)
    assert exchange(idp, late).json()["error"] == "invalid_grant"


def test_a_code_is_bound_to_its_issuer_and_client(idp: Running) -> None:
    other = {"name": "Other", "redirect_uris": [CALLBACK]}
    requests.patch(f"{idp.url}/_control/state", json={"clients": {"other": other}}, timeout=10)

    elsewhere = exchange(idp, sign_in(idp), "okta")
    another = exchange(idp, sign_in(idp), client_id="other")

    assert elsewhere.json()["error"] == another.json()["error"] == "invalid_grant"


def test_a_client_with_a_secret_must_show_it(idp: Running) -> None:
    secret = "s:e c/ü"
    change = {"clients": {"tessera": {"secret": secret}}}
    requests.patch(f"{idp.url}/_control/state", json=change, timeout=10)
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }

    without = exchange(idp, sign_in(idp))
    posted = exchange(idp, sign_in(idp), client_secret=secret)
    basic = requests.post(
        f"{base_of(idp)}/token",
        data={**form, "code": sign_in(idp)},
        auth=("tessera", "s%3Ae+c%2F%C3%BC"),
        timeout=10,
    )
    wrong = requests.post(f"{base_of(idp)}/token", data=form, auth=("tessera", "x"), timeout=10)

    assert (without.status_code, without.json()["error"]) == (401, "invalid_client")
    assert (posted.status_code, basic.status_code) == (200, 200)
    assert (wrong.status_code, wrong.headers["WWW-Authenticate"]) == (401, 'Basic realm="idp"')


def test_refuses_other_grants(idp: Running) -> None:
    answer = exchange(idp, "", grant_type="client_credentials")

    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_sign_out_goes_only_where_it_is_registered(idp: Running) -> None:
    address = f"{base_of(idp)}/logout"
    back = requests.get(
        address,
        params={"post_logout_redirect_uri": AFTERWARDS, "state": "s"},
        allow_redirects=False,
        timeout=10,
    )
    elsewhere = requests.get(
        address, params={"post_logout_redirect_uri": "http://localhost:1/"}, timeout=10
    )
    plain = requests.post(address, timeout=10)

    assert (back.status_code, back.headers["Location"]) == (303, f"{AFTERWARDS}?state=s")
    assert elsewhere.status_code == 400
    assert (plain.status_code, "You are signed out" in plain.text) == (200, True)


def test_a_fault_spoils_the_id_token_of_a_sign_in(idp: Running) -> None:
    fault = {"match": {"path": "/token$"}, "action": {"kind": "defect", "defect": "wrong_nonce"}}
    requests.post(f"{idp.url}/_control/faults", json=fault, timeout=10)

    first = exchange(idp, sign_in(idp)).json()
    second = exchange(idp, sign_in(idp)).json()

    assert verified(idp, first["id_token"])["nonce"] != "the nonce"
    assert verified(idp, first["access_token"])["sub"] == INGRID
    assert verified(idp, second["id_token"])["nonce"] == "the nonce"


def test_an_empty_provider_knows_nobody_but_lets_anybody_in() -> None:
    with serve(IdentityProvider(seed="empty", redirect=[CALLBACK])) as idp:
        shown = requests.get(f"{base_of(idp)}/authorize", params=request_for(), timeout=10)
        code = sign_in(idp, sub="auth0|anybody")

        assert "Ingrid" not in shown.text
        assert exchange(idp, code).status_code == 200


def test_shows_what_there_is(idp: Running) -> None:
    shown = requests.get(f"{idp.url}/", timeout=10)

    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    for issuer in ("auth0", "okta"):
        assert issuer_of(idp, issuer) in shown.text
    assert CALLBACK in shown.text
