"""Holding the answer until the order has ended."""

import pytest

from tessera.commerce.acceptance import Placed
from tessera.commerce.models import Order, OrderError, OrderWarning, PlacedBy
from tessera.commerce.waiting import AT_MOST, ProvisioningFailed, ended
from tests.builders import NOW

PLACED = Placed(id="order-1", order_reference="C5PBH5JD6698", status="submitted")


class Orders:
    """An order that has the next of these statuses each time it is looked at."""

    def __init__(self, *statuses: str, error: OrderError | None = None) -> None:
        self._statuses = list(statuses)
        self._error = error

    def order(self, id: str) -> Order | None:
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        return Order(
            id=id,
            status=status,
            order_type="new",
            source="api",
            order_date=NOW,
            created=NOW,
            updated=NOW,
            placed_by=PlacedBy(kind="machine", id="m"),
            data={},
            error=self._error if status == "failed" else None,
            warnings=(OrderWarning(code="salesforce_failed", message="Later."),),
        )


def test_answers_as_soon_as_the_order_has_ended() -> None:
    waited: list[float] = []

    done = ended(PLACED, orders=Orders("submitted", "processing", "complete"), wait=waited.append)

    assert done.status == "complete"
    assert [one["code"] for one in done.warnings] == ["salesforce_failed"]
    assert len(waited) == 3


def test_waits_twenty_seconds_at_most() -> None:
    waited: list[float] = []

    done = ended(PLACED, orders=Orders("processing"), wait=waited.append)

    assert done.status == "processing"
    assert sum(waited) == pytest.approx(AT_MOST)
    assert waited == sorted(waited[:-1]) + waited[-1:]
    assert len(waited) < 20


def test_an_order_that_ended_before_is_not_waited_for() -> None:
    waited: list[float] = []
    complete = PLACED.model_copy(update={"status": "complete"})

    assert ended(complete, orders=Orders("failed"), wait=waited.append) == complete
    assert waited == []


def test_a_failure_names_the_order_and_the_outside_system() -> None:
    error = OrderError(step="zuora_order", system="zuora", code="zuora_failed", request_id="f0c4")

    with pytest.raises(ProvisioningFailed) as failed:
        ended(PLACED, orders=Orders("processing", "failed", error=error), wait=lambda _: None)

    assert (failed.value.status, failed.value.wire_code) == (502, "provisioning_failed")
    assert failed.value.members == {
        "id": "order-1",
        "upstream": {"system": "zuora", "requestId": "f0c4"},
    }
