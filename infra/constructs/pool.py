"""A user pool: people by invitation on a hosted page, machines by their credentials.

Its clients are in `pool_clients`.
"""

from collections.abc import Sequence

from aws_cdk import Acknowledgment, Aws, Duration, RemovalPolicy, Validations
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.constructs.function import Function
from infra.constructs.needs import Need, permission
from infra.settings import MACHINE_SCOPES, PAGE_SCOPES, Settings


class Pool(Construct):
    """A user pool that signs people in by e-mail, on a hosted page, by invitation only."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        scopes: Sequence[str],
        second_factor: bool = False,
        otp_by_email: bool = False,
        passkeys_of: str | None = None,
    ) -> None:
        """`passkeys_of` is the domain that people's passkeys are made for; without it, none."""
        super().__init__(scope, id)
        self._id = id
        name = id.lower()
        self.pool = cognito.UserPool(
            self,
            "Pool",
            user_pool_name=f"tessera-{settings.stage}-{name}",
            feature_plan=cognito.FeaturePlan.ESSENTIALS,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            self_sign_up_enabled=False,
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            keep_original=cognito.KeepOriginalAttrs(email=True),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_lowercase=True,
                require_uppercase=True,
                require_digits=True,
                require_symbols=True,
                temp_password_validity=Duration.days(7),
            ),
            sign_in_policy=cognito.SignInPolicy(
                allowed_first_auth_factors=cognito.AllowedFirstAuthFactors(
                    password=True, email_otp=otp_by_email, passkey=passkeys_of is not None
                )
            ),
            passkey_relying_party_id=passkeys_of,
            mfa=cognito.Mfa.REQUIRED if second_factor else cognito.Mfa.OFF,
            mfa_second_factor=(
                cognito.MfaSecondFactor(otp=True, sms=False) if second_factor else None
            ),
            email=(
                cognito.UserPoolEmail.with_ses(from_email=settings.ses_from, ses_region=Aws.REGION)
                if settings.ses_from
                else cognito.UserPoolEmail.with_cognito()
            ),
            deletion_protection=settings.keeps_data,
            removal_policy=RemovalPolicy.RETAIN if settings.keeps_data else RemovalPolicy.DESTROY,
        )
        self._scopes = {
            scope: cognito.ResourceServerScope(
                scope_name=scope, scope_description={**MACHINE_SCOPES, **PAGE_SCOPES}[scope]
            )
            for scope in scopes
        }
        self._server = self.pool.add_resource_server(
            "Tessera", identifier="tessera", scopes=list(self._scopes.values())
        )
        version = cognito.ManagedLoginVersion
        self.domain = self.pool.add_domain(
            "Domain",
            cognito_domain=cognito.CognitoDomainOptions(
                # Prefixes are unique in a region of all accounts.
                domain_prefix=f"tessera-{settings.stage}-{name}-{Aws.ACCOUNT_ID}"
            ),
            managed_login_version=(
                version.NEWER_MANAGED_LOGIN if settings.managed_login else version.CLASSIC_HOSTED_UI
            ),
        )
        self._explain(second_factor)

    @property
    def base_url(self) -> str:
        return self.domain.base_url()

    def uses(self, *actions: str) -> Need:
        """These administrative actions on its users: `AdminCreateUser`."""
        named = [f"cognito-idp:{action}" for action in actions]
        pool = self.pool
        return Need(
            {f"{self._id.upper()}_POOL_ID": pool.user_pool_id},
            [permission(*named, on=[pool.user_pool_arn])],
        )

    def asks_before_tokens(self, function: Function) -> None:
        """What the function answers goes into both tokens; when it fails there are none."""
        self.pool.add_trigger(
            cognito.UserPoolOperation.PRE_TOKEN_GENERATION_CONFIG,
            function.lambda_,
            cognito.LambdaVersion.V2_0,
        )

    def scope(self, name: str) -> cognito.OAuthScope:
        return cognito.OAuthScope.resource_server(self._server, self._scopes[name])

    def _explain(self, second_factor: bool) -> None:
        rules = {
            "AwsSolutions-COG8": "Threat protection needs the PLUS plan, priced per user. There "
            "is no self sign-up, and the hosted sign-in slows guessing down."
        }
        if not second_factor:
            rules["AwsSolutions-COG2"] = (
                "Operators need a second factor on stage prod. Partners choose none: their rights "
                "end at their own organisation's customers."
            )
        for id, reason in rules.items():
            Validations.of(self).acknowledge(Acknowledgment(id=id, reason=reason))
