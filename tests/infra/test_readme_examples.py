"""Code in the README works: receivers verify what we sign, and the worked endpoint answers."""

import base64
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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

Verify = Callable[[Path, dict[str, str], str], bool]


def test_a_receiver_in_python_tells_genuine_from_forged(tmp_path: Path) -> None:
    _tells_genuine_from_forged(_in_python, tmp_path)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_a_receiver_in_node_tells_genuine_from_forged_and_stale(tmp_path: Path) -> None:
    _tells_genuine_from_forged(_in_node, tmp_path)
    assert not _in_node(tmp_path, _signed(int(time.time()) - 400), _BODY)


def test_there_is_a_receiver_in_five_languages() -> None:
    for language in ("python", "javascript", "php", "go", "java"):
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
    route = "/api/partner-organisation/{id}/size"
    callers = {f"GET {route}": {"operator": ["admin", "support"]}}
    monkeypatch.setenv("CALLERS", json.dumps(callers))
    module = handlers.loaded("partners/read_size", callers, folder=tmp_path)

    def ask(id: str, *groups: str) -> tuple[int, Any]:
        path = route.replace("{id}", id)
        answer = module.handler(api_event("GET", path, route=route, caller=operator(*groups)), None)
        return answer["statusCode"], handlers.body(answer)

    assert ask(ACME, "support") == (200, {"users": 0})
    assert ask(BOREALIS, "support")[0] == 404


def _tells_genuine_from_forged(verify: Verify, folder: Path) -> None:
    headers = _signed(int(time.time()))

    assert verify(folder, headers, _BODY)
    assert not verify(folder, headers, _BODY.replace("order-1", "order-2"))


def _in_python(_: Path, headers: dict[str, str], body: str) -> bool:
    shown: dict[str, Any] = {}
    exec(_block("python", "is_genuine"), shown)  # noqa: S102  # it is ours, from the README
    genuine: bool = shown["is_genuine"](_SECRET, headers, body.encode())
    return genuine


def _in_node(folder: Path, headers: dict[str, str], body: str) -> bool:
    arguments = ", ".join(json.dumps(one) for one in (_SECRET, headers, body))
    program = folder / "receiver.js"
    program.write_text(
        f"{_block('javascript', 'isGenuine')}\nconsole.log(isGenuine({arguments}));\n",
        encoding="utf-8",
    )
    said = subprocess.run(  # noqa: S603  # a program from the README
        ["node", str(program)],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.strip() == "true"


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
