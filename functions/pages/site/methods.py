"""`payment_methods`: what can be paid by, another card on billing's own form, the default."""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from tessera.catalog.models import ComponentOptions, Page
from tessera.commerce.default_method import make_default
from tessera.commerce.models import Customer
from tessera.commerce.payment_methods import (
    MethodInUse,
    NewForm,
    PaymentMethod,
    methods_of,
    open_form,
    remove,
)
from tessera.edge.pages.app import Answer, Visit
from tessera.edge.pages.locations import origin_of, with_query
from tessera.errors import NotFound

from . import cards, payments
from .asking import Failed
from .blocks import Block
from .outcomes import carried_out
from .own import Belongings, Own, nothing_found
from .subpages import asked, crumbs
from .world import World

UPDATE = "Update payment"


def methods_seen(world: World, own: Own) -> Sequence[PaymentMethod] | Failed:
    def read() -> Sequence[PaymentMethod]:
        return methods_of(
            own.caller.owner,
            objects=world.owners,
            billing=world.billing.methods(),
            today=own.moment.today,
        )

    return world.billing.seen("payment methods", read)


class PaymentMethods:
    def __init__(self, world: World, own: Belongings) -> None:
        self._world = world
        self._own = own
        self._billing = world.billing

    def show(self, visit: Visit, page: Page, options: ComponentOptions) -> Block | None:
        own = self._own.of(visit)
        match asked(visit):
            case "card":
                return self._card(visit, own, page)
            case "remove":
                return self._removal(visit, own, page)
            case "":
                if not own.holdings:
                    return nothing_found(visit, page, "payment_methods", options)
                return self._list(visit, own, options)
        return None

    def act(self, visit: Visit, page: Page, options: ComponentOptions) -> Answer:
        own = self._own.of(visit)
        match asked(visit):
            case "card":
                return self._use_card(visit, own)
            case "remove":
                return self._remove(visit, own)
        return self._make_default(visit, own)

    def _list(self, visit: Visit, own: Own, options: ComponentOptions) -> Block:
        found = methods_seen(self._world, own)
        customers = self._own.customers(own.owner)
        accounts = [one for one in customers if own.on_account(one.id)]
        shown: list[dict[str, Any]] = []
        if not isinstance(found, Failed):
            shown = [self._account(one, found, own, visit) for one in accounts]
        return Block(
            "components/payment_methods.html",
            {
                "title": options.title or "Payment methods",
                "accounts": shown,
                "failed": found if isinstance(found, Failed) else None,
                "failed_words": options.failed or "",
                "empty": options.empty or "There is no payment method yet.",
                "again": visit.path,
                "update_words": UPDATE,
            },
        )

    def _account(
        self, customer: Customer, methods: Sequence[PaymentMethod], own: Own, visit: Visit
    ) -> dict[str, Any]:
        held = own.on_account(customer.id)
        own_methods = [one for one in methods if one.related == customer.id]
        number = customer.data.zuora.account_number or ""
        default = cards.default_of(own_methods, customer.id)
        pays = default is not None and self._pays_by_itself(number)
        is_invoiced_elsewhere = all(payments.is_invoiced_elsewhere(one) for one in held)
        return {
            "names": payments.names_of(held),
            "methods": [
                cards.view_of(one, own.moment.today)
                | {
                    "remove": ""
                    if one.data.default and pays
                    else with_query(visit.path, remove=one.id),
                    "can_be_default": not one.data.default and one.status == "active",
                }
                for one in own_methods
            ],
            "card": with_query(visit.path, card=held[0].id)
            if self._billing.has_card_form and not is_invoiced_elsewhere
            else "",
        }

    def _pays_by_itself(self, account: str) -> bool:
        """Where Zuora does not say so, its default is not offered for removal."""
        told = self._billing.seen(
            f"auto-pay of {account}", lambda: self._billing.methods().pays_by_itself(account)
        )
        return isinstance(told, Failed) or told

    def _card(self, visit: Visit, own: Own, page: Page) -> Block:
        holding = own.holding(visit.query["card"])
        form = open_form(
            NewForm(subscription=holding.id),
            caller=own.caller,
            objects=self._world.owners,
            billing=self._billing.methods(waits=True),
            forms=self._world.forms,
            now=own.moment.now,
        )
        return Block(
            "components/card.html",
            {
                "script": form.script,
                "params": json.dumps(form.params),
                "name": payments.names_of(own.on_account(holding.customer or "")),
                "back": visit.path,
            },
            title=UPDATE,
            crumbs=crumbs(visit, page.name, UPDATE),
            card_page=origin_of(form.script),
        )

    def _use_card(self, visit: Visit, own: Own) -> Answer:
        holding = own.holding(visit.query["card"])
        placed = carried_out(
            lambda: self._world.place(
                {
                    "order_type": "change_payment",
                    "forSubscription": {"id": holding.id},
                    "payment": {
                        "type": "zuora",
                        "zuora": {"refId": visit.fields.text("payment.zuora.refId")},
                    },
                    "process_immediately": True,
                },
                own.caller,
            )
        )
        name = payments.name_of(holding)
        if placed is None:
            return visit.moved(
                visit.path,
                "The new card was refused. What you paid by before stays as it is.",
                failed=True,
            )
        if placed.status == "complete":
            return visit.moved(visit.path, f"The new card is saved. {name} is paid by it from now.")
        return visit.moved(visit.path, "The new card is saved and will be used in a moment")

    def _make_default(self, visit: Visit, own: Own) -> Answer:
        wanted = visit.fields.text("default")
        methods = methods_of(
            own.caller.owner,
            objects=self._world.owners,
            billing=self._billing.methods(waits=True),
            today=own.moment.today,
        )
        placed = carried_out(
            lambda: make_default(
                wanted,
                methods=methods,
                holdings=own.holdings,
                place=partial(self._world.place, caller=own.caller),
            )
        )
        name = next(cards.name_of(one) for one in methods if one.id == wanted)
        if placed is None:
            return visit.moved(
                visit.path,
                f"{name} was refused. What you paid by before stays as it is.",
                failed=True,
            )
        return visit.moved(visit.path, f"You pay by {name} from now on")

    def _removal(self, visit: Visit, own: Own, page: Page) -> Block:
        method = self._method(visit.query["remove"], own)
        title = f"Remove {cards.name_of(method)}"
        return Block(
            "components/remove_method.html",
            {"name": cards.name_of(method), "back": visit.path},
            title=title,
            crumbs=crumbs(visit, page.name, title),
        )

    def _remove(self, visit: Visit, own: Own) -> Answer:
        method = self._method(visit.query["remove"], own)
        name = cards.name_of(method)
        try:
            remove(
                method.id,
                own.caller.owner,
                objects=self._world.owners,
                billing=self._billing.methods(waits=True),
                now=own.moment.now,
            )
        except MethodInUse as refusal:
            return visit.moved(visit.path, refusal.message, failed=True)
        return visit.moved(visit.path, f"{name} removed")

    def _method(self, id: str, own: Own) -> PaymentMethod:
        found = methods_of(
            own.caller.owner,
            objects=self._world.owners,
            billing=self._billing.methods(waits=True),
            today=own.moment.today,
        )
        method = next((one for one in found if one.id == id), None)
        if method is None:
            raise NotFound("There is no payment method with this id.", code="not_found")
        return method
