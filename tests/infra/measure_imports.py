"""What handlers load when they start: a program that measures many, each in a process of its own.

Handlers have most of their imports in common, so these are loaded once and the processes forked
from there: what a module loads does not depend on who asks for it first. Reads the environments by
handler as JSON, writes for each handler a line with its name and the modules.
"""

import ast
import importlib
import json
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

_BEFORE = {*sys.modules, "__mp_main__"}
"""The last is this program under the name that multiprocessing gives it."""

Environment = Mapping[str, str]


def measure(environments: Mapping[str, Environment], left: Mapping[str, frozenset[str]]) -> None:
    """`left` are the imports of each that this process has not made yet."""
    for function in (one for one, imports in left.items() if not imports):
        _fork(lambda function=function: _start(function, environments[function]))  # type: ignore[misc]
    rest = {one: imports for one, imports in left.items() if imports}
    while rest:
        shared = Counter(name for imports in rest.values() for name in sorted(imports))
        first = shared.most_common(1)[0][0]
        sharing = {one: imports - {first} for one, imports in rest.items() if first in imports}
        _fork(lambda first=first, sharing=sharing: _go_on(first, environments, sharing))  # type: ignore[misc]
        rest = {one: imports for one, imports in rest.items() if one not in sharing}


def _go_on(
    module: str, environments: Mapping[str, Environment], left: Mapping[str, frozenset[str]]
) -> None:
    common = set.intersection(*(set(environments[one].items()) for one in left))
    _put(dict(common))
    importlib.import_module(module)
    measure(environments, left)


def _start(function: str, environment: Environment) -> None:
    _put(environment)
    importlib.import_module(f"functions.{function.replace('/', '.')}.handler")
    loaded = sorted(
        name
        for name in set(sys.modules) - _BEFORE
        # Extensions also leave modules there that nobody imported: they have no spec.
        if name.partition(".")[0] != "functions" and getattr(sys.modules[name], "__spec__", None)
    )
    os.write(sys.stdout.fileno(), f"{function} {' '.join(loaded)}\n".encode())


def _put(environment: Environment) -> None:
    os.environ.clear()
    os.environ.update(environment)


def _fork(act: Callable[[], None]) -> None:
    """Does it in a process of its own and waits; ends this one when it fails."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:  # or the child would go on as its parent
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit(1)


def imports_of(function: str) -> frozenset[str]:
    """The modules that a handler names at its top, but for those beside it."""
    tree = ast.parse(Path("functions", function, "handler.py").read_text())
    froms = [one for one in tree.body if isinstance(one, ast.ImportFrom) and one.level == 0]
    named = {one.module or "" for one in froms}
    named |= {alias.name for one in tree.body if isinstance(one, ast.Import) for alias in one.names}
    return frozenset(name for name in named if name.partition(".")[0] not in ("", "functions"))


if __name__ == "__main__":
    asked: dict[str, dict[str, str]] = json.load(sys.stdin)
    measure(asked, {function: imports_of(function) for function in asked})
