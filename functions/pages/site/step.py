"""Where somebody is in a flow: which one, for which subscription, and where it leads back to."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from tessera.edge.pages.locations import with_query
from tessera.edge.pages.visit import Visit
from tessera.errors import InvalidFields


class Step(NamedTuple):
    flow: str
    """`update`, `cancel`, `renew`, or empty: none was begun."""
    subscription: str
    home: str
    """The page that it was begun from; the flow ends there."""
    home_name: str
    component: str
    """Whose forms these are."""
    allowed: Collection[str]

    @classmethod
    def of(
        cls,
        visit: Visit,
        *,
        home: str,
        home_name: str,
        component: str,
        allowed: Collection[str] = ("update", "cancel", "renew"),
    ) -> "Step":
        return cls(
            flow=visit.query.get("do", ""),
            subscription=visit.query.get("subscription", ""),
            home=home,
            home_name=home_name,
            component=component,
            allowed=allowed,
        )

    def to(self, **more: str | None) -> str:
        """The address of another step of the same flow."""
        return with_query(self.home, do=self.flow, subscription=self.subscription, **more)


@contextmanager
def in_fields(names: Mapping[str, str]) -> Iterator[None]:
    """What the rules say of an order's members is said at the form's fields, or of the whole."""
    try:
        yield
    except InvalidFields as refusal:
        raise InvalidFields(
            one._replace(field=names.get(one.field, "")) for one in refusal.errors
        ) from refusal
