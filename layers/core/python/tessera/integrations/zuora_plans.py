"""Zuora's product rate plans in the words of the catalog."""

from typing import Protocol

from tessera.catalog.models import PlanCharge
from tessera.integrations.zuora_models import ProductRatePlan


class Reader(Protocol):
    """What of the Zuora client is needed; reading raises `UnknownToZuora` and `ZuoraFailed`."""

    @property
    def is_configured(self) -> bool: ...

    def product_rate_plan(self, id: str) -> ProductRatePlan: ...


class ZuoraPlans:
    def __init__(self, client: Reader) -> None:
        self._client = client

    def charges(self, rate_plan: str) -> tuple[PlanCharge, ...] | None:
        """`None` while Zuora is not connected. Raises `UnknownToZuora` and `ZuoraFailed`."""
        if not self._client.is_configured:
            return None
        return tuple(
            PlanCharge(
                id=charge.id, name=charge.name, model=charge.charge_model, type=charge.charge_type
            )
            for charge in self._client.product_rate_plan(rate_plan).product_rate_plan_charges
        )
