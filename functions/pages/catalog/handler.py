"""Pages /settings/catalog: entitlements, the products that bring them, offers and add-ons."""

from tessera.catalog.installed import installed_pages
from tessera.catalog.models import AddOn, Entitlement, Offer, Product
from tessera.catalog.store import CatalogTable
from tessera.cursors import Cursors
from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.integrations.zuora_plans import ZuoraPlans
from tessera.partners.store import PartnersTable
from tessera.secrets import Secret

from . import forms, sale_forms, sale_view, view
from .shelf import Shelf


class Env(PageEnvironment, ZuoraEnvironment):
    catalog_table: str
    partners_table: str
    cursors_secret: str  # its name; the value is read on first use
    mode: str


env = Env.load()
shelf = Shelf(
    catalog=CatalogTable(env.catalog_table, installed=installed_pages(env.mode)),
    partners=PartnersTable(env.partners_table),
    plans=ZuoraPlans(zuora_client(env)),
    cursors=Cursors(Secret(env.cursors_secret)),
    mode=env.mode,
)
app = Pages(env, __file__)


@app.page("/settings/catalog/entitlements")
def all_entitlements(visit: Visit) -> Answer:
    return view.all_entitlements(visit, shelf.page(visit, Entitlement), shelf.all(Product))


@app.page("/settings/catalog/entitlements/new")
def new_entitlement(visit: Visit) -> Answer:
    return view.new_entitlement(visit)


@app.action("/settings/catalog/entitlements/new", form=new_entitlement)
def add_entitlement(visit: Visit) -> Answer:
    members = forms.new_entitlement(visit.fields)
    made = shelf.create(Entitlement, members, words=forms.ENTITLEMENT, now=visit.now)
    return view.saved(visit, made)


@app.page("/settings/catalog/entitlements/<id>")
def entitlement(visit: Visit, id: str) -> Answer:
    return view.entitlement(visit, shelf.find(Entitlement, id), shelf.all(Product))


@app.action("/settings/catalog/entitlements/<id>", form=entitlement)
def save_entitlement(visit: Visit, id: str) -> Answer:
    members = forms.entitlement(visit.fields)
    done = shelf.save(Entitlement, id, members, words=forms.ENTITLEMENT, now=visit.now)
    return view.saved(visit, done)


@app.page("/settings/catalog/products")
def all_products(visit: Visit) -> Answer:
    return view.all_products(
        visit, shelf.page(visit, Product), shelf.all(Entitlement), shelf.all(Offer)
    )


@app.page("/settings/catalog/products/new")
def new_product(visit: Visit) -> Answer:
    return view.new_product(visit)


@app.action("/settings/catalog/products/new", form=new_product)
def add_product(visit: Visit) -> Answer:
    members = forms.new_product(visit.fields)
    made = shelf.create(Product, members, words=forms.PRODUCT, now=visit.now)
    return view.saved(visit, made)


@app.page("/settings/catalog/products/<id>")
def product(visit: Visit, id: str) -> Answer:
    return view.product(visit, shelf.find(Product, id))


@app.action("/settings/catalog/products/<id>", form=product)
def save_product(visit: Visit, id: str) -> Answer:
    members = forms.product(visit.fields, shelf.find(Product, id))
    done = shelf.save(Product, id, members, words=forms.PRODUCT, now=visit.now)
    return view.saved(visit, done)


@app.page("/settings/catalog/products/<id>/entitlements")
def product_entitlements(visit: Visit, id: str) -> Answer:
    return view.product_entitlements(visit, shelf.find(Product, id), shelf.all(Entitlement))


@app.action("/settings/catalog/products/<id>/entitlements", form=product_entitlements)
def save_product_entitlements(visit: Visit, id: str) -> Answer:
    members = forms.product_entitlements(visit.fields, shelf.find(Product, id))
    done = shelf.save(Product, id, members, words=forms.PRODUCT, now=visit.now)
    return view.saved(visit, done, "/entitlements")


@app.page("/settings/catalog/products/<id>/offers")
def product_offers(visit: Visit, id: str) -> Answer:
    return view.product_offers(visit, shelf.find(Product, id), shelf.all(Offer))


@app.page("/settings/catalog/offers")
def all_offers(visit: Visit) -> Answer:
    return sale_view.all_for_sale(visit, Offer, shelf.page(visit, Offer), shelf.partners())


@app.page("/settings/catalog/offers/new")
def new_offer(visit: Visit) -> Answer:
    return sale_view.new(visit, Offer)


@app.action("/settings/catalog/offers/new", form=new_offer)
def add_offer(visit: Visit) -> Answer:
    members = sale_forms.new(visit.fields)
    made = shelf.create(Offer, members, words=sale_forms.WORDS, now=visit.now)
    return view.saved(visit, made)


@app.page("/settings/catalog/offers/<id>")
def offer(visit: Visit, id: str) -> Answer:
    return sale_view.for_sale(visit, shelf.find(Offer, id), shelf.choices())


@app.action("/settings/catalog/offers/<id>", form=offer)
def save_offer(visit: Visit, id: str) -> Answer:
    visit.fields = sale_forms.compacted(visit.fields)
    members = sale_forms.offer(visit.fields, shelf.find(Offer, id))
    done = shelf.save(Offer, id, members, words=sale_forms.WORDS, now=visit.now)
    return view.saved(visit, done)


@app.page("/settings/catalog/add-ons")
def all_add_ons(visit: Visit) -> Answer:
    return sale_view.all_for_sale(visit, AddOn, shelf.page(visit, AddOn), shelf.partners())


@app.page("/settings/catalog/add-ons/new")
def new_add_on(visit: Visit) -> Answer:
    return sale_view.new(visit, AddOn)


@app.action("/settings/catalog/add-ons/new", form=new_add_on)
def add_add_on(visit: Visit) -> Answer:
    members = sale_forms.new(visit.fields)
    made = shelf.create(AddOn, members, words=sale_forms.WORDS, now=visit.now)
    return view.saved(visit, made)


@app.page("/settings/catalog/add-ons/<id>")
def add_on(visit: Visit, id: str) -> Answer:
    return sale_view.for_sale(visit, shelf.find(AddOn, id), shelf.choices())


@app.action("/settings/catalog/add-ons/<id>", form=add_on)
def save_add_on(visit: Visit, id: str) -> Answer:
    visit.fields = sale_forms.compacted(visit.fields)
    members = sale_forms.add_on(visit.fields, shelf.find(AddOn, id))
    done = shelf.save(AddOn, id, members, words=sale_forms.WORDS, now=visit.now)
    return view.saved(visit, done)


@app.page("/settings/catalog/<kind>/<id>/archive")
def ask_to_archive(visit: Visit, kind: str, id: str) -> Answer:
    return view.ask_to_archive(visit, shelf.any(kind, id))


@app.action("/settings/catalog/<kind>/<id>/archive", form=ask_to_archive)
def archive_item(visit: Visit, kind: str, id: str) -> Answer:
    return view.archived(visit, shelf.archive(kind, id, now=visit.now))


handler = entrypoint(app)
