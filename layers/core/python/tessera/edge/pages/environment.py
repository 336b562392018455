"""What every page function is told by the stack."""

import json
from datetime import timedelta
from functools import cached_property

from tessera.edge.environment import Environment
from tessera.identity.sessions import Kind, Lifetimes


class PageEnvironment(Environment):
    """`class Env(PageEnvironment)` adds what the family itself needs."""

    base_url: str
    """Where people reach us: absolute addresses begin with it, whatever `Host` says."""
    sessions_table: str
    stylesheet: str
    script: str
    """Names of the two assets; they contain a hash of the content."""
    sign_in_origins: str
    """Where a form may lead on to, separated by spaces: Cognito's hosted pages."""
    session_minutes: str
    """JSON: `{"operator": [30, 480], …}`, after the last request and at most."""
    console_menu: str
    """JSON: the console's addresses that are deployed."""
    business_time_zone: str
    support_address: str
    """An e-mail address; empty where people are told none."""

    @cached_property
    def lifetimes(self) -> dict[Kind, Lifetimes]:
        return {
            kind: Lifetimes(timedelta(minutes=idle), timedelta(minutes=absolute))
            for kind, (idle, absolute) in json.loads(self.session_minutes).items()
        }

    @cached_property
    def console_addresses(self) -> frozenset[str]:
        return frozenset(json.loads(self.console_menu))
