"""A function behind the HTTP API: its routes, who may call them, and how repeats are kept."""

import json
from typing import NamedTuple

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.authorizers import Authorizers
from infra.constructs.function import Function
from infra.constructs.gateway import Gateway
from infra.constructs.needs import Need, setting
from infra.constructs.package import Package
from infra.constructs.platform import Platform
from infra.constructs.tables import Tables
from infra.routes import ROUTES, Route

_SECONDS = 29
"""The gateway gives up after 30."""


class Api(NamedTuple):
    """What all endpoints share."""

    gateway: Gateway
    authorizers: Authorizers
    tables: Tables


class Endpoint(Function):
    """The function of a folder with all the routes that the endpoint table gives it."""

    def __init__(
        self,
        scope: Construct,
        folder: str,
        *needs: Need,
        platform: Platform,
        api: Api,
        package: Package | None = None,
    ) -> None:
        super().__init__(
            scope, folder, *needs, platform=platform, seconds=_SECONDS, package=package
        )
        self.routes = tuple(route for route in ROUTES if route.function == folder)
        if not self.routes:
            raise ValueError(f"the endpoint table has no route for {folder}")
        self.give(setting(callers=json.dumps(self._callers(), separators=(",", ":"))))
        # Strangers' answers are not kept: they have no name to keep them under.
        if any(route.method == "POST" and route.who for route in self.routes):
            self.give(api.tables.idempotency.uses("PutItem", "UpdateItem", "DeleteItem"))
        if any(caller.kind == "partner" for route in self.routes for caller in route.who):
            # Who the token names must still be there: removal ends access at once.
            self.give(api.tables.partners.uses("BatchGetItem"))
        self._connect(api)

    def _callers(self) -> dict[str, dict[str, list[str]]]:
        return {
            route.key: {caller.kind: list(caller.needs) for caller in route.who}
            for route in self.routes
        }

    def _connect(self, api: Api) -> None:
        """One integration and one permission, however many routes: CloudFormation counts them."""
        integration = apigateway.CfnIntegration(
            self,
            "Integration",
            api_id=api.gateway.api.http_api_id,
            integration_type="AWS_PROXY",
            integration_uri=self.lambda_.function_arn,
            payload_format_version="2.0",
        )
        lambda_.CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=self.lambda_.function_arn,
            principal="apigateway.amazonaws.com",
            source_arn=api.gateway.execution_arn("*"),
        )
        for route in self.routes:
            self._route(route, integration, api)

    def _route(
        self, route: Route, integration: apigateway.CfnIntegration, api: Api
    ) -> apigateway.CfnRoute:
        check = api.authorizers.admitting(route)
        made = apigateway.CfnRoute(
            self,
            route.key,
            api_id=api.gateway.api.http_api_id,
            route_key=route.key,
            target=f"integrations/{integration.ref}",
            authorization_type=check.kind,
            authorizer_id=check.id,
            authorization_scopes=list(check.scopes) or None,
        )
        if check.kind == "NONE":
            Validations.of(made).acknowledge(
                Acknowledgment(
                    id="AwsSolutions-APIG4",
                    reason="The function proves the caller itself: pages by the session cookie, "
                    "callouts by their credentials. Signing in and assets are for everybody.",
                )
            )
        return made
