"""Pages put together from several sources: one that fails loses its own block, not the page."""

from collections.abc import Callable
from typing import TypeVar

from tessera.edge.observability import correlation_id, logger

T = TypeVar("T")


def tried(read: Callable[[], T], *, what: str) -> T | None:
    """What `read` gives, or `None` when it fails for any reason; the log has the traceback."""
    try:
        return read()
    except Exception:
        logger.exception("source failed", extra={"what": what, "correlation_id": correlation_id()})
        return None
