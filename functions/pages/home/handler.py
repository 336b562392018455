"""Pages / and /settings: where everybody begins, and what needs an operator now."""

from tessera.catalog.store import CatalogTable
from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment
from tessera.partners.store import PartnersTable
from tessera.webhooks.store import Endpoints

from . import view
from .console import Console


class Env(PageEnvironment):
    catalog_table: str
    partners_table: str
    webhooks_table: str


env = Env.load()
console = Console(
    catalog=CatalogTable(env.catalog_table),
    partners=PartnersTable(env.partners_table),
    endpoints=Endpoints(env.webhooks_table),
    deployed=env.console_addresses,
)
app = Pages(env, __file__)


@app.page("/")
def start(visit: Visit) -> Answer:
    return view.start(visit, app.doors.live(visit))


@app.page("/settings")
def home(visit: Visit) -> Answer:
    return view.home(visit, console.now(visit.now))


handler = entrypoint(app)
