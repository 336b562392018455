"""What a handler asks of its environment is what its function gets, no less and no more."""

import json

from infra.routes import ROUTES
from tests.infra.handlers import Inspected
from tests.infra.synthesis import Synthesis

_EDGE = {
    "CALLERS",
    "IDEMPOTENCY_TABLE",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_SERVICE_NAME",
    "RES_OPTIONS",
    "SECRETS_KEY",
}
"""Read by the edge or the system, not by the handler itself."""


def test_each_function_has_exactly_the_variables_that_its_handler_names(
    production: Synthesis, handlers: dict[str, Inspected]
) -> None:
    given = {
        folder: set(one.environment) - (_EDGE - handlers[folder].fields)
        for folder, one in production.functions.items()
    }

    assert given == {folder: set(one.fields) for folder, one in handlers.items()}


def test_a_function_that_answers_a_post_can_keep_its_answer_for_repeats(
    production: Synthesis,
) -> None:
    """To whom it does not know it keeps none; of callouts it keeps the notifications' ids."""
    answers_posts = {route.function for route in ROUTES if route.method == "POST" and route.who}

    keeps = {f for f, one in production.functions.items() if "IDEMPOTENCY_TABLE" in one.environment}

    assert keeps == answers_posts | {"commerce/receive_zuora_callout"}


def test_the_edge_is_told_who_may_call_each_route(production: Synthesis) -> None:
    told = {
        key: callers
        for one in production.functions.values()
        for key, callers in json.loads(one.environment.get("CALLERS", "{}")).items()
    }

    assert told == {route.key: {who.kind: list(who.needs) for who in route.who} for route in ROUTES}


def test_a_function_is_called_the_same_in_logs_metrics_and_account(production: Synthesis) -> None:
    names = []
    for folder, one in production.functions.items():
        name = folder.partition("/")[2]
        names.append(name)
        assert one.environment["POWERTOOLS_SERVICE_NAME"] == name
        assert one.name == f"tessera-prod-{name}"
    groups = {one.properties["LogGroupName"] for one in production.of_type("AWS::Logs::LogGroup")}

    assert len(names) == len(set(names))
    assert {f"/tessera/prod/{name}" for name in names} <= groups


def test_metrics_are_counted_where_the_alarms_look(
    production: Synthesis, handlers: dict[str, Inspected]
) -> None:
    watched = {
        one.properties["Namespace"]
        for one in production.of_type("AWS::CloudWatch::Alarm")
        if one.properties.get("Namespace", "AWS/").partition("/")[0] != "AWS"
    }

    assert {one.namespace for one in handlers.values()} == watched


def test_no_secret_is_in_an_environment(production: Synthesis) -> None:
    for one in production.functions.values():
        for name, value in one.environment.items():
            if name.endswith("_SECRET"):
                assert str(value).startswith("tessera/prod/"), f"{one.folder}: {name}"
