"""A child process with its output in a log, awaited until it is up and ended cleanly."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra.local.pid_lock import PidLock

_POLL_SECONDS = 0.05


class ProgramFailed(Exception):
    """A child did not come up or did not end as asked; `log` holds what it wrote."""

    def __init__(self, message: str, log: Path) -> None:
        super().__init__(message)
        self.log = log


class Program:
    """One child in a session of its own, so that a Ctrl-C reaches only whoever started it.

    It holds `lock` while it lives. A child left over from a killed parent is ended first.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        log: Path,
        lock: Path,
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._environment = dict(environment)
        self._folder = folder
        self._lock = PidLock(lock)
        self._process: subprocess.Popen[bytes] | None = None
        self._written_before = 0

    def start(self, is_up: Callable[[], bool], within: float) -> None:
        """Start it and wait until `is_up`; raises `ProgramFailed` when it ends or takes longer."""
        if not self._lock.take():
            self._lock.end_holder(within)
            if not self._lock.take():
                raise ProgramFailed(f"An older {self.name} does not end", self.log)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.log.open("ab") as log:
                self._written_before = log.tell()
                self._process = subprocess.Popen(  # noqa: S603 (our own command)
                    self._command,
                    cwd=self._folder,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=[self._lock.descriptor],
                )
            self._lock.name(self._process.pid)
        finally:
            self._lock.leave()
        try:
            self._await(is_up, within)
        except BaseException:
            self.kill()
            raise

    def _await(self, is_up: Callable[[], bool], within: float) -> None:
        deadline = time.monotonic() + within
        while not is_up():
            if (code := self.exit_code) is not None:
                raise ProgramFailed(f"{self.name} ended with code {code} while starting", self.log)
            if time.monotonic() > deadline:
                raise ProgramFailed(f"{self.name} was not up after {within:.0f} s", self.log)
            time.sleep(_POLL_SECONDS)
        if (code := self.exit_code) is not None:
            raise ProgramFailed(f"{self.name} ended with code {code} while starting", self.log)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs, or before it was started."""
        return self._process.poll() if self._process else None

    def output(self) -> str:
        """What it has written since it was last started."""
        with self.log.open("rb") as log:
            log.seek(self._written_before)
            return log.read().decode(errors="replace")

    def stop(self, within: float) -> None:
        """Ask it to end and wait; raises `ProgramFailed` (and kills it) when it takes longer."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired as late:
            self.kill()
            raise ProgramFailed(
                f"{self.name} did not end within {within:.0f} s", self.log
            ) from late
        self._process = None

    def kill(self) -> None:
        """End it without a chance to save."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
