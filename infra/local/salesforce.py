"""The Salesforce stand-in: the token, upserts by external id, and composite calls.

    POST  /services/oauth2/token
    POST  /services/data/v65.0/composite
    PATCH /services/data/v65.0/sobjects/Account/Tessera_Id__c/{value}    likewise Contact
    GET   /services/data/v65.0/sobjects/Account/Tessera_Id__c/{value}
    GET   /services/data/v65.0/sobjects/Account/{id}                     15 or 18 characters

Faults of its own: {"kind": "errors", "status": 400, "errorCode": "UNABLE_TO_LOCK_ROW"},
{"kind": "part", "reference": "contact", "status": 400, "errorCode": …} inside a composite call,
{"kind": "expire_tokens"}.
"""

import argparse
import copy
import re
import secrets
from hmac import compare_digest
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote

from infra.local import demo
from infra.local import salesforce_records as records
from infra.local._server import Refused, Request, Response, StandIn, main, route
from infra.local.salesforce_records import Trouble

MOST_TOKENS = 1000
MOST_PARTS = 25
NEWEST_VERSION = 65
CALLS_A_DAY = 100_000
DATA = "/services/data/{version}"
HALTED = {
    "errorCode": "PROCESSING_HALTED",
    "message": "The transaction was rolled back since another operation in it failed.",
}


