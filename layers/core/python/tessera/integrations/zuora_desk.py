"""Zuora as those who place orders look at it: invoices, payment methods, and what things cost."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol

from tessera.commerce.models import Customer, Holding, Order
from tessera.commerce.previews import Line, Quote
from tessera.errors import NotFound
from tessera.identity.principal import PartnerOrganisation
from tessera.integrations import zuora_requests as requests
from tessera.integrations.zuora import Zuora
from tessera.integrations.zuora_models import (
    PreviewedDocument,
    PreviewResult,
    ProductRatePlan,
    ZuoraInvoice,
)
from tessera.integrations.zuora_orders import Payer, change, creation, plans_needed
from tessera.integrations.zuora_verdicts import UnknownToZuora

_NONE = Decimal(0)


class Stored(Protocol):
    """A partner organisation as it is stored."""

    def acting(self) -> PartnerOrganisation: ...


class ZuoraDesk:
    def __init__(
        self,
        zuora: Zuora,
        organisation: Callable[[str], Stored | None],
        *,
        owner_style: str,
    ) -> None:
        self._zuora = zuora
        self._organisation = organisation
        self._owner_style = owner_style

    def require(self) -> None:
        """Raises `ZuoraNotConfigured`."""
        self._zuora.require()

    def invoice(self, id: str) -> ZuoraInvoice:
        try:
            return self._zuora.invoice(id)
        except UnknownToZuora as unknown:
            raise NotFound(f"There is no invoice {id[:60]}.", code="not_found") from unknown

    def account_number(self, account_id: str) -> str:
        return self._zuora.account(account_id).basic_info.account_number

    def has_method(self, account_number: str, method: str) -> bool:
        found = self._zuora.payment_methods(account_number).find(method)
        return found is not None and found.is_usable

    def has_default_method(self, account_number: str | None) -> bool:
        if not self._zuora.is_configured:
            return True
        if account_number is None:
            return False
        try:
            billing = self._zuora.account(account_number).billing_and_payment
        except UnknownToZuora:
            return False  # the order that makes the account is still on its way
        return billing is not None and billing.default_payment_method_id is not None

    def quote(
        self, order: Order, holdings: Sequence[Holding], customer: Customer, *, today: date
    ) -> Quote | None:
        """None too for a subscription that Zuora has not got: only the catalog knows its price."""
        if not self._zuora.is_configured:
            return None
        if order.order_type == "new":
            return _quote(self._zuora.preview(self._new(order, holdings, customer, today)))
        try:
            asked = self._changed(order, holdings[0], today)
        except UnknownToZuora:
            return None
        return Quote(_NONE, _NONE, ()) if asked is None else _quote(self._zuora.preview(asked))

    def _new(
        self, order: Order, holdings: Sequence[Holding], customer: Customer, today: date
    ) -> requests.PreviewRequest:
        account = customer.data.zuora
        stored = self._organisation(order.partner_org) if order.partner_org else None
        partner = stored.acting() if stored else None
        invoiced = partner if partner and partner.is_zuora_invoice_owner else None
        wanted = creation(
            order.reference or "",
            holdings,
            Payer(
                account.account_number or "",
                invoiced.zuora_account_number if invoiced else None,
                self._owner_style,
            ),
            self._plans(holdings),
            today=today,
            run_billing=False,
            collect=False,
        )
        currency = "" if account.account_id else holdings[0].data.currency or ""
        return requests.PreviewRequest.of(wanted, currency_without_account=currency)

    def _changed(
        self, order: Order, holding: Holding, today: date
    ) -> requests.PreviewRequest | None:
        read = self._zuora.subscription(holding.name or "")
        wanted = change(
            order.reference or "",
            order.order_type,
            order.alterations[0],
            holding,
            read,
            self._plans([holding]),
            account=read.invoice_owner_account_number or read.account_number,
            today=today,
            run_billing=False,
            collect=False,
        )
        return None if wanted is None else requests.PreviewRequest.of(wanted)

    def _plans(self, holdings: Sequence[Holding]) -> dict[str, ProductRatePlan]:
        offers = [one for holding in holdings for one in holding.all_offers]
        return {id: self._zuora.product_rate_plan(id) for id in sorted(plans_needed(offers))}


def _quote(result: PreviewResult) -> Quote:
    charged = sum((_tax(one) for one in result.invoices), _NONE)
    returned = sum((_tax(one) for one in result.credit_memos), _NONE)
    lines = tuple(
        Line(
            description=item.charge_name or item.product_name or "",
            amount=item.amount_without_tax or _NONE,
            tax_amount=item.tax_amount or _NONE,
        )
        for invoice in result.invoices
        for item in invoice.invoice_items
    )
    return Quote(result.due_now, charged - returned, lines)


def _tax(document: PreviewedDocument) -> Decimal:
    return document.tax_amount or _NONE
