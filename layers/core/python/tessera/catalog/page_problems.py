"""What is wrong with a page as it is sold from: offers missing, or leading where nobody can buy."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from tessera.catalog.models import Offer, Page


class Surroundings(NamedTuple):
    """What a page is judged by."""

    pages: Sequence[Page]
    offers: Sequence[Offer]
    """Active ones."""
    archived: Mapping[str, str]
    """Names of archived partner organisations, by id."""


class Problem(NamedTuple):
    sentence: str
    about: Literal["label", "offer", "page"]
    """Where it is mended."""
    id: str
    """The label itself, or the id."""


def problems(page: Page, around: Surroundings) -> list[Problem]:
    """None of a page that is not published, or that shows no offers."""
    if page.status != "active" or page.label is None:
        return []
    offers = [one for one in around.offers if page.label in one.data.attributes.label]
    if not offers:
        return [Problem(f"No active offer has the label {page.label}", "label", page.label)]
    by_slug = {one.slug: one for one in around.pages if one.status == "active"}
    return [problem for offer in offers for problem in _of_offer(offer, page, by_slug, around)]


def _of_offer(
    offer: Offer, page: Page, by_slug: Mapping[str, Page], around: Surroundings
) -> Iterator[Problem]:
    if offer.is_sold_to_partners and page.authentication != "partner":
        yield Problem(
            f"{offer.name} is sold to partners, but this page needs no partner sign-in",
            "page",
            page.id,
        )
    destination = offer.data.attributes.checkout.destination
    if destination.startswith("/"):
        address = destination.partition("#")[0].partition("?")[0]
        checkout = by_slug.get(address)
        said = ""
        if checkout is None or checkout.kind != "checkout":
            said = "which is no checkout page"
        elif (checkout.authentication == "partner") != (page.authentication == "partner"):
            said = "which has another sign-in"
        if said:
            yield Problem(f"{offer.name} leads to {address}, {said}", "offer", offer.id)
    if offer.is_sold_to_partners:
        for id in offer.data.attributes.eligible_partners:
            if id in around.archived:
                name = around.archived[id]
                yield Problem(f"{offer.name} is for {name}, which is archived", "offer", offer.id)
