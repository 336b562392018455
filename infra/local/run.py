"""`make run`: everything up on this machine, one step after another, until it is stopped.

It begins on the machine's own Python with the standard library only, and goes on in `.venv` as
soon as that is there.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from infra.local import prepare, steps
from infra.local.pid_lock import PidLock
from infra.local.place import VENV, BadSetting, Place
from infra.local.progress import (
    Progress,
    Screen,
    Step,
    StepFailed,
    screen,
    shown,
    write_anything,
    write_nowhere,
)
from infra.local.running_stack import RunningStack

if TYPE_CHECKING:
    from infra.local.emulator import LocalAws
    from infra.local.launch import Launch
    from infra.local.program import Program

_DONE_BEFORE = "TESSERA_STEPS_DONE"
_EARLY = ("machine", "python-packages")  # all that is needed to go on in `.venv`
_ASKING_TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_SECONDS = 0.5
_PERFORMED = "/tessera-local/journeys-performed"
_OTHER_START_SECONDS = 600


def main() -> int:
    write_anything(sys.stdout)
    try:
        place = Place.from_environment()
    except BadSetting as wrong:
        print(wrong)
        return 2
    for number in _ASKING_TO_STOP:
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, _interrupt)
    lock = PidLock(place.run_lock)
    progress = Progress(screen(), place.logs, {**steps.PREPARE, **steps.LAUNCH, **steps.FILL})
    try:
        if lock.holder() is not None:
            return _join(place, lock, progress.screen)
        if Path(sys.prefix).resolve() != VENV.resolve():
            _go_on_in_venv(progress)
        if not lock.take():
            return _join(place, lock, progress.screen)
        place.stack_file.unlink(missing_ok=True)
        try:
            return _run(place, progress)
        finally:
            place.stack_file.unlink(missing_ok=True)
            lock.leave()
    except StepFailed:
        return 1
    except KeyboardInterrupt:
        progress.screen.show("Stopped before it was up.")
        return 130


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Once: a second Ctrl-C, or a hang-up told twice, must not cost the data."""
    _stay()
    if signum == signal.SIGHUP:  # the terminal is gone, and writing to it would fail
        for stream in (sys.stdout, sys.stderr):
            write_nowhere(stream)
    raise KeyboardInterrupt


def _go_on_in_venv(progress: Progress) -> NoReturn:
    """Make `.venv` if need be, then start again on its interpreter."""
    done: tuple[str, ...] = ()
    if not prepare.is_ready():
        _prepare(progress, _EARLY)
        done = _EARLY
    sys.stdout.flush()
    os.execve(  # noqa: S606 (our own interpreter)
        prepare.PYTHON,
        [str(prepare.PYTHON), "-m", "infra.local.run"],
        {**os.environ, _DONE_BEFORE: ",".join(done)},
    )


def _prepare(progress: Progress, names: tuple[str, ...]) -> None:
    for name in names:
        with progress.step(name) as step:
            prepare.ACTS[name](step)


def _stay() -> None:
    """From now on nobody can stop us from stopping well."""
    for number in _ASKING_TO_STOP:
        # SIG_IGN would make Python complain of a signal that is on its way.
        signal.signal(number, lambda signum, frame: None)


def _join(place: Place, lock: PidLock, screen: Screen) -> int:
    """Another `make run` has this place: wait until it is up, and show where everything is."""
    screen.show(f"Tessera runs already, as process {lock.holder()}.")
    deadline = time.monotonic() + _OTHER_START_SECONDS
    while not place.stack_file.exists():
        if lock.holder() is None or time.monotonic() > deadline:
            screen.show(f"It did not come up; its logs are in {shown(place.logs)}.")
            return 1
        time.sleep(_LOOK_SECONDS)
    _summarise(place, RunningStack.read(place.stack_file), screen.show)
    return 0


def _run(place: Place, progress: Progress) -> int:
    done = os.environ.get(_DONE_BEFORE, "").split(",")
    _prepare(progress, tuple(name for name in prepare.ACTS if name not in done))
    # Only now is all of `.venv` there that these import.
    from infra.local.launch import Launch

    show = progress.screen.show
    launch = Launch(place, progress)
    ended = None
    try:
        stack = launch.up()
        stack = _load_demo_data(launch.aws, progress, stack)
        _perform_journeys(launch.aws, place, progress, stack)
        stack.write(place.stack_file)
        _summarise(place, stack, show)
        ended = _watch(launch)
    finally:
        place.stack_file.unlink(missing_ok=True)
        saved = _take_down(launch, ended, show)
    return 0 if saved and ended is None else 1


