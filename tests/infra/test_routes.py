"""The endpoint table, the functions on disk and the gateway's routes are one thing."""

import re
from pathlib import Path
from typing import Any

import pytest

from infra.constructs import package
from infra.context import BadSetting
from infra.routes import ROUTES, Route
from tests.infra.handlers import Inspected
from tests.infra.synthesis import ROOT, Synthesis, synthesise


def test_every_function_folder_is_deployed_and_nothing_else(production: Synthesis) -> None:
    on_disk = {
        handler.parent.relative_to(ROOT / "functions").as_posix()
        for handler in (ROOT / "functions").glob("*/*/handler.py")
    }

    assert set(production.functions) == on_disk


def test_a_declared_function_without_a_folder_stops_the_synthesis_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Taking a folder of the working tree away would break tests that run beside this one.
    monkeypatch.setattr(package, "FUNCTIONS", tmp_path)

    with pytest.raises(BadSetting, match=r"functions/\w+/\w+/handler\.py does not exist"):
        synthesise(tmp_path / "out")


def test_the_gateway_has_the_routes_of_the_table_and_no_other(production: Synthesis) -> None:
    deployed = [
        one.properties["RouteKey"] for one in production.of_type("AWS::ApiGatewayV2::Route")
    ]

    assert sorted(deployed) == sorted(route.key for route in ROUTES)


def test_each_handler_is_decorated_with_the_paths_that_the_table_gives_it(
    handlers: dict[str, Inspected],
) -> None:
    decorated = {(folder, *route) for folder, one in handlers.items() for route in one.routes}

    assert decorated == {(route.function, route.method, _decorator(route)) for route in ROUTES}


def test_machines_need_the_scope_of_the_route_and_operators_that_of_the_console(
    production: Synthesis,
) -> None:
    for route in ROUTES:
        deployed = _deployed(route, production)
        kinds = {caller.kind for caller in route.who}
        if kinds and kinds <= {"machine", "operator"}:
            scopes = {"tessera/admin"} if "operator" in kinds else set()
            for who in route.who:
                scopes |= {f"tessera/{need}" for need in who.needs if who.kind == "machine"}
            assert deployed["AuthorizationType"] == "JWT", route.key
            assert set(deployed["AuthorizationScopes"]) == scopes, route.key


def test_customers_are_checked_by_the_function_and_nobody_is_let_through_unchecked(
    production: Synthesis,
) -> None:
    for route in ROUTES:
        deployed = _deployed(route, production)
        if {caller.kind for caller in route.who} == {"customer"}:
            assert deployed["AuthorizationType"] == "CUSTOM", route.key
        # A page is open at the gateway: its function lets in by the session.
        kinds = {caller.kind for caller in route.who if not caller.kind.endswith("_session")}
        assert deployed["AuthorizationType"] != "NONE" or not kinds, route.key


def test_the_authorizer_of_customers_is_asked_once_in_five_minutes_for_a_token(
    production: Synthesis,
) -> None:
    (authorizer,) = (
        one.properties
        for one in production.of_type("AWS::ApiGatewayV2::Authorizer")
        if one.properties["AuthorizerType"] == "REQUEST"
    )

    assert authorizer["AuthorizerPayloadFormatVersion"] == "2.0"
    assert authorizer["EnableSimpleResponses"] is True
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert authorizer["AuthorizerResultTtlInSeconds"] == 300


def test_tokens_of_every_client_of_a_pool_are_accepted(production: Synthesis) -> None:
    audiences = {
        one.properties["Name"]: [
            next(iter(client.values())) for client in one.properties["JwtConfiguration"]["Audience"]
        ]
        for one in production.of_type("AWS::ApiGatewayV2::Authorizer")
        if one.properties["AuthorizerType"] == "JWT"
    }

    staff, partners = audiences["operators-and-machines"], audiences["partners"]
    assert len(staff) == 2
    assert any("OperatorsPool" in one and "Pages" in one for one in staff)
    assert any("OperatorsPool" in one and "Middleware" in one for one in staff)
    assert len(partners) == 1
    assert "PartnersPool" in partners[0]
    assert set(audiences) == {"operators-and-machines", "partners"}


def test_partners_need_their_scope_and_a_stored_user(production: Synthesis) -> None:
    admitting = [r for r in ROUTES if {caller.kind for caller in r.who} == {"partner"}]

    assert admitting
    for route in admitting:
        deployed = _deployed(route, production)
        assert deployed["AuthorizationType"] == "JWT", route.key
        assert deployed["AuthorizationScopes"] == ["tessera/partner"], route.key
        reads = production.functions[route.function].statements
        assert any(
            "dynamodb:BatchGetItem" in one.actions and "Partners" in one.tables for one in reads
        ), route.key


def test_a_function_takes_one_integration_and_one_permission_however_many_routes_it_has(
    production: Synthesis,
) -> None:
    functions = {route.function for route in ROUTES}

    assert len(list(production.of_type("AWS::ApiGatewayV2::Integration"))) == len(functions)


def _deployed(route: Route, synthesis: Synthesis) -> dict[str, Any]:
    return next(
        one.properties
        for one in synthesis.of_type("AWS::ApiGatewayV2::Route")
        if one.properties["RouteKey"] == route.key
    )


def _decorator(route: Route) -> str:
    if route.path.endswith("+}"):  # as Powertools writes whatever no other route has
        return f"{route.path.rpartition('/')[0]}/.+"
    return re.sub(r"\{(\w+)\}", r"<\1>", route.path)
