"""Receivers on loopback, ways out to them, and the engine on a fake AWS.

The address rules refuse loopback. So a test either exempts a receiver as a private host, or gives
it a public name and lets `permit` through for loopback alone.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tessera import aws
from tessera.webhooks.destination import Address, Reach
from tessera.webhooks.egress import Egress
from tests.webhooks.engine import Engine
from tests.webhooks.receiver import Authority, Receiver, Script

Serve = Callable[..., Receiver]
Overhear = Callable[[str, str, Callable[..., None]], None]


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[Any] = []

    def start(script: Script, tls: ssl.SSLContext | None = None) -> Receiver:
        listening = Receiver(script, tls).listening()
        running.append(listening)
        return listening.__enter__()

    yield start
    for listening in running:
        listening.__exit__(None, None, None)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def way_out() -> Iterator[Callable[..., Egress]]:
    """Makes an `Egress` to these private receivers, or with other rules."""
    made: list[Egress] = []

    def make(*receivers: Receiver, **rules: Any) -> Egress:
        private = frozenset(receiver.place for receiver in receivers)
        made.append(Egress(Reach(private_hosts=private), **rules))
        return made[-1]

    yield make
    for egress in made:
        egress.close()


@pytest.fixture
def public(way_out: Callable[..., Egress], authority: Authority) -> Callable[..., Egress]:
    """Makes an `Egress` under the rules for the public internet, which one receiver stands for."""

    def make(receiver: Receiver, **rules: Any) -> Egress:
        rules = {
            "resolver": lambda host, port: [Address(socket.AF_INET, ("127.0.0.1", receiver.port))],
            "permit": lambda address: address == "127.0.0.1",
            "ca_bundle": str(authority.bundle),
            **rules,
        }
        return way_out(**rules)

    return make


@pytest.fixture
def overhear() -> Iterator[Overhear]:
    """Hooks into the calls of a client until the test is over: clients outlive tests."""
    hooked: list[tuple[Any, str, Callable[..., None]]] = []

    def hook(service: Any, name: str, act: Callable[..., None]) -> None:
        events = aws.client(service).meta.events
        events.register(name, act)
        hooked.append((events, name, act))

    yield hook
    for events, name, act in hooked:
        events.unregister(name, act)


@pytest.fixture
def engine(tables: dict[str, str]) -> Engine:
    """Empty tables, a receiver that accepts everything, and the clock at `NOW`."""
    return Engine()
