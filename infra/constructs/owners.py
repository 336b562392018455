"""Merging owners, and ending what was begun for one and left."""

from constructs import Construct

from infra.constructs.endpoint import Api, Endpoint
from infra.constructs.function import Function
from infra.constructs.needs import setting
from infra.constructs.platform import Platform
from infra.constructs.schedule import every_minute

_TURN_SECONDS = 300
"""Of which a turn takes seconds, unless owners with thousands of subscriptions are merged."""


class Owners(Construct):
    def __init__(self, scope: Construct, id: str, *, platform: Platform, api: Api) -> None:
        super().__init__(scope, id)
        commerce, events = api.tables.commerce, api.tables.events
        zone = setting(business_time_zone=platform.settings.business_time_zone)
        Endpoint(
            self,
            "commerce/merge_owners",
            commerce.uses("GetItem", "PutItem", "Query", "UpdateItem", queries=["by_owner"]),
            events.uses("PutItem"),
            zone,
            platform=platform,
            api=api,
        )
        resume_owners = Function(
            self,
            "commerce/resume_owners",
            commerce.uses("GetItem", "PutItem", "Query", "UpdateItem", queries=["by_owner", "due"]),
            events.uses("PutItem"),
            zone,
            platform=platform,
            seconds=_TURN_SECONDS,
            retry_attempts=0,
        )
        every_minute(resume_owners)
