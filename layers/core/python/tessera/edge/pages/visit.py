"""One request to a page: who asks, what for, and how it is answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from tessera.cursors import Cursors
from tessera.edge.pages import tables
from tessera.edge.pages.formats import Locale
from tessera.edge.pages.forms import Fields, Form
from tessera.edge.pages.frames import PLAIN, Frame, Link
from tessera.edge.pages.security import NARROW, Widened
from tessera.identity.principal import Customer, Operator, Partner
from tessera.identity.sessions import Filled, Flash, Kind, Session


class Shown(NamedTuple):
    """A page to be rendered. Made by `visit.show`."""

    template: str
    title: str
    values: Mapping[str, Any]
    status: int = 200
    block: str | None = None
    crumbs: tuple[Link, ...] = ()
    frame: Frame | None = None
    widened: Widened = NARROW


class Moved(NamedTuple):
    """Go on at another address, with GET. Made by `visit.moved`."""

    location: str
    flash: Flash | None = None


class Download(NamedTuple):
    """A PDF in place of a page."""

    content: bytes
    name: str
    """What it is saved under."""
    lend: Callable[..., str]
    """Keeps what is too large to be answered, and gives a link to it."""


Answer = Shown | Moved | Download


class SignInNeeded(Exception):
    """Nobody of this kind is signed in: the page is shown after signing in."""

    def __init__(self, kind: Kind, *, parked: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.parked = parked


@dataclass
class Visit:
    """What a page's function is handed as its first argument."""

    method: str
    path: str
    query: Mapping[str, str]
    fields: Fields
    """What was posted; empty on GET."""
    locale: Locale
    now: datetime
    is_partial: bool = False
    """htmx asks for one block of the page."""
    referred_from: str = ""
    """A path of ours that the browser came from."""
    cookies: Mapping[str, str] = field(default_factory=dict)
    sessions: dict[Kind, Session | None] = field(default_factory=dict)
    """Of the cookies that came, live or expired; read once each."""
    kind: Kind | None = None
    """As what kind of person the page is used; its session alone gives rights."""
    session: Session | None = None
    form: Form = field(default_factory=Form)
    frame: Frame = PLAIN
    partner_user: Partner | None = None
    place: object = None
    """What the family's `kind_of` found at this address."""
    set_cookies: list[str] = field(default_factory=list)

    @property
    def operator(self) -> Operator:
        """Raises `TypeError` on a page that is not for operators."""
        if self.session is None or self.kind != "operator":
            raise TypeError("no operator is signed in to this page")
        return self.session.operator()

    @property
    def customer(self) -> Customer:
        if self.session is None or self.kind != "customer":
            raise TypeError("no customer is signed in to this page")
        return self.session.customer()

    @property
    def partner(self) -> Partner:
        if self.partner_user is None or self.kind != "partner":
            raise TypeError("no partner user is signed in to this page")
        return self.partner_user

    @property
    def cursor(self) -> str | None:
        """Where this page of a list begins; `paging` makes the addresses around it."""
        return tables.cursor(self.query)

    def paging(
        self, next_cursor: str | None, *, filters: Sequence[str] = (), keep: Sequence[str] = ()
    ) -> tables.Paging:
        return tables.paging(
            self.path, self.query, next_cursor, filters=tuple(filters), keep=tuple(keep)
        )

    def opened(self, cursors: Cursors, *, of: str) -> dict[str, Any] | None:
        """The position of this page of a list. Raises `InvalidRequest` for a foreign cursor."""
        return None if self.cursor is None else cursors.open(self.cursor, of=of)

    def show(
        self,
        template: str,
        title: str,
        /,
        *,
        status: int = 200,
        block: str | None = None,
        crumbs: Sequence[Link | tuple[str, str]] = (),
        frame: Frame | None = None,
        images: str = "",
        card_page: str = "",
        **values: Any,
    ) -> Shown:
        """A page: `values` are the template's names beside `form`, `page`, `frame` and `now`.

        `block` is what a request by htmx gets instead of the whole page. `images` and `card_page`
        are origins that the page's policy lets in.
        """
        return Shown(
            template=template,
            title=title,
            values=values,
            status=status,
            block=block,
            crumbs=tuple(Link(*one) for one in crumbs),
            frame=frame,
            widened=Widened(images, card_page),
        )

    def moved(self, to: str, flash: str = "", *, failed: bool = False) -> Moved:
        """303 to a path of ours, whose page says `flash` once."""
        return Moved(to, Flash(text=flash, is_failure=failed) if flash else None)

    @property
    def as_typed(self) -> Filled:
        return Filled(path=self.path, fields=self.fields.own)
