"""What the handlers' signatures do not tell of their answers, for the OpenAPI document. Data only.

Parameters, bodies and most answers are read from the handlers; here stands what is decided further
in: bodies that a rule reads by itself, answers that are put together, and further refusals.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, create_model

from tessera.catalog.models import AddOn, Advice, Entitlement, Offer, Page, Product
from tessera.clock import Instant
from tessera.commerce.acceptance import Placed
from tessera.commerce.customer_search import PartnerCustomer
from tessera.commerce.entitlement_query import OwnerEntitlements
from tessera.commerce.invoices import Invoice
from tessera.commerce.models import Holding, Order
from tessera.commerce.order_bodies import AnyOrder
from tessera.commerce.payment_methods import CardForm
from tessera.commerce.previews import Preview
from tessera.objects import Listed
from tessera.partners.models import Organisation, PartnerUser
from tessera.partners.organisations import Warned
from tessera.webhooks.endpoints import EndpointView
from tessera.webhooks.listing import DeliverySummary
from tessera.webhooks.replays import JobView, Matching
from tessera.webhooks.trials import TrialView

CONFLICT, GONE, CHANGED, PENDING, UPSTREAM = 409, 410, 412, 423, 502

PDF = "application/pdf"
"""An answer that is a file instead of JSON."""


class Operation(NamedTuple):
    gives: Mapping[int, Any] = {}
    """By status; empty as the handler's annotation says."""
    takes: Any = None
    """The body, where the handler does not name its model."""
    refuses: tuple[int, ...] = ()
    """Beside what every operation of its shape refuses."""
    example: Any = None
    """A body that does something."""


class CatalogBody(BaseModel):
    """The members of an item: those of its answer without what Tessera writes by itself.

    Items that it refers to are named `{"$ref": "/entitlements/Web access"}` or by their `id`.
    """

    model_config = ConfigDict(extra="allow")
    name: str
    status: str | None = None


class OrganisationChanges(BaseModel):
    """What may be edited; an empty logo removes it."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = None
    logo: str | None = None


class BasketView(BaseModel):
    """What is chosen, what can be chosen, and what it would cost."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)
    checkout_id: str = Field(alias="checkoutId")
    for_subscription: dict[str, Any] = Field(alias="forSubscription")
    upgrades: list[dict[str, Any]]
    downgrades: list[dict[str, Any]]
    add_ons: list[dict[str, Any]] = Field(alias="addOns")
    save_offers: list[dict[str, Any]] = Field(alias="saveOffers")
    cancel: dict[str, Any]
    selection: dict[str, Any]
    preview: dict[str, Any]
    warnings: list[dict[str, Any]]


class Merged(BaseModel):
    """The owner is part of the other, or becomes so when this is 202."""

    result: dict[str, Any]
    success: bool


class Accepted(BaseModel):
    """It is on a queue; there is nothing to tell yet."""


class AnyObject(BaseModel):
    """Any object: the envelope that all have in common, and what its kind adds."""

    model_config = ConfigDict(extra="allow")
    id: str
    record_type: str
    service: str
    mode: str
    status: str | None = None
    """Events have none."""
    name: str | None = None
    reference: str | None = None
    owner: str | None = None
    customer: str | None = None
    partner_org: str | None = None
    created: Instant
    updated: Instant | None = None


def _page(of: type[BaseModel], cursor: str = "queryMore", **more: Any) -> Any:
    """A page of a list; the cursor is absent on the last one."""
    members: dict[str, Any] = {"items": (list[of], ...), cursor: (str | None, None), **more}  # type: ignore[valid-type]
    return create_model(
        f"{of.__name__}Page", __doc__=f"A page of a list: {of.__name__}.", **members
    )


_Item: TypeAlias = Entitlement | Product | Offer | AddOn | Page


class _Saved(BaseModel):
    warnings: list[Advice]


class SavedEntitlement(Entitlement, _Saved): ...


class SavedProduct(Product, _Saved): ...


class SavedOffer(Offer, _Saved): ...


class SavedAddOn(AddOn, _Saved): ...


class SavedPage(Page, _Saved): ...


_SavedItem: TypeAlias = SavedEntitlement | SavedProduct | SavedOffer | SavedAddOn | SavedPage


