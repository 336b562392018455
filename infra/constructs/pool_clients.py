"""Who may ask a user pool for tokens: the pages of one kind of person, and machines."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_cognito as cognito

from infra.constructs.pool import Pool


def page_client(
    pool: Pool, *, kind: str, scope: str, base_url: str, refresh: Duration, is_branded: bool
) -> str:
    """For the pages of one kind of person: code with PKCE, no secret. Returns the client id."""
    client = pool.pool.add_client(
        "Pages",
        generate_secret=False,
        auth_flows=cognito.AuthFlow(user=True),
        o_auth=cognito.OAuthSettings(
            flows=cognito.OAuthFlows(authorization_code_grant=True),
            scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL, pool.scope(scope)],
            callback_urls=[f"{base_url}/auth/{kind}/callback"],
            logout_urls=[f"{base_url}/"],
        ),
        prevent_user_existence_errors=True,
        enable_token_revocation=True,
        access_token_validity=Duration.minutes(15),
        id_token_validity=Duration.minutes(15),
        refresh_token_validity=refresh,
        # Left to the default, people could change the e-mail that names them.
        write_attributes=cognito.ClientAttributes().with_standard_attributes(fullname=True),
    )
    if is_branded:
        cognito.CfnManagedLoginBranding(
            pool,
            "Branding",
            user_pool_id=pool.pool.user_pool_id,
            client_id=client.user_pool_client_id,
            use_cognito_provided_values=True,
        )
    return client.user_pool_client_id


def machine_client(pool: Pool, name: str, scopes: Sequence[str]) -> str:
    """Client credentials with a secret. Returns the client id."""
    client = pool.pool.add_client(
        "".join(part.capitalize() for part in name.split("-")),
        user_pool_client_name=name,
        generate_secret=True,
        o_auth=cognito.OAuthSettings(
            flows=cognito.OAuthFlows(client_credentials=True),
            scopes=[pool.scope(scope) for scope in scopes],
        ),
        enable_token_revocation=True,
        access_token_validity=Duration.minutes(60),
    )
    # Left out, Cognito would let people sign in through it as well.
    resource = cast("cognito.CfnUserPoolClient", client.node.default_child)
    resource.explicit_auth_flows = ["ALLOW_REFRESH_TOKEN_AUTH"]
    return client.user_pool_client_id
