"""What all functions stand on: the settings of the stage, and the layers."""

from dataclasses import dataclass

from aws_cdk import aws_logs as logs

from infra.constructs.layers import Layers
from infra.settings import Settings


@dataclass(frozen=True)
class Platform:
    settings: Settings
    layers: Layers

    @property
    def metrics_namespace(self) -> str:
        """One per stage, as several stages may share an account."""
        return f"Tessera/{self.settings.stage}"


def log_retention(settings: Settings) -> logs.RetentionDays:
    if settings.is_production:
        return logs.RetentionDays.SIX_MONTHS
    return logs.RetentionDays.TWO_WEEKS
