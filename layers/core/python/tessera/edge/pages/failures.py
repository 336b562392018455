"""Pages that say what went wrong: inside the frame, with the right status, readable as they are."""

from tessera.cursors import ForeignCursor
from tessera.edge.pages.frames import PLAIN
from tessera.edge.pages.visit import Shown, Visit
from tessera.errors import Refusal

_HEADINGS = {
    400: "This address does not work",
    401: "Nobody is signed in",
    403: "You cannot do this",
    404: "There is nothing here",
    409: "This did not work",
    410: "This is gone",
    412: "It has changed meanwhile",
    413: "This is too much at once",
    422: "This did not work",
    423: "A change is already under way",
    429: "Too many requests",
    502: "Another system did not answer",
}
_BROKEN = "Something went wrong on our side"
_SAME_FOR_ALL = 404
"""What belongs to somebody else is missing in the same words as what does not exist."""

_NOT_FOUND = "The page does not exist, or it is not yours to see."


_FOREIGN_CURSOR = (
    "This address leads to no page of this list: it was shortened, or made for somebody else. "
    "Begin with the first page."
)


def page_of(refusal: Refusal, visit: Visit, request_id: str | None) -> Shown:
    status = refusal.status
    sentence = _NOT_FOUND if status == _SAME_FOR_ALL else refusal.message
    if isinstance(refusal, ForeignCursor):
        sentence = _FOREIGN_CURSOR
    return Shown(
        template="failure.html",
        title=_HEADINGS.get(status, _BROKEN if status >= 500 else "This did not work"),
        status=status,
        values={
            "sentence": sentence,
            "first": visit.path if isinstance(refusal, ForeignCursor) else "",
            "retry_after": _seconds(refusal.headers.get("Retry-After")),
            "reference": request_id if status >= 500 else "",
            "back": visit.referred_from if visit.referred_from != visit.path else "",
        },
    )


def broken(request_id: str | None) -> Shown:
    """For what nobody foresaw; the reference is found in the logs."""
    return Shown(
        template="failure.html",
        title=_BROKEN,
        status=500,
        frame=PLAIN,
        values={
            "sentence": "Nothing you did is at fault. Try again; if it stays, tell us the "
            "reference below.",
            "first": "",
            "retry_after": "",
            "reference": request_id or "",
            "back": "",
        },
    )


def _seconds(text: str | None) -> str:
    return text if text and text.isdigit() else ""
