"""The queue of orders that shall be carried on."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from tessera.aws import client
from tessera.objects import compact_json


class WantedOrder(BaseModel):
    """A message: the event of an order, or our own `{"order": "order-…"}`."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    order: str
    correlation_id: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_event(cls, message: Any) -> Any:
        if isinstance(message, dict) and isinstance(message.get("snapshot"), dict):
            return {**message, "order": message["snapshot"].get("id")}
        return message


class OrderQueue:
    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, order: str, *, delay: int) -> None:
        client("sqs").send_message(
            QueueUrl=self._url, MessageBody=compact_json({"order": order}), DelaySeconds=delay
        )
