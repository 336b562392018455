"""GET /assets/{name}: the stylesheet and the script, kept by browsers for a year."""

from pathlib import Path
from typing import Any

from tessera.edge.environment import Environment
from tessera.edge.pages.files import Files, Response, entrypoint, file_resolver


class Env(Environment):
    """Nothing: what is served is built into the function."""


env = Env.load()
built = Files(Path(__file__).parent / "built")
app = file_resolver()


@app.get("/assets/<name>")
def asset(name: str) -> Response[Any]:
    accepted = app.current_event.headers.get("accept-encoding", "")
    return built.answer(name, accept_encoding=accepted)


handler = entrypoint(app)
