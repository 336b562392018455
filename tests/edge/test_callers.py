"""Who is calling, from what the gateway has verified, and which routes admit whom."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tessera import clock
from tessera.edge import callers
from tessera.errors import Forbidden, Unauthorized
from tessera.identity.principal import (
    Anonymous,
    Customer,
    Machine,
    Operator,
    Partner,
    PartnerOrganisation,
    Principal,
)
from tests.builders import NOW, api_event, customer, machine, operator, partner

ROUTE = "POST /api/x"
SUBJECT = "subject-of-petra"
ACME = PartnerOrganisation(
    id="partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1",
    name="Acme",
    is_zuora_invoice_owner=True,
    zuora_account_id="8ad0",
)
PETRA = Partner(id="partner_user-1", name="Petra", organisation=ACME)


class Stored:
    """One active user."""

    def signed_in(self, subject: str, *, organisation: str) -> Partner | None:
        return PETRA if (subject, organisation) == (SUBJECT, ACME.id) else None


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def who(caller: dict[str, Any], partners: Any = None) -> Principal:
    return callers.of(api_event("POST", "/api/x", caller=caller), partners)


def claims(**changes: Any) -> dict[str, Any]:
    """Of an access token of the operators' pool; None takes a claim away."""
    said = {"client_id": "c-1", "sub": "s-1", "scope": "tessera/orders", **changes}
    return {"jwt": {"claims": {name: one for name, one in said.items() if one is not None}}}


def test_a_machine_is_known_by_its_client_and_may_what_its_scopes_say() -> None:
    found = who(machine("orders", "sync", client="c-7"))

    scopes = frozenset({"tessera/orders", "tessera/sync"})
    assert found == Machine(id="c-7", scopes=scopes)


def test_an_operator_is_known_by_its_subject_and_its_groups() -> None:
    assert who(operator("admin", "support", sub="olivia")) == Operator(
        id="olivia", groups=frozenset({"admin", "support"})
    )


@pytest.mark.parametrize("groups", ["[admin support]", "[admin, support]", ["admin", "support"]])
def test_groups_are_read_however_the_gateway_writes_them(groups: Any) -> None:
    found = who(claims(scope="tessera/admin", **{"cognito:groups": groups}))

    assert isinstance(found, Operator)
    assert found.groups == {"admin", "support"}


def test_an_operator_without_groups_is_in_none() -> None:
    found = who(claims(scope="tessera/admin"))

    assert isinstance(found, Operator)
    assert found.groups == frozenset()


@pytest.mark.parametrize("scope", ["tessera/orders", "tessera/admin"])
def test_an_id_token_opens_nothing(scope: str) -> None:
    with pytest.raises(Unauthorized):
        who(claims(client_id=None, scope=scope))


def test_a_partner_user_is_who_is_stored() -> None:
    assert who(partner(SUBJECT, ACME.id), Stored()) == PETRA


@pytest.mark.parametrize(
    ("subject", "organisation"),
    [("somebody", ACME.id), (SUBJECT, "partner_org-other"), ("", ACME.id), (SUBJECT, "")],
    ids=["removed", "of-another-organisation", "no-subject", "no-organisation"],
)
def test_a_partner_user_who_is_not_stored_has_to_sign_in_again(
    subject: str, organisation: str
) -> None:
    with pytest.raises(Unauthorized):
        who(partner(subject, organisation), Stored())


def test_a_function_that_knows_no_partners_admits_none() -> None:
    with pytest.raises(Forbidden):
        who(partner(SUBJECT, ACME.id))


def test_a_customer_is_a_subject_of_an_issuer_whatever_characters_they_have() -> None:
    found = who(customer("auth0|\N{EURO SIGN} 1", "https://login.example/?a=b"))

    assert found == Customer(id="auth0|\N{EURO SIGN} 1", issuer="https://login.example/?a=b")


@pytest.mark.parametrize(
    ("left", "is_over"),
    [(timedelta(seconds=1), False), (timedelta(), True)],
    ids=["not-yet", "now"],
)
def test_a_customers_token_ends_in_its_second_although_the_gateway_remembers_it(
    left: timedelta, is_over: bool
) -> None:
    until = int((NOW + left).timestamp())

    if is_over:
        with pytest.raises(Unauthorized, match="expired"):
            who(customer(expires_at=until))
    else:
        assert isinstance(who(customer(expires_at=until)), Customer)


@pytest.mark.parametrize("named", [{}, {"issuer": "i"}, {"subject": "s"}])
def test_an_authorizer_that_names_nobody_admits_nobody(named: dict[str, str]) -> None:
    with pytest.raises(Unauthorized):
        who({"lambda": {**named, "expires_at": 4102444800}})


def test_an_authorizer_that_says_nothing_admits_nobody() -> None:
    with pytest.raises(Unauthorized):
        who({"lambda": None})


def test_who_has_no_token_is_nobody() -> None:
    assert who({}) == Anonymous()


ORDERS = Machine(id="c", scopes=frozenset({"tessera/orders"}))
SUPPORT = Operator(id="o", groups=frozenset({"support"}))
ANA = Customer(id="1", issuer="https://login.example")


@pytest.mark.parametrize(
    ("who", "allowed", "is_admitted"),
    [
        (ORDERS, {"machine": ["orders"]}, True),
        (ORDERS, {"machine": ["sync", "orders"]}, True),
        (ORDERS, {"machine": ["sync"]}, False),
        (ORDERS, {"operator": ["admin"]}, False),
        (SUPPORT, {"machine": ["orders"], "operator": ["admin", "support"]}, True),
        (SUPPORT, {"operator": ["admin"]}, False),
        (SUPPORT, {"machine": ["orders"]}, False),
        (ANA, {"customer": []}, True),
        (ANA, {"partner": []}, False),
        (PETRA, {"partner": []}, True),
        (PETRA, {"customer": []}, False),
        (Anonymous(), {"customer": []}, False),
        (Anonymous(), {}, True),
        (ANA, {}, True),
    ],
)
def test_a_route_admits_whom_it_names_and_all_where_it_names_nobody(
    who: Principal, allowed: Any, is_admitted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLERS", json.dumps({ROUTE: allowed}))

    if is_admitted:
        callers.admit(who, ROUTE)
    else:
        with pytest.raises(Forbidden):
            callers.admit(who, ROUTE)


@pytest.mark.parametrize("who", [ORDERS, SUPPORT, ANA, PETRA, Anonymous()])
def test_a_route_that_is_not_declared_admits_nobody(
    who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLERS", json.dumps({"GET /api/y": {}}))

    with pytest.raises(Forbidden):
        callers.admit(who, ROUTE)


def test_who_lacks_a_scope_or_a_group_is_told_which(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = {"machine": ["sync", "objects"], "operator": ["admin"]}
    monkeypatch.setenv("CALLERS", json.dumps({ROUTE: allowed}))

    with pytest.raises(Forbidden, match="lacks the scope tessera/sync"):
        callers.admit(ORDERS, ROUTE)
    with pytest.raises(Forbidden, match="operators of the group admin"):
        callers.admit(SUPPORT, ROUTE)
