"""Code in the README works: receivers verify what we sign, and the worked endpoint answers."""

import base64
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from infra import routes
from infra.routes import Route
from tessera.events import event
from tessera.partners.store import PartnersTable
from tessera.webhooks.signing import signatures
from tests import handlers
from tests.builders import NOW, api_event, operator
from tests.infra.synthesis import ROOT
from tests.partners.organisations import ACME, BOREALIS, organisation

_README = (ROOT / "README.md").read_text(encoding="utf-8")
_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
_BODY = '{"id":"order-1","name":"Añä €"}'

_PROGRAMS = {"javascript": "node", "php": "php", "go": "go", "java": "java"}
"""What runs a receiver in each language but Python."""


class Call(NamedTuple):
    headers: dict[str, str]
    body: str


Verify = Callable[[Path, list[Call]], list[bool]]


@pytest.mark.parametrize(
    "language",
    [
        pytest.param(language, marks=pytest.mark.skipif(missing, reason=f"no `{program}` here"))
        for language, program in _PROGRAMS.items()
        for missing in [shutil.which(program) is None]
    ],
)
def test_a_receiver_tells_genuine_from_forged_and_stale(language: str, tmp_path: Path) -> None:
    now = int(time.time())
    genuine, forged = Call(_signed(now), _BODY), Call(_signed(now), _BODY.replace("1", "2"))
    stale = Call(_signed(now - 400), _BODY)

    assert _VERIFY[language](tmp_path, [genuine, forged, stale]) == [True, False, False]


def test_a_receiver_in_python_tells_genuine_from_forged() -> None:
    shown: dict[str, Any] = {}
    exec(_block("python", "is_genuine"), shown)  # noqa: S102  # it is ours, from the README
    headers = _signed(int(time.time()))

    assert shown["is_genuine"](_SECRET, headers, _BODY.encode())
    assert not shown["is_genuine"](_SECRET, headers, _BODY.replace("1", "2").encode())


def test_there_is_a_receiver_in_five_languages() -> None:
    for language in ("python", *_PROGRAMS):
        assert re.search("is_?genuine", _block(language, "genuine"), re.IGNORECASE)


def test_the_worked_example_of_an_endpoint_answers_as_the_readme_says(
    tables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "partners" / "read_size"
    folder.mkdir(parents=True)
    (folder / "handler.py").write_text(_block("python", "def read_size"), encoding="utf-8")
    acme = organisation(ACME)
    created = event("partner_org.created", acme.wire(), at=NOW)
    PartnersTable("Partners", "Events").add(acme, created)
    (row,) = re.findall(r"`(Route\(.*?\)),`", _README, re.DOTALL)
    route: Route = eval(row, vars(routes))  # noqa: S307  # it is ours, from the README
    assert route.function == "partners/read_size"
    callers = {route.key: {who.kind: list(who.needs) for who in route.who}}
    monkeypatch.setenv("CALLERS", json.dumps(callers))
    module = handlers.loaded("partners/read_size", callers, folder=tmp_path)

    def ask(id: str, *groups: str) -> tuple[int, Any]:
        path, caller = route.path.replace("{id}", id), operator(*groups)
        asked = api_event(route.method, path, route=route.path, caller=caller)
        answer = module.handler(asked, None)
        return answer["statusCode"], handlers.body(answer)

    assert ask(ACME, "support") == (200, {"users": 0})
    assert ask(BOREALIS, "support")[0] == 404
    assert ask(ACME, "sales")[0] == 403


def _in_node(folder: Path, calls: list[Call]) -> list[bool]:
    lines = [
        f"console.log(isGenuine({', '.join(map(json.dumps, (_SECRET, *call)))}));" for call in calls
    ]
    receiver = "\n".join([_block("javascript", "isGenuine"), *lines])
    return _said(folder, "receiver.js", receiver, "node")


def _in_php(folder: Path, calls: list[Call]) -> list[bool]:
    given = [json.dumps(json.dumps([_SECRET, *call])).replace("$", "\\$") for call in calls]
    lines = [f'echo json_encode(is_genuine(...json_decode({one}, true))), "\\n";' for one in given]
    receiver = "\n".join([_block("php", "is_genuine"), *lines])
    return _said(folder, "receiver.php", receiver, "php")


def _in_go(folder: Path, calls: list[Call]) -> list[bool]:
    lines = []
    for headers, body in calls:
        lines += ["h = http.Header{}"]
        lines += [f"h.Set({json.dumps(name)}, {json.dumps(headers[name])})" for name in headers]
        lines += [f"println(IsGenuine({json.dumps(_SECRET)}, h, []byte({json.dumps(body)})))"]
    receiver = _block("go", "IsGenuine").replace("package receiver", "package main")
    main = "\n".join(["func main() {", "var h http.Header", *lines, "}"])
    return _said(folder, "receiver.go", f"{receiver}\n{main}\n", "go", "run")


def _in_java(folder: Path, calls: list[Call]) -> list[bool]:
    lines = []
    for headers, body in calls:
        pairs = ", ".join(json.dumps(one) for pair in headers.items() for one in pair)
        given = f'{json.dumps(_SECRET)}, Map.of({pairs}), {json.dumps(body)}.getBytes("UTF-8")'
        lines += [f"System.out.println(isGenuine({given}));"]
    main = ["public static void main(String[] arguments) throws Exception {", *lines, "}", "}"]
    receiver = _block("java", "isGenuine").rstrip().removesuffix("}")
    return _said(folder, "Receiver.java", "\n".join([receiver, *main]), "java")


_VERIFY: dict[str, Verify] = {
    "javascript": _in_node,
    "php": _in_php,
    "go": _in_go,
    "java": _in_java,
}


def _said(folder: Path, file: str, receiver: str, *command: str) -> list[bool]:
    """The answers of a program from the README with calls at its end."""
    (folder / file).write_text(receiver, encoding="utf-8")
    told = subprocess.run(  # noqa: S603
        [*command, file], cwd=folder, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    # Go's `println` writes to the second.
    return [json.loads(line) for line in (told.stdout or told.stderr).split()]


def _signed(at: int) -> dict[str, str]:
    signed = signatures([_SECRET], id="event-1", timestamp=at, body=_BODY.encode())
    return {
        "webhook-id": "event-1",
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,AAAA {signed}",
    }


def _block(language: str, holding: str) -> str:
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", _README, re.DOTALL)
    return next(block for block in blocks if holding.lower() in block.lower())
