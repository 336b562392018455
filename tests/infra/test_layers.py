"""What is in the layers: wheels for who runs them, and bytecode that is not thrown away."""

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import FileSystem
from jinja2 import Environment

from infra.constructs import bundling
from infra.constructs.bundling import LocalBuild
from infra.constructs.filling import own_code
from infra.constructs.layers import NOT_SHIPPED
from tessera.edge.pages import formats
from tessera.edge.pages.rendering import Reader, Templates
from tests.builders import NOW
from tests.infra.synthesis import ROOT, Synthesis


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our own code, filled in and compiled as for the emulator."""
    target = tmp_path_factory.mktemp("core")
    fill = own_code(sys.executable)
    LocalBuild(ROOT / "layers" / "core", fill, sys.executable).try_bundle(str(target))
    return target


def test_every_module_has_bytecode_that_is_taken_as_it_is_found(core: Path) -> None:
    sources = list(core.rglob("*.py"))

    assert len(sources) > 10
    for source in sources:
        compiled = Path(importlib.util.cache_from_source(str(source))).read_bytes()
        assert int.from_bytes(compiled[4:8], "little") == 0b01, source  # PEP 552: hash, unchecked


def test_bytecode_tells_nothing_of_the_machine_it_was_made_on(core: Path) -> None:
    for compiled in [*core.rglob("*.pyc"), *core.rglob("compiled/*")]:
        content = compiled.read_bytes()
        assert str(core).encode() not in content
        assert str(ROOT).encode() not in content


def test_every_template_of_every_page_family_comes_compiled(
    core: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = core / "python" / "tessera" / "edge" / "pages" / "compiled"

    def refuse(self: Environment, source: str, *_: Any, **__: Any) -> None:
        raise AssertionError(f"compiled at start:\n{source}")

    # Jinja compiles in no other place.
    monkeypatch.setattr(Environment, "compile", refuse)
    for folder in (ROOT / "functions" / "pages").glob("*/templates"):
        Templates(folder, compiled=compiled)


def test_a_template_that_was_changed_since_is_compiled_anew(core: Path, tmp_path: Path) -> None:
    compiled = core / "python" / "tessera" / "edge" / "pages" / "compiled"
    (tmp_path / "home.html").write_text("{{ 6 * 7 }}")
    reader = Reader(formats.DEFAULT, "UTC", NOW)

    assert Templates(tmp_path, compiled=compiled).page("home.html", {}, reader) == "42"


def test_without_the_right_interpreter_no_bytecode_ships(tmp_path: Path) -> None:
    LocalBuild(ROOT / "layers" / "core", own_code(None), None).try_bundle(str(tmp_path))

    assert list(tmp_path.rglob("*.py"))
    assert not [*tmp_path.rglob("*.pyc"), *tmp_path.rglob("compiled")]


def test_a_build_that_fails_says_why_instead_of_starting_docker(tmp_path: Path) -> None:
    def fill(source: Path, target: Path) -> None:
        bundling.run([sys.executable, "-c", "import sys; sys.exit('no such wheel')"])

    with pytest.raises(RuntimeError, match="no such wheel"):
        LocalBuild(tmp_path, fill, None).try_bundle(str(tmp_path))


def test_the_emulator_gets_other_layers_than_aws(
    production: Synthesis, emulated: Synthesis
) -> None:
    def contents(synthesis: Synthesis) -> set[str]:
        return {
            one.properties["Content"]["S3Key"]
            for one in synthesis.of_type("AWS::Lambda::LayerVersion")
        }

    assert len(contents(production)) == len(contents(emulated)) == 2
    assert not contents(production) & contents(emulated)


def test_running_the_code_does_not_make_the_layer_another(tmp_path: Path) -> None:
    def fingerprint() -> str:
        return FileSystem.fingerprint(str(tmp_path), exclude=NOT_SHIPPED)

    (tmp_path / "python").mkdir()
    module = tmp_path / "python" / "module.py"
    module.write_text("answer = 42\n")
    before = fingerprint()
    cached = Path(importlib.util.cache_from_source(str(module)))
    cached.parent.mkdir()
    cached.write_bytes(b"bytecode")
    assert fingerprint() == before
    shutil.rmtree(cached.parent)
    module.write_text("answer = 43\n")
    assert fingerprint() != before
