"""The Salesforce stand-in's records: Accounts and Contacts, their ids, fields and external ids."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

Record = dict[str, Any]
Records = dict[str, dict[str, Record]]

EXTERNAL_ID = "Tessera_Id__c"
PREFIXES = {"Account": "001", "Contact": "003"}
REQUIRED = {"Account": "Name", "Contact": "LastName"}
LENGTHS = {
    "Account": {
        "Name": 255,
        "ParentId": 18,
        "RecordTypeId": 18,
        "BillingStreet": 255,
        "BillingCity": 40,
        "BillingState": 80,
        "BillingPostalCode": 20,
        "BillingCountry": 80,
        EXTERNAL_ID: 255,
    },
    "Contact": {
        "FirstName": 40,
        "LastName": 80,
        "Email": 80,
        "Phone": 40,
        "AccountId": 18,
        EXTERNAL_ID: 255,
    },
}
"""The fields there are, and how long their texts may be."""
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIXES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class Trouble(Exception):
    """A refusal in Salesforce's form: a list of errors under a status."""

    def __init__(self, status: int, code: str, message: str, *fields: str) -> None:
        super().__init__(message)
        self.status = status
        self.errors: list[Any] = [
            {"message": message, "errorCode": code, **({"fields": [*fields]} if fields else {})}
        ]


class Upserted(NamedTuple):
    id: str
    created: bool


def whole(id: str) -> str:
    """The 18-character form of an id of 15: the suffix tells which characters are capitals."""
    if len(id) != 15:
        return id
    suffix = ""
    for begin in (0, 5, 10):
        bits = ["1" if c.isascii() and c.isupper() else "0" for c in id[begin : begin + 5]]
        suffix += _SUFFIXES[int("".join(reversed(bits)), 2)]
    return id + suffix


def table(records: Records, sobject: str) -> dict[str, Record]:
    if sobject not in PREFIXES:
        raise Trouble(404, "NOT_FOUND", "The requested resource does not exist")
    return records[sobject]


def by_id(records: Records, sobject: str, id: str) -> Record:
    found = table(records, sobject).get(whole(id))
    if not re.fullmatch(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", id):
        raise Trouble(400, "MALFORMED_ID", f"{sobject} ID: id value of incorrect type: {id}", "Id")
    if found is None:
        raise Trouble(404, "NOT_FOUND", "The requested resource does not exist")
    return found


def by_external_id(records: Records, sobject: str, field: str, value: str) -> Record:
    found = _matching(records, sobject, field, value)
    if not found:
        raise Trouble(404, "NOT_FOUND", "The requested resource does not exist")
    return found[0]


def upsert(records: Records, sobject: str, field: str, value: str, body: Any) -> Upserted:
    """Creates or changes the one record with this external id; raises `Trouble`."""
    found = _matching(records, sobject, field, value)
    if not isinstance(body, dict):
        raise Trouble(400, "JSON_PARSER_ERROR", "The body is an object of fields.")
    fields = _checked(records, sobject, body)
    if found:
        found[0].update(fields)
        return Upserted(found[0]["Id"], created=False)
    required = REQUIRED[sobject]
    if not fields.get(required):
        raise Trouble(
            400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{required}]", required
        )
    id = _fresh_id(records[sobject], PREFIXES[sobject])
    records[sobject][id] = {"Id": id, field: value, **fields}
    return Upserted(id, created=True)


def shown(record: Record, sobject: str, fields: Iterable[str], version: str) -> Record:
    """A record with the fields asked for, or with all it has."""
    wanted = list(fields) or list(record)
    known = {"Id", *LENGTHS[sobject]}
    for name in wanted:
        if name not in known:
            raise Trouble(400, "INVALID_FIELD", f"No such column '{name}' on entity '{sobject}'.")
    url = f"/services/data/{version}/sobjects/{sobject}/{record['Id']}"
    return {
        "attributes": {"type": sobject, "url": url},
        **{name: record.get(name) for name in wanted},
    }


def _matching(records: Records, sobject: str, field: str, value: str) -> list[Record]:
    if field != EXTERNAL_ID:
        raise Trouble(404, "NOT_FOUND", "Provided external ID field does not exist")
    found = [r for r in table(records, sobject).values() if r.get(field) == value]
    if len(found) > 1:
        urls = [f"/services/data/v65.0/sobjects/{sobject}/{record['Id']}" for record in found]
        several = Trouble(300, "MULTIPLE", "Several records have this external id.")
        several.errors = list(urls)
        raise several
    return found


def _checked(records: Records, sobject: str, body: Record) -> Record:
    fields: Record = {}
    for name, value in body.items():
        if sobject == "Contact" and name == "Account":
            fields["AccountId"] = _named_account(records, value)
            continue
        longest = LENGTHS[sobject].get(name)
        if longest is None or name == EXTERNAL_ID:
            raise Trouble(
                400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}"
            )
        if not isinstance(value, str):
            raise Trouble(400, "JSON_PARSER_ERROR", f"{name} is a text.", name)
        if len(value) > longest:
            message = f"{name}: data value too large (max length={longest})"
            raise Trouble(400, "STRING_TOO_LONG", message, name)
        if name == "Email" and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
            raise Trouble(400, "INVALID_EMAIL_ADDRESS", "Email: invalid email address", name)
        fields[name] = _reference(records, name, value)
    return fields


def _reference(records: Records, name: str, value: str) -> str:
    if name not in ("ParentId", "AccountId"):
        return value
    id = whole(value)
    if id not in records["Account"]:
        message = f"{name}: id value of incorrect type or unknown: {value}"
        raise Trouble(400, "INVALID_CROSS_REFERENCE_KEY", message, name)
    return id


def _named_account(records: Records, value: Any) -> str:
    """`{"Tessera_Id__c": …}`: an account named by its external id."""
    if not isinstance(value, dict) or set(value) != {EXTERNAL_ID}:
        raise Trouble(400, "INVALID_FIELD", "Account is named by its external id.", "Account")
    found = _matching(records, "Account", EXTERNAL_ID, str(value[EXTERNAL_ID]))
    if not found:
        message = f"Foreign key external ID: {value[EXTERNAL_ID]} not found for field {EXTERNAL_ID}"
        raise Trouble(400, "INVALID_FIELD", message, "Account")
    return str(found[0]["Id"])


def _fresh_id(taken: dict[str, Record], prefix: str) -> str:
    number = len(taken) + 1
    while True:
        tail, rest = "", number
        for _ in range(5):
            rest, digit = divmod(rest, len(_DIGITS))
            tail = _DIGITS[digit] + tail
        id = whole(f"{prefix}Dn00000{tail}")
        if id not in taken:
            return id
        number += 1
