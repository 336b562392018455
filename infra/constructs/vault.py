"""Secrets, the key that seals webhook secrets, and the parameter that lists sign-in providers."""

import json

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.constructs.needs import Need, permission
from infra.constructs.part import Part
from infra.constructs.secret import StoredSecret
from infra.settings import Settings


class Vault(Part):
    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        self.zuora = StoredSecret(
            self,
            "zuora",
            settings=settings,
            holds="The OAuth client that Tessera uses at Zuora",
            members=("client_id", "client_secret"),
        )
        self.salesforce = StoredSecret(
            self,
            "salesforce",
            settings=settings,
            holds="The connected app that Tessera uses at Salesforce",
            members=("client_id", "client_secret"),
        )
        self.zuora_callout = StoredSecret(
            self,
            "zuora-callout",
            settings=settings,
            holds="The Basic credentials that Zuora's callouts bring",
            members=("username", "password", "previous_username", "previous_password"),
        )
        self.cursors = StoredSecret(
            self,
            "cursors",
            settings=settings,
            holds="Seals the cursors of lists",
            generated="key",
        )
        self.key = kms.Key(
            self,
            "WebhookKey",
            alias=f"tessera/{settings.stage}/webhooks",
            description="Seals the signing keys and credentials of webhook endpoints",
            enable_key_rotation=True,
            pending_window=Duration.days(7) if not settings.keeps_data else Duration.days(30),
            removal_policy=RemovalPolicy.RETAIN if settings.keeps_data else RemovalPolicy.DESTROY,
        )
        self._providers = ssm.StringParameter(
            self,
            "IdentityProviders",
            parameter_name=f"/tessera/{settings.stage}/identity_providers",
            description="The OIDC issuers whose users may sign in, as a JSON list",
            string_value=json.dumps([dict(one) for one in settings.identity_providers]),
        )

        # Of customers' providers that know our client by a secret.
        self._identity_clients = [
            StoredSecret(
                self,
                f"identity/{provider['key']}",
                settings=settings,
                holds=f"Our client at the identity provider {provider['key']}",
                members=("client_secret",),
            )
            for provider in settings.identity_providers
            if provider.get("client_auth", "none") != "none"
        ]
        self._identity_secrets = f"tessera/{settings.stage}/identity/"

    def identity_secrets(self) -> Need:
        uses = [secret.uses() for secret in self._identity_clients]
        statements = [statement for use in uses for statement in use.statements]
        return Need({"IDENTITY_SECRETS": self._identity_secrets}, statements)

    def seals(self, *actions: str) -> Need:
        """`Encrypt`, `Decrypt` with the key of webhook secrets."""
        named = [f"kms:{action}" for action in actions]
        return Need({"SECRETS_KEY": self.key.key_arn}, [permission(*named, on=[self.key.key_arn])])

    def identity_providers(self) -> Need:
        return Need(
            {"IDENTITY_PROVIDERS_PARAMETER": self._providers.parameter_name},
            [permission("ssm:GetParameter", on=[self._providers.parameter_arn])],
        )
