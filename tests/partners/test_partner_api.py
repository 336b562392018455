"""What a signed-in partner user reads, through the deployed handlers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tessera.commerce.commits import Commit
from tessera.commerce.entitlements import OwnedCustomer, Ownership
from tessera.commerce.store import CommerceTable
from tessera.events import event
from tessera.partners.store import PartnersTable
from tests.builders import NOW, api_event, partner
from tests.commerce.counting import counted
from tests.handlers import body, load
from tests.partners.commerce import customer, holding, order, owner, sold_at
from tests.partners.organisations import ACME, BOREALIS, organisation, petra

SUBJECTS = {ACME: "subject-of-petra", BOREALIS: "subject-of-boris"}
FUNCTIONS = {
    "/api/partner/offers": "list_partner_offers",
    "/api/partner/customer": "list_customers",
    "/api/partner/customer/{id}": "read_customer",
    "/api/partner/subscriptions": "list_customer_subscriptions",
    "/api/partner/subscriptions/{id}": "read_customer_subscription",
    "/api/partner/order/{id}": "read_partner_order",
}
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(stored: PartnersTable, cursor_key: None) -> Ask:
    for n, (id, subject) in enumerate(SUBJECTS.items()):
        one = organisation(id)
        stored.add(one, event("partner_org.created", one.wire(), at=NOW))
        data = petra().data.model_copy(update={"email": f"{n}@partner.example"})
        user = petra(id=f"partner_user-{n:032x}", partner_org=id, data=data)
        enrolled = user.model_copy(update={"status": "inviting", "subject": None})
        stored.enrol(enrolled, due=NOW)
        active = {"subject": subject, "modified": NOW + timedelta(seconds=1)}
        stored.activate(
            enrolled, user.model_copy(update=active), event("partner_user.created", {}, at=NOW)
        )

    def ask(
        route: str, by: str = ACME, *, query: dict[str, str] | None = None, id: str = ""
    ) -> tuple[int, Any]:
        handler = load(f"partners/{FUNCTIONS[route]}", {f"GET {route}": {"partner": []}})
        path = route.format(id=id)
        caller = partner(SUBJECTS[by], by)
        answer = handler(api_event("GET", path, route=route, caller=caller, query=query))
        return answer["statusCode"], body(answer)

    return ask


@pytest.fixture
def shared_owner(tables: dict[str, str]) -> str:
    """An owner who bought of both organisations."""
    customers = [customer(1, ACME), customer(2, BOREALIS, owner=owner(1).id)]
    held = [holding(1, ACME), holding(2, BOREALIS, owner=owner(1).id)]
    orders = [order(1, ACME), order(2, BOREALIS, owner=owner(1).id)]
    owned = tuple(OwnedCustomer(id=one.id, partner_org=one.partner_org) for one in customers)
    ownership = Ownership(owner=owner(1, None), customers=owned)
    offer = sold_at("17.50", 1, ACME)
    change = Commit(ownership=ownership, seen=None, creates=[*customers, *held, offer, *orders])
    CommerceTable("Commerce", "Events").commit(change)
    return owner(1).id


def test_of_an_owner_whom_two_partners_serve_each_sees_its_own(ask: Ask, shared_owner: str) -> None:
    query = {"owner": shared_owner}
    for n, by in ((1, ACME), (2, BOREALIS)):
        status, listed = ask("/api/partner/subscriptions", by, query=query)
        assert (status, [one["id"] for one in listed["items"]]) == (200, [holding(n).id])
        status, found = ask("/api/partner/customer", by, query={"filter": "ANA"})
        assert (status, found["hits"], [one["id"] for one in found["items"]]) == (
            200,
            1,
            [customer(n).id],
        )
        for route, id in (
            ("/api/partner/customer/{id}", customer(n).id),
            ("/api/partner/subscriptions/{id}", holding(n).id),
            ("/api/partner/order/{id}", order(n).id),
        ):
            status, one = ask(route, by, id=id)
            assert (status, one["id"], one["partner_org"]) == (200, id, by)


def test_a_subscription_by_itself_is_what_the_list_shows(ask: Ask, shared_owner: str) -> None:
    (listed,) = ask("/api/partner/subscriptions", query={"owner": shared_owner})[1]["items"]

    assert ask("/api/partner/subscriptions/{id}", id=listed["id"]) == (200, listed)
    (offer,) = listed["offers"]
    assert offer["data"]["offer"]["attributes"] == {"price__limio": [{"value": 17.5}]}


def test_what_is_anothers_is_answered_like_what_does_not_exist(ask: Ask, shared_owner: str) -> None:
    for route, theirs, nobodys in (
        ("/api/partner/customer/{id}", customer(2).id, customer(9).id),
        ("/api/partner/subscriptions/{id}", holding(2).id, holding(9).id),
        ("/api/partner/order/{id}", order(2).id, order(9).id),
    ):
        refused = ask(route, id=theirs)
        assert refused[0] == 404
        assert refused == ask(route, id=nobodys)
    unknown = ask("/api/partner/subscriptions", query={"owner": owner(9).id})
    assert (unknown[0], unknown[1]["code"]) == (404, "not_found")


def test_a_page_of_customers_costs_two_requests_sign_in_included(
    ask: Ask, shared_owner: str
) -> None:
    for query in ({}, {"filter": "ana"}):
        with counted() as requests:
            assert ask("/api/partner/customer", query=query)[0] == 200
        assert requests == {"BatchGetItem": 1, "Query": 1}


def test_offers_are_asked_for_by_their_label(ask: Ask) -> None:
    assert ask("/api/partner/offers", query={"label": "gold"}) == (200, {"items": []})
    status, refused = ask("/api/partner/offers")
    assert (status, refused["errors"][0]["field"], refused["code"]) == (422, "label", "required")


def test_a_label_that_is_longer_than_any_is_refused(ask: Ask) -> None:
    assert ask("/api/partner/offers", query={"label": "a" * 100})[0] == 200
    status, refused = ask("/api/partner/offers", query={"label": "a" * 101})
    assert (status, refused["errors"][0]["field"], refused["code"]) == (422, "label", "too_long")


def test_a_filter_that_is_longer_than_any_name_is_refused(ask: Ask) -> None:
    status, refused = ask("/api/partner/customer", query={"filter": "a" * 101})

    assert (status, refused["errors"][0]["field"]) == (422, "filter")
