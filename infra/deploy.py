"""`make deploy`: looks first whether a deploy can succeed, says what is missing, runs the CDK.

`python -m infra.deploy --stage prod -c zuora_url=https://rest.eu.zuora.com`; with `--check` it only
looks. Nothing is changed before the CDK runs, and no secret is ever shown.
"""

import argparse
import difflib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
)
from constructs import Node, RootConstruct

from infra.context import BadSetting
from infra.settings import Settings, keys

ROOT = Path(__file__).resolve().parents[1]
CDK = ROOT / "infra" / "node_modules" / ".bin" / "cdk"
_BOOTSTRAPPED = "/cdk-bootstrap/hnb659fds/version"
_OLDEST_BOOTSTRAP = 6
"""The first whose roles and bucket this CDK knows."""
_REFUSED = (BotoCoreError, ClientError)
_SIGN_IN = "Sign in: aws sso login, or AWS_PROFILE, or AWS_ACCESS_KEY_ID with its secret."
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired")


class Finding(NamedTuple):
    """One thing that was looked at. What is `missing` has to be there before a deploy."""

    kind: str
    """`ok`, `missing`, or `later`: the stack works without it."""
    text: str
    action: str = ""

    def __str__(self) -> str:
        mark = {"ok": "✓", "missing": "✗", "later": "·"}[self.kind]
        return f"  {mark} {self.text}\n" + (f"      {self.action}\n" if self.action else "")


class Account(NamedTuple):
    id: str
    region: str


def main(arguments: Sequence[str], *, run: Callable[[list[str]], int], write: Any) -> int:
    """Answers the exit code. `run` runs a command in the foreground, `write` tells the person."""
    asked = _parse(arguments)
    context = {"stage": asked.stage, **dict(asked.context)}
    write(f"Before Tessera-{context['stage']} is deployed:\n")
    found, account, settings = [], None, None
    for finding in looked_at(context):
        if isinstance(finding, Finding):
            found.append(finding)
            write(str(finding))
        else:
            account, settings = finding
    if any(one.kind == "missing" for one in found) or account is None or settings is None:
        write("Not deployed. Do what stands beside each ✗ and run it again.\n")
        return 1
    if asked.check:
        write("It can be deployed.\n")
        return 0
    given = [part for key, value in context.items() for part in ("-c", f"{key}={value}")]
    write("CDK asks before it widens any permission.\n")
    code = run([str(CDK), "deploy", f"Tessera-{settings.stage}", *given])
    if code == 0:
        write("Deployed. What is left for you:\n")
        for finding in (*secrets(settings, account), *first_operator(settings, account)):
            write(str(finding))
    return code


def looked_at(context: Mapping[str, str]) -> Iterator[Finding | tuple[Account, Settings]]:
    """Everything that a deploy needs, in the order in which one thing rests on another."""
    finding, account = who()
    yield finding
    told, settings = chosen(context)
    yield told
    if not CDK.is_file():
        yield Finding("missing", "The CDK is not installed here.", "Run: make setup")
    if account is None or settings is None:
        return
    yield bootstrap(account)
    yield from certificate(settings, account)
    yield from sender(settings, account)
    yield from outside(settings)
    yield from secrets(settings, account)
    yield from first_operator(settings, account)
    yield account, settings


def who() -> tuple[Finding, Account | None]:
    """The account and region of the credentials that AWS's own tools would use."""
    try:
        # As the CDK looks for it: boto3 by itself passes AWS_REGION over.
        region = os.environ.get("AWS_REGION") or boto3.session.Session().region_name
    except ProfileNotFound as error:
        action = "Set AWS_PROFILE to one that `aws configure list-profiles` names."
        return Finding("missing", f"{error}.", action), None
    if region is None:
        action = "Set AWS_REGION, or a region in the profile that AWS_PROFILE names."
        return Finding("missing", "No region is chosen.", action), None
    try:
        caller = boto3.client("sts", region_name=region).get_caller_identity()
    except _REFUSED as error:
        return _unknown(error, region), None
    account = Account(caller["Account"], region)
    return Finding("ok", f"Account {account.id}, region {region}, as {caller['Arn']}"), account


def _unknown(error: BotoCoreError | ClientError, region: str) -> Finding:
    """Why AWS did not say who asks."""
    if isinstance(error, ProfileNotFound):
        action = "Set AWS_PROFILE to one that `aws configure list-profiles` names."
        return Finding("missing", f"{error}.", action)
    if isinstance(error, NoCredentialsError):
        return Finding("missing", "There are no credentials.", _SIGN_IN)
    if isinstance(error, EndpointConnectionError):
        action = f"See that the region exists and that this machine reaches it. {_short(error)}"
        return Finding("missing", f"AWS does not answer in region {region}.", action)
    if _code(error) in _EXPIRED or "expired" in str(error).lower():
        return Finding("missing", "The credentials have expired.", _SIGN_IN)
    action = f"See that `aws sts get-caller-identity` answers. AWS said: {_short(error)}"
    return Finding("missing", "AWS does not take the credentials.", action)


