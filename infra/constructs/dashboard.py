"""One dashboard: is anybody kept waiting, does anything fail, are events told in time?"""

from collections.abc import Mapping

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs.faults import faults, of_all_functions
from infra.constructs.gateway import Gateway
from infra.constructs.platform import Platform
from infra.constructs.queue import DeadLetters, WorkQueue

_HALF = 12
"""Columns; a row has 24."""


class Dashboard(Construct):
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
        name = f"tessera-{platform.settings.stage}"
        board = cloudwatch.Dashboard(
            self, "Board", dashboard_name=name, default_interval=Duration.hours(3)
        )
        api = gateway.api
        board.add_widgets(
            _graph("Requests", api.metric_count(), api.metric_client_error(), unit="requests"),
            _graph(
                "Answer time",
                *(api.metric_latency(statistic=percentile) for percentile in ("p50", "p99")),
                unit="ms",
            ),
        )
        board.add_widgets(
            _graph("5xx answers", api.metric_server_error(), unit="answers"),
            _graph(
                "Function errors and throttles",
                faults(platform),
                of_all_functions("Throttles", "Sum"),
                unit="invocations",
            ),
        )
        board.add_widgets(
            _graph(
                "Commit to first byte out",
                *(self._counted("CommitToWireMs", "send_deliveries", p) for p in ("p50", "p99")),
                unit="ms",
            ),
            _graph(
                "Wait in the lanes",
                *(
                    self._counted("QueueWaitMs", "send_deliveries", p, lane=lane)
                    for lane in ("fast", "slow")
                    for p in ("p50", "p99")
                ),
                unit="ms",
            ),
        )
        board.add_widgets(
            _graph(
                "First attempts that succeed",
                self._counted("FirstAttemptSuccess", "send_deliveries", "Average"),
                unit="share",
            ),
            _graph(
                "Behind",
                self._counted("OldestOpenEventSeconds", "publish_events", "Maximum"),
                self._counted("OldestDueSeconds", "sweep_deliveries", "Maximum"),
                unit="s",
            ),
        )
        board.add_widgets(
            _graph(
                "Oldest message",
                *(
                    queue.queue.metric_approximate_age_of_oldest_message(label=name)
                    for name, queue in queues.items()
                ),
                unit="s",
            ),
            _graph(
                "Dead letters",
                *(
                    letters.metric_approximate_number_of_messages_visible(label=name)
                    for name, letters in dead_letters.items()
                ),
                unit="messages",
            ),
        )
        board.add_widgets(
            _graph(
                "Running at once",
                of_all_functions("ConcurrentExecutions", "Maximum"),
                unit="functions",
            ),
        )
        self.url = (
            f"https://{Aws.REGION}.console.aws.amazon.com/cloudwatch/home?region={Aws.REGION}"
            f"#dashboards/dashboard/{name}"
        )

    def _counted(
        self, metric: str, function: str, statistic: str, **dimensions: str
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=self._platform.metrics_namespace,
            metric_name=metric,
            dimensions_map={"service": function, **dimensions},
            statistic=statistic,
        )


def _graph(title: str, *metrics: cloudwatch.IMetric, unit: str) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        width=_HALF,
        left=list(metrics),
        left_y_axis=cloudwatch.YAxisProps(label=unit, show_units=False, min=0),
    )
