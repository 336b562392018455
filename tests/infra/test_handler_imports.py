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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.infra.handlers import PYTHONPATH, environment_of
from tests.infra.synthesis import ROOT, Synthesis, synthesise

_COMMITTED = Path(__file__).with_name("handler_imports.json")
_STEP = 10
"""A ceiling has some room: a module more is no news, ten are."""

_HANDLERS = sorted(
    handler.parent.relative_to(ROOT / "functions").as_posix()
    for handler in (ROOT / "functions").glob("*/*/handler.py")
)


class Imports(NamedTuple):
    packages: tuple[str, ...]
    modules: int


@pytest.fixture(scope="module")
def loaded(
    production: Synthesis, once: Callable[[str, Callable[[], Any]], Any]
) -> Mapping[str, Imports]:
    environments = {folder: environment_of(one) for folder, one in production.functions.items()}
    return _summarised(once("imports", lambda: _measure(environments)))


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
        signs_in = function == "pages/sign_in"
        assert ("requests" in packages) <= bool(sends or asks_outside or signs_in), function
        looks_after = function in ("pages/home", "pages/webhooks", "pages/orders")
        if not looks_after:
            assert ("tessera.webhooks" in packages) == function.startswith("webhooks/"), function
        assert not packages & {"pydantic_settings", "aws_xray_sdk", "email_validator"}, function


def _measure(environments: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.infra.measure_imports"],
        input=json.dumps(environments),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": PYTHONPATH, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = (line.split() for line in done.stdout.splitlines())
    return {function: modules for function, *modules in answers}


def _summarised(measured: Mapping[str, list[str]]) -> dict[str, Imports]:
    return {function: _summary(modules) for function, modules in measured.items()}


def _summary(modules: list[str]) -> Imports:
    foreign = [one for one in modules if not _is_standard(one.partition(".")[0])]
    return Imports(tuple(sorted(set(map(_room, foreign)))), len(foreign))


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
        environments = {name: environment_of(one) for name, one in functions.items()}
        measured = _summarised(_measure(environments))
    listed = {
        name: {"packages": one.packages, "modules": math.ceil(one.modules / _STEP) * _STEP}
        for name, one in sorted(measured.items())
    }
    _COMMITTED.write_text(json.dumps(listed, indent=1) + "\n")


if __name__ == "__main__":
    _write()
