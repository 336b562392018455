"""The identity provider's pages: who signs in, what went wrong, what there is."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import urlsplit

from infra.local._http import Response
from infra.local._page import page


def sign_in(
    *, provider: str, client: str, people: Sequence[Mapping[str, str]], query: str, redirect: str
) -> Response:
    """The choice of a person; its forms post to the address they came from, `query` included."""
    target = escape(f"?{query}", quote=True)
    buttons = "".join(
        f'<button name="sub" value="{escape(person["sub"], quote=True)}">'
        f"<strong>{escape(person['name'])}</strong><br>"
        f'<span class="soft">{escape(person["email"])}</span></button>'
        for person in people
    )
    listed = f'<form method="post" action="{target}">{buttons}</form>' if people else ""
    parts = urlsplit(redirect)
    return page(
        f"Sign in with {provider}",
        f"<h1>Sign in with {escape(provider)}</h1>"
        f'<p class="soft">to go on to <strong>{escape(client)}</strong>. '
        "This provider is a local stand-in: nobody needs a password.</p>"
        f'<div class="card">{listed}'
        f'<form method="post" action="{target}">'
        '<label for="sub">Somebody else, by subject</label>'
        '<input id="sub" name="sub" required maxlength="255" autocomplete="off" '
        'autocapitalize="off" spellcheck="false">'
        '<button class="deed">Sign in</button></form></div>'
        f'<form method="post" action="{target}">'
        '<button class="plain" name="cancel" value="1">Cancel</button></form>',
        narrow=True,
        form_origins=[f"{parts.scheme}://{parts.netloc}"],
    )


def refused(title: str, reason: str) -> Response:
    return page(
        title,
        f'<h1>{escape(title)}</h1><p role="alert">{escape(reason)}</p>',
        status=400,
        narrow=True,
    )


def signed_out() -> Response:
    return page(
        "Signed out", "<h1>You are signed out</h1><p>You can close this page.</p>", narrow=True
    )


def overview(issuers: Sequence[str], clients: Mapping[str, Any]) -> Response:
    listed = "".join(
        f'<div class="card"><h2><code>{escape(issuer)}</code></h2>'
        f'<p><a href="{escape(base, quote=True)}/.well-known/openid-configuration">'
        f'Configuration</a> · <a href="{escape(base, quote=True)}/jwks">Keys</a></p></div>'
        for issuer in issuers
        for base in [issuer.rstrip("/")]
    )
    known = "".join(
        f"<p><code>{escape(name)}</code> may return to</p><ul>"
        + "".join(f"<li><code>{escape(uri)}</code></li>" for uri in client["redirect_uris"])
        + "</ul>"
        for name, client in clients.items()
    )
    return page(
        "Identity provider",
        '<h1>Identity provider</h1><p class="soft">A local stand-in with two issuers.</p>'
        f'{listed}<div class="card"><h2>Clients</h2>{known}</div>',
    )
