"""Offers: products with their rate plans, price, term, discount, and where they are sold."""

from typing import Any

import pytest

from tessera.catalog.models import Offer
from tests.catalog.shelf import (
    ACME,
    ANNUAL_PLAN,
    BOREALIS,
    MONTHLY_PLAN,
    MemoryCatalog,
    charge,
    emitted,
    faults,
    offer_body,
    warned,
)

CHARGE = "8ad0965d000000000000000000000201"
DISCOUNT = {"value": "20", "termLength": 3, "termType": "months"}


def test_emits_what_was_given_and_what_stands_for_the_rest(catalog: MemoryCatalog) -> None:
    product = catalog.product(catalog.entitlement().id)

    made = emitted(catalog.offer(product.id, attributes={"price": [charge(value="17.5")]}))

    assert made.pop("id").startswith("offer-")
    assert len(made.pop("version")) == 40
    assert made == {
        "type": "item",
        "record_type": "offer",
        "service": "limio",
        "mode": "test",
        "status": "active",
        "name": "Digital Monthly",
        "path": "/offers2/Digital Monthly",
        "created": "2026-03-02T09:14:07.512Z",
        "updated": "2026-03-02T09:14:07.512Z",
        "data": {
            "record_subtype": "standard",
            "productBundles": [
                {
                    "product": {"id": product.id, "$ref": "/products/Digital"},
                    "rate_plan": MONTHLY_PLAN,
                }
            ],
            "attributes": {
                "label__limio": [],
                "eligible_partners__limio": [],
                "checkout__limio": {"checkout_type": "standard"},
                "price__limio": [
                    {
                        "name": "Monthly",
                        "type": "recurring",
                        "trigger": "subscription_start",
                        "value": "17.50",
                        "currencyCode": "GBP",
                        "repeat_interval": 1,
                        "repeat_interval_type": "months",
                    }
                ],
                "term__limio": {
                    "length": 12,
                    "type": "months",
                    "renewal_type": "TERMED",
                    "renewal_trigger": "EXTERNAL",
                },
                "autoRenew__limio": False,
                "allow_multibuy__limio": False,
                "switch_date__limio": "next_payment",
                "cancel_date__limio": "period_end",
                "upgrade_offers__limio": [],
                "downgrade_offers__limio": [],
                "save_offers__limio": [],
                "cross_sell_addons__limio": [],
            },
        },
    }


def test_takes_every_attribute(catalog: MemoryCatalog) -> None:
    product = catalog.product()
    annual = catalog.offer(product.id, plan=ANNUAL_PLAN, name="Digital Annual")
    save = catalog.has(
        "offers",
        {"name": "Stay", "data": {"record_subtype": "discount", "discount": DISCOUNT}},
    )
    support = catalog.add_on()
    given = {
        "display_name__limio": "Digital, monthly",
        "offer_features__limio": "All articles\nNo advertising",
        "cta_text__limio": "Subscribe",
        "label__limio": ["partner-gold"],
        "sales_channel__limio": ["Partner", "Online"],
        "eligible_partners__limio": [ACME],
        "checkout__limio": {"checkout_type": "external", "external_url": "/partner-checkout"},
        "price__limio": [charge(trigger="subscription_start", rate_plan_charge=CHARGE)],
        "term__limio": {
            "length": 2,
            "type": "years",
            "renewal_type": "TERMED",
            "renewal_trigger": "EXTERNAL",
        },
        "autoRenew__limio": True,
        "allow_multibuy__limio": True,
        "allowed_countries__limio": ["GB", "DE"],
        "switch_date__limio": "immediate",
        "cancel_date__limio": "term_end",
        "upgrade_offers__limio": [{"id": annual.id, "$ref": annual.path}],
        "downgrade_offers__limio": [{"id": annual.id, "$ref": annual.path}],
        "save_offers__limio": [{"id": save.id, "$ref": save.path}],
        "cross_sell_addons__limio": [{"id": support.id, "$ref": support.path}],
    }

    made = catalog.offer(product.id, attributes={**given, "price": given["price__limio"]})

    assert emitted(made)["data"]["attributes"] == given


