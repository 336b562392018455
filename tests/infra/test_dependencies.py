"""What is not ours: pinned, hashed, the same where it is tested and where it runs, and licensed."""

import json
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.constructs.filling import RUNTIME_VERSION
from infra.local.place import EMULATOR_VENV, VENV
from tests.infra.synthesis import ROOT

_VENDOR = ROOT / "layers" / "vendor" / "requirements.txt"
_PYTHON = [_VENDOR, ROOT / "tests" / "requirements.txt", ROOT / "infra/local/requirements.txt"]
_NPM = [ROOT / "infra", ROOT / "functions" / "pages" / "assets"]
_PIN = re.compile(r"(?P<name>[\w.-]+)(\[[\w,.-]+\])?==(?P<version>[\w.!+-]+)(\s*;.*)?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_LICENCES = {
    "0BSD",
    "Apache Software License",
    "Apache-2.0",
    "Apache-2.0 OR BSD-3-Clause",
    "BSD License",
    "BSD-0-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MIT-0",
    "MIT License",
    "Mozilla Public License 2.0 (MPL 2.0)",
    "MPL-2.0",
    "PSF-2.0",
}
"""What a company may run unchanged without publishing anything of its own."""


class Pin(NamedTuple):
    name: str
    version: str
    hashes: tuple[str, ...]


@pytest.mark.parametrize("file", _PYTHON, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_every_python_package_is_pinned_and_has_a_hash(file: Path) -> None:
    pins = _pins(file)

    assert pins
    assert [pin.name for pin in pins if not pin.hashes] == []


def test_what_is_tested_is_what_runs() -> None:
    tested = {pin.name: pin.version for pin in _pins(_PYTHON[1])}

    assert {pin.name: pin.version for pin in _pins(_VENDOR)}.items() <= tested.items()


# The lists are installed as they stand (`--no-deps`): an old pip otherwise asks the registry about
# extras anew, and a release of tomorrow breaks the set-up. So they must be complete by themselves.
@pytest.mark.parametrize("environment", [VENV, EMULATOR_VENV], ids=["development", "emulator"])
def test_nothing_that_is_installed_lacks_what_it_needs(environment: Path) -> None:
    asked = ["-m", "pip", "--python", str(environment / "bin" / "python"), "check"]
    told = subprocess.run(  # noqa: S603
        [sys.executable, *asked, "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stdout + told.stderr


def test_the_vendor_layer_names_all_that_its_packages_need() -> None:
    pinned = {canonicalize_name(pin.name) for pin in _pins(_VENDOR)}
    brought = {"boto3", "botocore"}  # by Lambda's runtime

    runtime = {"python_version": RUNTIME_VERSION, "python_full_version": "3.13.0", "extra": ""}
    missing = {
        f"{name} needs {needed}"
        for name in pinned
        for needed in map(Requirement, distribution(name).requires or [])
        if needed.marker is None or needed.marker.evaluate(runtime)
        if canonicalize_name(needed.name) not in pinned | brought
    }
    assert missing == set()


@pytest.mark.parametrize("folder", _NPM, ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_every_npm_package_is_pinned_and_has_a_hash(folder: Path) -> None:
    wanted = json.loads((folder / "package.json").read_text())
    locked = _locked(folder)

    ranges = {**wanted.get("dependencies", {}), **wanted.get("devDependencies", {})}
    assert ranges
    assert {
        name: version
        for name, version in ranges.items()
        if locked[f"node_modules/{name}"]["version"] != version
    } == {}
    assert [name for name, one in locked.items() if "sha512-" not in one["integrity"]] == []


def test_what_runs_has_a_licence_that_is_known() -> None:
    python = {pin.name: _licences(pin.name) for pin in _pins(_VENDOR)}
    assets = {name: {one.get("license", "")} for name, one in _locked(_NPM[1]).items()}

    unknown = {name: said for name, said in {**python, **assets}.items() if not said & _LICENCES}
    assert unknown == {}


def _pins(file: Path) -> list[Pin]:
    """All that the file says: what is no pin fails here."""
    text = re.sub(r"#.*", "", file.read_text(encoding="utf-8")).replace("\\\n", " ")
    pins = []
    for line in filter(str.strip, text.splitlines()):
        pin = _PIN.fullmatch(_HASH.sub("", line).strip())
        assert pin is not None, line
        pins.append(Pin(pin["name"], pin["version"], tuple(_HASH.findall(line))))
    return pins


def _locked(folder: Path) -> dict[str, dict[str, Any]]:
    lock = json.loads((folder / "package-lock.json").read_text())
    return {name: one for name, one in lock["packages"].items() if name}


def _licences(package: str) -> set[str]:
    """As its author declares it: an expression, a word, or a classifier."""
    told = distribution(package).metadata
    classified = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or []]
    named = [one for key in ("License-Expression", "License") for one in told.get_all(key) or []]
    return {*named, *classified}
