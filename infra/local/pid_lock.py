"""Locks that tell, even after a crash, which process is still alive and may be ended."""

import contextlib
import fcntl
import os
import signal
import time
from pathlib import Path

_POLL_SECONDS = 0.05


class PidLock:
    """A file locked for as long as the process named in it lives.

    The kernel drops the lock with its last holder, so a process id from a file is only ever
    trusted while the lock proves that it has not been given to somebody else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Hold the lock in this process; false when another process holds it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        for _ in range(10):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_POLL_SECONDS / 5)  # `holder` of another process holds it for an instant
            else:
                self._descriptor = descriptor
                self.name(os.getpid())
                return True
        os.close(descriptor)
        return False

    @property
    def descriptor(self) -> int:
        """What a child must inherit to hold the lock instead of this process."""
        if self._descriptor is None:
            raise RuntimeError(f"{self.path.name} is not held here")
        return self._descriptor

    def name(self, pid: int) -> None:
        """Say which process to end when the lock should become free."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{pid}\n".encode(), 0)

    def leave(self) -> None:
        """Let go here; a child that inherited the descriptor goes on holding it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> int | None:
        """The process that holds the lock, or None when it is free."""
        try:
            descriptor = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.pread(descriptor, 32, 0).decode().strip()
            return int(text) if text.isdigit() else 0
        finally:
            os.close(descriptor)
        return None

    def end_holder(self, within: float) -> bool:
        """Ask the holder to end and wait until it has; false when it is still there."""
        asked = 0
        deadline = time.monotonic() + within
        while (pid := self.holder()) is not None:
            if pid and pid != asked:
                with contextlib.suppress(ProcessLookupError):  # it ended by itself just now
                    os.kill(pid, signal.SIGTERM)
                asked = pid
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True
