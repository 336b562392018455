"""Reading a body as the order that its `order_type` names."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic import ValidationError

from tessera.commerce.account_requests import (
    AnyAccountOrder,
    ChangeAddress,
    ChangePayment,
    PayInvoice,
)
from tessera.commerce.change_requests import (
    AddOffer,
    AnyChange,
    CancelSubscription,
    ChangeAddOn,
    ChangeOffer,
    Renew,
    UpdateSubscription,
)
from tessera.commerce.order_requests import NewOrder
from tessera.errors import FieldError, InvalidFields, invalid
from tessera.validation import of_validation

AnyOrder: TypeAlias = NewOrder | AnyChange | AnyAccountOrder

MODELS: Mapping[str, type[AnyOrder]] = {
    "new": NewOrder,
    "change_offer": ChangeOffer,
    "add_offer": AddOffer,
    "cancel_subscription": CancelSubscription,
    "add_on": ChangeAddOn,
    "update_subscription": UpdateSubscription,
    "change_address": ChangeAddress,
    "change_payment": ChangePayment,
    "pay_invoice": PayInvoice,
    "renew": Renew,
}
ORDER_TYPES = tuple(MODELS)

_NOT_SUPPORTED = ("orderDiscount", "promoCode", "gift")
"""Passed over, they would let another price be charged than was agreed."""


def read_order(body: Any) -> AnyOrder:
    """Raises `InvalidFields`."""
    if not isinstance(body, Mapping):
        raise invalid("body", "A JSON object as body is required", "required")
    kind = body.get("order_type")
    model = MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        code = "required" if kind is None else "invalid_value"
        raise invalid("order_type", f"order_type is one of {', '.join(ORDER_TYPES)}.", code)
    refused = [name for name in _NOT_SUPPORTED if body.get(name)]
    if refused:
        raise InvalidFields(FieldError(name, "not_supported", _words(name)) for name in refused)
    try:
        return model.model_validate(body)
    except ValidationError as invalid_body:
        raise of_validation(invalid_body.errors(include_url=False)) from None


def _words(name: str) -> str:
    return f"{name} is not supported; without it another price would be charged."
