"""The HTTP API itself, and where it is reached; `Endpoint` adds the routes, `Front` opens it."""

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.part import Part
from infra.constructs.platform import log_retention
from infra.settings import Settings


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
