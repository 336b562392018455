"""`.local/stack.json`: where everything of a running stack is, for scripts and tests.

The file is there exactly while the stack is up.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Machine:
    """The middleware's client: it asks `token_url` for a token with these."""

    client_id: str = ""
    client_secret: str = ""
    scope: str = ""


@dataclass(frozen=True)
class Login:
    """Somebody who signs in on a page."""

    email: str = ""
    password: str = ""


@dataclass(frozen=True)
class Partner:
    """A partner organisation and its users."""

    id: str
    name: str
    users: tuple[Login, ...] = ()


@dataclass(frozen=True)
class Customer:
    """Somebody whom an identity provider knows, and the owner that the login is attached to."""

    issuer: str
    sub: str
    owner: str


@dataclass(frozen=True)
class StandIns:
    """Addresses of the outside systems' stand-ins; empty where one is not there."""

    zuora: str = ""
    salesforce: str = ""
    idp: str = ""
    inbox: str = ""


@dataclass(frozen=True)
class Samples:
    """Things that a stand-in knows and Tessera does not yet."""

    zuora_subscriptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunningStack:
    """Everything a script needs to use the stack; empty where a part is not there.

    `outputs` are the stack's own, as CloudFormation names them.
    """

    api: str
    token_url: str = ""
    machine: Machine = Machine()
    operator: Login = Login()
    partners: tuple[Partner, ...] = ()
    customers: tuple[Customer, ...] = ()
    stand_ins: StandIns = StandIns()
    samples: Samples = Samples()
    outputs: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> "RunningStack":
        """Raises `FileNotFoundError` when no stack is up there."""
        return cls.from_json(json.loads(file.read_text(encoding="utf-8")))

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "RunningStack":
        return cls(
            api=body["api"],
            token_url=body["token_url"],
            machine=Machine(**body["machine"]),
            operator=Login(**body["operator"]),
            partners=tuple(
                Partner(
                    id=partner["id"],
                    name=partner["name"],
                    users=tuple(Login(**user) for user in partner["users"]),
                )
                for partner in body["partners"]
            ),
            customers=tuple(Customer(**customer) for customer in body["customers"]),
            stand_ins=StandIns(**body["stand_ins"]),
            samples=Samples(tuple(body["samples"]["zuora_subscriptions"])),
            outputs=body["outputs"],
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def write(self, file: Path) -> None:
        """In one move, so that a reader finds the whole file or none; for this user's eyes only."""
        unfinished = file.with_name(f".{file.name}.{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as text:
            json.dump(self.to_json(), text, indent=2)
            text.write("\n")
        unfinished.replace(file)
