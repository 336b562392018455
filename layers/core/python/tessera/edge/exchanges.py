"""The log line of an exchange with an outside system."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from tessera.edge.observability import correlation_id, logger

if TYPE_CHECKING:
    from tessera.integrations.http import Exchange

_heard: ContextVar["list[Exchange] | None"] = ContextVar("heard", default=None)


@contextmanager
def listening() -> "Iterator[list[Exchange]]":
    """Collects the exchanges that are logged inside it, for whoever keeps them."""
    heard: list[Exchange] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def log_exchange(exchange: "Exchange") -> None:
    """One line, an error where somebody must look: a wrong address, a wrong use of an API."""
    if (heard := _heard.get()) is not None:
        heard.append(exchange)
    facts = {"event": "exchange", **exchange._asdict(), "correlation_id": correlation_id()}
    facts["codes"] = list(exchange.codes) or None
    facts["is_our_fault"] = exchange.is_our_fault or None
    write = logger.error if exchange.is_our_fault else logger.info
    write("exchange", extra={name: fact for name, fact in facts.items() if fact is not None})
