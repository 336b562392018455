"""Who signs in for a partner: what tokens say, and whom they open doors for, at this moment."""

from datetime import timedelta
from typing import Any

import pytest

from tessera import clock, dynamo
from tessera.errors import Unauthorized
from tessera.events import event
from tessera.partners.store import PartnersTable
from tests.builders import NOW, api_event, machine, operator, partner
from tests.commerce.counting import counted
from tests.handlers import Handler, body, load
from tests.partners.organisations import ACME, BOREALIS, organisation, petra

SUBJECT = "subject-of-petra"
ROUTE = "/api/partner/customer/{id}"
TOKEN_REQUEST = {
    "version": "2",
    "triggerSource": "TokenGeneration_HostedAuth",
    "userName": SUBJECT,
    "request": {"userAttributes": {"sub": SUBJECT, "email": "petra@acme.example"}, "scopes": []},
    "response": {"claimsAndScopeOverrideDetails": None},
}


@pytest.fixture
def signed_up(stored: PartnersTable) -> PartnersTable:
    """Petra of Acme, active; Borealis beside it."""
    for id in (ACME, BOREALIS):
        one = organisation(id)
        stored.add(one, event("partner_org.created", one.wire(), at=NOW))
    enrolled = petra(status="inviting", subject=None)
    stored.enrol(enrolled, due=NOW)
    active = petra(subject=SUBJECT, modified=NOW + timedelta(seconds=1))
    stored.activate(enrolled, active, event("partner_user.created", active.wire(), at=NOW))
    return stored


def removed(stored: PartnersTable) -> None:
    seen = stored.user(ACME, petra().id)
    assert seen is not None
    changes = {"status": "removing", "modified": seen.modified + timedelta(seconds=1)}
    stored.begin_removal(seen, seen.model_copy(update=changes), due=NOW)


def trigger() -> Handler:
    return load("partners/add_organisation_claim")


@pytest.fixture
def reader() -> Handler:
    return load("partners/read_customer", {f"GET {ROUTE}": {"partner": []}})


def asked(reader: Handler, caller: dict[str, Any]) -> tuple[int, str]:
    event = api_event("GET", "/api/partner/customer/cus-0", route=ROUTE, caller=caller)
    answer = reader(event)
    return answer["statusCode"], body(answer)["code"]


def test_both_tokens_say_for_which_organisation_the_user_acts(signed_up: PartnersTable) -> None:
    answer = trigger()(TOKEN_REQUEST)

    claims = {"claimsToAddOrOverride": {"lmo:partner_org": ACME}}
    assert answer["response"] == {
        "claimsAndScopeOverrideDetails": {
            "idTokenGeneration": claims,
            "accessTokenGeneration": claims,
        }
    }
    user = signed_up.user(ACME, petra().id)
    assert user is not None
    assert user.data.last_seen is not None
    assert clock.now() - user.data.last_seen < timedelta(minutes=1)


def test_nobody_gets_tokens_without_being_a_partner_user(signed_up: PartnersTable) -> None:
    unknown = {**TOKEN_REQUEST, "request": {"userAttributes": {"sub": "somebody"}}}

    with pytest.raises(Unauthorized):
        trigger()(unknown)


def test_a_removed_user_gets_no_tokens(signed_up: PartnersTable) -> None:
    removed(signed_up)

    with pytest.raises(Unauthorized):
        trigger()(TOKEN_REQUEST)


def test_an_archived_organisation_signs_nobody_in(signed_up: PartnersTable) -> None:
    archived(signed_up)

    with pytest.raises(Unauthorized):
        trigger()(TOKEN_REQUEST)
    assert signed_up.signed_in(SUBJECT, organisation=ACME) is None


def archived(stored: PartnersTable) -> None:
    """As no rule would leave it: beside a user."""
    key = {"pk": ACME, "sk": ACME}
    dynamo.write(dynamo.update("Partners", key, "SET #status = :gone", gone="archived"))


def test_who_is_signed_in_is_read_with_one_request(signed_up: PartnersTable) -> None:
    with counted() as requests:
        who = signed_up.signed_in(SUBJECT, organisation=ACME)

    assert who is not None
    assert (who.id, who.name, who.partner_org) == (petra().id, "Petra Novak", ACME)
    assert who.organisation == organisation().acting()
    assert requests == {"BatchGetItem": 1}


def test_a_partners_request_comes_as_far_as_what_is_asked_for(
    signed_up: PartnersTable, reader: Handler
) -> None:
    assert asked(reader, partner(SUBJECT, ACME)) == (404, "not_found")


def test_removal_ends_access_while_the_token_still_lives(
    signed_up: PartnersTable, reader: Handler
) -> None:
    removed(signed_up)

    assert asked(reader, partner(SUBJECT, ACME)) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("subject", "claimed"),
    [(SUBJECT, BOREALIS), ("somebody", ACME), ("", ACME), (SUBJECT, "")],
    ids=["another organisation", "another user", "no user", "no organisation"],
)
def test_a_claim_that_is_not_what_is_stored_opens_nothing(
    signed_up: PartnersTable, reader: Handler, subject: str, claimed: str
) -> None:
    assert asked(reader, partner(subject, claimed)) == (401, "unauthorized")


@pytest.mark.parametrize("caller", [machine("objects"), operator("admin"), {}])
def test_nobody_else_comes_in_by_a_partners_route(
    signed_up: PartnersTable, reader: Handler, caller: dict[str, Any]
) -> None:
    assert asked(reader, caller) == (403, "forbidden")


def test_a_partner_comes_in_by_no_route_that_does_not_expect_one(
    signed_up: PartnersTable,
) -> None:
    handler = load("commerce/read_order", {"GET /api/order/{id}": {"partner": []}})
    event = api_event("GET", "/api/order/x", route="/api/order/{id}", caller=partner(SUBJECT, ACME))

    assert handler(event)["statusCode"] == 403
