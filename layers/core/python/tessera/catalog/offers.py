"""What must hold between the fields of offers and add-ons, and what is worth a warning."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from tessera.catalog.models import AddOn, Advice, AnyItem, Charge, Offer, Page, Product, Term
from tessera.errors import FieldError

_PRICE = "data.attributes.price__limio"
_PARTNERS = "data.attributes.eligible_partners__limio"
_CHECKOUT = "data.attributes.checkout__limio"
_LABEL = "data.attributes.label__limio"


def faults(item: Offer | AddOn, named: Mapping[str, AnyItem]) -> Iterator[FieldError]:
    """`named` are the items that it refers to, by id."""
    yield from _price_faults(item.data.attributes.price)
    if len(set(item.rate_plans)) != len(item.rate_plans):
        yield FieldError(
            "data.productBundles", "invalid_value", "two of the products have the same rate plan"
        )
    if item.status == "active":
        yield from _missing_to_sell(item)
    if isinstance(item, Offer):
        yield from _offer_faults(item, named)


def advice(
    item: Offer | AddOn, named: Mapping[str, AnyItem], pages: Callable[[], Sequence[Page]]
) -> Iterator[Advice]:
    """`pages` are all pages of the catalog, asked for only when an offer may be shown on one."""
    about = item.data.attributes
    if item.is_sold_to_partners and not about.eligible_partners:
        yield Advice(
            code="no_eligible_partner",
            message="No partner is eligible, so no partner can buy this",
            field=_PARTNERS,
        )
    if isinstance(item, AddOn) and not item.data.attributes.compatible_products:
        yield Advice(
            code="no_compatible_product",
            message="It is compatible with no product, so it is offered with nothing",
            field="data.attributes.compatible_products__limio",
        )
    is_discount = isinstance(item, Offer) and item.data.record_subtype == "discount"
    products = [named[bundle.product.id] for bundle in item.data.product_bundles]
    if products and not is_discount and not any(map(_has_entitlements, products)):
        yield Advice(
            code="no_entitlement",
            message="None of its products has an entitlement, so buying it opens nothing",
            field="data.productBundles",
        )
    if isinstance(item, Offer) and not is_discount and (about.label or item.is_sold_to_partners):
        yield from _advice_on_pages(item, pages())


def _price_faults(price: Iterable[Charge]) -> Iterator[FieldError]:
    first = None
    for position, charge in enumerate(price):
        at = f"{_PRICE}[{position}]"
        first = first or charge.currency_code
        if charge.currency_code != first:
            yield FieldError(
                f"{at}.currencyCode", "invalid_value", f"a price is in one currency, here {first}"
            )
        if charge.type == "recurring":
            for member in ("repeat_interval", "repeat_interval_type"):
                if getattr(charge, member) is None:
                    yield FieldError(f"{at}.{member}", "required", f"{at}.{member} is required")
        elif charge.repeat_interval is not None or charge.repeat_interval_type is not None:
            yield FieldError(
                f"{at}.repeat_interval", "invalid_value", "what is paid once does not repeat"
            )


def _missing_to_sell(item: Offer | AddOn) -> Iterator[FieldError]:
    if not item.data.product_bundles:
        yield FieldError(
            "data.productBundles", "required", "at least one product is required to activate it"
        )
    for position, bundle in enumerate(item.data.product_bundles):
        if bundle.rate_plan is None:
            yield FieldError(
                f"data.productBundles[{position}].rate_plan",
                "required",
                "its rate plan in Zuora is required to activate it",
            )


def _offer_faults(offer: Offer, named: Mapping[str, AnyItem]) -> Iterator[FieldError]:
    attributes = offer.data.attributes
    yield from _term_faults(attributes.term)
    checkout = attributes.checkout
    if (checkout.checkout_type == "external") != (checkout.external_url is not None):
        yield FieldError(
            f"{_CHECKOUT}.external_url",
            "invalid_value" if checkout.external_url else "required",
            "goes with checkout_type external, and with no other",
        )
    is_discount = offer.data.record_subtype == "discount"
    if offer.data.discount is not None and not is_discount:
        yield FieldError("data.discount", "invalid_value", "goes with record_subtype discount")
    if is_discount and offer.data.discount is None and offer.status == "active":
        yield FieldError("data.discount", "required", "data.discount is required to activate it")
    lists = {
        "upgrade_offers": (attributes.upgrade_offers, "standard"),
        "downgrade_offers": (attributes.downgrade_offers, "standard"),
        "save_offers": (attributes.save_offers, "discount"),
    }
    for name, (references, subtype) in lists.items():
        for position, reference in enumerate(references):
            other = named[reference.id]
            if isinstance(other, Offer) and other.data.record_subtype != subtype:
                yield FieldError(
                    f"data.attributes.{name}__limio[{position}]",
                    "invalid_value",
                    f"{other.name} has not the record_subtype {subtype}",
                )


def _term_faults(term: Term) -> Iterator[FieldError]:
    for member, value in (("length", term.length), ("type", term.type)):
        at = f"data.attributes.term__limio.{member}"
        if term.renewal_type == "TERMED" and value is None:
            yield FieldError(at, "required", f"{at} is required")
        if term.renewal_type == "EVERGREEN" and value is not None:
            yield FieldError(at, "invalid_value", "an evergreen term has no end")


def _has_entitlements(product: AnyItem) -> bool:
    return isinstance(product, Product) and bool(product.entitlements)


def _advice_on_pages(offer: Offer, pages: Sequence[Page]) -> Iterator[Advice]:
    shown = [page for page in pages if page.status != "archived"]
    if offer.is_sold_to_partners and not any(map(_leads_to(offer), shown)):
        yield Advice(
            code="no_partner_checkout",
            message="It is sold to partners but does not lead to a partner checkout page",
            field=_CHECKOUT,
        )
    for position, label in enumerate(offer.data.attributes.label):
        on = [page for page in shown if page.label == label]
        if not on:
            yield Advice(
                code="label_on_no_page",
                message=f"No page shows the offers with the label {label}",
                field=f"{_LABEL}[{position}]",
            )
        for page in on:
            if offer.is_sold_to_partners and page.authentication != "partner":
                yield Advice(
                    code="page_without_partner_sign_in",
                    message=f"The page {page.slug} shows it but needs no partner sign-in",
                    field=f"{_LABEL}[{position}]",
                )


def _leads_to(offer: Offer) -> Callable[[Page], bool]:
    destination = offer.data.attributes.checkout.destination
    address = destination.partition("#")[0].partition("?")[0]

    def leads(page: Page) -> bool:
        is_open = page.status == "active" and page.authentication == "partner"
        return is_open and page.kind == "checkout" and page.slug == address

    return leads
