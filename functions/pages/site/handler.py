"""Pages at any other address: the configured ones, found by slug, made of their components."""

from tessera.catalog.installed import installed_pages
from tessera.catalog.store import CatalogTable
from tessera.commerce.basket_store import BasketsTable
from tessera.commerce.customer_search import PartnerCustomers
from tessera.commerce.documents import Documents
from tessera.commerce.form_store import OpenedForms
from tessera.commerce.ordering import Desk
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.cursors import Cursors
from tessera.edge.ordering import OrderingEnvironment, live_billing
from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment
from tessera.identity.provider_settings import ProviderSettings
from tessera.partners.store import PartnersTable
from tessera.secrets import Secret

from .asking import LiveBilling
from .components import components
from .pages import Site
from .world import World


class Env(PageEnvironment, OrderingEnvironment):
    cursors_secret: str  # its name; the value is read on first use
    documents_bucket: str
    zuora_page_id: str  # of the hosted card form; empty where there is none
    zuora_page_uri: str
    zuora_page_script: str


env = Env.load()
catalog = CatalogTable(env.catalog_table, installed=installed_pages(env.mode))
owners = CommerceTable(env.commerce_table, env.events_table)
partners = PartnersTable(env.partners_table)
providers = ProviderSettings(env.identity_providers_parameter)
forms = OpenedForms(env.sessions_table)
desk = Desk(
    owners=owners,
    shop=Shelf(catalog),
    partners=partners,
    labels=providers,
    baskets=BasketsTable(env.sessions_table, owners),
    billing=live_billing(env, partners.active),
    forms=forms,
)
world = World(
    catalog=catalog,
    owners=owners,
    desk=desk,
    customers=PartnerCustomers(env.commerce_table),
    cursors=Cursors(Secret(env.cursors_secret)),
    documents=Documents(env.documents_bucket),
    billing=LiveBilling(env, env),
    forms=forms,
    partners=partners,
    moment=env.moment,
)
site = Site(catalog=catalog, components=components(world))
app = Pages(
    env,
    __file__,
    partners=partners,
    kind_of=site.kind_of,
    form_targets=providers.origins,
)


@app.page("/.+")
def page(visit: Visit) -> Answer:
    world.billing.begin()
    return site.show(visit)


@app.action("/.+", form=page)
def act(visit: Visit) -> Answer:
    return site.act(visit)


handler = entrypoint(app)
