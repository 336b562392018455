"""Configured pages: found by their address, closed to whom they are not for, with their offers."""

from typing import Any

import pytest

from infra.routes import ROUTES
from tessera import clock, ids
from tessera.aws import client
from tessera.catalog.models import Offer, Page
from tessera.catalog.store import CatalogTable
from tessera.identity.principal import Partner, PartnerOrganisation
from tests import handlers
from tests.pages.visitor import Visitor, signed_in

ACME = ids.derived("partner_org", "acme")
BOREALIS = ids.derived("partner_org", "borealis")
_ROUTES: dict[str, Any] = {
    route.key: {who.kind: [] for who in route.who}
    for route in ROUTES
    if route.function == "pages/site"
}


class Partners:
    """Stored partner users: Ann of Acme and Bo of Borealis, until they are removed."""

    def __init__(self) -> None:
        self.users = {"ann": ("Acme", ACME), "bo": ("Borealis", BOREALIS)}

    def signed_in(self, subject: str, *, organisation: str) -> Any:
        name, org = self.users.get(subject, ("", ""))
        if org != organisation:
            return None
        return Partner(
            id=f"partner_user-{subject}",
            name=subject,
            organisation=PartnerOrganisation(
                id=org, name=name, is_zuora_invoice_owner=True, zuora_account_id="1"
            ),
        )


@pytest.fixture
def partners() -> Partners:
    return Partners()


@pytest.fixture
def visitor(tables: dict[str, str], partners: Partners) -> Visitor:
    client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers",
        Type="String",
        Value='[{"key": "a", "issuer": "https://a.example/x/", "client_id": "c"}]',
    )
    module = handlers.loaded("pages/site", _ROUTES)
    module.app.doors._partners = partners
    return Visitor(lambda event: module.handler(event, None), _ROUTES)


def page(slug: str, authentication: str, **detail: Any) -> None:
    now = clock.now()
    CatalogTable("Catalog").add(
        Page.model_validate(
            {
                "id": ids.random("page"),
                "name": slug.strip("/").replace("/", " "),
                "path": f"/pages{slug}",
                "slug": slug,
                "status": "active",
                "kind": "pricing",
                "label": "gold",
                "authentication": authentication,
                "components": ({"name": "offers", "options": {"title": "Gold offers"}},),
                "created": now,
                "updated": now,
                **detail,
            }
        )
    )


def offer(name: str, *, to: tuple[str, ...] = (), channel: str = "Online", **detail: Any) -> None:
    now = clock.now()
    attributes = {
        "display_name__limio": name,
        "offer_features__limio": "All articles\n<script>alert(1)</script>",
        "label__limio": ("gold",),
        "sales_channel__limio": (channel,),
        "eligible_partners__limio": to,
        "price__limio": (
            {
                "type": "recurring",
                "value": "17.50",
                "currencyCode": "GBP",
                "repeat_interval": 1,
                "repeat_interval_type": "months",
            },
        ),
        "checkout__limio": {"checkout_type": "external", "external_url": "/partner-checkout"},
    }
    CatalogTable("Catalog").add(
        Offer.model_validate(
            {
                "id": ids.random("offer"),
                "name": name,
                "path": f"/offers2/{name}",
                "version": "7" * 40,
                "status": "active",
                "created": now,
                "updated": now,
                "data": {"attributes": attributes},
                **detail,
            }
        )
    )


def as_partner(visitor: Visitor, sub: str, organisation: str) -> None:
    signed_in(visitor, "partner", subject=sub, organisation=organisation, name=sub.title())


def test_a_page_without_sign_in_shows_what_is_sold_online_and_nothing_else(
    visitor: Visitor,
) -> None:
    page("/gold", "none")
    offer("Gold Annual")
    offer("Gold for partners", to=(ACME,), channel="Partner")
    offer("Gold draft", status="draft")

    shown = visitor.get("/gold")

    assert shown.status == 200
    assert shown.title == "Gold offers · Tessera"
    assert "Gold Annual" in shown.text
    assert "£17.50 per month" in shown.text
    assert "partners" not in shown.text
    assert "draft" not in shown.text
    assert "<script>alert" not in shown.html


