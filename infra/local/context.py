"""What differs between the local stack and AWS: CDK context, and nothing else."""

import json

from infra.local import demo, stand_ins
from infra.local.place import Place

STAGE = "dev"
STACK = f"Tessera-{STAGE}"


def local_context(place: Place) -> dict[str, str]:
    """Every `-c` of a local deploy; values are text, as on a command line."""
    there = stand_ins.addresses(place)
    return {
        "stage": STAGE,
        "local": "true",
        "base_url": place.api_url,
        "cognito_url": f"http://localhost:{place.ports.aws}",
        "zuora_url": there.zuora,
        "zuora_page_id": demo.CARD_PAGE_ID,
        "zuora_page_uri": f"{there.zuora}{demo.CARD_PAGE_PATH}" if there.zuora else "",
        "zuora_page_script": f"{there.zuora}{demo.CARD_SCRIPT_PATH}" if there.zuora else "",
        "salesforce_url": there.salesforce,
        "allow_http_issuers": "true",
        "support_address": "help@shop.example",
        "identity_providers": json.dumps(_identity_providers(there.idp)) if there.idp else "",
        # Receivers at home: the inbox, by its name and by its address.
        "webhooks.private_hosts": f"localhost:{place.ports.inbox},127.0.0.1:{place.ports.inbox}",
        # Each function that runs at once is a process here.
        "webhooks.fast": "4",
        "webhooks.slow": "2",
    }


def _identity_providers(idp: str) -> list[dict[str, object]]:
    """The stand-in's two issuers, set up as the real ones would be."""
    return [
        {
            "key": "auth0",
            "display_name": "Auth0 (stand-in)",
            "issuer": f"{idp}/auth0/",
            "client_id": "tessera",
            "service": "auth0",
            "type": "user_id",
        },
        {
            "key": "okta",
            "display_name": "Okta (stand-in)",
            "issuer": f"{idp}/okta/oauth2/default",
            "client_id": "tessera",
            "algorithms": ["ES256"],
            "subject_claim": "uid",
        },
    ]
