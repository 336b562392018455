"""The alarms on what runs, and the dashboard beside them."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs import alarms
from infra.constructs.alarms import Alarm, Counted
from infra.constructs.dashboard import Dashboard
from infra.constructs.faults import faults, of_all_functions
from infra.constructs.gateway import Gateway
from infra.constructs.part import Part
from infra.constructs.platform import Platform
from infra.constructs.queue import DeadLetters, WorkQueue


class Monitoring(Part):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        platform: Platform,
        gateway: Gateway,
        queues: Mapping[str, WorkQueue],
        dead_letters: Mapping[str, DeadLetters],
    ) -> None:
        super().__init__(scope, id)
        self._platform = platform
        topic = platform.settings.alarm_topic
        self._heard_by = (
            actions.SnsAction(sns.Topic.from_topic_arn(self, "Topic", topic)) if topic else None
        )
        for name, queue in queues.items():
            dead = queue.dead_letters.metric_approximate_number_of_messages_visible()
            self._alarm(alarms.DEAD_LETTERS[name], dead, "Maximum")
            age = queue.queue.metric_approximate_age_of_oldest_message()
            self._alarm(alarms.QUEUE_AGE[name], age, "Maximum")
        lost = dead_letters["unpublished"].metric_approximate_number_of_messages_visible()
        self._alarm(alarms.UNPUBLISHED, lost, "Maximum")
        self._alarm(alarms.API_FAILS, gateway.api.metric_server_error(), "Sum")
        self._alarm(alarms.FUNCTION_ERRORS, faults(platform), "Sum")
        self._alarm(alarms.FUNCTION_THROTTLES, of_all_functions("Throttles", "Sum"), "Sum")
        for one in (*alarms.RESYNC, *alarms.PROVISIONING, *alarms.DELIVERY):
            self._alarm(one.alarm, self._counted(one), one.statistic)
        if not platform.settings.local:  # the emulator refuses alarms on expressions
            self._first_attempts()
            self._endpoints_disabled()
        self.dashboard = Dashboard(
            self,
            "Dashboard",
            platform=platform,
            gateway=gateway,
            queues=queues,
            dead_letters=dead_letters,
        )

    def _alarm(self, alarm: Alarm, metric: cloudwatch.Metric, statistic: str) -> None:
        period = Duration.minutes(alarm.minutes)
        self._add(alarm, metric.with_(statistic=statistic, period=period))

    def _add(self, alarm: Alarm, metric: cloudwatch.IMetric) -> None:
        comparison, silence = cloudwatch.ComparisonOperator, cloudwatch.TreatMissingData
        made = cloudwatch.Alarm(
            self,
            alarm.name,
            alarm_name=f"tessera-{self._platform.settings.stage}-{alarm.name}",
            alarm_description=f"{alarm.meaning} {alarm.action}",
            metric=metric,
            threshold=alarm.above,
            comparison_operator=(
                comparison.LESS_THAN_THRESHOLD if alarm.below else comparison.GREATER_THAN_THRESHOLD
            ),
            evaluation_periods=alarm.times,
            treat_missing_data=(
                silence.BREACHING if alarm.silence_is_bad else silence.NOT_BREACHING
            ),
        )
        if self._heard_by is not None:
            made.add_alarm_action(self._heard_by)
            made.add_ok_action(self._heard_by)

    def _counted(self, one: Counted) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=self._platform.metrics_namespace,
            metric_name=one.metric,
            dimensions_map={"service": one.function},
        )

    def _first_attempts(self) -> None:
        alarm = alarms.FIRST_ATTEMPTS
        counted = self._counted(Counted("FirstAttemptSuccess", "send_deliveries", "Sum", alarm))
        period = Duration.minutes(alarm.minutes)
        self._add(
            alarm,
            cloudwatch.MathExpression(
                expression=f"IF(tried >= {alarms.ENOUGH_FIRST_ATTEMPTS}, succeeded / tried, 1)",
                using_metrics={
                    "tried": counted.with_(statistic="SampleCount"),
                    "succeeded": counted.with_(statistic="Sum"),
                },
                period=period,
            ),
        )

    def _endpoints_disabled(self) -> None:
        alarm = alarms.ENDPOINTS_DISABLED
        counted = self._counted(Counted("EndpointsDisabled", "sweep_deliveries", "Maximum", alarm))
        self._add(
            alarm,
            cloudwatch.MathExpression(
                expression="DIFF(disabled)",
                using_metrics={"disabled": counted.with_(statistic="Maximum")},
                period=Duration.minutes(alarm.minutes),
            ),
        )
