"""Placing or previewing an order of any type: which rules it meets, and who may place it.

Source: README, "Orders".
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from tessera.commerce import account_orders, changes, previews, purchase
from tessera.commerce.acceptance import Placed, answer, remembered
from tessera.commerce.account_requests import ChangePayment, PayInvoice
from tessera.commerce.baskets import (
    Basket,
    Checkout,
    Previewing,
    Stored,
    filled_in,
    own_basket,
)
from tessera.commerce.buyers import Known, Labels, Moment
from tessera.commerce.callers import Caller
from tessera.commerce.change_requests import AnyChange, UpdateSubscription
from tessera.commerce.change_rules import reached, subscription_named
from tessera.commerce.commits import Commit
from tessera.commerce.models import Address, Customer, Holding, Order
from tessera.commerce.order_bodies import AnyOrder, read_order
from tessera.commerce.order_requests import NewOrder
from tessera.commerce.previews import Preview, Quotes
from tessera.commerce.waiting import Wait, ended
from tessera.errors import Forbidden, NotFound

_SHOWN_OF_STEP = ("id", "step", "status", "at", "attempts")
"""What outside systems said is for the company."""


class Owners(Known, Protocol):
    def order(self, id: str) -> Order | None: ...

    def holding(self, subscription: str) -> Holding | None: ...

    def customer_with_addresses(
        self, customer: str, addresses: Sequence[str]
    ) -> tuple[Customer | None, dict[str, Address]]: ...

    def commit(self, change: Commit) -> None:
        """Raises `Outdated` or `Exists`."""


class Billing(account_orders.Billing, Quotes, Protocol):
    """The billing system, read and asked at this moment."""


class Desk(NamedTuple):
    """Where orders look."""

    owners: Owners
    shop: purchase.Shop
    partners: account_orders.Partners
    labels: Labels
    baskets: Stored
    billing: Callable[[], Billing]
    """Connected to when it is needed."""
    forms: account_orders.Forms

    @property
    def checkout(self) -> Checkout:
        return Checkout(self.baskets, self.owners, self.shop)

    @property
    def accounts(self) -> account_orders.Desk:
        return account_orders.Desk(self.owners, self.partners, self.billing, self.forms)


def place(body: Any, *, caller: Caller, desk: Desk, moment: Moment, wait: Wait) -> Placed:
    """The order as accepted, as it ended if that is asked for, or an earlier one of its name.

    Raises `InvalidFields`, `Forbidden`, `BasketGone`, and what the rules of its type raise.
    """
    request = read_order(body)
    _check_right(request, caller)
    placed = _placed(request, body, caller, desk, moment)
    return ended(placed, orders=desk.owners, wait=wait) if request.process_immediately else placed


def preview(body: Any, *, caller: Caller, desk: Desk, moment: Moment) -> Preview:
    """What it would cost, everything checked as when it is placed. Raises what `place` raises."""
    request = read_order(body)
    _check_right(request, caller)
    if isinstance(request, NewOrder):
        prepared = purchase.prepare(
            request,
            previews.unnamed(),
            caller=caller,
            owners=desk.owners,
            shop=desk.shop,
            partners=desk.partners,
            labels=desk.labels,
            check_method=_method_check(caller, desk, moment),
            moment=moment,
        )
        customer = desk.owners.customer(prepared.customer.id) or prepared.customer
        return previews.of_purchase(
            prepared, customer=customer, quotes=desk.billing(), moment=moment
        )
    if isinstance(request, AnyChange):
        if isinstance(request, UpdateSubscription) and request.checkout_id is not None:
            request = filled_in(request, _basket(request.checkout_id, caller, desk, moment))
        return _preview_change(request, caller, desk, moment)
    changed = account_orders.prepare(
        request, previews.unnamed(), caller=caller, desk=desk.accounts, moment=moment
    )
    holding = None
    if not isinstance(request, PayInvoice):
        holding = desk.owners.holding(subscription_named(request))
    return previews.of_account(changed.order, holding, moment=moment)


def previewing(caller: Caller, desk: Desk, moment: Moment) -> Previewing:
    """For a basket: what its content would cost."""
    return lambda request: _preview_change(request, caller, desk, moment).wire()


def read_own(id: str, *, caller: Caller, owners: Owners) -> dict[str, Any]:
    """An order of the caller's, as far as it has come. Raises `NotFound`."""
    order = owners.order(id)
    if order is None or not caller.may_see(order):
        raise NotFound("There is no order with this id.", code="not_found")
    shown = order.wire()
    shown["process"] = [
        {name: step[name] for name in _SHOWN_OF_STEP if name in step}
        for step in shown.get("process", ())
    ]
    return shown


