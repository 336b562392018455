"""The steps of an order that Zuora takes: what is looked for, what is written, how it is judged.

At most one write each; a step that may have been taken already looks for what it made first.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from tessera.commerce.billed import Billed
from tessera.commerce.models import Address, Customer, Holding, SubscriptionOffer
from tessera.commerce.steps import Done, StepFailed, Trouble, Work
from tessera.errors import NotFound, Refusal
from tessera.identity.principal import PartnerOrganisation
from tessera.integrations import zuora_requests as requests
from tessera.integrations.zuora import Sending, Zuora
from tessera.integrations.zuora_cards import shown_method
from tessera.integrations.zuora_models import Outcome, ProductRatePlan, ZuoraAccount
from tessera.integrations.zuora_orders import Payer, change, creation, plans_needed
from tessera.integrations.zuora_reading import ZuoraBilling
from tessera.integrations.zuora_verdicts import UnknownToZuora, ZuoraFailed

_WRONG_ACCOUNT = 58730020
"""The invoice owner of a subscription differs from the account that an order names."""
_INTERNAL = 60
_ABOUT_OWNERS = (10, 30)
_OWNER_HINT = (
    " Orders that a partner is invoiced for need Zuora's invoice owner feature, and the setting"
    " zuora_owner_style as this tenant wants it."
)


class Stored(Protocol):
    """A partner organisation as it is stored."""

    def acting(self) -> PartnerOrganisation: ...


class Setup(NamedTuple):
    """How this tenant, and this stage, want orders."""

    stage: str
    owner_style: str = "A"
    run_billing: bool = True
    auto_pay: bool = True
    payment_term: str = ""


class ZuoraSteps:
    def __init__(
        self, zuora: Zuora, organisation: Callable[[str], Stored | None], setup: Setup
    ) -> None:
        """`organisation` finds a partner organisation by its id, archived or not, its account in
        Zuora looked up. It may raise what the client raises, and a refusal.
        """
        self._zuora = zuora
        self._organisation = organisation
        self._setup = setup

    @property
    def is_configured(self) -> bool:
        return self._zuora.is_configured

    def read(self, number: str) -> Billed:
        """Raises `StepFailed`."""
        with _judged():
            return ZuoraBilling(self._zuora).read(number)

    def carry_out(self, kind: str, work: Work) -> Done:
        """Raises `StepFailed`."""
        steps: Mapping[str, Callable[[Work], Done]] = {
            "zuora_account": self._account,
            "zuora_payment_method": self._payment_method,
            "zuora_order": self._order,
            "zuora_contact": self._contact,
            "zuora_payment": self._payment,
        }
        with _judged():
            return steps[kind](work)

    def _sending(self, work: Work) -> Sending:
        step = f"{self._setup.stage}/{work.order.id}/{work.step.step}"
        return Sending(step, work.step.generation)

    def _partner(self, work: Work) -> PartnerOrganisation | None:
        id = work.order.partner_org
        stored = self._organisation(id) if id else None
        partner = stored.acting() if stored else None
        if partner is not None and partner.is_zuora_invoice_owner:
            _check_currency(work, partner.currency)
        return partner

    def _account(self, work: Work) -> Done:
        """The customer's account: the one it has, or a new one under the number we chose."""
        customer = _customer_of(work)
        number, known = customer.data.zuora.account_number, customer.data.zuora.account_id
        if number is None:
            raise _refused("The customer has no account number.")
        if known is not None:
            return Done({"accountId": known, "accountNumber": number})
        there = self._find_account(number) if work.is_repeat else None
        if there is None:
            try:
                made = self._zuora.create_account(
                    self._new_account(work, customer, number), self._sending(work)
                )
            except ZuoraFailed as failure:
                # A number that is taken may have been taken by us.
                there = self._find_account(number) if failure.verdict == "refused" else None
                if there is None:
                    raise
            else:
                partner = self._partner(work)
                parent = partner.zuora_account_id if partner else None
                return _account_done(made.account_id, number, parent)
        return _account_done(there.basic_info.id, number, there.basic_info.parent_id)

    def _find_account(self, number: str) -> ZuoraAccount | None:
        try:
            return self._zuora.account(number)
        except UnknownToZuora:
            return None

    def _new_account(self, work: Work, customer: Customer, number: str) -> requests.NewAccount:
        data, partner = customer.data, self._partner(work)
        card = work.order.payment_method if self._setup.auto_pay else None
        delivery = work.addresses.get("delivery")
        crm = data.salesforce.account_id if data.salesforce else None
        return requests.NewAccount(
            account_number=number,
            name=data.company_name or f"{data.first_name or ''} {data.last_name or ''}".strip(),
            currency=data.currency or "",
            # Zuora wants both or neither.
            auto_pay=card is not None,
            hpm_credit_card_payment_method_id=card,
            parent_id=partner.zuora_account_id if partner else None,
            crm_id=crm,
            payment_term=self._setup.payment_term or None,
            bill_to_contact=_contact(customer, work.addresses.get("billing")),
            sold_to_contact=_contact(customer, delivery) if delivery is not None else None,
        )

    def _payment_method(self, work: Work) -> Done:
        """The card that the order names is the account's, and pays by default.

        Each of these writes sets a value: repeating it is safe.
        """
        card = work.order.payment_method
        number = _customer_of(work).data.zuora.account_number
        if card is None or number is None:
            raise _refused("The order names no payment method of a Zuora account.")
        methods = self._zuora.payment_methods(number)
        if methods.find(card) is None:
            self._zuora.attach_payment_method(card, number)
            methods = self._zuora.payment_methods(number)
        found = methods.find(card)
        if found is None or not found.is_usable:
            raise _refused(
                "Zuora does not list the payment method under the customer's account, or it is"
                " not active.",
                code="payment_method_unusable",
            )
        if not self._pays(number, card):
            wanted = requests.AccountChange(
                default_payment_method_id=card, auto_pay=True if self._setup.auto_pay else None
            )
            self._zuora.change_account(number, wanted)
            if not self._pays(number, card):
                raise _unavailable("Zuora has not made it the default payment method yet.")
        return Done({"paymentMethodId": card}, method=shown_method(found))

    def _pays(self, number: str, card: str) -> bool:
        billing = self._zuora.account(number).billing_and_payment
        if billing is None or billing.default_payment_method_id != card:
            return False
        return bool(billing.auto_pay) or not self._setup.auto_pay

    def _order(self, work: Work) -> Done:
        number = work.order.reference or ""
        if work.item is not None:
            number = f"{number}-{work.item}"
        if work.is_repeat and (done := self._find_order(number)) is not None:
            return done
        if work.order.order_type == "new":
            wanted: requests.OrderRequest | None = self._creation(number, work)
        else:
            wanted = self._change(number, work)
        if wanted is None:
            return Done({"orderNumber": number})
        try:
            placed = self._zuora.place_order(wanted, self._sending(work))
        except ZuoraFailed as failure:
            if failure.verdict != "refused":
                raise
            if _WRONG_ACCOUNT in failure.codes and not (work.step.result or {}).get("account"):
                raise _once_more(failure) from failure
            # A number that is taken may have been taken by us.
            found = self._find_order(number)
            if found is None:
                raise
            return found
        return _settled(placed.outcome, number, "order")

    def _find_order(self, number: str) -> Done | None:
        try:
            state = self._zuora.order(number)
        except UnknownToZuora:
            return None
        return _settled(state.outcome, number, "order")

    def _creation(self, number: str, work: Work) -> requests.OrderRequest:
        partner = self._partner(work)
        invoiced = partner if partner and partner.is_zuora_invoice_owner else None
        account = _customer_of(work).data.zuora.account_number or ""
        payer = Payer(
            account, invoiced.zuora_account_number if invoiced else None, self._setup.owner_style
        )
        offers = [offer for holding in work.holdings for offer in holding.all_offers]
        return creation(
            number,
            work.holdings,
            payer,
            self._plans(offers),
            today=work.today,
            run_billing=self._setup.run_billing,
            collect=invoiced is None and self._has_default(account),
        )

    def _change(self, number: str, work: Work) -> requests.OrderRequest | None:
        holding = _only(work)
        alteration = next(a for a in work.order.alterations if a.subscription == holding.id)
        read = self._zuora.subscription(holding.name or "")
        owner = read.account_number
        payer = read.invoice_owner_account_number or owner
        under_owner = (work.step.result or {}).get("account") == "owner"
        added = [offer for offer in holding.all_offers if offer.id in alteration.adds]
        return change(
            number,
            work.order.order_type,
            alteration,
            holding,
            read,
            self._plans(added),
            account=owner if under_owner else payer,
            today=work.today,
            run_billing=self._setup.run_billing,
            collect=payer == owner and self._has_default(owner),
        )

    def _plans(self, offers: list[SubscriptionOffer]) -> dict[str, ProductRatePlan]:
        wanted = sorted(plans_needed(offers))
        return {id: self._zuora.product_rate_plan(id) for id in wanted}

    def _has_default(self, number: str) -> bool:
        """Without billing at once there is nothing to collect, and nothing is asked."""
        if not self._setup.run_billing:
            return False
        billing = self._zuora.account(number).billing_and_payment
        return billing is not None and billing.default_payment_method_id is not None

    def _contact(self, work: Work) -> Done:
        customer = _customer_of(work)
        kind = work.order.data.get("addressType", "billing")
        account = self._zuora.account(customer.data.zuora.account_number or "")
        billing, delivery = account.bill_to_contact, account.sold_to_contact
        contact = delivery if kind == "delivery" else billing
        if contact is None or contact.id is None:
            raise _refused(f"The Zuora account has no {kind} contact.")
        self._zuora.change_contact(contact.id, _contact(customer, work.addresses.get(kind)))
        shared = billing is not None and delivery is not None and billing.id == delivery.id
        # One record serves as both: both addresses have changed.
        return Done({"contactId": contact.id, **({"isShared": True} if shared else {})})

    def _payment(self, work: Work) -> Done:
        asked = work.order.data["invoice"]
        reference = work.order.reference or ""
        invoice = self._zuora.invoice(asked["id"])
        if work.is_repeat:
            made = self._zuora.find_payment(invoice.account_id, reference)
            if made is not None:
                return _settled(made.outcome, made.id, "payment")
        account = self._zuora.account(invoice.account_id)
        billing = account.billing_and_payment
        method = billing.default_payment_method_id if billing else None
        if method is None:
            raise _refused(
                "The account has no default payment method.", code="payment_method_missing"
            )
        items = [
            requests.PaidItem(invoice_item_id=item["id"], amount=Decimal(str(item["amount"])))
            for item in asked.get("items") or ()
        ]
        said = asked.get("amount")
        amount = sum((item.amount for item in items), Decimal(0)) or invoice.balance
        if said is not None:
            amount = Decimal(str(said))
        paid = self._zuora.create_payment(
            requests.NewPayment(
                account_id=invoice.account_id,
                amount=amount,
                currency=invoice.currency or (billing.currency if billing else None) or "",
                payment_method_id=method,
                gateway_order_id=reference,
                comment=requests.payment_comment(reference),
                invoices=(
                    requests.PaidInvoice(
                        invoice_id=invoice.id, amount=amount, items=tuple(items) or None
                    ),
                ),
            ),
            self._sending(work),
        )
        return _settled(paid.outcome, paid.id, "payment")


