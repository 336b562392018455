"""Who may do what with webhooks: staff of support reads, tests, replays and cancels."""

from infra.routes import ROUTES

ABOUT_WEBHOOKS = [route for route in ROUTES if route.path.startswith("/api/webhooks/")]


def operators(*groups: str) -> set[str]:
    """The functions that an operator of exactly these groups may call, but for reading."""
    return {
        route.function.partition("/")[2]
        for route in ABOUT_WEBHOOKS
        for who in route.who
        if route.method != "GET" and who.kind == "operator" and set(who.needs) & {*groups}
    }


def test_support_tests_replays_and_cancels_and_changes_nothing_else() -> None:
    assert operators("support") == {
        "send_test",
        "replay_delivery",
        "replay_deliveries",
        "recover_deliveries",
        "cancel_delivery",
    }


def test_an_administrator_may_everything() -> None:
    functions = {
        route.function.partition("/")[2] for route in ABOUT_WEBHOOKS if route.method != "GET"
    }

    assert operators("admin") == functions


def test_support_reads_everything() -> None:
    for route in ABOUT_WEBHOOKS:
        if route.method == "GET":
            assert ("operator", ("admin", "support")) in route.who, route.key


def test_a_machine_may_everything_but_see_a_key_again() -> None:
    refused = [
        route.function
        for route in ABOUT_WEBHOOKS
        if "machine" not in {who.kind for who in route.who}
    ]

    assert refused == ["webhooks/reveal_secret"]
    for route in ABOUT_WEBHOOKS:
        for who in route.who:
            assert who.kind != "machine" or who.needs == ("webhooks",), route.key
