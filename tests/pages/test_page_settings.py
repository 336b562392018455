"""The console's pages about pages: what they show, where, to whom, and what is wrong with them."""

from typing import Any

import pytest

from infra.routes import ROUTES
from tessera import clock
from tessera.catalog.installed import installed_pages
from tessera.catalog.items import create
from tessera.catalog.models import Page
from tessera.catalog.store import CatalogTable
from tessera.partners.models import Organisation
from tessera.partners.organisations import archive
from tessera.partners.store import PartnersTable
from tests import handlers
from tests.catalog.shelf import MONTHLY_PLAN
from tests.pages.test_catalog import Plans, sent
from tests.pages.test_partners import organisation
from tests.pages.visitor import Visitor, signed_in

HOME = "/settings/pages"
_ROUTES: dict[str, Any] = {
    route.key: {who.kind: list(who.needs) for who in route.who}
    for route in ROUTES
    if route.function == "pages/page_settings"
}
INSTALLED = {page.slug: page for page in installed_pages("test")}
GOLD = {
    "name": "Gold offers",
    "kind": "pricing",
    "slug": "/partner/gold",
    "require_authentication": "yes",
    "authentication": "partner",
    "label": "partner-gold",
}


@pytest.fixture
def family(tables: dict[str, str]) -> Any:
    return handlers.loaded("pages/page_settings", _ROUTES)


@pytest.fixture
def visitor(family: Any) -> Visitor:
    made = Visitor(lambda event: family.handler(event, None), _ROUTES)
    signed_in(made, "operator", groups=("admin",))
    return made


@pytest.fixture
def catalog(tables: dict[str, str]) -> CatalogTable:
    return CatalogTable("Catalog", installed=installed_pages("test"))


@pytest.fixture
def acme(tables: dict[str, str]) -> Organisation:
    return organisation(PartnersTable("Partners", "Events"), "Acme")


def offer(catalog: CatalogTable, name: str, *partners: str, **attributes: Any) -> str:
    plans = Plans()
    product = create(
        "products",
        {"name": f"{name} product"},
        catalog=catalog,
        plans=plans,
        mode="test",
        now=clock.now(),
    ).item
    made = create(
        "offers",
        {
            "name": name,
            "status": "active",
            "data": {
                "productBundles": [{"product": product.id, "rate_plan": MONTHLY_PLAN}],
                "attributes": {
                    "label": ["partner-gold"],
                    "sales_channel": ["Partner"],
                    "eligible_partners": list(partners),
                    "checkout": {
                        "checkout_type": "external",
                        "external_url": "/partner-checkout",
                    },
                    **attributes,
                },
            },
        },
        catalog=catalog,
        plans=plans,
        mode="test",
        now=clock.now(),
    )
    return made.item.id


def page(catalog: CatalogTable, id: str) -> Page:
    found = catalog.find("pages", id)
    assert isinstance(found, Page)
    return found


def test_the_installed_pages_are_listed_and_can_be_edited(
    visitor: Visitor, catalog: CatalogTable
) -> None:
    listed = visitor.get(HOME).text
    portal = INSTALLED["/partner"]

    assert [slug for slug in INSTALLED if slug not in listed] == []
    done = sent(
        visitor,
        f"{HOME}/{portal.id}",
        components=["partner_customers_table", "update_subscription"],
        **{"partner_customers_table-empty": ["Nobody yet."]},
    )

    assert done.status == 303, done.text
    kept = page(catalog, portal.id)
    assert [(one.name, one.options.empty) for one in kept.components] == [
        ("partner_customers_table", "Nobody yet."),
        ("update_subscription", None),
    ]


def test_a_pricing_page_is_created_written_and_published(
    visitor: Visitor, catalog: CatalogTable
) -> None:
    made = visitor.post(f"{HOME}/new", GOLD)
    before = visitor.get(made.location)
    published = sent(
        visitor,
        made.location,
        status=["active"],
        **{"offers-title": ["Gold <b>"], "offers-text": ["For you"]},
    )

    one = page(catalog, made.location.rpartition("/")[2])
    assert "Publish" in before.text
    assert published.status == 303, published.text
    assert (one.status, one.slug, one.label, one.authentication) == (
        "active",
        "/partner/gold",
        "partner-gold",
        "partner",
    )
    assert (one.components[0].options.title, one.components[0].options.text) == (
        "Gold <b>",
        "For you",
    )
    assert "Publish" not in visitor.get(made.location).text
    assert "Gold &lt;b&gt;" in visitor.get(made.location).html


def test_a_form_that_is_sent_as_it_was_shown_changes_nothing(
    visitor: Visitor, catalog: CatalogTable
) -> None:
    for one in INSTALLED.values():
        done = sent(visitor, f"{HOME}/{one.id}")

        assert done.status == 303, done.text
        assert page(catalog, one.id) == one


