"""The console's catalog pages: entitlements, products with their tabs, offers and add-ons."""

import re
from html import unescape
from typing import Any

import boto3
import pytest

from infra.routes import ROUTES
from tessera import clock
from tessera.catalog.installed import installed_pages
from tessera.catalog.items import create
from tessera.catalog.kinds import Kind
from tessera.catalog.models import AddOn, Entitlement, Offer, PlanCharge, Product
from tessera.catalog.store import CatalogTable
from tessera.errors import UpstreamFailed
from tessera.partners.store import PartnersTable
from tests import handlers
from tests.catalog.shelf import MONTHLY_PLAN
from tests.pages.test_partners import organisation
from tests.pages.visitor import Seen, Visitor, signed_in

HOME = "/settings/catalog"
_ROUTES: dict[str, Any] = {
    route.key: {who.kind: list(who.needs) for who in route.who}
    for route in ROUTES
    if route.function == "pages/catalog"
}
A = "data.attributes."


class Plans:
    """Rate plans in Zuora: one with one charge, until Zuora falls silent."""

    def __init__(self) -> None:
        self.is_silent = False

    def charges(self, rate_plan: str) -> tuple[PlanCharge, ...] | None:
        if self.is_silent:
            raise UpstreamFailed("Zuora did not answer.")
        return (
            PlanCharge(id="8" * 32, name="Monthly", model="Flat Fee Pricing", type="Recurring"),
        )


@pytest.fixture
def plans() -> Plans:
    return Plans()


@pytest.fixture
def family(tables: dict[str, str], plans: Plans) -> Any:
    boto3.client("secretsmanager").create_secret(
        Name="tessera/dev/cursors", SecretString='{"key": "a key that seals"}'
    )
    module = handlers.loaded("pages/catalog", _ROUTES)
    module.shelf._plans = plans
    return module


@pytest.fixture
def visitor(family: Any) -> Visitor:
    made = Visitor(lambda event: family.handler(event, None), _ROUTES)
    signed_in(made, "operator", groups=("admin",))
    return made


@pytest.fixture
def support(family: Any) -> Visitor:
    made = Visitor(lambda event: family.handler(event, None), _ROUTES)
    signed_in(made, "operator", groups=("support",))
    return made


@pytest.fixture
def catalog(tables: dict[str, str]) -> CatalogTable:
    return CatalogTable("Catalog", installed=installed_pages("test"))


def stored(catalog: CatalogTable, kind: Kind, plans: Plans, **members: Any) -> Any:
    return create(kind, members, catalog=catalog, plans=plans, mode="test", now=clock.now()).item


