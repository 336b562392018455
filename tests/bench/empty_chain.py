"""The services that a webhook passes through, with functions that do nothing but hand on.

Table, stream, bus, queue, queue, receiver: what is left of our own chain's time beside this one's
is ours, whatever the emulator adds to both.
"""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import boto3

_NAME = "bench-empty"
_CODE = Path(__file__).with_name("empty_functions.py")
_ACTIONS = {
    "publish": (
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "events:PutEvents",
    ),
    "fan_out": (
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:SendMessage",
    ),
    "send": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
}


class EmptyChain:
    """Made in the account that the environment's credentials are for; it goes with the account."""

    def __init__(self, receiver: str) -> None:
        self._lambda, self._sqs = boto3.client("lambda"), boto3.client("sqs")
        events = boto3.client("events")
        stream = self._table()
        bus = events.create_event_bus(Name=_NAME)["EventBusArn"]
        announced, hints = self._queue("announced"), self._queue("hints")
        pattern = json.dumps({"source": ["bench"]})
        events.put_rule(Name=_NAME, EventBusName=_NAME, EventPattern=pattern)
        arn = self._arn(announced)
        events.put_targets(Rule=_NAME, EventBusName=_NAME, Targets=[{"Id": "queue", "Arn": arn}])
        self._function("publish", [stream, bus], BUS=_NAME)
        self._function("fan_out", [self._arn(announced), self._arn(hints)], QUEUE=hints)
        self._function("send", [self._arn(hints)], RECEIVER=receiver)
        self._feed("publish", stream, BatchSize=100, StartingPosition="TRIM_HORIZON")
        self._feed("fan_out", self._arn(announced), BatchSize=10)
        self._feed("send", self._arn(hints), BatchSize=10)

    def write(self, id: str) -> None:
        """One row, with the moment before it was written."""
        at = datetime.now(UTC).isoformat()
        item = {"pk": {"S": id}, "at": {"S": at}}
        boto3.client("dynamodb").put_item(TableName=_NAME, Item=item)

    def _table(self) -> str:
        made = boto3.client("dynamodb").create_table(
            TableName=_NAME,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        return str(made["TableDescription"]["LatestStreamArn"])

    def _queue(self, name: str) -> str:
        made = self._sqs.create_queue(QueueName=f"{_NAME}-{name}")
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self._arn(made["QueueUrl"]),
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=made["QueueUrl"], Attributes={"Policy": policy})
        return made["QueueUrl"]

    def _arn(self, queue: str) -> str:
        found = self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        return found["Attributes"]["QueueArn"]

    def _function(self, name: str, resources: list[str], **environment: str) -> None:
        packed = io.BytesIO()
        with ZipFile(packed, "w") as archive:
            archive.write(_CODE, _CODE.name)
        self._lambda.create_function(
            FunctionName=f"{_NAME}-{name}",
            Runtime="python3.13",
            Role=_role(name, resources),
            Handler=f"{_CODE.stem}.{name}",
            Code={"ZipFile": packed.getvalue()},
            Environment={"Variables": environment},
            MemorySize=512,
            Timeout=30,
        )

    def _feed(self, name: str, source: str, **settings: Any) -> None:
        self._lambda.create_event_source_mapping(
            FunctionName=f"{_NAME}-{name}", EventSourceArn=source, **settings
        )


def _role(name: str, resources: list[str]) -> str:
    iam = boto3.client("iam")
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    trust = {"Version": "2012-10-17", "Statement": [{**trusted, "Action": "sts:AssumeRole"}]}
    role = f"{_NAME}-{name}"
    made = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
    statement = {"Effect": "Allow", "Action": list(_ACTIONS[name]), "Resource": resources}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="needs", PolicyDocument=policy)
    return str(made["Role"]["Arn"])
