"""Reads with Zuora's own SDK what an order made: a program for an interpreter that has the SDK.

It takes `{"url", "client_id", "client_secret", "account", "order", "subscription"}` on its input
and prints what the SDK's models hold. The SDK takes seconds to load and is no dependency of ours.
"""

import json
import sys

from zuora_sdk import Configuration  # type: ignore[import-not-found]
from zuora_sdk.zuora_client import ZuoraClient  # type: ignore[import-not-found]


def main() -> None:
    asked = json.load(sys.stdin)
    address = Configuration(host=asked["url"])
    client = ZuoraClient(asked["client_id"], asked["client_secret"], None, address)
    client.initialize()
    account = client.accounts_api().get_account(asked["account"])
    order = client.orders_api().get_order(asked["order"]).order
    subscription = client.subscriptions_api().get_subscription_by_key(asked["subscription"])
    invoices = client.object_queries_api().query_invoices(
        filter=[f"accountid.EQ:{account.basic_info.id}"]
    )
    (plan,) = subscription.rate_plans
    (charge,) = plan.rate_plan_charges
    read = {
        "account": {
            "number": account.basic_info.account_number,
            "name": account.basic_info.name,
            "currency": str(account.billing_and_payment.currency),
            "crm": account.basic_info.crm_id,
            "email": account.bill_to_contact.work_email,
            "city": account.bill_to_contact.city,
        },
        "order": {
            "number": order.order_number,
            "status": _text(order.status),
            "actions": [
                _text(action.type)
                for line in order.subscriptions
                for action in line.order_actions or ()
            ],
        },
        "subscription": {
            "number": subscription.subscription_number,
            "status": _text(subscription.status),
            "account": subscription.account_number,
            "start": str(subscription.contract_effective_date),
            "plan": plan.product_rate_plan_id,
            "quantity": charge.quantity,
            "price": charge.price,
        },
        "invoices": [
            {"account": one.account_id, "amount": one.amount, "status": _text(one.status)}
            for one in invoices.data
        ],
    }
    json.dump(read, sys.stdout)


def _text(value: object) -> str:
    """Of an enumeration its value."""
    return str(getattr(value, "value", value))


if __name__ == "__main__":
    main()