def typed(page: Seen) -> dict[str, list[str]]:
    """The fields of the page's form as a browser would send them, hidden ones among them."""
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", page.html):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        name = attributes.get("name", "")
        is_box = attributes.get("type") in ("checkbox", "radio")
        if name and (not is_box or " checked" in tag):
            found.setdefault(name, []).append(unescape(attributes.get("value", "on")))
    selects = r'<select id="[^"]*" name="([^"]+)".*?>(.*?)</select>'
    for name, options in re.findall(selects, page.html, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        first = re.search(r'value="([^"]*)"', options)
        found[name] = [unescape(picked[1]) if (picked := chosen or first) else ""]
    areas = r'<textarea[^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>'
    for name, text in re.findall(areas, page.html, re.DOTALL):
        found[name] = [unescape(text)]
    return found


def sent(visitor: Visitor, at: str, **changes: Any) -> Seen:
    """The form of the page at this address, with some fields changed."""
    fields = typed(visitor.get(at))
    return visitor.send(at, {**fields, **changes})


def test_empty_lists_explain_themselves_and_offer_the_first(
    visitor: Visitor, support: Visitor
) -> None:
    shown = {kind: visitor.get(f"{HOME}/{kind}") for kind in ("entitlements", "products", "offers")}

    assert "Entitlement → Product → Offer → Subscription" in shown["entitlements"].text
    assert "Add Entitlements" in shown["entitlements"].text
    assert "No products yet" in shown["products"].text
    assert "No offers yet" in shown["offers"].text
    assert "Create offer" in shown["offers"].text
    assert "No add-ons yet" in visitor.get(f"{HOME}/add-ons").text
    assert "Add Entitlements" not in support.get(f"{HOME}/entitlements").text
    assert "Create" not in support.get(f"{HOME}/offers").text


def test_an_entitlement_is_added_selected_on_a_product_and_listed(
    visitor: Visitor, catalog: CatalogTable, plans: Plans
) -> None:
    product = stored(catalog, "products", plans, name="Digital")
    tab = f"{HOME}/products/{product.id}/entitlements"

    made = visitor.post(
        f"{HOME}/entitlements/new", {"name": "Web access", "label": "Read it all", "code": "W2"}
    )
    saved = sent(visitor, tab, entitlements=[made.location.rpartition("/")[2]])

    (one,) = catalog.listed("entitlements", limit=5, after=None, status=None, label=None).items
    assert isinstance(one, Entitlement)
    assert (made.status, one.name, one.label, one.code) == (303, "Web access", "Read it all", "W2")
    assert saved.location == tab
    assert "Digital saved" in visitor.get(tab).text
    assert "checked" in visitor.get(tab).html
    kept = catalog.find("products", product.id)
    assert isinstance(kept, Product)
    assert [reference.id for reference in kept.entitlements] == [one.id]
    assert re.search(r"Web access Read it all W2 1", visitor.get(f"{HOME}/entitlements").text)
    assert "Web access" in visitor.get(f"{HOME}/products").text


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"name": ""}, "name", "Name is required."),
        ({"name": "a/b"}, "name", "a name has no / in it"),
        ({"label": " "}, "label", "Label is required."),
        ({"code": "x" * 81}, "code", "Code: use at most 80 characters."),
        ({"name": "Web access"}, "name", 'The name "Web access" is taken by the entitlement'),
        ({"code": "W2"}, "code", 'The code "W2" is taken by the entitlement "Web access"'),
    ],
    ids=["no-name", "slash", "no-label", "long-code", "name-in-use", "code-in-use"],
)
def test_a_field_of_an_entitlement_at_fault_says_why_and_keeps_the_others(
    visitor: Visitor,
    catalog: CatalogTable,
    plans: Plans,
    fields: dict[str, str],
    field: str,
    sentence: str,
) -> None:
    stored(catalog, "entitlements", plans, name="Web access", label="Read", code="W2")

    again = visitor.post(
        f"{HOME}/entitlements/new", {"name": "E-paper", "label": "<b>Pages", "code": "E", **fields}
    )

    assert again.status == 422
    found = re.search(rf'id="f-{field}-error">([^<]*)<', again.html)
    assert found is not None
    assert sentence in unescape(found[1])
    assert "&lt;b&gt;Pages" in again.html or "label" in fields


def test_labels_and_codes_can_change_but_names_cannot(
    visitor: Visitor, catalog: CatalogTable, plans: Plans
) -> None:
    one = stored(catalog, "entitlements", plans, name="Web access", label="Read", code="W2")
    at = f"{HOME}/entitlements/{one.id}"

    assert 'name="name"' not in visitor.get(at).html
    assert sent(visitor, at, label=["Read more"], code=[""], name=["Other"]).status == 303

    kept = catalog.find("entitlements", one.id)
    assert isinstance(kept, Entitlement)
    assert (kept.name, kept.label, kept.code) == ("Web access", "Read more", None)
    assert "Web access (its name is sent)" in visitor.get(f"{HOME}/entitlements").text


def test_a_save_on_top_of_somebody_elses_is_refused(
    visitor: Visitor, catalog: CatalogTable, plans: Plans
) -> None:
    one = stored(catalog, "products", plans, name="Digital")
    at = f"{HOME}/products/{one.id}"
    before = typed(visitor.get(at))
    name = "attributes.display_name__limio"

    first = sent(visitor, at, **{name: ["Mine"]})
    second = visitor.send(at, {**before, name: ["Theirs"]})

    assert (first.status, second.status) == (303, 412)
    kept = catalog.find("products", one.id)
    assert isinstance(kept, Product)
    assert kept.attributes.display_name == "Mine"