def test_is_a_draft_until_it_is_activated(catalog: MemoryCatalog) -> None:
    assert catalog.has("offers", {"name": "Digital"}).status == "draft"


def test_lists_rate_plans_in_the_order_of_its_products(catalog: MemoryCatalog) -> None:
    products = [catalog.product(name=name) for name in ("Digital", "Print")]

    assert catalog.offer(*(p.id for p in products)).rate_plans == (MONTHLY_PLAN, ANNUAL_PLAN)


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_needs_no_product_unless_it_is_active(status: str, catalog: MemoryCatalog) -> None:
    assert catalog.has("offers", {"name": "Digital", "status": status}).status == status


def test_needs_a_product_to_be_active(catalog: MemoryCatalog) -> None:
    assert faults("offers", {"name": "Digital", "status": "active"}, catalog) == {
        "data.productBundles": "required"
    }


def test_needs_the_rate_plan_of_every_product_to_be_active(catalog: MemoryCatalog) -> None:
    body = offer_body(catalog.product().id, plan=None)
    draft = catalog.has("offers", {**body, "status": "draft"})

    assert draft.rate_plans == ()
    body["name"] = "Digital Annual"
    assert faults("offers", body, catalog) == {"data.productBundles[0].rate_plan": "required"}


@pytest.mark.parametrize(
    ("bundle", "expected"),
    [
        ({"rate_plan": MONTHLY_PLAN}, {"data.productBundles[0].product": "required"}),
        ({"product": "Digital"}, {"data.productBundles[0].product": "invalid_value"}),
        ({"product": "{id}", "price": 1}, {"data.productBundles[0].price": "unknown_member"}),
        (
            {"product": "{id}", "rate_plan": "Monthly"},
            {"data.productBundles[0].rate_plan": "invalid_value"},
        ),
        ("{id}", {"data.productBundles[0]": "invalid_value"}),
    ],
)
def test_refuses_a_bundle(bundle: Any, expected: dict[str, str], catalog: MemoryCatalog) -> None:
    if isinstance(bundle, dict) and bundle.get("product") == "{id}":
        bundle["product"] = catalog.product().id

    body = {"name": "Digital", "data": {"productBundles": [bundle]}}
    assert faults("offers", body, catalog) == expected


