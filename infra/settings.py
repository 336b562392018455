"""What a deployment may choose, read from the CDK context and checked before anything is made."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from constructs import Node, RootConstruct

from infra.context import BadSetting, Context, unfit

MACHINE_SCOPES = {
    "sync": "Take subscriptions over from Zuora",
    "identities": "Attach and detach the logins of owners",
    "objects": "Read customers, subscriptions and owners",
    "orders": "Place and read orders",
    "entitlements": "Read what an owner is entitled to",
    "partners": "Manage partner organisations and their users",
    "catalog": "Manage entitlements, products, offers and pages",
    "webhooks": "Manage webhook endpoints and deliveries",
}
"""Scopes that machine clients may be given, each with the words of the resource server."""

PAGE_SCOPES = {
    "admin": "Use the console",
    "partner": "Use the partner portal",
}
"""Scopes that only people get, through the pages."""

MACHINE_CLIENTS_AT_MOST = 48
"""An authorizer takes 50 audiences, and the pages need theirs."""

_DOMAIN = r"[a-z0-9-]+(\.[a-z0-9-]+)+"

_EMAIL = r"[\w.+-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+"

PARAMETER_CHARACTERS = 4096
"""What a standard SSM parameter holds."""


@dataclass(frozen=True)
class Settings:
    """One deployment. The comments name the context key where it is not the field's name."""

    stage: str
    local: bool
    """On the emulator: wheels for this machine, and without what the emulator does not know."""
    base_url: str | None
    domain_name: str | None
    """A domain of the company's own for API and pages; `base_url` follows it."""
    certificate_arn: str | None
    hosted_zone_id: str | None
    """Of the Route 53 zone that the domain is written into, where it is one."""
    cognito_url: str | None
    """Where Cognito's pages and keys are when they are not at Amazon's: the emulator."""
    operator_minutes: tuple[int, int]  # sessions.operator_idle, …_absolute
    visitor_minutes: tuple[int, int]  # sessions.idle, sessions.absolute
    """Of partner users and customers: after the last request, and at most."""
    zuora_url: str
    zuora_entity_ids: str
    zuora_org_ids: str
    zuora_owner_style: str
    """`A` or `B`: how orders name who is invoiced (README, "Configuration")."""
    zuora_account_mapping: str
    """`customer` or `subscription`: what gets a Zuora account of its own."""
    zuora_run_billing: bool
    zuora_auto_pay: bool
    zuora_payment_term: str
    zuora_page_id: str
    zuora_page_uri: str
    zuora_page_script: str
    salesforce_url: str
    salesforce_critical: bool
    """Whether an order fails when Salesforce refuses it."""
    salesforce_external_id_field: str
    salesforce_api_version: str
    salesforce_record_type_id: str
    salesforce_billing_address: bool
    business_time_zone: str
    identity_providers: tuple[Mapping[str, Any], ...]
    allow_http_issuers: bool
    machine_clients: Mapping[str, tuple[str, ...]]
    managed_login: bool
    ses_from: str | None
    auth_domain: str | None
    """The domain of the sign-in pages, if they have one of their own: passkeys are made for it."""
    support_address: str
    """Where partners and customers get help: an e-mail address, shown on their pages."""
    alarm_topic: str | None
    """ARN of an SNS topic that hears of every alarm."""
    tracing: bool
    private_hosts: tuple[str, ...]  # webhooks.private_hosts
    webhook_ports: tuple[int, ...]  # webhooks.ports
    fast_concurrency: int  # webhooks.fast
    slow_concurrency: int  # webhooks.slow
    webhook_deadline: int  # webhooks.deadline, seconds
    endpoint_limit: int  # webhooks.endpoint_limit

    @property
    def is_production(self) -> bool:
        return self.stage == "prod"

    @property
    def keeps_data(self) -> bool:
        """Tables, pools and the key survive the stack everywhere but on stage dev."""
        return self.stage != "dev"

    @property
    def encrypts_transport(self) -> bool:
        """Queues refuse plain HTTP; the emulator speaks nothing else."""
        return not self.local

    @property
    def mode(self) -> str:
        """Copied onto every object."""
        return "production" if self.is_production else "test"

    @classmethod
    def of(cls, node: Node) -> "Settings":
        """From the context that `node` sees. Raises `BadSetting`."""
        return cls._read(Context(node))

    @classmethod
    def _read(cls, context: Context) -> "Settings":
        local = context.flag("local", default=False)
        settings = cls(
            stage=context.text("stage", default="dev", pattern=r"[a-z][a-z0-9-]{0,15}"),
            local=local,
            base_url=context.url("base_url", http=local) or None,
            domain_name=context.text("domain_name", pattern=_DOMAIN) or None,
            certificate_arn=context.text("certificate_arn", pattern=r"arn:[\w-]+:acm:[\w:/-]+")
            or None,
            hosted_zone_id=context.text("hosted_zone_id", pattern=r"Z[A-Z0-9]{1,31}") or None,
            cognito_url=context.url("cognito_url", http=local) or None,
            operator_minutes=(
                context.whole("sessions.operator_idle", 30, 1, 720),
                context.whole("sessions.operator_absolute", 480, 1, 1440),
            ),
            visitor_minutes=(
                context.whole("sessions.idle", 120, 1, 1440),
                context.whole("sessions.absolute", 720, 1, 1440),
            ),
            zuora_url=context.url("zuora_url", http=local),
            zuora_entity_ids=context.text("zuora_entity_ids"),
            zuora_org_ids=context.text("zuora_org_ids"),
            zuora_owner_style=context.text("zuora_owner_style", default="A", pattern="[AB]"),
            zuora_account_mapping=context.text(
                "zuora_account_mapping", default="customer", pattern="customer|subscription"
            ),
            zuora_run_billing=context.flag("zuora_run_billing", default=True),
            zuora_auto_pay=context.flag("zuora_auto_pay", default=True),
            zuora_payment_term=context.text("zuora_payment_term", pattern=r"[^\n]{1,100}"),
            zuora_page_id=context.text("zuora_page_id", pattern=r"\w{1,32}"),
            zuora_page_uri=context.url("zuora_page_uri", http=local),
            zuora_page_script=context.url("zuora_page_script", http=local),
            salesforce_url=context.url("salesforce_url", http=local),
            salesforce_critical=context.flag("salesforce_critical", default=False),
            salesforce_external_id_field=context.text(
                "salesforce_external_id_field",
                default="Tessera_Id__c",
                pattern=r"[A-Za-z]\w{0,74}__c",
            ),
            salesforce_api_version=context.text(
                "salesforce_api_version", default="65.0", pattern=r"\d{2,3}\.0"
            ),
            salesforce_record_type_id=context.text(
                "salesforce_record_type_id", pattern=r"012[A-Za-z0-9]{12}([A-Za-z0-9]{3})?"
            ),
            salesforce_billing_address=context.flag("salesforce_billing_address", default=False),
            business_time_zone=context.time_zone("business_time_zone"),
            identity_providers=_identity_providers(context, "identity_providers"),
            allow_http_issuers=context.flag("allow_http_issuers", default=False),
            machine_clients=_machine_clients(context, "machine_clients"),
            managed_login=context.flag("managed_login", default=not local),
            ses_from=context.text("ses_from", pattern=r"[^@\s]+@[^@\s]+") or None,
            auth_domain=context.text("auth_domain", pattern=_DOMAIN) or None,
            support_address=context.text("support_address", pattern=_EMAIL),
            alarm_topic=context.text("alarm_topic", pattern=r"arn:[\w-]+:sns:[\w:-]+") or None,
            tracing=context.flag("tracing", default=False),
            private_hosts=_private_hosts(context, "webhooks.private_hosts"),
            webhook_ports=_ports(context, "webhooks.ports"),
            fast_concurrency=context.whole("webhooks.fast", 80, 2, 1000),
            slow_concurrency=context.whole("webhooks.slow", 20, 2, 1000),
            webhook_deadline=context.whole("webhooks.deadline", 15, 5, 30),
            endpoint_limit=context.whole("webhooks.endpoint_limit", 200, 1, 1000),
        )
        settings._refuse_half_a_domain()
        settings._refuse_what_production_must_not_have()
        return settings

    @property
    def has_card_form(self) -> bool:
        return all((self.zuora_page_id, self.zuora_page_uri, self.zuora_page_script))

    def _refuse_half_a_domain(self) -> None:
        if (self.domain_name is None) != (self.certificate_arn is None):
            raise BadSetting(
                "domain_name and certificate_arn go together: the certificate (ACM, in the "
                "stack's own region) must name the domain."
            )
        if self.hosted_zone_id is not None and self.domain_name is None:
            raise BadSetting("hosted_zone_id is the zone of domain_name, which is not given.")

    def _refuse_what_production_must_not_have(self) -> None:
        if not self.is_production:
            return
        if self.private_hosts:
            raise BadSetting(
                "webhooks.private_hosts lets webhooks reach private addresses. "
                "Stage prod takes none: leave it out."
            )
        for name, given in (
            ("local", self.local),
            ("allow_http_issuers", self.allow_http_issuers),
        ):
            if given:
                raise BadSetting(f"{name} is for tests only. Stage prod refuses it: leave it out.")


