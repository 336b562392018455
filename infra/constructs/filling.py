"""What goes into each layer: our own code with its compiled templates; and pinned wheels."""

import sys
from pathlib import Path

import jinja2
from aws_cdk import FileSystem

from infra.constructs.bundling import ROOT, Fill, copy, run

RUNTIME_VERSION = "3.13"
PLATFORM = "manylinux2014_aarch64"


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


def fingerprint_of_templates() -> str:
    prints = [FileSystem.fingerprint(str(folder)) for folder in _template_folders()]
    return f"{' '.join(prints)} {jinja2.__version__}"


def wheels(*, local: bool) -> Fill:
    """Wheels only, each against its hash. boto3 is not among them: the runtime brings it."""
    wanted = [] if local else ["--platform", PLATFORM, "--implementation", "cp"]
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