def test_an_offer_is_filled_in_saved_and_activated(
    visitor: Visitor, catalog: CatalogTable, plans: Plans, tables: dict[str, str]
) -> None:
    acme = organisation(PartnersTable("Partners", "Events"), "Acme")
    entitlement = stored(catalog, "entitlements", plans, name="Web", label="Web", code="W2")
    product = stored(catalog, "products", plans, name="Digital", entitlements=[entitlement.id])
    at = visitor.post(f"{HOME}/offers/new", {"name": "Acme Gold", "display_name": "Gold"}).location

    assert 'productBundles[0].product" required' not in visitor.get(at).html
    missing = sent(visitor, at, status=["active"])
    assert missing.status == 422
    assert '<a href="#f-data-productBundles">' in missing.html

    filled = {
        f"{A}offer_features__limio": ["All articles\nE-paper"],
        "data.productBundles[0].product": [product.id],
        "data.productBundles[0].rate_plan": [MONTHLY_PLAN],
        "data.attributes.price__limio[0].value": ["17.50"],
        "data.attributes.price__limio[0].currencyCode": ["gbp"],
        f"{A}sales_channel__limio": ["Partner"],
        f"{A}eligible_partners__limio": [acme.id],
        f"{A}label__limio": ["partner, gold"],
        f"{A}checkout__limio": ["/partner-checkout"],
        f"{A}allowed_countries__limio": ["gb de"],
    }
    saved = sent(visitor, at, **filled, status=["active"])
    page = visitor.get(at)

    assert saved.status == 303, saved.text
    (one,) = catalog.listed("offers", limit=5, after=None, status=None, label=None).items
    assert isinstance(one, Offer)
    about = one.data.attributes
    assert (one.status, about.display_name, about.label) == ("active", "Gold", ("partner", "gold"))
    assert (about.price[0].value, about.price[0].currency_code) == (about.price[0].value, "GBP")
    assert str(about.price[0].value) == "17.50"
    assert about.eligible_partners == (acme.id,)
    assert about.allowed_countries == ("GB", "DE")
    assert about.checkout.external_url == "/partner-checkout"
    assert one.data.product_bundles[0].rate_plan == MONTHLY_PLAN
    assert "Acme sees this at /partner/offers." in page.text
    assert "No page shows the offers with the label gold" in page.text
    listed = visitor.get(f"{HOME}/offers").text
    assert "Acme Gold partner, gold £17.50 per month Partner Acme Active" in listed
    assert "Acme Gold" in visitor.get(f"{HOME}/products/{product.id}/offers").text


def test_a_form_that_is_sent_as_it_was_shown_changes_nothing(
    visitor: Visitor, catalog: CatalogTable, plans: Plans
) -> None:
    product = stored(catalog, "products", plans, name="Digital")
    other = stored(catalog, "offers", plans, name="Other", data={})
    offer = stored(
        catalog,
        "offers",
        plans,
        name="Gold",
        data={
            "productBundles": [{"product": product.id, "rate_plan": MONTHLY_PLAN}],
            "attributes": {
                "offer_features": "One\n\nTwo",
                "price": [
                    {
                        "type": "one_time",
                        "currencyCode": "JPY",
                        "value": "500",
                        "name": "Set up",
                    },
                    {
                        "type": "recurring",
                        "currencyCode": "JPY",
                        "value": "120",
                        "repeat_interval": 3,
                        "repeat_interval_type": "months",
                        "rate_plan_charge": "8" * 32,
                    },
                ],
                "term": {"length": 2, "type": "years"},
                "autoRenew": True,
                "upgrade_offers": [other.id],
                "allow_multibuy": True,
            },
        },
    )
    add_on = stored(
        catalog,
        "add-ons",
        plans,
        name="Help",
        data={"attributes": {"compatible_products": [product.id], "label": ["x"]}},
    )

    for one in (offer, add_on):
        done = sent(visitor, f"{HOME}/{one.catalog_kind}/{one.id}")
        assert done.status == 303, done.text
        kept = catalog.find(one.catalog_kind, one.id)
        assert isinstance(kept, Offer | AddOn)
        assert kept == one


def test_rows_are_kept_in_order_and_faults_are_at_the_row_that_was_typed(
    visitor: Visitor, catalog: CatalogTable, plans: Plans
) -> None:
    offer = stored(catalog, "offers", plans, name="Gold", data={})
    at = f"{HOME}/offers/{offer.id}"
    price = f"{A}price__limio"

    again = sent(
        visitor,
        at,
        **{
            f"{price}[0].value": [""],
            f"{price}[2].value": ["10"],
            f"{price}[2].currencyCode": ["GBP"],
            f"{price}[2].type": ["one_time"],
            f"{price}[5].value": ["1,5"],
            f"{price}[5].currencyCode": ["pounds"],
            f"{price}[5].type": ["one_time"],
        },
    )

    assert again.status == 422
    assert 'id="f-data-attributes-price__limio-1-value-error"' in again.html
    assert 'id="f-data-attributes-price__limio-1-currencyCode-error"' in again.html
    assert f'name="{price}[0].value" type="text" value="10"' in again.html
    assert f'name="{price}[1].value" type="text" value="1,5"' in again.html
    assert f'name="{price}[2].value"' in again.html
    assert "data.attributes" not in again.text


