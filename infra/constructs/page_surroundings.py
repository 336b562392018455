"""What all functions behind pages are told, and the stylesheet and script that they name."""

import json

from aws_cdk import AssetHashType, BundlingOptions, DockerImage, Stack
from aws_cdk import aws_lambda as lambda_

from infra.constructs import assets
from infra.constructs.bundling import LocalBuild
from infra.constructs.endpoint import Api
from infra.constructs.needs import Need, setting
from infra.constructs.package import FUNCTIONS, Package
from infra.constructs.platform import Platform
from infra.constructs.pool import Pool
from infra.constructs.pools import Pools
from infra.routes import ROUTES
from infra.settings import Settings
from tessera.edge.pages.frames import addresses

_ASSETS = FUNCTIONS / "pages" / "assets"


def surroundings(platform: Platform, api: Api, pools: Pools) -> Need:
    settings = platform.settings
    shown = {route.path for route in ROUTES if route.method == "GET"}
    visitors = list(settings.visitor_minutes)
    minutes = {
        "operator": list(settings.operator_minutes),
        "partner": visitors,
        "customer": visitors,
    }
    origins = [_sign_in_url(settings, pool) for pool in (pools.operators, pools.partners)]
    return setting(
        base_url=api.gateway.base_url,
        stylesheet=assets.name_of(assets.STYLESHEET, _ASSETS),
        script=assets.name_of(assets.SCRIPT, _ASSETS),
        sign_in_origins=" ".join(dict.fromkeys(origins)),
        session_minutes=json.dumps(minutes),
        console_menu=json.dumps([one for one in addresses() if one in shown]),
        business_time_zone=settings.business_time_zone,
        support_address=settings.support_address,
    )


def signs_in(settings: Settings, name: str, pool: Pool, client_id: str) -> dict[str, str]:
    """What signing in with a pool takes; its tokens name the issuer, byte for byte."""
    id = pool.pool.user_pool_id
    issuer = f"https://cognito-idp.{Stack.of(pool).region}.amazonaws.com/{id}"
    cognito = settings.cognito_url
    keys = f"{cognito}/{id}" if cognito else issuer
    return {
        f"{name}_issuer": issuer,
        f"{name}_client": client_id,
        f"{name}_pages": _sign_in_url(settings, pool),
        f"{name}_keys": f"{keys}/.well-known/jwks.json",
    }


def _sign_in_url(settings: Settings, pool: Pool) -> str:
    return settings.cognito_url or pool.base_url


def built_assets() -> Package:
    """The stylesheet and the script are put together when the stack is."""
    names = [assets.name_of(asset, _ASSETS) for asset in (assets.STYLESHEET, assets.SCRIPT)]
    handler = (_ASSETS / "handler.py").read_text(encoding="utf-8")
    return Package(
        lambda_.Code.from_asset(
            str(_ASSETS),
            exclude=["__pycache__", "node_modules"],
            asset_hash_type=AssetHashType.CUSTOM,
            asset_hash=json.dumps([*names, handler]),
            bundling=BundlingOptions(
                image=DockerImage.from_registry("never-started"),
                local=LocalBuild(_ASSETS, assets.build, None),
            ),
        )
    )
