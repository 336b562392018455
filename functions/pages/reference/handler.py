"""Page /reference: the API's description for people, made from /openapi.json."""

from tessera.edge.openapi import Description
from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment

from . import view


class Env(PageEnvironment):
    """What every page needs."""


env = Env.load()
description = Description()
app = Pages(env, __file__)


@app.page("/reference")
def reference(visit: Visit) -> Answer:
    return view.reference(visit, description.content)


handler = entrypoint(app)
