"""A secret that the stack makes and a person fills."""

from typing import cast

from aws_cdk import Acknowledgment, RemovalPolicy, SecretValue, Validations
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.needs import Need, permission
from infra.settings import Settings


class StoredSecret(Construct):
    """A JSON secret under a fixed name, made with empty members that a person fills."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        settings: Settings,
        holds: str,
        members: tuple[str, ...] = (),
        generated: str | None = None,
    ) -> None:
        super().__init__(scope, "".join(part.capitalize() for part in name.split("-")))
        self.name = f"tessera/{settings.stage}/{name}"
        self.variable = f"{name.replace('-', '_').upper()}_SECRET"
        empty = {member: SecretValue.unsafe_plain_text("") for member in members}
        self.secret = secretsmanager.Secret(
            self,
            "Secret",
            secret_name=self.name,
            description=holds,
            secret_object_value=empty or None,
            generate_secret_string=(
                secretsmanager.SecretStringGenerator(
                    secret_string_template="{}",  # noqa: S106 (an empty object)
                    generate_string_key=generated,
                    password_length=64,
                    exclude_punctuation=True,
                )
                if generated
                else None
            ),
            removal_policy=(
                RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
                if settings.keeps_data
                else RemovalPolicy.DESTROY
            ),
        )
        Validations.of(self.secret).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SMG4",
                reason=(
                    "Changing it would break cursors that callers hold, and nothing else reads it."
                    if generated
                    else "Another system issues these credentials: a person rotates them there "
                    "and here, as the README describes."
                ),
            )
        )

    def uses(self) -> Need:
        # The ARN as the attribute `Id`: what `Ref` gives is the name on the emulator.
        arn = cast("secretsmanager.CfnSecret", self.secret.node.default_child).attr_id
        return Need(
            {self.variable: self.name}, [permission("secretsmanager:GetSecretValue", on=[arn])]
        )
