"""Deployed functions, loaded as Lambda loads them: under an environment of their own."""

import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

from tessera.tables import TABLES

# A page's handler is loaded anew for each test; its templates read the same each time.
_compile = jinja2.Environment.compile
_compiled: dict[tuple[Any, ...], Any] = {}


def _compile_once(self: jinja2.Environment, *source: Any, **named: Any) -> Any:
    key = *source, *named.items()
    if key not in _compiled:
        _compiled[key] = _compile(self, *source, **named)
    return _compiled[key]


jinja2.Environment.compile = _compile_once  # type: ignore[method-assign]

ROOT = Path(__file__).parent.parent
Handler = Callable[[dict[str, Any]], dict[str, Any]]

_ENVIRONMENT = {
    **{f"{table.name.upper()}_TABLE": table.name for table in TABLES},
    "BUSINESS_TIME_ZONE": "UTC",
    "MODE": "test",
    "SUPPORT_ADDRESS": "",
    "CURSORS_SECRET": "tessera/dev/cursors",
    "IDENTITY_PROVIDERS_PARAMETER": "/tessera/dev/identity_providers",
    "ALLOW_HTTP_ISSUERS": "false",
    "ZUORA_URL": "",
    "ZUORA_SECRET": "tessera/dev/zuora",
    "ZUORA_ENTITY_IDS": "",
    "ZUORA_ORG_IDS": "",
    "BASE_URL": "https://shop.example",
    "STYLESHEET": "tessera-1.css",
    "SCRIPT": "tessera-1.js",
    "SIGN_IN_ORIGINS": "https://operators.example https://partners.example",
    "SESSION_MINUTES": '{"operator": [30, 480], "partner": [120, 720], "customer": [120, 720]}',
    "CONSOLE_MENU": '["/settings", "/settings/profile/partners"]',
    "ZUORA_OWNER_STYLE": "A",
    "SALESFORCE_URL": "",
    "SALESFORCE_SECRET": "tessera/dev/salesforce",
    "SALESFORCE_EXTERNAL_ID_FIELD": "Tessera_Id__c",
    "SALESFORCE_API_VERSION": "65.0",
    "SALESFORCE_RECORD_TYPE_ID": "",
    "SALESFORCE_BILLING_ADDRESS": "false",
    "DOCUMENTS_BUCKET": "documents",
    "SECRETS_KEY": "alias/tessera/dev/webhooks",
    "ZUORA_PAGE_ID": "",
    "ZUORA_PAGE_URI": "",
    "ZUORA_PAGE_SCRIPT": "",
    "PARTNERS_POOL_ID": "eu-west-1_partners",
    "STAGE": "dev",
    "ORDER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/provision-order",
    "DEAD_LETTERS": "",
    "RESYNC_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/resync-subscription",
    "ZUORA_ACCOUNT_MAPPING": "customer",
    "ZUORA_RUN_BILLING": "true",
    "ZUORA_AUTO_PAY": "true",
    "ZUORA_PAYMENT_TERM": "",
    "SALESFORCE_CRITICAL": "false",
}


def load(function: str, callers: dict[str, Any] | None = None, **environment: str) -> Handler:
    """The handler of `identity/attach_identity`; `callers` are those its route admits."""
    module = loaded(function, callers, folder=ROOT / "functions", **environment)

    def call(event: dict[str, Any]) -> dict[str, Any]:
        os.environ["CALLERS"] = json.dumps(callers or {})
        answer: dict[str, Any] = module.handler(event, None)
        return answer

    return call


def loaded(
    function: str,
    callers: dict[str, Any] | None = None,
    *,
    folder: Path = ROOT / "functions",
    **environment: str,
) -> Any:
    path = folder / function / "handler.py"
    name = function.rsplit("/", 1)[-1]
    wanted = {
        **_ENVIRONMENT,
        "POWERTOOLS_SERVICE_NAME": name,
        "CALLERS": json.dumps(callers or {}),
        **environment,
    }
    before = {key: os.environ.get(key) for key in wanted}
    os.environ.update(wanted)
    try:
        # Under its own name, so that it finds the modules beside it, and anew each time.
        dotted = f"{folder.name}.{function.replace('/', '.')}"
        for loaded_before in [one for one in sys.modules if one.startswith(f"{dotted}.")]:
            del sys.modules[loaded_before]
        spec = importlib.util.spec_from_file_location(f"{dotted}.handler", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value
    return module


def body(answer: dict[str, Any]) -> Any:
    return json.loads(answer["body"]) if answer.get("body") else None
