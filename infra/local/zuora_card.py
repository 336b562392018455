"""Zuora's hosted card form in miniature: its signature, its script, and the frame it opens."""

import html
import json
import secrets
from datetime import datetime, timedelta
from string import Template
from typing import Any
from urllib.parse import urlsplit

from infra.local import demo
from infra.local._server import Request, Response
from infra.local.zuora_edge import ZuoraEdge, endpoint
from infra.local.zuora_fields import check
from infra.local.zuora_refusals import bad_value, not_found
from infra.local.zuora_shapes import CARD_FORM
from infra.local.zuora_tenant import Tenant

CARD_FORMS = 541000
SIGNED_FOR = timedelta(minutes=30)
MOST_FORMS = 1000
FORM_FIELDS = (
    "id",
    "tenantId",
    "token",
    "signature",
    "key",
    "field_accountId",
    "field_passthrough1",
    "host",
)

SCRIPT = """(function () {
  "use strict";
  function render(params, values, callback, errorCallback) {
    var address = new URL(params.url);
    Object.keys(params).forEach(function (name) {
      if (name !== "url" && params[name] !== undefined && params[name] !== null) {
        address.searchParams.set(name, params[name]);
      }
    });
    address.searchParams.set("host", window.location.origin);
    var frame = document.createElement("iframe");
    frame.id = "z_hppm_iframe";
    frame.title = "Card details";
    frame.style.cssText = "width:100%;height:260px;border:0";
    frame.src = address.href;
    window.addEventListener("message", function (event) {
      if (event.origin !== address.origin || event.source !== frame.contentWindow) { return; }
      if (event.data.kind === "result") { callback(event.data.result); }
      if (event.data.kind === "error" && errorCallback) {
        errorCallback("error", event.data.code, event.data.message);
      }
    });
    document.getElementById("zuora_payment").replaceChildren(frame);
  }
  window.Z = {
    render: function (params, values, callback) { render(params, values, callback, null); },
    renderWithErrorHandler: render
  };
}());
"""

FRAME = Template("""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Card details</title>
<style>body{font:16px system-ui,sans-serif;margin:1rem}fieldset{border:0;padding:0}
label{display:block;margin:.5rem 0}button{font:inherit;padding:.5rem 1rem}</style>
<p role="status">$notice</p>
<form method="post" action="$action">$hidden
<fieldset><legend>This form stands in for Zuora's; no card number is asked for.</legend>
<label><input type="radio" name="card" value="1111" checked> test card ending 1111</label>
<label><input type="radio" name="card" value="declined"> declined card</label></fieldset>
<button type="submit">Save card</button></form>$script
</html>
""")

TOLD = Template("""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Card details</title>
<p role="status">$text</p>$script
</html>
""")
TELL = Template("<script>window.parent.postMessage($message, $host);</script>")


