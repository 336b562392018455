"""The steps in which an order is carried out, what each works with and what comes of it."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, NamedTuple, Protocol

from tessera.commerce.billed import Billed
from tessera.commerce.models import (
    Address,
    AddressKind,
    Customer,
    Holding,
    Order,
    OrderWarning,
    ProcessStep,
    ZuoraMethod,
)

CRM_STEP = "salesforce_customer"
REFRESH = "zuora_refresh"
ENDED = ("complete", "skipped", "warning")

_OF_EACH_BUYER = (CRM_STEP, "zuora_account", "zuora_payment_method", "zuora_order")
_STEPS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "change_offer",
            "add_offer",
            "cancel_subscription",
            "add_on",
            "update_subscription",
            "renew",
        ),
        ("zuora_order", REFRESH),
    ),
    "change_address": ("zuora_contact",),
    "change_payment": ("zuora_payment_method",),
    "pay_invoice": ("zuora_payment",),
}

Verdict = Literal["refused", "unavailable", "ambiguous", "credentials"]


class PlannedStep(NamedTuple):
    name: str
    """`zuora_account`, or `zuora_account/1` where each item has an account of its own."""
    kind: str
    item: int | None = None


def planned(order: Order, *, account_per_item: bool) -> tuple[PlannedStep, ...]:
    """The steps of an order, in the order in which they are taken."""
    if order.order_type != "new":
        return tuple(PlannedStep(kind, kind) for kind in _STEPS[order.order_type])
    kinds = [
        kind
        for kind in _OF_EACH_BUYER
        if kind != "zuora_payment_method" or order.payment_method is not None
    ]
    if not account_per_item:
        return tuple(PlannedStep(kind, kind) for kind in (*kinds, REFRESH))
    items = range(len(order.subscriptions))
    of_items = [PlannedStep(f"{kind}/{item}", kind, item) for item in items for kind in kinds]
    return (*of_items, PlannedStep(REFRESH, REFRESH))


class Work(NamedTuple):
    """What a step has to work with."""

    order: Order
    step: ProcessStep
    item: int | None
    holdings: tuple[Holding, ...]
    """Those of the item, else all of the order."""
    customer: Customer | None
    addresses: Mapping[AddressKind, Address]
    """By kind."""
    is_repeat: bool
    """It may have been done already: look before doing it again."""
    today: date


class Done(NamedTuple):
    """What came of a step; `result` is kept with it."""

    result: Mapping[str, Any] = {}
    request_id: str | None = None
    warnings: tuple[OrderWarning, ...] = ()
    account: Mapping[str, str] = {}
    """Members of the customer's `zuora` that are known now."""
    crm_account: Mapping[str, str] = {}
    """Members of its `salesforce`."""
    method: ZuoraMethod | None = None
    """By which its account pays from now on."""


class Trouble(NamedTuple):
    """What went wrong at an outside system, in our words and in its own."""

    system: str
    code: str
    message: str
    codes: tuple[int | str, ...] = ()
    request_id: str | None = None
    text: str | None = None


class StepFailed(Exception):
    """A step came to nothing, for now or for good.

    `same_key`: whether the next send takes the same idempotency key. `is_strike`: of a kind that is
    borne twice at most. `learned` is kept for the next try.
    """

    def __init__(
        self,
        verdict: Verdict,
        trouble: Trouble,
        *,
        same_key: bool = True,
        retry_after: int | None = None,
        is_strike: bool = False,
        learned: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(trouble.message)
        self.verdict = verdict
        self.trouble = trouble
        self.same_key = same_key
        self.retry_after = retry_after
        self.is_strike = is_strike
        self.learned = learned


class Vendor(Protocol):
    """An outside system, as far as orders reach it."""

    @property
    def is_configured(self) -> bool: ...

    def carry_out(self, kind: str, work: Work) -> Done:
        """At most one write. Raises `StepFailed`."""


class BillingVendor(Vendor, Protocol):
    def read(self, number: str) -> Billed:
        """A subscription as it is there now. Raises `StepFailed`."""