def _placed(
    request: AnyOrder, body: dict[str, Any], caller: Caller, desk: Desk, moment: Moment
) -> Placed:
    if isinstance(request, NewOrder):
        return purchase.place(
            request,
            body,
            caller=caller,
            owners=desk.owners,
            shop=desk.shop,
            partners=desk.partners,
            labels=desk.labels,
            check_method=_method_check(caller, desk, moment),
            moment=moment,
        )
    if isinstance(request, AnyChange):
        if isinstance(request, UpdateSubscription) and request.checkout_id is not None:
            return _basket_placed(request, request.checkout_id, body, caller, desk, moment)
        return _changed(request, body, caller, desk, moment)
    return account_orders.place(request, body, caller=caller, desk=desk.accounts, moment=moment)


def _method_check(caller: Caller, desk: Desk, moment: Moment) -> purchase.MethodCheck:
    def check(method: str | None, customer: str | None) -> None:
        known = desk.owners.customer(customer) if customer is not None else None
        if method is not None:
            account_orders.check_method(method, known, caller, desk.billing, desk.forms, moment.now)
        elif known is not None:
            account_orders.check_default_method(known, desk.billing)

    return check


def _changed(
    request: AnyChange, body: dict[str, Any], caller: Caller, desk: Desk, moment: Moment
) -> Placed:
    return changes.place_change(
        request, body, caller=caller, owners=desk.owners, shop=desk.shop, moment=moment
    )


def _basket_placed(
    request: UpdateSubscription,
    checkout: str,
    body: dict[str, Any],
    caller: Caller,
    desk: Desk,
    moment: Moment,
) -> Placed:
    """Placing a basket again answers the order that it became, by its external id for good."""
    scope, orders = caller.scope, desk.owners
    known = remembered(request.external_id, scope=scope, submitted=body, orders=orders)
    if known is not None:
        return answer(known)
    basket = _basket(checkout, caller, desk, moment)
    if basket.order is not None and (earlier := desk.owners.order(basket.order)) is not None:
        return answer(earlier)
    placed = _changed(filled_in(request, basket), body, caller, desk, moment)
    desk.baskets.placed_as(basket.id, placed.id)
    return placed


def _basket(id: str, caller: Caller, desk: Desk, moment: Moment) -> Basket:
    return own_basket(id, caller=caller, baskets=desk.baskets, now=moment.now)


def _preview_change(request: AnyChange, caller: Caller, desk: Desk, moment: Moment) -> Preview:
    holding = reached(desk.owners.holding(subscription_named(request)), caller)
    prepared = changes.prepare(request, caller, holding, desk.shop, moment)
    customer = desk.owners.customer(holding.customer or "")
    if customer is None:
        raise NotFound("This subscription has no customer.", code="not_found")
    return previews.of_change(
        request, prepared, caller=caller, customer=customer, quotes=desk.billing(), moment=moment
    )


def _check_right(request: AnyOrder, caller: Caller) -> None:
    """Who may place what beyond this is decided by the rules of each type."""
    if isinstance(request, ChangePayment) and caller.kind == "partner":
        raise Forbidden(
            "A customer's payment method is changed by the customer or by the company.",
            code="forbidden",
        )
