"""The endpoint table: method, path, function and who may call it. Data only.

The HTTP API, its authorizers and scopes, the functions, the callers that each function admits, the
tests that walk every route and the README's table are all made from it.
"""

from typing import NamedTuple


class Callers(NamedTuple):
    """One kind of caller, and what it needs: a scope of machines, a group of operators."""

    kind: str
    needs: tuple[str, ...] = ()


class Route(NamedTuple):
    method: str
    path: str
    function: str
    """Its folder below `functions/`: `<subject>/<verb_noun>`."""
    who: tuple[Callers, ...]
    """Nobody named: the route is open, and its handler proves the caller itself or needs none."""

    @property
    def key(self) -> str:
        """As the gateway names it: `POST /api/order`."""
        return f"{self.method} {self.path}"


def machine(*scopes: str) -> Callers:
    return Callers("machine", scopes)


ADMIN = Callers("operator", ("admin",))
OPERATOR = Callers("operator", ("admin", "support"))
CUSTOMER = Callers("customer")
PARTNER = Callers("partner")

ADMIN_PAGE = Callers("operator_session", ("admin",))
OPERATOR_PAGE = Callers("operator_session", ("admin", "support"))
"""Pages are open at the gateway: the edge lets in who has a live session of the kind named."""

VISITOR_PAGE = Callers("visitor_session")
"""Who may come is configured with the page."""

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

