"""What a page takes: its template rendered with realistic data, and what its view asks of AWS."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Any, NamedTuple

import boto3
import pytest

from infra.local import demo
from infra.local._server import serve
from infra.local.zuora import Zuora
from infra.routes import ROUTES
from tessera import clock
from tessera.aws import client
from tessera.commerce.store import CommerceTable
from tessera.edge.pages.rendering import Templates
from tessera.partners.store import PartnersTable
from tests import handlers
from tests.bench.billing import Bill, billed
from tests.bench.conftest import Publish
from tests.bench.machine import Row, is_short
from tests.commerce.carrying import ORDER, OWNER
from tests.commerce.test_place_order import Shop, offer, order, sent
from tests.integrations.zuora_tenant import Vault
from tests.pages import test_partner_pages as portal
from tests.pages import test_self_service as self_service
from tests.pages import test_site as pricing
from tests.pages.test_orders import failed
from tests.pages.test_partners import organisation
from tests.pages.visitor import Visitor, signed_in
from tests.partners.organisations import ACME
from tests.webhooks.asking import WHERE
from tests.webhooks.engine import REFUSED, Engine, event

ROWS = 25
"""A full page of a list."""
MOST_MS = 10

pytestmark = pytest.mark.bench


class View(NamedTuple):
    render_ms: float
    html_kb: float
    bill: Bill


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers",
        Type="String",
        Value='[{"key": "a", "issuer": "https://a.example/x/", "client_id": "c"}]',
    )
    kept = {"cursors": {"key": "k" * 32}, "zuora": dict(Vault().kept)}
    for name, value in kept.items():
        boto3.client("secretsmanager").create_secret(
            Name=f"tessera/dev/{name}", SecretString=json.dumps(value)
        )
    return CommerceTable("Commerce", "Events")


@contextmanager
def rendering() -> Iterator[list[float]]:
    """Milliseconds of each page that is rendered in the block."""
    took: list[float] = []
    real = Templates.page

    def page(self: Templates, *values: Any, **more: Any) -> str:
        began = time.perf_counter()
        html = real(self, *values, **more)
        took.append((time.perf_counter() - began) * 1000)
        return html

    with pytest.MonkeyPatch.context() as patch:
        # There is no seam between a view and its template but this one.
        patch.setattr(Templates, "page", page)
        yield took


def viewed(visitor: Visitor, address: str) -> View:
    shown = visitor.get(address)
    assert shown.status == 200, (address, shown.status, shown.location, shown.text[:300])
    with billed() as bill:
        visitor.get(address)
    with rendering() as took:
        for _ in range(5 if is_short() else 25):
            visitor.get(address)
    return View(round(median(took), 2), round(len(shown.html.encode()) / 1024, 1), bill)


def browser(function: str, **environment: str) -> Visitor:
    """An operator at a warm function of the console."""
    routes: dict[str, Any] = {
        route.key: {who.kind: list(who.needs) for who in route.who}
        for route in ROUTES
        if route.function == function
    }
    module = handlers.loaded(function, routes, folder=handlers.ROOT / "functions", **environment)

    def call(asked: dict[str, Any]) -> dict[str, Any]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CALLERS", json.dumps(routes))
            answer: dict[str, Any] = module.handler(asked, None)
        return answer

    one = Visitor(call, routes)
    signed_in(one, "operator")
    return one


def test_how_long_pages_take(
    owners: CommerceTable, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    views: dict[str, View] = {}

    def look(visitor: Visitor, pages: Mapping[str, str]) -> None:
        views.update({what: viewed(visitor, address) for what, address in pages.items()})

    shop = _console(owners, look)
    _webhooks(look, monkeypatch)
    _portal(owners, shop, look)
    _self_service(owners, look)

    slowest = max(views, key=lambda what: views[what].render_ms)
    times = sorted(view.render_ms for view in views.values())
    publish(
        "pages",
        [
            Row(
                f"render a page's template ({len(views)} pages)",
                f"median {median(times):.1f} ms, most {times[-1]:.1f} ms ({slowest})",
                f"below {MOST_MS} ms",
            ),
            *(
                Row(
                    f"view: {what}",
                    f"{view.render_ms:.1f} ms, {view.html_kb:.0f} KB; {view.bill.told()};"
                    f" ${view.bill.dollars():.2f} a million",
                )
                for what, view in views.items()
            ),
        ],
        {
            what: {
                "render_ms": view.render_ms,
                "html_kb": view.html_kb,
                "requests": dict(view.bill.requests),
                **{name.replace(" ", "_"): n for name, n in view.bill.priced().items() if n},
            }
            for what, view in views.items()
        },
    )


Look = Callable[[Visitor, Mapping[str, str]], None]


def _console(owners: CommerceTable, look: Look) -> Shop:
    shop = Shop()
    place = handlers.load("commerce/place_order", {"POST /api/order": {"machine": ["orders"]}})
    for number in range(ROWS):
        answer = place(sent(order(shop, external_id=f"EXT-{number}", source="shop")))
        assert answer["statusCode"] == 202
        organisation(PartnersTable("Partners", "Events"), f"Partner {number}")
    failed(owners)
    look(browser("pages/home"), {"console, home": "/settings"})
    orders = {
        "console, orders": "/objects/orders/limio",
        "console, an order": f"/objects/orders/limio/{ORDER}",
        "console, an owner": f"/objects/identities/limio/{OWNER}",
    }
    look(browser("pages/orders"), orders)
    offers = "/settings/catalog/offers"
    catalog = {"console, offers": offers, "console, an offer": f"{offers}/{shop.offer['id']}"}
    look(browser("pages/catalog"), catalog)
    look(browser("pages/partners"), {"console, partners": "/settings/profile/partners"})
    look(browser("pages/page_settings"), {"console, pages": "/settings/pages"})
    return shop


def _webhooks(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    engine.clock.at = clock.now()
    endpoint = engine.has_endpoint(description="Access platform")
    announced = [event(at=engine.clock.at) for _ in range(ROWS)]
    for one in announced[:-1]:
        engine.delivers(one)
    engine.receiver.answers = [REFUSED]
    engine.delivers(announced[-1])
    queue = client("sqs").create_queue(QueueName="slow")["QueueUrl"]
    here = {"SLOW_QUEUE_URL": queue, "ENDPOINT_LIMIT": "200", **WHERE}
    for name, value in here.items():
        monkeypatch.setenv(name, value)
    home = "/objects/webhooks/limio"
    look(
        browser("pages/webhooks", SECRETS_KEY=engine.seal._key),
        {
            "console, deliveries": home,
            "console, a delivery": f"{home}/deliveries/{announced[-1].id}/{endpoint}",
            "console, events": f"{home}/events",
            "console, an endpoint": f"{home}/endpoints/{endpoint}",
        },
    )


def _portal(owners: CommerceTable, shop: Shop, look: Look) -> None:
    theirs = {
        "sales_channel__limio": ["Partner"],
        "eligible_partners__limio": [ACME],
        "label__limio": ["partner"],
        "checkout__limio": {"checkout_type": "external", "external_url": "/partner-checkout"},
    }
    digital = shop.product["id"]
    sells = [shop.add("offers", **offer(f"Acme {n}", digital, **theirs)) for n in range(12)]
    for number in range(12):
        pricing.offer(f"Gold {number}")
    pricing.page("/gold", "none")
    portal.employ(ACME, "Acme Resellers", "annn")
    ann = portal.visitor("annn", ACME)
    sold = portal.Sold(shop, sells[0], sells[1])
    for number in range(12):
        portal.ordered(
            ann, sold, owners, **{"customerDetails.email": f"carla{number}@conte.example"}
        )
    look(
        ann,
        {
            "portal, 12 customers": "/partner?tab=customers",
            "portal, 12 offers": "/partner/offers",
            "pricing page, 12 offers": "/gold",
        },
    )


def _self_service(owners: CommerceTable, look: Look) -> None:
    with serve(Zuora()) as tenant:
        self_service.held(owners, tenant, demo.DIGITAL_SUBSCRIPTION)
        ingrid = self_service.visitor(self_service.site(tenant.url))
        pages = {f"self-service, {page[1:]}": page for page in self_service.PAGES}
        look(ingrid, pages)
