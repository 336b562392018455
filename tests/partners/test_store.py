"""The Partners table: what two at once may do, and what an organisation counts."""

from datetime import timedelta
from typing import Any

import pytest

from tessera.events import event
from tessera.partners.errors import (
    EmailInUse,
    NoOrganisation,
    OrganisationArchived,
    OrganisationHasUsers,
    Overtaken,
)
from tessera.partners.models import PartnerUser
from tessera.partners.store import PartnersTable
from tests.builders import NOW
from tests.commerce.counting import counted
from tests.conftest import Told
from tests.partners.organisations import ACME, BOREALIS, organisation, petra

SECOND = timedelta(seconds=1)
OTHER = "partner_user-00000000000000000000000000000001"


@pytest.fixture
def acme(stored: PartnersTable) -> PartnersTable:
    one = organisation()
    stored.add(one, event("partner_org.created", one.wire(), at=NOW))
    return stored


def inviting(**detail: object) -> PartnerUser:
    return petra(**{"status": "inviting", "subject": None, **detail})


def later(user: PartnerUser, **changes: object) -> PartnerUser:
    return user.model_copy(update={"modified": user.modified + SECOND, **changes})


def test_an_organisation_and_a_user_come_back_as_they_went(acme: PartnersTable) -> None:
    acme.enrol(inviting(), due=NOW)

    assert acme.find(ACME) == organisation(users=1)
    assert acme.user(ACME, petra().id) == inviting()
    assert acme.of_zuora_account(organisation().data.zuora_account_id) == [ACME]


def test_an_email_is_claimed_once_and_its_loser_leaves_nothing(acme: PartnersTable) -> None:
    acme.enrol(inviting(), due=NOW)

    with pytest.raises(EmailInUse):
        acme.enrol(inviting(id=OTHER), due=NOW)

    assert acme.user(ACME, OTHER) is None
    assert acme.find(ACME) == organisation(users=1)


def test_only_an_active_organisation_that_exists_gets_users(acme: PartnersTable) -> None:
    with pytest.raises(NoOrganisation):
        acme.enrol(inviting(partner_org=BOREALIS), due=NOW)
    archived = organisation(status="archived", modified=NOW + SECOND)
    acme.archive(organisation(), archived, event("partner_org.archived", {}, at=NOW))

    with pytest.raises(OrganisationArchived):
        acme.enrol(inviting(), due=NOW)


def test_an_archived_organisation_shares_its_account_with_nobody(acme: PartnersTable) -> None:
    archived = organisation(status="archived", modified=NOW + SECOND)

    acme.archive(organisation(), archived, event("partner_org.archived", {}, at=NOW))

    assert acme.of_zuora_account(organisation().data.zuora_account_id) == []


def test_an_organisation_is_not_archived_beside_a_user(acme: PartnersTable, told: Told) -> None:
    acme.enrol(inviting(), due=NOW)
    archived = organisation(status="archived", modified=NOW + SECOND)

    with pytest.raises(OrganisationHasUsers):
        acme.archive(organisation(), archived, event("partner_org.archived", {}, at=NOW))

    assert acme.active(ACME) is not None
    assert told("partner_org.archived") == []


def test_what_was_read_of_a_user_must_still_hold(acme: PartnersTable) -> None:
    acme.enrol(inviting(), due=NOW)
    acme.rename(inviting(), later(inviting(), name="Petra N."))

    with pytest.raises(Overtaken):
        acme.rename(inviting(), later(inviting(), name="Petra"))
    with pytest.raises(Overtaken):
        acme.begin_removal(inviting(), later(inviting(), status="removing"), due=NOW)
    with pytest.raises(Overtaken):
        acme.forget(inviting())

    user = acme.user(ACME, petra().id)
    assert user is not None
    assert user.name == "Petra N."


def test_a_renamed_user_signs_in_under_the_new_name(acme: PartnersTable) -> None:
    acme.enrol(inviting(), due=NOW)
    active = later(inviting(), status="active", subject="s-1")
    acme.activate(inviting(), active, event("partner_user.created", active.wire(), at=NOW))

    acme.rename(active, later(active, name="Petra N."))

    who = acme.signed_in("s-1", organisation=ACME)
    assert who is not None
    assert who.name == "Petra N."


def test_the_unfinished_are_found_when_due_and_taken_once(acme: PartnersTable) -> None:
    acme.enrol(inviting(), due=NOW)

    assert acme.unfinished(until=NOW - SECOND, limit=10) == []
    (found,) = acme.unfinished(until=NOW, limit=10)

    assert acme.take(found, due=NOW + SECOND)
    assert not acme.take(found, due=NOW + SECOND)
    assert acme.unfinished(until=NOW, limit=10) == []
    (again,) = acme.unfinished(until=NOW + SECOND, limit=10)
    active = later(again.user, status="active", subject="s-1")
    acme.activate(again.user, active, event("partner_user.created", active.wire(), at=NOW))
    assert acme.unfinished(until=NOW + timedelta(days=1), limit=10) == []


def test_a_removed_user_frees_email_and_organisation(acme: PartnersTable) -> None:
    acme.enrol(inviting(), due=NOW)
    removing = later(inviting(), status="removing")
    acme.begin_removal(inviting(), removing, due=NOW)

    acme.forget(removing)

    acme.enrol(inviting(id=OTHER), due=NOW)
    assert acme.find(ACME) == organisation(users=1)


def test_users_of_an_organisation_are_paged(acme: PartnersTable) -> None:
    for n in range(3):
        id = f"partner_user-{n:032x}"
        data = petra().data.model_copy(update={"email": f"{n}@acme.example"})
        acme.enrol(inviting(id=id, data=data), due=NOW)

    with counted() as requests:
        first, after = acme.users_of(ACME, limit=2, after=None)
    rest, end = acme.users_of(ACME, limit=2, after=after)

    assert requests == {"Query": 1}
    assert [one.data.email for one in (*first, *rest)] == [f"{n}@acme.example" for n in range(3)]
    assert end is None


def test_namesakes_of_the_same_moment_are_all_listed_a_page_at_a_time(
    stored: PartnersTable,
) -> None:
    ids = [ACME, BOREALIS, f"partner_org-{1:032x}"]
    for id in ids:
        one = organisation(id)
        stored.add(one, event("partner_org.created", one.wire(), at=NOW))
    found: list[str] = []
    after: Any = None

    for _ in ids:
        page, after = stored.organisations(limit=1, after=after)
        found += [one.id for one in page]

    assert (sorted(found), after) == (sorted(ids), None)
