"""The pages' stylesheet and script: what npm has under pinned hashes, with our own behind it.

Their names are known without building them: a hash over our own text, npm's integrity and this
recipe. So tests synthesise without a network, and a browser never keeps a file that has changed.
"""

import gzip
import hashlib
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from infra.constructs.bundling import run

_RECIPE = Path(__file__)
_LOCK = ("package.json", "package-lock.json", ".npmrc")


class Asset(NamedTuple):
    """One file that is served, of one package's file and one of ours."""

    suffix: str
    package: str
    file: str
    own: str


STYLESHEET = Asset("css", "@picocss/pico", "css/pico.min.css", "styles.css")
SCRIPT = Asset("js", "htmx.org", "dist/htmx.min.js", "script.js")


def name_of(asset: Asset, source: Path) -> str:
    lock = json.loads((source / "package-lock.json").read_text(encoding="utf-8"))
    integrity = lock["packages"][f"node_modules/{asset.package}"]["integrity"]
    digest = hashlib.sha256(integrity.encode())
    digest.update((source / asset.own).read_bytes())
    digest.update(_RECIPE.read_bytes())
    return f"tessera-{digest.hexdigest()[:16]}.{asset.suffix}"


def build(source: Path, target: Path) -> None:
    """The function's folder with both files in `built`, compressed."""
    for file in source.glob("*.py"):
        shutil.copy2(file, target)
    (target / "built").mkdir()
    with tempfile.TemporaryDirectory() as folder:
        for name in _LOCK:
            shutil.copy2(source / name, folder)
        run(["npm", "ci", "--ignore-scripts", "--silent", "--prefix", folder])
        for asset in (STYLESHEET, SCRIPT):
            library = Path(folder) / "node_modules" / asset.package / asset.file
            content = joined(asset, library.read_text(encoding="utf-8"), source)
            packed = gzip.compress(content.encode(), 9, mtime=0)
            (target / "built" / f"{name_of(asset, source)}.gz").write_bytes(packed)


def joined(asset: Asset, library: str, source: Path) -> str:
    own = own_text(asset, source)
    return f"{_without_map(library)}\n{own}"


def own_text(asset: Asset, source: Path) -> str:
    """Ours as it is served: a stylesheet without white space, comments and long names."""
    text = (source / asset.own).read_text(encoding="utf-8")
    if asset.suffix != "css":
        return text
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" ?([{};,>!]) ?", r"\1", text).replace(";}", "}").replace(": ", ":").strip()
    return _shortened(text)


def _shortened(text: str) -> str:
    """Our own properties under numbers in place of names; Pico's are Pico's."""
    names = sorted(set(re.findall(r"--(?!pico)[a-z-]+", text)))
    numbers = {name: f"--{number}" for number, name in enumerate(names)}
    return re.sub(r"--(?!pico)[a-z-]+", lambda found: numbers[found[0]], text)


def _without_map(text: str) -> str:
    """A map that is not served would be asked for by who looks closely."""
    return re.sub(r"\n?(?://|/\*)# sourceMappingURL=.*", "", text)
