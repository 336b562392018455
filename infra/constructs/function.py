"""One deployed function: the only place that knows runtime, memory, logging, layers and asset."""

from collections.abc import Sequence

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.faults import count_faults
from infra.constructs.layers import ARCHITECTURE, RUNTIME
from infra.constructs.needs import Need, permission
from infra.constructs.package import Package, sentence_of
from infra.constructs.platform import Platform, log_retention
from infra.settings import Settings

_MEGABYTES = 512
"""Memory buys processor time: with less, a cold start takes seconds."""


class Function(Construct):
    """The function of the folder `functions/<subject>/<verb_noun>`, with a role of its own.

    `seconds` is its timeout; a queue's visibility and what callers wait for must fit it.
    """

    def __init__(
        self,
        scope: Construct,
        folder: str,
        *needs: Need,
        platform: Platform,
        seconds: int,
        retry_attempts: int | None = None,
        package: Package | None = None,
    ) -> None:
        """`package` is what is shipped, where that is more than the handler."""
        self.folder = folder
        self.name = folder.rpartition("/")[2]
        super().__init__(scope, _pascal(self.name))
        settings = platform.settings
        package = package or Package.of(folder)
        self.lambda_name = f"tessera-{settings.stage}-{self.name}"
        log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/tessera/{settings.stage}/{self.name}",
            retention=log_retention(settings),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.lambda_ = lambda_.Function(
            self,
            "Function",
            function_name=self.lambda_name,
            description=sentence_of(folder),
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            memory_size=_MEGABYTES,
            timeout=Duration.seconds(seconds),
            retry_attempts=retry_attempts,
            handler=package.handler,
            code=package.code,
            layers=[platform.layers.vendor, platform.layers.core],
            role=self.role,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE if settings.tracing else lambda_.Tracing.DISABLED,
            environment={
                "POWERTOOLS_SERVICE_NAME": self.name,
                "POWERTOOLS_METRICS_NAMESPACE": platform.metrics_namespace,
            },
        )
        self.allow(
            permission("logs:CreateLogStream", "logs:PutLogEvents", on=[log_group.log_group_arn])
        )
        if not settings.local:  # the emulator writes no reports
            count_faults(self, log_group, platform)
        for need in needs:
            self.give(need)
        self._explain(settings)

    def give(self, need: Need) -> None:
        for name, value in need.environment.items():
            self.lambda_.add_environment(name, value)
        self.allow(*need.statements)

    def _explain(self, settings: Settings) -> None:
        rules = {
            "AwsSolutions-L1": "The vendor layer holds wheels for Python 3.13, which Lambda "
            "maintains."
        }
        if settings.tracing:
            rules["AwsSolutions-IAM5[Resource::*]"] = "X-Ray's actions take no resource."
        for id, reason in rules.items():
            Validations.of(self).acknowledge(Acknowledgment(id=id, reason=reason))

    def allow(self, *statements: iam.PolicyStatement) -> None:
        for statement in statements:
            self.role.add_to_principal_policy(statement)


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def functions_below(scopes: Sequence[Construct]) -> list[Function]:
    """All functions made under these scopes, by name."""
    found = [
        node for scope in scopes for node in scope.node.find_all() if isinstance(node, Function)
    ]
    return sorted(found, key=lambda function: function.name)
