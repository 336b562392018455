"""The console's partner pages: organisations, their users, and who may change what."""

from datetime import timedelta
from typing import Any

import boto3
import pytest

from infra.routes import ROUTES
from tessera import clock
from tessera.partners.accounts import ZuoraAccount
from tessera.partners.cognito import PartnerLogins
from tessera.partners.errors import CognitoFailed
from tessera.partners.models import Organisation
from tessera.partners.organisations import NewOrganisation, create
from tessera.partners.store import PartnersTable
from tests import handlers
from tests.pages.visitor import Seen, Visitor, signed_in

HOME = "/settings/profile/partners"
_ROUTES: dict[str, Any] = {
    route.key: {who.kind: list(who.needs) for who in route.who}
    for route in ROUTES
    if route.function == "pages/partners"
}
FIELDS = {
    "name": "Acme Resellers",
    "logo": "https://cdn.example/acme.svg",
    "zuoraAccountId": "A00000042",
    "salesforceAccountId": "001Dn00000AbCdE",
    "isZuoraInvoiceOwner": "partner",
}


class Outside:
    """Zuora or Salesforce, knowing one account; not connected until it is said to be."""

    def __init__(self) -> None:
        self.is_configured = False

    def find(self, key: str) -> ZuoraAccount | None:
        return ZuoraAccount("z1", key, "GBP", True) if key == "A00000042" else None

    def full_id(self, text: str) -> str | None:
        return f"{text}IAV" if text.startswith("001") and len(text) == 15 else None

    def account_exists(self, id: str) -> bool:
        return True


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def stored(tables: dict[str, str]) -> PartnersTable:
    return PartnersTable("Partners", "Events")


@pytest.fixture
def family(tables: dict[str, str], outside: Outside) -> Any:
    pool = boto3.client("cognito-idp").create_user_pool(
        PoolName="partners", UsernameAttributes=["email"]
    )
    boto3.client("secretsmanager").create_secret(
        Name="tessera/dev/cursors", SecretString='{"key": "a key that seals"}'
    )
    module = handlers.loaded("pages/partners", _ROUTES, PARTNERS_POOL_ID=pool["UserPool"]["Id"])
    module.salesforce = outside
    module.zuora = outside
    return module


@pytest.fixture
def visitor(family: Any) -> Visitor:
    made = Visitor(lambda event: family.handler(event, None), _ROUTES)
    signed_in(made, "operator", groups=("admin",))
    return made


@pytest.fixture
def support(family: Any) -> Visitor:
    made = Visitor(lambda event: family.handler(event, None), _ROUTES)
    signed_in(made, "operator", groups=("support",))
    return made


def organisation(stored: PartnersTable, name: str = "Acme", *, age: int = 0) -> Organisation:
    new = NewOrganisation.model_validate(
        {"name": name, "zuoraAccountId": f"A{age}", "isZuoraInvoiceOwner": False}
    )
    nobody = Outside()
    made = create(
        new,
        organisations=stored,
        zuora=nobody,
        salesforce=nobody,
        mode="test",
        now=clock.now() - timedelta(minutes=age),
    )
    return made.organisation


def user(visitor: Visitor, of: Organisation, email: str = "ann@acme.example") -> Seen:
    return visitor.post(f"{HOME}/{of.id}/users/new", {"name": "Ann", "email": email})


def test_without_partners_it_says_what_will_be_here_and_offers_the_first(
    visitor: Visitor, support: Visitor
) -> None:
    mine, theirs = visitor.get(HOME), support.get(HOME)

    assert "No partners yet" in mine.text
    assert f'href="{HOME}/new"' in mine.html
    assert "Create Partner" not in theirs.text


def test_a_partner_organisation_is_created_and_shown_with_its_id(
    visitor: Visitor, stored: PartnersTable
) -> None:
    made = visitor.post(f"{HOME}/new", FIELDS)
    page = visitor.get(made.location)

    ((one,), _) = stored.organisations(limit=2, after=None)
    assert (made.status, made.location) == (303, f"{HOME}/{one.id}")
    assert f"Acme Resellers created: {one.id}." in page.text
    assert one.data.is_zuora_invoice_owner
    assert one.data.salesforce_account_id == "001Dn00000AbCdEIAV"
    assert 'src="https://cdn.example/acme.svg"' in page.html
    assert "img-src 'self' data: https://cdn.example;" in page.headers["Content-Security-Policy"]
    listed = visitor.get(HOME)
    assert one.id in listed.text
    assert "A00000042" in listed.text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", " ", "Give the partner organisation a name."),
        ("name", "x" * 201, "Use at most 200 characters here."),
        ("logo", "http://cdn.example/a.png", "Give an address that begins with https://."),
        ("logo", "https://[a", "Give an address that begins with https://."),
        ("zuoraAccountId", "", "Give the id or the number of its account in Zuora."),
        ("salesforceAccountId", "00", "A Salesforce account id is 001 and 12 or 15 more"),
        ("isZuoraInvoiceOwner", "", "Choose who owns the invoices."),
    ],
    ids=["no-name", "long-name", "logo", "no-address", "zuora", "salesforce", "owner"],
)
def test_each_rule_alone_gives_its_message_and_keeps_the_other_fields(
    visitor: Visitor, stored: PartnersTable, field: str, value: str, sentence: str
) -> None:
    again = visitor.post(f"{HOME}/new", {**FIELDS, field: value})

    assert again.status == 422
    assert f'id="f-{field}-error">{sentence}' in again.html
    kept = {name: text for name, text in FIELDS.items() if name != field}
    for name, text in kept.items():
        if name != "isZuoraInvoiceOwner":
            assert f'name="{name}"' in again.html
            assert f'value="{text}"' in again.html
    assert stored.organisations(limit=1, after=None) == ([], None)


