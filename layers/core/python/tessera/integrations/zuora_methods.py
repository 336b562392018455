"""Zuora's payment methods, and its hosted card form, in the words of `commerce`."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from tessera.commerce.payment_methods import CardForm, Method
from tessera.errors import Conflict
from tessera.integrations import zuora_requests as requests
from tessera.integrations.zuora import Zuora
from tessera.integrations.zuora_cards import shown_method
from tessera.integrations.zuora_verdicts import UnknownToZuora


class CardFormNotConfigured(Conflict):
    title = "Zuora's card form is not set up"


class HostedPage(NamedTuple):
    """Zuora's payment page; all are empty where there is none."""

    id: str = ""
    uri: str = ""
    script: str = ""


NO_PAGE = HostedPage()


class ZuoraMethods:
    """Every method raises `ZuoraNotConfigured` and `ZuoraFailed`."""

    def __init__(self, client: Zuora, page: HostedPage = NO_PAGE) -> None:
        self._client = client
        self._page = page

    def require(self) -> None:
        self._client.require()

    def methods(self, account_number: str) -> Sequence[Method]:
        """None on an account that is still to be opened: its number is known before."""
        try:
            listed = self._client.payment_methods(account_number)
        except UnknownToZuora:
            return []
        default = listed.default
        return [
            Method(
                ref_id=method.id,
                kind=method.type,
                card=shown_method(method).result,
                is_default=method == default,
                is_usable=method.is_usable,
            )
            for method in listed.methods
        ]

    def pays_by_itself(self, account_number: str) -> bool:
        billing = self._client.account(account_number).billing_and_payment
        return bool(billing and billing.auto_pay)

    def remove(self, ref_id: str) -> None:
        self._client.delete_payment_method(ref_id)

    def open_form(self, *, account_id: str | None, currency: str | None, locale: str) -> CardForm:
        """The signed account limits what a browser may send. Raises `CardFormNotConfigured`."""
        page = self._page
        if not all(page):
            raise CardFormNotConfigured(
                "Zuora's card form is not set up. Set zuora_page_id, zuora_page_uri and"
                " zuora_page_script."
            )
        nonce = secrets.token_urlsafe(24)
        signed = self._client.sign_card_form(
            requests.CardForm(
                uri=page.uri,
                page_id=page.id,
                account_id=account_id,
                currency=currency,
                locale=locale,
                passthrough1=nonce,
            )
        )
        params = {
            "tenantId": signed.tenant_id,
            "id": page.id,
            "token": signed.token,
            "signature": signed.signature,
            "key": signed.key,
            "url": page.uri,
            "style": "inline",
            "submitEnabled": "true",
            "locale": locale,
            "field_accountId": account_id,
            "field_passthrough1": nonce,
        }
        return CardForm(
            script=page.script, params={name: value for name, value in params.items() if value}
        )