def test_components_of_self_service_stand_in_the_order_chosen(
    visitor: Visitor, catalog: CatalogTable
) -> None:
    billing = INSTALLED["/billing"]
    assert 'name="place-plan" required' not in visitor.get(f"{HOME}/{billing.id}").html

    sent(
        visitor,
        f"{HOME}/{billing.id}",
        **{"place-invoices": ["3"], "place-plan": ["1"], "place-addresses": [""]},
    )

    names = [one.name for one in page(catalog, billing.id).components]
    assert names == ["plan", "payment_methods", "invoices"]


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"name": ""}, "name", "Name is required."),
        ({"slug": "/settings/x"}, "slug", "addresses that begin with /settings are taken"),
        ({"slug": "/Gold"}, "slug", "begins with / and a letter"),
        ({"slug": "/partner"}, "slug", 'is taken by the page "Partner portal"'),
        ({"label": ""}, "label", "Offer label is required on a pricing page."),
        ({"authentication": ""}, "authentication", "Choose who signs in."),
        (
            {"kind": "portal", "require_authentication": []},
            "authentication",
            "a portal page needs partner authentication",
        ),
    ],
    ids=["name", "reserved", "slug", "taken", "label", "who", "portal"],
)
def test_a_rule_that_is_broken_is_said_at_its_field(
    visitor: Visitor, change: dict[str, Any], field: str, sentence: str
) -> None:
    again = visitor.post(f"{HOME}/new", {**GOLD, **change})

    assert again.status == 422
    _, found, after = again.html.partition(f'id="f-{field}-error">')
    assert found, again.text
    assert sentence in after.partition("<")[0].replace("&#34;", '"')


def test_problems_are_shown_with_the_place_where_each_is_mended(
    visitor: Visitor, catalog: CatalogTable, acme: Organisation
) -> None:
    at = visitor.post(f"{HOME}/new", GOLD).location
    sent(visitor, at, status=["active"])

    without = visitor.get(at)
    wrong = offer(
        catalog,
        "Wrong",
        acme.id,
        checkout={"checkout_type": "external", "external_url": "/checkout"},
    )
    offer(catalog, "Right", acme.id)
    archive(acme.id, organisations=PartnersTable("Partners", "Events"), now=clock.now())
    found = visitor.get(at)

    assert "No active offer has the label partner-gold" in without.text
    assert "/settings/catalog/offers?label=partner-gold" in without.html
    assert "Wrong leads to /checkout, which has another sign-in" in found.text
    assert f"/settings/catalog/offers/{wrong}" in found.html
    assert "Right leads" not in found.text
    assert "Right is for Acme, which is archived" in found.text
    assert "3 problems" in visitor.get(HOME).text


def test_a_page_is_seen_as_a_partner_sees_it(
    visitor: Visitor, catalog: CatalogTable, acme: Organisation
) -> None:
    borealis = organisation(PartnersTable("Partners", "Events"), "Borealis", age=1)
    at = visitor.post(f"{HOME}/new", GOLD).location
    offer(catalog, "Acme Gold", acme.id)
    offer(catalog, "Both", acme.id, borealis.id)

    asked = visitor.get(f"{at}/view-as")
    as_acme = visitor.get(f"{at}/view-as?partner={acme.id}").text
    as_borealis = visitor.get(f"{at}/view-as?partner={borealis.id}").text

    assert "Choose a partner" in asked.text
    assert ("Acme Gold" in as_acme, "Both" in as_acme) == (True, True)
    assert ("Acme Gold" in as_borealis, "Both" in as_borealis) == (False, True)
    assert visitor.get(f"{HOME}/{INSTALLED['/billing'].id}/view-as").status == 404


def test_an_archived_page_gives_up_its_address(visitor: Visitor, catalog: CatalogTable) -> None:
    at = visitor.post(f"{HOME}/new", GOLD).location

    assert "Another page may use the address" in visitor.get(f"{at}/archive").text
    assert visitor.post(f"{at}/archive", {}).status == 303
    assert ">Save<" not in visitor.get(at).html
    assert visitor.post(f"{HOME}/new", {**GOLD, "name": "Second"}).status == 303


def test_support_reads_and_may_not_post(family: Any) -> None:
    support = Visitor(lambda event: family.handler(event, None), _ROUTES)
    signed_in(support, "operator", groups=("support",))
    at = f"{HOME}/{INSTALLED['/billing'].id}"

    seen = support.get(at)
    token = {"csrf_token": seen.hidden("csrf_token")}
    posts = [key.split(" ")[1] for key in _ROUTES if key.startswith("POST ")]
    answers = [support.send(path.replace("{id}", at.rpartition("/")[2]), token) for path in posts]

    assert (seen.status, ">Save<" in seen.html, "Archive" in seen.text) == (200, False, False)
    assert [answer.status for answer in answers] == [403] * len(posts)
    assert "Create page" not in support.get(HOME).text
