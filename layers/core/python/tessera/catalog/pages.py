"""What must hold between the fields of a page."""

from collections.abc import Callable, Iterator

from tessera.catalog.models import Page
from tessera.errors import FieldError

ONLY_FOR_PARTNERS = (
    "partner_customers_table",
    "partner_invoices_table",
    "update_subscription",
    "cancel_subscription",
)


def faults(page: Page, sells_to_partners: Callable[[str], bool]) -> Iterator[FieldError]:
    """`sells_to_partners` says whether a label is on any offer of the channel Partner."""
    if page.kind == "pricing" and page.label is None:
        yield FieldError("label", "required", "label is required on a pricing page")
    if page.kind == "portal" and page.authentication != "partner":
        yield _sign_in("a portal page needs partner authentication")
    elif page.kind == "self_service" and page.authentication == "none":
        yield _sign_in("a self-service page needs customer or partner authentication")
    elif page.label and page.authentication != "partner" and sells_to_partners(page.label):
        yield _sign_in(f"the label {page.label} is on partner offers: only partners may see them")
    for position, component in enumerate(page.components):
        if component.name in ONLY_FOR_PARTNERS and page.authentication != "partner":
            yield FieldError(
                f"components[{position}].name",
                "invalid_value",
                f"{component.name} is for pages with partner authentication",
            )


def _sign_in(message: str) -> FieldError:
    return FieldError("authentication", "invalid_value", message)
