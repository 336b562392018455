"""Pages /settings/profile/partners: partner organisations, and the people who sign in for them."""

from tessera.catalog.store import CatalogTable
from tessera.commerce.store import CommerceTable
from tessera.cursors import Cursors
from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment
from tessera.edge.salesforce import SalesforceEnvironment, salesforce_client
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.integrations.partner_accounts import SalesforcePartnerAccounts, ZuoraPartnerAccounts
from tessera.partners import organisations, users
from tessera.partners.cognito import PartnerLogins
from tessera.partners.store import PartnersTable
from tessera.secrets import Secret

from . import forms, view
from .desk import Desk


class Env(PageEnvironment, ZuoraEnvironment, SalesforceEnvironment):
    partners_table: str
    events_table: str
    catalog_table: str
    commerce_table: str
    partners_pool_id: str
    cursors_secret: str  # its name; the value is read on first use
    mode: str


env = Env.load()
partners = PartnersTable(env.partners_table, env.events_table)
logins = PartnerLogins(env.partners_pool_id)
zuora = ZuoraPartnerAccounts(zuora_client(env))
salesforce = SalesforcePartnerAccounts(salesforce_client(env))
desk = Desk(
    partners=partners,
    catalog=CatalogTable(env.catalog_table),
    orders=CommerceTable(env.commerce_table),
    logins=logins,
    cursors=Cursors(Secret(env.cursors_secret)),
)
app = Pages(env, __file__)


@app.page("/settings/profile/partners")
def all_partners(visit: Visit) -> Answer:
    return view.all_partners(visit, desk.organisations(visit))


@app.page("/settings/profile/partners/new")
def new_partner(visit: Visit) -> Answer:
    return view.new_partner(visit, needs_salesforce=salesforce.is_configured)


@app.action("/settings/profile/partners/new", form=new_partner)
def create_partner(visit: Visit) -> Answer:
    new = forms.new_organisation(visit.fields, needs_salesforce=salesforce.is_configured)
    namesakes = desk.namesakes(new.name)
    made = organisations.create(
        new,
        organisations=partners,
        zuora=zuora,
        salesforce=salesforce,
        mode=env.mode,
        now=visit.now,
    )
    return view.created(visit, made, namesakes)


@app.page("/settings/profile/partners/<id>")
def partner(visit: Visit, id: str) -> Answer:
    found = organisations.read(id, organisations=partners)
    return view.partner(visit, found, desk.about(visit, found), menu=env.console_addresses)


@app.page("/settings/profile/partners/<id>/edit")
def edit_partner(visit: Visit, id: str) -> Answer:
    return view.edit_partner(visit, organisations.read(id, organisations=partners))


@app.action("/settings/profile/partners/<id>/edit", form=edit_partner)
def change_partner(visit: Visit, id: str) -> Answer:
    edits = forms.edits(visit.fields)
    changed = organisations.change(id, edits, organisations=partners, now=visit.now)
    return visit.moved(view.address(id), f"{changed.name} saved")


@app.page("/settings/profile/partners/<id>/archive")
def ask_to_archive(visit: Visit, id: str) -> Answer:
    return view.ask_to_archive(visit, organisations.read(id, organisations=partners))


@app.action("/settings/profile/partners/<id>/archive", form=ask_to_archive)
def archive_partner(visit: Visit, id: str) -> Answer:
    name = organisations.read(id, organisations=partners).name
    organisations.archive(id, organisations=partners, now=visit.now)
    return visit.moved(view.address(id), f"{name} archived")


@app.page("/settings/profile/partners/<id>/users/new")
def new_user(visit: Visit, id: str) -> Answer:
    return view.new_user(visit, organisations.read(id, organisations=partners))


@app.action(
    "/settings/profile/partners/<id>/users/new", form=new_user, at={"email_in_use": "email"}
)
def create_user(visit: Visit, id: str) -> Answer:
    new = forms.new_user(visit.fields)
    made = users.invite(new, to=id, users=partners, logins=logins, mode=env.mode, now=visit.now)
    return visit.moved(view.address(id), f"{made.name} created and invited by email")


@app.page("/settings/profile/partners/<id>/users/<user>/edit")
def edit_user(visit: Visit, id: str, user: str) -> Answer:
    return view.edit_user(visit, *desk.user(id, user))


@app.action("/settings/profile/partners/<id>/users/<user>/edit", form=edit_user)
def change_user(visit: Visit, id: str, user: str) -> Answer:
    changes = forms.user_changes(visit.fields)
    renamed = users.rename(user, changes, of=id, users=partners, now=visit.now)
    return visit.moved(view.address(id), f"{renamed.name} saved")


@app.page("/settings/profile/partners/<id>/users/<user>/remove")
def ask_to_remove(visit: Visit, id: str, user: str) -> Answer:
    return view.ask_to_remove(visit, *desk.user(id, user))


@app.action("/settings/profile/partners/<id>/users/<user>/remove")
def remove_user(visit: Visit, id: str, user: str) -> Answer:
    return visit.moved(view.address(id), desk.remove(id, user, now=visit.now))


@app.action("/settings/profile/partners/<id>/users/<user>/invitation")
def invite_again(visit: Visit, id: str, user: str) -> Answer:
    invited = users.invite_again(user, of=id, users=partners, logins=logins)
    return visit.moved(view.address(id), f"Invitation sent to {invited.data.email} again")


handler = entrypoint(app)