class ItemPage(BaseModel):
    """A page of the catalog's items of one kind."""

    items: list[_Item]
    queryMore: str | None = None


class CreatedOrganisation(Organisation):
    warnings: Annotated[list[Warned] | None, Field(default=None)]


_ORDER = {
    "order_type": "new",
    "source": "shop",
    "external_id": "shop-4711",
    "orderItems": [{"offer": {"id": "offer-3f2504e04f8941d39a0c0305e82c3301"}, "quantity": 1}],
    "id_token": {"iss": "https://login.example.com/", "sub": "auth0|67bf2138817314f757da5abc"},
    "customerDetails": {"firstName": "Ana", "lastName": "Lopes", "email": "ana@example.com"},
    "billingDetails": {"country": "GB"},
    "payment": {"type": "invoice"},
}
_CANCEL = {
    "order_type": "cancel_subscription",
    "forSubscription": {"id": "sub-3f2504e04f8941d39a0c0305e82c3301"},
}

_PLACES = Operation(
    {200: Placed, 202: Placed}, AnyOrder, (404, CONFLICT, GONE, PENDING, UPSTREAM), _ORDER
)
_PREVIEWS = Operation({200: Preview}, AnyOrder, (404, CONFLICT, GONE, PENDING, UPSTREAM), _ORDER)
_PLACES_OWN, _PREVIEWS_OWN = (one._replace(example=_CANCEL) for one in (_PLACES, _PREVIEWS))
_INVOICES = Operation({200: _page(Invoice, "cursor")}, refuses=(CONFLICT, 404))
_INVOICE_PDF = Operation({200: PDF, 302: None}, refuses=(CONFLICT,))
_JOB = {200: Matching, 202: JobView}

