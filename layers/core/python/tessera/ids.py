"""Ids and references: `<prefix>-<32 lower-case hex>`, derived where a natural key exists.

A derived id is the first 32 hex digits of SHA-256 over its parts joined by a line feed, so that a
repeat or a race meets the same key. Source: README, "Objects, ids, times".
"""

import base64
import hashlib
import re
import secrets
import uuid

_ID = re.compile(r"[a-z_]{2,24}-[0-9a-f]{32}")
_ITEMS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:tessera:order-item")


def derived(prefix: str, *parts: str) -> str:
    """The id that these parts always have: `derived("sub", "subscription", "A-S00000271")`."""
    return f"{prefix}-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:32]}"


def random(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(16)}"


def is_id(value: str, prefix: str) -> bool:
    return bool(_ID.fullmatch(value)) and value.startswith(f"{prefix}-")


def reference(id: str) -> str:
    """Twelve characters that people and Zuora can carry in place of an id."""
    digest = hashlib.sha256(f"reference\n{id}".encode()).digest()
    return base64.b32hexencode(digest).decode()[:12]


def customer_id(account_number: str) -> str:
    return derived("cus", "customer", account_number)


def owner_id_of_account(account_number: str) -> str:
    """The owner that a sync gives to a Zuora account nobody owns yet."""
    return derived("id", "owner", account_number)


def subscription_id(number: str) -> str:
    return derived("sub", "subscription", number)


def order_item(order: str, position: int) -> str:
    """The stable UUID of an order's item, the second half of a subscription's `ref`."""
    return str(uuid.uuid5(_ITEMS, f"{order}/{position}"))


def owner_of_entitlements(id: str) -> str:
    """`user_entitlements-<hex>` is the owner `id-<hex>` seen from its entitlements."""
    return "id-" + id.removeprefix("user_entitlements-")


def entitlements_of_owner(owner: str) -> str:
    return "user_entitlements-" + owner.removeprefix("id-")
