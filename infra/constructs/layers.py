"""The two layers that every function imports from: `vendor` (wheels) and `core` (our own code)."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import (
    AssetHashType,
    BundlingOptions,
    DockerImage,
    FileSystem,
    Validations,
)
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs import bundling, filling
from infra.constructs.bundling import ROOT, Fill, LocalBuild, interpreter
from infra.constructs.filling import (
    PLATFORM,
    RUNTIME_VERSION,
    fingerprint_of_templates,
    own_code,
    wheels,
)
from infra.settings import Settings

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64
NOT_SHIPPED = ["**/__pycache__", "**/*.pyc"]
_RECIPE = f"{FileSystem.fingerprint(bundling.__file__)} {FileSystem.fingerprint(filling.__file__)}"
"""How a layer is filled is part of what it becomes."""


class Layers(Construct):
    """On the emulator both are built for the interpreter that runs this app, as functions there
    run on it; for AWS, for the runtime."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        self._local = settings.local
        self._compiler = sys.executable if settings.local else interpreter(RUNTIME_VERSION)
        self.vendor = self._layer(
            "Vendor",
            ROOT / "layers" / "vendor",
            wheels(local=settings.local),
            only=("requirements.txt",),
        )
        self.core = self._layer("Core", ROOT / "layers" / "core", own_code(self._compiler))
        if self._compiler is None:
            Validations.of(self).add_warning(
                "tessera:no-bytecode",
                f"There is no Python {RUNTIME_VERSION} here to compile the layers with: they ship "
                "without bytecode, and cold starts take about twice as long.",
            )

    def _layer(
        self,
        id: str,
        source: Path,
        fill: Fill,
        only: Sequence[str] = (),
    ) -> lambda_.LayerVersion:
        left_out = ["*", *(f"!{name}" for name in only)] if only else NOT_SHIPPED
        content = FileSystem.fingerprint(str(source), exclude=left_out)
        if not only:
            content += fingerprint_of_templates()
        code = lambda_.Code.from_asset(
            str(source),
            exclude=left_out,
            # The source alone would let a change of Python or platform reuse the old layer.
            asset_hash_type=AssetHashType.CUSTOM,
            asset_hash=hashlib.sha256(f"{content} {_RECIPE} {self._target}".encode()).hexdigest(),
            bundling=BundlingOptions(
                image=DockerImage.from_registry("never-started"),
                local=LocalBuild(source, fill, self._compiler),
            ),
        )
        return lambda_.LayerVersion(
            self,
            id,
            code=code,
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
        )

    @property
    def _target(self) -> str:
        """All that shapes what is built, beside its source."""
        if self._local:
            return f"{sys.implementation.cache_tag} {sys.platform}"
        return f"{RUNTIME_VERSION} {PLATFORM} {'compiled' if self._compiler else 'source only'}"