def test_refuses_one_rate_plan_for_two_products(catalog: MemoryCatalog) -> None:
    products = [catalog.product(name=name) for name in ("Digital", "Print")]
    body = offer_body(*(p.id for p in products))
    body["data"]["productBundles"][1]["rate_plan"] = MONTHLY_PLAN

    assert faults("offers", body, catalog) == {"data.productBundles": "invalid_value"}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("colour", "red", {"": "unknown_member"}),
        ("auto_renew", True, {"": "unknown_member"}),
        ("compatible_products", [], {"": "unknown_member"}),
        ("display_name", "", {"": "invalid_value"}),
        ("offer_features", "a" * 5001, {"": "too_long"}),
        ("offer_features", "a\x07", {"": "invalid_value"}),
        ("label", "gold", {"": "invalid_value"}),
        ("label", ["gold", "gold"], {"": "invalid_value"}),
        ("label", [f"label {n}" for n in range(11)], {"": "too_long"}),
        ("label", ["a" * 81], {"[0]": "too_long"}),
        ("sales_channel", ["online"], {"[0]": "invalid_value"}),
        ("sales_channel", ["Online", "Online"], {"": "invalid_value"}),
        ("eligible_partners", ["Acme"], {"[0]": "invalid_value"}),
        ("eligible_partners", [ACME, ACME], {"": "invalid_value"}),
        (
            "eligible_partners",
            [f"partner_org-{n:032x}" for n in range(501)],
            {"": "too_long"},
        ),
        ("allow_multibuy", "yes", {"": "invalid_value"}),
        ("autoRenew", 1, {"": "invalid_value"}),
        ("allowed_countries", [], {"": "invalid_value"}),
        ("allowed_countries", ["United Kingdom"], {"[0]": "invalid_value"}),
        ("allowed_countries", ["GB", "GB"], {"": "invalid_value"}),
        ("switch_date", "tomorrow", {"": "invalid_value"}),
        ("cancel_date", "next_payment", {"": "invalid_value"}),
        ("upgrade_offers", [f"offer-{n:032x}" for n in range(21)], {"": "too_long"}),
        ("cross_sell_addons", ["prod-" + "0" * 32], {"[0]": "invalid_value"}),
        ("cross_sell_addons", [f"addon-{n:032x}" for n in range(21)], {"": "too_long"}),
        ("term", {"length": 0, "type": "months"}, {".length": "invalid_value"}),
        ("term", {"length": "12", "type": "months"}, {".length": "invalid_value"}),
        ("term", {"length": 12, "type": "quarters"}, {".type": "invalid_value"}),
        ("term", {"length": 12}, {".type": "required"}),
        ("term", {"type": "months"}, {".length": "required"}),
        (
            "term",
            {"renewal_type": "EVERGREEN", "length": 1, "type": "months"},
            {".length": "invalid_value", ".type": "invalid_value"},
        ),
        ("term", {"renewal_type": "ROLLING"}, {".renewal_type": "invalid_value"}),
        ("checkout", {"checkout_type": "internal"}, {".checkout_type": "invalid_value"}),
        ("checkout", {"external_url": "/buy"}, {".checkout_type": "required"}),
        ("checkout", {"checkout_type": "external"}, {".external_url": "required"}),
        (
            "checkout",
            {"checkout_type": "standard", "external_url": "/buy"},
            {".external_url": "invalid_value"},
        ),
    ],
)
def test_refuses_an_attribute(
    name: str, value: Any, expected: dict[str, str], catalog: MemoryCatalog
) -> None:
    found = faults("offers", offer_body(attributes={name: value}), catalog)

    # Rules between fields name them with the suffix, unless the caller left it out.
    assert found == {f"data.attributes.{name}{end}": code for end, code in expected.items()}


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example/buy",
        "/\\evil.example",
        "\\\\evil.example",
        "http://shop.example/buy",
        "https://",
        "https:///buy",
        "https://shop.example@evil.example/",
        "https://shop.example:port/",
        "https://[::1",
        "javascript:alert(1)",
        "partner-checkout",
        "/buy now",
        " /buy",
        "/buy\n",
        "",
        "/" + "a" * 2048,
    ],
)
def test_refuses_a_checkout_that_leads_elsewhere(url: str, catalog: MemoryCatalog) -> None:
    checkout = {"checkout_type": "external", "external_url": url}

    found = faults("offers", offer_body(attributes={"checkout": checkout}), catalog)

    assert list(found) == ["data.attributes.checkout.external_url"]


@pytest.mark.parametrize(
    "url",
    ["/buy", "/buy?offer=1#top", "https://shop.example/buy", "https://shop.example:8443/"],
)
def test_accepts_a_checkout_of_this_site_or_over_https(url: str, catalog: MemoryCatalog) -> None:
    checkout = {"checkout_type": "external", "external_url": url}

    made = catalog.offer(attributes={"checkout": checkout})

    assert made.data.attributes.checkout.destination == url


def test_is_bought_at_the_checkout_page_unless_it_says_otherwise(catalog: MemoryCatalog) -> None:
    assert catalog.offer().data.attributes.checkout.destination == "/checkout"


@pytest.mark.parametrize(
    ("currency", "value", "kept"),
    [
        ("GBP", "17.5", "17.50"),
        ("GBP", 17, "17.00"),
        ("GBP", "0", "0.00"),
        ("JPY", "1750", "1750"),
        ("JPY", "1750.00", "1750"),
        ("KWD", "1.5", "1.500"),
    ],
)
def test_writes_a_price_with_the_decimals_of_its_currency(
    currency: str, value: Any, kept: str, catalog: MemoryCatalog
) -> None:
    price = [charge(value=value, currencyCode=currency)]

    made = emitted(catalog.offer(attributes={"price": price}))

    assert made["data"]["attributes"]["price__limio"][0]["value"] == kept


