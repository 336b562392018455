"""What the query strings of the webhook pages ask for."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, get_args
from zoneinfo import ZoneInfo

from tessera.edge.pages.tables import from_day, to_day
from tessera.edge.pages.visit import Visit
from tessera.errors import invalid
from tessera.webhooks import announced, listing
from tessera.webhooks.listing import Asked
from tessera.webhooks.models import Target

DELIVERY_FILTERS = ("type", "state", "owner", "from", "to")
EVENT_FILTERS = ("type", "owner", "subscription", "from", "to")
_STATES: tuple[Asked, ...] = get_args(Asked)
_DAY = timedelta(hours=24)


class Chosen(NamedTuple):
    """The endpoint whose deliveries are listed, and which of them."""

    target: Target
    wanted: listing.Wanted


def deliveries(query: Mapping[str, str], targets: Sequence[Target], zone: str) -> Chosen | None:
    """None while there is no endpoint. Without one being named it is the one that fails most."""
    if not targets:
        return None
    named = (one for one in targets if one.endpoint.id == query.get("endpoint"))
    target = next(named, None) or max(
        targets, key=lambda one: (one.health.failures, one.health.exhausted_count)
    )
    state = next((one for one in _STATES if one == query.get("state")), None)
    wanted = listing.Wanted(
        state=state,
        type=_text(query, "type"),
        owner=_text(query, "owner"),
        since=from_day(query, "from", zone),
        until=to_day(query, "to", zone),
    )
    return Chosen(target, wanted)


def events(query: Mapping[str, str], zone: str) -> announced.Wanted:
    return announced.Wanted(
        type=_text(query, "type"),
        owner=_text(query, "owner"),
        subscription=_text(query, "subscription"),
        since=from_day(query, "from", zone),
        until=to_day(query, "to", zone),
    )


def selected(query: Mapping[str, str]) -> list[str]:
    """The ticked deliveries, by their events. Raises `InvalidFields` where none is."""
    chosen = [event for name, event in query.items() if name.startswith("event-")]
    if not chosen:
        raise invalid("", "Tick the deliveries that are to be sent again.", "required")
    return chosen


def endpoint(query: Mapping[str, str]) -> str:
    """Whose deliveries are ticked. Raises `InvalidFields` where none is named."""
    if not query.get("endpoint"):
        raise invalid("endpoint", "Choose an endpoint and tick deliveries of it.", "required")
    return query["endpoint"]


def since(visit: Visit, target: Target, zone: str) -> datetime:
    """As typed in the business time zone; at first from a day before the endpoint began to fail.

    Raises `InvalidFields` for what is no time.
    """
    typed = visit.fields.text("since") or visit.query.get("since", "")
    if not typed:
        return (target.health.failing_since or visit.now) - _DAY
    try:
        at = datetime.fromisoformat(typed)
        there = at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(zone))
        return there.astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid("since", "Give a day and a time, as 2026-03-02T09:14.") from None


def typed(at: datetime, zone: str) -> str:
    """A moment as a field for day and time holds it."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


def _text(query: Mapping[str, str], name: str) -> str | None:
    return query.get(name, "").strip() or None
