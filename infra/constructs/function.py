"""One deployed function: the only place that knows runtime, memory, logging, layers and asset."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from aws_cdk import Acknowledgment, Duration, IgnoreMode, RemovalPolicy, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.layers import ARCHITECTURE, ROOT, RUNTIME, Layers
from infra.constructs.needs import Need, permission
from infra.context import BadSetting
from infra.settings import Settings

FUNCTIONS = ROOT / "functions"
_MEGABYTES = 512
"""Memory buys processor time: with less, a cold start takes seconds."""

_FAULTS = "FunctionFaults"
_FAULTY = '{ ($.type = "platform.report") && ($.record.status != "success") }'
"""How Lambda itself logs an invocation that timed out, ran out of memory or could not start."""


@dataclass(frozen=True)
class Platform:
    """What all functions stand on."""

    settings: Settings
    layers: Layers

    @property
    def metrics_namespace(self) -> str:
        """One per stage, as several stages may share an account."""
        return f"Tessera/{self.settings.stage}"


class Package(NamedTuple):
    """What a function ships, and where Lambda finds its handler in it."""

    code: lambda_.Code
    handler: str = "handler.handler"

    @classmethod
    def of(cls, folder: str) -> "Package":
        """A handler by itself."""
        return cls(lambda_.Code.from_asset(str(FUNCTIONS / folder), exclude=["__pycache__"]))

    @classmethod
    def of_modules(cls, folder: str) -> "Package":
        """A handler with modules and templates beside it, which it imports as its siblings."""
        subject, name = folder.split("/")
        return cls(
            lambda_.Code.from_asset(
                str(FUNCTIONS),
                # Each level by itself: without the middle one the package is empty, unannounced.
                exclude=[
                    "*",
                    f"!{subject}",
                    f"{subject}/*",
                    f"!{folder}",
                    f"!{folder}/**",
                    "__pycache__",
                ],
                ignore_mode=IgnoreMode.GIT,
            ),
            f"{subject}.{name}.handler.handler",
        )


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
            description=_sentence(folder),
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
            self._count_faults(log_group, platform)
        for need in needs:
            self.give(need)
        self._explain(settings)

    def give(self, need: Need) -> None:
        for name, value in need.environment.items():
            self.lambda_.add_environment(name, value)
        self.allow(*need.statements)

    def _count_faults(self, log_group: logs.LogGroup, platform: Platform) -> None:
        """One metric for all functions: an alarm on each of theirs would cost $19 a month."""
        logs.CfnMetricFilter(
            self,
            "Faults",
            log_group_name=log_group.log_group_name,
            filter_pattern=_FAULTY,
            metric_transformations=[
                logs.CfnMetricFilter.MetricTransformationProperty(
                    metric_name=_FAULTS,
                    metric_namespace=platform.metrics_namespace,
                    metric_value="1",
                )
            ],
        )

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


def log_retention(settings: Settings) -> logs.RetentionDays:
    if settings.is_production:
        return logs.RetentionDays.SIX_MONTHS
    return logs.RetentionDays.TWO_WEEKS


def faults(platform: Platform) -> cloudwatch.Metric:
    """Invocations of this stage's functions that ended without an answer."""
    return cloudwatch.Metric(
        namespace=platform.metrics_namespace, metric_name=_FAULTS, statistic="Sum"
    )


def of_all_functions(metric: str, statistic: str) -> cloudwatch.Metric:
    """Over the whole account, whose functions share one limit of concurrency."""
    return cloudwatch.Metric(namespace="AWS/Lambda", metric_name=metric, statistic=statistic)


def _sentence(folder: str) -> str:
    """The first line of the handler's docstring. Raises `BadSetting` where there is no handler."""
    handler = Path(FUNCTIONS / folder / "handler.py")
    if not handler.is_file():
        raise BadSetting(
            f"functions/{folder}/handler.py does not exist, but the stack declares the function."
        )
    first = handler.read_text(encoding="utf-8").lstrip('"').splitlines()[:1]
    return "".join(first).rstrip('"')[:256]


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def functions_below(scopes: Sequence[Construct]) -> list[Function]:
    """All functions made under these scopes, by name."""
    found = [
        node for scope in scopes for node in scope.node.find_all() if isinstance(node, Function)
    ]
    return sorted(found, key=lambda function: function.name)
