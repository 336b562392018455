"""Zuora: what Tessera reads there and writes there, each thing one method.

reads    subscription · account · order · find_payment · payment_methods · product_rate_plan
         invoices · invoice · invoice_files · file
asks     preview · sign_card_form                           posts that change nothing
writes   create_account · place_order · create_payment      POST, with a `Sending`
         change_account · change_contact · attach_payment_method · delete_payment_method
"""

from collections.abc import Iterable

from tessera.errors import NotFound
from tessera.integrations import zuora_models as models
from tessera.integrations import zuora_requests as requests
from tessera.integrations.zuora_calls import Query, Read, Sending, ZuoraCalls, parsed
from tessera.integrations.zuora_verdicts import Effect, ZuoraFailed

__all__ = ["Sending", "Zuora"]

_PAYMENTS_A_PAGE = 40
_MOST_PAYMENT_PAGES = 50


class Zuora(ZuoraCalls):
    """`Zuora(env.zuora_url, Secret(env.zuora_secret)).subscription("A-S00000271")`.

    Every method raises `ZuoraNotConfigured` and `ZuoraFailed`; those that take a key also
    `UnknownToZuora`. Only a write can be `ambiguous`.
    """

    def subscription(self, key: str) -> models.ZuoraSubscription:
        """The latest version of a subscription, by its number or by the id of any version."""
        until = self._deadline(f"read subscription {key}")
        found = self._read_subscription(key, until)
        if found.is_latest_version:
            return found
        return self._read_subscription(found.subscription_number, until)

    def account(self, key: str) -> models.ZuoraAccount:
        """An account by its number or id."""
        return self._read("/v1/accounts/{key}", models.ZuoraAccount, f"read account {key}", key=key)

    def create_account(
        self, account: requests.NewAccount, sending: Sending
    ) -> models.AccountCreated:
        """A number that is taken is `refused`; reading it back tells whether it is ours."""
        return self._write(
            "POST",
            "/v1/accounts",
            models.AccountCreated,
            f"create account {account.account_number}",
            body=account.wire(),
            sending=sending,
        )

    def change_account(self, number: str, change: requests.AccountChange) -> None:
        self._write(
            "PUT",
            "/v1/accounts/{key}",
            models.Done,
            f"change account {number}",
            body=change.wire(),
            key=number,
        )

    def change_contact(self, id: str, address: requests.ContactDetails) -> None:
        """Replaces the address of a contact, which is named by its id."""
        self._write(
            "PUT",
            "/v1/contacts/{key}",
            models.Done,
            "change the contact",
            body=address.replacing(),
            key=id,
        )

    def place_order(self, order: requests.OrderRequest, sending: Sending) -> models.OrderPlaced:
        return self._write(
            "POST",
            "/v1/orders",
            models.OrderPlaced,
            f"place order {order.order_number}",
            body=order.wire(),
            sending=sending,
            effect="money" if order.moves_money else "write",
            query=[("returnIds", "true")],
        )

    def order(self, number: str) -> models.OrderState:
        what = f"read order {number}"
        return self._read("/v1/orders/{key}", models.OrderRead, what, key=number).order

    def preview(self, order: requests.PreviewRequest) -> models.PreviewResult:
        """What an order would cost."""
        route, what = "/v1/orders/preview", "preview the order"
        answer = self._ask(route, models.Previewed, what, body=order)
        return answer.preview_result

    def payment_methods(self, account_number: str) -> models.PaymentMethods:
        return self._read(
            "/v1/accounts/{key}/payment-methods",
            models.PaymentMethods,
            f"list the payment methods of account {account_number}",
            key=account_number,
        )

    def sign_card_form(self, form: requests.CardForm) -> models.Signature:
        return self._ask("/v1/rsa-signatures", models.Signature, "sign the card form", body=form)

    def attach_payment_method(self, id: str, account_number: str) -> None:
        self._write(
            "PUT",
            "/v1/payment-methods/{key}",
            models.Done,
            f"attach the payment method to account {account_number}",
            body={"accountKey": account_number},
            key=id,
        )

    def delete_payment_method(self, id: str) -> None:
        """One that is gone already is as good as deleted.

        Repeating it changes nothing, so a lost answer is `unavailable`: try again.
        """
        what = "remove the payment method"
        try:
            self._write(
                "DELETE", "/v1/payment-methods/{key}", models.Done, what, key=id, effect="none"
            )
        except NotFound:
            return

    def create_payment(self, payment: requests.NewPayment, sending: Sending) -> models.Payment:
        return self._write(
            "POST",
            "/v1/payments",
            models.Payment,
            f"take payment {payment.gateway_order_id}",
            body=payment.wire(),
            sending=sending,
            effect="money",
        )

    def find_payment(self, account_id: str, reference: str) -> models.Payment | None:
        """The payment that carries our reference; of several, one that was not declined.

        `None` is said only after a look at all payments of the account: where there are more than
        can be looked at, it raises `ZuoraFailed`, since a payment overlooked would be taken twice.
        """
        what = f"find payment {reference}"
        until, found = self._deadline(what), []
        for number in range(1, _MOST_PAYMENT_PAGES + 1):
            query: Query = [
                ("accountId", account_id),
                ("type", "Electronic"),
                ("pageSize", _PAYMENTS_A_PAGE),
                *([("page", number)] if number > 1 else []),
            ]
            answer = self._call("GET", "/v1/payments", {}, what=what, until=until, query=query)
            page = parsed(answer, models.PaymentPage, what)
            found += [payment for payment in page.payments if _is_of(payment, reference)]
            if page.next_page is None:
                went_through = (payment for payment in found if payment.outcome != "refused")
                return next(went_through, found[0] if found else None)
        raise ZuoraFailed(
            f"The Zuora account has too many payments to {what} among them.",
            verdict="unavailable",
        )

    def invoices(
        self,
        account_ids: Iterable[str],
        *,
        size: int,
        cursor: str | None = None,
        paid: bool | None = None,
    ) -> models.InvoicePage:
        """Posted invoices of up to fifty accounts, newest first; `size` is 1 to 99."""
        ids = list(account_ids)
        accounts = f"EQ:{ids[0]}" if len(ids) == 1 else f"IN:[{','.join(ids)}]"
        filters = [f"accountid.{accounts}", "status.EQ:Posted"]
        if paid is not None:
            filters.append("balance.EQ:0" if paid else "balance.GT:0")
        query: Query = [
            *(("filter[]", text) for text in filters),
            ("sort[]", "invoicedate.DESC"),
            ("pageSize", size),
            *([("cursor", cursor)] if cursor is not None else []),
        ]
        what = "list invoices"
        return self._read("/object-query/invoices", models.InvoicePage, what, query=query)

    def invoice(self, id: str) -> models.ZuoraInvoice:
        route = "/object-query/invoices/{key}"
        return self._read(route, models.ZuoraInvoice, f"read invoice {id}", key=id)

    def invoice_files(self, id: str) -> tuple[models.InvoiceFile, ...]:
        route, what = "/v1/invoices/{key}/files", f"list the files of invoice {id}"
        return self._read(route, models.InvoiceFiles, what, key=id).invoice_files

    def file(self, id: str) -> bytes:
        """A PDF of up to 20 MB; anything else that comes instead is `ZuoraFailed`."""
        what = f"read file {id}"
        until = self._deadline(what)
        path = {"key": id}
        return self._call("GET", "/v1/files/{key}", path, what=what, until=until, is_file=True).body

    def product_rate_plan(self, id: str) -> models.ProductRatePlan:
        """A plan of the product catalogue with its charges."""
        return self._read(
            "/object-query/product-rate-plans/{key}",
            models.ProductRatePlan,
            f"read product rate plan {id}",
            key=id,
            query=[("expand[]", "productrateplancharges")],
        )

    def _read_subscription(self, key: str, until: float) -> models.ZuoraSubscription:
        route, what = "/v1/subscriptions/{key}", f"read subscription {key}"
        answer = self._call("GET", route, {"key": key}, what=what, until=until)
        return parsed(answer, models.ZuoraSubscription, what)

    def _read(
        self, route: str, model: type[Read], what: str, *, key: str | None = None, query: Query = ()
    ) -> Read:
        until = self._deadline(what)
        path = {"key": key} if key is not None else {}
        answer = self._call("GET", route, path, what=what, until=until, query=query)
        return parsed(answer, model, what)

    def _ask(
        self, route: str, model: type[Read], what: str, *, body: requests.ZuoraRequest
    ) -> Read:
        until = self._deadline(what)
        answer = self._call("POST", route, {}, what=what, until=until, body=body.wire())
        return parsed(answer, model, what)

    def _write(
        self,
        method: str,
        route: str,
        model: type[Read],
        what: str,
        *,
        body: dict[str, object] | None = None,
        key: str | None = None,
        sending: Sending | None = None,
        effect: Effect = "write",
        query: Query = (),
    ) -> Read:
        until = self._deadline(what)
        answer = self._call(
            method,
            route,
            {"key": key} if key is not None else {},
            what=what,
            until=until,
            query=query,
            body=body,
            effect=effect,
            sending=sending,
        )
        return parsed(answer, model, what, wrote=effect != "none")


def _is_of(payment: models.Payment, reference: str) -> bool:
    comment = requests.payment_comment(reference)
    return payment.gateway_order_id == reference or payment.comment == comment
