"""A work queue with its dead letters, and the function that works it off."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.function import Function
from infra.constructs.needs import Need, permission
from infra.settings import Settings

_VISIBILITY = 6
"""Times the function's timeout: AWS's own rule, so that no message is met twice while in work."""


class DeadLetters(sqs.Queue):
    """What could not be worked off, kept for two weeks: always a fault of ours, with an alarm."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, of: str) -> None:
        super().__init__(
            scope,
            id,
            queue_name=f"tessera-{settings.stage}-{of}-dead-letters",
            retention_period=Duration.days(14),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=settings.encrypts_transport,
        )


def counts(queues: Mapping[str, DeadLetters]) -> Need:
    """How many messages each holds, and nothing of what is in them."""
    return Need(
        {"DEAD_LETTERS": ",".join(f"{name}={one.queue_url}" for name, one in queues.items())},
        [permission("sqs:GetQueueAttributes", on=[one.queue_arn for one in queues.values()])],
    )


class WorkQueue(Construct):
    """Five tries, then the dead letters. `seconds` is the timeout of the function behind it."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        settings: Settings,
        seconds: int,
        retention: Duration,
        hidden: int | None = None,
    ) -> None:
        """`hidden`: for how many seconds a message in work is; six times the timeout unless said,
        as AWS wants it for batches.
        """
        super().__init__(scope, id)
        self.name = name
        self.dead_letters = DeadLetters(self, "DeadLetters", settings=settings, of=name)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=f"tessera-{settings.stage}-{name}",
            visibility_timeout=Duration.seconds(hidden or _VISIBILITY * seconds),
            retention_period=retention,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=settings.encrypts_transport,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=5),
        )

    def sends(self, variable: str) -> Need:
        return Need(
            {variable: self.queue.queue_url},
            [permission("sqs:SendMessage", on=[self.queue.queue_arn])],
        )

    def feeds(self, function: Function, *, concurrency: int, batch: int = 10) -> None:
        """Without waiting for a batch to fill; messages that fail come back by themselves."""
        function.allow(
            permission(
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:ChangeMessageVisibility",
                "sqs:GetQueueAttributes",
                on=[self.queue.queue_arn],
            )
        )
        source = lambda_.EventSourceMapping(
            self,
            "Source",
            target=function.lambda_,
            event_source_arn=self.queue.queue_arn,
            batch_size=batch,
            max_concurrency=concurrency,
            report_batch_item_failures=True,
        )
        # Lambda looks at the role when the mapping is made.
        source.node.add_dependency(function.role)