class Salesforce(StandIn):
    """An org in miniature, with Accounts and Contacts."""

    fault_kinds: ClassVar[frozenset[str]] = frozenset({"errors", "part", "expire_tokens"})

    def __init__(
        self, *, state_path: Path | None = None, seed: str = "demo", upsert_204: bool = False
    ) -> None:
        self._upsert_204 = upsert_204
        self._failing: dict[str, Trouble] = {}
        super().__init__(state_path=state_path, seed=seed)
        self.state["upsert204"] = upsert_204  # what is kept may have been started otherwise

    def seed(self, name: str) -> None:
        accounts = (demo.ACME, demo.BOREALIS, demo.HALDEN) if name == "demo" else ()
        self.state = {
            "upsert204": self._upsert_204,
            "calls": 0,
            "tokens": [],
            "records": {
                "Account": {
                    account.salesforce_id: {"Id": account.salesforce_id, "Name": account.name}
                    for account in accounts
                },
                "Contact": {},
            },
        }

    def before(self, request: Request, route_template: str) -> Response | None:
        if route_template.endswith("/token"):
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token not in self.state["tokens"]:
            return _errors(401, "INVALID_SESSION_ID", "Session expired or invalid")
        version = re.fullmatch(r"v(\d{1,3})\.0", request.params["version"])
        if version is None or not 20 <= int(version[1]) <= NEWEST_VERSION:
            return _errors(404, "NOT_FOUND", "The requested resource does not exist")
        self.state["calls"] += 1
        return None

    def after(self, request: Request, response: Response) -> None:
        used = min(self.state["calls"], CALLS_A_DAY)
        response.headers["Sforce-Limit-Info"] = f"api-usage={used}/{CALLS_A_DAY}"

    def fault(self, action: dict[str, Any], request: Request) -> Response | None:
        code = str(action.get("errorCode", "UNKNOWN_EXCEPTION"))
        match action["kind"]:
            case "expire_tokens":
                self.state["tokens"] = []
            case "part":
                trouble = Trouble(int(action.get("status", 400)), code, "As ordered.")
                self._failing[str(action.get("reference", "contact"))] = trouble
            case _:
                return _errors(int(action.get("status", 400)), code, "As ordered.")
        return None

    def not_json(self, request: Request, problem: str) -> Response:
        return _errors(400, "JSON_PARSER_ERROR", problem)

    def not_found(self, request: Request) -> Response:
        return _errors(404, "NOT_FOUND", "The requested resource does not exist")

    @route("POST", "/services/oauth2/token")
    def issue_token(self, request: Request) -> Response:
        form, client = request.form(), demo.SALESFORCE_CLIENT
        if form.get("grant_type") != "client_credentials":
            return _oauth("unsupported_grant_type", "grant type not supported")
        if not compare_digest(form.get("client_id", "").encode(), client.client_id.encode()):
            return _oauth("invalid_client_id", "client identifier invalid")
        if not compare_digest(
            form.get("client_secret", "").encode(), client.client_secret.encode()
        ):
            return _oauth("invalid_client", "invalid client credentials")
        token = "00DDn0000000000!" + secrets.token_hex(24)
        self.state["tokens"] = [*self.state["tokens"], token][-MOST_TOKENS:]
        return Response(
            body={
                "access_token": token,
                "instance_url": self.public_url,
                "id": f"{self.public_url}/id/00DDn0000000000MAA/005Dn0000000000IAB",
                "token_type": "Bearer",
                "issued_at": str(int(self.now().timestamp() * 1000)),
            }
        )

    @route("PATCH", DATA + "/sobjects/{sobject}/{field}/{value}")
    def upsert(self, request: Request) -> Response:
        return self._answered(
            request.method, request.params, request.query, request.json(), self._records
        )

    @route("GET", DATA + "/sobjects/{sobject}/{field}/{value}")
    @route("GET", DATA + "/sobjects/{sobject}/{id}")
    def read(self, request: Request) -> Response:
        return self._answered(request.method, request.params, request.query, None, self._records)

    @route("POST", DATA + "/composite")
    def composite(self, request: Request) -> Response:
        body = request.json()
        parts = body.get("compositeRequest") if isinstance(body, dict) else None
        if not isinstance(parts, list) or not 1 <= len(parts) <= MOST_PARTS:
            raise Refused(_errors(400, "JSON_PARSER_ERROR", "Give 1 to 25 compositeRequest."))
        failing, self._failing = self._failing, {}
        before = copy.deepcopy(self._records)
        answers = [self._part(part, failing) for part in parts]
        if body.get("allOrNone") and any(answer["httpStatusCode"] >= 300 for answer in answers):
            self.state["records"] = before
            for answer in answers:
                if answer["httpStatusCode"] < 300:
                    answer |= {"httpStatusCode": 400, "body": [HALTED]}
        return Response(body={"compositeResponse": answers})

    @property
    def _records(self) -> records.Records:
        kept: records.Records = self.state["records"]
        return kept

    def _part(self, part: Any, failing: dict[str, Trouble]) -> dict[str, Any]:
        if not isinstance(part, dict) or not {"method", "url", "referenceId"} <= part.keys():
            raise Refused(_errors(400, "JSON_PARSER_ERROR", "A part has a method, url and name."))
        name = part["referenceId"]
        path, _, query = str(part["url"]).partition("?")
        pattern = r"/services/data/(?P<version>v[\d.]+)/sobjects/(?P<sobject>\w+)/(?P<field>\w+)"
        found = re.fullmatch(pattern + r"/(?P<value>[^/]+)", path)
        if name in failing:
            answer = Response(failing[name].status, failing[name].errors)
        elif found is None or part["method"] != "PATCH":
            answer = _errors(404, "NOT_FOUND", "The requested resource does not exist")
        elif "allowSave=true" not in str(part.get("httpHeaders")):
            # What the live rule does with a similar name; the header must be on each part.
            answer = _errors(400, "DUPLICATES_DETECTED", "Use one of these records?")
        else:
            params = {key: unquote(value) for key, value in found.groupdict().items()}
            answer = self._answered(
                "PATCH", params, parse_qs(query), part.get("body"), self._records
            )
        return {
            "body": answer.body,
            "httpHeaders": {},
            "httpStatusCode": answer.status,
            "referenceId": name,
        }

    def _answered(
        self,
        method: str,
        params: dict[str, str],
        query: dict[str, list[str]],
        body: Any,
        kept: records.Records,
    ) -> Response:
        sobject = params["sobject"]
        try:
            if method == "PATCH":
                made = records.upsert(kept, sobject, params["field"], params["value"], body)
                if not made.created and self.state["upsert204"]:
                    return Response(204)
                said = {"id": made.id, "success": True, "errors": [], "created": made.created}
                return Response(201 if made.created else 200, said)
            if "id" in params:
                record = records.by_id(kept, sobject, params["id"])
            else:
                record = records.by_external_id(kept, sobject, params["field"], params["value"])
            wanted = [name for text in query.get("fields", []) for name in text.split(",")]
            return Response(body=records.shown(record, sobject, wanted, params["version"]))
        except Trouble as trouble:
            return Response(trouble.status, trouble.errors)


def _errors(status: int, code: str, message: str) -> Response:
    return Response(status, Trouble(status, code, message).errors)


def _oauth(error: str, description: str) -> Response:
    return Response(400, {"error": error, "error_description": description})


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--upsert-204",
        action="store_true",
        help="answer changes without a body, as older API versions do",
    )


if __name__ == "__main__":
    main(Salesforce, 9102, _options)