def _only(work: Work) -> Holding:
    if not work.holdings:
        raise _refused("The subscription of this order is gone.")
    return work.holdings[0]


def _customer_of(work: Work) -> Customer:
    if work.customer is None:
        raise _refused("The customer of this order is gone.")
    return work.customer


def _check_currency(work: Work, paid_in: str | None) -> None:
    """It was not known at acceptance if Zuora was not connected when the organisation was made."""
    for holding in work.holdings:
        if paid_in is not None and holding.data.currency not in (None, paid_in):
            raise _refused(
                f"The partner's account is in {paid_in}, the order in {holding.data.currency}.",
                code="currency_mismatch",
            )


def _account_done(id: str, number: str, parent: str | None) -> Done:
    known = {"account_id": id, "parent_id": parent}
    return Done(
        {"accountId": id, "accountNumber": number},
        account={name: value for name, value in known.items() if value is not None},
    )


def _contact(customer: Customer, address: Address | None) -> requests.ContactDetails:
    data, at = customer.data, address.data if address is not None else None
    first = (at and at.first_name) or data.first_name
    last = (at and at.last_name) or data.last_name
    return requests.ContactDetails(
        # Zuora wants both; a firm may have given neither.
        first_name=first or "-",
        last_name=last or data.company_name or "-",
        work_email=(at and at.email) or data.email,
        work_phone=(at and at.phone) or data.phone,
        address1=at and at.address1,
        address2=at and at.address2,
        city=at and at.city,
        state=at and at.state,
        zip_code=at and at.postal_code,
        country=at and at.country,
    )