def test_what_an_operator_writes_for_a_page_is_text(visitor: Visitor) -> None:
    script = "<script>alert(1)</script>"
    texts = {one: f"{one} {script}" for one in ("title", "text", "empty")}
    page("/gold", "none", components=({"name": "offers", "options": texts},), label="nothing")

    shown = visitor.get("/gold")

    assert all(f"{one} {script}" in shown.text for one in texts), shown.text
    assert "<script>alert" not in shown.html


def test_two_partners_on_one_page_see_their_own_offers(visitor: Visitor) -> None:
    page("/partner/gold", "partner")
    offer("For Acme", to=(ACME,), channel="Partner")
    offer("Online only")
    as_partner(visitor, "ann", ACME)
    acme = visitor.get("/partner/gold").text
    as_partner(visitor, "bo", BOREALIS)
    borealis = visitor.get("/partner/gold").text

    assert "For Acme" in acme
    assert "Online only" not in acme
    assert "For Acme" not in borealis
    assert "No offers are available to Borealis here. Ask your contact." in borealis


@pytest.mark.parametrize("kind", ["operator", "customer", None])
@pytest.mark.parametrize("slug", ["/partner/gold", "/subscriptions?owner=id-1"])
def test_a_partners_page_is_closed_to_everybody_else(
    visitor: Visitor, kind: Any, slug: str
) -> None:
    page("/partner/gold", "partner")
    if kind is not None:
        signed_in(visitor, kind)

    moved = visitor.get(slug)

    assert moved.status == 303
    assert moved.location.startswith("/auth/partner?return_to=")


@pytest.mark.parametrize("kind", ["operator", "partner", None])
@pytest.mark.parametrize("slug", ["/billing", "/edit-plan", "/subscriptions", "/checkout"])
def test_a_customers_page_is_closed_to_everybody_else(
    visitor: Visitor, kind: Any, slug: str
) -> None:
    if kind is not None:
        signed_in(visitor, kind, organisation=ACME, subject="ann")

    assert visitor.get(slug).location.startswith("/auth/customer?return_to=")


def test_a_partner_user_who_was_removed_is_out_at_the_next_click(
    visitor: Visitor, partners: Partners
) -> None:
    as_partner(visitor, "ann", ACME)
    assert visitor.get("/partner").status == 200

    del partners.users["ann"]

    assert visitor.get("/partner").location == "/auth/partner?return_to=%2Fpartner"


def test_a_partner_user_takes_no_rights_from_another_organisation(visitor: Visitor) -> None:
    as_partner(visitor, "ann", BOREALIS)

    assert visitor.get("/partner").status == 303


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_a_page_that_is_not_published_is_missing_in_the_same_words_as_one_that_never_was(
    visitor: Visitor, status: str
) -> None:
    page("/hidden", "partner", status=status)

    hidden, unknown = visitor.get("/hidden"), visitor.get("/nothing")

    assert (hidden.status, unknown.status) == (404, 404)
    assert hidden.text == unknown.text


def test_a_form_that_the_page_does_not_have_does_nothing(visitor: Visitor) -> None:
    as_partner(visitor, "ann", ACME)
    opened = visitor.get("/partner")
    keys = {name: opened.hidden(name) for name in ("csrf_token",)}

    assert visitor.send("/partner", {**keys, "component": "offers"}).status == 404
    assert visitor.send("/nothing", {"component": "offers"}).status == 404


def test_the_header_names_the_organisation_and_its_areas_only(visitor: Visitor) -> None:
    page("/partner/gold", "partner")
    page("/partner/borealis", "partner", label="for-borealis")
    page("/secret", "customer")
    offer("For Acme", to=(ACME,), channel="Partner")
    as_partner(visitor, "ann", ACME)

    shown = visitor.get("/partner")

    assert "Acme" in shown.text
    assert "/partner/gold" in shown.html
    assert "/secret" not in shown.html
    assert "/partner/borealis" not in shown.html


def test_signing_out_may_lead_to_the_customers_providers(visitor: Visitor) -> None:
    page("/gold", "none")

    policy = visitor.get("/gold").headers["Content-Security-Policy"]

    assert "https://a.example;" in policy
