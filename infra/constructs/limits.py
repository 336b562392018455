"""How many requests the gateway lets through, as data: most routes alike, some fewer."""

from collections.abc import Iterator
from typing import NamedTuple

from infra.routes import ROUTES


class Limit(NamedTuple):
    """What the gateway lets through to one route, of all callers together; more is 429."""

    per_second: int
    burst: int


USUAL = Limit(500, 1000)

STRICTER = {
    "pages/sign_in": Limit(50, 100),
    "commerce/receive_zuora_callout": Limit(50, 100),
    "commerce/preview_order": Limit(25, 50),
    "commerce/preview_own_order": Limit(25, 50),
    "commerce/preview_partner_order": Limit(25, 50),
    "commerce/preview_staff_order": Limit(25, 50),
    "commerce/open_payment_form": Limit(10, 20),
}
"""Routes of these are open to strangers, or cost calls of Zuora, which has limits of its own."""


def stricter_routes() -> Iterator[tuple[str, dict[str, int]]]:
    for route in ROUTES:
        if (limit := STRICTER.get(route.function)) is not None:
            yield (
                route.key,
                {
                    "ThrottlingRateLimit": limit.per_second,
                    "ThrottlingBurstLimit": limit.burst,
                },
            )
