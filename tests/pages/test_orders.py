"""The console's pages on orders and owners: steps and retries, identities, and the find box."""

import json
import os
import re
from datetime import timedelta
from typing import Any

import pytest

from infra.routes import ROUTES
from tessera import aws, clock, dynamo, ids
from tessera.catalog.models import Offer
from tessera.catalog.store import CatalogTable
from tessera.commerce.models import OrderError, ProcessEvent, ProcessEventData, ProcessStep, Try
from tessera.commerce.order_lists import OrderLists, Wanted
from tessera.commerce.store import CommerceTable
from tessera.events import event
from tessera.partners.store import PartnersTable
from tests import handlers
from tests.commerce.carrying import ORDER, OWNER, REFERENCE, SUB
from tests.commerce.selling import MONTHLY, offer_id
from tests.commerce.test_provision_order import commit
from tests.pages.visitor import Visitor, signed_in
from tests.partners.organisations import organisation
from tests.webhooks.asking import cursor_secret

ORDERS, AT = "/objects/orders/limio", f"/objects/identities/limio/{OWNER}"
_ROUTES: dict[str, Any] = {
    route.key: {who.kind: list(who.needs) for who in route.who}
    for route in ROUTES
    if route.function == "pages/orders"
}
_SCRIPT = "<script>alert(1)</script>"
_ISSUER = "https://login.example.com/"


@pytest.fixture
def store(tables: dict[str, str]) -> CommerceTable:
    aws.client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers", Type="String", Value="[]"
    )
    cursor_secret()
    return CommerceTable("Commerce", "Events")


@pytest.fixture
def visitor(store: CommerceTable) -> Visitor:
    module = handlers.loaded("pages/orders", _ROUTES)

    def call(asked: dict[str, Any]) -> dict[str, Any]:
        os.environ["CALLERS"] = json.dumps(_ROUTES)
        answer: dict[str, Any] = module.handler(asked, None)
        return answer

    visitor = Visitor(call, _ROUTES)
    signed_in(visitor, "operator")
    return visitor


def failed(store: CommerceTable, **detail: Any) -> None:
    """An order whose account was made, and whose order was refused in Zuora's words."""
    now = clock.now()
    steps = [
        ("zuora_account", "complete", {"accountNumber": "A00000042"}, None),
        ("salesforce_customer", "skipped", None, None),
        ("zuora_order", "failed", None, {"code": "zuora_failed", "codes": (58560030,)}),
    ]
    process = [
        ProcessStep(
            id=ids.derived("process_event", "process_event", ORDER, name),
            step=name,
            status=status,
            at=now,
            attempts=2,
            result=result,
            request_id="req-1",
            error=error,
        )
        for name, status, result, error in steps
    ]
    commit(
        store,
        status="failed",
        process=tuple(process),
        error=OrderError(step="zuora_order", system="zuora", code="zuora_failed"),
        data={
            "order_type": "new",
            "customerDetails": {"firstName": "Carla", "lastName": _SCRIPT},
            "orderItems": [{"offer": {"id": offer_id("Digital Monthly")}}],
        },
        **detail,
    )
    told = ProcessEvent(
        id=process[2].id,
        status="failed",
        owner=OWNER,
        created=now,
        updated=now,
        data=ProcessEventData(
            order=ORDER,
            step="zuora_order",
            text=f"Rate plan {_SCRIPT} has ended",
            tries=(Try(at=now, method="POST", route="/v1/orders", outcome="refused", status=200),),
        ),
    )
    row = {"pk": told.id, "sk": told.id, **told.model_dump(by_alias=True, exclude_none=True)}
    dynamo.write(dynamo.put("Commerce", row))
    undone = {"pk": SUB, "sk": SUB}
    dynamo.write(dynamo.update("Commerce", undone, "REMOVE #data.pendingChange"))


def seller(digit: str, name: str) -> str:
    """The id of a partner organisation that is made here."""
    made = organisation(f"partner_org-{digit * 32}", name=name)
    told = event("partner_org.created", made.wire(), at=made.created)
    PartnersTable("Partners", "Events").add(made, told)
    return made.id


def test_before_the_first_order_the_list_says_what_will_be_here(visitor: Visitor) -> None:
    assert "Orders appear here as soon as they are accepted" in visitor.get(ORDERS).text


