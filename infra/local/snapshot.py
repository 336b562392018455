"""Starts functions of the local AWS from a snapshot: a process that has made their imports already.

Each environment of a function is a process that spends half a second of processor time on imports
which nearly all functions share; two cores that run the whole stack spend most of their time so.
Here a process per set of layers makes the imports once, and each environment is forked from it, as
AWS's SnapStart does with whole machines. What a function does with its environment variables it
does after that: nothing is imported here that reads them.

This file is both ends: a module of the emulator (`Snapshots`), and the program that forks. It uses
the standard library only.
"""

import contextlib
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, NoReturn

_LAYERS = "_LAMBDA_LAYERS_DIRS"
_LENGTH = 4
"""Bytes that say how long a request is, or which process was forked: they come at once."""
_BURIED_EVERY_SECONDS = 1.0

_THIRD_PARTY = (
    "aws_lambda_powertools.event_handler.openapi.params",
    "aws_lambda_powertools.logging",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.utilities.batch",
    "boto3",
    "jinja2",
    "pydantic.networks",
    "requests",
)
_SERVICES = ("dynamodb", "events", "sqs", "ssm", "secretsmanager", "kms", "cognito-idp")
_OF_EACH_SERVICE = ("service-2", "endpoint-rule-set-1")
_OF_ALL_SERVICES = ("endpoints", "partitions", "sdk-default-configuration", "_retry")
"""Megabytes of descriptions that are read ahead too: clients are made in a fifth of the time."""
_OUR_LAYER = "tessera"
_READS_THE_ENVIRONMENT = "tessera.edge"


class Forked:
    """As much of `subprocess.Popen` as the emulator uses; how the process ended is not known."""

    def __init__(self, pid: int, pidfd: int, pipes: Sequence[int]) -> None:
        self.pid = pid
        self._pidfd = pidfd
        self.stdin: IO[str] = os.fdopen(pipes[0], "w", buffering=1, encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(pipes[1], "r", encoding="utf-8")
        self.stderr: IO[str] = os.fdopen(pipes[2], "r", encoding="utf-8")
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        if (ended := self._ended(timeout)) is None:
            raise subprocess.TimeoutExpired(f"function {self.pid}", timeout or 0)
        return ended

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _ended(self, within: float | None) -> int | None:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._pidfd, selectors.EVENT_READ)
                if selector.select(within):
                    self.returncode = 0
        return self.returncode

    def _signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def __del__(self) -> None:
        os.close(self._pidfd)
        for pipe in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(OSError):  # what was not written finds nobody to read it
                pipe.close()