def _settled(outcome: Outcome, name: str, kind: str) -> Done:
    """What Zuora did with an order or a payment that it took."""
    if outcome == "done":
        return Done({f"{kind}Number" if kind == "order" else f"{kind}Id": name})
    if outcome == "unsettled":
        raise _unavailable(f"Zuora has not decided on the {kind} yet.")
    code = "payment_declined" if kind == "payment" else "zuora_failed"
    said = "The payment was declined." if kind == "payment" else "Zuora took the order and failed."
    raise _refused(said, code=code)


def _refused(message: str, *, code: str = "zuora_failed") -> StepFailed:
    return StepFailed("refused", Trouble("zuora", code, message))


def _unavailable(message: str) -> StepFailed:
    return StepFailed("unavailable", Trouble("zuora", "zuora_failed", message))


def _once_more(failure: ZuoraFailed) -> StepFailed:
    """Under the owner's account, since this tenant does not want it under the invoice owner's."""
    return StepFailed(
        "unavailable", _trouble(failure), same_key=False, learned={"account": "owner"}
    )


def _trouble(failure: ZuoraFailed) -> Trouble:
    hints = {code % 100 for code in failure.codes} & set(_ABOUT_OWNERS)
    text = failure.vendor_text + (_OWNER_HINT if hints else "")
    return Trouble(
        system="zuora",
        code="zuora_failed",
        message=failure.message,
        codes=failure.codes,
        request_id=failure.request_id,
        text=text.strip() or None,
    )


@contextmanager
def _judged() -> Iterator[None]:
    """What the client raises, as the steps of an order are judged."""
    try:
        yield
    except ZuoraFailed as failure:
        is_internal = any(code % 100 == _INTERNAL for code in failure.codes)
        raise StepFailed(
            failure.verdict,
            _trouble(failure),
            same_key=failure.keeps_key,
            retry_after=failure.retry_after,
            is_strike=failure.verdict == "credentials"
            or (is_internal and failure.verdict == "unavailable"),
        ) from failure
    except NotFound as unknown:
        trouble: dict[str, Any] = {"code": unknown.wire_code, "message": unknown.message}
        raise StepFailed("refused", Trouble("zuora", **trouble)) from unknown
    except Refusal as refusal:
        # The account or the subscription cannot be used as it stands in Zuora.
        trouble = {"code": refusal.wire_code, "message": refusal.message}
        raise StepFailed("refused", Trouble("zuora", **trouble)) from refusal
