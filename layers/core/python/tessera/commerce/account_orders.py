"""Orders about the customer's account: another address, another payment method, a paid invoice.

They change no entitlement and lock nothing. What is changed is written at commit; the billing
system follows behind. Source: README, "Orders".
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from tessera import clock, ids, money
from tessera.commerce.acceptance import Naming, Placed, answer, identifying, once
from tessera.commerce.account_requests import (
    AnyAccountOrder,
    ChangeAddress,
    ChangePayment,
    PayInvoice,
)
from tessera.commerce.altered_details import KINDS, altered
from tessera.commerce.billed_objects import address_id
from tessera.commerce.buyers import Moment
from tessera.commerce.callers import Caller
from tessera.commerce.change_rules import reached, subscription_named
from tessera.commerce.commits import Commit, OwnerBusy
from tessera.commerce.entitlements import Announcements, Ownership
from tessera.commerce.models import (
    Address,
    AddressData,
    AddressKind,
    AlteredDetails,
    Customer,
    Holding,
    Order,
    Owner,
)
from tessera.commerce.order_clock import clock_of
from tessera.commerce.order_requests import AddressDetails, CustomerDetails
from tessera.commerce.owners import present
from tessera.errors import ChangePending, NotFound, invalid
from tessera.identity.principal import PartnerOrganisation
from tessera.objects import Record

FORM_COUNTS_FOR = timedelta(hours=1)
"""How long after opening a card form its result may be named."""

_PERSON = ("first_name", "last_name", "company", "email", "phone")
"""Members of an address that tell who lives there."""


class Invoice(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def account_id(self) -> str: ...

    @property
    def balance(self) -> Decimal: ...

    @property
    def currency(self) -> str | None: ...

    @property
    def status(self) -> str | None: ...


class Methods(Protocol):
    def has_method(self, account_number: str, method: str) -> bool:
        """Is it listed under that account, and usable?"""

    def has_default_method(self, account_number: str | None) -> bool:
        """Does the account pay by itself? Also true where no billing system is connected."""


class Billing(Methods, Protocol):
    """The billing system, read at this moment. All raise what it raises when it fails."""

    def require(self) -> None:
        """Raises `ZuoraNotConfigured` where no billing system is connected."""

    def invoice(self, id: str) -> Invoice:
        """Raises `NotFound`."""

    def account_number(self, account_id: str) -> str: ...


class Forms(Protocol):
    def has_opened_form(self, caller: Caller, *, since: datetime) -> bool:
        """Did this caller open a card form of the billing system since then?"""


class Owners(Protocol):
    def order(self, id: str) -> Order | None: ...

    def ownership(self, owner: str) -> Ownership | None: ...

    def holding(self, subscription: str) -> Holding | None: ...

    def customer(self, id: str) -> Customer | None: ...

    def customer_with_addresses(
        self, customer: str, addresses: Sequence[str]
    ) -> tuple[Customer | None, dict[str, Address]]: ...

    def commit(self, change: Commit) -> None:
        """Raises `Outdated` or `Exists`."""


class Stored(Protocol):
    """A partner organisation as it is stored."""

    def acting(self) -> PartnerOrganisation: ...


class Partners(Protocol):
    def active(self, id: str) -> Stored | None: ...


class Prepared(NamedTuple):
    """What an order would write, every rule checked."""

    order: Order
    commit: Commit


class Desk(NamedTuple):
    """Where these orders look."""

    owners: Owners
    partners: Partners
    billing: Callable[[], Billing]
    """Connected to when it is needed."""
    forms: Forms


def place(
    request: AnyAccountOrder,
    submitted: Mapping[str, Any],
    *,
    caller: Caller,
    desk: Desk,
    moment: Moment,
) -> Placed:
    """The order as accepted, or the earlier one of the same `external_id`.

    Raises `InvalidFields`, `NotFound`, `ChangePending`, `OrderExists`, `OwnerBusy` and what the
    billing system raises.
    """
    subscription = None if isinstance(request, PayInvoice) else subscription_named(request)

    def commit(naming: Naming) -> Order:
        prepared = prepare(request, naming, caller=caller, desk=desk, moment=moment)
        desk.owners.commit(prepared.commit)
        return prepared.order

    placed = once(
        commit,
        external_id=identifying(request.external_id, subscription),
        scope=caller.scope,
        submitted=submitted,
        orders=desk.owners,
    )
    return answer(placed)


def prepare(
    request: AnyAccountOrder, naming: Naming, *, caller: Caller, desk: Desk, moment: Moment
) -> Prepared:
    """All that the order writes, nothing of it written."""
    if isinstance(request, PayInvoice):
        return _payment(request, naming, caller, desk, moment)
    holding, ownership = _subject(request, caller, desk.owners)
    address_ids = {kind: address_id(holding.customer or "", kind) for kind in KINDS}
    customer, found = desk.owners.customer_with_addresses(
        holding.customer or "", list(address_ids.values())
    )
    if customer is None:
        raise NotFound("This subscription has no customer.", code="not_found")
    _refuse_before_account(customer, holding)
    order = _order(request, naming, caller, moment, holding)
    if isinstance(request, ChangePayment):
        return _method_changed(request, order, customer, ownership, caller, desk, moment)
    addresses = {kind: found.get(id) for kind, id in address_ids.items()}
    return _address_changed(request, order, customer, addresses, ownership, moment)


def _address_changed(
    request: ChangeAddress,
    order: Order,
    customer: Customer,
    addresses: Mapping[AddressKind, Address | None],
    ownership: Ownership,
    moment: Moment,
) -> Prepared:
    details = request.customer_details
    if request.address is None and details is None:
        raise invalid("address", "Give an address, customerDetails or both.", "required")
    if request.address is not None and not request.address.model_dump(exclude_none=True):
        raise invalid("address", "This address says nothing. Leave it out to keep it.", "required")
    telling = Announcements(ownership, now=moment.now, today=moment.today)
    creates: list[Record] = []
    replaces: list[Record] = []
    changes: list[AlteredDetails] = []
    if request.address is not None:
        telling.tell("order.address_changed", order.wire())
    if details is not None:
        telling.tell("order.customer_updated", order.wire())
        known, customer = customer, _renewed(customer, details, telling.now)
        replaces.append(customer)
        changes.append(altered(known, customer))
        telling.tell("customer.updated", customer.wire())
    if request.address is not None:
        before = addresses[request.address_type]
        address = _moved(request, request.address, customer, before, telling.now)
        (creates if before is None else replaces).append(address)
        changes.append(altered(before, address))
        if before is None:
            partner = customer.partner_org
            telling.happened("address.added", mode=moment.mode, partner_org=partner)
    elif (billing := addresses["billing"]) is not None:
        updated = clock.after(billing.updated, telling.now)
        named = billing.data.model_copy(update=_person(customer))
        renamed = billing.model_copy(update={"data": named, "updated": updated})
        replaces.append(renamed)
        changes.append(altered(billing, renamed))
    order = order.model_copy(update={"altered_details": tuple(changes)})
    return Prepared(order, _commit(telling, ownership.owner.updated, [order, *creates], replaces))


def _method_changed(
    request: ChangePayment,
    order: Order,
    customer: Customer,
    ownership: Ownership,
    caller: Caller,
    desk: Desk,
    moment: Moment,
) -> Prepared:
    if request.payment.type != "zuora" or request.payment.zuora is None:
        text = "payment.zuora.refId names the payment method"
        raise invalid("payment.zuora.refId", text, "required")
    desk.billing().require()
    method = request.payment.zuora.ref_id
    check_method(method, customer, caller, desk.billing, desk.forms, moment.now)
    order = order.model_copy(update={"payment_method": method})
    telling = Announcements(ownership, now=moment.now, today=moment.today)
    telling.tell("order.payment_method_changed", order.wire())
    return Prepared(order, _commit(telling, ownership.owner.updated, [order], []))


def check_method(
    method: str,
    customer: Customer | None,
    caller: Caller,
    billing: Callable[[], Methods],
    forms: Forms,
    now: datetime,
) -> None:
    """Else anybody's card could be named. Middleware and staff answer for what they name.

    It is used only once the billing system lists it under the account; that is looked at again
    when the order is carried out.
    """
    if caller.is_company:
        return
    if forms.has_opened_form(caller, since=now - FORM_COUNTS_FOR):
        return
    number = customer.data.zuora.account_number if customer is not None else None
    if number is None or not billing().has_method(number, method):
        raise invalid(
            "payment.zuora.refId",
            "This payment method is not one of yours. Add it on the card form, then use it within"
            " an hour.",
        )


def check_default_method(customer: Customer, billing: Callable[[], Methods]) -> None:
    """Raises `InvalidFields` where nothing would pay for what the customer buys."""
    if not billing().has_default_method(customer.data.zuora.account_number):
        raise invalid(
            "payment",
            "payment is required: this customer has no default payment method.",
            "required",
        )


def _payment(
    request: PayInvoice, naming: Naming, caller: Caller, desk: Desk, moment: Moment
) -> Prepared:
    wanted = request.invoice
    billing = desk.billing()
    billing.require()
    invoice = billing.invoice(wanted.id)
    payer = _payer(invoice, caller, desk, billing)
    currency = invoice.currency or ""
    amount = _amount(request, invoice)
    paid: dict[str, Any] = {
        "id": invoice.id,
        "accountId": invoice.account_id,
        "currency": currency,
        "amount": money.text(amount, currency),
    }
    if wanted.items:
        paid["items"] = [
            {"id": item.id, "amount": money.text(item.amount, currency)} for item in wanted.items
        ]
    order = _order(request, naming, caller, moment, None).model_copy(
        update={
            "owner": payer.owner,
            "customer": payer.customer,
            "partner_org": payer.partner_org,
            "data": {**request.accepted(), "invoice": paid},
        }
    )
    known = desk.owners.ownership(payer.owner)
    if known is None and payer.customer is None:
        owner = Owner(
            id=payer.owner,
            mode=moment.mode,
            partner_org=payer.partner_org,
            created=moment.now,
            updated=moment.now,
        )
        ownership, seen = Ownership(owner=owner), None
    else:
        ownership = _writable(known, payer.owner)
        seen = ownership.owner.updated
    telling = Announcements(ownership, now=moment.now, today=moment.today)
    telling.tell("order.payment_submitted", order.wire())
    return Prepared(order, _commit(telling, seen, [order], []))


class _Payer(NamedTuple):
    owner: str
    """For an account that is no customer's, as a partner's own, the one a sync would give it."""
    customer: str | None
    partner_org: str | None


def _payer(invoice: Invoice, caller: Caller, desk: Desk, billing: Billing) -> _Payer:
    """Whose account is billed: only one's own is paid. Raises `NotFound`."""
    if caller.kind == "customer":
        ownership = present(desk.owners.ownership(caller.owner or ""), caller.owner or "")
        for owned in ownership.customers:
            customer = desk.owners.customer(owned.id)
            if customer is not None and customer.data.zuora.account_id == invoice.account_id:
                return _Payer(ownership.owner.id, customer.id, customer.partner_org)
    elif caller.kind == "partner":
        stored = desk.partners.active(caller.partner_org or "")
        organisation = stored.acting() if stored else None
        if organisation is not None:
            known, number = organisation.zuora_account_id, organisation.zuora_account_number
            is_own = known == invoice.account_id
            if number is None:
                # Not looked up yet: known by what it was made with, an id or a number.
                number = billing.account_number(invoice.account_id)
                is_own = is_own or known == number
            if is_own:
                return _Payer(ids.owner_id_of_account(number), None, organisation.id)
    else:
        number = billing.account_number(invoice.account_id)
        customer = desk.owners.customer(ids.customer_id(number))
        if customer is not None and customer.owner is not None:
            return _Payer(customer.owner, customer.id, customer.partner_org)
        return _Payer(ids.owner_id_of_account(number), None, None)
    raise NotFound(f"There is no invoice {invoice.id[:60]}.", code="not_found")


