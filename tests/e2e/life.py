"""One owner's subscription, followed: what was pushed of it, and what it is wherever one asks."""

import base64
import dataclasses
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from infra.local.api_client import Api
from tessera import clock, ids
from tests.e2e.conftest import Deployed, Inbox
from tests.e2e.exercises import auth0, endpoint_at, fresh, order_body, reached

RELEASES = ("85.0", "86.0", "89.0")
WITHIN = 180
"""Seconds for what happens by itself, which is much after years have passed for everybody."""


@dataclasses.dataclass(frozen=True)
class Told:
    """One announcement as it has to be; `day` is when it takes effect, if that is said."""

    codes: list[str]
    by: str
    """The reference of the order that changed the subscription last."""
    day: date | None = None
    in_salesforce: bool = True
    """Is the owner known there by then?"""


@dataclasses.dataclass
class Life:
    deployed: Deployed
    inboxes: dict[str, Inbox]
    """One for each release whose bodies differ."""
    person: dict[str, str]
    begun_by: dict[str, Any]
    """The answer to its first order."""
    salesforce: str = ""
    """The Account there."""
    heard: int = 0
    in_force: list[str] = dataclasses.field(default_factory=list)
    ahead: Told | None = None

    @property
    def api(self) -> Api:
        return self.deployed.api

    @property
    def today(self) -> date:
        return self.deployed.now().date()

    @property
    def number(self) -> str:
        return str(self.begun_by["subscriptionReference"])

    @property
    def owner(self) -> str:
        return str(self.begun_by["owner"])

    def subscription(self) -> dict[str, Any]:
        path = f"/api/objects/limio/subscriptions/{ids.subscription_id(self.number)}"
        found: dict[str, Any] = self.api.call("GET", path)
        return found

    def objects(self, kind: str) -> list[dict[str, Any]]:
        path = f"/api/objects/limio/{kind}?owner={self.owner}&limit=100"
        found: list[dict[str, Any]] = self.api.call("GET", path)["items"]
        return found

    def in_zuora(self) -> dict[str, Any]:
        """The newest version of it there."""
        kept = self.deployed.zuora("state", method="GET")
        latest: dict[str, Any] = kept["subscriptions"][self.number][-1]
        return latest

    def plans_in_zuora(self) -> set[str]:
        return {
            plan["productRatePlanId"]
            for plan in self.in_zuora()["ratePlans"]
            if plan["lastChangeType"] != "Remove"
        }

    def payments(self) -> list[tuple[str, str]]:
        """Date and amount of each that is expected, by the list of schedules."""
        rows = [one for one in self.objects("schedules") if one["status"] == "pending-external"]
        listed = sorted((row["data"]["date"][:10], row["data"]["amount"]) for row in rows)
        embedded = {
            row["id"] for row in self.subscription()["schedule"] if row["status"] != "cancelled"
        }
        assert embedded == {row["id"] for row in rows}
        return listed

    def order(self, order_type: str, **detail: Any) -> dict[str, Any]:
        """Waited for until it is carried out in Zuora."""
        of = {"source": "shop", "forSubscription": {"name": self.number}}
        placed = self.api.call("POST", "/api/order", {"order_type": order_type, **of, **detail})
        return reached(self.api, f"/api/order/{placed['id']}", "complete", within=WITHIN)

    def refused(self, order_type: str, **detail: Any) -> tuple[int, str]:
        body = {"order_type": order_type, "forSubscription": {"name": self.number}, **detail}
        answer = self.api.send("POST", "/api/order", body)
        return answer.status_code, answer.json()["code"]

    def is_told(self, *expected: Told) -> None:
        """Since last time exactly this went out, byte for byte, to receivers of each age; and
        whoever asks is answered the same.
        """
        for told in expected:
            is_ahead = told.day is not None and told.day > self.today
            self.ahead = told if is_ahead else None
            self.in_force = self.in_force if is_ahead else told.codes
        for release, inbox in self.inboxes.items():
            arrived = self._arrived(inbox, len(expected))
            for told, delivery in zip(expected, arrived, strict=True):
                sent = base64.b64decode(delivery["base64"])
                body = self._body(told, json.loads(sent)["updated"], release)
                assert (release, sent.decode()) == (release, body)
                assert delivery["verified"] is True, delivery["why"]
        self.heard += len(expected)
        last = arrived[-1]
        sequence, updated = last["headers"]["tessera-sequence"], json.loads(last["body"])["updated"]
        entitled = self.is_answered()
        assert entitled["version"] == int(sequence)
        assert [one["updated"] for one in entitled["subscriptions"]] in ([updated], [])

    def is_answered(self) -> dict[str, Any]:
        """By owner and by identity: what is in force, and what lies ahead."""
        by_owner = self.api.send("GET", f"/api/entitlements?owner={self.owner}")
        by_person = self.api.send("GET", "/api/entitlements", params=self.person)
        assert by_owner.content == by_person.content
        entitled: dict[str, Any] = by_owner.json()
        assert [one["code"] for one in entitled["entitlements"]] == self.in_force
        shown = [(one["subscription"], one.get("next")) for one in entitled["subscriptions"]]
        ahead = None
        if self.ahead is not None and self.ahead.day is not None:
            ahead = {
                "effectiveDate": clock.zoneless(self.ahead.day),
                "entitlements": [{"code": code} for code in self.ahead.codes],
            }
        assert shown == ([(self.number, ahead)] if self.in_force or ahead else [])
        (kept,) = self.objects("user_entitlements")
        assert kept["data"]["entitlements"] == entitled["entitlements"]
        return entitled

    def _arrived(self, inbox: Inbox, count: int) -> list[dict[str, Any]]:
        """What is new of the subscription, in the order in which it was said."""
        until = time.monotonic() + WITHIN
        while True:
            page = inbox.deliveries(at_least=self.heard + count, within=1)
            mine = [one for one in page if f'"subscription":"{self.number}"' in one["body"]]
            if len(mine) >= self.heard + count or time.monotonic() > until:
                mine.sort(key=lambda one: int(one["headers"]["tessera-sequence"]))
                return mine[self.heard :]

    def _body(self, told: Told, updated: str, release: str) -> str:
        prefix = "" if release == "86.0" else "https://limio.com/"

        def identity(sub: str, iss: str, service: str, kind: str) -> dict[str, str]:
            return {"sub": sub, "iss": iss, f"{prefix}service": service, f"{prefix}type": kind}

        tracking = {"subscription": self.number}
        if release == "89.0":
            tracking |= {"source": "shop", "name": told.by, "orderReference": told.by}
        identities = [identity(self.person["sub"], self.person["iss"], "auth0", "user_id")]
        if told.in_salesforce:
            identities.append(identity(self.salesforce, "salesforce", "salesforce", "account"))
        entitlements = [{"code": code} for code in told.codes]
        begin: dict[str, Any] = {"tracking": tracking}
        if told.day is None:
            end = {"identities": identities, "entitlements": entitlements}
        else:
            begin["effectiveDate"] = clock.zoneless(told.day)
            end = {"entitlements": entitlements, "identities": identities}
        body = {**begin, "updated": updated, "owner": self.owner, **end}
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


@contextmanager
def begun(deployed: Deployed, offer: str) -> Iterator[Life]:
    """A subscription that somebody known by a login buys; its first two announcements are heard:
    at commit, and when the Account in Salesforce is known.
    """
    api = deployed.api
    inboxes, endpoints = {}, []
    try:
        for release in RELEASES:
            inboxes[release] = inbox = deployed.inbox(fresh("life"))
            settings = {"types": ["entitlements.updated"], "dialect": {"release": release}}
            made = endpoint_at(api, inbox, **settings)
            endpoints.append(made["id"])
            inbox.behave(secret=made["secret"])
        person = {"sub": fresh("auth0|subscriber"), "iss": auth0(api)}
        body = order_body(api, id_token=person, orderItems=[{"offer": {"id": offer}}])
        placed = api.call("POST", "/api/order", body)
        reached(api, f"/api/order/{placed['id']}", "complete", within=WITHIN)
        life = Life(deployed, inboxes, person, placed)
        (customer,) = life.objects("customers")
        life.salesforce = customer["data"]["salesforce"]["accountId"]
        yield life
    finally:
        for endpoint in endpoints:
            deployed.api.send("DELETE", f"/api/webhooks/endpoints/{endpoint}")
