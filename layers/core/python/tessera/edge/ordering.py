"""What all endpoints that place or preview orders share: environment, desk, caller, status."""

import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from tessera import clock
from tessera.catalog.store import CatalogTable
from tessera.commerce.acceptance import Placed
from tessera.commerce.basket_store import BasketsTable
from tessera.commerce.buyers import Moment
from tessera.commerce.callers import Caller
from tessera.commerce.form_store import OpenedForms
from tessera.commerce.ordering import Billing, Desk
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, answer
from tessera.edge.environment import Environment
from tessera.edge.observability import count, note
from tessera.identity.principal import Customer, Machine, Operator, Partner, Principal
from tessera.identity.provider_settings import ProviderSettings
from tessera.identity.sign_in import owner_of
from tessera.partners.store import PartnersTable

if TYPE_CHECKING:
    from tessera.partners.models import Organisation

wait = time.sleep
"""For whoever asks for an answer when the order has ended."""


class OrderingEnvironment(Environment):
    commerce_table: str
    events_table: str
    catalog_table: str
    partners_table: str
    sessions_table: str
    identity_providers_parameter: str
    zuora_url: str
    zuora_secret: str
    zuora_entity_ids: str
    zuora_org_ids: str
    zuora_owner_style: str
    zuora_account_mapping: str
    business_time_zone: str
    mode: str

    def moment(self) -> Moment:
        now, zone = clock.now(), self.business_time_zone
        per_item = self.zuora_account_mapping == "subscription"
        return Moment(now, clock.today(now, zone), self.mode, per_item, zone)


def order_desk(env: OrderingEnvironment) -> Desk:
    owners = CommerceTable(env.commerce_table, env.events_table)
    partners = PartnersTable(env.partners_table)
    return Desk(
        owners=owners,
        shop=Shelf(CatalogTable(env.catalog_table)),
        partners=partners,
        labels=ProviderSettings(env.identity_providers_parameter),
        baskets=BasketsTable(env.sessions_table, owners),
        billing=live_billing(env, partners.active),
        forms=OpenedForms(env.sessions_table),
    )


def live_billing(
    env: OrderingEnvironment, organisation: Callable[[str], "Organisation | None"]
) -> Callable[[], Billing]:
    """The billing system, connected to on first use: few orders need it before they are answered,
    and its client takes a tenth of a second to load.
    """

    @cache
    def connected() -> Billing:
        from tessera.edge.zuora import zuora_client
        from tessera.integrations.partner_accounts import ZuoraPartnerAccounts
        from tessera.integrations.zuora_desk import ZuoraDesk
        from tessera.partners.accounts import resolved

        client = zuora_client(env)
        accounts = ZuoraPartnerAccounts(client)

        def known(id: str) -> "Organisation | None":
            found = organisation(id)
            return resolved(found, accounts) if found is not None else None

        return ZuoraDesk(client, known, owner_style=env.zuora_owner_style)

    return connected


def caller_of(who: Principal, desk: Desk, moment: Moment) -> Caller:
    """A customer that was never here before is given an owner, so that it can buy."""
    match who:
        case Customer():
            owner = owner_of(
                who, owners=desk.owners, labels=desk.labels, now=moment.now, mode=moment.mode
            )
            return Caller(kind="customer", id=who.id, owner=owner)
        case Partner():
            return Caller(kind="partner", id=who.id, partner_org=who.partner_org)
        case Machine() | Operator():
            return Caller(kind=who.kind, id=who.id)
    raise TypeError(f"{who.kind} places no orders")


def of_order(placed: Placed) -> Response[Any]:
    """200 when the order has ended well, else 202: ask again."""
    note(outcome="placed", order=placed.id, owner=placed.owner)
    count("OrdersPlaced")
    return answer(200 if placed.status == "complete" else 202, placed)
