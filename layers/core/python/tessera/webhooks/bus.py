"""The EventBridge bus that every event is announced on."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tessera.aws import client
from tessera.events import BUS_SOURCE, Event

_ENTRIES, _BYTES = 10, 256 * 1024
"""What one call takes (PutEvents)."""
_ENTRY_OVERHEAD = 64
"""Time, source and type count as well; generously."""


class _Entry(NamedTuple):
    position: int
    request: dict[str, Any]
    size: int


class EventBus:
    def __init__(self, name: str) -> None:
        self._name = name

    def publish(self, events: Sequence[Event]) -> set[int]:
        """Answers the positions of the events that the bus did not take."""
        entries = [self._entry(position, event) for position, event in enumerate(events)]
        failed = {entry.position for entry in entries if entry.size > _BYTES}
        for call in _calls([entry for entry in entries if entry.size <= _BYTES]):
            answer = client("events").put_events(
                Entries=[entry.request for entry in call]  # type: ignore[misc]  # built below
            )
            for entry, result in zip(call, answer["Entries"], strict=True):
                if "ErrorCode" in result:
                    failed.add(entry.position)
        return failed

    def _entry(self, position: int, event: Event) -> _Entry:
        detail = event.body()
        request = {
            "EventBusName": self._name,
            "Source": BUS_SOURCE,
            "DetailType": event.type,
            "Time": event.created_at,
            "Detail": detail,
        }
        return _Entry(position, request, len(detail.encode()) + _ENTRY_OVERHEAD)


def _calls(entries: Sequence[_Entry]) -> Iterator[list[_Entry]]:
    """At most 10 entries and 256 KB each."""
    call: list[_Entry] = []
    for entry in entries:
        full = len(call) == _ENTRIES or sum(one.size for one in call) + entry.size > _BYTES
        if call and full:
            yield call
            call = []
        call.append(entry)
    if call:
        yield call
