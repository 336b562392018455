"""Steps shown one after another: live on a terminal, as plain lines anywhere else.

Standard library only at the top: the first steps run before anything is installed.
"""

import errno
import io
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

LOG_TAIL_LINES = 30
_DISK_ADVICE = "The disk is full. Free some space and run it again."


class StepFailed(Exception):
    """A step could not be done; `advice` says what a person can do about it."""

    def __init__(self, message: str, advice: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.advice = advice
        self.log = log


class Screen(Protocol):
    """What the person in front of it sees of the steps."""

    def begin(self, number: int, total: int, title: str) -> None: ...
    def detail(self, text: str) -> None: ...
    def done(self, seconds: float, remark: str) -> None: ...
    def failed(self, seconds: float) -> None: ...
    def show(self, line: str = "") -> None: ...
    def close(self) -> None: ...


class PlainScreen:
    """One line when a step begins and one when it is over, for logs and scripts."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def begin(self, number: int, total: int, title: str) -> None:
        self.show(f"[{number:2}/{total}] {title} ...")

    def detail(self, text: str) -> None:
        """The step's log has it; a line for each would bury the steps."""

    def done(self, seconds: float, remark: str) -> None:
        self.show(f"        done in {seconds:.1f} s" + (f": {remark}" if remark else ""))

    def failed(self, seconds: float) -> None:
        self.show(f"        FAILED after {seconds:.1f} s")

    def show(self, line: str = "") -> None:
        try:
            print(line, file=self._out, flush=True)
        except BrokenPipeError:
            # Whoever read it is gone, as `tee` on Ctrl-C; what is under way must end well.
            write_nowhere(self._out)

    def close(self) -> None:
        self._out.flush()


class LiveScreen:
    """The steps with a spinner, their times and the last line that the current one wrote."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.spinner import Spinner

        self._console = Console(highlight=False)
        self._spinner = Spinner("dots", style="cyan")
        self._title = ""
        self._place = ""
        self._last = ""
        self._began = 0.0
        self._live: Live | None = None

    def begin(self, number: int, total: int, title: str) -> None:
        from rich.live import Live

        self._place, self._title, self._last = f"{number:2}/{total}", title, ""
        self._began = time.monotonic()
        self._live = Live(
            console=self._console,
            get_renderable=self._line,
            refresh_per_second=8,
            transient=True,
        )
        self._live.start()

    def _line(self) -> "RenderableType":
        from rich.text import Text

        text = Text.assemble(
            (f"{self._place} ", "dim"),
            self._title,
            (f"  {time.monotonic() - self._began:.0f} s", "cyan"),
            (f"  {self._last}", "dim"),
        )
        text.truncate(self._console.width - 4, overflow="ellipsis")  # the spinner needs the rest
        self._spinner.update(text=text)
        return self._spinner

    def detail(self, text: str) -> None:
        self._last = text or self._last

    def done(self, seconds: float, remark: str) -> None:
        self._over("✓", "green", seconds, remark)

    def failed(self, seconds: float) -> None:
        self._over("✗", "red", seconds, "")

    def _over(self, mark: str, colour: str, seconds: float, remark: str) -> None:
        from rich.text import Text

        self.close()
        self._console.print(
            Text.assemble(
                (mark, colour),
                (f" {self._place} ", "dim"),
                self._title,
                (f"  {seconds:.1f} s", "cyan"),
                (f"  {remark}" if remark else "", "dim"),
            )
        )

    def show(self, line: str = "") -> None:
        self._console.print(line, markup=False, soft_wrap=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def screen(out: TextIO | None = None) -> Screen:
    """A live one when somebody watches a terminal and `rich` is there, else a plain one."""
    if out is None and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        try:
            return LiveScreen()
        except ImportError:
            return PlainScreen()
    return PlainScreen(out)


class Step:
    """One step under way: it writes to its own log and may leave a remark for its line."""

    def __init__(self, log: Path, screen: Screen) -> None:
        self.log = log
        self.remark = ""
        self._screen = screen

    def say(self, line: str) -> None:
        """Note a line in the log and show it while nothing newer is known."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        self._screen.detail(line.strip())

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        advice: str,
        environment: Mapping[str, str] | None = None,
        within: float = 900,
    ) -> None:
        """Run a command into the log; raises `StepFailed` with `advice` when it fails."""
        self.say("$ " + " ".join(command))
        try:
            process = subprocess.Popen(  # noqa: S603 (our own commands)
                list(command),
                cwd=cwd,
                env=None if environment is None else dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise StepFailed(f"{command[0]} cannot be started: {error.strerror}", advice) from error
        late = threading.Event()

        def give_up() -> None:
            late.set()
            _end_group(process)

        limit = threading.Timer(within, give_up)
        limit.daemon = True
        limit.start()
        with process:
            try:
                for line in process.stdout or ():
                    self.say(line.rstrip("\n"))
                code = process.wait()
            except BaseException:
                _end_group(process)
                raise
            finally:
                limit.cancel()
        if late.is_set():
            raise StepFailed(f"{command[0]} took longer than {within:g} s", advice)
        if code:
            raise StepFailed(f"{Path(command[0]).name} ended with code {code}", advice)


def _end_group(process: "subprocess.Popen[str]") -> None:
    """End a command with all it started; it may have ended by itself in the meantime."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Progress:
    """Runs named steps of a list, times them, and shows the end of the log of one that fails."""

    def __init__(self, screen: Screen, logs: Path, steps: Mapping[str, str]) -> None:
        """`steps` gives each name its title, in their order."""
        self.screen = screen
        self._logs = logs
        self._steps = steps

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Its log is `<name>.log`, begun anew. A failure is shown, then raised as `StepFailed`."""
        title = self._steps[name]
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name}.log"
        log.write_text("", encoding="utf-8")
        step = Step(log, self.screen)
        self.screen.begin(list(self._steps).index(name) + 1, len(self._steps), title)
        began = time.monotonic()
        try:
            yield step
        except StepFailed as failure:
            self.screen.failed(time.monotonic() - began)
            show_failure(self.screen.show, failure, failure.log or log)
            raise
        except Exception as error:  # the outermost place that knows which step it was
            step.say(traceback.format_exc())
            self.screen.failed(time.monotonic() - began)
            unforeseen = StepFailed(
                f"{title}: {type(error).__name__}",
                _DISK_ADVICE if is_disk_full(error) else f"All that is known is in {shown(log)}.",
            )
            show_failure(self.screen.show, unforeseen, log)
            raise unforeseen from error
        except BaseException:
            self.screen.close()
            raise
        self.screen.done(time.monotonic() - began, step.remark)


def show_failure(show: Callable[[str], None], failure: StepFailed, log: Path) -> None:
    """The last lines of the log, what failed, and what to do."""
    tail = tail_of(log)
    if tail:
        show("")
        show(f"The last lines of {shown(log)}:")
        for line in tail:
            show(f"  | {line}")
    show("")
    show(f"{failure}.")
    if any(os.strerror(errno.ENOSPC) in line for line in tail):
        show(_DISK_ADVICE)
    else:
        show(failure.advice)


def write_nowhere(stream: TextIO) -> None:
    """From now on what is written there is lost, without an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def write_anything(stream: TextIO) -> None:
    """A character that a terminal of another encoding lacks is shown as `?`, without an error."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")


def is_disk_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def tail_of(log: Path, lines: int = LOG_TAIL_LINES) -> list[str]:
    if not log.exists():
        return []
    with log.open(encoding="utf-8", errors="replace") as text:
        return [line.rstrip("\n") for line in deque(text, maxlen=lines)]


def shown(path: Path) -> str:
    """A path as a person here would type it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