@pytest.mark.parametrize(
    ("detail", "field"),
    [
        ({"value": "17.505"}, "value"),
        ({"value": "1750.5", "currencyCode": "JPY"}, "value"),
        ({"value": "-1"}, "value"),
        ({"value": "1e3"}, "value"),
        ({"value": "1_000"}, "value"),
        ({"value": "NaN"}, "value"),
        ({"value": "１７"}, "value"),
        ({"value": "1000000000000"}, "value"),
        ({"value": True}, "value"),
        ({"value": 17.5}, "value"),
        ({"currencyCode": "gbp"}, "currencyCode"),
        ({"currencyCode": "£"}, "currencyCode"),
        ({"type": "usage"}, "type"),
        ({"trigger": "delayed"}, "trigger"),
        ({"repeat_interval": 0}, "repeat_interval"),
        ({"repeat_interval": True}, "repeat_interval"),
        ({"repeat_interval_type": "month"}, "repeat_interval_type"),
        ({"rate_plan_charge": "Monthly fee"}, "rate_plan_charge"),
        ({"name": ""}, "name"),
        ({"type": "one_time"}, "repeat_interval"),
    ],
)
def test_refuses_a_price(detail: dict[str, Any], field: str, catalog: MemoryCatalog) -> None:
    body = offer_body(attributes={"price": [charge(), charge(**detail)]})

    assert faults("offers", body, catalog) == {f"data.attributes.price[1].{field}": "invalid_value"}


@pytest.mark.parametrize("field", ["type", "value", "currencyCode", "repeat_interval_type"])
def test_requires_of_a_price(field: str, catalog: MemoryCatalog) -> None:
    price = charge()
    del price[field]

    body = offer_body(attributes={"price": [price]})

    assert faults("offers", body, catalog) == {f"data.attributes.price[0].{field}": "required"}


@pytest.mark.parametrize("spelling", ["currency_code", "amount"])
def test_refuses_members_of_a_price_that_it_does_not_know(
    spelling: str, catalog: MemoryCatalog
) -> None:
    body = offer_body(attributes={"price": [charge(**{spelling: "GBP"})]})

    assert faults("offers", body, catalog) == {
        f"data.attributes.price[0].{spelling}": "unknown_member"
    }


def test_refuses_a_price_in_two_currencies(catalog: MemoryCatalog) -> None:
    price = [charge(), charge(currencyCode="USD"), charge(currencyCode="GBP")]

    assert faults("offers", offer_body(attributes={"price": price}), catalog) == {
        "data.attributes.price[1].currencyCode": "invalid_value"
    }


def test_takes_a_joining_fee_beside_a_recurring_price(catalog: MemoryCatalog) -> None:
    fee = {"type": "one_time", "value": "25", "currencyCode": "GBP"}

    made = catalog.offer(attributes={"price": [charge(), fee]})

    assert made.currency == "GBP"
    assert made.data.attributes.price[1].repeat_interval is None


def test_has_no_currency_without_a_price(catalog: MemoryCatalog) -> None:
    assert catalog.offer(attributes={"price": []}).currency is None


def test_takes_an_evergreen_term_without_a_length(catalog: MemoryCatalog) -> None:
    made = emitted(catalog.offer(attributes={"term": {"renewal_type": "EVERGREEN"}}))

    assert made["data"]["attributes"]["term__limio"] == {
        "renewal_type": "EVERGREEN",
        "renewal_trigger": "EXTERNAL",
    }


def test_a_save_offer_takes_its_discount(catalog: MemoryCatalog) -> None:
    body = offer_body(catalog.product().id)
    body["data"] |= {"record_subtype": "discount", "discount": DISCOUNT}

    assert emitted(catalog.has("offers", body))["data"]["discount"] == DISCOUNT


