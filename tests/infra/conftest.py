"""The stack synthesised once for all tests: as production gets it, and as the emulator does."""

import pytest

from tests.infra.handlers import Inspected, inspected
from tests.infra.synthesis import Synthesis, synthesise


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    return synthesise(tmp_path_factory.mktemp("production"), nag=True, stage="prod")


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    return synthesise(
        tmp_path_factory.mktemp("emulated"),
        local="true",
        base_url="http://localhost:8080",
        webhooks__private_hosts="localhost:9104",
    )


@pytest.fixture(scope="session")
def handlers(production: Synthesis) -> dict[str, Inspected]:
    """By folder, each imported under the environment that its function has in production."""
    return inspected(production)
