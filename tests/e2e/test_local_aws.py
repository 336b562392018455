"""The local AWS does what the stack and its tests rely on beyond MiniStack's own promises."""

import io
import json
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.emulator import ACCOUNT, Emulator, LocalAws
from infra.local.place import ROOT, Ports

pytestmark = pytest.mark.e2e

_WAIT_SECONDS = 60


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(data=tmp_path / "aws", port=Ports.free().aws) as started:
        yield started


class Account:
    """What the tests do in the account, as its root."""

    def __init__(self, emulator: Emulator) -> None:
        self._url = emulator.url
        self._session: Any = LocalAws(emulator.url).session

    def client(self, name: str) -> Any:
        return self._session.client(name, endpoint_url=self._url)

    def role(self, name: str, *statements: Mapping[str, object]) -> str:
        iam = self.client("iam")
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))[
            "Role"
        ]["Arn"]
        if statements:
            policy = {"Version": "2012-10-17", "Statement": statements}
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        return arn

    def function(self, name: str, code: str, role: str, **settings: Any) -> None:
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role,
            Handler="handler.handler",
            Code={"ZipFile": _zipped("handler.py", code)},
            Timeout=30,
            **settings,
        )

    def invoke(self, name: str) -> Any:
        answer = self.client("lambda").invoke(FunctionName=name, Payload=b"{}")
        return json.loads(answer["Payload"].read())

    def put_bucket(self, name: str) -> None:
        self.client("s3").create_bucket(Bucket=name)

    def put_template(self, bucket: str, key: str, resources: dict[str, Any]) -> str:
        self.client("s3").put_object(
            Bucket=bucket, Key=key, Body=json.dumps({"Resources": resources}).encode()
        )
        return f"{self._url}/{bucket}/{key}"


@pytest.fixture
def account(emulator: Emulator) -> Account:
    return Account(emulator)


def _zipped(name: str, text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, text)
    return content.getvalue()


def _until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _WAIT_SECONDS
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return held


def test_keeps_what_was_saved_over_a_restart(emulator: Emulator, account: Account) -> None:
    account.put_bucket("kept")
    account.client("s3").put_object(Bucket="kept", Key="object", Body=b"bytes")
    queue = account.client("sqs").create_queue(QueueName="kept")["QueueUrl"]
    account.client("sqs").send_message(QueueUrl=queue, MessageBody="waiting")

    emulator.restart()

    kept = account.client("s3").get_object(Bucket="kept", Key="object")["Body"].read()
    messages = account.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert (kept, [message["Body"] for message in messages]) == (b"bytes", ["waiting"])


def test_begins_anew_where_nothing_was_saved(emulator: Emulator, account: Account) -> None:
    account.put_bucket("lost")
    account.client("s3").put_object(Bucket="lost", Key="object", Body=b"bytes")
    assert emulator.program is not None

    emulator.program.kill()
    emulator.program = None
    emulator.start()

    assert account.client("s3").list_buckets()["Buckets"] == []
    account.put_bucket("lost")
    assert account.client("s3").list_objects_v2(Bucket="lost")["KeyCount"] == 0


def test_updates_a_nested_stack_of_which_only_a_part_has_changed(account: Account) -> None:
    def nested(description: str) -> dict[str, Any]:
        allow = {
            "Effect": "Allow",
            "Action": "logs:PutLogEvents",
            "Resource": {"Fn::GetAtt": ["Log", "Arn"]},
        }
        policy = {"Version": "2012-10-17", "Statement": [allow]}
        return {
            "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/kept"}},
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "Description": description,
                    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                    "Policies": [{"PolicyName": "own", "PolicyDocument": policy}],
                },
            },
        }

    cloudformation = account.client("cloudformation")
    account.put_bucket("templates")
    waiting = {"Delay": 1, "MaxAttempts": _WAIT_SECONDS}
    for change, description in (("create", "first"), ("update", "second")):
        url = account.put_template("templates", description, nested(description))
        stack = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
        getattr(cloudformation, f"{change}_stack")(
            StackName="parent",
            TemplateBody=json.dumps({"Resources": {"Nested": stack}}),
            Capabilities=["CAPABILITY_IAM"],
        )
        waiter = cloudformation.get_waiter(f"stack_{change}_complete")
        waiter.wait(StackName="parent", WaiterConfig=waiting)

    roles = account.client("iam").list_roles()["Roles"]
    assert [role["Description"] for role in roles] == ["second"]


_ANNOUNCE = """
import os, boto3
sqs = boto3.client("sqs")
def handler(event, context):
    entries = [{"Id": str(n), "MessageBody": record["dynamodb"]["Keys"]["pk"]["S"]}
               for n, record in enumerate(event["Records"])]
    sqs.send_message_batch(QueueUrl=os.environ["QUEUE"], Entries=entries)
"""


