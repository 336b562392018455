"""Partner organisations: what is taken, what is refused by field, what may change."""

from typing import Any

import pytest
from pydantic import ValidationError

from tessera.errors import InvalidFields, InvalidRequest, NotFound
from tessera.integrations.zuora_verdicts import ZuoraFailed
from tessera.partners.accounts import ZuoraAccount
from tessera.partners.errors import OrganisationArchived, OrganisationHasUsers
from tessera.partners.models import Organisation
from tessera.partners.organisations import (
    Created,
    NewOrganisation,
    archive,
    change,
    create,
    read,
)
from tessera.partners.users import NewUser
from tests.builders import NOW
from tests.partners.organisations import (
    ACME,
    ACME_SALESFORCE,
    ACME_ZUORA,
    BOREALIS,
    Accounts,
    CrmAccounts,
    Kept,
    organisation,
    petra,
)

ACCOUNT = ZuoraAccount(ACME_ZUORA, "A00000007", "GBP", is_active=True)
BODY = {
    "name": "Acme Resellers",
    "zuoraAccountId": ACME_ZUORA,
    "isZuoraInvoiceOwner": True,
    "salesforceAccountId": ACME_SALESFORCE,
    "logo": "https://example.com/logo.png",
}


def created(
    kept: Kept,
    *,
    zuora: Accounts | None = None,
    salesforce: CrmAccounts | None = None,
    **members: Any,
) -> Created:
    return create(
        NewOrganisation.model_validate({**BODY, **members}),
        organisations=kept,
        zuora=zuora or Accounts(ACCOUNT),
        salesforce=salesforce or CrmAccounts(ACME_SALESFORCE),
        mode="test",
        now=NOW,
    )


def test_an_organisation_is_stored_with_the_accounts_as_zuora_and_salesforce_know_them() -> None:
    kept = Kept()

    made = created(kept, zuoraAccountId="A00000007", salesforceAccountId=ACME_SALESFORCE[:15])

    assert made.wire() == {
        "id": made.organisation.id,
        "record_type": "partner_org",
        "service": "limio",
        "mode": "test",
        "status": "active",
        "name": "Acme Resellers",
        "created": "2026-03-02T09:14:07.512Z",
        "modified": "2026-03-02T09:14:07.512Z",
        "data": {
            "zuoraAccountId": ACME_ZUORA,
            "zuoraAccountNumber": "A00000007",
            "zuoraCurrency": "GBP",
            "isZuoraInvoiceOwner": True,
            "salesforceAccountId": ACME_SALESFORCE,
            "logo": "https://example.com/logo.png",
        },
    }
    assert made.organisation.id.startswith("partner_org-")
    assert [(e.type, e.snapshot) for e in kept.told] == [("partner_org.created", made.wire())]


def test_what_is_not_connected_is_stored_unchecked() -> None:
    made = created(Kept(), zuora=Accounts(), salesforce=CrmAccounts(), zuoraAccountId="A-1")

    assert made.organisation.data.zuora_account_id == "A-1"
    assert made.organisation.data.zuora_account_number is None
    assert made.organisation.data.salesforce_account_id == ACME_SALESFORCE
    assert made.warnings == ()


def test_accounts_that_are_unknown_or_closed_are_named_together_and_nothing_is_made() -> None:
    kept = Kept()
    closed = ACCOUNT._replace(is_active=False)

    with pytest.raises(InvalidFields) as refused:
        created(kept, zuora=Accounts(closed), salesforceAccountId="001Dn00000ZzZzZIAV")

    assert [(e.field, e.code) for e in refused.value.errors] == [
        ("zuoraAccountId", "invalid_value"),
        ("salesforceAccountId", "invalid_value"),
    ]
    with pytest.raises(InvalidFields):
        created(kept, zuoraAccountId="nobody's")
    assert (kept.organisations_by_id, kept.told) == ({}, [])


def test_nothing_is_made_while_zuora_does_not_answer() -> None:
    kept = Kept()
    down = ZuoraFailed("down", verdict="unavailable")

    with pytest.raises(ZuoraFailed):
        created(kept, zuora=Accounts(failing=down))

    assert kept.organisations_by_id == {}


def test_a_shared_zuora_account_and_a_missing_parent_account_are_warned_of() -> None:
    kept = Kept(organisation(BOREALIS))

    made = created(kept, salesforceAccountId="")

    assert [(one.code, one.field) for one in made.warnings] == [
        ("zuora_account_shared", "zuoraAccountId"),
        ("no_parent_account", "salesforceAccountId"),
    ]
    assert "salesforceAccountId" not in made.wire()["data"]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", "   "),
        ("name", "n" * 201),
        ("name", "two\nlines"),
        ("logo", "http://example.com/logo.png"),
        ("logo", "https://"),
        ("logo", "https://[no-address"),
        ("logo", "https://example.com/a b.png"),
        ("logo", "https://example.com/" + "l" * 2029),
        ("zuoraAccountId", " "),
        ("zuoraAccountId", "8" * 65),
        ("salesforceAccountId", "0" * 65),
        ("zuora_account_id", "A00000007"),
        ("isZuoraInvoiceOwner", "true"),
        ("isZuoraInvoiceOwner", 1),
        ("unknown", 1),
    ],
)
def test_each_unfit_member_is_refused_by_its_name(member: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        NewOrganisation.model_validate({**BODY, member: value})

    assert [error["loc"] for error in refused.value.errors()] == [(member,)]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", "n" * 200),
        ("logo", f"https://example.com/{'l' * 2028}"),
        ("logo", ""),
        ("zuoraAccountId", "8" * 64),
        ("salesforceAccountId", "0" * 64),
    ],
)
def test_each_member_is_taken_at_its_limit(member: str, value: str) -> None:
    new = NewOrganisation.model_validate({**BODY, member: value})

    assert new.model_dump(by_alias=True)[member] == value


