"""Pages /auth/…: signing operators, partner users and customers in and out."""

from tessera import clock
from tessera.edge.exchanges import log_exchange
from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment
from tessera.identity.code_flow import Pool
from tessera.identity.provider_settings import ProviderSettings
from tessera.integrations.oidc import Endpoints, OpenIdProviders

from .flow import SignIn


class Env(PageEnvironment):
    operators_issuer: str
    operators_client: str
    operators_pages: str
    operators_keys: str
    partners_issuer: str
    partners_client: str
    partners_pages: str
    partners_keys: str
    identity_providers_parameter: str
    identity_secrets: str
    """What the names of customers' providers' client secrets begin with."""
    allow_http_issuers: str


env = Env.load()
pools = {
    "operator": Pool.of(
        "operators",
        issuer=env.operators_issuer,
        client_id=env.operators_client,
        pages=env.operators_pages,
        keys=env.operators_keys,
        scope="tessera/admin",
    ),
    "partner": Pool.of(
        "partners",
        issuer=env.partners_issuer,
        client_id=env.partners_client,
        pages=env.partners_pages,
        keys=env.partners_keys,
        scope="tessera/partner",
    ),
}
providers = OpenIdProviders(
    allow_http=env.allow_http_issuers == "true",
    known={
        pool.provider.issuer: Endpoints(
            issuer=pool.provider.issuer,
            jwks_uri=pool.keys,
            authorization_endpoint=f"{pool.pages}/oauth2/authorize",
            token_endpoint=f"{pool.pages}/oauth2/token",
        )
        for pool in pools.values()
    },
    observe=log_exchange,
)
app = Pages(env, __file__)
sign_in = SignIn(
    app,
    pools=pools,
    settings=ProviderSettings(env.identity_providers_parameter),
    providers=providers,
    secrets=env.identity_secrets,
    now=clock.now,
)


@app.page("/auth/<kind>")
def start(visit: Visit, kind: str) -> Answer:
    return sign_in.start(visit, kind)


@app.page("/auth/<kind>/callback")
def come_back(visit: Visit, kind: str) -> Answer:
    return sign_in.come_back(visit, kind)


@app.action("/auth/<kind>/sign-out", is_open=True)
def sign_out(visit: Visit, kind: str) -> Answer:
    return sign_in.sign_out(visit, kind)


handler = entrypoint(app)
