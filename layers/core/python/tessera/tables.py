"""Every table, its keys and its indexes: stores, the CDK stack and the tests read them here.

All indexes are declared from the first deploy on, as CloudFormation adds one per table and update.
What the keys hold is described where the rows are made, in each subject's `store.py`.
"""

from typing import Literal, NamedTuple

TRANSACTION_LIMIT = 100
"""Items that one transaction holds (DynamoDB's limit)."""

KeyType = Literal["S", "N"]


class Index(NamedTuple):
    name: str
    pk: str
    sk: str
    pk_type: KeyType = "S"
    sk_type: KeyType = "S"
    includes: tuple[str, ...] | None = None
    """Attributes copied beside the keys; none copies the keys only, `ALL` the whole row."""


class Table(NamedTuple):
    name: str
    sk: str | None = "sk"
    indexes: tuple[Index, ...] = ()
    ttl: str | None = None
    streams_inserts: bool = False
    pk: str = "pk"


ALL = ("*",)

CATALOG = Table("Catalog")

COMMERCE = Table(
    "Commerce",
    indexes=(
        Index("by_owner", "owner", "owner_sk", includes=ALL),
        Index("by_type", "type_pk", "type_sk", includes=ALL),
        Index("by_partner", "partner_pk", "partner_sk", includes=ALL),
        # customers by e-mail, orders newest first, subscriptions by Zuora id
        Index("by_lookup", "lookup_pk", "lookup_sk", includes=ALL),
        Index("due", "due_pk", "due_at"),
    ),
)

ALL_ORDERS = "orders"
"""The partition of `by_lookup` with every order in it, newest last."""
LATE_ORDERS = {"pk": "sweep", "sk": "sweep"}
"""The row in which the sweep of orders notes those that it found late."""

PARTNERS = Table(
    "Partners",
    indexes=(
        Index("newest", "newest_pk", "newest_sk", includes=ALL),
        Index("by_lookup", "lookup_pk", "lookup_sk", includes=ALL),
    ),
)

WEBHOOKS = Table(
    "Webhooks",
    indexes=(
        Index("due", "due_pk", "next_due", sk_type="N"),
        Index("by_endpoint", "endpoint", "created_at", includes=("type", "owner", "subscription")),
        Index("failed", "failed_pk", "created_at"),
    ),
    ttl="expires_at",
)

EVENTS = Table(
    "Events",
    indexes=(
        Index("open", "open", "open_at", pk_type="N", sk_type="N"),
        Index("by_owner", "owner", "sequence", sk_type="N", includes=("type", "created_at")),
        Index("by_day", "day", "created_at", includes=("type", "owner", "subscription")),
    ),
    ttl="expires_at",
    streams_inserts=True,
)

SESSIONS = Table("Sessions", sk=None, ttl="expires_at")

IDEMPOTENCY = Table("Idempotency", sk=None, ttl="expires_at")

TABLES = (CATALOG, COMMERCE, PARTNERS, WEBHOOKS, EVENTS, SESSIONS, IDEMPOTENCY)