def test_an_account_that_zuora_does_not_know_is_a_field_error_and_salesforce_is_needed(
    visitor: Visitor, outside: Outside
) -> None:
    outside.is_configured = True

    unknown = visitor.post(f"{HOME}/new", {**FIELDS, "zuoraAccountId": "A9"})
    without = visitor.post(f"{HOME}/new", {**FIELDS, "salesforceAccountId": ""})

    assert (unknown.status, without.status) == (422, 422)
    assert 'id="f-zuoraAccountId-error">Zuora has no account' in unknown.html
    assert 'id="f-salesforceAccountId-error">Give its account in Salesforce' in without.html


def test_a_namesake_is_pointed_out(visitor: Visitor, stored: PartnersTable) -> None:
    organisation(stored, "ACME resellers")

    made = visitor.post(f"{HOME}/new", FIELDS)

    assert "Another partner is called Acme Resellers too." in visitor.get(made.location).text


def test_forty_five_partners_page_both_ways(visitor: Visitor, stored: PartnersTable) -> None:
    for age in range(45):
        organisation(stored, f"Partner {age:02}", age=age)

    first = visitor.get(HOME)
    following = visitor.get(_rel(first, "next"))
    back = visitor.get(_rel(following, "prev"))

    assert "Partner 39" in first.text
    assert "Partner 40" not in first.text
    assert "Partner 44" in following.text
    assert 'rel="next"' not in following.html
    assert "Partner 00" in back.text
    assert 'rel="prev"' not in back.html


def test_only_name_and_logo_can_be_edited(visitor: Visitor, stored: PartnersTable) -> None:
    made = organisation(stored)
    at = f"{HOME}/{made.id}/edit"

    form = visitor.get(at)
    refused = visitor.post(at, {"name": "New", "logo": "", "zuoraAccountId": "A9"})
    saved = visitor.post(at, {"name": "New", "logo": "https://cdn.example/n.svg"})

    named = {name for name in FIELDS if f'name="{name}"' in form.html}
    assert named == {"name", "logo"}
    assert refused.status == 422
    assert "Only name and logo can be changed" in refused.text
    assert saved.status == 303
    changed = stored.find(made.id)
    assert changed is not None
    assert (changed.name, changed.data.logo) == ("New", "https://cdn.example/n.svg")
    assert changed.data.zuora_account_id == made.data.zuora_account_id


def test_a_user_is_created_invited_renamed_and_removed(
    visitor: Visitor, stored: PartnersTable
) -> None:
    made = organisation(stored)
    here = f"{HOME}/{made.id}"
    assert "Nobody can sign in for this partner yet" in visitor.get(here).text

    done = user(visitor, made)
    page = visitor.get(done.location)
    ((ann,), _) = stored.users_of(made.id, limit=2, after=None)
    assert (done.location, "Ann created" in page.text) == (here, True)
    assert "invited" in page.text
    assert "Archive partner" not in page.text

    token = {"csrf_token": page.hidden("csrf_token"), "form_key": page.hidden("form_key")}
    again = visitor.send(f"{here}/users/{ann.id}/invitation", token)
    assert again.status == 303
    assert "Invitation sent to ann@acme.example" in visitor.get(here).text

    visitor.post(f"{here}/users/{ann.id}/edit", {"name": "Ann Other"})
    assert "Ann Other" in visitor.get(here).text

    asked = visitor.get(f"{here}/users/{ann.id}/remove")
    assert "ann@acme.example" in asked.text
    gone = visitor.post(f"{here}/users/{ann.id}/remove", {})
    assert "Ann Other removed" in visitor.get(gone.location).text
    assert stored.users_of(made.id, limit=2, after=None) == ([], None)


