"""What is wrong with a page, with the place where it can be mended."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from tessera.catalog.models import Offer, Page

from .shelf import Surroundings

_OFFERS = "/settings/catalog/offers"


class Problem(NamedTuple):
    sentence: str
    href: str


def problems(page: Page, around: Surroundings) -> list[Problem]:
    """None of a page that is not published, or that shows no offers."""
    if page.status != "active" or page.label is None:
        return []
    offers = [one for one in around.offers if page.label in one.data.attributes.label]
    if not offers:
        query = urlencode({"label": page.label})
        text = f"No active offer has the label {page.label}"
        return [Problem(text, f"{_OFFERS}?{query}")]
    by_slug = {one.slug: one for one in around.pages if one.status == "active"}
    return [problem for offer in offers for problem in _of_offer(offer, page, by_slug, around)]


def _of_offer(
    offer: Offer, page: Page, by_slug: Mapping[str, Page], around: Surroundings
) -> Iterator[Problem]:
    here = f"{_OFFERS}/{offer.id}"
    if offer.is_sold_to_partners and page.authentication != "partner":
        yield Problem(
            f"{offer.name} is sold to partners, but this page needs no partner sign-in",
            f"/settings/pages/{page.id}",
        )
    destination = offer.data.attributes.checkout.destination
    if destination.startswith("/"):
        address = destination.partition("#")[0].partition("?")[0]
        checkout = by_slug.get(address)
        if checkout is None or checkout.kind != "checkout":
            yield Problem(f"{offer.name} leads to {address}, which is no checkout page", here)
        elif (checkout.authentication == "partner") != (page.authentication == "partner"):
            yield Problem(f"{offer.name} leads to {address}, which has another sign-in", here)
    if offer.is_sold_to_partners:
        for id in offer.data.attributes.eligible_partners:
            partner = around.partners.get(id)
            if partner is not None and partner.status == "archived":
                yield Problem(f"{offer.name} is for {partner.name}, which is archived", here)