class CardForm(ZuoraEdge):
    """The three places that a card form needs; only the signature asks for a token."""

    @endpoint("POST", "/v1/rsa-signatures", CARD_FORMS)
    def sign_card_form(self, request: Request) -> dict[str, Any]:
        asked = check(request.json(), CARD_FORM)
        tenant = self.tenant()
        if asked["pageId"] != demo.CARD_PAGE_ID:
            raise not_found("payment page", asked["pageId"])
        if urlsplit(asked["uri"]).path != demo.CARD_PAGE_PATH:
            raise bad_value("'uri' is not the address of a payment page.")
        account = tenant.account(asked["accountId"]) if "accountId" in asked else None
        form = {
            "signature": secrets.token_urlsafe(96),
            "key": secrets.token_urlsafe(64),
            "accountId": account["id"] if account else None,
            "until": (tenant.now + SIGNED_FOR).isoformat(),
        }
        token = secrets.token_urlsafe(24)
        forms = self.state["cardForms"]
        while len(forms) >= MOST_FORMS:
            del forms[next(iter(forms))]
        forms[token] = form
        return {
            "success": True,
            "signature": form["signature"],
            "token": token,
            "tenantId": demo.ZUORA_TENANT_ID,
            "key": form["key"],
        }

    @endpoint("GET", demo.CARD_SCRIPT_PATH)
    def card_script(self, request: Request) -> Response:
        return Response(body=SCRIPT, headers={"Content-Type": "text/javascript; charset=utf-8"})

    @endpoint("GET", demo.CARD_PAGE_PATH)
    def show_card_form(self, request: Request) -> Response:
        given = {name: values[-1] for name, values in request.query.items()}
        problem = self._problem(given)
        if problem is not None:
            return _told(given, problem, _error("Invalid_Security", problem))
        return _form(given)

    @endpoint("POST", demo.CARD_PAGE_PATH)
    def submit_card(self, request: Request) -> Response:
        given = request.form()
        problem = self._problem(given)
        if problem is not None:
            return _told(given, problem, _error("Invalid_Security", problem))
        if given.get("card") != "1111":
            said = "The bank declined the card."
            result = {
                "success": False,
                "errorCode": "GatewayTransactionError",
                "errorMessage": said,
            }
            return _form(given, said, {"kind": "result", "result": result})
        del self.state["cardForms"][given["token"]]
        method = add_card(self.tenant(), given.get("field_accountId") or None)
        result = {"success": True, "refId": method["id"]}
        return _told(given, "The card is saved.", {"kind": "result", "result": result})

    def _problem(self, given: dict[str, str]) -> str | None:
        """Why the frame may not be used, if it may not."""
        form = self.state["cardForms"].get(given.get("token", ""))
        if form is None or datetime.fromisoformat(form["until"]) <= self.now():
            return "The form has been used or is too old; open it again."
        known = {
            "id": demo.CARD_PAGE_ID,
            "tenantId": demo.ZUORA_TENANT_ID,
            "signature": form["signature"],
            "key": form["key"],
        }
        if any(given.get(name) != value for name, value in known.items()):
            return "The signature does not fit the form."
        account_id = given.get("field_accountId") or None
        if form["accountId"] is not None and account_id not in (None, form["accountId"]):
            return "The form was signed for another account."
        if account_id is not None and account_id not in self.state["accounts"]:
            return "The account does not exist."
        return None


def add_card(tenant: Tenant, account_key: str | None) -> dict[str, Any]:
    """A new card on file, on an account or still on none."""
    method = {
        "id": tenant.fresh_id(),
        "accountId": tenant.account(account_key)["id"] if account_key else None,
        "type": "CreditCard",
        "creditCardType": "Visa",
        "cardNumber": "************1111",
        "expirationMonth": 11,
        "expirationYear": tenant.today.year + 3,
        "status": "Active",
        "createdDate": tenant.instant(),
    }
    tenant.state["paymentMethods"][method["id"]] = method
    return method


def _error(code: str, message: str) -> dict[str, Any]:
    return {"kind": "error", "code": code, "message": message}


def _form(
    given: dict[str, str], notice: str = "", message: dict[str, Any] | None = None
) -> Response:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(given[name])}">'
        for name in FORM_FIELDS
        if name in given
    )
    script = _tell(given, message) if message is not None else ""
    page = FRAME.substitute(
        action=demo.CARD_PAGE_PATH, hidden=hidden, notice=html.escape(notice), script=script
    )
    return Response(body=page)


def _told(given: dict[str, str], text: str, message: dict[str, Any]) -> Response:
    return Response(body=TOLD.substitute(text=html.escape(text), script=_tell(given, message)))


def _tell(given: dict[str, str], message: dict[str, Any]) -> str:
    """Tells the page around the frame what happened; no page of another origin hears it."""
    host = _for_script(given.get("host", ""))
    return TELL.substitute(message=_for_script(message), host=host)


def _for_script(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value).replace("<", "\\u003c")
