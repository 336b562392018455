"""What a sign-in asks a provider for, and whom its answer vouches for."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tessera.identity import sessions
from tessera.identity.code_flow import Pool, SignInRefused, authorization_address, vouched
from tessera.identity.sessions import Attempt, Kind, Signed
from tessera.identity.tokens import TokenRefused
from tests.identity.test_tokens import AUTH0, EPOCH, NOW, OKTA, Published, claims, ec_key, signed


def attempt(kind: Kind = "customer") -> Attempt:
    _, begun = sessions.attempt(
        kind, "auth0", browser="b", return_to="/billing", parked="", now=NOW
    )
    return begun


def vouched_for(kind: Kind = "customer", *, nonce: str | None = "", **changes: Any) -> Signed:
    begun = attempt(kind)
    said = claims(nonce=begun.nonce if nonce == "" else nonce, **changes)
    return vouched(
        signed(said), kind=kind, provider=AUTH0, attempt=begun, keys=Published(), now=NOW
    )


def refusal(kind: Kind = "customer", **changes: Any) -> str:
    with pytest.raises((SignInRefused, TokenRefused)) as refused:
        vouched_for(kind, **changes)
    assert refused.value.status == 401
    return refused.value.wire_code


def test_a_provider_vouches_for_a_person_with_name_and_email_to_be_shown() -> None:
    person = vouched_for(name=" Ana Lopes ", email="ana@example.com")

    assert (person.kind, person.issuer, person.provider) == ("customer", AUTH0.issuer, "auth0")
    assert person.subject == "auth0|67bf2138817314f757da5abc"
    assert (person.name, person.email) == ("Ana Lopes", "ana@example.com")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nonce": "of-another-sign-in"}, "wrong_nonce"),
        ({"nonce": None}, "wrong_nonce"),
        ({"token_use": "access"}, "wrong_token"),
    ],
    ids=["another-nonce", "no-nonce", "an-access-token"],
)
def test_a_token_for_something_else_signs_nobody_in(changes: dict[str, Any], code: str) -> None:
    assert refusal(**changes) == code


def test_what_is_meant_for_our_api_alone_signs_nobody_in() -> None:
    assert "api://tessera" in AUTH0.audience
    assert refusal(aud="api://tessera") == "token_audience"


def test_an_id_token_names_the_person_in_its_subject_whatever_access_tokens_do() -> None:
    begun = attempt()
    said = claims(
        iss=OKTA.issuer, aud=OKTA.client_id, nonce=begun.nonce, sub="okta|1", uid="another"
    )

    person = vouched(
        signed(said, key=ec_key(), kid="ec"),
        kind="customer",
        provider=OKTA,
        attempt=begun,
        keys=Published(),
        now=NOW,
    )

    assert person.subject == "okta|1"


@pytest.mark.parametrize(
    ("claimed", "groups"),
    [
        (["admin"], ("admin",)),
        (["support", "admin", "cats"], ("admin", "support")),
        (["support"], ("support",)),
    ],
)
def test_an_operator_has_the_groups_that_there_are(
    claimed: list[str], groups: tuple[str, ...]
) -> None:
    found: Any = {"cognito:groups": claimed}

    assert vouched_for("operator", **found).groups == groups


@pytest.mark.parametrize("claimed", [None, [], ["cats"], "admin", {"admin": True}])
def test_who_is_in_no_group_may_not_use_the_console(claimed: Any) -> None:
    assert refusal("operator", **{"cognito:groups": claimed}) == "no_group"


@pytest.mark.parametrize("kind", ["customer", "partner"])
def test_groups_are_the_operators_alone(kind: Kind) -> None:
    found: Any = {"cognito:groups": ["admin"]}

    assert vouched_for(kind, **found).groups == ()


@pytest.mark.parametrize(("kind", "organisation"), [("partner", "partner_org-1"), ("customer", "")])
def test_an_organisation_is_the_partner_users_alone(kind: Kind, organisation: str) -> None:
    assert vouched_for(kind, **{"lmo:partner_org": "partner_org-1"}).organisation == organisation


def test_a_sign_in_that_is_over_vouches_for_nobody() -> None:
    assert refusal(exp=EPOCH - 3600) == "token_expired"


@pytest.mark.parametrize("endpoint", ["https://login.example/authorize", "https://l.example/a?b=1"])
def test_the_browser_is_sent_with_all_that_ties_the_answer_to_it(endpoint: str) -> None:
    begun = attempt()

    address = authorization_address(
        endpoint, AUTH0, redirect_uri="https://shop.example/cb", state="s-1", attempt=begun
    )

    asked = {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(endpoint)
    assert asked.pop("b", "1") == "1"
    challenge = asked.pop("code_challenge")
    assert len(challenge) == 43
    assert challenge != begun.verifier
    assert asked == {
        "response_type": "code",
        "client_id": "tessera",
        "redirect_uri": "https://shop.example/cb",
        "scope": AUTH0.scopes,
        "state": "s-1",
        "nonce": begun.nonce,
        "code_challenge_method": "S256",
    }


def test_a_pool_signs_out_at_its_own_pages() -> None:
    pool = Pool.of(
        "partners",
        issuer="https://cognito.example/pool",
        client_id="c-1",
        pages="https://login.example",
        keys="https://cognito.example/keys",
        scope="tessera/partner",
    )

    assert pool.sign_out_address(back="https://shop.example/") == (
        "https://login.example/logout?client_id=c-1&logout_uri=https%3A%2F%2Fshop.example%2F"
    )
    assert pool.provider.scopes == "openid email tessera/partner"