@pytest.mark.parametrize("name", ["نرم\u200cافزار", "Dupont\u00a0SA", "👩\u200d💻 Studio"])
def test_a_name_may_have_what_joins_and_parts_letters_in_its_language(name: str) -> None:
    assert NewOrganisation.model_validate({**BODY, "name": name}).name == name
    assert NewUser(email="petra@acme.example", name=name).name == name


@pytest.mark.parametrize("member", ["name", "zuoraAccountId", "isZuoraInvoiceOwner"])
def test_what_is_required_is_named(member: str) -> None:
    body = {name: value for name, value in BODY.items() if name != member}

    with pytest.raises(ValidationError) as refused:
        NewOrganisation.model_validate(body)

    assert [(e["loc"], e["type"]) for e in refused.value.errors()] == [((member,), "missing")]


def test_name_and_logo_can_change() -> None:
    kept = Kept(organisation())

    changed = change(
        ACME, {"name": " Acme ", "logo": "https://a.example/l"}, organisations=kept, now=NOW
    )

    assert (changed.name, changed.data.logo) == ("Acme", "https://a.example/l")
    assert changed.modified > NOW
    assert kept.find(ACME) == changed
    assert [(e.type, e.snapshot) for e in kept.told] == [("partner_org.updated", changed.wire())]


def test_an_empty_logo_takes_it_away() -> None:
    data = organisation().data.model_copy(update={"logo": "https://a.example/l"})
    kept = Kept(organisation(data=data))

    assert change(ACME, {"logo": ""}, organisations=kept, now=NOW).data.logo is None


def test_a_change_that_changes_nothing_writes_and_tells_nothing() -> None:
    kept = Kept(organisation())

    assert change(ACME, {"name": "Acme Resellers"}, organisations=kept, now=NOW) == organisation()
    assert kept.told == []


def test_every_other_member_is_refused_even_with_the_value_it_has_and_nothing_changes() -> None:
    kept = Kept(organisation())
    members = {"name": "Acme", "zuoraAccountId": ACME_ZUORA, "isZuoraInvoiceOwner": True, "x": 1}

    with pytest.raises(InvalidFields) as refused:
        change(ACME, members, organisations=kept, now=NOW)

    assert refused.value.wire_code == "not_editable"
    assert [(e.field, e.code) for e in refused.value.errors] == [
        (name, "not_editable") for name in ("zuoraAccountId", "isZuoraInvoiceOwner", "x")
    ]
    assert kept.find(ACME) == organisation()


def test_an_unfit_name_and_logo_are_named_together() -> None:
    members = {"name": "n" * 201, "logo": "ftp://a.example"}

    with pytest.raises(InvalidFields) as refused:
        change(ACME, members, organisations=Kept(organisation()), now=NOW)

    assert [(e.field, e.code) for e in refused.value.errors] == [
        ("name", "too_long"),
        ("logo", "invalid_value"),
    ]


def test_an_archived_organisation_stays_as_it_is() -> None:
    kept = Kept(organisation())
    archive(ACME, organisations=kept, now=NOW)

    archive(ACME, organisations=kept, now=NOW)

    found = kept.find(ACME)
    assert found is not None
    assert found.status == "archived"
    assert [e.type for e in kept.told] == ["partner_org.archived"]
    with pytest.raises(OrganisationArchived):
        change(ACME, {"name": "Other"}, organisations=kept, now=NOW)


def test_what_is_changed_by_two_at_once_ends_with_both_changes() -> None:
    class Overtaking(Kept):
        def find(self, id: str) -> Organisation | None:
            found = super().find(id)
            if found is not None and not self.told:
                change(id, {"logo": "https://b.example/l"}, organisations=rival, now=NOW)
            return found

    kept = Overtaking(organisation())
    rival = Kept()
    rival.organisations_by_id, rival.told = kept.organisations_by_id, kept.told

    changed = change(ACME, {"name": "Acme"}, organisations=kept, now=NOW)

    assert (changed.name, changed.data.logo) == ("Acme", "https://b.example/l")


def test_an_id_that_is_none_and_one_that_nobody_has_are_told_apart() -> None:
    with pytest.raises(InvalidRequest):
        read("acme", organisations=Kept())
    with pytest.raises(NotFound):
        read(ACME, organisations=Kept())


def test_an_organisation_with_users_is_not_archived() -> None:
    kept = Kept(organisation())
    kept.users[petra().id] = petra()

    with pytest.raises(OrganisationHasUsers):
        archive(ACME, organisations=kept, now=NOW)
