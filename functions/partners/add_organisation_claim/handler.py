"""Cognito, before it issues tokens: they say for which organisation a partner user acts."""

from tessera import clock
from tessera.edge.callers import ORGANISATION_CLAIM
from tessera.edge.environment import Environment
from tessera.edge.trigger import claims_added
from tessera.partners.sign_in import organisation_of
from tessera.partners.store import PartnersTable


class Env(Environment):
    partners_table: str


env = Env.load()
partners = PartnersTable(env.partners_table)


def add_organisation_claim(subject: str) -> dict[str, str]:
    return {ORGANISATION_CLAIM: organisation_of(subject, users=partners, now=clock.now())}


handler = claims_added(add_organisation_claim)
