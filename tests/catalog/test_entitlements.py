"""Entitlements: what they are made of."""

import pytest

from tessera.catalog.models import Entitlement
from tests.catalog.shelf import MemoryCatalog, entitlement_body, faults


def test_keeps_name_label_and_code(catalog: MemoryCatalog) -> None:
    made = catalog.entitlement(name="Web access", label="Read the web", code="W2").wire()

    id = made.pop("id")
    assert id.startswith("ent-")
    assert made == {
        "record_type": "entitlement",
        "service": "limio",
        "mode": "test",
        "status": "active",
        "name": "Web access",
        "path": "/entitlements/Web access",
        "label": "Read the web",
        "code": "W2",
        "created": "2026-03-02T09:14:07.512Z",
        "updated": "2026-03-02T09:14:07.512Z",
    }


def test_is_known_outside_by_its_code_and_without_one_by_its_name(catalog: MemoryCatalog) -> None:
    body = entitlement_body(name="Print")
    del body["code"]
    unnamed: Entitlement = catalog.has("entitlements", body)

    assert catalog.entitlement(code="W2").effective_code == "W2"
    assert unnamed.effective_code == "Print"
    assert "code" not in unnamed.wire()


@pytest.mark.parametrize("label", ["👨‍👩‍👧 for the family", "می‌خوانم", "10\N{NO-BREAK SPACE}GB"])
def test_a_label_may_have_what_joins_or_parts_letters(label: str, catalog: MemoryCatalog) -> None:
    assert catalog.entitlement(label=label).label == label
    assert faults("entitlements", entitlement_body(name=label), catalog) == {
        "name": "invalid_value"
    }


@pytest.mark.parametrize("field", ["name", "label"])
def test_requires(field: str, catalog: MemoryCatalog) -> None:
    body = entitlement_body()
    del body[field]

    assert faults("entitlements", body, catalog) == {field: "required"}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "", "invalid_value"),
        ("name", "a" * 101, "too_long"),
        ("name", "Web/access", "invalid_value"),
        ("name", " Web access", "invalid_value"),
        ("name", "Web\naccess", "invalid_value"),
        ("name", "\ud800", "invalid_value"),
        ("name", 5, "invalid_value"),
        ("label", "", "invalid_value"),
        ("label", "a" * 201, "too_long"),
        ("label", "Web ", "invalid_value"),
        ("label", "Web\x00", "invalid_value"),
        ("code", "", "invalid_value"),
        ("code", "a" * 81, "too_long"),
        ("code", "W2 ", "invalid_value"),
        ("code", "W\t2", "invalid_value"),
        ("status", "published", "invalid_value"),
        ("Code", "W2", "unknown_member"),
        ("owner", "id-1", "unknown_member"),
        ("id", "ent-adc5877fb1da7d50eec1c7b392202f8f", "unknown_member"),
        ("version", "1", "unknown_member"),
        ("warnings", [], "unknown_member"),
    ],
)
def test_refuses_a_field(field: str, value: object, code: str, catalog: MemoryCatalog) -> None:
    assert faults("entitlements", entitlement_body(**{field: value}), catalog) == {field: code}


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "a" * 100), ("name", "Æ 1.0 – Zugang"), ("code", "a" * 80), ("code", "SKU 1/2")],
)
def test_accepts_a_field_at_its_limit(field: str, value: str, catalog: MemoryCatalog) -> None:
    assert catalog.entitlement(**{field: value}).wire()[field] == value


def test_names_every_field_at_fault_at_once(catalog: MemoryCatalog) -> None:
    body = {"name": "a/b", "code": "", "colour": "red"}

    assert faults("entitlements", body, catalog) == {
        "colour": "unknown_member",
        "name": "invalid_value",
        "label": "required",
        "code": "invalid_value",
    }


def test_names_fifty_faults_of_thousands(catalog: MemoryCatalog) -> None:
    body = entitlement_body(**{f"unknown{n}": n for n in range(3000)})

    assert len(faults("entitlements", body, catalog)) == 50
