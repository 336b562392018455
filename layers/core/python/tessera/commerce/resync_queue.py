"""The queue of subscriptions that shall be read from Zuora again."""

from datetime import datetime

from tessera.aws import client
from tessera.commerce.callouts import Resync
from tessera.objects import compact_json


class ResyncMessages:
    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, wanted: Resync, *, delay: int) -> None:
        client("sqs").send_message(
            QueueUrl=self._url, MessageBody=compact_json(wanted.wire()), DelaySeconds=delay
        )

    def ask(self, number: str, *, now: datetime) -> None:
        """Has the subscription read again as soon as may be."""
        self.send(Resync(subscription_key=number, received_at=now), delay=0)
