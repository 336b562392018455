"""From a committed event to webhook receivers: outbox, bus, queues, workers and their sweeps."""

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_lambda_event_sources import SqsDlq
from constructs import Construct

from infra.constructs.bus import Bus
from infra.constructs.endpoint import Api
from infra.constructs.function import Function
from infra.constructs.needs import Need, permission, setting
from infra.constructs.part import Part
from infra.constructs.platform import Platform
from infra.constructs.queue import DeadLetters, WorkQueue
from infra.constructs.schedule import every_minute
from infra.constructs.vault import Vault
from infra.constructs.webhooks import BOUNDED_DNS, egress

_FAN_OUT_SECONDS = 30
_FAN_OUT_CONCURRENCY = 20
_SWEEP_SECONDS = 60
_SENDER_MARGIN_SECONDS = 15
"""The sender's timeout is the deadline of a request and this, to record what came of it."""


class Delivery(Part):
    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, api: Api, vault: Vault
    ) -> None:
        super().__init__(scope, id)
        self._platform = platform
        settings, tables = platform.settings, api.tables
        sender_seconds = settings.webhook_deadline + _SENDER_MARGIN_SECONDS
        self.bus = Bus(self, "Bus", settings=settings)
        fan_out = self._queue("FanOut", "fan-out", _FAN_OUT_SECONDS, Duration.days(14))
        # An old hint is worthless: the sweep finds what is due.
        fast = self._queue("Fast", "fast", sender_seconds, Duration.days(1))
        slow = self._queue("Slow", "slow", sender_seconds, Duration.days(1))
        self.queues = {queue.name: queue for queue in (fan_out, fast, slow)}
        self.unpublished = DeadLetters(self, "Unpublished", settings=settings, of="events")

        publish_events = self._function(
            "webhooks/publish_events",
            tables.events.uses("BatchGetItem", "UpdateItem", queries=["open"]),
            self.bus.publishes(),
            seconds=_SWEEP_SECONDS,
        )
        fan_out_event = self._function(
            "webhooks/fan_out_event",
            tables.webhooks.uses("Query", "PutItem"),
            tables.events.uses("GetItem", "UpdateItem"),
            fast.sends("FAST_QUEUE_URL"),
            slow.sends("SLOW_QUEUE_URL"),
            seconds=_FAN_OUT_SECONDS,
        )
        send_deliveries = self._function(
            "webhooks/send_deliveries",
            tables.webhooks.uses("BatchGetItem", "PutItem", "UpdateItem"),
            tables.events.uses("GetItem", "PutItem"),
            vault.seals("Decrypt"),
            slow.sends("SLOW_QUEUE_URL"),
            egress(platform, api),
            BOUNDED_DNS,
            setting(webhook_deadline=settings.webhook_deadline),
            seconds=sender_seconds,
        )
        sweep_deliveries = self._function(
            "webhooks/sweep_deliveries",
            tables.webhooks.uses(
                "BatchGetItem",
                "ConditionCheckItem",
                "GetItem",
                "PutItem",
                "Query",
                "UpdateItem",
                queries=["due", "by_endpoint", "failed"],
            ),
            tables.events.uses("PutItem"),
            slow.sends("SLOW_QUEUE_URL"),
            seconds=_SWEEP_SECONDS,
        )

        self._stream(api, publish_events)
        self.bus.announces_webhooks(to=fan_out)
        fan_out.feeds(fan_out_event, concurrency=_FAN_OUT_CONCURRENCY)
        fast.feeds(send_deliveries, concurrency=settings.fast_concurrency)
        slow.feeds(send_deliveries, concurrency=settings.slow_concurrency)
        every_minute(publish_events)
        every_minute(sweep_deliveries)

    def _function(self, folder: str, *needs: Need, seconds: int) -> Function:
        # What wakes them comes again by itself: Lambda's own repeats would only add to a pile.
        return Function(
            self, folder, *needs, platform=self._platform, seconds=seconds, retry_attempts=0
        )

    def _queue(self, id: str, name: str, seconds: int, retention: Duration) -> WorkQueue:
        settings = self._platform.settings
        return WorkQueue(
            self, id, name=name, settings=settings, seconds=seconds, retention=retention
        )

    def _stream(self, api: Api, publish_events: Function) -> None:
        stream = str(api.tables.events.table.table_stream_arn)
        publish_events.allow(
            permission(
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
                "dynamodb:ListStreams",
                on=[stream],
            )
        )
        source = lambda_.EventSourceMapping(
            self,
            "EventsStream",
            target=publish_events.lambda_,
            event_source_arn=stream,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=100,
            bisect_batch_on_error=True,
            retry_attempts=5,
            report_batch_item_failures=True,
            filters=[
                lambda_.FilterCriteria.filter({"eventName": lambda_.FilterRule.is_equal("INSERT")})
            ],
            on_failure=SqsDlq(self.unpublished),
        )
        source.node.add_dependency(publish_events.role)
        Validations.of(self.unpublished).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SQS3",
                reason="It is itself the dead-letter queue, of a stream rather than of a queue.",
            )
        )