def test_a_discount_needs_its_terms_to_be_active(catalog: MemoryCatalog) -> None:
    body = offer_body(catalog.product().id)
    body["data"]["record_subtype"] = "discount"

    assert faults("offers", body, catalog) == {"data.discount": "required"}


def test_a_standard_offer_takes_no_discount(catalog: MemoryCatalog) -> None:
    body = {"name": "Digital", "data": {"discount": DISCOUNT}}

    assert faults("offers", body, catalog) == {"data.discount": "invalid_value"}


@pytest.mark.parametrize(
    ("discount", "expected"),
    [
        ({}, {"value": "required", "termLength": "required", "termType": "required"}),
        ({**DISCOUNT, "value": "-5"}, {"value": "invalid_value"}),
        ({**DISCOUNT, "termLength": 0}, {"termLength": "invalid_value"}),
        ({**DISCOUNT, "termType": "month"}, {"termType": "invalid_value"}),
        ({**DISCOUNT, "percent": 20}, {"percent": "unknown_member"}),
    ],
)
def test_refuses_the_terms_of_a_discount(
    discount: Any, expected: dict[str, str], catalog: MemoryCatalog
) -> None:
    body = {"name": "Stay", "data": {"record_subtype": "discount", "discount": discount}}

    assert faults("offers", body, catalog) == {
        f"data.discount.{field}": code for field, code in expected.items()
    }


def test_saves_lead_to_discounts_and_switches_do_not(catalog: MemoryCatalog) -> None:
    standard = catalog.offer()
    save = catalog.has("offers", {"name": "Stay", "data": {"record_subtype": "discount"}})
    attributes = {
        "save_offers": [standard.id],
        "upgrade_offers": [save.id],
        "downgrade_offers__limio": [{"$ref": save.path}],
    }

    found = faults("offers", offer_body(attributes=attributes, name="Digital Annual"), catalog)

    assert found == {
        "data.attributes.upgrade_offers[0]": "invalid_value",
        "data.attributes.downgrade_offers__limio[0]": "invalid_value",
        "data.attributes.save_offers[0]": "invalid_value",
    }


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([], {"data": "invalid_value"}),
        ({"attributes": "none"}, {"data.attributes": "invalid_value"}),
        ({"record_subtype": "add_on"}, {"data.record_subtype": "invalid_value"}),
        ({"products": []}, {"data.products": "unknown_member"}),
        ({"product_bundles": []}, {"data.product_bundles": "unknown_member"}),
        (
            {"productBundles": [{"product": "prod-" + "0" * 32}] * 21},
            {"data.productBundles": "too_long"},
        ),
        (
            {"attributes": {"price": [charge()] * 11}},
            {"data.attributes.price": "too_long"},
        ),
    ],
)
def test_refuses_data(data: Any, expected: dict[str, str], catalog: MemoryCatalog) -> None:
    assert faults("offers", {"name": "Digital", "data": data}, catalog) == expected


@pytest.mark.parametrize(
    ("status", "channels", "online", "to_acme"),
    [
        ("active", None, True, False),
        ("active", ["Online"], True, False),
        ("active", ["Online", "Partner"], True, True),
        ("active", ["Partner"], False, True),
        ("active", ["Salesforce"], False, False),
        ("active", [], False, False),
        ("draft", ["Online", "Partner"], False, False),
        ("archived", ["Online", "Partner"], False, False),
    ],
)
def test_is_visible_where_it_is_sold(
    status: str, channels: list[str] | None, online: bool, to_acme: bool, catalog: MemoryCatalog
) -> None:
    attributes: dict[str, Any] = {"eligible_partners": [ACME]}
    if channels is not None:
        attributes["sales_channel"] = channels
    made: Offer = catalog.offer(catalog.product().id, attributes=attributes, status=status)

    assert made.is_visible_online() is online
    assert made.is_visible_to(ACME) is to_acme
    assert not made.is_visible_to(BOREALIS)


def test_without_an_eligible_partner_no_partner_sees_it(catalog: MemoryCatalog) -> None:
    made = catalog.offer(catalog.product().id, attributes={"sales_channel": ["Partner"]})

    assert not made.is_visible_to(ACME)


