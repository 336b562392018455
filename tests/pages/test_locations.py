"""`return_to` leads to a page of ours and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.edge.pages.locations import own_path, with_query
from tessera.edge.pages.tables import cursor, paging


@pytest.mark.parametrize("path", ["/", "/settings", "/partner/gold?offer=a%20b", "/a?b=c&d=/e"])
def test_a_path_of_ours_is_followed(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "settings",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/a\r\nLocation: //evil.example",
        "/a#b",
        "/\tevil",
        "/auth/operator",
        "/ü",
        "/" + "a" * 5000,
    ],
)
def test_anything_else_leads_to_the_start(path: str | None) -> None:
    assert own_path(path, "/start") == "/start"


@given(st.text())
def test_whatever_is_followed_stays_on_this_host(text: str) -> None:
    path = own_path(text)

    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert "\n" not in path
    assert "\r" not in path


def test_pages_of_a_list_lead_on_and_back_with_their_filters() -> None:
    first = paging("/orders", {"status": "new", "q": ""}, "c1", filters=("status", "q"))
    assert first.next == "/orders?status=new&at=c1"
    assert first.previous == ""
    assert first.is_filtered
    assert first.unfiltered == "/orders"

    third = paging("/orders", {"status": "new", "at": "c1.c2"}, "c3", filters=("status",))
    assert third.next == "/orders?status=new&at=c1.c2.c3"
    assert third.previous == "/orders?status=new&at=c1"
    assert cursor({"at": "c1.c2"}) == "c2"
    assert cursor({}) is None


def test_values_that_are_absent_leave_no_trace_in_an_address() -> None:
    assert with_query("/a", b="c d", e=None, f="") == "/a?b=c+d"
    assert with_query("/a?b=c", d="e") == "/a?b=c&d=e"
