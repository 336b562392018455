"""Pages at any other address: the configured ones, found by slug, made of their components."""

from tessera.catalog.installed import installed_pages
from tessera.catalog.store import CatalogTable
from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment
from tessera.identity.provider_settings import ProviderSettings
from tessera.partners.store import PartnersTable

from .components import World, components
from .pages import Site


class Env(PageEnvironment):
    catalog_table: str
    partners_table: str
    identity_providers_parameter: str
    mode: str


env = Env.load()
catalog = CatalogTable(env.catalog_table, installed=installed_pages(env.mode))
partners = PartnersTable(env.partners_table)
providers = ProviderSettings(env.identity_providers_parameter)
site = Site(catalog=catalog, components=components(World(catalog=catalog)))
app = Pages(
    env,
    __file__,
    partners=partners,
    kind_of=site.kind_of,
    form_targets=providers.origins,
)


@app.page("/.+")
def page(visit: Visit) -> Answer:
    return site.show(visit)


@app.action("/.+", form=page)
def act(visit: Visit) -> Answer:
    return site.act(visit)


handler = entrypoint(app)
