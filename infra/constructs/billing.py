"""Invoices and payment methods, which are read from Zuora and never stored."""

from constructs import Construct

from infra.constructs.documents import DocumentsBucket
from infra.constructs.endpoint import Api, Endpoint
from infra.constructs.needs import setting
from infra.constructs.platform import Platform
from infra.constructs.vault import Vault
from infra.constructs.vendors import card_form, zuora_client


class Billing(Construct):
    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, api: Api, vault: Vault
    ) -> None:
        super().__init__(scope, id)
        settings, commerce = platform.settings, api.tables.commerce
        self.documents = documents = DocumentsBucket(self, "Documents", settings=settings)
        cursors = vault.cursors.uses()
        zone = setting(business_time_zone=settings.business_time_zone)
        of_owner = commerce.uses("GetItem", queries=["by_owner"])
        of_partner = commerce.uses("GetItem", queries=["by_partner"])
        for folder, needs in {
            "commerce/list_own_invoices": (of_owner, cursors),
            "commerce/read_own_invoice_pdf": (commerce.uses("GetItem"), documents.lends()),
            "commerce/list_partner_invoices": (of_partner, cursors),
            "commerce/read_partner_invoice_pdf": (commerce.uses("GetItem"), documents.lends()),
            "commerce/list_payment_methods": (of_owner, zone),
            "commerce/remove_payment_method": (
                commerce.uses("GetItem", "PutItem", queries=["by_owner"]),
            ),
            "commerce/open_payment_form": (
                commerce.uses("GetItem", "Query", "PutItem"),
                api.tables.events.uses(),  # the owner of a first login is announced to nobody
                api.tables.sessions.uses("PutItem"),
                vault.identity_providers(),
                vault.seals("Encrypt", "Decrypt"),
                card_form(settings),
                setting(mode=settings.mode),
            ),
        }.items():
            endpoint = Endpoint(
                self, folder, *needs, *zuora_client(vault, settings), platform=platform, api=api
            )
            if folder.endswith("_pdf"):
                documents.explain(endpoint)
