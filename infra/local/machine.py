"""What this machine must have before anything is installed; standard library only."""

import errno
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from infra.local.place import Ports, setting_of
from infra.local.progress import StepFailed

OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 20
_DISK_BYTES = 2 * 1024**3
_USES = {
    "api": "the API",
    "aws": "the local AWS",
    "zuora": "the Zuora stand-in",
    "salesforce": "the Salesforce stand-in",
    "idp": "the identity provider",
    "inbox": "the webhook inbox",
}


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> None:
    """Raises `StepFailed` on a Python that is too old."""
    if version < OLDEST_PYTHON:
        raise StepFailed(
            f"This is Python {version[0]}.{version[1]}, and Tessera needs 3.11 or later",
            "Install a later one and name it: make run PYTHON=python3.13",
        )


def check_node(node: str = "node") -> str:
    """Node's version, such as `20.11.1`; raises `StepFailed` when it is missing or too old."""
    advice = f"Install Node.js {OLDEST_NODE} or later, with npm; the CDK command line runs on it."
    for program in (node, "npm"):
        if shutil.which(program) is None:
            raise StepFailed(f"{program} is not on the path", advice)
    answer = subprocess.run(  # noqa: S603 (the name is ours)
        [node, "--version"], capture_output=True, text=True, timeout=30, check=False
    )
    version = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)\S*", answer.stdout.strip())
    if version is None:
        raise StepFailed(f"`{node} --version` does not answer with a version", advice)
    if int(version[1]) < OLDEST_NODE:
        raise StepFailed(f"This is Node.js {answer.stdout.strip()}, which is too old", advice)
    return answer.stdout.strip().removeprefix("v")


def check_disk(folder: Path) -> None:
    """Raises `StepFailed` when less than 2 GB are free: packages, assets, unpacked functions."""
    free = shutil.disk_usage(folder).free
    if free < _DISK_BYTES:
        raise StepFailed(
            f"Only {free // 1024**2} MB are free on the disk that holds {folder}",
            "Free some space: Tessera's packages and data need about 2 GB.",
        )


def check_ports(ports: Ports) -> None:
    """Raises `StepFailed` naming the first port that another program has."""
    for name in Ports.names():
        port = getattr(ports, name)
        if not is_free(port):
            other = port + 1000 if port < 60_000 else port - 1000
            raise StepFailed(
                f"Port {port}, meant for {_USES[name]}, is taken by another program",
                f"End that program, or move the port: make run {setting_of(name)}={other}"
                " (or all of them: make run TESSERA_PORT_BASE=18080).",
            )


def is_free(port: int) -> bool:
    """Whether nothing answers on the port here and we may listen there."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as caller:
                caller.settimeout(1)
                if caller.connect_ex((address, port)) == 0:
                    return False
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
