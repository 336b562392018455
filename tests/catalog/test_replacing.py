"""What a save may change, and what stays as it is."""

from datetime import timedelta
from typing import Any

import pytest

from tessera.catalog.errors import ChangedMeanwhile
from tessera.catalog.items import archive, replace
from tessera.catalog.models import AnyItem
from tessera.errors import InvalidFields, InvalidRequest, NotFound, VersionMismatch
from tests.catalog.shelf import (
    MONTHLY_PLAN,
    NOW,
    MemoryCatalog,
    emitted,
    entitlement_body,
    offer_body,
)


def test_a_save_replaces_every_member_that_can_be_set(catalog: MemoryCatalog) -> None:
    made = catalog.offer(attributes={"label": ["gold"], "display_name": "Digital"})

    saved = catalog.put(made, {"data": {"attributes": {"label": ["silver"]}}}).item

    attributes = emitted(saved)["data"]["attributes"]
    assert attributes["label__limio"] == ["silver"]
    assert "display_name__limio" not in attributes
    assert saved == catalog.items[made.id]


def test_a_save_without_a_status_keeps_the_one_it_had(catalog: MemoryCatalog) -> None:
    made = catalog.offer(catalog.product().id)

    saved = catalog.put(made, {"data": emitted(made)["data"] | {"attributes": {}}}).item

    assert saved.status == "active"


def test_updated_strictly_increases(catalog: MemoryCatalog) -> None:
    made = catalog.entitlement()

    saved = catalog.put(made, entitlement_body(label="Read the web")).item

    assert saved.updated == NOW + timedelta(milliseconds=1)
    assert saved.created == NOW


def test_nothing_is_saved_when_nothing_changes(catalog: MemoryCatalog) -> None:
    made = catalog.entitlement()

    assert catalog.put(made, entitlement_body()).item is made


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Print"),
        ("id", "ent-00000000000000000000000000000000"),
        ("record_type", "product"),
        ("mode", "production"),
        ("path", "/entitlements/Print"),
        ("created", "2026-03-02T09:14:07.513Z"),
    ],
)
def test_refuses_to_change(field: str, value: str, catalog: MemoryCatalog) -> None:
    made = catalog.entitlement()

    with pytest.raises(InvalidFields) as refused:
        catalog.put(made, {**emitted(made), "label": "Read the web", field: value})

    assert [(e.field, e.code) for e in refused.value.errors] == [(field, "not_editable")]
    assert catalog.items[made.id] == made


@pytest.mark.parametrize("field", ["version", "updated"])
def test_an_outdated_reading_is_not_saved_over_a_newer_one(
    field: str, catalog: MemoryCatalog
) -> None:
    made = catalog.offer()
    old = emitted(made)
    newer = catalog.put(made, offer_body(attributes={"label": ["gold"]})).item

    with pytest.raises(VersionMismatch):
        catalog.put(made, {field: old[field], "data": old["data"]})

    assert catalog.items[made.id] == newer


def test_an_answer_can_be_sent_back_with_its_warnings(catalog: MemoryCatalog) -> None:
    saved = catalog.save("offers", offer_body(catalog.product().id))

    assert saved.warnings
    assert catalog.put(saved.item, saved.wire()).item == saved.item


@pytest.mark.parametrize("status", ["active", "archived"])
def test_what_was_on_sale_is_not_made_a_draft_again(status: str, catalog: MemoryCatalog) -> None:
    made = catalog.offer(catalog.product().id, status=status)

    with pytest.raises(InvalidFields) as refused:
        catalog.put(made, {**emitted(made), "status": "draft"})

    assert refused.value.errors[0].field == "status"


def test_what_was_archived_can_be_sold_again(catalog: MemoryCatalog) -> None:
    made = catalog.offer(catalog.product().id, status="archived")

    assert catalog.put(made, {**emitted(made), "status": "active"}).item.status == "active"


def test_refuses_to_activate_what_is_incomplete(catalog: MemoryCatalog) -> None:
    made = catalog.offer(catalog.product().id, plan=None, status="draft")

    with pytest.raises(InvalidFields) as refused:
        catalog.put(made, {**emitted(made), "status": "active"})

    assert refused.value.errors[0].field == "data.productBundles[0].rate_plan"


def test_archiving_takes_from_sale_and_keeps_the_rest(catalog: MemoryCatalog) -> None:
    made = catalog.offer(catalog.product().id)

    archive("offers", made.id, catalog=catalog, now=NOW)

    archived = catalog.items[made.id]
    assert emitted(archived) == emitted(made) | {
        "status": "archived",
        "version": emitted(archived)["version"],
        "updated": "2026-03-02T09:14:07.513Z",
    }
    assert emitted(archived)["version"] != made.version
    assert archived.rate_plans == (MONTHLY_PLAN,)  # type: ignore[union-attr]  # it is an offer


def test_archiving_again_changes_nothing(catalog: MemoryCatalog) -> None:
    made = catalog.entitlement()
    archive("entitlements", made.id, catalog=catalog, now=NOW)
    archived = catalog.items[made.id]

    archive("entitlements", made.id, catalog=catalog, now=NOW + timedelta(days=1))

    assert catalog.items[made.id] is archived


def test_refuses_an_id_that_is_none(catalog: MemoryCatalog) -> None:
    for id in ("Digital", catalog.product().id, "offer-" + "0" * 31):
        with pytest.raises(InvalidRequest) as refused:
            archive("offers", id, catalog=catalog, now=NOW)
        assert refused.value.wire_code == "invalid_request"


def test_there_is_no_such_item_and_no_such_kind(catalog: MemoryCatalog) -> None:
    for kind in ("offers", "gadgets"):
        with pytest.raises(NotFound):
            archive(kind, "offer-00000000000000000000000000000000", catalog=catalog, now=NOW)


class Overtaken(MemoryCatalog):
    """Somebody else saves first, as often as told."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def replace(self, old: AnyItem, new: AnyItem) -> None:
        if self.times:
            self.times -= 1
            others: Any = old.model_copy(update={"updated": old.updated + timedelta(seconds=1)})
            self.items[old.id] = others
            raise ChangedMeanwhile
        super().replace(old, new)


def test_a_save_that_was_overtaken_is_made_again_on_what_is_there_now() -> None:
    catalog = Overtaken(times=2)
    made = catalog.entitlement()

    saved = catalog.put(made, entitlement_body(label="Read the web")).item

    assert emitted(saved)["label"] == "Read the web"
    assert saved.updated > made.updated + timedelta(seconds=2)


def test_a_save_that_is_overtaken_again_and_again_is_given_up() -> None:
    catalog = Overtaken(times=3)
    made = catalog.entitlement()

    with pytest.raises(ChangedMeanwhile):
        replace(
            "entitlements",
            made.id,
            entitlement_body(label="Read the web"),
            if_match=None,
            catalog=catalog,
            plans=catalog.plans,
            now=NOW,
        )
