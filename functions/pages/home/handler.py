"""Pages / and /settings: where everybody begins, and what needs an operator now."""

from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment

from . import view


class Env(PageEnvironment):
    pass


env = Env.load()
app = Pages(env, __file__)


@app.page("/")
def start(visit: Visit) -> Answer:
    return view.start(visit, app.doors.live(visit))


@app.page("/settings")
def home(visit: Visit) -> Answer:
    return visit.show("home.html", "Home")


handler = entrypoint(app)
