"""Accounts of organisations that were made while Zuora was not connected."""

import pytest

from tessera.events import event
from tessera.integrations.zuora_verdicts import ZuoraFailed
from tessera.partners.accounts import ResolvedOrganisations, ZuoraAccount
from tessera.partners.errors import Overtaken, PartnerAccountUnusable
from tessera.partners.models import Organisation, OrganisationData
from tessera.partners.store import PartnersTable
from tests.builders import NOW
from tests.partners.organisations import ACME, ACME_ZUORA, Accounts, Kept, organisation

ACCOUNT = ZuoraAccount(ACME_ZUORA, "A00000007", "GBP", is_active=True)
UNCHECKED = organisation(
    data=OrganisationData(zuora_account_id="A00000007", is_zuora_invoice_owner=True)
)


def find(kept: Kept | PartnersTable, zuora: Accounts) -> Organisation | None:
    return ResolvedOrganisations(kept, zuora, now=lambda: NOW).find(ACME)


def test_an_account_that_was_never_looked_up_is_looked_up_and_stored() -> None:
    kept = Kept(UNCHECKED)

    found = find(kept, Accounts(ACCOUNT))

    assert found is not None
    data = found.data
    assert (data.zuora_account_id, data.zuora_account_number, data.zuora_currency) == (
        ACME_ZUORA,
        "A00000007",
        "GBP",
    )
    assert found.modified > UNCHECKED.modified
    assert kept.find(ACME) == found
    assert [(e.type, e.snapshot) for e in kept.told] == [("partner_org.updated", found.wire())]


def test_a_known_account_is_not_asked_for_again() -> None:
    down = Accounts(failing=ZuoraFailed("down", verdict="unavailable"))
    kept = Kept(organisation())

    assert find(kept, down) == organisation()
    assert kept.told == []


def test_while_zuora_is_not_connected_it_stays_as_it_was_given() -> None:
    assert find(Kept(UNCHECKED), Accounts()) == UNCHECKED
    assert find(Kept(), Accounts(ACCOUNT)) is None


@pytest.mark.parametrize(
    ("account", "words"),
    [
        pytest.param(ACCOUNT._replace(is_active=False), "is not active", id="closed"),
        pytest.param(ACCOUNT._replace(number="A00000009"), "does not exist", id="unknown"),
    ],
)
def test_an_account_that_cannot_be_used_is_named_and_nothing_is_stored(
    account: ZuoraAccount, words: str
) -> None:
    kept = Kept(UNCHECKED)

    with pytest.raises(PartnerAccountUnusable) as refused:
        find(kept, Accounts(account))

    assert words in refused.value.message
    assert "A00000007" in refused.value.message
    assert refused.value.members == {"field": "zuoraAccountId", "partner_org": ACME}
    assert (kept.find(ACME), kept.told) == (UNCHECKED, [])


class Racing(Kept):
    def change(self, *_: object) -> None:
        raise Overtaken


def test_who_is_overtaken_goes_on_with_what_it_read() -> None:
    kept = Racing(UNCHECKED)

    found = find(kept, Accounts(ACCOUNT))

    assert found is not None
    assert found.data.zuora_account_number == "A00000007"
    assert kept.find(ACME) == UNCHECKED


def test_the_table_finds_it_by_the_account_from_then_on(stored: PartnersTable) -> None:
    stored.add(UNCHECKED, event("partner_org.created", UNCHECKED.wire(), at=NOW))

    found = find(stored, Accounts(ACCOUNT))

    assert stored.find(ACME) == found
    assert stored.of_zuora_account(ACME_ZUORA) == [ACME]
    assert stored.of_zuora_account("A00000007") == []
