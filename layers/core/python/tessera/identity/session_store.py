"""The Sessions table, as far as it holds sessions, sign-ins under way and parked forms.

| row | pk | ends |
|---|---|---|
| session | `SESSION#<hash of its id>` | its absolute end and a day, to know it when it is expired |
| sign-in under way | `SIGN_IN#<hash of its state>` | 15 minutes |
| parked form | `FORM#<hash of its token>` | 15 minutes |

One request finds a session, and at most one more notes what changed in it.
"""

from datetime import datetime, timedelta
from typing import Any, TypeVar

from tessera import clock, dynamo
from tessera.dynamo import Row
from tessera.identity.sessions import Attempt, Parked, Session, hashed
from tessera.objects import Model

M = TypeVar("M", bound=Model)

_SHAPE = 1
_KNOWN_FOR = timedelta(days=1)


class SessionsTable:
    def __init__(self, name: str) -> None:
        self._name = name

    def session(self, id: str) -> Session | None:
        """In any age: whether it is still live is the caller's question."""
        return _model(dynamo.get(self._name, _key("SESSION", id)), Session)

    def begin(self, id: str, session: Session, *, until: datetime) -> None:
        self._put("SESSION", id, session, until + _KNOWN_FOR)

    def change(self, id: str, **members: Any) -> None:
        """Sets members of the session, or removes those given as `None`.

        Nothing happens when it was ended meanwhile, as in another tab.
        """
        wire = {name: _wire(value) for name, value in members.items() if value is not None}
        sets = ", ".join(f"#{name} = :{name}" for name in wire)
        gone = ", ".join(f"#{name}" for name in members if name not in wire)
        expression = " ".join(
            f"{verb} {names}" for verb, names in (("SET", sets), ("REMOVE", gone)) if names
        )
        change = dynamo.update(
            self._name,
            _key("SESSION", id),
            expression,
            condition="attribute_exists(pk)",
            **wire,
        )
        try:
            dynamo.write(change)
        except dynamo.ConditionFailed:
            return

    def end(self, id: str) -> Session | None:
        return self._taken("SESSION", id, Session)

    def keep_attempt(self, state: str, attempt: Attempt) -> None:
        self._put("SIGN_IN", state, attempt, attempt.expires)

    def take_attempt(self, state: str, *, now: datetime) -> Attempt | None:
        """Once: a callback that is replayed finds nothing."""
        attempt = self._taken("SIGN_IN", state, Attempt)
        return attempt if attempt and now < attempt.expires else None

    def park(self, token: str, parked: Parked) -> None:
        self._put("FORM", token, parked, parked.expires)

    def take_parked(self, token: str, *, now: datetime) -> Parked | None:
        parked = self._taken("FORM", token, Parked)
        return parked if parked and now < parked.expires else None

    def _put(self, kind: str, token: str, model: Model, until: datetime) -> None:
        row = {
            **_key(kind, token),
            **_plain(model.wire()),
            "shape": _SHAPE,
            "expires_at": clock.epoch_ms(until) // 1000,
        }
        dynamo.write(dynamo.put(self._name, row))

    def _taken(self, kind: str, token: str, model: type[M]) -> M | None:
        row = dynamo.write(dynamo.delete(self._name, _key(kind, token)), answer="ALL_OLD")
        return _model(row, model)


def _key(kind: str, token: str) -> dict[str, str]:
    return {"pk": f"{kind}#{hashed(token)}"}


def _model(row: Row | None, model: type[M]) -> M | None:
    return None if row is None else model.model_validate(row, extra="ignore")


def _wire(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.instant(value)
    if isinstance(value, tuple):
        return [_wire(one) for one in value]
    return _plain(value.wire()) if isinstance(value, Model) else value


def _plain(value: Any) -> Any:
    """Tuples as lists, `None` left out: what a row can hold."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