@pytest.mark.parametrize("start", ["LATEST", "TRIM_HORIZON"])
def test_follows_a_tables_stream_before_and_after_a_restart(
    emulator: Emulator, account: Account, start: str
) -> None:
    dynamodb, sqs = account.client("dynamodb"), account.client("sqs")
    queue = sqs.create_queue(QueueName="heard")["QueueUrl"]
    stream = dynamodb.create_table(
        TableName="Events",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )["TableDescription"]["LatestStreamArn"]
    # A batch is sent by whoever may send: IAM has no action `sqs:SendMessageBatch`.
    send = {
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Resource": f"arn:aws:sqs:us-east-1:{ACCOUNT}:heard",
    }
    role = account.role("announce", send)
    account.function("announce", _ANNOUNCE, role, Environment={"Variables": {"QUEUE": queue}})
    account.client("lambda").create_event_source_mapping(
        FunctionName="announce", EventSourceArn=stream, StartingPosition=start
    )
    heard: set[str] = set()

    def hears(*keys: str) -> bool:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        heard.update(message["Body"] for message in answer.get("Messages", []))
        return set(keys) <= heard

    for key in ("a", "b", "c"):
        dynamodb.put_item(TableName="Events", Item={"pk": {"S": key}})
    assert _until(lambda: hears("a", "b", "c"))

    emulator.restart()
    dynamodb.put_item(TableName="Events", Item={"pk": {"S": "d"}})

    assert _until(lambda: hears("d"))


_FORBIDDEN = """
import boto3, botocore.exceptions
def handler(event, context):
    try:
        return boto3.client("sqs").list_queues()
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
"""


def test_lets_a_function_do_nothing_that_its_role_does_not_allow(account: Account) -> None:
    account.function("forbidden", _FORBIDDEN, account.role("powerless"))

    assert "AccessDenied" in account.invoke("forbidden")


_WHERE = """
import os, sys, lent
def handler(event, context):
    return {"path": sys.path, "environment": dict(os.environ), "lent": [lent.BY, lent.__file__]}
"""


def test_unpacks_a_layer_once_for_all_functions_and_shows_them_nothing_of_ours(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = account.client("lambda").publish_layer_version(
        LayerName="lent", Content={"ZipFile": _zipped("python/lent.py", "BY = 'the layer'")}
    )["LayerVersionArn"]
    role = account.role("reader")
    for name in ("first", "second"):
        account.function(name, _WHERE, role, Layers=[layer])

    seen = [account.invoke(name) for name in ("first", "second")]

    assert [one["lent"][0] for one in seen] == ["the layer"] * 2
    assert len({str(Path(one["lent"][1]).resolve()) for one in seen}) == 1
    for one in seen:
        assert not {"PYTHONPATH", "VIRTUAL_ENV"} & set(one["environment"])
        assert one["environment"]["HOME"].startswith(str(tmp_path))
        for folder in (ROOT / "infra" / "local", ROOT / ".venv", ROOT / "layers"):
            assert not any(path.startswith(str(folder)) for path in one["path"])


_CLOCK = "import time\ndef handler(event, context):\n    return time.time()\n"


def test_makes_up_for_a_full_hour_that_it_slept_through(
    emulator: Emulator, account: Account
) -> None:
    queue = account.client("sqs").create_queue(QueueName="woken")["QueueUrl"]
    events = account.client("events")
    hourly = (datetime.now(UTC) - timedelta(minutes=2)).minute
    events.put_rule(Name="hourly", ScheduleExpression=f"cron({hourly} * * * ? *)")
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:woken"
    events.put_targets(Rule="hourly", Targets=[{"Id": "1", "Arn": arn}])

    emulator.restart()

    received = account.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=20)
    assert "Messages" in received


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed here")
def test_lives_on_the_clock_that_it_is_given_and_saves_all_the_same(tmp_path: Path) -> None:
    emulator = Emulator(data=tmp_path / "aws", port=Ports.free().aws)
    account = Account(emulator)
    moments = []
    for offset in (None, "+30d"):
        emulator.clock_offset = offset
        with emulator:
            if offset is None:
                account.function("clock", _CLOCK, account.role("clock"))
            moments.append(account.invoke("clock"))

    assert moments[1] - moments[0] == pytest.approx(30 * 86_400, abs=120)


_HEAR = """
import os, boto3
def handler(event, context):
    for record in event["Records"]:
        boto3.client("sqs").send_message(QueueUrl=os.environ["HEARD"], MessageBody=record["body"])
"""


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed here")
def test_hands_a_delayed_message_on_when_its_time_has_come_on_a_moved_clock(tmp_path: Path) -> None:
    emulator = Emulator(data=tmp_path / "aws", port=Ports.free().aws, clock_offset="+30d")
    account = Account(emulator)
    with emulator:
        sqs = account.client("sqs")
        sent, heard = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("sent", "heard"))
        send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
        role = account.role("hear", send)
        account.function("hear", _HEAR, role, Environment={"Variables": {"HEARD": heard}})
        account.client("lambda").create_event_source_mapping(
            FunctionName="hear", EventSourceArn=f"arn:aws:sqs:us-east-1:{ACCOUNT}:sent"
        )

        sqs.send_message(QueueUrl=sent, MessageBody="later", DelaySeconds=2)

        assert _until(lambda: bool(sqs.receive_message(QueueUrl=heard).get("Messages")))
