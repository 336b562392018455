"""The README's tables say what is deployed."""

from infra.readme_tables import README, rendered


def test_the_readme_names_every_route_event_and_alarm_as_deployed() -> None:
    text = README.read_text(encoding="utf-8")

    assert text == rendered(text), "run: python -m infra.readme_tables"
