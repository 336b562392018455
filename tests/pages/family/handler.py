"""A page family as small as can be: a list, a form, an action without form, and what goes wrong."""

from decimal import Decimal

from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment
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


@app.page("/settings/things/broken")
def broken(visit: Visit) -> Answer:
    raise NotFound("a secret of ours") if "missing" in visit.query else RuntimeError("secret")


handler = entrypoint(app)
