"""GET /openapi.json: what the API takes and answers; and what any other address below /api says."""

from typing import Annotated, Any

from tessera.edge.api import Header, Response, entrypoint, nothing_at, resolver
from tessera.edge.environment import Environment
from tessera.edge.openapi import Description
from tessera.edge.tagged import published


class Env(Environment):
    """Nothing: the document is part of the code."""


env = Env.load()
description = Description()
app = resolver()


@app.get("/openapi.json", compress=True)
def api_document(
    if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None,
) -> Response[Any]:
    return published(description.text, description.etag, if_none_match)


@app.get("/api/.+")
@app.post("/api/.+")
@app.put("/api/.+")
@app.patch("/api/.+")
@app.delete("/api/.+")
def unknown_address() -> Response[None]:
    path = app.current_event.path
    nothing_at(path, allowed=description.methods_at(path))


handler = entrypoint(app)
