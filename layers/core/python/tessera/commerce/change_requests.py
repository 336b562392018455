"""What callers send to change a subscription. Members that are not known here are passed over.

Existing clients name the subscription and the day in older words as well; two names that disagree
are refused by the rules (README, "Orders").
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, AliasChoices, Field, StrictBool, StringConstraints

from tessera import text
from tessera.clock import Day, Instant
from tessera.commerce.order_requests import (
    LINE,
    ChosenOffer,
    ExternalId,
    Id,
    Quantity,
    Request,
    Source,
)

PARAGRAPHS = AfterValidator(text.paragraphs)

MOST_PARTS = 10
"""Add-ons that one order changes: what one transaction holds beside the rest."""


class ForSubscription(Request):
    """By id or by name, which is its number in Zuora."""

    id: Id | None = None
    name: Id | None = None
    subscription_offer: Id | None = Field(default=None, alias="subscription_offer")
    """Which of its offers, where it has several."""


class Change(Request):
    """What all orders that change a subscription have in common."""

    external_id: ExternalId | None = Field(default=None, alias="external_id")
    source: Source | None = Field(
        default=None, validation_alias=AliasChoices("source", "initiated_source")
    )
    process_immediately: StrictBool = Field(default=False, alias="process_immediately")
    effective_date: Day | None = None
    cancel_date: Day | None = None
    """The older name of `effectiveDate`."""
    order_date: Instant | None = None
    for_subscription: ForSubscription = ForSubscription()
    subscription_id: Id | None = None
    subscription_ref: Id | None = None

    def accepted(self) -> dict[str, Any]:
        """What is kept of it."""
        return self.model_dump(mode="python", by_alias=True, exclude_none=True)


class ChangeOffer(Change):
    """A switch to another offer."""

    order_type: Literal["change_offer"] = Field(alias="order_type")
    offer: ChosenOffer
    quantity: Quantity | None = None
    """As many as now, unless given."""


class AddOffer(Change):
    """A save: a discount for those who were about to leave."""

    order_type: Literal["add_offer"] = Field(alias="order_type")
    offer: ChosenOffer


class CancelReason(Request):
    id: Annotated[str, StringConstraints(min_length=1, max_length=100), LINE] | None = None
    feedback: Annotated[str, StringConstraints(max_length=2000), PARAGRAPHS] | None = None


class CancelData(Request):
    reason: CancelReason | None = None


class CancelSubscription(Change):
    order_type: Literal["cancel_subscription"] = Field(alias="order_type")
    data: CancelData = CancelData()


class AddOnPart(Request):
    """One add-on that is added, of which there shall be more or fewer, or that goes."""

    action: Literal["add", "update", "remove"] = "add"
    id: Id | None = None
    """Of the catalog's add-on."""
    subscription_offer: Id | None = Field(default=None, alias="subscription_offer")
    """Of the one that the subscription holds."""
    quantity: Quantity | None = None


class NamedAddOn(Request):
    id: Id | None = None
    subscription_offer: Id | None = Field(default=None, alias="subscription_offer")
    quantity: Quantity | None = None


class ChangeAddOn(Change):
    """The short form of an update with one add-on."""

    order_type: Literal["add_on"] = Field(alias="order_type")
    action: Literal["add", "update", "remove"] = "add"
    add_on: NamedAddOn
    quantity: Quantity | None = None

    @property
    def part(self) -> AddOnPart:
        return AddOnPart(
            action=self.action,
            id=self.add_on.id,
            subscription_offer=self.add_on.subscription_offer,
            quantity=self.quantity or self.add_on.quantity,
        )


class UpdateSubscription(Change):
    """A switch and add-ons together, on one day."""

    order_type: Literal["update_subscription"] = Field(alias="order_type")
    checkout_id: Id | None = None
    """A basket that holds the rest of the order."""
    offer: ChosenOffer | None = None
    quantity: Quantity | None = None
    add_ons: Annotated[tuple[AddOnPart, ...], Field(max_length=MOST_PARTS)] = ()


class Renew(Change):
    order_type: Literal["renew"] = Field(alias="order_type")


AnyChange: TypeAlias = (
    ChangeOffer | AddOffer | CancelSubscription | ChangeAddOn | UpdateSubscription | Renew
)
