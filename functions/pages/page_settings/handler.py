"""Pages /settings/pages: where partners and customers buy and serve themselves."""

from tessera.catalog.installed import installed_pages
from tessera.catalog.store import CatalogTable
from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment
from tessera.partners.store import PartnersTable

from . import forms, view
from .shelf import Shelf


class Env(PageEnvironment):
    catalog_table: str
    partners_table: str
    mode: str


env = Env.load()
shelf = Shelf(
    catalog=CatalogTable(env.catalog_table, installed=installed_pages(env.mode)),
    partners=PartnersTable(env.partners_table),
    mode=env.mode,
)
app = Pages(env, __file__)


@app.page("/settings/pages")
def all_pages(visit: Visit) -> Answer:
    return view.all_pages(visit, shelf.surroundings())


@app.page("/settings/pages/new")
def new_page(visit: Visit) -> Answer:
    return view.new_page(visit)


@app.action("/settings/pages/new", form=new_page)
def add_page(visit: Visit) -> Answer:
    made = shelf.create(forms.new_page(visit.fields), now=visit.now)
    return visit.moved(view.address(made), f"{made.name} created as a draft")


@app.page("/settings/pages/<id>")
def page(visit: Visit, id: str) -> Answer:
    return view.page(visit, shelf.find(id), shelf.surroundings())


@app.action("/settings/pages/<id>", form=page)
def save_page(visit: Visit, id: str) -> Answer:
    saved = shelf.save(id, forms.page(visit.fields, shelf.find(id)), now=visit.now)
    return visit.moved(view.address(saved), f"{saved.name} saved")


@app.page("/settings/pages/<id>/view-as")
def view_as(visit: Visit, id: str) -> Answer:
    found = shelf.find(id)
    partner, offers = shelf.seen_by(found, visit.query.get("partner", ""))
    return view.view_as(visit, found, shelf.partners(), partner, offers)


@app.page("/settings/pages/<id>/archive")
def ask_to_archive(visit: Visit, id: str) -> Answer:
    return view.ask_to_archive(visit, shelf.find(id))


@app.action("/settings/pages/<id>/archive", form=ask_to_archive)
def archive_page(visit: Visit, id: str) -> Answer:
    archived = shelf.archive(id, now=visit.now)
    return visit.moved(view.address(archived), f"{archived.name} archived")


handler = entrypoint(app)
