"""What a function uses: the variables that name a thing, together with the permissions on it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aws_cdk import aws_iam as iam


class Need(NamedTuple):
    """Named and permitted in one go, so that neither is given without the other."""

    environment: Mapping[str, str]
    statements: Sequence[iam.PolicyStatement] = ()


def setting(**values: object) -> Need:
    """Plain values: `setting(mode="test")` is the variable `MODE`."""
    return Need({name.upper(): _text(value) for name, value in values.items()})


def permission(*actions: str, on: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(on))


def _text(value: object) -> str:
    """Booleans as JSON has them; several values separated by commas."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value)
