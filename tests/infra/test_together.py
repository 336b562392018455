"""What `make test` runs side by side is shown one after the other, and one failure fails all."""

import io
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import together
from tests.together import Run

_WAITS = "import time\nprint('begun', flush=True)\ntime.sleep(60)"


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(together, "_LOGS", tmp_path)
    return tmp_path


def python(name: str, program: str) -> Run:
    return Run(name, (sys.executable, "-c", program))


def test_shows_one_run_after_the_other_and_what_became_of_each() -> None:
    out = io.BytesIO()

    code = together.together(
        [python("one", "print('first')"), python("two", "raise SystemExit('second')")], out
    )

    # However long they took: a busy machine needs seconds to start a process.
    told = re.sub(r"\d+ min \d\d s", "in M min SS s", out.getvalue().decode())
    shown = told.split("\n\n")
    assert [part.strip().splitlines() for part in shown] == [
        ["One, from the beginning:", "first"],
        ["Two, from the beginning:", "second"],
        ["one: passed, in M min SS s", "two: FAILED, in M min SS s"],
    ]
    assert code == 1


def test_passes_when_all_have_passed() -> None:
    assert together.together([python("one", ""), python("two", "")], io.BytesIO()) == 0


def test_what_gives_way_is_nice_as_a_process_and_as_a_session(tmp_path: Path) -> None:
    groups = Path("/proc/self/autogroup")
    if not groups.exists():
        pytest.skip("this system shares out by processes alone")
    go = tmp_path / "go"
    shell = f"until test -e {go}; do sleep 0.01; done; nice; cat /proc/self/autogroup"
    run = Run("one", ("sh", "-c", shell), gives_way=True)

    run.start()
    go.touch()
    run.process.wait(60)

    nice, group = run.log.read_text().split("\n", 1)
    assert int(nice) > 0
    assert group.split() == [group.split()[0], "nice", nice]


def test_ends_what_it_has_started_when_it_is_interrupted(tmp_path: Path) -> None:
    program = (
        "import sys, signal; from pathlib import Path; from tests import together\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        f"together._LOGS = Path({str(tmp_path)!r})\n"
        f"run = together.Run('one', (sys.executable, '-c', {_WAITS!r}))\n"
        "sys.exit(together.together([run], sys.stdout.buffer))\n"
    )
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", program], cwd=together.ROOT, stdout=subprocess.PIPE
    ) as interrupted:
        assert interrupted.stdout is not None
        while b"begun" not in interrupted.stdout.readline():
            assert interrupted.poll() is None
        began = time.monotonic()

        interrupted.send_signal(signal.SIGTERM)

        assert interrupted.wait(30) == 130
        assert time.monotonic() - began < 30
