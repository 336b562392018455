"""What callers send to place an order. Members that are not known here are passed over.

Existing clients send more than is needed (README, "Orders"); what would change the price or the
buyer and is not supported is refused by name instead.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
)
from pydantic.alias_generators import to_camel

from tessera import text
from tessera.clock import Day, Instant
from tessera.identity.claims import IdToken

MOST_ITEMS = 5
MOST_ADD_ONS = 5
"""What one transaction holds."""

LINE = AfterValidator(text.line)
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), LINE]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^@\s]+@[^@\s]+$"),
    LINE,
]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Quantity = Annotated[int, Field(ge=1, le=100_000, strict=True)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=100)]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"\S"), LINE]
Source = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"\S"), LINE]


class Request(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
    )


class ChosenOffer(Request):
    id: Id
    version: str | None = None
    """The version whose price the buyer saw."""


class ChosenAddOn(Request):
    id: Id
    quantity: Quantity = 1


class Item(Request):
    offer: ChosenOffer
    quantity: Quantity = 1
    add_ons: Annotated[tuple[ChosenAddOn, ...], Field(max_length=MOST_ADD_ONS)] = ()


class CustomerDetails(Request):
    first_name: Text | None = None
    last_name: Text | None = None
    email: Email | None = None
    company_name: Text | None = None
    phone: Annotated[str, StringConstraints(max_length=40), LINE] | None = None


class AddressDetails(Request):
    address1: Text | None = None
    address2: Annotated[str, StringConstraints(max_length=200), LINE] | None = None
    city: Text | None = None
    state: Annotated[str, StringConstraints(max_length=100), LINE] | None = None
    postal_code: Annotated[str, StringConstraints(max_length=20), LINE] | None = None
    country: Country | None = None


class ZuoraReference(Request):
    ref_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Payment(Request):
    type: Literal["zuora", "invoice"]
    zuora: ZuoraReference | None = None


class NewOrder(Request):
    """An order that makes subscriptions: `order_type` `new`."""

    order_type: Literal["new"] = Field(alias="order_type")
    external_id: ExternalId | None = Field(default=None, alias="external_id")
    source: Source | None = Field(
        default=None, validation_alias=AliasChoices("source", "initiated_source")
    )
    process_immediately: StrictBool = Field(default=False, alias="process_immediately")
    effective_date: Day | None = None
    order_date: Instant | None = None
    order_items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=MOST_ITEMS)]
    owner: Id | None = None
    customer: Id | None = None
    id_token: IdToken | None = Field(default=None, alias="id_token")
    partner_org: Id | None = Field(default=None, alias="partner_org")
    customer_details: CustomerDetails = CustomerDetails()
    billing_details: AddressDetails = AddressDetails()
    delivery_details: AddressDetails | None = None
    payment: Payment | None = None
    country: Country | None = None

    @property
    def buyer_country(self) -> str | None:
        return self.billing_details.country or self.country

    def accepted(self) -> dict[str, Any]:
        """What is kept of it: all but payment references and what identifies a login."""
        kept = self.model_dump(mode="python", by_alias=True, exclude_none=True)
        kept.pop("id_token", None)
        if "payment" in kept:
            kept["payment"] = {"type": kept["payment"]["type"]}
        return kept
