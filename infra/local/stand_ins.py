"""Starts the stand-ins for outside systems, as many of them as there are."""

import importlib.util
import os
import sys

from infra.local.place import ROOT, STAND_INS, Place
from infra.local.program import Program
from infra.local.running_stack import StandIns


def existing() -> list[str]:
    return [name for name in STAND_INS if importlib.util.find_spec(f"infra.local.{name}")]


def addresses(place: Place) -> StandIns:
    """Where they listen; empty for those that are not there."""
    return StandIns(
        **{name: f"http://localhost:{getattr(place.ports, name)}" for name in existing()}
    )


def forget(place: Place) -> None:
    """Back to the seed: what they knew belonged to a local AWS that is gone."""
    for name in STAND_INS:
        place.state_of(name).unlink(missing_ok=True)


def _redirects(place: Place) -> tuple[str, ...]:
    """The pages that sign-in and sign-out may return to."""
    return (
        *("--redirect", f"{place.api_url}/auth/customer/callback"),
        *("--post-logout", f"{place.api_url}/"),
    )


def start(name: str, place: Place, within: float = 20) -> Program:
    """One stand-in, listening; raises `ProgramFailed`."""
    program = Program(
        f"the {name} stand-in",
        [
            *(sys.executable, "-m", f"infra.local.{name}"),
            *("--port", str(getattr(place.ports, name))),
            *("--state", str(place.state_of(name)), "--seed", "demo"),
            *(_redirects(place) if name == "idp" else ()),
        ],
        environment={**os.environ, "PYTHONUNBUFFERED": "1"},
        folder=ROOT,
        log=place.logs / f"{name}.log",
        lock=place.program_lock(name),
    )
    program.start(lambda: "ready http" in program.output(), within)
    return program
