"""The deployed stack: the real CDK on the emulator with IAM enforced, on ports of its own."""

import dataclasses
import os
import shutil
import signal
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import BotoCoreError, ClientError

from infra.local import demo_data, steps
from infra.local.api_client import Api
from infra.local.emulator import FaketimeMissing, client_environment, faketime
from infra.local.function_logs import errors_since
from infra.local.inbox import LONGEST_WAIT_SECONDS
from infra.local.launch import Launch
from infra.local.place import ROOT, Place, Ports
from infra.local.progress import PlainScreen, Progress
from infra.local.running_stack import RunningStack
from tests.fake_aws import forget_clients

# What these find wrong is told as what a test finds: with both sides of the comparison.
for module in ("arrivals", "callers", "exercises", "life", "pages.session"):
    pytest.register_assert_rewrite(f"tests.e2e.{module}")


@dataclasses.dataclass
class Deployed:
    """What a test reaches: the launched parts, the stack's addresses, and its API."""

    launch: Launch
    stack: RunningStack
    api: Api
    ahead: timedelta = timedelta()
    """How far the stack's clock is from the real one."""
    done: set[object] = dataclasses.field(default_factory=set)
    """The exercises that were done on it."""

    def restart_aws(self) -> None:
        """Ends the emulator cleanly and starts it again: queues and tables survive."""
        self.launch.emulator.restart()

    def now(self) -> datetime:
        """The time where the stack lives."""
        return datetime.now(UTC) + self.ahead

    def sleep(self, time: timedelta) -> None:
        """Stops the local AWS as `restart_aws` does, and wakes it up so much later.

        The stand-ins' clocks go with it, and never back. What was due meanwhile is due now: the
        schedules run within ten seconds. Raises `FaketimeMissing`.
        """
        offset = f"+{(self.ahead + time) // timedelta(seconds=1)}s"
        faketime(offset)  # before anything is stopped
        self.ahead += time
        self.launch.emulator.clock_offset = offset
        self.launch.emulator.restart()
        for address in filter(None, dataclasses.astuple(self.stack.stand_ins)):
            moved = {"now": self.now().isoformat()}
            requests.post(f"{address}/_control/clock", json=moved, timeout=10).raise_for_status()
        self.api = Api(self.stack)  # tokens of before may have expired

    def inbox(self, name: str) -> "Inbox":
        return Inbox(
            f"{self.stack.stand_ins.inbox}/_control/inboxes/{name}",
            f"{self.stack.stand_ins.inbox}/hooks/{name}",
        )

    def zuora(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """A control call of the Zuora stand-in; its callouts are answered before it answers."""
        answer = requests.request(
            method, f"{self.stack.stand_ins.zuora}/_control/{path}", json=body, timeout=60
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
        while True:
            wait = min(within, LONGEST_WAIT_SECONDS)
            answer = requests.get(
                f"{self.control}/deliveries",
                params={"wait": f"{wait}", "at_least": f"{at_least}", "limit": "1000", **more},
                timeout=wait + 10,
            )
            answer.raise_for_status()
            found: list[dict[str, Any]] = answer.json()["deliveries"]
            within -= wait
            if len(found) >= at_least or within <= 0:
                return found


@pytest.fixture(scope="session")
def deployed(request: pytest.FixtureRequest) -> Iterator[Deployed]:
    """Freshly deployed, with the catalog of the demo data and nothing synced but Ingrid's.

    A run of nothing but tests of the second stack has that, beside the first.
    """
    is_second = all(item.get_closest_marker("second_stack") for item in request.session.items)
    folder = ROOT / ".local" / "e2e" / ("second" if is_second else "first")
    shutil.rmtree(folder, ignore_errors=True)
    place = Place(data=folder, ports=Ports.free())
    folder.mkdir(parents=True)
    launch = Launch(place, Progress(PlainScreen(), place.logs, steps.LAUNCH))
    with launch as stack, clients_of(place):
        deployed = Deployed(launch, (loaded := demo_data.load(stack)), Api(loaded))
        request.session.stash[_DEPLOYED] = deployed
        yield deployed


_DEPLOYED = pytest.StashKey[Deployed]()


@pytest.fixture(scope="module", autouse=True)
def endpoints_end_with_their_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each that stayed would be sent all that later tests announce: that was most of all sent."""
    yield
    deployed = request.session.stash.get(_DEPLOYED, None)
    if deployed is not None:
        delete_endpoints(deployed)


@contextmanager
def clients_of(place: Place) -> Iterator[None]:
    """boto3's clients are the local AWS's."""
    before = dict(os.environ)
    os.environ.update(client_environment(place.aws_url))
    forget_clients()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        forget_clients()


@pytest.fixture(scope="session")
def faketime_installed() -> bool:
    """Whether clocks can be turned here; as root on Debian they can be from now on."""
    with open(os.devnull, "rb") as nothing:
        for _ in range(2):
            try:
                return bool(faketime("+1d"))
            except FaketimeMissing:
                if os.geteuid() != 0 or shutil.which("apt-get") is None:
                    return False
                quiet = ("apt-get", "install", "-y", "-qq", "faketime")
                subprocess.run(quiet, stdin=nothing, timeout=300, check=False)  # noqa: S603
    return False


@pytest.fixture
def days_pass(deployed: Deployed, faketime_installed: bool) -> Deployed:
    """The stack, for tests that let it `sleep` for days; they come last, as time never goes back.

    What asks the API must ask `deployed.api` anew after that.
    """
    if not faketime_installed:
        pytest.skip("NO CLOCK CAN BE TURNED HERE: install Debian's package `faketime`")
    delete_endpoints(deployed)
    return deployed


def delete_endpoints(deployed: Deployed) -> None:
    """All but the demo's: what others are owed would be due at once when days have passed."""
    cursor = ""
    while True:
        page = deployed.api.call("GET", f"/api/webhooks/endpoints?pageSize=100{cursor}")
        for one in page["items"]:
            if not one["url"].endswith(f"/{demo_data.INBOX}"):
                deployed.api.call("DELETE", f"/api/webhooks/endpoints/{one['id']}")
        if not page.get("cursor"):
            return
        cursor = f"&cursor={page['cursor']}"


def pytest_configure() -> None:
    """`make test` ends us so when it is interrupted: as on Ctrl-C, nothing must be left running."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


_ERRORS_TOLD = 60
_ERRORS_OF = timedelta(minutes=5)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With a failure comes what the functions have logged as errors in the minutes before it."""
    report = yield
    on = getattr(item, "funcargs", {}).get("deployed")
    if report.failed and isinstance(on, Deployed):
        since = (on.now() - _ERRORS_OF).timestamp()
        try:
            told = "\n".join(list(errors_since(on.launch.aws, since))[-_ERRORS_TOLD:])
        except (BotoCoreError, ClientError) as error:
            told = f"cannot be read: {error}"
        report.sections.append(("Errors that functions have logged", told))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Failures are told at once: whoever waits for a long run, or has to end it, wants to know."""
    if report.failed:
        more = "".join(f"\n{name}:\n{text}\n" for name, text in report.sections)
        print(f"\n{report.nodeid}\n{report.longreprtext}{more}", flush=True)  # noqa: T201


_PAGES = Path(__file__).parent / "pages"
_LATE = ("fuzzed", "exercised", "faketime_installed", "days_pass")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Who turns the clock shares a stack with the tests of pages, which come first: half of all."""
    is_page = _PAGES in item.path.parents
    if is_page or "faketime_installed" in getattr(item, "fixturenames", ()):
        item.add_marker("second_stack")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After the order was made random: what litters, what looks back on all exercises, what turns
    the clock by minutes, and what turns it by days, in this order.

    Who lives in the real present is not to meet the future; and after a restart every function
    starts anew when it is called.
    """
    items.sort(key=lambda item: [name in getattr(item, "fixturenames", ()) for name in _LATE[::-1]])


@pytest.fixture
def api(deployed: Deployed) -> Api:
    return deployed.api


@pytest.fixture
def sample(deployed: Deployed) -> str:
    """A Zuora subscription that nobody has synced, another one for each test."""
    return deployed.stack.samples.zuora_subscriptions[next(_samples)]


_samples = iter(range(1000))