def test_orders_are_listed_and_filtered(visitor: Visitor, store: CommerceTable) -> None:
    failed(store)

    listed = visitor.get(ORDERS)

    assert f'href="{ORDERS}/{ORDER}">{REFERENCE}</a>' in listed.html
    assert f'hx-get="{ORDERS}"' in listed.html
    assert 'hx-select="#list"' in listed.html
    assert listed.html.index('<div id="list">') < listed.html.index(REFERENCE)
    assert "<script>alert" not in listed.html
    yesterday, tomorrow = (clock.now().date() + timedelta(days=days) for days in (-1, 1))
    for query in (
        "status=failed",
        "type=new",
        f"reference={REFERENCE[:4]}",
        f"from={yesterday}&to={tomorrow}",
    ):
        assert REFERENCE in visitor.get(f"{ORDERS}?{query}").text, query
    for query in ("status=complete", "type=renew", "reference=ZZ", "to=2020-01-01"):
        page = visitor.get(f"{ORDERS}?{query}")
        assert "Nothing fits these filters" in page.text, query
        assert f'href="{ORDERS}">Clear filters</a>' in page.html
    assert visitor.get(f"{ORDERS}?from=soon").status == 422


def test_orders_of_a_partner_are_chosen_by_its_name(visitor: Visitor, store: CommerceTable) -> None:
    acme, bolt, namesake = seller("a", "Acme"), seller("b", "Bolt"), seller("c", "Bolt")
    failed(store, partner_org=acme)

    page = visitor.get(ORDERS)

    chosen = re.findall(r'<option value="(partner_org-[^"]+)">([^<]+)<', page.html)
    assert chosen == [
        (acme, "Acme"),
        (bolt, "Bolt (bbbbbbbb)"),
        (namesake, "Bolt (cccccccc)"),
    ]
    assert REFERENCE in visitor.get(f"{ORDERS}?partner={acme}").text
    assert REFERENCE not in visitor.get(f"{ORDERS}?partner={bolt}").text


@pytest.mark.parametrize("unknown", [f"partner_org-{'0' * 32}", "Acme", "x" * 3000])
def test_a_partner_that_is_none_stays_chosen_and_has_no_orders(
    visitor: Visitor, store: CommerceTable, unknown: str
) -> None:
    failed(store)

    page = visitor.get(f"{ORDERS}?partner={unknown}")

    assert f'<option value="{unknown}" selected>' in page.html
    assert "Nothing fits these filters" in page.text


def test_pages_of_the_list_follow_each_other_over_months(
    store: CommerceTable, requests: list[str]
) -> None:
    now = clock.now()
    for number in range(7):
        at = clock.instant(now - timedelta(days=20 * number))
        row = {
            "pk": f"order-{number}",
            "sk": f"order-{number}",
            "lookup_pk": "orders",
            "lookup_sk": f"{at}#order-{number}",
            "id": f"order-{number}",
            "record_type": "order",
            "status": "failed" if number % 2 else "complete",
            "order_type": "new",
            "source": "shop",
            "orderDate": at,
            "created": at,
            "updated": at,
            "placed_by": {"kind": "machine", "id": "1"},
            "data": {},
        }
        dynamo.write(dynamo.put("Commerce", row))
    lists = OrderLists("Commerce")

    def walked(wanted: Wanted) -> list[str]:
        found, after = lists.page(wanted, limit=2, after=None)
        seen = [one.id for one in found]
        while after is not None:
            found, after = lists.page(wanted, limit=2, after=after)
            seen += [one.id for one in found]
        return seen

    assert walked(Wanted()) == [f"order-{number}" for number in range(7)]
    assert walked(Wanted(status="failed")) == ["order-1", "order-3", "order-5"]
    assert walked(Wanted(since=now - timedelta(days=50))) == ["order-0", "order-1", "order-2"]
    assert lists.placed_since(now - timedelta(days=50), at_most=10) == 3
    assert lists.placed_since(now - timedelta(days=50), at_most=2) == 2
    requests.clear()
    lists.page(Wanted(), limit=40, after=None)
    lists.page(Wanted(status="failed"), limit=40, after=None)
    assert requests == ["Query Commerce by_lookup"] * 2


def test_an_order_shows_its_failed_step_and_is_retried(
    visitor: Visitor, store: CommerceTable
) -> None:
    failed(store)
    bought, _ = MONTHLY
    assert isinstance(bought, Offer)
    CatalogTable("Catalog").add(bought)

    page = visitor.get(f"{ORDERS}/{ORDER}")
    asked = visitor.get(f"{ORDERS}/{ORDER}/retry")
    done = visitor.post(f"{ORDERS}/{ORDER}/retry", {})
    again = visitor.post(f"{ORDERS}/{ORDER}/retry", {})

    assert "Failed Zuora: order 2 attempts" in page.text
    assert "Account number A00000042" in page.text
    assert "Zuora failed (58560030)" in page.text
    assert f"Rate plan {_SCRIPT} has ended" in page.text
    assert "<script>alert" not in page.html
    assert "POST /v1/orders: refused 200" in page.text
    assert SUB in page.text
    assert "Access was withdrawn when the order failed" in asked.text
    assert (done.status, done.location) == (303, f"{ORDERS}/{ORDER}")
    placed = store.order(ORDER)
    assert placed is not None
    assert placed.status == "processing"
    assert again.status == 422
    assert "Only one that failed is tried again" in again.text


