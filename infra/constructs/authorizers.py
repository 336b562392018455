"""What the gateway checks of a caller before any function of ours runs."""

from typing import NamedTuple

from aws_cdk import Aws
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.function import Function
from infra.constructs.gateway import Gateway
from infra.constructs.needs import setting
from infra.constructs.part import Part
from infra.constructs.platform import Platform
from infra.constructs.pool import Pool
from infra.constructs.pools import Pools
from infra.constructs.vault import Vault
from infra.routes import Callers, Route

_REMEMBERED_SECONDS = 300


class Check(NamedTuple):
    kind: str
    """As the gateway names it."""
    id: str | None = None
    scopes: tuple[str, ...] = ()


class Authorizers(Part):
    """Tokens of the two pools by the gateway itself, those of customers by a function."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        platform: Platform,
        gateway: Gateway,
        pools: Pools,
        vault: Vault,
    ) -> None:
        super().__init__(scope, id)
        api = gateway.api.http_api_id
        self._operators = self._of_pool(
            "OperatorsAndMachines",
            "operators-and-machines",
            api,
            pools.operators,
            [pools.operators_client, *pools.machine_clients.values()],
        )
        self._partners = self._of_pool(
            "Partners", "partners", api, pools.partners, [pools.partners_client]
        )
        function = Function(
            self,
            "identity/authorize_customer",
            vault.identity_providers(),
            setting(allow_http_issuers=platform.settings.allow_http_issuers),
            platform=platform,
            seconds=10,  # the gateway waits no longer for an authorizer
        )
        self._customers = apigateway.CfnAuthorizer(
            self,
            "Customers",
            api_id=api,
            name="customers",
            authorizer_type="REQUEST",
            authorizer_payload_format_version="2.0",
            enable_simple_responses=True,
            identity_source=["$request.header.Authorization"],
            authorizer_result_ttl_in_seconds=_REMEMBERED_SECONDS,
            authorizer_uri=f"arn:{Aws.PARTITION}:apigateway:{self.region}:lambda:path/2015-03-31/"
            f"functions/{function.lambda_.function_arn}/invocations",
        )
        lambda_.CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=function.lambda_.function_arn,
            principal="apigateway.amazonaws.com",
            source_arn=gateway.execution_arn(f"authorizers/{self._customers.ref}"),
        )

    def admitting(self, route: Route) -> Check:
        """Raises `ValueError` for callers that no one authorizer can tell apart."""
        kinds = {caller.kind for caller in route.who}
        if not kinds or all(kind.endswith("_session") for kind in kinds):
            return Check("NONE")
        if kinds <= {"machine", "operator"}:
            scopes = [f"tessera/{scope}" for caller in route.who for scope in _scopes(caller)]
            return Check("JWT", self._operators.ref, tuple(scopes))
        if kinds == {"partner"}:
            return Check("JWT", self._partners.ref, ("tessera/partner",))
        if kinds == {"customer"}:
            return Check("CUSTOM", self._customers.ref)
        raise ValueError(f"no authorizer admits {' and '.join(sorted(kinds))} to {route.key}")

    def _of_pool(
        self, id: str, name: str, api: str, pool: Pool, clients: list[str]
    ) -> apigateway.CfnAuthorizer:
        """Access tokens that one user pool issued to these clients."""
        issuer = f"https://cognito-idp.{self.region}.amazonaws.com/{pool.pool.user_pool_id}"
        return apigateway.CfnAuthorizer(
            self,
            id,
            api_id=api,
            name=name,
            authorizer_type="JWT",
            identity_source=["$request.header.Authorization"],
            jwt_configuration=apigateway.CfnAuthorizer.JWTConfigurationProperty(
                issuer=issuer, audience=clients
            ),
        )


def _scopes(caller: Callers) -> tuple[str, ...]:
    """An operator's rights are the groups that the function looks at; the page gives the scope."""
    return caller.needs if caller.kind == "machine" else ("admin",)
