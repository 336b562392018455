"""A catalog that tells a believable story, and a receiver for its webhooks.

A publisher sells news online (Digital), a richer edition (Gold) and a support add-on, in pounds and
dollars. Loading is repeatable: what is there stays as it is.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import requests

from infra.local import demo
from infra.local.api_client import Api, Refused
from infra.local.credentials import replace_first_password
from infra.local.demo import RatePlan
from infra.local.emulator import LocalAws
from infra.local.running_stack import Customer, Login, Partner, RunningStack

INBOX = "access-platform"
_SAVE = "Stay with us"
_SUPPORT = "Priority support"
_SECONDS = 30
_MONTHLY = {"repeat_interval": 1, "repeat_interval_type": "months"}
_YEARLY = {"repeat_interval": 1, "repeat_interval_type": "years"}


def load(stack: RunningStack) -> RunningStack:
    """The stack with the customers that the data make known."""
    api = Api(stack)
    for kind, item in _items():
        _create(api, kind, item)
    partners = tuple(_partner(api, one) for one in demo.RESELLERS)
    for kind, item in _partner_offers(*(partner.id for partner in partners)):
        _create(api, kind, item)
    if stack.stand_ins.inbox:
        _open_endpoint(api, stack.stand_ins.inbox)
    issuer = f"{stack.stand_ins.idp}{demo.AUTH0_ISSUER_PATH}"
    owner = _attach_ingrid(api, issuer)
    ingrid = Customer(issuer=issuer, sub=demo.INGRID.sub, owner=owner)
    return dataclasses.replace(stack, customers=(ingrid,), partners=partners)


def _items() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each after what it refers to."""
    for name, label, code in (
        ("Web access", "Read every article online", "W2"),
        ("E-paper", "The printed pages as a PDF each morning", None),
        ("Archive", "Every issue since 1887", "SKU0010002"),
        ("Priority support", "Answers within an hour", "HELP"),
    ):
        yield "entitlements", {"name": name, "label": label, **({"code": code} if code else {})}
    for name, display, entitlements in (
        ("Digital", "Digital", ["Web access"]),
        ("Gold", "Gold", ["Web access", "E-paper", "Archive"]),
        ("Support", "Priority support", ["Priority support"]),
        ("Loyalty", "Thank you for staying", []),
    ):
        yield (
            "products",
            {
                "name": name,
                "attributes": {"display_name__limio": display},
                "entitlements": [{"$ref": f"/entitlements/{one}"} for one in entitlements],
            },
        )
    yield "offers", _save()
    saves = [{"$ref": f"/offers2/{_SAVE}"}]
    for currency in ("GBP", "USD"):
        yield "add-ons", _add_on(currency)
        with_it = [{"$ref": f"/add_ons/{_named(_SUPPORT, currency)}"}]
        yield (
            "offers",
            _offer(
                "Gold Annual",
                "Gold",
                demo.GOLD_ANNUAL_PLAN,
                currency,
                _YEARLY,
                save_offers__limio=saves,
                cross_sell_addons__limio=with_it,
            ),
        )
        yield (
            "offers",
            _offer(
                "Digital Monthly",
                "Digital",
                demo.DIGITAL_MONTHLY_PLAN,
                currency,
                _MONTHLY,
                upgrade_offers__limio=[{"$ref": f"/offers2/{_named('Gold Annual', currency)}"}],
                save_offers__limio=saves,
                cross_sell_addons__limio=with_it,
            ),
        )


