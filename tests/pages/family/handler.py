"""A small page family: a list, a form, an action without form, what goes wrong, and every part."""

from decimal import Decimal

from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.cells import (
    BAD,
    GOOD,
    INFO,
    OFF,
    WAIT,
    Column,
    Table,
    ago,
    amount,
    badge,
    day,
    id_,
    link,
    logo,
    moment,
    number,
    several,
    text,
)
from tessera.edge.pages.charts import chart
from tessera.edge.pages.environment import PageEnvironment
from tessera.edge.pages.frames import Link
from tessera.errors import Conflict, FieldError, InvalidFields, NotFound


class Env(PageEnvironment):
    pass


class NameInUse(Conflict):
    pass


env = Env.load()
made: list[str] = []
app = Pages(env, __file__)


@app.page("/settings/things")
def things(visit: Visit) -> Answer:
    price = Decimal("1234.5")
    return visit.show("things.html", "Things", block="rows", things=made, price=price)


@app.page("/settings/things/new")
def new_thing(visit: Visit) -> Answer:
    return visit.show(
        "new.html",
        "New thing",
        crumbs=[("Things", "/settings/things")],
        images="https://cdn.example",
    )


@app.action("/settings/things/new", form=new_thing, at={"name_in_use": "name"})
def make_thing(visit: Visit) -> Answer:
    name = visit.fields.text("name")
    if not name:
        raise InvalidFields([FieldError("name", "required", "give the thing a name")])
    if name in made:
        raise NameInUse("Another thing has this name")
    made.append(name)
    return visit.moved("/settings/things", f"{name} created")


@app.action("/settings/things/forget")
def forget_things(visit: Visit) -> Answer:
    made.clear()
    return visit.moved("/settings/things")


@app.page("/settings/parts")
def parts(visit: Visit) -> Answer:
    """Every part in every state, for eyes and for axe."""
    long = "Rheinisch-Westfälische Verlagsgesellschaft für Fachzeitschriften"
    price = Decimal("1234.5")
    id = "sub-ea993e7d7cc42794e4a94413e67f8c46"
    rows = [
        (
            logo(name, "/settings/things", ""),
            badge(word, tone),
            id_(id),
            amount(price, "GBP"),
            number(1234567),
            several(ago(visit.now), day(visit.now.date())),
        )
        for name, (word, tone) in zip(
            ("Acme", long, "Borealis", "Conte", "Ø"),
            (
                ("delivered", GOOD),
                ("retrying", WAIT),
                ("gave up", BAD),
                ("archived", OFF),
                ("new", INFO),
            ),
            strict=True,
        )
    ]
    columns = ("Account name", "State", "Subscription")
    figures = ("Price", "Seats")
    return visit.show(
        "gallery.html",
        "Parts",
        crumbs=[("Home", "/settings")],
        table=Table(
            "Partner customers",
            (
                *(Column(name) for name in columns),
                *(Column(name, numeric=True) for name in figures),
                Column("Since"),
            ),
            rows,
            visit.paging("next"),
            "newest first",
        ),
        facts=[
            ("Status", badge("active", GOOD)),
            ("Plan", text("Gold Annual")),
            ("Price", amount(price, "JPY")),
            ("Renewed", moment(visit.now)),
            ("Number", id_(id)),
            ("Offer", link("Gold", "/settings/things")),
            ("Partner", text("")),
        ],
        chart=chart(
            [(f"{hour:02}:00", hour * 7 % 23, hour % 5) for hour in range(24)],
            "412 delivered, 3 failed, 99.3 %",
        ),
        tabs=[Link("Deliveries", "/settings/parts", True), Link("Events", "/settings/things")],
        names=["Gold", long],
        price=price,
    )


@app.page("/settings/things/broken")
def broken(visit: Visit) -> Answer:
    raise NotFound("a secret of ours") if "missing" in visit.query else RuntimeError("secret")


handler = entrypoint(app)