def chosen(context: Mapping[str, str]) -> tuple[Finding, Settings | None]:
    """The settings as the CDK app will read them, from `cdk.json` and `-c`."""
    written = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    root = RootConstruct()
    known = keys()
    for key, value in {**written, **context}.items():
        if key not in known and not key.startswith(("@aws-cdk/", "aws:cdk:")):
            near = difflib.get_close_matches(key, known, 1)
            action = f"Is {near[0]} meant? " if near else ""
            text = f"There is no setting {key}."
            return Finding("missing", text, f"{action}README, Configuration, has them all."), None
        root.node.set_context(key, value)
    try:
        settings = Settings.of(Node.of(root))
    except BadSetting as bad:
        action = 'Change it in cdk.json, or in make deploy CONTEXT="-c key=value".'
        return Finding("missing", str(bad), action), None
    return Finding("ok", f"Settings of stage {settings.stage} can be used"), settings


def bootstrap(account: Account) -> Finding:
    command = f"infra/node_modules/.bin/cdk bootstrap aws://{account.id}/{account.region}"
    try:
        version = boto3.client("ssm", region_name=account.region).get_parameter(Name=_BOOTSTRAPPED)
    except _REFUSED as error:
        if _code(error) != "ParameterNotFound":
            action = f"Let your role do ssm:GetParameter on it. AWS said: {_short(error)}"
            return Finding("missing", f"The parameter {_BOOTSTRAPPED} cannot be read.", action)
        text = "This account and region were never prepared for the CDK."
        return Finding("missing", text, f"Once: {command}")
    number = version["Parameter"]["Value"]
    if int(number) < _OLDEST_BOOTSTRAP:
        return Finding("missing", f"The CDK's bootstrap is old ({number}).", f"Run: {command}")
    return Finding("ok", f"Prepared for the CDK (bootstrap version {number})")


def certificate(settings: Settings, account: Account) -> Iterator[Finding]:
    """Of a domain of the company's own, if there is one."""
    arn = settings.certificate_arn
    if arn is None or settings.domain_name is None:
        return
    if arn.split(":")[3] != account.region:
        text = f"The certificate is in {arn.split(':')[3]}, the stack in {account.region}."
        yield Finding("missing", text, f"Request one for {settings.domain_name} in this region.")
        return
    try:
        acm = boto3.client("acm", region_name=account.region)
        details = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    except _REFUSED as error:
        text = "The certificate of certificate_arn cannot be read."
        yield Finding("missing", text, f"See in ACM whether it exists. AWS said: {_short(error)}")
        return
    names = details.get("SubjectAlternativeNames") or [details["DomainName"]]
    wildcard = "*." + settings.domain_name.partition(".")[2]
    if settings.domain_name not in names and wildcard not in names:
        text = f"The certificate is for {', '.join(names)}, not for {settings.domain_name}."
        yield Finding("missing", text, "Give the ARN of one that names the domain.")
    elif details["Status"] != "ISSUED":
        text = f"The certificate of {settings.domain_name} is {details['Status']}."
        yield Finding("missing", text, "Put ACM's validation record into the domain's DNS.")
    else:
        yield Finding("ok", f"The certificate of {settings.domain_name} is issued")
    if settings.hosted_zone_id is None:
        text = f"Nobody writes {settings.domain_name} into DNS."
        yield Finding("later", text, "After the deploy: a CNAME to the output DomainTarget.")


def sender(settings: Settings, account: Account) -> Iterator[Finding]:
    """Whether SES may send from the address that is given."""
    if settings.ses_from is None:
        text = "Cognito sends its 50 mails a day itself, from an address of Amazon's."
        yield Finding("later", text, "For more: -c ses_from=…, an address that SES has verified.")
        return
    ses = boto3.client("sesv2", region_name=account.region)
    for identity in (settings.ses_from, settings.ses_from.rpartition("@")[2]):
        try:
            if ses.get_email_identity(EmailIdentity=identity).get("VerifiedForSendingStatus"):
                yield Finding("ok", f"SES sends from {settings.ses_from}")
                return
        except _REFUSED as error:
            if _code(error) != "NotFoundException":
                action = f"AWS said: {_short(error)}"
                yield Finding("later", "SES cannot be asked about ses_from.", action)
                return
    yield Finding(
        "missing",
        f"SES has not verified {settings.ses_from}.",
        "Verify the address or its domain in SES, in this region, or leave ses_from out.",
    )


