"""The Zuora client of a function: address and credentials from its environment, calls logged."""

from collections.abc import Callable
from typing import Protocol

from tessera.edge.environment import Environment
from tessera.edge.exchanges import log_exchange
from tessera.edge.observability import correlation_id, time_left
from tessera.integrations.http import INTERACTIVE, Profile
from tessera.integrations.zuora import Zuora
from tessera.secrets import Secret


class ZuoraEnvironment(Environment):
    zuora_url: str
    zuora_secret: str
    zuora_entity_ids: str
    zuora_org_ids: str


class Connection(Protocol):
    """The part of an environment that tells where Zuora is."""

    @property
    def zuora_url(self) -> str: ...

    @property
    def zuora_secret(self) -> str: ...

    @property
    def zuora_entity_ids(self) -> str: ...

    @property
    def zuora_org_ids(self) -> str: ...


def zuora_client(
    env: Connection,
    *,
    profile: Profile = INTERACTIVE,
    time_left: Callable[[], float] = time_left,
) -> Zuora:
    return Zuora(
        env.zuora_url,
        Secret(env.zuora_secret),
        profile=profile,
        observe=log_exchange,
        time_left=time_left,
        track_id=correlation_id,
        entity_ids=env.zuora_entity_ids,
        org_ids=env.zuora_org_ids,
    )
