"""The components that configured pages are made of, by their names in the catalog.

To add one: a module beside this whose class has `show` and, where it takes forms, `act`; its
template in `templates/components/`, which finds what it shows in `view`; a row in `components`; and
what it needs (stores, Zuora) in `World`, which the handler fills.

A form of a component posts to the page's own address and names the component:
`<form method="post">{{ ui.form_keys(form) }}<input type="hidden" name="component" value="plan">`.

Changing, leaving and renewing a subscription are flows of several steps inside one component, the
same for customers and partner users: see `flows.py`. `update_subscription` and
`cancel_subscription` show nothing by themselves: on a page of the portal they let partner users
begin these flows.
"""

from .addresses import Addresses
from .blocks import Component
from .checkout import Checkout
from .flows import Flows
from .invoices import Invoices
from .methods import PaymentMethods
from .offers import Offers
from .own import Belongings
from .partner_customer import BothKinds, PartnerCustomer
from .plan import NAMES, Plan
from .portal import CustomersTable, InvoicesTable
from .subscriptions import Subscriptions
from .world import World


def components(world: World) -> dict[str, Component]:
    own = Belongings(world.owners, world.partners, world.moment)
    invoices, methods = Invoices(world, own), PaymentMethods(world, own)
    addresses, checkout = Addresses(world, own), Checkout(world, own)
    customers, invoiced = CustomersTable(world), InvoicesTable(world)
    subscriptions = BothKinds(Subscriptions(own), PartnerCustomer(world, Flows(world)))
    plans = {name: Plan(name, own, Flows(world), world.catalog) for name in NAMES}
    return {
        "offers": Component(Offers(world.catalog).show),
        "checkout": Component(checkout.show, checkout.act),
        "subscriptions": Component(subscriptions.show, subscriptions.act),
        "partner_customers_table": Component(customers.show),
        "partner_invoices_table": Component(invoiced.show, invoiced.act),
        **{name: Component(plan.show, plan.act) for name, plan in plans.items()},
        "invoices": Component(invoices.show, invoices.act),
        "payment_methods": Component(methods.show, methods.act),
        "addresses": Component(addresses.show, addresses.act),
    }
