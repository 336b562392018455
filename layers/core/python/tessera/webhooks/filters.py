"""Which events an endpoint gets: exact event types or groups of them, as `order.*`."""

from collections.abc import Collection, Iterable

from tessera.webhooks.unacceptable import Unacceptable

_MOST_TYPES = 50


class TypesRefused(Unacceptable):
    """The event types of an endpoint name something that does not exist, or too much."""


def checked_types(types: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    """The event types as stored: each once, in the order given. `known` is all there are."""
    chosen = tuple(dict.fromkeys(types))
    if len(chosen) > _MOST_TYPES:
        raise TypesRefused(f"Give at most {_MOST_TYPES} event types.", code="too_long")
    names = _with_groups(known)
    for position, name in enumerate(chosen):
        if name not in names:
            raise TypesRefused(_unknown(name, names), at=f"[{position}]")
    return chosen


def checked_type(type: str, known: Collection[str]) -> str:
    """One exact event type."""
    if type not in known:
        raise TypesRefused(_unknown(type, known))
    return type


def checked_choice(name: str, known: Collection[str]) -> str:
    """One event type or a group, as a list is narrowed down to."""
    names = _with_groups(known)
    if name not in names:
        raise TypesRefused(_unknown(name, names))
    return name


def passes(types: Collection[str], type: str, *, operational: bool) -> bool:
    """Does a filter let this event type through? An empty one lets every business event through.

    Operational events, which are about delivery itself, pass only when named.
    """
    if not types:
        return not operational
    return type in types or f"{type.partition('.')[0]}.*" in types


def goes_to(
    endpoint: str,
    types: Collection[str],
    *,
    type: str,
    operational: bool,
    only_endpoint: str | None = None,
    about_endpoint: str | None = None,
) -> bool:
    """Is this endpoint to hear of this event?

    A test event (`only_endpoint`) goes to its endpoint whatever the filter. What is told about an
    endpoint (`about_endpoint`) never goes to that endpoint: no loops.
    """
    if only_endpoint is not None:
        return endpoint == only_endpoint
    return endpoint != about_endpoint and passes(types, type, operational=operational)


def _with_groups(known: Collection[str]) -> set[str]:
    return {*known, *(f"{name.partition('.')[0]}.*" for name in known)}


def _unknown(name: str, names: Collection[str]) -> str:
    if name == "*":
        return "Leave the list empty to receive every event."
    # Only a refusal needs it, so a cold start does not pay for it.
    from difflib import get_close_matches

    nearest = get_close_matches(name[:100].lower(), sorted(names), n=1, cutoff=0.0)
    meant = f" The nearest is {nearest[0]}." if nearest else ""
    return f"There is no event type {name[:100]!r}.{meant}"