def keys() -> frozenset[str]:
    """What a setting may be called."""
    context = Context(Node.of(RootConstruct()))
    Settings._read(context)
    return frozenset(context.keys)


def _private_hosts(context: Context, key: str) -> tuple[str, ...]:
    hosts = context.items(key)
    for host in hosts:
        if not isinstance(host, str) or not re.fullmatch(r"[\w.-]+:\d{1,5}", host):
            raise unfit(key, host, "a list of host:port")
    return tuple(hosts)


def _ports(context: Context, key: str) -> tuple[int, ...]:
    ports = context.items(key) or [443, 8443]
    for port in ports:
        if not re.fullmatch(r"\d{1,5}(\.0)?", str(port)) or not 1 <= int(float(port)) <= 65535:
            raise unfit(key, port, "a list of ports from 1 to 65535")
    return tuple(int(float(port)) for port in ports)


def _identity_providers(context: Context, key: str) -> tuple[Mapping[str, Any], ...]:
    providers = context.items(key)
    for provider in providers:
        if not isinstance(provider, Mapping):
            raise unfit(key, provider, "a list of JSON objects")
        for member in ("key", "issuer"):
            if not isinstance(provider.get(member), str) or not provider[member]:
                raise BadSetting(f"{key}: the provider {provider!r} has no {member}.")
    for member in ("key", "issuer"):
        values = [provider[member] for provider in providers]
        if len(values) != len(set(values)):
            raise BadSetting(f"{key}: two providers have the same {member}.")
    if len(json.dumps(providers)) > PARAMETER_CHARACTERS:
        raise BadSetting(f"{key} is longer than {PARAMETER_CHARACTERS} characters.")
    return tuple(providers)


def _machine_clients(context: Context, key: str) -> Mapping[str, tuple[str, ...]]:
    """Name → scopes; `all` stands for every scope that a machine may have."""
    clients = context.json(key)
    if clients is None:
        clients = {"middleware": "all"}
    if not isinstance(clients, Mapping) or len(clients) > MACHINE_CLIENTS_AT_MOST:
        raise unfit(key, clients, f"an object of at most {MACHINE_CLIENTS_AT_MOST} names")
    chosen: dict[str, tuple[str, ...]] = {}
    for name, scopes in clients.items():
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", name):
            raise unfit(key, name, "names of lower-case letters, digits and hyphens")
        wanted = list(MACHINE_SCOPES) if scopes == "all" else scopes
        if not isinstance(wanted, list) or not wanted or not set(wanted) <= set(MACHINE_SCOPES):
            raise BadSetting(
                f"{key}: {name} has {scopes!r}. Give a list of scopes, or `all`: they are "
                f"{', '.join(MACHINE_SCOPES)}."
            )
        chosen[name] = tuple(wanted)
    return chosen
