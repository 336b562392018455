"""The deployed stack: the real CDK on the emulator with IAM enforced, on ports of its own."""

import dataclasses
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from infra.local import demo_data, steps
from infra.local.api_client import Api
from infra.local.emulator import client_environment
from infra.local.launch import Launch
from infra.local.place import ROOT, Place, Ports
from infra.local.progress import PlainScreen, Progress
from infra.local.running_stack import RunningStack


@dataclasses.dataclass
class Deployed:
    """What a test reaches: the launched parts, the stack's addresses, and its API."""

    launch: Launch
    stack: RunningStack
    api: Api

    def restart_aws(self) -> None:
        """Ends the emulator cleanly and starts it again: queues and tables survive."""
        self.launch.emulator.restart()

    def inbox(self, name: str) -> "Inbox":
        return Inbox(
            f"{self.stack.stand_ins.inbox}/_control/inboxes/{name}",
            f"{self.stack.stand_ins.inbox}/hooks/{name}",
        )

    def zuora(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """A control call of the Zuora stand-in."""
        answer = requests.request(
            method, f"{self.stack.stand_ins.zuora}/_control/{path}", json=body, timeout=10
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None


@dataclasses.dataclass
class Inbox:
    """One named inbox of the webhook receiver's stand-in."""

    control: str
    url: str

    def behave(self, **behaviour: Any) -> None:
        requests.put(self.control, json=behaviour, timeout=10).raise_for_status()

    def deliveries(self, *, at_least: int, within: int = 30, **more: str) -> list[dict[str, Any]]:
        """What has arrived, waited for until there are so many or the time is up."""
        answer = requests.get(
            f"{self.control}/deliveries",
            params={"wait": f"{within}", "at_least": f"{at_least}", "limit": "1000", **more},
            timeout=within + 10,
        )
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["deliveries"]
        return found


@pytest.fixture(scope="session")
def deployed() -> Iterator[Deployed]:
    """Freshly deployed, with the catalog of the demo data and nothing synced but Ingrid's."""
    folder = ROOT / ".local" / "e2e"
    shutil.rmtree(folder, ignore_errors=True)
    place = Place(data=folder, ports=Ports.free())
    folder.mkdir(parents=True)
    launch = Launch(place, Progress(PlainScreen(), place.logs, steps.LAUNCH))
    before = dict(os.environ)
    with launch as stack:
        os.environ.update(client_environment(place.aws_url))
        try:
            yield Deployed(launch, (loaded := demo_data.load(stack)), Api(loaded))
        finally:
            os.environ.clear()
            os.environ.update(before)


@pytest.fixture
def api(deployed: Deployed) -> Api:
    return deployed.api


@pytest.fixture
def sample(deployed: Deployed) -> str:
    """A Zuora subscription that nobody has synced, another one for each test."""
    return deployed.stack.samples.zuora_subscriptions[next(_samples)]


_samples = iter(range(1000))
