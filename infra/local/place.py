"""Where a local stack keeps its files and on which ports it listens."""

import os
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
EMULATOR_VENV = ROOT / ".local" / "emulator" / "venv"
STAND_INS = ("zuora", "salesforce", "idp", "inbox")
CDK = ROOT / "infra" / "node_modules" / ".bin" / "cdk"


class BadSetting(ValueError):
    """A setting from the environment that cannot be used; the text says which and why."""


@dataclass(frozen=True)
class Ports:
    """One port for everything that listens; `TESSERA_<NAME>_PORT` moves one of them."""

    api: int = 8080
    aws: int = 4566
    zuora: int = 9101
    salesforce: int = 9102
    idp: int = 9103
    inbox: int = 9104

    @classmethod
    def names(cls) -> list[str]:
        return [field.name for field in fields(cls)]

    @classmethod
    def from_base(cls, base: int) -> "Ports":
        """All ports in a row from `base`, so that a second stack can run beside the first."""
        return cls(*range(base, base + len(cls.names())))

    @classmethod
    def free(cls) -> "Ports":
        """Ports that nobody listens on now, for a stack that a test starts."""
        with ExitStack() as held:
            sockets = [held.enter_context(socket.socket()) for _ in cls.names()]
            for one in sockets:
                one.bind(("127.0.0.1", 0))
            return cls(*(one.getsockname()[1] for one in sockets))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Ports":
        """The usual ports, moved by `TESSERA_PORT_BASE`, then one by one. Raises `BadSetting`."""
        usual = cls()
        if base := environment.get("TESSERA_PORT_BASE"):
            usual = cls.from_base(_port("TESSERA_PORT_BASE", base))
        chosen = {name: getattr(usual, name) for name in cls.names()}
        for name in chosen:
            if value := environment.get(setting_of(name)):
                chosen[name] = _port(setting_of(name), value)
        ports = cls(**chosen)
        for name, port in chosen.items():
            for other, same in chosen.items():
                if other < name and port == same:
                    raise BadSetting(f"{setting_of(other)} and {setting_of(name)} are both {port}.")
        return ports


def setting_of(name: str) -> str:
    """The environment variable that moves the port of this name."""
    return f"TESSERA_{name.upper()}_PORT"


def _port(setting: str, value: str) -> int:
    if not value.isdigit() or not 1 <= int(value) <= 65_000:
        raise BadSetting(f"{setting} is {value!r}, which is not a port from 1 to 65000.")
    return int(value)


@dataclass(frozen=True)
class Place:
    """The data folder and ports of one local stack; two stacks need two of both."""

    data: Path
    ports: Ports

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Place":
        """`.local` and the usual ports, unless `TESSERA_LOCAL_DIR` or a port setting says other."""
        data = Path(environment.get("TESSERA_LOCAL_DIR") or ".local")
        return cls(data=(ROOT / data).absolute(), ports=Ports.from_environment(environment))

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def stack_file(self) -> Path:
        return self.data / "stack.json"

    @property
    def run_lock(self) -> Path:
        return self.program_lock("run")

    @property
    def aws_data(self) -> Path:
        return self.data / "aws"

    def program_lock(self, name: str) -> Path:
        """Held by the program of this name while it lives."""
        return self.data / f"{name}.lock"

    def state_of(self, stand_in: str) -> Path:
        """Where a stand-in keeps what it knows."""
        return self.data / f"{stand_in}.json"

    @property
    def aws_url(self) -> str:
        """For programs; 127.0.0.1 rather than a name keeps S3 clients from prefixing the bucket."""
        return f"http://127.0.0.1:{self.ports.aws}"

    @property
    def api_url(self) -> str:
        return f"http://localhost:{self.ports.api}"
