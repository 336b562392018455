"""The bytes of a webhook body: one event in the dialect that its endpoint speaks.

Receivers of several ages live side by side, so the dialect is a setting of each endpoint. It
changes the entitlement body only; every other body is the bare object. Rendering is pure: the bytes
of one event in one dialect never change. Source: README, "Webhooks, for receivers".
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import field_validator

from tessera.objects import Model, compact_json

ENTITLEMENTS = "entitlements.updated"
_RELEASE = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,3}))?")
_LONG_KEY = "https://limio.com/"


class Dialect(Model):
    release: str = "89.0"
    """`89` or `89.0`, compared as two whole numbers."""
    identity_keys: Literal["auto", "short", "long"] = "auto"
    announce_ahead: bool = True
    """Does it hear of a change before its day? Decided when the event is fanned out."""

    @field_validator("release")
    @classmethod
    def _with_both_numbers(cls, release: str) -> str:
        match = _RELEASE.fullmatch(release)
        if match is None:
            raise ValueError("give the release as two numbers, as 89.0")
        return f"{int(match[1])}.{int(match[2] or 0)}"

    @property
    def _version(self) -> tuple[int, int]:
        major, _, minor = self.release.partition(".")
        return int(major), int(minor)

    @property
    def names_the_order(self) -> bool:
        return self._version >= (89, 0)

    @property
    def has_long_keys(self) -> bool:
        """Before 86.0 and, as the one published sample of 89 prints them, from 89.0 on."""
        if self.identity_keys != "auto":
            return self.identity_keys == "long"
        return not (86, 0) <= self._version < (89, 0)


def render(type: str, snapshot: Mapping[str, Any], dialect: Dialect) -> bytes:
    """The body of any event, from the snapshot it was recorded with."""
    if type == ENTITLEMENTS:
        return render_entitlements(snapshot, dialect)
    return compact_json(snapshot).encode()


def render_entitlements(snapshot: Mapping[str, Any], dialect: Dialect) -> bytes:
    """The entitlement body, from the snapshot in the newest dialect with short keys.

    Its members stand in the order of the published samples, where a body with a date has its last
    two the other way round.
    """
    tracked = ["subscription"]
    if dialect.names_the_order:
        tracked += ["source", "name", "orderReference"]
    prefix = _LONG_KEY if dialect.has_long_keys else ""
    identity_names = {"sub": "sub", "iss": "iss", "service": f"{prefix}service"}
    identity_names["type"] = f"{prefix}type"

    tracking = _members(snapshot["tracking"], tracked)
    told = _members(snapshot, ["updated", "owner"])
    identities = [
        {written: one[name] for name, written in identity_names.items() if name in one}
        for one in snapshot["identities"]
    ]
    entitlements = [_members(one, ["code"]) for one in snapshot["entitlements"]]
    if "effectiveDate" in snapshot:
        return _bytes(
            tracking=tracking,
            effectiveDate=snapshot["effectiveDate"],
            **told,
            entitlements=entitlements,
            identities=identities,
        )
    return _bytes(tracking=tracking, **told, identities=identities, entitlements=entitlements)


def _members(of: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: of[name] for name in names if name in of}


def _bytes(**members: Any) -> bytes:
    return compact_json(members).encode()
