"""The virtual environments and the CDK command line, made once and again when their pins change.

Standard library only: this runs on the machine's own Python, before anything is installed.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local import machine, steps
from infra.local.place import CDK, EMULATOR_VENV, ROOT, VENV, BadSetting, Place
from infra.local.progress import Progress, Step, StepFailed, screen, write_anything

PYTHON = VENV / "bin" / "python"
_DEVELOPMENT_PINS = (ROOT / "tests" / "requirements.txt",)
_EMULATOR_PINS = (ROOT / "infra" / "local" / "requirements.txt",)
_CDK_PINS = (ROOT / "infra" / "package-lock.json", ROOT / "infra" / "package.json")
_STAMP = ".tessera-pins"
_NETWORK_ADVICE = "Is the network there, and the disk not full? Then run it again."


def check_machine(step: Step) -> None:
    """Raises `StepFailed` when Python, Node or the disk will not do."""
    machine.check_python()
    node = machine.check_node()
    machine.check_disk(ROOT)
    python = ".".join(str(part) for part in sys.version_info[:3])
    step.remark = f"Python {python}, Node.js {node}"


@contextmanager
def _alone() -> Iterator[None]:
    """One preparation at a time, since `make run` and `make test` may both begin with it."""
    lock = ROOT / ".local" / "prepare.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def is_ready() -> bool:
    """Whether the development environment is the one that the pins describe, and still works."""
    is_as_pinned = PYTHON.exists() and _stamp(VENV) == _digest(_DEVELOPMENT_PINS)
    return is_as_pinned and is_where_it_was_made(VENV) and _starts(PYTHON)


def is_where_it_was_made(environment: Path) -> bool:
    """Its programs name its interpreter by a whole path: a folder that moved has none that work."""
    told = (environment / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    made = [line for line in told if line.startswith("command = ")]
    return all(line.endswith(f" {environment.resolve()}") for line in made)


def _starts(python: Path) -> bool:
    """Whether it finds what was installed, which another version in its place does not."""
    tried = subprocess.run(  # noqa: S603 (our own interpreter)
        [python, "-c", "import pip"], capture_output=True, timeout=60, check=False
    )
    return tried.returncode == 0


@_alone()
def make_environment(step: Step) -> None:
    """`.venv`: the CDK app, the checks, the tests and this launcher."""
    if is_ready():
        step.remark = "as pinned"
        return
    if not (_runs(step, PYTHON) and is_where_it_was_made(VENV)):
        _create(step, VENV, sys.executable, with_pip=True)
    _install(step, VENV, _DEVELOPMENT_PINS[0])
    _put_stamp(VENV, _digest(_DEVELOPMENT_PINS))
    step.remark = "installed"


@_alone()
def make_emulator_environment(step: Step) -> None:
    """The local AWS in an environment of its own, since functions see all that is in it."""
    pins = _digest((*_EMULATOR_PINS, VENV / "pyvenv.cfg"))  # the same interpreter as `.venv`
    if (EMULATOR_VENV / "bin" / "python").exists() and _stamp(EMULATOR_VENV) == pins:
        step.remark = "as pinned"
        return
    # From nothing: a package that an earlier pin brought must not linger.
    _create(step, EMULATOR_VENV, str(PYTHON), with_pip=False)
    _install(step, EMULATOR_VENV, _EMULATOR_PINS[0])
    _put_stamp(EMULATOR_VENV, pins)
    step.remark = "installed"


@_alone()
def install_cdk(step: Step) -> None:
    """The CDK command line of `infra/package-lock.json`."""
    pins = _digest(_CDK_PINS)
    modules = ROOT / "infra" / "node_modules"
    if CDK.exists() and _stamp(modules) == pins:
        step.remark = "as pinned"
        return
    step.run(["npm", "ci", "--ignore-scripts"], cwd=ROOT / "infra", advice=_NETWORK_ADVICE)
    _put_stamp(modules, pins)
    step.remark = "installed"


ACTS = {
    "machine": check_machine,
    "python-packages": make_environment,
    "emulator-packages": make_emulator_environment,
    "cdk-packages": install_cdk,
}


def _create(step: Step, folder: Path, python: str, *, with_pip: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    extra = [] if with_pip else ["--without-pip"]
    step.run(
        [python, "-m", "venv", *extra, str(folder)],
        cwd=ROOT,
        advice="On Debian and Ubuntu it is a package of its own: apt-get install python3-venv",
    )


def _install(step: Step, folder: Path, pins: Path) -> None:
    step.run(
        [
            *(str(PYTHON), "-m", "pip", "--python", str(folder / "bin" / "python")),
            *("install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"),
            # Wheels alone: what is built here first asks the registry for its newest build tools.
            *("--only-binary", ":all:", "--no-compile"),
            *("--require-hashes", "--no-deps", "-r", str(pins)),
        ],
        cwd=ROOT,
        environment={**os.environ, "PYTHONUNBUFFERED": "1"},
        advice=_NETWORK_ADVICE,
    )
    # On all cores at once, which pip does not do; some packages carry files for Python 2, which
    # do not compile and are never imported.
    compiled = "import compileall, sys; compileall.compile_dir(sys.argv[1], quiet=2, workers=0)"
    step.run(
        [str(folder / "bin" / "python"), "-c", compiled, str(folder / "lib")],
        cwd=ROOT,
        advice=_NETWORK_ADVICE,
    )


def _runs(step: Step, python: Path) -> bool:
    """Whether an environment is there whose interpreter still starts and is recent enough."""
    if not python.exists():
        return False
    check = f"import sys, pip; sys.exit(sys.version_info < {machine.OLDEST_PYTHON})"
    try:
        step.run([str(python), "-c", check], cwd=ROOT, advice="")
    except StepFailed:
        return False
    return True


def _digest(files: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes() if file.exists() else b"")
    return digest.hexdigest()


def _stamp(folder: Path) -> str:
    stamp = folder / _STAMP
    return stamp.read_text().strip() if stamp.exists() else ""


def _put_stamp(folder: Path, pins: str) -> None:
    (folder / _STAMP).write_text(pins + "\n")


def main() -> int:
    write_anything(sys.stdout)
    try:
        place = Place.from_environment()
    except BadSetting as wrong:
        print(wrong)
        return 2
    progress = Progress(screen(), place.logs, steps.PREPARE)
    try:
        for name, act in ACTS.items():
            with progress.step(name) as step:
                act(step)
    except StepFailed:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
