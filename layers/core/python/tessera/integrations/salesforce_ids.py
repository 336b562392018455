"""Salesforce ids, in the one form that survives systems which fold capitals."""

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
ACCOUNT_PREFIX = "001"


def id18(id: str) -> str | None:
    """The 18-character form of an id of 15 or 18; `None` for what is no id.

    The three last characters say which of the first fifteen are capitals, five at a time.
    """
    if not id.isascii() or not id.isalnum() or len(id) not in (15, 18):
        return None
    groups = (id[n : n + 5] for n in (0, 5, 10))
    flags = (sum(c.isupper() << bit for bit, c in enumerate(group)) for group in groups)
    whole = id[:15] + "".join(_ALPHABET[flag] for flag in flags)
    return whole if len(id) == 15 else id


def account_id(id: str | None) -> str | None:
    """The same for an account; anything else in a field for one is not taken for one."""
    return id18(id) if id is not None and id.startswith(ACCOUNT_PREFIX) else None
