"""Files as answers: small ones directly, large ones by a link that soon ends."""

import base64
from collections.abc import Callable

from aws_lambda_powertools.event_handler import Response

MOST_DIRECTLY = 4 * 1024 * 1024
"""Bytes. A function's answer ends at 6 MB, in base64."""


def download(content: bytes, *, name: str, lend: Callable[..., str]) -> Response[str]:
    """A PDF to be saved under `name`; `lend(content, name=…)` keeps one that is too large."""
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    if len(content) > MOST_DIRECTLY:
        link = lend(content, name=name)
        return Response(status_code=302, body="", headers={**headers, "Location": link})
    disposition = f'attachment; filename="{name}"'
    response: Response[str] = Response(
        status_code=200,
        content_type="application/pdf",
        body=base64.b64encode(content).decode(),
        headers={**headers, "Content-Disposition": disposition},
    )
    # Powertools would read bytes as JSON text before it encodes them.
    response.base64_encoded = True
    return response
