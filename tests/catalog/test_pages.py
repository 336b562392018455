"""Pages: address, kind, sign-in and components; and those that are there from the start."""

from typing import Any, get_args

import pytest

from tessera import ids
from tessera.catalog.installed import installed_pages
from tessera.catalog.models import ComponentName
from tessera.catalog.pages import ONLY_FOR_PARTNERS
from tests.catalog.shelf import MemoryCatalog, emitted, faults, page_body


def test_emits_its_configuration(catalog: MemoryCatalog) -> None:
    made = emitted(catalog.has("pages", page_body()))

    assert made.pop("id").startswith("page-")
    assert made == {
        "record_type": "page",
        "service": "limio",
        "mode": "test",
        "status": "active",
        "name": "Gold partners",
        "path": "/pages/Gold partners",
        "created": "2026-03-02T09:14:07.512Z",
        "updated": "2026-03-02T09:14:07.512Z",
        **{k: v for k, v in page_body().items() if k not in ("name", "status")},
    }


def test_is_a_draft_until_it_is_published(catalog: MemoryCatalog) -> None:
    body = page_body()
    del body["status"]

    assert catalog.has("pages", body).status == "draft"


@pytest.mark.parametrize("field", ["slug", "kind", "authentication"])
def test_requires(field: str, catalog: MemoryCatalog) -> None:
    body = page_body()
    del body[field]

    assert faults("pages", body, catalog) == {field: "required"}


@pytest.mark.parametrize(
    "slug",
    [
        "gold",
        "/",
        "//gold",
        "/Gold",
        "/-gold",
        "/gold_partners",
        "/gold?x=1",
        "/gold\n",
        "/../gold",
        "/a" + "b" * 80,
        "/api",
        "/api/catalog",
        "/apiary",
        "/auth/partner",
        "/objects/webhooks/limio",
        "/settings",
        "/assets/app.css",
    ],
)
def test_refuses_a_slug(slug: str, catalog: MemoryCatalog) -> None:
    assert faults("pages", page_body(slug=slug), catalog) == {"slug": "invalid_value"}


@pytest.mark.parametrize("slug", ["/g", "/9", "/partner/gold-2", "/a" + "b" * 79])
def test_accepts_a_slug(slug: str, catalog: MemoryCatalog) -> None:
    assert catalog.has("pages", page_body(slug=slug)).slug == slug


def test_a_pricing_page_needs_a_label(catalog: MemoryCatalog) -> None:
    body = page_body()
    del body["label"]

    assert faults("pages", body, catalog) == {"label": "required"}


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("pricing", {"none", "customer", "partner"}),
        ("checkout", {"none", "customer", "partner"}),
        ("self_service", {"customer", "partner"}),
        ("portal", {"partner"}),
    ],
)
@pytest.mark.parametrize("authentication", ["none", "customer", "partner"])
def test_a_kind_of_page_allows_only_its_kinds_of_sign_in(
    kind: str, authentication: str, allowed: set[str], catalog: MemoryCatalog
) -> None:
    body = page_body(kind=kind, authentication=authentication, components=[])

    if authentication in allowed:
        assert catalog.has("pages", body).authentication == authentication
    else:
        assert faults("pages", body, catalog) == {"authentication": "invalid_value"}


@pytest.mark.parametrize("status", ["draft", "active"])
@pytest.mark.parametrize("authentication", ["none", "customer"])
def test_a_page_with_the_label_of_partner_offers_needs_partner_sign_in(
    status: str, authentication: str, catalog: MemoryCatalog
) -> None:
    attributes = {"label": ["partner-gold"], "sales_channel": ["Partner", "Online"]}
    catalog.offer(catalog.product().id, attributes=attributes, status=status)

    body = page_body(authentication=authentication)

    assert faults("pages", body, catalog) == {"authentication": "invalid_value"}


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"label": ["partner-gold"], "sales_channel": ["Online"]}, "active"),
        ({"label": ["partner-gold"], "sales_channel": ["Partner"]}, "archived"),
        ({"label": ["partner-silver"], "sales_channel": ["Partner"]}, "active"),
    ],
)
def test_a_label_without_partner_offers_may_be_shown_to_everybody(
    attributes: dict[str, Any], status: str, catalog: MemoryCatalog
) -> None:
    catalog.offer(catalog.product().id, attributes=attributes, status=status)

    assert catalog.has("pages", page_body(authentication="none")).authentication == "none"


@pytest.mark.parametrize("name", get_args(ComponentName))
@pytest.mark.parametrize("authentication", ["none", "customer", "partner"])
def test_partner_components_are_for_partner_pages(
    name: str, authentication: str, catalog: MemoryCatalog
) -> None:
    components = [{"name": "offers"}, {"name": name}]
    body = page_body(authentication=authentication, components=components)

    if authentication == "partner" or name not in ONLY_FOR_PARTNERS:
        assert [c.name for c in catalog.has("pages", body).components] == ["offers", name]
    else:
        assert faults("pages", body, catalog) == {"components[1].name": "invalid_value"}


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"kind": "blog"}, {"kind": "invalid_value"}),
        ({"authentication": "operator"}, {"authentication": "invalid_value"}),
        ({"label": ""}, {"label": "invalid_value"}),
        ({"label": ["gold"]}, {"label": "invalid_value"}),
        ({"title": "Gold"}, {"title": "unknown_member"}),
        ({"components": [{"name": "basket"}]}, {"components[0].name": "invalid_value"}),
        ({"components": [{"options": {}}]}, {"components[0].name": "required"}),
        (
            {"components": [{"name": "offers", "options": {"colour": "red"}}]},
            {"components[0].options.colour": "unknown_member"},
        ),
        (
            {"components": [{"name": "offers", "options": {"title": 5}}]},
            {"components[0].options.title": "invalid_value"},
        ),
        (
            {"components": [{"name": "offers", "options": {"empty": "a" * 1001}}]},
            {"components[0].options.empty": "too_long"},
        ),
        *(
            (
                {"components": [{"name": "checkout", "options": {member: value}}]},
                {f"components[0].options.{member}": code},
            )
            for member in ("title", "text", "thank_you", "empty", "failed")
            for value, code in (("a" * 1001, "too_long"), ("a\x00", "invalid_value"))
        ),
        ({"components": [{"name": "offers"}] * 21}, {"components": "too_long"}),
    ],
)
def test_refuses(detail: dict[str, Any], expected: dict[str, str], catalog: MemoryCatalog) -> None:
    assert faults("pages", page_body(**detail), catalog) == expected


def test_every_installation_has_these_pages() -> None:
    assert {
        page.slug: (page.kind, page.authentication, page.label)
        for page in installed_pages("production")
    } == {
        "/checkout": ("checkout", "customer", None),
        "/billing": ("self_service", "customer", None),
        "/edit-plan": ("self_service", "customer", None),
        "/subscriptions": ("self_service", "customer", None),
        "/partner": ("portal", "partner", None),
        "/partner/offers": ("pricing", "partner", "partner"),
        "/partner-checkout": ("checkout", "partner", None),
    }
    assert {page.mode for page in installed_pages("production")} == {"production"}


def test_installed_pages_keep_their_ids_and_hold_to_the_rules() -> None:
    for page in installed_pages("test"):
        assert page.id == ids.derived("page", "page", page.slug)
        alone = MemoryCatalog()
        alone.items = {page.id: page}

        saved = alone.put(page, emitted(page))

        assert saved.item == page
