"""What happens to orders by itself: carried out, swept up, taking effect on their day."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.constructs.endpoint import Api, Endpoint
from infra.constructs.function import Function
from infra.constructs.needs import setting
from infra.constructs.platform import Platform
from infra.constructs.queue import WorkQueue
from infra.constructs.vault import Vault
from infra.constructs.vendors import salesforce_client, zuora_client

_PROVISION_SECONDS = 300
_HIDDEN_SECONDS = 330
"""One message a batch: a killed worker's order is soon taken up. Longer than its lease, 310 s."""
_AT_ONCE = 10
"""Zuora lets a tenant have 40 calls at once."""
_TURN_SECONDS = 300


class Orders(Construct):
    """`resyncs` is the queue of subscriptions that are to be read from Zuora again."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        platform: Platform,
        api: Api,
        vault: Vault,
        resyncs: WorkQueue,
    ) -> None:
        super().__init__(scope, id)
        settings, tables = platform.settings, api.tables
        commerce, announces = tables.commerce, tables.events.uses("PutItem")
        calendar = setting(business_time_zone=settings.business_time_zone, mode=settings.mode)
        self.queue = WorkQueue(
            self,
            "Provision",
            name="provision-order",
            settings=settings,
            seconds=_PROVISION_SECONDS,
            retention=Duration.days(4),
            hidden=_HIDDEN_SECONDS,
        )
        provision_order = Function(
            self,
            "commerce/provision_order",
            # What an order had made goes when it fails.
            commerce.uses(
                "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"
            ),
            announces,
            tables.catalog.uses("BatchGetItem", "Query"),
            # The account of an organisation made while Zuora was not connected is looked up.
            tables.partners.uses("GetItem", "UpdateItem"),
            *zuora_client(vault, settings),
            *salesforce_client(vault, settings),
            vault.identity_providers(),
            self.queue.sends("ORDER_QUEUE_URL"),
            resyncs.sends("RESYNC_QUEUE_URL"),
            calendar,
            setting(
                stage=settings.stage,
                zuora_owner_style=settings.zuora_owner_style,
                zuora_account_mapping=settings.zuora_account_mapping,
                zuora_run_billing=settings.zuora_run_billing,
                zuora_auto_pay=settings.zuora_auto_pay,
                zuora_payment_term=settings.zuora_payment_term,
                salesforce_critical=settings.salesforce_critical,
            ),
            platform=platform,
            seconds=_PROVISION_SECONDS,
            retry_attempts=0,
        )
        self.queue.feeds(provision_order, concurrency=_AT_ONCE, batch=1)
        sweep_orders = Function(
            self,
            "commerce/sweep_orders",
            commerce.uses("PutItem", queries=["due"]),
            self.queue.sends("ORDER_QUEUE_URL"),
            platform=platform,
            seconds=_TURN_SECONDS,
            retry_attempts=0,
        )
        _run(sweep_orders, "EveryTenMinutes", events.Schedule.rate(Duration.minutes(10)))
        activate_changes = Function(
            self,
            "commerce/activate_changes",
            commerce.uses("GetItem", "Query", "PutItem", "UpdateItem", queries=["due"]),
            announces,
            resyncs.sends("RESYNC_QUEUE_URL"),
            setting(business_time_zone=settings.business_time_zone),
            platform=platform,
            seconds=_TURN_SECONDS,
            retry_attempts=0,
        )
        _run(activate_changes, "EachHour", on_the_hour(settings.business_time_zone))
        Endpoint(
            self,
            "commerce/retry_order",
            commerce.uses("GetItem", "Query", "PutItem", queries=["by_owner"]),
            announces,
            tables.catalog.uses("BatchGetItem"),
            calendar,
            platform=platform,
            api=api,
        )


def on_the_hour(zone: str) -> events.Schedule:
    """Each full hour of a time zone, midnight among them, also where clocks are half an hour off.

    Lord Howe's are put forward by half an hour, which makes it two minutes of the hour.
    """
    seasons = (datetime(2026, month, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)) for month in (1, 7))
    offsets = {there.utcoffset() or timedelta() for there in seasons}
    minutes = sorted({-int(offset.total_seconds() // 60) % 60 for offset in offsets})
    return events.Schedule.cron(minute=",".join(map(str, minutes)))


def _run(function: Function, name: str, schedule: events.Schedule) -> None:
    """Without repeats: the next turn is one."""
    target = targets.LambdaFunction(function.lambda_, retry_attempts=0)
    events.Rule(function, name, schedule=schedule, targets=[target])
