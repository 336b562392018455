"""The local AWS: MiniStack as a child process, in an environment of its own, with saved data."""

import http.client
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.local.place import EMULATOR_VENV
from infra.local.program import Program, ProgramFailed

REGION = "us-east-1"
_PROGRAM = Path(__file__).with_name("mended_ministack.py")
_MOVED_CLOCK = Path(__file__).with_name("moved_clock")
ACCOUNT = "000000000000"
ROOT_KEY = "test"


def client_environment(url: str) -> dict[str, str]:
    """What a program must find in its environment to reach the local AWS and nothing else."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        # A developer's own profiles, credentials and instance role stay out of it.
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "NO_PROXY": "localhost,127.0.0.1",
        "no_proxy": "localhost,127.0.0.1",
    }


class LocalAws:
    """Clients of the local AWS, with the rights of the account's root."""

    def __init__(self, url: str) -> None:
        import boto3  # the rest of this module needs the standard library only

        self.url = url
        self.session = boto3.Session(
            aws_access_key_id=ROOT_KEY, aws_secret_access_key=ROOT_KEY, region_name=REGION
        )


class Emulator:
    """MiniStack on loopback. It saves its data when stopped cleanly; a SIGKILL loses them.

    Functions run on the interpreter of `python` with this process's environment, so both hold
    nothing of the developer's: what a function lacks in AWS, it lacks here.

        with Emulator(data=folder, port=4566) as aws:
            requests.get(aws.url)
    """

    def __init__(
        self,
        *,
        data: Path,
        port: int,
        iam: bool = True,
        clock_offset: str | None = None,
        python: Path = EMULATOR_VENV / "bin" / "python",
        log: Path | None = None,
        lock: Path | None = None,
    ) -> None:
        """`clock_offset` as `faketime -f` takes it (`+30d`); functions live on that clock too."""
        self.url = f"http://127.0.0.1:{port}"
        self.clock_offset = clock_offset
        self._data = data
        self.permissions_asked = data / "permissions-asked.tsv"
        """What was asked for since the data are there: principal, action, resource, decision."""
        self._port = port
        self._iam = iam
        self._python = python
        self._log = log or data / "emulator.log"
        self._lock = lock or data / "emulator.lock"
        self.program: Program | None = None
        """The child process while it is started."""

    @property
    def is_new(self) -> bool:
        """True when no earlier run has saved anything."""
        return not any((self._data / "state").glob("*.json"))

    def start(self, within: float = 60) -> None:
        """Start it and wait until it answers; raises `ProgramFailed`."""
        # Workers of a run that was killed leave an unpacked copy of each function and its layers.
        unpacked = self._data / "tmp"
        shutil.rmtree(unpacked, ignore_errors=True)
        if self.is_new:
            # Objects are written at once, everything else when it stops: keep both or neither.
            shutil.rmtree(self._data / "s3", ignore_errors=True)
        for folder in (unpacked, self._data / "home"):
            folder.mkdir(parents=True, exist_ok=True)
        program = Program(
            "the local AWS",
            # -P: the program's folder is ours, and functions must not find our modules.
            [str(self._python), "-P", str(_PROGRAM)],
            environment={
                **self._environment(),
                **(faketime(self.clock_offset) if self.clock_offset else {}),
            },
            folder=self._data,
            log=self._log,
            lock=self._lock,
        )
        program.start(self._answers, within)
        self.program = program

    def stop(self, within: float = 60) -> None:
        """End it once it has saved; raises `ProgramFailed` when the data may be lost."""
        if self.program is None:
            return
        program, self.program = self.program, None
        program.stop(within)
        if "Persistence: failed to save" in program.output():
            raise ProgramFailed("The local AWS could not save its data", self._log)

    def restart(self, within: float = 60) -> None:
        """Stop it, saved, and start it again: stream records are gone, queues survive."""
        self.stop(within)
        self.start(within)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self._python.parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self._data / "home"),
            # MiniStack unpacks each function with its layers here, some tens of MB for each.
            "TMPDIR": str(self._data / "tmp"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONDONTWRITEBYTECODE": "1",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self._port),
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "AUTH": "true" if self._iam else "false",
            # Without it a trigger that fails is passed over, and tokens are issued all the same.
            "MINISTACK_COGNITO_PRETOKEN_STRICT": "1",
            # A token counts as wrong when its issuer's keys come later, as on a busy machine.
            "MINISTACK_APIGW_JWKS_TIMEOUT_SECONDS": "25",
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self._data / "state"),
            "PERMISSIONS_ASKED": str(self.permissions_asked),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self._data / "s3"),
            # Listeners nobody here needs; each costs start-up time and a fixed port.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)
        try:
            connection.request("GET", "/_ministack/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class FaketimeMissing(Exception):
    """The clock of the local AWS cannot be turned on this machine."""


def faketime(offset: str) -> dict[str, str]:
    """The environment that moves a Python program's clock; raises `FaketimeMissing`.

    Only what tells the date is moved; how long something takes stays as it is, in our children and
    in theirs: see `moved_clock/sitecustomize.py`.

    `faketime` itself is asked where its library is, but does not start the program: it would stand
    between us and the program, and take the signal that tells it to save.
    """
    program = shutil.which("faketime")
    if program is None:
        raise FaketimeMissing(
            "faketime is not installed: on Debian `apt-get install faketime` (libfaketime)"
        )
    told = subprocess.run(  # noqa: S603 (found on the path; the offset is an argument of its own)
        [program, "-f", offset, "printenv", "LD_PRELOAD"],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    if told.returncode != 0:
        raise FaketimeMissing(f"faketime does not take {offset!r}: {told.stderr.strip()}")
    return {
        "LD_PRELOAD": told.stdout.strip(),
        "FAKETIME": offset,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(_MOVED_CLOCK),
    }
