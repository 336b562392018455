"""The journeys of the seeds, performed on the running stack and told for people to read."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from infra.local import journey_partner, journey_subscriber
from infra.local.api_client import Api
from infra.local.running_stack import RunningStack
from infra.local.telling import Telling

_JOURNEYS: tuple[tuple[tuple[str, Callable[[Api, Telling], None]], ...], ...] = (
    (
        ("Self-service on a CPQ order", journey_subscriber.self_service),
        ("Entitlements, pushed as they change", journey_subscriber.entitlements),
    ),
    (
        ("A partner portal, tested as its guide says", journey_partner.portal),
        ("Partners, created and managed", journey_partner.management),
    ),
)
"""Those of one row go on from each other; the rows have nothing to do with each other."""


def perform(stack: RunningStack, show: Callable[[str], None]) -> None:
    """Raises `Refused` or `NotAsTold` when something does not do what the seeds say."""
    told: dict[str, Telling] = {title: Telling() for row in _JOURNEYS for title, _ in row}

    def go(row: tuple[tuple[str, Callable[[Api, Telling], None]], ...]) -> None:
        api = Api(stack)
        for title, journey in row:
            journey(api, told[title])

    with ThreadPoolExecutor(len(_JOURNEYS)) as side_by_side:
        going = [side_by_side.submit(go, row) for row in _JOURNEYS]
    for title, telling in told.items():
        for line in ("", title, "", *telling.lines):
            show(line)
    show("")
    for one in going:
        one.result()
