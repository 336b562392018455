"""HTTP API authorizer: is the bearer token a customer's, from one of the company's providers?"""

from tessera import clock
from tessera.edge.authorizer import authorizer
from tessera.edge.environment import Environment
from tessera.edge.exchanges import log_exchange
from tessera.identity.provider_settings import ProviderSettings
from tessera.identity.tokens import VerifiedToken, verify
from tessera.integrations.oidc import OpenIdProviders


class Env(Environment):
    identity_providers_parameter: str
    allow_http_issuers: str


env = Env.load()
providers = ProviderSettings(env.identity_providers_parameter)
keys = OpenIdProviders(allow_http=env.allow_http_issuers == "true", observe=log_exchange)


def authorize_customer(token: str) -> VerifiedToken:
    return verify(token, providers=providers.read(), keys=keys, now=clock.now())


handler = authorizer(authorize_customer)
