"""The event bus: everything committed is announced here, for our workers and for other systems."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.constructs.needs import Need, permission
from infra.constructs.queue import WorkQueue
from infra.settings import Settings
from tessera.events import BUS_SOURCE, ORDER_EVENTS

_KEPT = Duration.days(90)
"""As long as the events themselves are."""


class Bus(Construct):
    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        self._bus = events.EventBus(self, "Bus", event_bus_name=f"tessera-{settings.stage}")
        self.name = self._bus.event_bus_name
        if not settings.local:  # the emulator has no archives
            self._bus.archive(
                "Archive",
                event_pattern=events.EventPattern(source=[BUS_SOURCE]),
                retention=_KEPT,
                description="Everything announced; the README says how to replay it",
            )

    def publishes(self) -> Need:
        return Need(
            {"EVENT_BUS": self.name},
            [permission("events:PutEvents", on=[self._bus.event_bus_arn])],
        )

    def announces_webhooks(self, *, to: WorkQueue) -> None:
        """Events for webhook endpoints go to the queue; one out of reach is tried for a day."""
        events.Rule(
            self,
            "WebhookEvents",
            event_bus=self._bus,
            event_pattern=events.EventPattern(source=[BUS_SOURCE], detail={"webhook": [True]}),
            targets=[
                targets.SqsQueue(
                    to.queue,
                    dead_letter_queue=to.dead_letters,
                    max_event_age=Duration.hours(24),
                    retry_attempts=185,
                )
            ],
        )

    def announces_orders(self, *, to: WorkQueue) -> None:
        """Orders to be carried out; what is sent again to one endpoint is no order."""
        # In the queue's stack: from here each of the two would wait for the other.
        events.Rule(
            to,
            "OrderEvents",
            event_bus=self._bus,
            event_pattern=events.EventPattern(
                source=[BUS_SOURCE],
                detail_type=list(ORDER_EVENTS),
                detail={"only_endpoint": [{"exists": False}]},
            ),
            targets=[
                targets.SqsQueue(
                    to.queue,
                    dead_letter_queue=to.dead_letters,
                    max_event_age=Duration.hours(24),
                    retry_attempts=185,
                )
            ],
        )
