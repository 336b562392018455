"""The HTTP API itself: its stage, limits and access log. Routes are added by each `Endpoint`."""

import json

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.function import log_retention
from infra.constructs.part import Part
from infra.settings import Settings

_REQUESTS_PER_SECOND = 500
_BURST = 1000

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
        access_log = logs.LogGroup(
            self,
            "AccessLog",
            log_group_name=f"/aws/vendedlogs/tessera/{settings.stage}/api",
            retention=log_retention(settings),
            removal_policy=RemovalPolicy.DESTROY,
        )
        apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.http_api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=_REQUESTS_PER_SECOND,
                throttling_burst_limit=_BURST,
                detailed_metrics_enabled=True,
            ),
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=access_log.log_group_arn, format=json.dumps(_ACCESS_LOG)
            ),
        )
        self.host = f"{self.api.http_api_id}.execute-api.{self.region}.{Aws.URL_SUFFIX}"
        self.base_url = settings.base_url or f"https://{self.host}"
        """Where people and callers reach it: pages are sent back here after sign-in."""

    def execution_arn(self, below: str) -> str:
        """For permissions: everything that the gateway may invoke a function for."""
        return (
            f"arn:{Aws.PARTITION}:execute-api:{self.region}:{self.account}:"
            f"{self.api.http_api_id}/{below}"
        )
