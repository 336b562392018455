"""The two layers that every function imports from: `vendor` (wheels) and `core` (our own code)."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import jinja2
from aws_cdk import (
    AssetHashType,
    BundlingOptions,
    DockerImage,
    FileSystem,
    Validations,
)
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs import bundling
from infra.constructs.bundling import Fill, LocalBuild, copy, interpreter, run
from infra.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = lambda_.Runtime.PYTHON_3_13
RUNTIME_VERSION = "3.13"
ARCHITECTURE = lambda_.Architecture.ARM_64
_PLATFORM = "manylinux2014_aarch64"
NOT_SHIPPED = ["**/__pycache__", "**/*.pyc"]
_RECIPE = FileSystem.fingerprint(bundling.__file__)
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
            content += _fingerprint_of_templates()
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
        return f"{RUNTIME_VERSION} {_PLATFORM} {'compiled' if self._compiler else 'source only'}"


def own_code(compiler: str | None) -> Fill:
    """As it is, and all templates of pages compiled, where there is a Python to do it with."""

    def fill(source: Path, target: Path) -> None:
        copy(source, target)
        pages = target / "python" / "tessera" / "edge" / "pages"
        if compiler is None:
            return
        folders = [pages / "templates", *_template_folders()]
        libraries = {"PYTHONPATH": str(Path(jinja2.__file__).parents[1])}
        run(
            [compiler, str(pages / "compiling.py"), str(pages / "compiled"), *map(str, folders)],
            {**libraries, "PYTHONDONTWRITEBYTECODE": "1"},
        )

    return fill


def _template_folders() -> list[Path]:
    """Of page families, beside their functions; those in the layer belong to it anyhow."""
    return sorted((ROOT / "functions" / "pages").glob("*/templates"))


def _fingerprint_of_templates() -> str:
    prints = [FileSystem.fingerprint(str(folder)) for folder in _template_folders()]
    return f"{' '.join(prints)} {jinja2.__version__}"


def wheels(*, local: bool) -> Fill:
    """Wheels only, each against its hash. boto3 is not among them: the runtime brings it."""
    wanted = [] if local else ["--platform", _PLATFORM, "--implementation", "cp"]
    version = [] if local else ["--python-version", RUNTIME_VERSION]

    def install(source: Path, target: Path) -> None:
        run(
            [
                *[sys.executable, "-m", "pip", "install", "--quiet", "--no-input"],
                *["--disable-pip-version-check", "--no-compile", "--require-hashes", "--no-deps"],
                *["--only-binary", ":all:", *wanted, *version],
                *["--target", str(target / "python"), "-r", str(source / "requirements.txt")],
            ]
        )

    return install
