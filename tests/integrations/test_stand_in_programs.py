"""The stand-ins as programs: started by `python -m`, stopped by a signal."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from infra.local._server import serve
from infra.local.inbox import Inbox

PROGRAMS = ("infra.local.idp", "infra.local.inbox", "infra.local.salesforce")
ROOT = Path(__file__).parents[2]


@contextmanager
def started(program: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running program and the address it says it is ready under."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", program, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready http://localhost:"), process.communicate(timeout=10)
        yield process, line.removeprefix("ready ").strip()
    finally:
        process.kill()
        process.communicate(timeout=10)


def refusal(program: str, *arguments: str) -> tuple[int, str]:
    """The exit code and what the program said on its way out."""
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_runs_until_it_is_told_to_stop(
    tmp_path: Path, program: str, number: signal.Signals
) -> None:
    file = tmp_path / "state.json"
    with started(program, "--port", "0", "--state", str(file)) as (process, url):
        shown = requests.get(f"{url}/_control/state", timeout=10)
        process.send_signal(number)
        _, said = process.communicate(timeout=10)

    assert shown.status_code == 200
    assert (process.returncode, said) == (0, "")
    assert file.exists()


def test_keeps_what_it_was_sent_over_a_restart(tmp_path: Path) -> None:
    arguments = ("--port", "0", "--state", str(tmp_path / "inbox.json"))
    with started("infra.local.inbox", *arguments) as (process, url):
        for body in ("one", "two"):
            requests.post(f"{url}/hooks/acme", data=body, timeout=10)
        process.terminate()
        process.wait(timeout=10)

    with started("infra.local.inbox", *arguments) as (_, url):
        answer = requests.get(f"{url}/_control/inboxes/acme/deliveries", timeout=10)

    assert [delivery["body"] for delivery in answer.json()["deliveries"]] == ["one", "two"]


def test_says_in_one_sentence_that_its_port_is_taken() -> None:
    with serve(Inbox()) as running:
        code, said = refusal("infra.local.inbox", "--port", str(running.port))

    assert code == 1
    assert said == (
        f"Port {running.port} is taken by another program; stop it or choose another with --port.\n"
    )


def test_says_in_one_sentence_that_its_state_file_is_not_one(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text("nonsense")

    code, said = refusal("infra.local.inbox", "--port", "0", "--state", str(file))

    assert (code, said) == (1, f"{file} is not a state file; delete it to start afresh.\n")


def test_identity_provider_takes_its_addresses_from_the_command_line() -> None:
    arguments = ("--public-url", "http://idp.example/", "--redirect", "http://localhost:1/a")
    with started(
        "infra.local.idp", "--port", "0", *arguments, "--redirect", "http://localhost:1/b"
    ) as (_, url):
        configuration = requests.get(
            f"{url}/okta/oauth2/default/.well-known/openid-configuration", timeout=10
        ).json()
        client = requests.get(f"{url}/_control/state", timeout=10).json()["clients"]["tessera"]

    assert configuration["issuer"] == "http://idp.example/okta/oauth2/default"
    assert client["redirect_uris"] == ["http://localhost:1/a", "http://localhost:1/b"]
