"""Functions of the local AWS start from a process that has made their imports, and only that."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.snapshot import Snapshots

pytestmark = pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="this system cannot tell when a forked process has ended"
)

_SCRIPT = """
import json, os, random, sys
told = json.loads(sys.stdin.readline())
sys.path.insert(0, os.path.join(os.environ["_LAMBDA_LAYERS_DIRS"], "python"))
before = sorted(name for name in sys.modules if name.startswith("tessera"))
from tessera import lent
print(json.dumps({
    "told": told, "before": before, "environment": dict(os.environ), "folder": os.getcwd(),
    "argv": sys.argv, "lent": lent.BY, "random": random.random(), "path": sys.path,
    "pid": os.getpid(),
}), flush=True)
print("complaint", file=sys.stderr)
sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def snapshots() -> Iterator[Snapshots]:
    made = Snapshots()
    yield made
    made.close()


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    layer = tmp_path_factory.mktemp("layer")
    package = layer / "python" / "tessera"
    (package / "edge").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "lent.py").write_text("BY = 'the layer'\n")
    (package / "edge" / "__init__.py").write_text("import os\nSERVICE = os.environ['SERVICE']\n")
    return layer


class Function:
    def __init__(self, snapshots: Snapshots, layer: Path, folder: Path, **environment: str) -> None:
        script = folder / "_worker.py"
        script.write_text(_SCRIPT)
        self.process = snapshots.start(
            [sys.executable, str(script)],
            cwd=str(folder),
            env={"_LAMBDA_LAYERS_DIRS": str(layer), **environment},
        )

    def answer(self, told: Any) -> dict[str, Any]:
        self.process.stdin.write(json.dumps(told) + "\n")
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture
def function(snapshots: Snapshots, layer: Path, tmp_path: Path) -> Iterator[Function]:
    started = Function(snapshots, layer, tmp_path, OWN="1")
    yield started
    started.process.kill()
    started.process.wait(10)


def test_a_function_is_what_it_would_be_had_it_started_by_itself(
    function: Function, tmp_path: Path, layer: Path
) -> None:
    answer = function.answer({"event": "é"})

    assert answer["told"] == {"event": "é"}
    assert answer["environment"] == {"_LAMBDA_LAYERS_DIRS": str(layer), "OWN": "1"}
    assert (answer["folder"], answer["argv"]) == (str(tmp_path), [str(tmp_path / "_worker.py")])
    assert answer["lent"] == "the layer"
    assert answer["pid"] == function.process.pid
    assert function.process.stderr.readline() == "complaint\n"
    assert not any(f"{Path(__file__).parents[2]}/infra" in path for path in answer["path"])


def test_what_reads_the_environment_is_not_imported_ahead(function: Function) -> None:
    assert function.answer({})["before"] == ["tessera", "tessera.lent"]


def test_two_environments_of_a_function_draw_different_numbers(
    snapshots: Snapshots, layer: Path, tmp_path: Path
) -> None:
    both = [Function(snapshots, layer, tmp_path) for _ in range(2)]

    numbers = {one.answer({})["random"] for one in both}

    for one in both:
        one.process.kill()
        one.process.wait(10)
    assert len(numbers) == 2


def test_it_is_known_when_a_function_has_ended(function: Function) -> None:
    function.answer({})
    assert function.process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        function.process.wait(0.01)

    function.process.terminate()

    assert function.process.wait(10) is not None
    assert function.process.poll() is not None
    function.process.kill()  # whoever has ended is left in peace


def test_a_function_ends_when_nobody_calls_it_any_more(function: Function) -> None:
    function.answer({})

    function.process.stdin.close()

    assert function.process.wait(10) is not None


def test_a_snapshot_that_died_costs_no_function(layer: Path, tmp_path: Path) -> None:
    dying = Snapshots()
    first = Function(dying, layer, tmp_path)
    first.process.kill()
    (made,) = dying._made.values()
    made._process.kill()
    made._process.wait(10)

    script = tmp_path / "_worker.py"
    script.write_text("print('alone')")
    environment = {"_LAMBDA_LAYERS_DIRS": str(layer)}
    second = dying.start(
        [sys.executable, str(script)],
        cwd=str(tmp_path),
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )

    assert second.communicate(timeout=10)[0] == "alone\n"
    made.close()


def test_what_has_no_layers_starts_as_ever(snapshots: Snapshots) -> None:
    started = snapshots.start(
        [sys.executable, "-c", "print('alone')"], env={}, stdout=subprocess.PIPE, text=True
    )

    assert isinstance(started, subprocess.Popen)
    assert started.communicate(timeout=10)[0] == "alone\n"
