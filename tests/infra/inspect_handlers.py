"""Imports handlers under their environments: a program, so that no test meets what they leave."""

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any


def inspect(folder: str, environment: dict[str, str]) -> dict[str, Any]:
    """The fields of its `Env` and the routes of its resolver."""
    os.environ.clear()
    os.environ.update(environment)
    path = Path("functions", folder, "handler.py")
    # Under its own name, so that it finds the modules beside it.
    spec = importlib.util.spec_from_file_location(".".join(path.with_suffix("").parts), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    app = getattr(module, "app", None)
    routes = [] if app is None else [*app._static_routes, *app._dynamic_routes]
    return {
        "fields": sorted(name.upper() for name in module.Env.model_fields),
        "routes": [[route.method, route.path] for route in routes],
        "namespace": sys.modules["tessera.edge.observability"].metrics.namespace,
    }


if __name__ == "__main__":
    asked: dict[str, dict[str, str]] = json.load(sys.stdin)
    answer = {folder: inspect(folder, environment) for folder, environment in asked.items()}
    json.dump(answer, sys.stdout)
