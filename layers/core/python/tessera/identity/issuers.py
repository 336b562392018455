"""Issuers: when two spellings name the same one, for looking up identities and labels.

Never for verifying a token: there the issuer counts byte for byte.
"""

import re

_SCHEME = re.compile(r"^https?://", re.IGNORECASE)
_DEFAULT_PORT = re.compile(r":(?:443|80)$")


def normalised(iss: str) -> str:
    """The one spelling of an issuer: `limio.us.auth0.com` for `HTTPS://LIMIO.us.auth0.com/`.

    Scheme, default port and trailing slashes are dropped and the host is lower-cased; a path keeps
    its case, and bare words such as `salesforce` stay as they are. What was normalised stays.
    """
    before = None
    while iss != before:
        before, iss = iss, _step(iss)
    return iss


def _step(iss: str) -> str:
    host, slash, path = _SCHEME.sub("", iss.strip()).partition("/")
    return (_DEFAULT_PORT.sub("", host.lower()) + slash + path).rstrip("/")
