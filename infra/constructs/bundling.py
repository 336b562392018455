"""How a layer is filled on this machine, without Docker, and compiled for who will run it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import ILocalBundling

ROOT = Path(__file__).resolve().parents[2]

Fill = Callable[[Path, Path], None]
"""From a source folder into the folder that becomes the layer."""


@jsii.implements(ILocalBundling)
class LocalBuild:
    """Fills a layer on this machine. It succeeds or raises: `False` would start Docker."""

    def __init__(self, source: Path, fill: Fill, compiler: str | None) -> None:
        self._source = source
        self._fill = fill
        self._compiler = compiler

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        target = Path(output_dir)
        self._fill(self._source, target)
        if self._compiler is not None:
            # CDK dates each file 1980 and Lambda mounts it read-only, so that ordinary bytecode
            # looks stale for ever; Python takes unchecked bytecode as it finds it.
            command = [self._compiler, "-m", "compileall", "-q", "-j", "0"]
            where = ["-s", str(target), "-p", "/opt", str(target)]
            run([*command, "--invalidation-mode", "unchecked-hash", *where])
        return True


def copy(source: Path, target: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)


def interpreter(version: str) -> str | None:
    """A Python of this minor version, if one that works is installed."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    found = shutil.which(f"python{version}")
    # Version managers leave a shim for interpreters that are not switched on: it fails when run.
    if found and subprocess.run([found, "-V"], capture_output=True, check=False).returncode == 0:  # noqa: S603
        return found
    return None


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(  # noqa: S603
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