def test_an_e_mail_in_use_at_any_partner_is_refused_whatever_its_letter_case(
    visitor: Visitor, stored: PartnersTable
) -> None:
    acme, borealis = organisation(stored), organisation(stored, "Borealis", age=1)
    user(visitor, acme)

    refused = user(visitor, borealis, "ANN@acme.example")

    assert refused.status == 422
    expected = "Another partner user already has this e-mail address."
    assert f'id="f-email-error">{expected}' in refused.html
    assert 'value="ANN@acme.example"' in refused.html


def test_if_cognito_refuses_nobody_is_left_half_made_and_a_removal_still_ends_access(
    visitor: Visitor, stored: PartnersTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> str:
        raise CognitoFailed("Cognito did not make the login. Try again in a while.")

    made = organisation(stored)
    user(visitor, made)
    ((ann,), _) = stored.users_of(made.id, limit=2, after=None)
    monkeypatch.setattr(PartnerLogins, "create", silent)
    monkeypatch.setattr(PartnerLogins, "delete", silent)

    refused = user(visitor, made, "bo@acme.example")
    removed = visitor.post(f"{HOME}/{made.id}/users/{ann.id}/remove", {})

    assert refused.status == 502
    assert "Cognito did not make the login" in refused.text
    assert 'value="bo@acme.example"' in refused.html
    assert "Ann cannot sign in any more" in visitor.get(removed.location).text
    left, _ = stored.users_of(made.id, limit=5, after=None)
    assert [(one.name, one.status) for one in left] == [("Ann", "removing")]


def test_a_partner_without_users_is_archived_after_asking(
    visitor: Visitor, stored: PartnersTable
) -> None:
    made = organisation(stored)

    asked = visitor.get(f"{HOME}/{made.id}/archive")
    done = visitor.post(f"{HOME}/{made.id}/archive", {})
    page = visitor.get(done.location)

    assert "cannot be undone" in asked.text
    assert "Acme archived" in page.text
    assert "Create user" not in page.text


def test_support_reads_and_changes_nothing(
    support: Visitor, visitor: Visitor, stored: PartnersTable
) -> None:
    made = organisation(stored)
    user(visitor, made)
    here = f"{HOME}/{made.id}"

    seen = support.get(here)
    token = {"csrf_token": seen.hidden("csrf_token")}
    actions = [key.split(" ")[1] for key in _ROUTES if key.startswith("POST ")]
    at = [path.replace("{id}", made.id).replace("{user}", "x") for path in actions]
    answers = [support.send(path, token).status for path in at]

    assert "ann@acme.example" in seen.text
    words = ("Create user", "Edit name", "Remove user", "Send invitation", "Archive")
    assert [one for one in words if one in seen.text] == []
    assert answers == [403] * len(at)


def test_another_kind_of_visitor_is_sent_to_sign_in_and_a_forged_form_does_nothing(
    family: Any, visitor: Visitor, stored: PartnersTable
) -> None:
    stranger = Visitor(lambda event: family.handler(event, None), _ROUTES)
    customer = Visitor(lambda event: family.handler(event, None), _ROUTES)
    signed_in(customer, "customer")

    assert stranger.get(HOME).location.startswith("/auth/operator")
    assert customer.send(f"{HOME}/new", FIELDS).status == 403
    assert visitor.send(f"{HOME}/new", {**FIELDS, "csrf_token": "forged"}).status == 403
    assert stored.organisations(limit=1, after=None) == ([], None)


def test_what_does_not_exist_is_missing(visitor: Visitor, stored: PartnersTable) -> None:
    made = organisation(stored)
    nobody = "partner_user-" + "0" * 32

    assert visitor.get(f"{HOME}/partner_org-{'0' * 32}").status == 404
    assert visitor.get(f"{HOME}/{made.id}/users/{nobody}/edit").status == 404


def test_what_people_typed_is_text_and_no_logo_reaches_the_policy(
    visitor: Visitor, stored: PartnersTable
) -> None:
    name = '<script>alert("x")</script>'
    at = visitor.post(f"{HOME}/new", {**FIELDS, "name": name, "logo": "https://a;script-src/x"})
    (one,), _ = stored.organisations(limit=1, after=None)
    visitor.post(f"{at.location}/users/new", {"name": name, "email": "a<script>@b.example"})

    for address in (HOME, at.location, f"{at.location}/edit"):
        shown = visitor.get(address)
        assert "<script>alert" not in shown.html
        assert "a<script>" not in shown.html
        assert "https://a;" not in shown.headers["Content-Security-Policy"]
    assert one.name == name


def _rel(page: Seen, rel: str) -> str:
    _, _, after = page.html.partition(f'rel="{rel}" href="')
    assert after, page.text
    return after.partition('"')[0].replace("&amp;", "&")
