"""Cookies in and out. `__Host-` names: this host, every path, HTTPS (or localhost) only."""

from collections.abc import Mapping
from typing import Any

from tessera.identity.sessions import KINDS, Kind

NAMES: Mapping[Kind, str] = {kind: f"__Host-{kind}" for kind in KINDS}
BROWSER = "__Host-sign-in"
"""Ties a sign-in under way to the browser that began it."""
SIGNED_OUT = "__Host-signed-out"
"""Tells the start page, for a minute, to say so."""

_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
_MOST = 50
_LONGEST = 128
"""Of our own values; what is longer is nobody's."""


def read(event: Mapping[str, Any]) -> dict[str, str]:
    """By name; a name that comes twice counts as it came first, as browsers send the nearest."""
    parts = list(event.get("cookies") or [])
    if not parts:  # some gateways send the header instead
        parts = ((event.get("headers") or {}).get("cookie") or "").split(";")
    found: dict[str, str] = {}
    for part in parts[:_MOST]:
        name, _, value = part.strip().partition("=")
        if value and len(value) <= _LONGEST:
            found.setdefault(name, value)
    return found


def keep(name: str, value: str, *, seconds: int | None = None) -> str:
    """Without an age it lasts until the browser is closed."""
    age = "" if seconds is None else f"; Max-Age={seconds}"
    return f"{name}={value}; {_ATTRIBUTES}{age}"


def forget(name: str) -> str:
    return f"{name}=; {_ATTRIBUTES}; Max-Age=0"
