"""Every five minutes: finish what was left half done of making and removing partner users."""

from tessera import clock
from tessera.edge.environment import Environment
from tessera.edge.schedule import scheduled
from tessera.partners.cognito import PartnerLogins
from tessera.partners.store import PartnersTable
from tessera.partners.users import reconcile


class Env(Environment):
    partners_table: str
    events_table: str
    partners_pool_id: str


env = Env.load()
partners = PartnersTable(env.partners_table, env.events_table)
logins = PartnerLogins(env.partners_pool_id)

handler = scheduled(lambda: reconcile(users=partners, logins=logins, now=clock.now())._asdict())
