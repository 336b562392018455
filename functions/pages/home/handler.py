"""Pages / and /settings: where everybody begins, and what needs an operator now."""

from tessera.catalog.installed import installed_pages
from tessera.catalog.store import CatalogTable
from tessera.commerce.order_lists import OrderLists
from tessera.dead_letters import DeadLetters
from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment
from tessera.partners.store import PartnersTable
from tessera.webhooks.operators_store import Endpoints

from . import view
from .console import Console


class Env(PageEnvironment):
    catalog_table: str
    partners_table: str
    webhooks_table: str
    commerce_table: str
    dead_letters: str
    mode: str


env = Env.load()
console = Console(
    catalog=CatalogTable(env.catalog_table, installed=installed_pages(env.mode)),
    partners=PartnersTable(env.partners_table),
    endpoints=Endpoints(env.webhooks_table),
    orders=OrderLists(env.commerce_table),
    dead_letters=DeadLetters(env.dead_letters),
    deployed=env.console_addresses,
)
app = Pages(env, __file__)


@app.page("/")
def start(visit: Visit) -> Answer:
    return view.start(visit, app.doors.live(visit))


@app.page("/settings")
def home(visit: Visit) -> Answer:
    has_orders = "/objects/orders/limio" in env.console_addresses
    return view.home(visit, console.now(visit.now), has_orders=has_orders)


handler = entrypoint(app)