class Snapshots:
    """One for each set of layers, made when the first function asks for it."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, ...], _Snapshot] = {}
        self._making = threading.Lock()

    def start(self, command: Sequence[str], **settings: Any) -> Any:
        """In place of `subprocess.Popen`, which still starts what has no layers."""
        layers = settings.get("env", {}).get(_LAYERS)
        if not layers or command[0] != sys.executable or not hasattr(os, "pidfd_open"):
            return subprocess.Popen(command, **settings)  # noqa: S603 (what the emulator starts)
        key = tuple(os.path.realpath(layer) for layer in layers.split(os.pathsep))
        with self._making:
            if key not in self._made:
                self._made[key] = _Snapshot(key)
            made = self._made[key]
        try:
            return made.fork(command[1], settings["cwd"], settings["env"])
        except (OSError, ValueError):  # it died: that costs time, and no function
            with self._making:
                self._made.pop(key, None)
            return subprocess.Popen(command, **settings)  # noqa: S603 (what the emulator starts)

    def close(self) -> None:
        """Functions that were started go on."""
        with self._making:
            while self._made:
                self._made.popitem()[1].close()


class _Snapshot:
    """The process with its imports made; it ends with the emulator."""

    def __init__(self, layers: Sequence[str]) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 (this very file)
                [sys.executable, "-P", __file__, str(theirs.fileno()), *layers],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._one_at_a_time = threading.Lock()

    def close(self) -> None:
        self._socket.close()
        self._process.wait()

    def fork(self, script: str, folder: str, environment: Mapping[str, str]) -> Forked:
        request = json.dumps([script, folder, dict(environment)]).encode()
        pipes = [os.pipe() for _ in range(3)]
        (their_in, our_in), (our_out, their_out), (our_err, their_err) = pipes
        theirs = [their_in, their_out, their_err]
        try:
            with self._one_at_a_time:
                socket.send_fds(self._socket, [len(request).to_bytes(_LENGTH, "big")], theirs)
                self._socket.sendall(request)
                answer, (pidfd,), *_ = socket.recv_fds(self._socket, _LENGTH, 1)
        finally:
            for one in theirs:
                os.close(one)
        return Forked(int.from_bytes(answer, "big"), pidfd, [our_in, our_out, our_err])


def _serve(control: socket.socket) -> None:
    """Forks for each request until the emulator has gone, and buries those that have ended."""
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            _bury()
            if not selector.select(_BURIED_EVERY_SECONDS):
                continue
            # Once begun, a request is waited for: on a busy machine its parts may come late.
            length, pipes, *_ = socket.recv_fds(control, _LENGTH, 3)
            request = _exactly(control, int.from_bytes(length, "big"))
            if request is None or len(pipes) < 3:
                return
            pid = os.fork()
            if pid == 0:
                selector.close()
                control.close()
                _become(pipes, *json.loads(request))
            for one in pipes:
                os.close(one)
            pidfd = os.pidfd_open(pid)
            socket.send_fds(control, [pid.to_bytes(_LENGTH, "big")], [pidfd])
            os.close(pidfd)


def _exactly(control: socket.socket, length: int) -> bytes | None:
    """So many bytes; None when the emulator has gone before."""
    received = b""
    while len(received) < length:
        part = control.recv(length - len(received))
        if not part:
            return None
        received += part
    return received


def _bury() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _become(pipes: Sequence[int], script: str, folder: str, environment: Mapping[str, str]) -> None:
    """In the forked process: the script of the emulator, as if Python had been started with it."""
    code = 1
    try:
        for number, pipe in enumerate(pipes):
            os.dup2(pipe, number)
            os.close(pipe)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv = [script]
        sys.path.insert(0, os.path.dirname(script))
        with open(script, encoding="utf-8") as file:
            program = compile(file.read(), script, "exec")
        main = type(sys)("__main__")
        sys.modules["__main__"] = main
        exec(program, vars(main))  # noqa: S102 (the emulator's own script)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _import_ahead(layers: Sequence[str]) -> None:
    """What is not in the layers of these functions is passed over; they import it, or fail."""
    found = [os.path.join(layer, "python") for layer in layers]
    before = list(sys.path)
    sys.path[:0] = [folder for folder in found[::-1] if os.path.isdir(folder)]
    importlib.invalidate_caches()
    for name in _THIRD_PARTY:
        _attempt(lambda name=name: importlib.import_module(name))  # type: ignore[misc]
    _attempt(_read_services)
    if (ours := _attempt(lambda: importlib.import_module(_OUR_LAYER))) is not None:
        _import_below(ours.__path__, f"{_OUR_LAYER}.")
    sys.path[:] = before


def _import_below(path: Sequence[str], prefix: str) -> None:
    for found in pkgutil.iter_modules(path, prefix):
        if found.name == _READS_THE_ENVIRONMENT:
            continue
        made = _attempt(lambda name=found.name: importlib.import_module(name))  # type: ignore[misc]
        if found.ispkg and made is not None:
            _import_below(made.__path__, f"{found.name}.")


def _attempt(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except ImportError:
        return None


def _read_services() -> None:
    import boto3

    boto3.setup_default_session()
    session: Any = boto3.DEFAULT_SESSION
    for name in _SERVICES:
        for kind in _OF_EACH_SERVICE:
            # Asked for in other words, even by position, it would be read again.
            session._loader.load_service_model(name, kind, api_version=None)
    for name in _OF_ALL_SERVICES:
        session._loader.load_data(name)


def main() -> NoReturn:
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the emulator, which ends us
    _import_ahead(sys.argv[2:])
    _serve(control)
    os._exit(0)


if __name__ == "__main__":
    main()
