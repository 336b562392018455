"""The functions of the empty chain: each hands on what it gets and does nothing else."""

import json
import os
import urllib.request
from typing import Any

import boto3

_bus = boto3.client("events")
_queues = boto3.client("sqs")


def publish(event: dict[str, Any], _: Any) -> None:
    """From the table's stream to the bus."""
    rows = [record["dynamodb"]["NewImage"] for record in event["Records"]]
    _bus.put_events(
        Entries=[
            {
                "EventBusName": os.environ["BUS"],
                "Source": "bench",
                "DetailType": "row.written",
                "Detail": json.dumps({name: row[name]["S"] for name in ("pk", "at")}),
            }
            for row in rows
        ]
    )


def fan_out(event: dict[str, Any], _: Any) -> None:
    """From the queue of the bus to the queue of the sender."""
    for record in event["Records"]:
        detail = json.dumps(json.loads(record["body"])["detail"])
        _queues.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=detail)


def send(event: dict[str, Any], _: Any) -> None:
    """From the queue to the receiver."""
    for record in event["Records"]:
        request = urllib.request.Request(  # noqa: S310  # a receiver of ours, on loopback
            os.environ["RECEIVER"],
            data=record["body"].encode(),
            headers={"content-type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