def _partner_offers(acme: str, borealis: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Both sell Digital, each at terms of its own; only Acme sells Gold."""
    monthly = (demo.DIGITAL_MONTHLY_PLAN, _MONTHLY)
    for name, product, (plan, every), label, organisation, better in (
        ("Acme Gold", "Gold", (demo.GOLD_ANNUAL_PLAN, _YEARLY), "partner-gold", acme, []),
        ("Acme Digital", "Digital", monthly, "partner", acme, ["Acme Gold"]),
        ("Borealis Digital", "Digital", monthly, "partner", borealis, []),
    ):
        yield (
            "offers",
            _offer(
                name,
                product,
                plan,
                "GBP",
                every,
                label__limio=[label],
                sales_channel__limio=["Partner"],
                eligible_partners__limio=[organisation],
                upgrade_offers__limio=[{"$ref": f"/offers2/{one}"} for one in better],
                checkout__limio={
                    "checkout_type": "external",
                    "external_url": "/partner-checkout",
                },
            ),
        )


def _named(name: str, currency: str) -> str:
    return name if currency == "GBP" else f"{name} {currency}"


def _offer(
    name: str,
    product: str,
    plan: RatePlan,
    currency: str,
    every: dict[str, Any],
    **attributes: Any,
) -> dict[str, Any]:
    return {
        "name": _named(name, currency),
        "data": {
            "productBundles": [{"product": {"$ref": f"/products/{product}"}, "rate_plan": plan.id}],
            "attributes": {
                "display_name__limio": f"{name}, in {currency}",
                "label__limio": ["online"],
                "sales_channel__limio": ["Online", "Salesforce"],
                "price__limio": [_price(plan, currency, every)],
                "term__limio": {"length": 12, "type": "months"},
                "autoRenew__limio": True,
                "allow_multibuy__limio": product == "Digital",
                **attributes,
            },
        },
    }


def _save() -> dict[str, Any]:
    """A discount for those who are about to leave; its percentage is the plan's own in Zuora."""
    plan = demo.LOYALTY_DISCOUNT_PLAN
    return {
        "name": _SAVE,
        "data": {
            "record_subtype": "discount",
            "productBundles": [{"product": {"$ref": "/products/Loyalty"}, "rate_plan": plan.id}],
            "attributes": {"display_name__limio": f"{plan.percentage}% off for three months"},
            "discount": {"value": plan.percentage, "termLength": 3, "termType": "months"},
        },
    }


def _add_on(currency: str) -> dict[str, Any]:
    return {
        "name": _named(_SUPPORT, currency),
        "data": {
            "productBundles": [
                {"product": {"$ref": "/products/Support"}, "rate_plan": demo.SUPPORT_PLAN.id}
            ],
            "attributes": {
                "price__limio": [_price(demo.SUPPORT_PLAN, currency, _MONTHLY)],
                "allow_multibuy__limio": True,
                "compatible_products__limio": [
                    {"$ref": "/products/Digital"},
                    {"$ref": "/products/Gold"},
                ],
            },
        },
    }


def _price(plan: RatePlan, currency: str, every: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": plan.charge,
        "type": "recurring",
        "value": plan.prices[currency],
        "currencyCode": currency,
        "rate_plan_charge": plan.charge_id,
        **every,
    }


def _create(api: Api, kind: str, item: dict[str, Any]) -> None:
    answer = api.send("POST", f"/api/catalog/{kind}", {"status": "active", **item})
    is_there = answer.status_code == 409 and answer.json()["code"] == "not_unique"
    if not answer.ok and not is_there:
        raise Refused(f"{kind} {item['name']}: {answer.status_code} {answer.text}")


def _partner(api: Api, reseller: demo.Reseller) -> Partner:
    """The second and third seeds' management guide: the organisation, then its user."""
    account, name = reseller.account, reseller.account.name
    known = api.call("GET", "/api/partner-organisations?limit=100")["items"]
    found = next((one for one in known if one["name"] == name), None)
    organisation = found or api.call(
        "POST",
        "/api/partner-organisation",
        {
            "name": name,
            "zuoraAccountId": account.id,
            "isZuoraInvoiceOwner": reseller.is_invoiced,
            "salesforceAccountId": account.salesforce_id,
        },
    )
    path = f"/api/partner-organisation/{organisation['id']}"
    users = api.call("GET", f"{path}/users")["items"]
    login = Login(email=reseller.email, password=demo.PARTNER_PASSWORD)
    if not any(user["data"]["email"] == login.email for user in users):
        api.call("POST", path, {"name": reseller.user, "email": login.email})
    aws = LocalAws(api.stack.token_url.removesuffix("/oauth2/token"))
    replace_first_password(aws, api.stack.outputs["PartnersPoolId"], login)
    return Partner(id=organisation["id"], name=name, users=(login,))


def _open_endpoint(api: Api, inbox: str) -> None:
    """An endpoint whose deliveries the inbox verifies with the key that was answered."""
    url = f"{inbox}/hooks/{INBOX}"
    known = api.call("GET", "/api/webhooks/endpoints")["items"]
    if any(endpoint["url"] == url for endpoint in known):
        return
    endpoint = api.call(
        "POST",
        "/api/webhooks/endpoints",
        {"url": url, "description": "The publisher's access platform"},
    )
    answer = requests.put(
        f"{inbox}/_control/inboxes/{INBOX}", json={"secret": endpoint["secret"]}, timeout=_SECONDS
    )
    answer.raise_for_status()


def _attach_ingrid(api: Api, issuer: str) -> str:
    """The first seed's two calls, so that somebody can sign in and see something."""
    synced = api.call("POST", f"/api/plugins/zuora/sync/subscription/{demo.DIGITAL_SUBSCRIPTION}")
    owner = str(synced["owner"])
    token = {"iss": issuer, "sub": demo.INGRID.sub}
    api.call("POST", f"/api/objects/externalidentity/{owner}", {"id_token": token})
    return owner