def partner_offer(catalog: MemoryCatalog, **attributes: Any) -> dict[str, Any]:
    """On the channel Partner, for Acme, leading to the partner checkout that is installed."""
    product = catalog.product(catalog.entitlement().id)
    given = {
        "sales_channel": ["Partner"],
        "eligible_partners": [ACME],
        "checkout": {"checkout_type": "external", "external_url": "/partner-checkout"},
        **attributes,
    }
    return offer_body(product.id, attributes=given)


def test_a_well_made_partner_offer_is_saved_without_a_warning(catalog: MemoryCatalog) -> None:
    catalog.has("pages", {**_gold_page(), "authentication": "partner"})

    assert warned(catalog.save("offers", partner_offer(catalog, label=["partner-gold"]))) == []


@pytest.mark.parametrize(
    ("checkout", "codes"),
    [
        ({"checkout_type": "standard"}, ["no_partner_checkout"]),
        (
            {"checkout_type": "external", "external_url": "https://shop.example/partner-checkout"},
            ["no_partner_checkout"],
        ),
        ({"checkout_type": "external", "external_url": "/partner"}, ["no_partner_checkout"]),
        ({"checkout_type": "external", "external_url": "/partner-checkout?from=gold#form"}, []),
    ],
)
def test_warns_of_a_partner_offer_that_leads_to_no_partner_checkout(
    checkout: dict[str, str], codes: list[str], catalog: MemoryCatalog
) -> None:
    saved = catalog.save("offers", partner_offer(catalog, checkout=checkout))

    assert warned(saved) == codes
    assert all(a.field == "data.attributes.checkout__limio" for a in saved.warnings)


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_warns_of_a_partner_checkout_page_that_is_not_active(
    status: str, catalog: MemoryCatalog
) -> None:
    page = next(page for page in catalog.pages() if page.slug == "/partner-checkout")
    catalog.items[page.id] = page.model_copy(update={"status": status})

    assert warned(catalog.save("offers", partner_offer(catalog))) == ["no_partner_checkout"]


def test_warns_of_a_partner_offer_that_no_partner_can_buy(catalog: MemoryCatalog) -> None:
    saved = catalog.save("offers", partner_offer(catalog, eligible_partners=[]))

    assert warned(saved) == ["no_eligible_partner"]


def test_warns_of_a_label_that_no_page_shows(catalog: MemoryCatalog) -> None:
    saved = catalog.save("offers", partner_offer(catalog, label=["partner", "gold"]))

    assert [(a.code, a.field) for a in saved.warnings] == [
        ("label_on_no_page", "data.attributes.label__limio[1]")
    ]


def test_warns_of_a_page_that_shows_partner_offers_to_everybody(catalog: MemoryCatalog) -> None:
    catalog.has("pages", {**_gold_page(), "authentication": "none"})

    saved = catalog.save("offers", partner_offer(catalog, label=["partner-gold"]))

    assert warned(saved) == ["page_without_partner_sign_in"]


def test_warns_of_products_without_an_entitlement(catalog: MemoryCatalog) -> None:
    assert warned(catalog.save("offers", offer_body(catalog.product().id))) == ["no_entitlement"]


def test_warns_of_nothing_for_a_discount(catalog: MemoryCatalog) -> None:
    body = offer_body(catalog.product().id, attributes={"label": ["nowhere"]})
    body["data"] |= {"record_subtype": "discount", "discount": DISCOUNT}

    assert warned(catalog.save("offers", body)) == []


def test_answers_warnings_beside_the_offer(catalog: MemoryCatalog) -> None:
    answer = catalog.save("offers", offer_body(catalog.product().id)).wire()

    assert answer["warnings"] == [
        {
            "code": "no_entitlement",
            "message": "None of its products has an entitlement, so buying it opens nothing",
            "field": "data.productBundles",
        }
    ]


def _gold_page() -> dict[str, Any]:
    return {"name": "Gold", "slug": "/gold", "kind": "pricing", "label": "partner-gold"}
