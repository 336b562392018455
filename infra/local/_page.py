"""The look of the stand-ins' few pages: one stylesheet, light and dark, from 360 px up."""

from collections.abc import Iterable
from html import escape

from infra.local._http import Response

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #55606e; --paper: #fff; --back: #f3f5f8;
  --line: #8a94a3; --deed: #1a56c4; --on-deed: #fff; --good: #0f6b3a; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --soft: #a9b3c1; --paper: #1b212b;
  --back: #12161d; --line: #6f7a8a; --deed: #8ab4ff; --on-deed: #0b1220; --good: #6fd39b;
  --bad: #ff9d94; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem; }
main.narrow { max-width: 28rem; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.05rem; margin: 0; }
p { margin: .5rem 0; }
a { color: var(--deed); }
code, pre { font-family: ui-monospace, monospace; font-size: .875rem; }
pre { overflow-x: auto; overflow-wrap: normal; margin: .5rem 0 0; padding: .75rem;
  background: var(--back); border-radius: .375rem; }
.soft { color: var(--soft); }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: .5rem;
  padding: 1rem; margin: 1rem 0; }
.row { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
button { display: block; width: 100%; min-height: 2.75rem; margin: .5rem 0 0; padding: .5rem 1rem;
  font: inherit; text-align: start; color: var(--ink); background: var(--paper); cursor: pointer;
  border: 1px solid var(--line); border-radius: .375rem; }
button.deed { text-align: center; color: var(--on-deed); background: var(--deed);
  border-color: var(--deed); font-weight: 600; }
button.plain { text-align: center; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; font: inherit; color: var(--ink);
  background: var(--paper); border: 1px solid var(--line); border-radius: .375rem; }
:focus-visible { outline: 3px solid var(--deed); outline-offset: 2px; }
summary { cursor: pointer; min-height: 1.5rem; }
"""


def page(
    title: str,
    content: str,
    *,
    status: int = 200,
    narrow: bool = False,
    head: str = "",
    form_origins: Iterable[str] = (),
) -> Response:
    """A whole page around `content`, which is markup whose values are escaped already.

    Browsers apply `form-action` to where a form's answer redirects as well, hence `form_origins`.
    """
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>{head}</head>"
        f"<body><main{' class=narrow' if narrow else ''}>{content}</main></body></html>"
    )
    form_targets = ("'self'", *form_origins)
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
        f"form-action {' '.join(form_targets)}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    guards = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Response(status, text, guards)
