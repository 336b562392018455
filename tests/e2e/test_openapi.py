"""The deployed API keeps to its OpenAPI document, whatever it is sent.

A sample runs with the others, reproducibly; thousands of random cases take some minutes:
`pytest -m long tests/e2e/test_openapi.py -s`.
"""

import base64
import collections
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from infra.local import demo
from tests.e2e.conftest import Deployed
from tests.e2e.exercises import auth0

pytestmark = pytest.mark.e2e

_CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
_AT_ONCE = 4
_SAMPLE = 3
_MANY = 70
"""Cases for each operation."""
_KINDS = ("entitlements", "products", "offers", "add-ons", "pages")


class Fuzz:
    """What is sent, by whom, and what was found wrong."""

    def __init__(self, deployed: Deployed) -> None:
        api = deployed.api
        self.base = deployed.stack.api
        self.statuses: collections.Counter[int] = collections.Counter()
        self._tokens = {
            "machine": api.machine_token(),
            "operator": api.operator_token(),
            "partner": api.partner_token(deployed.stack.partners[0].users[0]),
            "customer": api.person_token(auth0(api), demo.INGRID.sub),
        }
        self._known = dict(_known_ids(deployed))
        document = api.send("GET", "/openapi.json", token="").json()
        self._schema = schemathesis.openapi.from_dict(document)
        self._security = {
            (path, method): next(iter(one["security"][0]))
            for path, methods in document["paths"].items()
            for method, one in methods.items()
        }

    def wrong(self, cases: int, *, derandomize: bool) -> str:
        """A line for each operation that did what it does not say."""
        operations = [_sound(found) for found in self._schema.get_all_operations()]
        try_one = partial(self._tried, cases=cases, derandomize=derandomize)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return "\n\n".join(filter(None, pool.map(try_one, operations)))

    def _tried(self, operation: Any, *, cases: int, derandomize: bool) -> str:
        kind = self._security[operation.path, operation.method]
        headers = {"Authorization": self._authorization(kind)}

        @settings(
            max_examples=cases,
            derandomize=derandomize,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), choices=st.randoms(use_true_random=False))
        def send(case: Any, choices: Any) -> None:
            self._lead_somewhere(case, choices)
            answer = case.call(base_url=self.base, headers=headers, timeout=40)
            self.statuses[answer.status_code] += 1
            case.validate_response(answer, checks=_CHECKS)

        try:
            send()
        except (Exception, BaseExceptionGroup) as found:  # all that is found is told together
            return f"{operation.method.upper()} {operation.path}\n{found}"
        return ""

    def _authorization(self, kind: str) -> str:
        if kind == "callouts":
            login = demo.ZUORA_CALLOUT_LOGIN
            pair = f"{login.username}:{login.password}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        return f"Bearer {self._tokens[kind]}"

    def _lead_somewhere(self, case: Any, choices: Any) -> None:
        """Half of the cases name things that exist; only reading does, so nothing is lost."""
        if not case.path_parameters or choices.random() < 0.5:
            return
        if "kind" in case.path_parameters:
            case.path_parameters["kind"] = choices.choice(_KINDS)
        known = self._known.get(case.operation.path)
        if known and case.method.upper() == "GET":
            case.path_parameters.update(choices.choice(known))


def _sound(found: Any) -> Any:
    return found.ok()


@pytest.fixture
def fuzzed(deployed: Deployed) -> Fuzz:
    return Fuzz(deployed)


def test_a_sample_of_cases_is_answered_as_the_document_says(fuzzed: Fuzz) -> None:
    wrong = fuzzed.wrong(_SAMPLE, derandomize=True)
    assert not wrong, wrong
    assert fuzzed.statuses[200] > 20


@pytest.mark.long
def test_thousands_of_cases_are_answered_as_the_document_says(fuzzed: Fuzz) -> None:
    wrong = fuzzed.wrong(_MANY, derandomize=False)

    print(f"{fuzzed.statuses.total()} cases: {dict(sorted(fuzzed.statuses.items()))}")  # noqa: T201
    assert not wrong, wrong
    assert fuzzed.statuses.total() >= 5000


def _known_ids(deployed: Deployed) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """By path template, parameters of things that exist."""
    api, partner = deployed.api, deployed.stack.partners[0]
    catalog = [
        {"kind": kind, "id": one["id"]}
        for kind in _KINDS
        for one in api.call("GET", f"/api/catalog/{kind}?limit=5")["items"]
    ]
    yield "/api/catalog/{kind}/{id}", catalog
    kinds = ("orders", "customers", "subscriptions", "events", "user_entitlements")
    objects = [
        {"path_type": kind, "id": one["id"]}
        for kind in kinds
        for one in api.call("GET", f"/api/objects/limio/{kind}?limit=5")["items"]
    ]
    yield "/api/objects/limio/{path_type}/{id}", objects
    yield "/api/objects/limio/{path_type}", [{"path_type": kind} for kind in kinds]
    orders = [one for one in objects if one["path_type"] == "orders"]
    yield "/api/order/{id}", [{"id": one["id"]} for one in orders]
    yield "/api/partner-organisation/{id}", [{"id": partner.id}]
    yield "/api/partner-organisation/{id}/users", [{"id": partner.id}]
    endpoints = api.call("GET", "/api/webhooks/endpoints?pageSize=5")["items"]
    yield "/api/webhooks/endpoints/{id}", [{"id": one["id"]} for one in endpoints]
    yield "/api/webhooks/endpoints/{id}/deliveries", [{"id": one["id"]} for one in endpoints]
    events = api.call("GET", "/api/webhooks/events?pageSize=5")["items"]
    yield "/api/webhooks/events/{event}", [{"event": one["id"]} for one in events]
    yield (
        "/api/webhooks/deliveries/{event}/{endpoint}",
        [
            {"event": event["id"], "endpoint": delivery["endpoint"]}
            for event in events
            for delivery in api.call("GET", f"/api/webhooks/events/{event['id']}")["deliveries"]
        ],
    )
    ingrid = deployed.stack.customers[0]
    mine = api.call(
        "GET", "/api/mma/subscriptions", token=api.person_token(ingrid.issuer, ingrid.sub)
    )
    yield "/api/mma/subscriptions/{id}", [{"id": one["id"]} for one in mine["items"]]
    yield "/api/objects/externalidentity/{owner}", [{"owner": ingrid.owner}]
