"""How an inbox behaves towards the next deliveries: what it answers, or how it fails to."""

from dataclasses import asdict, dataclass, field, fields, replace
from decimal import Decimal
from itertools import repeat
from typing import Any

from infra.local._http import Response, Wire
from infra.local.inbox_signatures import BadSecret, check_secret

MODES = ("answer", "hang", "drip", "reset", "redirect", "huge")
LONGEST_HANG_SECONDS = 600.0
PIECE = b"x" * 65_536


class BadBehaviour(ValueError):
    """An inbox was told to do what it cannot do; the message says why."""


@dataclass(frozen=True)
class Behaviour:
    """`answer` with status, headers, body · `hang` · `drip` a byte at a time · `reset` the
    connection · `redirect` to headers' Location · `huge`, a body without end in sight.

    After `times` deliveries (null: never) it answers 200 again. With `about`, a text, it is so only
    towards deliveries that have it in their body, which alone count; others get 200. `secret`, one
    or several, makes it verify signatures; with `basic` `{"username", "password"}` it answers
    others 401.
    """

    mode: str = "answer"
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    times: int | None = None
    about: str | None = None
    secret: str | list[str] | None = None
    basic: dict[str, str] | None = None
    hang_seconds: float = LONGEST_HANG_SECONDS
    byte_seconds: float = 1.0
    drip_head: bool = False
    huge_bytes: int = 1024**3

    def secrets(self) -> list[str]:
        if self.secret is None:
            return []
        return [self.secret] if isinstance(self.secret, str) else self.secret

    def silent(self) -> bool:
        """Whether the sender gets no status line at all."""
        return self.mode in ("hang", "reset")

    def towards(self, body: bytes) -> "Behaviour":
        """The behaviour that a delivery with this body meets."""
        if self.about is None or self.about.encode() in body:
            return self
        return self.well()

    def well(self) -> "Behaviour":
        return Behaviour(secret=self.secret, basic=self.basic)

    def after_one(self) -> "Behaviour":
        """The behaviour once one more delivery has come in."""
        if self.times is None:
            return self
        if self.times > 1:
            return replace(self, times=self.times - 1)
        return self.well()

    def described(self) -> dict[str, Any]:
        return asdict(self)


def answer_of(behaviour: Behaviour) -> Response:
    status, headers, body = behaviour.status or 200, dict(behaviour.headers), behaviour.body
    match behaviour.mode:
        case "hang":
            return Response(wire=Wire(hold_seconds=behaviour.hang_seconds, cut="close"))
        case "reset":
            return Response(wire=Wire(cut="reset"))
        case "drip":
            wire = Wire(byte_seconds=behaviour.byte_seconds, drip_head=behaviour.drip_head)
            return Response(status, "." * 60 if body is None else body, headers, wire=wire)
        case "redirect":
            # By default to this very server, so that following it shows as a delivery there.
            headers = {"Location": "/hooks/redirected", **headers}
            return Response(behaviour.status or 302, body, headers)
        case "huge":
            pieces = repeat(PIECE, -(-behaviour.huge_bytes // len(PIECE)))
            return Response(status, None, headers, stream=pieces)
        case _:
            return Response(status, body, headers)


def read_behaviour(wanted: Any) -> Behaviour:
    """A behaviour as `PUT /_control/inboxes/{name}` describes it; raises `BadBehaviour`."""
    if not isinstance(wanted, dict):
        raise BadBehaviour("a behaviour is a JSON object")
    known = {each.name for each in fields(Behaviour)}
    if unknown := wanted.keys() - known:
        raise BadBehaviour(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    wanted = {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in wanted.items()
    }
    behaviour = Behaviour(**wanted)
    _check(behaviour)
    return behaviour


def _check(behaviour: Behaviour) -> None:
    status, times, basic = behaviour.status, behaviour.times, behaviour.basic
    about = behaviour.about
    if behaviour.mode not in MODES:
        raise BadBehaviour(f'"mode" is one of {", ".join(MODES)}')
    if status is not None and (type(status) is not int or not 200 <= status <= 599):
        raise BadBehaviour('"status" is a number from 200 to 599')
    if times is not None and (type(times) is not int or times < 1):
        raise BadBehaviour('"times" is 1 or more, or null for all deliveries to come')
    if about is not None and not (isinstance(about, str) and about):
        raise BadBehaviour('"about" is a text that deliveries hold, or null for all deliveries')
    if not _all_text(behaviour.headers):
        raise BadBehaviour('"headers" is an object of texts')
    if basic is not None and not (_all_text(basic) and basic.keys() == {"username", "password"}):
        raise BadBehaviour('"basic" is {"username", "password"}')
    for name, value, most in (
        ("hang_seconds", behaviour.hang_seconds, LONGEST_HANG_SECONDS),
        ("byte_seconds", behaviour.byte_seconds, 60),
        ("huge_bytes", behaviour.huge_bytes, 10 * 1024**3),
    ):
        if type(value) not in (int, float) or not 0 < value <= most:
            raise BadBehaviour(f'"{name}" is a number above 0, at most {most:.0f}')
    try:
        for secret in behaviour.secrets():
            check_secret(secret)
    except (BadSecret, TypeError) as problem:
        raise BadBehaviour(f'"secret" is one secret or a list: {problem}') from problem


def _all_text(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
