"""POST /api/mma/payment-methods: what a page needs to open Zuora's own form for a card."""

from typing import Any

from tessera import clock
from tessera.commerce.callers import Caller
from tessera.commerce.form_store import OpenedForms
from tessera.commerce.payment_methods import NewForm, open_form
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, created, entrypoint, principal, resolver
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.identity.principal import Customer
from tessera.identity.provider_settings import ProviderSettings
from tessera.identity.sign_in import owner_of
from tessera.integrations.zuora_methods import HostedPage, ZuoraMethods


class Env(ZuoraEnvironment):
    commerce_table: str
    events_table: str
    sessions_table: str
    identity_providers_parameter: str
    zuora_page_id: str
    zuora_page_uri: str
    zuora_page_script: str
    mode: str


env = Env.load()
owners = CommerceTable(env.commerce_table, env.events_table)
providers = ProviderSettings(env.identity_providers_parameter)
page = HostedPage(env.zuora_page_id, env.zuora_page_uri, env.zuora_page_script)
billing = ZuoraMethods(zuora_client(env), page)
forms = OpenedForms(env.sessions_table)
app = resolver()


@app.post("/api/mma/payment-methods")
def open_payment_form(new: NewForm) -> Response[Any]:
    now = clock.now()
    who = principal(app, Customer)
    owner = owner_of(who, owners=owners, labels=providers, now=now, mode=env.mode)
    caller = Caller(kind="customer", id=who.id, owner=owner)
    form = open_form(new, caller=caller, objects=owners, billing=billing, forms=forms, now=now)
    return created(form)


handler = entrypoint(app, confidential=True)
