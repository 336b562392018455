"""Each function may do what it needs, by name, and nothing more."""

import pytest

from tests.infra.synthesis import Statement, Synthesis

_SUBJECTS = {
    "catalog": {"Catalog", "Idempotency"},
    "commerce": {"Catalog", "Commerce", "Events", "Idempotency", "Partners", "Sessions"},
    "identity": {"Commerce", "Events", "Idempotency"},
    "pages": {
        *("Catalog", "Commerce", "Events", "Idempotency", "Partners", "Sessions", "Webhooks"),
    },
    "partners": {"Catalog", "Commerce", "Events", "Idempotency", "Partners"},
    "webhooks": {"Events", "Idempotency", "Webhooks"},
}
"""The tables that functions of a subject may reach."""


_FIRST_LOGINS = {
    "commerce/list_own_subscriptions",
    "commerce/read_basket",
    "commerce/read_own_entitlements",
}
"""They read for a customer, and make the owner of one who was never seen before."""


def test_no_two_functions_share_a_role(production: Synthesis) -> None:
    roles = [
        (one.template, one.properties["Role"]["Fn::GetAtt"][0])
        for one in production.of_type("AWS::Lambda::Function")
    ]

    assert len(roles) == len(set(roles))


def test_no_permission_has_a_wildcard(production: Synthesis) -> None:
    for one in production.functions.values():
        for statement in one.statements:
            assert statement.effect == "Allow"
            assert not any("*" in action for action in statement.actions), one.folder
            # The key of a document is made when it is put in; its bucket and folder are named.
            named = [str(resource).replace("/invoices/*", "") for resource in statement.resources]
            assert not any("*" in resource for resource in named), one.folder


def test_no_role_has_a_ready_made_policy(production: Synthesis) -> None:
    for role in production.of_type("AWS::IAM::Role"):
        assert "ManagedPolicyArns" not in role.properties, role.id


def test_no_function_may_scan_a_table(production: Synthesis) -> None:
    for folder, one in production.functions.items():
        for statement in one.statements:
            assert "dynamodb:Scan" not in statement.actions, folder


def test_no_function_reaches_a_table_of_another_subject(production: Synthesis) -> None:
    for folder, one in production.functions.items():
        reached = {table for statement in one.statements for table in statement.tables}
        assert reached <= _SUBJECTS[folder.partition("/")[0]], folder


def test_every_table_that_is_reached_is_named_to_the_function(production: Synthesis) -> None:
    for folder, one in production.functions.items():
        reached = {table.upper() for statement in one.statements for table in statement.tables}
        named = {name.removesuffix("_TABLE") for name in one.environment if name.endswith("_TABLE")}
        assert reached <= named, folder


def test_reading_functions_cannot_write(production: Synthesis) -> None:
    for folder, one in production.functions.items():
        only_reads = folder.partition("/")[2].startswith(("read_", "list_"))
        if only_reads and folder not in _FIRST_LOGINS:
            assert not _writes(one.statements), folder


@pytest.mark.parametrize(
    ("secret", "variable"),
    [("ZuoraSecret", "ZUORA_SECRET"), ("ZuoraCalloutSecret", "ZUORA_CALLOUT_SECRET")],
)
def test_only_functions_that_talk_to_zuora_read_its_secret(
    production: Synthesis, secret: str, variable: str
) -> None:
    readers = {
        folder
        for folder, one in production.functions.items()
        for statement in one.statements
        if "secretsmanager:GetSecretValue" in statement.actions
        and secret in str(statement.resources)
    }

    assert readers
    assert readers == {
        folder for folder, one in production.functions.items() if variable in one.environment
    }


def test_only_the_publisher_may_put_events_on_the_bus(production: Synthesis) -> None:
    publishers = {
        folder
        for folder, one in production.functions.items()
        for statement in one.statements
        if "events:PutEvents" in statement.actions
    }

    assert publishers == {"webhooks/publish_events"}


def _writes(statements: tuple[Statement, ...]) -> set[str]:
    writing = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}
    return {
        action
        for statement in statements
        for action in statement.actions
        if action.removeprefix("dynamodb:") in writing
    }
