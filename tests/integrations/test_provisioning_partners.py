"""Orders of partners at the stand-ins whose organisation was made before these were connected."""

from typing import Any

import pytest

from infra.local import demo
from tessera.partners.models import Organisation
from tests.commerce.carrying import customer, order, pending, store_with, subscription
from tests.integrations.test_provisioning import (
    ACME,
    Vendors,
    World,
    assert_complete,
    partner,
    running,
    vendors,
)

__all__ = ["running", "vendors"]


def unchecked(account: str = demo.ACME.number, **data: Any) -> Organisation:
    """As it is stored when nobody could be asked."""
    known = partner(invoice_owner=True)
    unknown = {
        "zuora_account_id": account,
        "zuora_account_number": None,
        "zuora_currency": None,
        **data,
    }
    return known.model_copy(update={"data": known.data.model_copy(update=unknown)})


def world_of(vendors: Vendors, sold_by: Organisation) -> World:
    sold = subscription(pending_change=pending(), partner_org=ACME)
    store = store_with(order(partner_org=ACME), sold, customer(partner_org=ACME))
    return World(vendors, store, partner=sold_by)


@pytest.mark.parametrize("given", [demo.ACME.number, demo.ACME.id], ids=["number", "id"])
def test_the_first_order_looks_the_account_up_and_the_partner_is_invoiced(
    given: str, vendors: Vendors
) -> None:
    world = world_of(vendors, unchecked(given))

    assert world.run() == ["completed"]

    (account,) = vendors.accounts
    (version,) = vendors.subscriptions
    assert account["parentId"] == demo.ACME.id
    assert version["invoiceOwnerId"] == demo.ACME.id
    stored = world.organisations.find(ACME)
    assert stored is not None
    assert stored.data == partner(invoice_owner=True).data
    assert [one.type for one in world.organisations.told] == ["partner_org.updated"]
    assert len(vendors.calls(f"/v1/accounts/{given}$", method="GET")) == 1


def test_an_account_that_zuora_lacks_fails_the_order_in_clear_words(vendors: Vendors) -> None:
    world = world_of(vendors, unchecked("A00000999"))

    assert world.run()[-1] == "failed"

    error = world.order.error
    assert error is not None
    assert (error.step, error.code) == ("zuora_account", "partner_account_unusable")
    assert (vendors.accounts, vendors.subscriptions) == ([], [])
    assert world.holding.status == "cancelled"
    assert world.organisations.find(ACME) == unchecked("A00000999")


def test_a_look_that_zuora_does_not_answer_is_taken_again(vendors: Vendors) -> None:
    vendors.fault("zuora", f"/v1/accounts/{demo.ACME.number}$", {"kind": "status", "status": 503})
    world = world_of(vendors, unchecked())

    assert world.run()[-1] == "completed"

    assert_complete(world, vendors)
    assert vendors.accounts[0]["parentId"] == demo.ACME.id


def test_a_partner_in_another_currency_is_not_invoiced(vendors: Vendors) -> None:
    world = world_of(vendors, unchecked(demo.HALDEN.number))

    assert world.run()[-1] == "failed"

    assert world.order.error is not None
    assert world.order.error.code == "currency_mismatch"
    assert (vendors.accounts, vendors.subscriptions) == ([], [])


def test_a_salesforce_account_that_does_not_exist_is_named_in_the_warning(
    vendors: Vendors,
) -> None:
    nowhere = "001Dn00000ZzZzZIAV"
    world = world_of(vendors, unchecked(salesforce_account_id=nowhere))

    assert world.run() == ["completed"]

    (warning,) = world.order.warnings
    assert warning.code == "partner_account_unusable"
    assert nowhere in warning.message
    assert vendors.records("Account") == []
    assert world.steps()["salesforce_customer"] == "warning"
