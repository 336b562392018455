"""The HTTP API itself: its stage, domain, limits and access log; `Endpoint` adds the routes."""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from aws_cdk import Aws, CfnStack, RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from constructs import Construct

from infra.constructs.function import log_retention
from infra.constructs.part import Part
from infra.routes import ROUTES
from infra.settings import Settings


class Limit(NamedTuple):
    """What the gateway lets through to one route, of all callers together; more is 429."""

    per_second: int
    burst: int


_USUAL = Limit(500, 1000)

STRICTER = {
    "pages/sign_in": Limit(50, 100),
    "commerce/receive_zuora_callout": Limit(50, 100),
    "commerce/preview_order": Limit(25, 50),
    "commerce/preview_own_order": Limit(25, 50),
    "commerce/preview_partner_order": Limit(25, 50),
    "commerce/preview_staff_order": Limit(25, 50),
    "commerce/open_payment_form": Limit(10, 20),
}
"""Routes of these are open to strangers, or cost calls of Zuora, which has limits of its own."""

_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "at": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "ms": "$context.responseLatency",
    "functionMs": "$context.integrationLatency",
    "client": "$context.authorizer.claims.client_id",
    "authorizerError": "$context.authorizer.error",
    "functionError": "$context.integrationErrorMessage",
}
"""No path and no query: they may hold what somebody searched for. The request id leads on."""


class Gateway(Part):
    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        self.api = apigateway.HttpApi(
            self, "Api", api_name=f"tessera-{settings.stage}", create_default_stage=False
        )
        # API Gateway may write to groups below this prefix without a policy of their own.
        self.access_log = logs.LogGroup(
            self,
            "AccessLog",
            log_group_name=f"/aws/vendedlogs/tessera/{settings.stage}/api",
            retention=log_retention(settings),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.host = f"{self.api.http_api_id}.execute-api.{self.region}.{Aws.URL_SUFFIX}"
        self.base_url = settings.base_url or f"https://{settings.domain_name or self.host}"
        """Where people and callers reach it: pages are sent back here after sign-in."""

    def execution_arn(self, below: str) -> str:
        """For permissions: everything that the gateway may invoke a function for."""
        return (
            f"arn:{Aws.PARTITION}:execute-api:{self.region}:{self.account}:"
            f"{self.api.http_api_id}/{below}"
        )


class Front(Construct):
    """Opens the API, under the domain that is given if there is one, once all its routes exist."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        gateway: Gateway,
        after: Sequence[Part],
    ) -> None:
        super().__init__(scope, id)
        self.domain_target: str | None = None
        """What the domain's DNS record names, if there is a domain."""
        stage = apigateway.CfnStage(
            self,
            "Stage",
            api_id=gateway.api.http_api_id,
            stage_name="$default",
            auto_deploy=True,
            # Metrics of each route would be billed as custom ones: $200 a month. Its figures are
            # in the access log.
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=_USUAL.per_second,
                throttling_burst_limit=_USUAL.burst,
            ),
            route_settings=dict(_stricter_routes()),
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=gateway.access_log.log_group_arn, format=json.dumps(_ACCESS_LOG)
            ),
        )
        for part in after:  # a limit on a route that is not there yet is refused
            stage.add_resource_dependency(cast("CfnStack", part.nested_stack_resource))
        if settings.domain_name is not None:
            self._answer_at(settings.domain_name, settings, gateway, stage)

    def _answer_at(
        self, name: str, settings: Settings, gateway: Gateway, stage: apigateway.CfnStage
    ) -> None:
        domain = apigateway.CfnDomainName(
            self,
            "Domain",
            domain_name=name,
            domain_name_configurations=[
                apigateway.CfnDomainName.DomainNameConfigurationProperty(
                    certificate_arn=settings.certificate_arn,
                    endpoint_type="REGIONAL",
                    security_policy="TLS_1_2",
                )
            ],
        )
        mapping = apigateway.CfnApiMapping(
            self,
            "Mapping",
            api_id=gateway.api.http_api_id,
            domain_name=domain.ref,
            stage=stage.ref,
        )
        mapping.add_resource_dependency(stage)
        self.domain_target = domain.attr_regional_domain_name
        if settings.hosted_zone_id is not None:
            route53.CfnRecordSet(
                self,
                "Record",
                hosted_zone_id=settings.hosted_zone_id,
                name=name,
                type="A",
                alias_target=route53.CfnRecordSet.AliasTargetProperty(
                    dns_name=domain.attr_regional_domain_name,
                    hosted_zone_id=domain.attr_regional_hosted_zone_id,
                ),
            )


def _stricter_routes() -> Iterator[tuple[str, dict[str, int]]]:
    for route in ROUTES:
        if (limit := STRICTER.get(route.function)) is not None:
            yield (
                route.key,
                {
                    "ThrottlingRateLimit": limit.per_second,
                    "ThrottlingBurstLimit": limit.burst,
                },
            )