OPERATIONS: Mapping[str, Operation] = {
    "catalog/archive_item": Operation(refuses=(CONFLICT,)),
    "catalog/create_item": Operation(
        {201: _SavedItem},
        CatalogBody,
        (CONFLICT,),
        {"name": "Web access", "label": "Read every article online", "code": "W2"},
    ),
    "catalog/list_items": Operation({200: ItemPage}),
    "catalog/read_item": Operation({200: _Item}),
    "catalog/replace_item": Operation(
        {200: _SavedItem},
        CatalogBody,
        (CONFLICT,),
        {"name": "Web access", "label": "Read every article", "code": "W2"},
    ),
    "commerce/change_basket": Operation({200: BasketView}, refuses=(CONFLICT, GONE, PENDING)),
    "commerce/list_objects": Operation({200: _page(AnyObject)}),
    "commerce/list_own_invoices": _INVOICES,
    "commerce/list_own_subscriptions": Operation({200: Listed[Holding]}, refuses=(CONFLICT,)),
    "commerce/list_partner_invoices": _INVOICES,
    "commerce/list_payment_methods": Operation(refuses=(CONFLICT,)),
    "commerce/make_default_payment_method": Operation(
        {200: Placed, 202: Placed}, refuses=(CONFLICT, GONE, PENDING, UPSTREAM)
    ),
    "commerce/merge_owners": Operation({200: Merged, 202: Merged}, refuses=(CONFLICT, GONE, 404)),
    "commerce/open_basket": Operation({201: BasketView}, refuses=(CONFLICT, GONE, PENDING, 404)),
    "commerce/open_payment_form": Operation({201: CardForm}, refuses=(CONFLICT, 404)),
    "commerce/place_order": _PLACES,
    "commerce/place_own_order": _PLACES_OWN,
    "commerce/place_partner_order": _PLACES,
    "commerce/place_staff_order": _PLACES,
    "commerce/preview_order": _PREVIEWS,
    "commerce/preview_own_order": _PREVIEWS_OWN,
    "commerce/preview_partner_order": _PREVIEWS,
    "commerce/preview_staff_order": _PREVIEWS,
    "commerce/read_basket": Operation({200: BasketView}, refuses=(GONE, 404)),
    "commerce/read_entitlements": Operation(
        {200: OwnerEntitlements, 304: None}, refuses=(404, GONE)
    ),
    "commerce/read_object": Operation({200: AnyObject}, refuses=(GONE,)),
    "commerce/read_order": Operation({200: Order}),
    "commerce/read_own_entitlements": Operation({200: OwnerEntitlements, 304: None}),
    "commerce/read_own_invoice_pdf": _INVOICE_PDF,
    "commerce/read_own_order": Operation({200: AnyObject}),
    "commerce/read_own_subscription": Operation({200: Holding}),
    "commerce/read_partner_invoice_pdf": _INVOICE_PDF,
    "commerce/receive_zuora_callout": Operation({202: Accepted}),
    "commerce/remove_payment_method": Operation(refuses=(CONFLICT,)),
    "commerce/retry_order": Operation({202: Placed}, refuses=(CONFLICT,)),
    "commerce/sync_subscription": Operation(refuses=(CONFLICT, GONE)),
    "identity/attach_identity": Operation(
        refuses=(CONFLICT, GONE),
        example={
            "id_token": {
                "iss": "https://login.example.com/",
                "sub": "auth0|67bf2138817314f757da5abc",
            }
        },
    ),
    "identity/detach_identity": Operation(refuses=(CONFLICT, GONE)),
    "identity/list_identities": Operation(refuses=(GONE,)),
    "partners/archive_organisation": Operation(refuses=(CONFLICT,)),
    "partners/change_organisation": Operation(
        takes=OrganisationChanges,
        refuses=(CONFLICT,),
        example={"name": "Acme Resellers", "logo": "https://acme.example/logo.png"},
    ),
    "partners/change_user": Operation(refuses=(CONFLICT,), example={"name": "Ann Archer"}),
    "partners/create_organisation": Operation(
        {201: CreatedOrganisation},
        example={
            "name": "Acme Resellers",
            "zuoraAccountId": "A00000042",
            "isZuoraInvoiceOwner": True,
            "salesforceAccountId": "001Dn00000AbCdEIAV",
        },
    ),
    "partners/create_user": Operation(
        {201: PartnerUser},
        refuses=(CONFLICT,),
        example={"name": "Ann", "email": "ann@acme.example"},
    ),
    "partners/invite_user": Operation({202: PartnerUser}, refuses=(CONFLICT,)),
    "partners/list_customer_subscriptions": Operation(
        {200: _page(Holding)}, refuses=(404, CONFLICT)
    ),
    "partners/list_customers": Operation({200: _page(PartnerCustomer, hits=(int, ...))}),
    "partners/list_organisations": Operation({200: _page(Organisation)}),
    "partners/list_partner_offers": Operation({200: _page(Offer)}),
    "partners/list_users": Operation({200: _page(PartnerUser)}),
    "partners/read_customer_subscription": Operation({200: Holding}),
    "partners/read_partner_order": Operation({200: AnyObject}),
    "partners/remove_user": Operation(refuses=(CONFLICT,)),
    "webhooks/cancel_delivery": Operation(refuses=(CONFLICT, GONE)),
    "webhooks/change_endpoint": Operation(refuses=(CONFLICT,)),
    "webhooks/create_endpoint": Operation(
        {201: EndpointView},
        refuses=(CONFLICT,),
        example={"url": "https://access.example.com/hooks", "types": ["entitlements.updated"]},
    ),
    "webhooks/delete_endpoint": Operation(refuses=(CONFLICT,)),
    "webhooks/pause_endpoint": Operation(refuses=(CONFLICT,)),
    "webhooks/recover_deliveries": Operation(
        _JOB, refuses=(CONFLICT,), example={"since": "2026-03-02T09:14:07.512Z", "dry_run": True}
    ),
    "webhooks/replay_deliveries": Operation(
        _JOB, refuses=(CONFLICT,), example={"states": ["exhausted"], "dry_run": True}
    ),
    "webhooks/replay_delivery": Operation({202: DeliverySummary}, refuses=(CONFLICT, GONE)),
    "webhooks/resume_endpoint": Operation(refuses=(CONFLICT,)),
    "webhooks/reveal_secret": Operation(refuses=(CONFLICT,)),
    "webhooks/rotate_secret": Operation(refuses=(CONFLICT,)),
    "webhooks/send_test": Operation({202: TrialView}, refuses=(CONFLICT,)),
}
