"""How templates are compiled: when a layer is built, or else when a function starts.

Compiling took a sixth to a third of a page's cold start. As a program, `compiling.py <target>
<folder>…` compiles the templates in these folders. It needs Jinja and nothing of ours: it runs on
the Python of the layer, which may have no other package.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from jinja2 import BaseLoader, BytecodeCache, Environment, StrictUndefined
from jinja2.bccache import Bucket

FILTERS = ("amount", "whole", "day", "moment", "ago")
"""Ours, which a template must find by name when it is compiled."""


class Compiled(BytecodeCache):
    """Templates found compiled. Another text, Python or Jinja than then: it is compiled anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Without the file, which is elsewhere where the layer is built."""
        return name.replace("/", "--")

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            with self._file(bucket).open("rb") as file:
                bucket.load_bytecode(file)
        except FileNotFoundError:
            return

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Nothing is kept: where functions run, the layer is read-only."""

    def keep(self, bucket: Bucket) -> None:
        with self._file(bucket).open("wb") as file:
            bucket.write_bytecode(file)

    def _file(self, bucket: Bucket) -> Path:
        """Families have templates of the same name."""
        return self._folder / f"{bucket.key}.{bucket.checksum}"


def environment(loader: BaseLoader | None, compiled: Compiled) -> Environment:
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=compiled,
    )


def _later(*_: object) -> str:
    """Stands in for our filters, so that nothing is worked out before a page is rendered."""
    raise LookupError("There is no reader yet.")


def compile_into(target: Path, folders: Iterable[Path]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    compiled = Compiled(target)
    one = environment(None, compiled)
    one.filters |= dict.fromkeys(FILTERS, _later)
    for folder in folders:
        for file in sorted(folder.rglob("*.html")):
            name = file.relative_to(folder).as_posix()
            source = file.read_text(encoding="utf-8")
            bucket = compiled.get_bucket(one, name, None, source)
            # Under its name alone: the layer is to tell nothing of where it was built.
            bucket.code = one.compile(source, name, name)
            compiled.keep(bucket)


if __name__ == "__main__":
    compile_into(Path(sys.argv[1]), map(Path, sys.argv[2:]))