def test_what_failed_waits_in_an_index_of_its_own(store: CommerceTable) -> None:
    failed(store)

    waiting = OrderLists("Commerce").failed(at_most=5)

    assert [one.id for one in waiting] == [ORDER]
    assert list(store.due_orders(clock.now() + timedelta(days=1))) == []


def test_an_owner_shows_what_it_has_and_why(visitor: Visitor, store: CommerceTable) -> None:
    commit(store)

    page = visitor.get(AT)

    assert "Entitlements held now W2" in page.text
    assert "Nobody can sign in for this owner yet" in page.text
    assert "Billing is not connected" in page.text
    assert f'href="{ORDERS}/{ORDER}"' in page.html
    assert visitor.get(f"{AT[:-1]}0" if AT[-1] != "0" else f"{AT[:-1]}1").status == 404


def test_an_identity_is_attached_shown_and_detached(visitor: Visitor, store: CommerceTable) -> None:
    commit(store)
    fields = {"iss": _ISSUER, "sub": f"auth0|{_SCRIPT}", "service": "auth0", "type": ""}

    done = visitor.post(f"{AT}/attach", fields)
    page = visitor.get(AT)
    ownership = store.ownership(OWNER)
    assert ownership is not None
    identity = ownership.identities[0].id
    detached = visitor.post(f"{AT}/identities/{identity}/detach", {})

    assert (done.status, detached.status) == (303, 303)
    assert f"auth0|{_SCRIPT}" in page.text
    assert "<script>alert" not in page.html
    left = store.ownership(OWNER)
    assert left is not None
    assert left.identities == ()
    assert visitor.get(f"{AT}/identities/{identity}/detach").status == 404


def test_mistakes_in_forms_are_told_at_their_fields(visitor: Visitor, store: CommerceTable) -> None:
    commit(store)

    no_subject = visitor.post(f"{AT}/attach", {"iss": _ISSUER, "sub": ""})
    nobody = visitor.post(f"{AT}/merge", {"destination": f"id-{'0' * 32}"})
    itself = visitor.post(f"{AT}/merge", {"destination": OWNER})

    for page, field in ((no_subject, "sub"), (nobody, "destination"), (itself, "destination")):
        assert page.status == 422
        assert f'id="f-{field}-error"' in page.html
    assert f'value="{_ISSUER}"' in no_subject.html


def test_support_attaches_but_neither_detaches_nor_merges(
    visitor: Visitor, store: CommerceTable
) -> None:
    commit(store)
    token = signed_in(visitor, "operator", groups=("support",)).csrf
    fields = {"csrf_token": token, "iss": _ISSUER, "sub": "auth0|1"}

    assert visitor.send(f"{AT}/attach", fields).status == 303
    assert "Merge into" not in visitor.get(AT).text
    assert visitor.send(f"{AT}/merge", fields).status == 403
    assert visitor.send(f"{AT}/identities/xid-1/detach", fields).status == 403


def test_nothing_happens_without_the_token_of_the_session(
    visitor: Visitor, store: CommerceTable
) -> None:
    failed(store)

    refused = visitor.send(f"{ORDERS}/{ORDER}/retry", {"csrf_token": "forged"})

    placed = store.order(ORDER)
    assert placed is not None
    assert (refused.status, placed.status) == (403, "failed")


@pytest.mark.parametrize(
    ("asked", "address"),
    [
        (ORDER, f"{ORDERS}/{ORDER}"),
        (REFERENCE.lower(), f"{ORDERS}?reference={REFERENCE}"),
        (OWNER, AT),
        (SUB, AT),
        ("IDEQB58U8CQL", AT),
        ("carla@CONTE.example", AT),
        (f"event-{'0' * 32}", f"/objects/webhooks/limio/events/event-{'0' * 32}"),
    ],
    ids=["order", "reference", "owner", "subscription", "number", "e-mail", "event"],
)
def test_whatever_somebody_has_in_hand_leads_to_its_page(
    visitor: Visitor, store: CommerceTable, asked: str, address: str
) -> None:
    commit(store)

    found = visitor.get(f"/settings/find?q={asked}")

    assert (found.status, found.location) == (303, address)


def test_what_is_not_there_is_said_and_shown_as_text(visitor: Visitor) -> None:
    page = visitor.get("/settings/find?q=%3Cscript%3Ealert(1)%3C/script%3E")

    assert page.status == 200
    assert f"Nothing found for “{_SCRIPT}”" in page.text
    assert "<script>alert" not in page.html


def test_without_billing_nothing_can_be_synced(visitor: Visitor) -> None:
    page = visitor.get("/settings/sync")

    assert "Billing is not connected" in page.text
    assert 'name="key"' not in page.html
