"""`make run`, `make stop` and `make clean`: what a person sees, and what survives what."""

import io
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local import clean, machine, prepare, run, steps, stop
from infra.local.context import local_context
from infra.local.deploy import fingerprint
from infra.local.emulator import FaketimeMissing, faketime
from infra.local.pid_lock import PidLock
from infra.local.place import ROOT, BadSetting, Place, Ports
from infra.local.program import Program, ProgramFailed
from infra.local.progress import PlainScreen, Progress, Step, StepFailed
from infra.local.running_stack import (
    Customer,
    Login,
    Machine,
    Partner,
    RunningStack,
    Samples,
    StandIns,
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place of the test's own, which the programs find through the environment."""
    ports = Ports.free()
    monkeypatch.setenv("TESSERA_LOCAL_DIR", str(tmp_path / "local"))
    for name in Ports.names():
        monkeypatch.setenv(f"TESSERA_{name.upper()}_PORT", str(getattr(ports, name)))
    return Place.from_environment(os.environ)


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine on which everything is installed, whatever this one has; signals as before."""
    monkeypatch.setattr(prepare, "ACTS", dict.fromkeys(steps.PREPARE, lambda step: None))
    monkeypatch.setattr(run, "VENV", Path(sys.prefix))
    changed = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    kept = {number: signal.getsignal(number) for number in changed}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_names_the_port_that_is_taken_and_the_setting_that_moves_it(
    place: Place, prepared: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", place.ports.idp)):
        code = run.main()

    said = capsys.readouterr().out
    assert code == 1
    assert f"Port {place.ports.idp}, meant for the identity provider, is taken" in said
    assert re.search(r"make run TESSERA_IDP_PORT=\d+ ", said)
    assert "Stopping" not in said  # nothing was started
    assert not place.stack_file.exists()
    assert PidLock(place.run_lock).holder() is None


def test_shows_the_end_of_the_log_of_the_step_that_fails(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(step: Step) -> None:
        lines = "\n".join(f"line {n}" for n in range(1, 41))
        step.run(
            [sys.executable, "-c", f"import sys; print('''{lines}'''); sys.exit(3)"],
            cwd=ROOT,
            advice="Turn it off and on again.",
        )

    acts: dict[str, Callable[[Step], None]] = dict.fromkeys(steps.PREPARE, lambda step: None)
    monkeypatch.setattr(prepare, "ACTS", {**acts, "python-packages": fail})
    code = prepare.main()

    said = capsys.readouterr().out
    assert code == 1
    assert re.search(r"\[ 1/4\] This machine \.\.\.\n +done in \d\.\d s\n", said)
    assert re.search(r"\[ 2/4\] Python packages \.\.\.\n +FAILED after \d", said)
    assert "[ 3/4]" not in said
    shown = re.findall(r"^  \| line (\d+)$", said, re.MULTILINE)
    assert shown == [str(n) for n in range(11, 41)]
    assert said.endswith("ended with code 3.\nTurn it off and on again.\n")
    assert "line 1\n" in (place.logs / "python-packages.log").read_text()


def test_explains_a_failure_that_nobody_foresaw(tmp_path: Path) -> None:
    out = io.StringIO()
    progress = Progress(PlainScreen(out), tmp_path, {"odd": "The odd step"})

    with pytest.raises(StepFailed), progress.step("odd"):
        json.loads("[1,")

    assert "  | json.decoder.JSONDecodeError: " in out.getvalue()
    assert "The odd step: JSONDecodeError." in out.getvalue()
    assert "odd.log" in out.getvalue()


@pytest.mark.parametrize("how", ["in a command's output", "as an error here"])
def test_says_that_the_disk_is_full(tmp_path: Path, how: str) -> None:
    out = io.StringIO()
    progress = Progress(PlainScreen(out), tmp_path, {"fill": "Fill"})

    def fill(step: Step) -> None:
        if how == "as an error here":
            raise OSError(28, "No space left on device")
        step.say("pip: OSError: [Errno 28] No space left on device")
        raise StepFailed("pip ended with code 1", "Is the network there?")

    with pytest.raises(StepFailed), progress.step("fill") as step:
        fill(step)

    assert out.getvalue().endswith("The disk is full. Free some space and run it again.\n")


def test_writes_plain_lines_where_nobody_watches_and_a_live_display_on_a_terminal(
    tmp_path: Path,
) -> None:
    program = textwrap.dedent(
        f"""
        from pathlib import Path
        from infra.local.progress import Progress, screen
        with Progress(screen(), Path({str(tmp_path)!r}), {{"one": "Step one"}}).step("one") as step:
            step.say("half of it")
            step.remark = "all of it"
        """
    )
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}

    plain = subprocess.run(  # noqa: S603 - our own program
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    ours, theirs = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - our own program
        command, cwd=ROOT, env=environment, stdout=theirs
    ) as watched:
        os.close(theirs)
        live = _read_terminal(ours)
    assert watched.returncode == 0

    assert re.fullmatch(r"\[ 1/1\] Step one \.\.\.\n        done in \d\.\d s: all of it\n", plain)
    assert "\x1b[" in live
    assert "✓" in live
    assert "all of it" in live


def test_ends_well_where_its_words_cannot_be_shown() -> None:
    """On a terminal of another encoding, and after whoever read them, as `tee`, has gone."""
    program = textwrap.dedent(
        """
        import sys
        from infra.local.progress import PlainScreen, write_anything
        write_anything(sys.stdout)
        screen = PlainScreen()
        screen.show("✓ Halden")
        for line in sys.stdin:
            screen.show(line)
        screen.show("Stopped.")
        screen.close()
        sys.exit(7)
        """
    )
    command = [sys.executable, "-X", "utf8=0", "-c", program]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    with subprocess.Popen(  # noqa: S603 - our own program
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"? Halden\n"
        child.stdout.close()
        child.stdin.write(b"more\n" * 3)
        child.stdin.close()
        assert child.wait(60) == 7


def test_keeps_caches_beside_it_where_the_home_folder_takes_nothing(tmp_path: Path) -> None:
    shown = ("make", "--no-print-directory", "--eval", "shown: ; @env", "shown")
    kept = {"npm_config_cache", "JSII_RUNTIME_PACKAGE_CACHE_ROOT"}
    for home, is_kept in ((tmp_path, False), (tmp_path / "none", True)):
        environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
        told = subprocess.run(  # noqa: S603 - our own Makefile
            shown, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
        ).stdout
        found = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)

        assert kept & found.keys() == (kept if is_kept else set())
        assert all(found[name].startswith(f"{ROOT}/.local/") for name in kept & found.keys())


def test_knows_an_environment_that_was_moved_or_copied(tmp_path: Path) -> None:
    here, there = tmp_path / "a folder" / ".venv", tmp_path / "elsewhere"
    here.mkdir(parents=True)
    made = f"home = /usr/bin\ncommand = /usr/bin/python3 -m venv {here}\n"
    (here / "pyvenv.cfg").write_text(made, encoding="utf-8")
    (tmp_path / "link").symlink_to(here)

    assert prepare.is_where_it_was_made(here)
    assert prepare.is_where_it_was_made(tmp_path / "link")
    here.rename(there)
    assert not prepare.is_where_it_was_made(there)
    (there / "pyvenv.cfg").write_text("home = /usr/bin\n", encoding="utf-8")  # made by another tool
    assert prepare.is_where_it_was_made(there)


def _read_terminal(descriptor: int) -> str:
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(descriptor, 65_536)
        except OSError:  # how Linux tells that the other side has closed it
            part = b""
        if not part:
            os.close(descriptor)
            return b"".join(parts).decode()
        parts.append(part)


def test_shows_where_a_running_one_is_instead_of_starting_another(
    place: Place, prepared: None, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = PidLock(place.run_lock)
    assert lock.take()
    _stack().write(place.stack_file)

    code = run.main()
    lock.leave()

    said = capsys.readouterr().out
    assert code == 0
    assert f"runs already, as process {os.getpid()}" in said
    for shown in ("http://localhost:8080", "olivia@tessera.example", "petra@acme.example", "9104"):
        assert shown in said
    assert place.stack_file.exists()  # it is the other one's


class Launched:
    """In place of a launch: up at once, then asked once whether a part has ended by itself."""

    outcome: Program | None = None

    def __init__(self, place: Place, progress: Progress) -> None:
        self.place = place
        self.aws = None
        self.is_up = False

    def up(self) -> RunningStack:
        self.is_up = True
        return RunningStack(api=self.place.api_url)

    def ended(self) -> Program | None:
        assert RunningStack.read(self.place.stack_file).api == self.place.api_url
        if self.outcome is None:
            raise KeyboardInterrupt
        return self.outcome

    def down(self) -> None:
        self.is_up = False


@pytest.mark.parametrize("by_itself", [False, True])
def test_stays_up_until_it_is_stopped_or_a_part_ends_by_itself(
    place: Place,
    prepared: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    by_itself: bool,
) -> None:
    ended = _program(place.data, _ALIVE)
    monkeypatch.setattr(Launched, "outcome", ended if by_itself else None)
    monkeypatch.setattr("infra.local.launch.Launch", Launched)
    # Both talk to a deployed stack.
    monkeypatch.setattr(run, "_load_demo_data", lambda aws, progress, stack: stack)
    monkeypatch.setattr(run, "_perform_journeys", lambda aws, place, progress, stack: None)

    code = run.main()

    said = capsys.readouterr().out
    assert code == (1 if by_itself else 0)
    assert re.search(rf"^  API +{place.api_url}$", said, re.MULTILINE)
    assert ("the child has ended by itself" in said) is by_itself
    assert said.endswith("goes on with the data as saved, `make clean` forgets them.\n")
    assert not place.stack_file.exists()
    assert PidLock(place.run_lock).holder() is None


def test_refuses_settings_that_cannot_be(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TESSERA_API_PORT", "http")

    assert [program.main() for program in (run, stop, clean, prepare)] == [2, 2, 2, 2]
    assert capsys.readouterr().out.count("TESSERA_API_PORT is 'http', which is not a port") == 4


def test_takes_python_3_11_and_refuses_an_older_one() -> None:
    machine.check_python((3, 11))
    with pytest.raises(StepFailed, match=r"Python 3\.10.* needs 3\.11"):
        machine.check_python((3, 10))


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ("v18.19.1", "which is too old"),
        ("", "does not answer with a version"),
        (None, "node is not on the path"),
    ],
)
def test_refuses_a_node_that_will_not_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str | None, complaint: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    _put_program(tmp_path / "npm", "")
    if answer is not None:
        _put_program(tmp_path / "node", answer)

    with pytest.raises(StepFailed, match=complaint) as refused:
        machine.check_node()
    assert "Node.js 20 or later" in refused.value.advice


def test_takes_a_node_that_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    _put_program(tmp_path / "npm", "")
    _put_program(tmp_path / "node", "v20.0.0")

    assert machine.check_node() == "20.0.0"


def _put_program(file: Path, output: str) -> None:
    file.write_text(f"#!/bin/sh\necho '{output}'\n")
    file.chmod(0o755)


def test_refuses_a_disk_with_too_little_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_DISK_BYTES", shutil.disk_usage(tmp_path).total * 2)
    with pytest.raises(StepFailed, match=r"Only \d+ MB are free"):
        machine.check_disk(tmp_path)


def test_moves_ports_one_by_one_or_all_in_a_row() -> None:
    assert Ports.from_environment({}) == Ports(8080, 4566, 9101, 9102, 9103, 9104)
    assert Ports.from_environment({"TESSERA_PORT_BASE": "18080"}) == Ports(*range(18080, 18086))
    moved = Ports.from_environment({"TESSERA_PORT_BASE": "18080", "TESSERA_IDP_PORT": "7001"})
    assert (moved.api, moved.idp, moved.inbox) == (18080, 7001, 18085)


@pytest.mark.parametrize(
    "environment",
    [
        {"TESSERA_API_PORT": "0"},
        {"TESSERA_PORT_BASE": "65001"},
        {"TESSERA_AWS_PORT": "-1"},
        {"TESSERA_ZUORA_PORT": "9104"},
    ],
)
def test_refuses_ports_that_are_none_or_meant_twice(environment: dict[str, str]) -> None:
    with pytest.raises(BadSetting):
        Ports.from_environment(environment)


def test_gives_the_stack_only_settings_that_it_reads_and_takes(place: Place) -> None:
    from infra.settings import Settings  # starts jsii, which no other test here needs

    context = local_context(place)
    read = set()

    class Node:
        def try_get_context(self, key: str) -> str | None:
            read.add(key)
            return context.get(key)

    settings = Settings.of(Node())  # type: ignore[arg-type]  # all of a node that it asks

    assert set(context) <= read
    assert (settings.stage, settings.local) == ("dev", True)
    assert settings.base_url == place.api_url
    assert settings.private_hosts[0] == f"localhost:{place.ports.inbox}"
    issuers = [provider["issuer"] for provider in settings.identity_providers]
    assert issuers[0] == f"http://localhost:{place.ports.idp}/auth0/"


def _stack() -> RunningStack:
    return RunningStack(
        api="http://localhost:8080",
        token_url="http://localhost:4566/oauth2/token",
        machine=Machine("client", "secret", "tessera/orders tessera/sync"),
        operator=Login("olivia@tessera.example", "pass"),
        partners=(Partner("partner_org-1", "Acme", (Login("petra@acme.example", "pass"),)),),
        customers=(Customer("http://localhost:9103/auth0/", "auth0|1", "id-1"),),
        stand_ins=StandIns(zuora="http://localhost:9101", inbox="http://localhost:9104"),
        samples=Samples(("A-S00000301",)),
        outputs={"ApiId": "a1b2c3d4"},
    )


def test_writes_stack_json_with_exactly_the_documented_keys(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    file.write_text("{")
    _stack().write(file)

    assert json.loads(file.read_text()) == {
        "api": "http://localhost:8080",
        "token_url": "http://localhost:4566/oauth2/token",
        "machine": {
            "client_id": "client",
            "client_secret": "secret",
            "scope": "tessera/orders tessera/sync",
        },
        "operator": {"email": "olivia@tessera.example", "password": "pass"},
        "partners": [
            {
                "id": "partner_org-1",
                "name": "Acme",
                "users": [{"email": "petra@acme.example", "password": "pass"}],
            }
        ],
        "customers": [
            {"issuer": "http://localhost:9103/auth0/", "sub": "auth0|1", "owner": "id-1"}
        ],
        "stand_ins": {
            "zuora": "http://localhost:9101",
            "salesforce": "",
            "idp": "",
            "inbox": "http://localhost:9104",
        },
        "samples": {"zuora_subscriptions": ["A-S00000301"]},
        "outputs": {"ApiId": "a1b2c3d4"},
    }
    assert RunningStack.read(file) == _stack()
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_leaves_the_parts_of_stack_json_empty_that_are_not_there(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    RunningStack(api="http://localhost:8080").write(file)

    body = json.loads(file.read_text())
    assert set(body) == set(_stack().to_json())
    assert body["partners"] == body["customers"] == body["samples"]["zuora_subscriptions"] == []
    assert body["operator"] == {"email": "", "password": ""}
    assert RunningStack.read(file) == RunningStack(api="http://localhost:8080")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "cdk.json",
        "functions/catalog/create_item/handler.py",
        "infra/stack.py",
        "infra/local/run.py",
        "layers/core/python/tessera/ids.py",
        "layers/vendor/requirements.txt",
        "tests/requirements.txt",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {name}\n")
    return tmp_path


@pytest.mark.parametrize(
    "changed",
    [
        "cdk.json",
        "functions/catalog/create_item/handler.py",
        "functions/catalog/create_item/rules/new.py",
        "functions/pages/sign_in/page.html",
        "infra/stack.py",
        "layers/core/python/tessera/ids.py",
        "layers/vendor/requirements.txt",
        "tests/requirements.txt",
    ],
)
def test_deploys_again_when_something_deployed_has_changed(tree: Path, changed: str) -> None:
    before = fingerprint(tree, {"stage": "dev"})
    (tree / changed).parent.mkdir(parents=True, exist_ok=True)
    (tree / changed).write_text("changed")

    assert fingerprint(tree, {"stage": "dev"}) != before


def test_deploys_again_when_a_file_is_gone_or_moved_or_the_context_is_another(tree: Path) -> None:
    seen = {fingerprint(tree, {"stage": "dev"})}
    seen.add(fingerprint(tree, {"stage": "dev", "zuora_url": "http://localhost:9101"}))
    handler = tree / "functions/catalog/create_item/handler.py"
    seen.add(
        fingerprint(handler.rename(handler.with_name("other.py")).parents[3], {"stage": "dev"})
    )
    (tree / "infra/stack.py").unlink()
    seen.add(fingerprint(tree, {"stage": "dev"}))

    assert len(seen) == 4


def test_does_not_deploy_again_for_what_is_not_deployed(tree: Path) -> None:
    before = fingerprint(tree, {"stage": "dev", "local": "true"})
    for name in (
        "infra/local/run.py",
        "infra/node_modules/aws-cdk/cdk.js",
        "layers/vendor/build/python/jwt.py",
        "functions/catalog/create_item/__pycache__/handler.cpython-311.pyc",
        "tests/catalog/test_create_item.py",
        "README.md",
    ):
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("new")
    os.utime(tree / "cdk.json", (0, 0))

    assert fingerprint(tree, {"local": "true", "stage": "dev"}) == before


_ALIVE = "import signal, sys; print('up', flush=True); signal.pause()"
_SAVES = (
    "import signal, sys\n"
    "signal.signal(signal.SIGTERM, lambda *_: (print('saved', flush=True), sys.exit(0)))\n"
    "print('up', flush=True)\n"
    "while True: signal.pause()"
)
_STUBBORN = (
    "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\n"
    "while True: signal.pause()"
)


def _program(tmp_path: Path, code: str) -> Program:
    return Program(
        "the child",
        [sys.executable, "-c", code],
        environment=os.environ,
        folder=tmp_path,
        log=tmp_path / "child.log",
        lock=tmp_path / "child.lock",
    )


def _start(program: Program, within: float = 30) -> Program:
    program.start(lambda: "up" in program.output(), within)
    return program


def test_waits_until_a_child_has_saved(tmp_path: Path) -> None:
    program = _start(_program(tmp_path, _SAVES))
    assert PidLock(tmp_path / "child.lock").holder() == program.pid
    assert program.exit_code is None

    program.stop(within=30)

    assert program.output() == "up\nsaved\n"
    assert PidLock(tmp_path / "child.lock").holder() is None


def test_tells_a_child_that_ends_while_starting_from_one_that_is_slow(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="the child ended with code 7 while starting"):
        _start(_program(tmp_path, "import sys; print('no'); sys.exit(7)"))
    silent = _program(tmp_path, _ALIVE.replace("up", "not yet"))
    with pytest.raises(ProgramFailed, match="was not up after 0 s"):
        _start(silent, within=0.1)

    assert PidLock(tmp_path / "child.lock").holder() is None  # neither is left running


def test_kills_a_child_that_does_not_end_and_says_so(tmp_path: Path) -> None:
    program = _start(_program(tmp_path, _STUBBORN))

    with pytest.raises(ProgramFailed, match="did not end within 0 s"):
        program.stop(within=0.1)

    assert PidLock(tmp_path / "child.lock").holder() is None


def test_ends_a_child_that_a_killed_launcher_left_running(tmp_path: Path) -> None:
    left = _start(_program(tmp_path, _SAVES))  # nobody stops this one
    again = _start(_program(tmp_path, _ALIVE))

    assert left.exit_code == 0
    assert (tmp_path / "child.log").read_text() == "up\nsaved\nup\n"
    assert PidLock(tmp_path / "child.lock").holder() == again.pid
    again.kill()


def test_stops_what_runs_and_what_was_left_running(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.data.mkdir(parents=True)
    children = [
        Program(
            name,
            [sys.executable, "-c", _SAVES],
            environment=os.environ,
            folder=place.data,
            log=place.data / f"{name}.txt",
            lock=place.program_lock(name),
        )
        for name in ("run", "emulator", "inbox")
    ]
    for child in children:
        _start(child)

    assert stop.main() == 0
    assert [child.output() for child in children] == ["up\nsaved\n"] * 3
    assert stop.main() == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing is running."
    for child in children:
        child.stop(within=10)


def _is_soon_free(lock: PidLock) -> bool:
    """The kernel lets go of the lock of a killed process a moment after its parent has ended."""
    deadline = time.monotonic() + 10
    while lock.holder() is not None and time.monotonic() < deadline:
        os.sched_yield()
    return lock.holder() is None


def test_ends_a_command_with_all_that_it_started_when_it_is_interrupted(tmp_path: Path) -> None:
    class Interrupted(PlainScreen):
        def detail(self, text: str) -> None:
            if text == "up":
                raise KeyboardInterrupt

    lock = tmp_path / "grandchild.lock"
    taking = (
        f"from pathlib import Path; from infra.local.pid_lock import PidLock; "
        f"lock = PidLock(Path({str(lock)!r})); assert lock.take(); {_ALIVE}"
    )
    grandchild = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {taking!r}])"
    step = Step(tmp_path / "interrupted.log", Interrupted(io.StringIO()))

    with pytest.raises(KeyboardInterrupt):
        step.run([sys.executable, "-c", grandchild], cwd=ROOT, advice="")

    assert lock.exists()
    assert _is_soon_free(PidLock(lock))


def test_gives_a_command_up_that_takes_too_long(tmp_path: Path) -> None:
    step = Step(tmp_path / "slow.log", PlainScreen(io.StringIO()))

    with pytest.raises(StepFailed, match=r"took longer than 0\.1 s"):
        step.run([sys.executable, "-c", _ALIVE], cwd=ROOT, advice="", within=0.1)


def test_forgets_the_data_and_says_what_was_removed(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("aws/state/sqs.json", "logs/deploy.log", "zuora.json"):
        file = place.data / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    assert clean.main() == 0
    assert list(place.data.iterdir()) == []
    said = capsys.readouterr().out
    assert all(name in said for name in ("aws", "logs", "zuora.json"))

    assert clean.main() == 0
    assert capsys.readouterr().out == "There was nothing to remove.\n"


def test_keeps_the_installed_packages_when_it_forgets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "emulator"
    (packages / "venv").mkdir(parents=True)
    (tmp_path / "zuora.json").touch()
    monkeypatch.setenv("TESSERA_LOCAL_DIR", str(tmp_path))
    monkeypatch.setattr(clean, "PACKAGES", (packages,))

    assert clean.main() == 0
    assert list(tmp_path.iterdir()) == [packages]


def test_forgets_nothing_while_it_runs(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    lock = PidLock(place.program_lock("emulator"))
    assert lock.take()

    assert clean.main() == 1
    assert place.program_lock("emulator").exists()
    assert "`make stop` first" in capsys.readouterr().out
    lock.leave()


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed here")
def test_moves_a_programs_clock_without_standing_before_it() -> None:
    command = [sys.executable, "-c", "import os, time; print(os.getppid(), time.time())"]
    moved = subprocess.run(  # noqa: S603 - our own program
        command,
        env={**os.environ, **faketime("+30d")},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    parent, moment = moved.stdout.split()
    now = subprocess.run(  # noqa: S603 - our own program
        command, capture_output=True, text=True, check=True, timeout=30
    ).stdout.split()[1]
    assert int(parent) == os.getpid()
    assert float(moment) - float(now) == pytest.approx(30 * 86_400, abs=60)


_WAITS = """
import threading, time
began = time.perf_counter()
threading.Event().wait(0.05)
time.sleep(0.05)
print(time.perf_counter() - began)
"""


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed here")
def test_a_program_whose_clock_was_moved_waits_no_longer_than_it_means_to() -> None:
    """The local AWS waits so for messages that become visible later."""
    waited = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _WAITS],
        env={**os.environ, **faketime("+30d")},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert 0.1 <= float(waited.stdout) < 10


def test_says_that_the_clock_cannot_be_turned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FaketimeMissing, match="apt-get install faketime"):
        faketime("+30d")
