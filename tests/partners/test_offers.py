"""The offers of a partner: its own, by price, and no word of anybody else's."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tessera.catalog.models import AddOn, Offer
from tessera.partners.offers import list_offers
from tests.builders import NOW
from tests.partners.organisations import ACME, BOREALIS, partner_of

STATUSES = ("draft", "active", "archived")
CHANNELS = ("Online", "Salesforce", "Partner")


def offer(n: int, *, price: str = "17.50", leads_to: tuple[int, ...] = (), **detail: Any) -> Offer:
    name = str(detail.pop("name", f"Offer {n}"))
    line = {"type": "recurring", "value": price, "currencyCode": "GBP"}
    attributes = {
        "label__limio": ["gold"],
        "sales_channel__limio": detail.pop("channels", ["Partner"]),
        "eligible_partners__limio": detail.pop("partners", [ACME]),
        "price__limio": [{**line, "repeat_interval": 1, "repeat_interval_type": "months"}],
        "upgrade_offers__limio": [reference(other) for other in leads_to],
    }
    return Offer.model_validate(
        {
            "id": f"offer-{n:032x}",
            "version": "0" * 40,
            "status": "active",
            "name": name,
            "path": f"/offers2/{name}",
            "created": NOW,
            "updated": NOW,
            "data": {"attributes": attributes},
            **detail,
        }
    )


def reference(n: int) -> dict[str, str]:
    return {"id": f"offer-{n:032x}", "$ref": f"/offers2/Offer {n}"}


class Shelf:
    """Careless: it hands out whatever carries the label."""

    def __init__(self, *offers: Offer) -> None:
        self._offers = offers

    def of_label(self, label: str, *, visible_to: str | None = None) -> list[Offer]:
        return [one for one in self._offers if label in one.data.attributes.label]

    def for_sale(self, ids: Any) -> dict[str, Offer | AddOn]:
        return {one.id: one for one in self._offers if one.id in ids}


def shown(*offers: Offer, by: str = ACME) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = list_offers("gold", by=partner_of(by), catalog=Shelf(*offers))[
        "items"
    ]
    return items


def test_offers_stand_by_price_and_then_by_name() -> None:
    listed = shown(
        offer(1, price="20.00"),
        offer(2, price="9.00", name="Beta"),
        offer(3, price="9.00", name="Alpha"),
        offer(4, price="100.00"),
    )

    assert [one["name"] for one in listed] == ["Alpha", "Beta", "Offer 1", "Offer 4"]


def test_of_those_it_is_offered_to_a_partner_sees_itself_alone() -> None:
    (listed,) = shown(offer(1, partners=[BOREALIS, ACME]))

    assert listed["data"]["attributes"]["eligible_partners__limio"] == [ACME]
    assert BOREALIS not in str(listed)


def test_an_offer_leads_only_to_offers_that_the_partner_may_have() -> None:
    first, *_ = shown(
        offer(1, leads_to=(2, 3)), offer(2, price="99.00"), offer(3, partners=[BOREALIS])
    )

    upgrades = first["data"]["attributes"]["upgrade_offers__limio"]
    assert [one["id"] for one in upgrades] == [f"offer-{2:032x}"]


@given(
    st.sampled_from(STATUSES),
    st.sets(st.sampled_from(CHANNELS)),
    st.sets(st.sampled_from([ACME, BOREALIS])),
)
def test_an_offer_is_shown_when_active_in_the_channel_and_offered_to_the_partner(
    status: str, channels: set[str], partners: set[str]
) -> None:
    one = offer(1, status=status, channels=sorted(channels), partners=sorted(partners))

    assert bool(shown(one)) == (status == "active" and "Partner" in channels and ACME in partners)
