"""Zuora's own SDK reads what our client wrote to the stand-in, and reads the same."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.local import demo
from tests.commerce.carrying import ACCOUNT, NUMBER, REFERENCE, TODAY, order, store_with
from tests.integrations.test_provisioning import Vendors, World, running, vendors

__all__ = ["running", "vendors"]

_INTERPRETER = "TESSERA_ZUORA_SDK_PYTHON"
_READER = Path(__file__).with_name("zuora_sdk_reader.py")
_SECONDS = 240
"""Loading the SDK takes 12 s and more."""


@pytest.fixture
def interpreter() -> str:
    named = os.environ.get(_INTERPRETER, "")
    if not named:
        pytest.skip(f"{_INTERPRETER} names no Python that has the package zuora-sdk")
    probe = [named, "-c", "import importlib.util as i; assert i.find_spec('zuora_sdk')"]
    known = Path(named).is_file()
    if not known or subprocess.run(probe, check=False).returncode:  # noqa: S603
        pytest.skip(f"{named} cannot import zuora_sdk: pip install zuora-sdk there")
    return named


@pytest.mark.long
def test_zuoras_own_sdk_reads_what_our_client_wrote(interpreter: str, vendors: Vendors) -> None:
    world = World(vendors, store_with(order()))
    assert world.run() == ["completed"]

    read = read_by_the_sdk(interpreter, vendors.zuora.url)

    (account,) = vendors.accounts
    assert read["account"] == {
        "number": ACCOUNT,
        "name": "Conte Ltd",
        "currency": "GBP",
        "crm": account["crmId"],
        "email": "carla@conte.example",
        "city": "Bristol",
    }
    assert read["order"] == {
        "number": REFERENCE,
        "status": "Completed",
        "actions": ["CreateSubscription"],
    }
    assert read["subscription"] == {
        "number": NUMBER,
        "status": "Active",
        "account": ACCOUNT,
        "start": TODAY.isoformat(),
        "plan": demo.DIGITAL_MONTHLY_PLAN.id,
        "quantity": 1,
        "price": 17.5,
    }
    assert [(one["account"], one["status"]) for one in read["invoices"]] == [
        (account["id"], "Posted")
    ]


def read_by_the_sdk(interpreter: str, url: str) -> dict[str, Any]:
    asked = {
        "url": url,
        "client_id": demo.ZUORA_CLIENT.client_id,
        "client_secret": demo.ZUORA_CLIENT.client_secret,
        "account": ACCOUNT,
        "order": REFERENCE,
        "subscription": NUMBER,
    }
    done = subprocess.run(  # noqa: S603
        [interpreter, str(_READER)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    read: dict[str, Any] = json.loads(done.stdout)
    return read
