"""Signing in to pages over HTTP, as a browser does it: redirects, forms, cookies."""

import hashlib
import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from urllib.parse import urljoin, urlsplit

import boto3
import requests

from infra.local.running_stack import Partner
from tessera import clock
from tests.e2e.conftest import Deployed

_MOST_STEPS = 15


@dataclass
class Pages:
    """One browser without a screen. `__Host-` cookies are Secure, so they are carried by hand."""

    base: str
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, address: str) -> requests.Response:
        return self._ask("GET", address)

    def post(self, address: str, **fields: str) -> requests.Response:
        """The form of that page, with its hidden fields; the answer itself, not where it leads."""
        opened = self.get(address).text
        keys = {name: hidden(opened, name) for name in ("csrf_token", "form_key")}
        return self.send(address, **{**keys, **fields})

    def form(self, address: str, **changes: str) -> requests.Response:
        """The page's form sent as it was shown, but for these fields."""
        return self.send(address, **(typed(self.get(address).text) | changes))

    def send(self, address: str, **fields: str) -> requests.Response:
        return self._ask("POST", address, fields)

    def follow(self, answer: requests.Response) -> requests.Response:
        for _ in range(_MOST_STEPS):
            if "Location" not in answer.headers:
                return answer
            answer = self.get(urljoin(answer.url, answer.headers["Location"]))
        raise AssertionError(f"{answer.url} goes on and on")

    def sign_in(self, address: str, *steps: dict[str, str]) -> requests.Response:
        """Opens a page that wants a sign-in and fills in the provider's forms, one step each."""
        page = self.follow(self.get(address))
        for step in steps:
            hiddens = {
                unescape(name): unescape(value)
                for name, value in re.findall(
                    r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text
                )
            }
            action = re.search(r'<form method="post" action="([^"]*)"', page.text, re.IGNORECASE)
            assert action is not None, page.text[:500]
            target = urljoin(page.url, unescape(action[1]))
            page = self.follow(self._ask("POST", target, {**hiddens, **step}))
        return page

    def _ask(
        self, method: str, address: str, fields: dict[str, str] | None = None
    ) -> requests.Response:
        url = urljoin(f"{self.base}/", address)
        ours = urlsplit(url).netloc == urlsplit(self.base).netloc
        headers = {"Origin": self.base} if method == "POST" and ours else {}
        if ours:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = requests.request(
            method, url, data=fields, headers=headers, allow_redirects=False, timeout=60
        )
        if ours:
            self._keep(answer)
        return answer

    def _keep(self, answer: requests.Response) -> None:
        for cookie in answer.raw.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)


def typed(page: str) -> dict[str, str]:
    """The fields of the page's forms as a browser would send them; of several values the last."""
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        is_choice = attributes.get("type") in ("checkbox", "radio")
        if "name" in attributes and (not is_choice or " checked" in tag):
            found[attributes["name"]] = unescape(attributes.get("value", "on"))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        first = re.search(r'value="([^"]*)"', options)
        found[name] = unescape(picked[1]) if (picked := chosen or first) else ""
    for name, text in re.findall(
        r'<textarea[^>]* name="([^"]+)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL
    ):
        found[name] = unescape(text)
    return found


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return unescape(found[1]) if found else ""


def operator(deployed: Deployed, address: str = "/settings") -> Pages:
    """Signed in as the demo's administrator, having opened the page."""
    login = deployed.stack.operator
    pages = Pages(deployed.stack.api)
    page = pages.sign_in(address, {"username": login.email}, {"password": login.password})
    assert page.status_code == 200, page.text
    return pages


def support(deployed: Deployed, address: str = "/settings") -> Pages:
    """Signed in as an operator of the group `support`, made for this visit."""
    cognito, pool = boto3.client("cognito-idp"), deployed.stack.outputs["OperatorsPoolId"]
    email, password = f"{uuid.uuid4().hex}@tessera.example", "Chosen-by-me-1"
    cognito.admin_create_user(
        UserPoolId=pool,
        Username=email,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": email}],
    )
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=email, Password=password, Permanent=True
    )
    cognito.admin_add_user_to_group(UserPoolId=pool, Username=email, GroupName="support")
    pages = Pages(deployed.stack.api)
    page = pages.sign_in(address, {"username": email}, {"password": password})
    assert page.status_code == 200, page.text
    return pages


def customer(deployed: Deployed, sub: str, address: str) -> Pages:
    """Signed in at the first of the customers' providers."""
    pages = Pages(deployed.stack.api)
    choice = pages.follow(pages.get(address))
    way = re.search(r'href="([^"]*provider=auth0[^"]*)"', choice.text)
    assert way is not None, choice.text[:500]
    pages.sign_in(unescape(way[1]), {"sub": sub})
    assert "__Host-customer" in pages.cookies
    return pages


def partner(deployed: Deployed, organisation: Partner, address: str) -> Pages:
    """Signed in as the organisation's first user, having opened the page."""
    login = organisation.users[0]
    pages = Pages(deployed.stack.api)
    page = pages.sign_in(address, {"username": login.email}, {"password": login.password})
    assert page.status_code == 200, page.text
    return pages


def age(deployed: Deployed, pages: Pages, kind: str, *, seen: datetime) -> None:
    """Lets a session's last request lie in the past: the clock of the stack cannot be turned."""
    hashed = hashlib.sha256(pages.cookies[f"__Host-{kind}"].encode()).hexdigest()
    boto3.client("dynamodb").update_item(
        TableName=deployed.stack.outputs["SessionsTable"],
        Key={"pk": {"S": f"SESSION#{hashed}"}},
        UpdateExpression="SET seen = :seen",
        ExpressionAttributeValues={":seen": {"S": clock.instant(seen)}},
    )