def _amount(request: PayInvoice, invoice: Invoice) -> Decimal:
    """What is paid of the invoice. Raises `InvalidFields`."""
    wanted = request.invoice
    if wanted.items and wanted.amount is not None:
        raise invalid("invoice.amount", "Name items or one amount, not both.")
    field = "invoice.items" if wanted.items else "invoice.amount"
    amount = sum((item.amount for item in wanted.items), Decimal(0)) or wanted.amount
    if amount is None:
        raise invalid(field, "Say how much of the invoice is paid.", "required")
    if (invoice.status or "").casefold() != "posted":
        raise invalid("invoice.id", "This invoice is not open for payment.")
    if len({item.id for item in wanted.items}) < len(wanted.items):
        raise invalid(field, "Name each item of the invoice once.")
    currency = invoice.currency or ""
    given = [item.amount for item in wanted.items] or [amount]
    if any(one != money.rounded(one, currency) for one in given):
        raise invalid(field, f"{currency} has {money.decimals(currency)} decimals.")
    if amount > invoice.balance:
        open_ = money.text(invoice.balance, currency)
        raise invalid(field, f"Only {open_} {currency} of this invoice is left to be paid.")
    return amount


def _order(
    request: AnyAccountOrder,
    naming: Naming,
    caller: Caller,
    moment: Moment,
    holding: Holding | None,
) -> Order:
    data = request.accepted()
    if holding is not None:
        data["forSubscription"] = {"id": holding.id, "name": holding.name}
    return Order(
        id=naming.id,
        mode=moment.mode,
        name=naming.reference,
        reference=naming.reference,
        owner=holding.owner if holding else None,
        customer=holding.customer if holding else None,
        partner_org=holding.partner_org if holding else None,
        created=moment.now,
        updated=moment.now,
        order_type=request.order_type,
        external_id=request.external_id,
        source=request.source or caller.source,
        order_date=request.order_date or moment.now,
        subscriptions=(holding.id,) if holding else (),
        placed_by=caller.placed_by,
        data=data,
        fingerprint=naming.fingerprint,
        provisioning=clock_of(request.order_type, moment.now),
    )


