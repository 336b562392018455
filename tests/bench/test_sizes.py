"""What the layers weigh as Lambda gets them: less to load, and room below its limit of 250 MB."""

from pathlib import Path

import pytest

from tests.bench.conftest import Publish
from tests.bench.layers import build, weigh
from tests.bench.machine import Row

pytestmark = pytest.mark.bench


def test_what_the_layers_weigh(publish: Publish, tmp_path: Path) -> None:
    layers = build(tmp_path, local=False)
    weights = {"vendor": weigh(layers.vendor), "core": weigh(layers.core)}

    with_bytecode = "with" if layers.compiler else "without"
    publish(
        "sizes",
        [
            Row(
                f"layer `{name}`, {with_bytecode} bytecode",
                f"{one.unzipped:.1f} MB, zipped {one.zipped:.1f} MB",
                "both together below 250 MB",
            )
            for name, one in weights.items()
        ],
        {name: one._asdict() for name, one in weights.items()} | {"compiler": layers.compiler},
    )
