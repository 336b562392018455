"""The API's open side: its stage with limits and access log, and its domain."""

import json
from collections.abc import Sequence
from typing import cast

from aws_cdk import CfnStack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_route53 as route53
from constructs import Construct

from infra.constructs.gateway import Gateway
from infra.constructs.limits import USUAL, stricter_routes
from infra.constructs.part import Part
from infra.settings import Settings

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
                throttling_rate_limit=USUAL.per_second,
                throttling_burst_limit=USUAL.burst,
            ),
            route_settings=dict(stricter_routes()),
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