def _commit(
    telling: Announcements,
    seen: datetime | None,
    creates: Sequence[Record],
    replaces: Sequence[Record],
) -> Commit:
    return Commit(
        ownership=telling.ownership,
        seen=seen,
        creates=creates,
        replaces=replaces,
        events=telling.events,
    )


def _subject(
    request: ChangeAddress | ChangePayment, caller: Caller, owners: Owners
) -> tuple[Holding, Ownership]:
    holding = reached(owners.holding(subscription_named(request)), caller)
    owner = holding.owner or ""
    return holding, _writable(owners.ownership(owner), owner)


def _writable(ownership: Ownership | None, owner: str) -> Ownership:
    there = present(ownership, owner)
    if there.owner.status == "merging":
        raise OwnerBusy("The owner is being merged. Try again in a minute.")
    return there


def _refuse_before_account(customer: Customer, holding: Holding) -> None:
    """Until the account of a new customer is there, nothing of it can be changed."""
    pending = holding.data.pending_change
    if customer.data.zuora.account_id is None and pending is not None:
        if pending.order_type != "new":
            return
        raise ChangePending(
            "The customer's account is still being made. Try again in a minute.",
            order=pending.order,
            effectiveDate=clock.zoneless(pending.effective_date),
        )


def _renewed(customer: Customer, details: CustomerDetails, now: datetime) -> Customer:
    given = details.model_dump(exclude_none=True)
    data = customer.data.model_copy(update=given)
    return customer.model_copy(update={"data": data, "updated": clock.after(customer.updated, now)})


def _moved(
    request: ChangeAddress,
    details: AddressDetails,
    customer: Customer,
    before: Address | None,
    now: datetime,
) -> Address:
    country = details.country or (before.data.country if before else None)
    if country is None:
        raise invalid("address.country", "address.country is required", "required")
    who = before.data.model_dump(include=set(_PERSON)) if before else _person(customer)
    if request.customer_details is not None and request.address_type == "billing":
        who = _person(customer)
    data = AddressData(**who, **{**details.model_dump(), "country": country})
    if before is not None:
        updated = clock.after(before.updated, now)
        return before.model_copy(update={"data": data, "updated": updated})
    return Address(
        id=address_id(customer.id, request.address_type),
        mode=customer.mode,
        owner=customer.owner,
        customer=customer.id,
        partner_org=customer.partner_org,
        relationship_type=request.address_type,
        related=customer.id,
        created=now,
        updated=now,
        data=data,
    )


def _person(customer: Customer) -> dict[str, Any]:
    data = customer.data
    who = (data.first_name, data.last_name, data.company_name, data.email, data.phone)
    return dict(zip(_PERSON, who, strict=True))