def test_while_zuora_is_silent_a_draft_is_kept_and_said_to_be_unchecked(
    visitor: Visitor, catalog: CatalogTable, plans: Plans
) -> None:
    product = stored(catalog, "products", plans, name="Digital")
    at = visitor.post(f"{HOME}/add-ons/new", {"name": "Help", "display_name": ""}).location
    plans.is_silent = True
    filled = {
        "data.productBundles[0].product": [product.id],
        "data.productBundles[0].rate_plan": [MONTHLY_PLAN],
    }

    kept = sent(visitor, at, **filled)
    page = visitor.get(at)
    refused = sent(visitor, at, status=["active"])

    assert kept.status == 303
    assert "the rate plan is unchecked" in page.text
    assert "offered with nothing" in page.text
    assert refused.status == 502
    assert "Zuora did not answer" in refused.text


def test_an_item_is_archived_after_asking_and_no_page_by_this_way(
    visitor: Visitor, catalog: CatalogTable, plans: Plans
) -> None:
    one = stored(catalog, "offers", plans, name="Gold", data={})
    (page, *_) = installed_pages("test")

    assert "stays as it is" in visitor.get(f"{HOME}/offers/{one.id}/archive").text
    done = visitor.post(f"{HOME}/offers/{one.id}/archive", {})
    shown = visitor.get(done.location)

    assert "Gold archived" in shown.text
    assert ">Save<" not in shown.html
    assert "nobody can buy it any more" in shown.text
    assert visitor.get(f"{HOME}/pages/{page.id}/archive").status == 404


def test_support_reads_everything_sees_no_save_button_and_may_not_post(
    support: Visitor, catalog: CatalogTable, plans: Plans
) -> None:
    ids = {
        "entitlements": stored(catalog, "entitlements", plans, name="Web", label="Web").id,
        "products": stored(catalog, "products", plans, name="Digital").id,
        "offers": stored(catalog, "offers", plans, name="Gold", data={}).id,
        "add-ons": stored(catalog, "add-ons", plans, name="Help", data={}).id,
    }
    seen = [support.get(f"{HOME}/{kind}/{id}") for kind, id in ids.items()]
    seen.append(support.get(f"{HOME}/products/{ids['products']}/entitlements"))
    token = {"csrf_token": seen[0].hidden("csrf_token")}
    posts = [key.split(" ")[1] for key in _ROUTES if key.startswith("POST ")]

    answers = {
        path: support.send(path.replace("{kind}", "offers").replace("{id}", ids["offers"]), token)
        for path in posts
    }

    assert [page.status for page in seen] == [200] * 5
    words = (">Save<", ">Activate<", "Archive ")
    assert [w for page in seen for w in words if w in page.html] == []
    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(posts, 403)


def test_lists_are_filtered_by_status_and_label_and_can_be_cleared(
    visitor: Visitor, catalog: CatalogTable, plans: Plans
) -> None:
    stored(catalog, "offers", plans, name="Gold", data={"attributes": {"label": ["gold"]}})
    stored(catalog, "offers", plans, name="Silver", data={})

    gold = visitor.get(f"{HOME}/offers?label=gold&status=draft")
    nothing = visitor.get(f"{HOME}/offers?status=archived")

    assert ("Gold" in gold.text, "Silver" in gold.text) == (True, False)
    assert "Nothing fits these filters" in nothing.text
    assert f'href="{HOME}/offers">Clear filters' in nothing.html


def test_what_people_typed_is_text_on_every_page_of_the_catalog(
    visitor: Visitor, catalog: CatalogTable, plans: Plans
) -> None:
    evil = "<script>alert(1)<|script>"
    ent = stored(catalog, "entitlements", plans, name=evil, label=evil, code=evil)
    product = stored(
        catalog,
        "products",
        plans,
        name=evil,
        attributes={"display_name": evil, "product_code": evil},
        entitlements=[ent.id],
    )
    offer = stored(
        catalog,
        "offers",
        plans,
        name=evil,
        data={
            "productBundles": [{"product": product.id}],
            "attributes": {
                "display_name": evil,
                "offer_features": evil,
                "label": [evil],
                "cta_text": evil,
                "price": [{"type": "one_time", "currencyCode": "GBP", "value": "1", "name": evil}],
            },
        },
    )
    addresses = [
        *(f"{HOME}/{kind}" for kind in ("entitlements", "products", "offers", "add-ons")),
        f"{HOME}/entitlements/{ent.id}",
        f"{HOME}/products/{product.id}",
        f"{HOME}/products/{product.id}/entitlements",
        f"{HOME}/products/{product.id}/offers",
        f"{HOME}/offers/{offer.id}",
        f"{HOME}/offers/{offer.id}/archive",
    ]

    for address in addresses:
        shown = visitor.get(address)
        assert shown.status == 200
        assert "<script>alert" not in shown.html, address