ROUTES = (
    Route(
        "POST",
        "/api/plugins/zuora/sync/subscription/{id}",
        "commerce/sync_subscription",
        (machine("sync"), OPERATOR),
    ),
    Route("POST", "/api/events/zuora", "commerce/receive_zuora_callout", ()),
    Route("GET", "/api/mma/subscriptions", "commerce/list_own_subscriptions", (CUSTOMER,)),
    Route(
        "GET",
        "/api/entitlements",
        "commerce/read_entitlements",
        (machine("entitlements"), OPERATOR),
    ),
    Route("GET", "/api/mma/entitlements", "commerce/read_own_entitlements", (CUSTOMER,)),
    Route("GET", "/api/mma/invoices", "commerce/list_own_invoices", (CUSTOMER,)),
    Route("GET", "/api/mma/invoices/{id}/pdf", "commerce/read_own_invoice_pdf", (CUSTOMER,)),
    Route("GET", "/api/partner/invoices", "commerce/list_partner_invoices", (PARTNER,)),
    Route("GET", "/api/partner/invoices/{id}/pdf", "commerce/read_partner_invoice_pdf", (PARTNER,)),
    Route("GET", "/api/mma/payment-methods", "commerce/list_payment_methods", (CUSTOMER,)),
    Route("POST", "/api/mma/payment-methods", "commerce/open_payment_form", (CUSTOMER,)),
    Route("DELETE", "/api/mma/payment-methods/{id}", "commerce/remove_payment_method", (CUSTOMER,)),
    Route(
        "GET",
        "/api/objects/limio/{path_type}",
        "commerce/list_objects",
        (machine("objects"), OPERATOR),
    ),
    Route(
        "GET",
        "/api/objects/limio/{path_type}/{id}",
        "commerce/read_object",
        (machine("objects"), OPERATOR),
    ),
    Route("POST", "/api/order", "commerce/place_order", (machine("orders"),)),
    Route(
        "PUT",
        "/api/mma/payment-methods/{id}/default",
        "commerce/make_default_payment_method",
        (CUSTOMER,),
    ),
    Route("POST", "/api/order/preview", "commerce/preview_order", (machine("orders"),)),
    Route("POST", "/api/admin/order", "commerce/place_staff_order", (ADMIN,)),
    Route("POST", "/api/admin/order/preview", "commerce/preview_staff_order", (ADMIN,)),
    Route("POST", "/api/mma/order", "commerce/place_own_order", (CUSTOMER,)),
    Route("POST", "/api/mma/order/preview", "commerce/preview_own_order", (CUSTOMER,)),
    Route("POST", "/api/partner/order", "commerce/place_partner_order", (PARTNER,)),
    Route("POST", "/api/partner/order/preview", "commerce/preview_partner_order", (PARTNER,)),
    Route("POST", "/api/admin/order/{id}/retry", "commerce/retry_order", (OPERATOR,)),
    Route("GET", "/api/order/{id}", "commerce/read_order", (machine("orders"), OPERATOR)),
    Route("GET", "/api/mma/order/{id}", "commerce/read_own_order", (CUSTOMER,)),
    Route("GET", "/api/mma/subscriptions/{id}", "commerce/read_own_subscription", (CUSTOMER,)),
    Route("POST", "/api/checkout/subscription", "commerce/open_basket", (CUSTOMER,)),
    Route("PUT", "/api/checkout/subscription", "commerce/change_basket", (CUSTOMER,)),
    Route("GET", "/api/checkout/subscription", "commerce/read_basket", (CUSTOMER,)),
    Route("POST", "/api/partner/checkout/subscription", "commerce/open_basket", (PARTNER,)),
    Route("PUT", "/api/partner/checkout/subscription", "commerce/change_basket", (PARTNER,)),
    Route("GET", "/api/partner/checkout/subscription", "commerce/read_basket", (PARTNER,)),
    Route(
        "POST",
        "/api/objects/externalidentity/{owner}",
        "identity/attach_identity",
        (machine("identities"), OPERATOR),
    ),
    Route(
        "GET",
        "/api/objects/externalidentity/{owner}",
        "identity/list_identities",
        (machine("identities"), OPERATOR),
    ),
    Route(
        "DELETE",
        "/api/objects/externalidentity/{owner}/{identity}",
        "identity/detach_identity",
        (machine("identities"), ADMIN),
    ),
    Route(
        "POST",
        "/api/objects/owner_change",
        "commerce/merge_owners",
        (machine("identities"), ADMIN),
    ),
    Route("POST", "/api/catalog/{kind}", "catalog/create_item", (machine("catalog"), ADMIN)),
    Route("GET", "/api/catalog/{kind}", "catalog/list_items", (machine("catalog"), OPERATOR)),
    Route("GET", "/api/catalog/{kind}/{id}", "catalog/read_item", (machine("catalog"), OPERATOR)),
    Route("PUT", "/api/catalog/{kind}/{id}", "catalog/replace_item", (machine("catalog"), ADMIN)),
    Route(
        "DELETE", "/api/catalog/{kind}/{id}", "catalog/archive_item", (machine("catalog"), ADMIN)
    ),
    Route(
        "GET",
        "/api/partner-organisations",
        "partners/list_organisations",
        (machine("partners"), OPERATOR),
    ),
    Route(
        "POST",
        "/api/partner-organisation",
        "partners/create_organisation",
        (machine("partners"), ADMIN),
    ),
    Route(
        "GET",
        "/api/partner-organisation/{id}",
        "partners/read_organisation",
        (machine("partners"), OPERATOR),
    ),
    Route(
        "PATCH",
        "/api/partner-organisation/{id}",
        "partners/change_organisation",
        (machine("partners"), ADMIN),
    ),
    Route(
        "DELETE",
        "/api/partner-organisation/{id}",
        "partners/archive_organisation",
        (machine("partners"), ADMIN),
    ),
    Route(
        "POST",
        "/api/partner-organisation/{id}",
        "partners/create_user",
        (machine("partners"), ADMIN),
    ),
    Route(
        "GET",
        "/api/partner-organisation/{id}/users",
        "partners/list_users",
        (machine("partners"), OPERATOR),
    ),
    Route(
        "PATCH",
        "/api/partner-organisation/{id}/users/{user}",
        "partners/change_user",
        (machine("partners"), ADMIN),
    ),
    Route(
        "DELETE",
        "/api/partner-organisation/{id}/users/{user}",
        "partners/remove_user",
        (machine("partners"), ADMIN),
    ),
    Route(
        "POST",
        "/api/partner-organisation/{id}/users/{user}/invitation",
        "partners/invite_user",
        (machine("partners"), ADMIN),
    ),
    Route("GET", "/api/partner/offers", "partners/list_partner_offers", (PARTNER,)),
    Route("GET", "/api/partner/customer", "partners/list_customers", (PARTNER,)),
    Route("GET", "/api/partner/customer/{id}", "partners/read_customer", (PARTNER,)),
    Route("GET", "/api/partner/subscriptions", "partners/list_customer_subscriptions", (PARTNER,)),
    Route(
        "GET", "/api/partner/subscriptions/{id}", "partners/read_customer_subscription", (PARTNER,)
    ),
    Route("GET", "/api/partner/order/{id}", "partners/read_partner_order", (PARTNER,)),
    Route(
        "POST", "/api/webhooks/endpoints", "webhooks/create_endpoint", (machine("webhooks"), ADMIN)
    ),
    Route(
        "GET",
        "/api/webhooks/endpoints",
        "webhooks/list_endpoints",
        (machine("webhooks"), OPERATOR),
    ),
    Route(
        "GET",
        "/api/webhooks/endpoints/{id}",
        "webhooks/read_endpoint",
        (machine("webhooks"), OPERATOR),
    ),
    Route(
        "PATCH",
        "/api/webhooks/endpoints/{id}",
        "webhooks/change_endpoint",
        (machine("webhooks"), ADMIN),
    ),
    Route(
        "DELETE",
        "/api/webhooks/endpoints/{id}",
        "webhooks/delete_endpoint",
        (machine("webhooks"), ADMIN),
    ),
    Route(
        "POST",
        "/api/webhooks/endpoints/{id}/test",
        "webhooks/send_test",
        (machine("webhooks"), OPERATOR),
    ),
    Route(
        "POST",
        "/api/webhooks/endpoints/{id}/rotate-secret",
        "webhooks/rotate_secret",
        (machine("webhooks"), ADMIN),
    ),
    Route("POST", "/api/webhooks/endpoints/{id}/reveal-secret", "webhooks/reveal_secret", (ADMIN,)),
    Route(
        "POST",
        "/api/webhooks/endpoints/{id}/pause",
        "webhooks/pause_endpoint",
        (machine("webhooks"), ADMIN),
    ),
    Route(
        "POST",
        "/api/webhooks/endpoints/{id}/resume",
        "webhooks/resume_endpoint",
        (machine("webhooks"), ADMIN),
    ),
    Route(
        "GET",
        "/api/webhooks/endpoints/{id}/deliveries",
        "webhooks/list_deliveries",
        (machine("webhooks"), OPERATOR),
    ),
    Route(
        "POST",
        "/api/webhooks/endpoints/{id}/replays",
        "webhooks/replay_deliveries",
        (machine("webhooks"), OPERATOR),
    ),
    Route(
        "GET",
        "/api/webhooks/endpoints/{id}/replays/{job}",
        "webhooks/read_replay",
        (machine("webhooks"), OPERATOR),
    ),
    Route(
        "POST",
        "/api/webhooks/endpoints/{id}/recover",
        "webhooks/recover_deliveries",
        (machine("webhooks"), OPERATOR),
    ),
    Route("GET", "/api/webhooks/hosts", "webhooks/list_hosts", (machine("webhooks"), OPERATOR)),
    Route("PUT", "/api/webhooks/hosts/{host}", "webhooks/put_host", (machine("webhooks"), ADMIN)),
    Route(
        "DELETE", "/api/webhooks/hosts/{host}", "webhooks/delete_host", (machine("webhooks"), ADMIN)
    ),
    Route("GET", "/api/webhooks/events", "webhooks/list_events", (machine("webhooks"), OPERATOR)),
    Route(
        "GET",
        "/api/webhooks/events/{event}",
        "webhooks/read_event",
        (machine("webhooks"), OPERATOR),
    ),
    Route(
        "GET",
        "/api/webhooks/deliveries/{event}/{endpoint}",
        "webhooks/read_delivery",
        (machine("webhooks"), OPERATOR),
    ),
    Route(
        "POST",
        "/api/webhooks/deliveries/{event}/{endpoint}/replay",
        "webhooks/replay_delivery",
        (machine("webhooks"), OPERATOR),
    ),
    Route(
        "POST",
        "/api/webhooks/deliveries/{event}/{endpoint}/cancel",
        "webhooks/cancel_delivery",
        (machine("webhooks"), OPERATOR),
    ),
    Route("GET", "/", "pages/home", ()),
    Route("GET", "/settings", "pages/home", (OPERATOR_PAGE,)),
    Route("GET", "/settings/profile/partners", "pages/partners", (OPERATOR_PAGE,)),
    Route("GET", "/settings/profile/partners/new", "pages/partners", (ADMIN_PAGE,)),
    Route("POST", "/settings/profile/partners/new", "pages/partners", (ADMIN_PAGE,)),
    Route("GET", "/settings/profile/partners/{id}", "pages/partners", (OPERATOR_PAGE,)),
    Route("GET", "/settings/profile/partners/{id}/edit", "pages/partners", (ADMIN_PAGE,)),
    Route("POST", "/settings/profile/partners/{id}/edit", "pages/partners", (ADMIN_PAGE,)),
    Route("GET", "/settings/profile/partners/{id}/archive", "pages/partners", (ADMIN_PAGE,)),
    Route("POST", "/settings/profile/partners/{id}/archive", "pages/partners", (ADMIN_PAGE,)),
    Route("GET", "/settings/profile/partners/{id}/users/new", "pages/partners", (ADMIN_PAGE,)),
    Route("POST", "/settings/profile/partners/{id}/users/new", "pages/partners", (ADMIN_PAGE,)),
    Route(
        "GET", "/settings/profile/partners/{id}/users/{user}/edit", "pages/partners", (ADMIN_PAGE,)
    ),
    Route(
        "POST", "/settings/profile/partners/{id}/users/{user}/edit", "pages/partners", (ADMIN_PAGE,)
    ),
    Route(
        "GET",
        "/settings/profile/partners/{id}/users/{user}/remove",
        "pages/partners",
        (ADMIN_PAGE,),
    ),
    Route(
        "POST",
        "/settings/profile/partners/{id}/users/{user}/remove",
        "pages/partners",
        (ADMIN_PAGE,),
    ),
    Route(
        "POST",
        "/settings/profile/partners/{id}/users/{user}/invitation",
        "pages/partners",
        (ADMIN_PAGE,),
    ),
    Route("GET", "/objects/webhooks/limio", "pages/webhooks", (OPERATOR_PAGE,)),
    Route(
        "GET",
        "/objects/webhooks/limio/deliveries/{event}/{endpoint}",
        "pages/webhooks",
        (OPERATOR_PAGE,),
    ),
    Route(
        "POST",
        "/objects/webhooks/limio/deliveries/{event}/{endpoint}/replay",
        "pages/webhooks",
        (OPERATOR_PAGE,),
    ),
    Route(
        "GET",
        "/objects/webhooks/limio/deliveries/{event}/{endpoint}/cancel",
        "pages/webhooks",
        (OPERATOR_PAGE,),
    ),
    Route(
        "POST",
        "/objects/webhooks/limio/deliveries/{event}/{endpoint}/cancel",
        "pages/webhooks",
        (OPERATOR_PAGE,),
    ),
    Route("GET", "/objects/webhooks/limio/replay", "pages/webhooks", (OPERATOR_PAGE,)),
    Route("POST", "/objects/webhooks/limio/replay", "pages/webhooks", (OPERATOR_PAGE,)),
    Route("GET", "/objects/webhooks/limio/events", "pages/webhooks", (OPERATOR_PAGE,)),
    Route("GET", "/objects/webhooks/limio/events/{event}", "pages/webhooks", (OPERATOR_PAGE,)),
    Route("GET", "/objects/webhooks/limio/endpoints", "pages/webhooks", (OPERATOR_PAGE,)),
    Route("GET", "/objects/webhooks/limio/endpoints/new", "pages/webhooks", (ADMIN_PAGE,)),
    Route("POST", "/objects/webhooks/limio/endpoints/new", "pages/webhooks", (ADMIN_PAGE,)),
    Route("GET", "/objects/webhooks/limio/endpoints/{id}", "pages/webhooks", (OPERATOR_PAGE,)),
    Route("GET", "/objects/webhooks/limio/endpoints/{id}/edit", "pages/webhooks", (ADMIN_PAGE,)),
    Route("POST", "/objects/webhooks/limio/endpoints/{id}/edit", "pages/webhooks", (ADMIN_PAGE,)),
    Route("POST", "/objects/webhooks/limio/endpoints/{id}/reveal", "pages/webhooks", (ADMIN_PAGE,)),
    Route("GET", "/objects/webhooks/limio/endpoints/{id}/rotate", "pages/webhooks", (ADMIN_PAGE,)),
    Route("POST", "/objects/webhooks/limio/endpoints/{id}/rotate", "pages/webhooks", (ADMIN_PAGE,)),
    Route("GET", "/objects/webhooks/limio/endpoints/{id}/test", "pages/webhooks", (OPERATOR_PAGE,)),
    Route(
        "POST", "/objects/webhooks/limio/endpoints/{id}/test", "pages/webhooks", (OPERATOR_PAGE,)
    ),
    Route("POST", "/objects/webhooks/limio/endpoints/{id}/pause", "pages/webhooks", (ADMIN_PAGE,)),
    Route("GET", "/objects/webhooks/limio/endpoints/{id}/resume", "pages/webhooks", (ADMIN_PAGE,)),
    Route("POST", "/objects/webhooks/limio/endpoints/{id}/resume", "pages/webhooks", (ADMIN_PAGE,)),
    Route("GET", "/objects/webhooks/limio/endpoints/{id}/delete", "pages/webhooks", (ADMIN_PAGE,)),
    Route("POST", "/objects/webhooks/limio/endpoints/{id}/delete", "pages/webhooks", (ADMIN_PAGE,)),
    Route(
        "GET", "/objects/webhooks/limio/endpoints/{id}/recover", "pages/webhooks", (OPERATOR_PAGE,)
    ),
    Route(
        "POST", "/objects/webhooks/limio/endpoints/{id}/recover", "pages/webhooks", (OPERATOR_PAGE,)
    ),
    Route(
        "GET",
        "/objects/webhooks/limio/endpoints/{id}/replays/{job}",
        "pages/webhooks",
        (OPERATOR_PAGE,),
    ),
    Route("GET", "/settings/catalog/entitlements", "pages/catalog", (OPERATOR_PAGE,)),
    Route("GET", "/settings/catalog/entitlements/new", "pages/catalog", (ADMIN_PAGE,)),
    Route("POST", "/settings/catalog/entitlements/new", "pages/catalog", (ADMIN_PAGE,)),
    Route("GET", "/settings/catalog/entitlements/{id}", "pages/catalog", (OPERATOR_PAGE,)),
    Route("POST", "/settings/catalog/entitlements/{id}", "pages/catalog", (ADMIN_PAGE,)),
    Route("GET", "/settings/catalog/products", "pages/catalog", (OPERATOR_PAGE,)),
    Route("GET", "/settings/catalog/products/new", "pages/catalog", (ADMIN_PAGE,)),
    Route("POST", "/settings/catalog/products/new", "pages/catalog", (ADMIN_PAGE,)),
    Route("GET", "/settings/catalog/products/{id}", "pages/catalog", (OPERATOR_PAGE,)),
    Route("POST", "/settings/catalog/products/{id}", "pages/catalog", (ADMIN_PAGE,)),
    Route("GET", "/settings/catalog/products/{id}/entitlements", "pages/catalog", (OPERATOR_PAGE,)),
    Route("POST", "/settings/catalog/products/{id}/entitlements", "pages/catalog", (ADMIN_PAGE,)),
    Route("GET", "/settings/catalog/products/{id}/offers", "pages/catalog", (OPERATOR_PAGE,)),
    Route("GET", "/settings/catalog/offers", "pages/catalog", (OPERATOR_PAGE,)),
    Route("GET", "/settings/catalog/offers/new", "pages/catalog", (ADMIN_PAGE,)),
    Route("POST", "/settings/catalog/offers/new", "pages/catalog", (ADMIN_PAGE,)),
    Route("GET", "/settings/catalog/offers/{id}", "pages/catalog", (OPERATOR_PAGE,)),
    Route("POST", "/settings/catalog/offers/{id}", "pages/catalog", (ADMIN_PAGE,)),
    Route("GET", "/settings/catalog/add-ons", "pages/catalog", (OPERATOR_PAGE,)),
    Route("GET", "/settings/catalog/add-ons/new", "pages/catalog", (ADMIN_PAGE,)),
    Route("POST", "/settings/catalog/add-ons/new", "pages/catalog", (ADMIN_PAGE,)),
    Route("GET", "/settings/catalog/add-ons/{id}", "pages/catalog", (OPERATOR_PAGE,)),
    Route("POST", "/settings/catalog/add-ons/{id}", "pages/catalog", (ADMIN_PAGE,)),
    Route("GET", "/settings/catalog/{kind}/{id}/archive", "pages/catalog", (ADMIN_PAGE,)),
    Route("POST", "/settings/catalog/{kind}/{id}/archive", "pages/catalog", (ADMIN_PAGE,)),
    Route("GET", "/objects/orders/limio", "pages/orders", (OPERATOR_PAGE,)),
    Route("GET", "/objects/orders/limio/{id}", "pages/orders", (OPERATOR_PAGE,)),
    Route("GET", "/objects/orders/limio/{id}/retry", "pages/orders", (OPERATOR_PAGE,)),
    Route("POST", "/objects/orders/limio/{id}/retry", "pages/orders", (OPERATOR_PAGE,)),
    Route("GET", "/objects/identities/limio/{id}", "pages/orders", (OPERATOR_PAGE,)),
    Route("GET", "/objects/identities/limio/{id}/attach", "pages/orders", (OPERATOR_PAGE,)),
    Route("POST", "/objects/identities/limio/{id}/attach", "pages/orders", (OPERATOR_PAGE,)),
    Route(
        "GET",
        "/objects/identities/limio/{id}/identities/{identity}/detach",
        "pages/orders",
        (ADMIN_PAGE,),
    ),
    Route(
        "POST",
        "/objects/identities/limio/{id}/identities/{identity}/detach",
        "pages/orders",
        (ADMIN_PAGE,),
    ),
    Route("GET", "/objects/identities/limio/{id}/merge", "pages/orders", (ADMIN_PAGE,)),
    Route("POST", "/objects/identities/limio/{id}/merge", "pages/orders", (ADMIN_PAGE,)),
    Route(
        "POST",
        "/objects/identities/limio/{id}/subscriptions/{number}/sync",
        "pages/orders",
        (OPERATOR_PAGE,),
    ),
    Route("GET", "/settings/sync", "pages/orders", (OPERATOR_PAGE,)),
    Route("POST", "/settings/sync", "pages/orders", (OPERATOR_PAGE,)),
    Route("GET", "/settings/find", "pages/orders", (OPERATOR_PAGE,)),
    Route("GET", "/settings/pages", "pages/page_settings", (OPERATOR_PAGE,)),
    Route("GET", "/settings/pages/new", "pages/page_settings", (ADMIN_PAGE,)),
    Route("POST", "/settings/pages/new", "pages/page_settings", (ADMIN_PAGE,)),
    Route("GET", "/settings/pages/{id}", "pages/page_settings", (OPERATOR_PAGE,)),
    Route("POST", "/settings/pages/{id}", "pages/page_settings", (ADMIN_PAGE,)),
    Route("GET", "/settings/pages/{id}/view-as", "pages/page_settings", (OPERATOR_PAGE,)),
    Route("GET", "/settings/pages/{id}/archive", "pages/page_settings", (ADMIN_PAGE,)),
    Route("POST", "/settings/pages/{id}/archive", "pages/page_settings", (ADMIN_PAGE,)),
    Route("GET", "/auth/{kind}", "pages/sign_in", ()),
    Route("GET", "/auth/{kind}/callback", "pages/sign_in", ()),
    Route("POST", "/auth/{kind}/sign-out", "pages/sign_in", ()),
    Route("GET", "/assets/{name}", "pages/assets", ()),
    Route("GET", "/openapi.json", "pages/api_document", ()),
    Route("GET", "/reference", "pages/reference", ()),
    *(Route(method, "/api/{path+}", "pages/api_document", ()) for method in _METHODS),
    Route("GET", "/{slug+}", "pages/site", (VISITOR_PAGE,)),
    Route("POST", "/{slug+}", "pages/site", (VISITOR_PAGE,)),
)
