"""What each handler loads when it starts: cold start is a feature, and counts do not flicker.

`handler_imports.json` lists, by function, the libraries and the rooms of our own code that are
loaded, and how many modules beside the standard library it may be at most. After a change that is
meant, write it anew:

    PYTHONPATH=layers/core/python:. .venv/bin/python -m tests.infra.test_handler_imports
"""

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.infra.handlers import PYTHONPATH, environment_of
from tests.infra.synthesis import ROOT, Synthesis, synthesise

_COMMITTED = Path(__file__).with_name("handler_imports.json")
_STEP = 10
"""A ceiling has some room: a module more is no news, ten are."""

_PROGRAM = """
import sys
before = set(sys.modules)
import handler
loaded = set(sys.modules) - before - {"handler"}
print(*sorted(name for name in loaded if getattr(sys.modules[name], "__spec__", None)))
"""
"""Extensions also leave modules there that nobody imported: they have no spec."""
_HANDLERS = sorted(
    handler.parent.relative_to(ROOT / "functions").as_posix()
    for handler in (ROOT / "functions").glob("*/*/handler.py")
)


class Imports(NamedTuple):
    packages: tuple[str, ...]
    modules: int


@pytest.fixture(scope="module")
def loaded(production: Synthesis) -> Mapping[str, Imports]:
    environments = {folder: environment_of(one) for folder, one in production.functions.items()}
    return _measure(environments)


@pytest.mark.parametrize("function", _HANDLERS)
def test_a_handler_loads_what_is_listed_and_nothing_more(
    loaded: Mapping[str, Imports], function: str
) -> None:
    committed = json.loads(_COMMITTED.read_text())[function]

    assert list(loaded[function].packages) == committed["packages"]
    assert loaded[function].modules <= committed["modules"]


def test_the_list_names_no_function_that_is_gone() -> None:
    assert sorted(json.loads(_COMMITTED.read_text())) == _HANDLERS


def test_a_handler_loads_only_the_rooms_that_it_needs(
    loaded: Mapping[str, Imports], production: Synthesis
) -> None:
    for function, imports in loaded.items():
        packages = set(imports.packages)
        given = production.functions[function].environment
        asks_outside = {"ZUORA_SECRET", "SALESFORCE_SECRET"} & set(given)
        sends = function in ("webhooks/send_deliveries", "identity/authorize_customer")
        assert ("requests" in packages) <= bool(sends or asks_outside), function
        assert ("tessera.webhooks" in packages) == function.startswith("webhooks/"), function
        assert not packages & {"pydantic_settings", "aws_xray_sdk", "email_validator"}, function


def _measure(environments: Mapping[str, Mapping[str, str]]) -> dict[str, Imports]:
    with ThreadPoolExecutor(2) as pool:
        measured = pool.map(_imports, environments, environments.values())
        return dict(zip(environments, measured, strict=True))


def _imports(function: str, environment: Mapping[str, str]) -> Imports:
    folder = ROOT / "functions" / function
    done = subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**environment, "PYTHONPATH": f"{folder}:{PYTHONPATH}", "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    modules = [one for one in done.stdout.split() if not _is_standard(one.partition(".")[0])]
    return Imports(tuple(sorted(set(map(_room, modules)))), len(modules))


def _is_standard(package: str) -> bool:
    """These differ between the Pythons that the tests run on."""
    return package in sys.stdlib_module_names or package.startswith("_sysconfigdata")


def _room(module: str) -> str:
    """A library by its name; our own code by subject, the adapters to the outside each alone."""
    parts = module.split(".")
    if parts[0] != "tessera":
        return parts[0]
    return ".".join(parts[: 3 if parts[1:2] == ["integrations"] else 2])


def _write() -> None:
    with tempfile.TemporaryDirectory() as folder:
        functions = synthesise(Path(folder), stage="prod").functions
        measured = _measure({name: environment_of(one) for name, one in functions.items()})
    listed = {
        name: {"packages": one.packages, "modules": math.ceil(one.modules / _STEP) * _STEP}
        for name, one in sorted(measured.items())
    }
    _COMMITTED.write_text(json.dumps(listed, indent=1) + "\n")


if __name__ == "__main__":
    _write()
