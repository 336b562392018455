"""The two layers as they are shipped, built into a folder, and what they weigh."""

import sys
from pathlib import Path
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from infra.constructs import bundling
from infra.constructs.bundling import ROOT, LocalBuild
from infra.constructs.filling import RUNTIME_VERSION, own_code, wheels


class Layers(NamedTuple):
    vendor: Path
    core: Path
    compiler: str | None
    """The interpreter that made the bytecode; where it is missing there is none."""


class Weight(NamedTuple):
    unzipped: float
    """Megabytes, as Lambda counts them against its 250."""
    zipped: float


def build(folder: Path, *, local: bool) -> Layers:
    """As the emulator gets them, for the Python that runs here; or as Lambda does."""
    compiler = sys.executable if local else bundling.interpreter(RUNTIME_VERSION)
    made = Layers(folder / "vendor", folder / "core", compiler)
    for target, fill in ((made.vendor, wheels(local=local)), (made.core, own_code(compiler))):
        target.mkdir(parents=True)
        source = ROOT / "layers" / target.name
        LocalBuild(source, fill, compiler).try_bundle(str(target))
    return made


def weigh(layer: Path) -> Weight:
    files = sorted(file for file in layer.rglob("*") if file.is_file())
    archive = layer.with_suffix(".zip")
    with ZipFile(archive, "w", ZIP_DEFLATED) as packed:
        for file in files:
            packed.write(file, file.relative_to(layer))
    return Weight(_megabytes(*files), _megabytes(archive))


def _megabytes(*files: Path) -> float:
    return round(sum(file.stat().st_size for file in files) / 1024**2, 2)