def outside(settings: Settings) -> Iterator[Finding]:
    """Systems that are not connected: allowed, but seldom meant."""
    for name, url, without in (
        ("zuora_url", settings.zuora_url, "nothing is synced or billed"),
        ("salesforce_url", settings.salesforce_url, "no account or contact is made"),
    ):
        if not url:
            yield Finding(
                "later", f"{name} is not given: {without}.", f"Connect: -c {name}=https://…"
            )
    if not settings.identity_providers:
        text = "No identity provider is given: customers cannot sign in."
        yield Finding("later", text, "identity_providers in cdk.json (README, Configuration).")
    if settings.is_production and settings.alarm_topic is None:
        text = "alarm_topic is not given: nobody hears of an alarm."
        yield Finding("later", text, "Give the ARN of an SNS topic: -c alarm_topic=arn:aws:sns:…")


def secrets(settings: Settings, account: Account) -> Iterator[Finding]:
    """Credentials of connected systems: made empty by the stack, filled by a person."""
    vault = boto3.client("secretsmanager", region_name=account.region)
    for name, members in _needed(settings):
        id = f"tessera/{settings.stage}/{name}"
        put = (
            f"aws secretsmanager put-secret-value --secret-id {id} --secret-string "
            f"'{json.dumps(dict.fromkeys(members, '…'))}'"
        )
        try:
            held = vault.get_secret_value(SecretId=id).get("SecretString", "")
        except _REFUSED as error:
            if _code(error) == "ResourceNotFoundException":
                yield Finding("later", f"The secret {id} is made by the deploy, empty.", put)
            else:
                action = f"AWS said: {_short(error)}"
                yield Finding("later", f"The secret {id} cannot be looked at.", action)
            continue
        filled = _members(held)
        if missing := [member for member in members if not filled.get(member)]:
            yield Finding("later", f"The secret {id} lacks {' and '.join(missing)}.", put)
        else:
            yield Finding("ok", f"The secret {id} is filled")


def first_operator(settings: Settings, account: Account) -> Iterator[Finding]:
    """Somebody must be able to sign in: nobody can sign himself up."""
    cognito = boto3.client("cognito-idp", region_name=account.region)
    name = f"tessera-{settings.stage}-operators"
    try:
        pages = cognito.get_paginator("list_user_pools").paginate(PaginationConfig={"PageSize": 60})
        pool = next((p["Id"] for page in pages for p in page["UserPools"] if p["Name"] == name), "")
        admins = (
            cognito.list_users_in_group(UserPoolId=pool, GroupName="admin", Limit=1)["Users"]
            if pool
            else []
        )
    except _REFUSED as error:
        yield Finding("later", "Operators cannot be looked at.", f"AWS said: {_short(error)}")
        return
    if admins:
        yield Finding("ok", "There is an operator in the group admin")
        return
    where = pool or "<OperatorsPoolId, an output of the stack>"
    yield Finding(
        "later",
        "There is no operator yet. " + ("" if pool else "After the deploy, ") + "make the first:",
        f"aws cognito-idp admin-create-user --user-pool-id {where} --username you@example.com \\\n"
        "          --user-attributes Name=email,Value=you@example.com Name=email_verified,"
        "Value=true\n"
        f"      aws cognito-idp admin-add-user-to-group --user-pool-id {where} \\\n"
        "          --username you@example.com --group-name admin",
    )


def _needed(settings: Settings) -> Iterable[tuple[str, tuple[str, ...]]]:
    if settings.zuora_url:
        yield "zuora", ("client_id", "client_secret")
        yield "zuora-callout", ("username", "password")
    if settings.salesforce_url:
        yield "salesforce", ("client_id", "client_secret")
    for provider in settings.identity_providers:
        if provider.get("client_auth", "none") != "none":
            yield f"identity/{provider['key']}", ("client_secret",)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--check", action="store_true", help="only look, deploy nothing")
    parser.add_argument(
        *("-c", "--context"), action="append", default=[], metavar="KEY=VALUE", type=_setting
    )
    return parser.parse_args(arguments)


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{key} has no value: give {key}=…")
    return key, value


def _members(secret: str) -> Mapping[str, Any]:
    """Of a secret that somebody may have filled with something else."""
    try:
        held = json.loads(secret)
    except ValueError:
        return {}
    return held if isinstance(held, dict) else {}


def _code(error: BotoCoreError | ClientError) -> str:
    """AWS's, or nothing where AWS was not reached."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def _short(error: Exception) -> str:
    return str(error)[:300]


def _in_foreground(command: list[str]) -> int:
    return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], run=_in_foreground, write=sys.stdout.write))