@contextmanager
def _telling_what_functions_logged(aws: "LocalAws", step: Step) -> Iterator[None]:
    """A refused call says little to whoever must mend it; the function's own log says more."""
    from infra.local.function_logs import errors_since

    began = time.time()
    try:
        yield
    except Exception:
        for line in errors_since(aws, began):
            step.say(line)
        raise


def _load_demo_data(aws: "LocalAws", progress: Progress, stack: RunningStack) -> RunningStack:
    from infra.local import demo_data

    with progress.step("demo-data") as step, _telling_what_functions_logged(aws, step):
        return demo_data.load(stack)


def _perform_journeys(
    aws: "LocalAws", place: Place, progress: Progress, stack: RunningStack
) -> None:
    """Once for the data that are there: with new data, again."""
    from infra.local import journeys
    from infra.local.deploy import recall, remember

    ssm = aws.session.client("ssm", endpoint_url=aws.url)
    story = place.data / "journeys.txt"
    with progress.step("journeys") as step, _telling_what_functions_logged(aws, step):
        if recall(ssm, _PERFORMED) and story.exists():
            step.remark = f"performed before, told in {shown(story)}"
            return
        with story.open("w", encoding="utf-8") as told:

            def show(line: str = "") -> None:
                told.write(line + "\n")
                progress.screen.show(line)

            journeys.perform(stack, show)
        remember(ssm, _PERFORMED, "yes")
        step.remark = f"told in {shown(story)}"


def _watch(launch: "Launch") -> "Program | None":
    """Stay until somebody stops it (None) or a part ends by itself (that part)."""
    try:
        while (ended := launch.ended()) is None:
            time.sleep(_LOOK_SECONDS)
    except KeyboardInterrupt:
        return None
    return ended


def _take_down(launch: "Launch", ended: "Program | None", show: Callable[[str], None]) -> bool:
    """Stop every part and wait until the data are saved; false when they may not be."""
    from infra.local.program import ProgramFailed

    _stay()
    if not launch.is_up:
        return True
    show("")
    if ended is not None:
        show(f"{ended.name} has ended by itself: see {shown(ended.log)}.")
    show("Stopping, and saving the data ...")
    try:
        launch.down()
    except ProgramFailed as failed:
        show(f"{failed}; see {shown(failed.log)}. What it had not saved is lost.")
        return False
    show("Stopped. `make run` goes on with the data as saved, `make clean` forgets them.")
    return True


def _summarise(place: Place, stack: RunningStack, show: Callable[[str], None]) -> None:
    """Every address and login, for people; `stack.json` has the same for scripts."""
    rows = [("API", stack.api), ("Tokens", stack.token_url)]
    if stack.machine.client_id:
        rows.append(("  machine client", stack.machine.client_id))
        rows.append(("  its secret", stack.machine.client_secret))
        rows.append(("  its scopes", stack.machine.scope))
    if stack.operator.email:
        rows.append(("Operator", f"{stack.operator.email}  {stack.operator.password}"))
    rows += [
        (f"Partner {partner.name}", f"{user.email}  {user.password}")
        for partner in stack.partners
        for user in partner.users
    ]
    rows += [
        (f"{title} stand-in", address)
        for title, address in (
            ("Zuora", stack.stand_ins.zuora),
            ("Salesforce", stack.stand_ins.salesforce),
            ("Sign-in", stack.stand_ins.idp),
        )
        if address
    ]
    if stack.stand_ins.inbox:
        rows.append(("Webhook inbox", stack.stand_ins.inbox))
    rows.append(("Local AWS", f"http://localhost:{place.ports.aws}"))
    rows.append(("For scripts", shown(place.stack_file)))
    rows.append(("Logs", shown(place.logs)))
    show("")
    show("Tessera is up.")
    width = max(len(title) for title, _ in rows)
    for title, value in rows:
        show(f"  {title.ljust(width)}  {value}")
    show("Stop it with Ctrl-C here or `make stop` elsewhere; its data are kept.")


if __name__ == "__main__":
    sys.exit(main())
