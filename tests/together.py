"""Runs what can run side by side, shows one after the other, and fails when one of them failed.

`python -m tests.together` is `make test`, `python -m tests.together e2e` is `make e2e`. End-to-end
tests mostly wait; what computes gives way to them. Each run's output is in `.local/logs` as well.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parents[1]
_LOGS = ROOT / ".local" / "logs"
_PYTEST = (sys.executable, "-m", "pytest", "tests/e2e", "--durations=12", "-m")
_FIRST, _SECOND = "e2e and not long and not second_stack", "e2e and not long and second_stack"
_NICENESS = 5
"""Of what computes: a third of the share that each program of the end-to-end tests may take."""
_GRACE_SECONDS = 90
"""For the local AWS to save and everything to end, when interrupted."""


@dataclass
class Run:
    name: str
    command: Sequence[str]
    gives_way: bool = False
    log: Path = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)
    seconds: float = field(init=False, default=0)

    def start(self) -> None:
        self.log = _LOGS / f"{self.name.replace(' ', '-')}.log"
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C comes to us alone, and `end` reaches all that it started.
            self.process = subprocess.Popen(  # noqa: S603 (the commands below)
                self.command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if self.gives_way:
            _be_nice(self.process.pid)

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)

    @property
    def told(self) -> str:
        word = "passed" if self.process.returncode == 0 else "FAILED"
        return f"{self.name}: {word}, {self.seconds // 60:.0f} min {self.seconds % 60:02.0f} s"


_END_TO_END = (
    Run("end-to-end tests", (*_PYTEST, _FIRST)),
    Run("end-to-end tests on a second stack", (*_PYTEST, _SECOND)),
)
_MAKE = ("make", "--no-print-directory")
_REST = (
    Run("checks", (*_MAKE, "check"), gives_way=True),
    Run("unit tests", (*_MAKE, "unit"), gives_way=True),
)


def together(runs: Sequence[Run], out: BinaryIO) -> int:
    """The exit code: 0 when all passed, 130 when interrupted."""
    _LOGS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        for run in runs:
            run.start()
        for run in runs:
            _say(out, f"\n{run.name[0].upper()}{run.name[1:]}, from the beginning:\n")
            _follow(run, runs, began, out)
    except KeyboardInterrupt:
        for run in runs:
            run.end()
        for run in runs:
            run.process.wait(_GRACE_SECONDS)
        return 130
    _say(out, "\n" + "\n".join(run.told for run in runs) + "\n")
    return 0 if all(run.process.returncode == 0 for run in runs) else 1


def _be_nice(pid: int) -> None:
    """Also as a session: Linux shares out by sessions first (sched(7), "The autogroup feature")."""
    group = Path(f"/proc/{pid}/autogroup")
    with suppress(ProcessLookupError):  # ended already
        os.setpriority(os.PRIO_PROCESS, pid, _NICENESS)
    with suppress(OSError):  # there are no such groups
        group.write_text(f"{_NICENESS}")


def _follow(run: Run, runs: Sequence[Run], began: float, out: BinaryIO) -> None:
    """Shows what it writes until it has ended, and notes meanwhile when others do."""
    with run.log.open("rb") as log:
        over = False
        while not over:
            over = run.process.poll() is not None
            for one in runs:
                if not one.seconds and one.process.poll() is not None:
                    one.seconds = time.monotonic() - began
            out.write(log.read())
            out.flush()
            time.sleep(0 if over else 0.2)


def _say(out: BinaryIO, text: str) -> None:
    out.write(text.encode())
    out.flush()


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    runs = _END_TO_END if arguments == ["e2e"] else (*_REST, *_END_TO_END)
    return together(runs, sys.stdout.buffer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
