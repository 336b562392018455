"""Pages: what every family of server-rendered pages is made with.

How to add a family (`functions/pages/home` and `tests/pages/family` are small ones)
-----------------------------------------------------------------------------------
1. **Routes**, a row each in `infra/routes.py`: `Route("GET", "/settings/things/{id}",
   "pages/things", (OPERATOR_PAGE,))`. `ADMIN_PAGE` is for actions and forms of administrators.
   Who may come is said there and nowhere else. A new address of the console's menu is already in
   `frames.CONSOLE_SECTIONS`: it shows as soon as its route exists.
2. **Function**: `self.family("pages/things", tables.x.uses(…), …)` in `infra/constructs/pages.py`.
   Sessions, base URL, assets, menu and time zone come by themselves.
3. **Handler**, `functions/pages/things/handler.py`:

       class Env(PageEnvironment):
           partners_table: str

       env = Env.load()
       app = Pages(env, __file__)

       @app.page("/settings/things/<id>")
       def thing(visit: Visit, id: str) -> Answer:
           found = find(id, things=things)                    # the same rules and stores as the API
           return visit.show("thing.html", found.name, crumbs=[("Things", "/settings/things")],
                             **view.of_thing(found))

       @app.action("/settings/things/new", form=new_thing, at={"name_in_use": "name"})
       def make_thing(visit: Visit) -> Answer:
           made = make(view.read(visit.fields), by=visit.operator, now=visit.now)
           return visit.moved(f"/settings/things/{made.id}", f"{made.name} created")

       handler = entrypoint(app)

   `visit` has `operator` / `partner` / `customer` (typed, checked at this request), `query`,
   `fields` (`text`, `optional`, `all`, `ticked`), `cursor`, `now`, `locale`. Siblings are imported
   as `from . import view`. No try, no HTML, no status: raise refusals, return an `Answer`.
4. **View**, `view.py`: subject objects to finished values, most of them cells (`cells.py`):
   `Table("Things", (Column("Name"), Column("Price", numeric=True)), rows, visit.paging(next))` with
   rows of `link(…)`, `amount(…)`, `badge("active", GOOD)`, `id_(…)`, `ago(…)`, `text(…)`.
5. **Templates**, `templates/*.html`: `{% extends layout %}`, then blocks `content` and, for the
   main action top right, `deeds`. In each: `page`, `form`, `frame`, `now`, and macros:
   `ui.table(table)`, `ui.facts(pairs)`, `ui.empty(sentence, words, href)`,
   `ui.filtered_to_nothing(paging)`, `ui.failed(sentence, again, reference)`,
   `ui.tabs(links, label)`,
   `{% call ui.card("Title") %}`, `ui.badge`, `ui.id`, `ui.chart(chart, caption)`. Filters:
   `price|amount("EUR")`, `5|whole`, `date|day`, `at|moment`, `at|ago`. No `safe`, no `style=`,
   no inline script: tests refuse them. Titles are unique; there is one `h1`, made from the title.

Forms: GET and POST have **the same path**. The template writes `<form method="post">`,
`{{ ui.form_keys(form) }}` (token and one-time key), `{{ ui.error_summary(form) }}`, then
`ui.text/textarea/select/radios/checkbox/checkboxes(form, name, label, default, hint, required)` and
`ui.buttons("Create thing", cancel)`. The POST's function either returns `visit.moved(path, flash)`
(303) or raises: `InvalidFields`, `Conflict` and `UpstreamFailed` show `form=`'s page again, with
what was typed and each error at its field (`at` maps a code or a field path to a field's name); all
other refusals get their own page. A double click counts once; a form sent after its session ended
comes back filled after signing in. `ui.deed(form, action, words)` is a form that is one button.
Before destroying: GET shows `confirm.html` (`sentence`, `button`, `cancel`), POST does it.
`<form data-unsaved>` asks before unsaved ticks are lost.

htmx: `hx-get` on the same address with `hx-target`; `visit.show(…, block="rows")` answers such a
request with that `{% block rows %}` alone. What works only with script is not there without it.
A list in `<div id="list">` follows what is typed into the form before it, which has
`{{ ui.follows(page.path) }}` among its attributes.

Lists: `after = visit.cursor` (or `visit.opened(cursors, of=…)` for sealed positions) and
`visit.paging(next_cursor, filters=("status",), keep=("q",))`: filters live in the query string.

An outside system in its own block: catch its `UpstreamFailed` in the view, show `ui.failed`.

Pages of partners and customers are components of `functions/pages/site`, see its `components.py`.

Tests: `tests/pages/visitor.py` is a browser without a browser: `signed_in(visitor, "operator")`,
`visitor.get(address)`, `visitor.post(address, {"name": "Lamp"})`, then `.status`, `.text`,
`.location`. Real ones are in `tests/e2e/pages` (walker, screenshots). Each function also needs its
exercise in `tests/e2e/exercises.py`; `tests/e2e/pages/session.py` signs in over HTTP.
"""
