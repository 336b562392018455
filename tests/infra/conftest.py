"""The stack synthesised once for all tests: as production gets it, and as the emulator does."""

import fcntl
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.infra.handlers import Inspected, inspect, understood
from tests.infra.synthesis import Synthesis, synthesise

Once = Callable[[str, Callable[[], Any]], Any]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """An answer worked out by one worker of the run for all: the others wait. It must be JSON."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def answered(name: str, work_out: Callable[[], Any]) -> Any:
        answer = shared / f"{name}.json"
        with (shared / f"{name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not answer.exists():
                answer.write_text(json.dumps(work_out()))
        return json.loads(answer.read_text())

    return answered


@pytest.fixture(scope="session")
def synthesised(once: Once, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Synthesis]:
    def make(name: str, **context: Any) -> Synthesis:
        def work_out() -> tuple[str, Mapping[str, str]]:
            made = synthesise(tmp_path_factory.mktemp(name), **context)
            return str(made.folder), made.folders

        folder, folders = once(name, work_out)
        return Synthesis(Path(folder), folders)

    return make


@pytest.fixture(scope="session")
def production(synthesised: Callable[..., Synthesis]) -> Synthesis:
    return synthesised("production", nag=True, stage="prod")


@pytest.fixture(scope="session")
def emulated(synthesised: Callable[..., Synthesis]) -> Synthesis:
    return synthesised(
        "emulated",
        local="true",
        base_url="http://localhost:8080",
        webhooks__private_hosts="localhost:9104",
    )


ALARM_TOPIC = "arn:aws:sns:eu-west-1:111122223333:alarms"
CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/5f0c"


@pytest.fixture(scope="session")
def customised(synthesised: Callable[..., Synthesis]) -> Synthesis:
    """With settings that only some make, all at once: a synthesis takes seconds."""
    return synthesised(
        "customised",
        alarm_topic=ALARM_TOPIC,
        domain_name="api.shop.example",
        certificate_arn=CERTIFICATE,
        hosted_zone_id="Z0123456789ABC",
        webhooks__deadline="25",
        webhooks__fast="4",
        webhooks__slow="2",
    )


@pytest.fixture(scope="session")
def handlers(production: Synthesis, once: Once) -> dict[str, Inspected]:
    """By folder, each imported under the environment that its function has in production."""
    return understood(once("handlers", lambda: inspect(production)))
