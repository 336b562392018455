"""The sweep over owners, as its schedule calls it."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from tessera import clock
from tessera.commerce.merge_store import MergeTable
from tessera.commerce.merging import OwnerChange, merge
from tests.builders import TODAY, account
from tests.commerce.synced import synced
from tests.handlers import loaded

SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event"}


@pytest.mark.parametrize(("seconds_left", "status"), [(300, "merged"), (20, "merging")])
def test_ends_what_was_left_if_there_is_time(
    tables: dict[str, str], seconds_left: int, status: str
) -> None:
    owners = MergeTable(tables["Commerce"], tables["Events"])
    destination = synced(owners)
    source = synced(owners, "A-S00000999", account=account("A00000099"))
    some_time_ago = clock.now() - timedelta(minutes=5)
    merge(
        OwnerChange(source_id=source, destination_id=destination),
        owners=owners,
        now=lambda: some_time_ago,
        today=TODAY,
        may_go_on=lambda: False,
    )

    context = SimpleNamespace(
        aws_request_id="r-1", get_remaining_time_in_millis=lambda: seconds_left * 1000
    )
    loaded("commerce/resume_owners").handler(SCHEDULED, context)

    ownership = owners.ownership(source)
    assert ownership is not None
    assert ownership.owner.status == status
