"""Ids and references: those published are what the same parts give."""

import pytest

from tessera import ids

ORDER = "order-c3a3d018e1460c3cea0f68c8ae9513d9"


@pytest.mark.parametrize(
    ("made", "published"),
    [
        (ids.subscription_id("A-S00000271"), "sub-ac3a12b67e833080e10b13ca25b84017"),
        (ids.customer_id("A00000042"), "cus-8b28fbca8eb2e9e9f0428ed4215b79e3"),
        (ids.owner_id_of_account("A00000042"), "id-8606b883875fe37f1beae43c676ebc60"),
        (ids.derived("order", "order", "company", "EXT-ORD-12345"), ORDER),
    ],
)
def test_the_same_parts_give_the_published_id(made: str, published: str) -> None:
    assert made == published


def test_a_reference_is_the_published_one() -> None:
    assert ids.reference(ORDER) == "C5PBH5JD6698"
    assert ids.reference(f"{ORDER}/0") == "IDEQB58U8CQL"


def test_what_has_no_natural_key_gets_an_id_of_its_own() -> None:
    one, other = ids.random("event"), ids.random("event")

    assert one != other
    assert ids.is_id(one, "event")


@pytest.mark.parametrize(
    "text",
    [
        "sub-ac3a12b67e833080e10b13ca25b8401",
        "sub-ac3a12b67e833080e10b13ca25b840170",
        "sub-AC3A12B67E833080E10B13CA25B84017",
        "sub-gc3a12b67e833080e10b13ca25b84017",
        "cus-ac3a12b67e833080e10b13ca25b84017",
        "ac3a12b67e833080e10b13ca25b84017",
        "sub-ac3a12b67e833080e10b13ca25b84017\n",
    ],
)
def test_an_id_is_its_prefix_and_32_lower_case_hexadecimal_digits(text: str) -> None:
    assert ids.is_id("sub-ac3a12b67e833080e10b13ca25b84017", "sub")
    assert not ids.is_id(text, "sub")
