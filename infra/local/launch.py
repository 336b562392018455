"""Brings a whole stack up on this machine, step by step, and takes it down again saved."""

import dataclasses
import http.client
from collections.abc import Callable
from types import TracebackType

from infra.local import credentials, demo, deploy, machine, stand_ins
from infra.local.context import STACK, STAGE, local_context
from infra.local.emulator import Emulator, FaketimeMissing, LocalAws
from infra.local.front_door import FrontDoor
from infra.local.pid_lock import PidLock
from infra.local.place import STAND_INS, Place
from infra.local.program import Program, ProgramFailed
from infra.local.progress import Progress, Step, StepFailed
from infra.local.running_stack import RunningStack, Samples

_SAVE_SECONDS = 60


class Launch:
    """The local AWS with the deployed stack, the stand-ins and the front door.

    with Launch(place, progress) as stack:
        requests.get(stack.api)
    """

    def __init__(
        self, place: Place, progress: Progress, *, iam: bool = True, clock_offset: str | None = None
    ) -> None:
        """`iam` lets each function do only what its role allows; `clock_offset` as `Emulator`'s."""
        self.place = place
        self.aws = LocalAws(place.aws_url)
        self.emulator = Emulator(
            data=place.aws_data,
            port=place.ports.aws,
            iam=iam,
            clock_offset=clock_offset,
            log=place.logs / "emulator.log",
            lock=place.program_lock("emulator"),
        )
        self.front_door: FrontDoor | None = None
        self.stand_ins: dict[str, Program] = {}
        self._progress = progress
        self._stack = RunningStack(api=place.api_url)

    def up(self) -> RunningStack:
        """Every step of `steps.LAUNCH`; raises `StepFailed` with the failure already shown."""
        acts: dict[str, Callable[[Step], None]] = {
            "ports": self._check_ports,
            "local-aws": self._start_aws,
            "bootstrap": self._bootstrap,
            "deploy": self._deploy,
            "credentials": self._fill,
            "stand-ins": self._start_stand_ins,
            "front-door": self._open_front_door,
        }
        for name, act in acts.items():
            with self._progress.step(name) as step:
                try:
                    act(step)
                except ProgramFailed as failed:
                    raise StepFailed(
                        str(failed), "If its log does not say why, try `make clean`.", failed.log
                    ) from failed
        return self._stack

    def down(self) -> None:
        """Everything that was started, last first; raises `ProgramFailed` when data may be lost."""
        if self.front_door is not None:
            self.front_door.stop()
            self.front_door = None
        late = []
        for name in reversed(list(self.stand_ins)):
            try:
                self.stand_ins.pop(name).stop(within=10)
            except ProgramFailed as failed:
                late.append(failed)  # the local AWS must be saved all the same
        self.emulator.stop(_SAVE_SECONDS)
        if late:
            raise late[0]

    @property
    def is_up(self) -> bool:
        """Whether there is anything to take down."""
        return self.emulator.program is not None

    def ended(self) -> Program | None:
        """A part that has ended by itself, if any."""
        for program in (self.emulator.program, *self.stand_ins.values()):
            if program is not None and program.exit_code is not None:
                return program
        return None

    def __enter__(self) -> RunningStack:
        try:
            return self.up()
        except BaseException:
            self.down()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()

    def _check_ports(self, step: Step) -> None:
        end_left_over(self.place)
        machine.check_ports(self.place.ports)
        step.remark = f"API {self.place.ports.api}, AWS {self.place.ports.aws}"

    def _start_aws(self, step: Step) -> None:
        is_new = self.emulator.is_new
        if is_new:
            stand_ins.forget(self.place)
        try:
            self.emulator.start()
        except FaketimeMissing as missing:
            raise StepFailed(str(missing), "Install it, or start without an offset.") from missing
        step.remark = "nothing saved yet" if is_new else "with the data of last time"

    def _bootstrap(self, step: Step) -> None:
        deploy.bootstrap(self.aws, step, self.place.data)

    def _deploy(self, step: Step) -> None:
        outputs = deploy.deploy(
            self.aws, step, self.place.data, stack=STACK, context=local_context(self.place)
        )
        self._stack = dataclasses.replace(self._stack, outputs=outputs)

    def _fill(self, step: Step) -> None:
        outputs = self._stack.outputs
        written = credentials.fill_secrets(self.aws, STAGE)
        pool, client = outputs["OperatorsPoolId"], outputs["MachineClientId"]
        self._stack = dataclasses.replace(
            self._stack,
            token_url=f"http://localhost:{self.place.ports.aws}/oauth2/token",
            machine=credentials.machine_client(self.aws, pool, client),
            operator=credentials.make_operator(self.aws, pool),
        )
        step.remark = f"{written} secrets written" if written else "as they were"

    def _start_stand_ins(self, step: Step) -> None:
        for name in stand_ins.existing():
            step.say(f"Starting {name}")
            self.stand_ins[name] = stand_ins.start(name, self.place)
        self._stack = dataclasses.replace(
            self._stack,
            stand_ins=stand_ins.addresses(self.place),
            samples=Samples(demo.SAMPLE_SUBSCRIPTIONS if "zuora" in self.stand_ins else ()),
        )
        step.remark = ", ".join(self.stand_ins) or "none yet"

    def _open_front_door(self, step: Step) -> None:
        self.front_door = FrontDoor(
            port=self.place.ports.api,
            upstream_port=self.place.ports.aws,
            api=self._stack.outputs["ApiId"],
        )
        self.front_door.start()
        asked = http.client.HTTPConnection("127.0.0.1", self.place.ports.api, timeout=30)
        try:
            asked.request("GET", "/")
            status = asked.getresponse().status
        finally:
            asked.close()
        if status >= 500:
            raise StepFailed(
                f"The API answers {status}", "Its functions' logs are in the local AWS."
            )
        step.remark = self.place.api_url


def end_left_over(place: Place) -> bool:
    """End what a launcher that was killed has left running; true when there was something."""
    found = False
    for name in ("emulator", *STAND_INS):
        lock = PidLock(place.program_lock(name))
        if lock.holder() is not None:
            found = True
            if not lock.end_holder(_SAVE_SECONDS):
                raise ProgramFailed(
                    f"The {name} of an earlier start does not end", place.logs / f"{name}.log"
                )
    return found
