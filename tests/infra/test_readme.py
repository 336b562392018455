"""The README's tables say what is deployed."""

import re

import pytest

from infra.readme_tables import README, rendered


def test_the_readme_names_every_route_event_and_alarm_as_deployed() -> None:
    text = README.read_text(encoding="utf-8")

    assert text == rendered(text), "run: python -m infra.readme_tables"


def test_the_readme_leads_to_sections_and_files_that_exist() -> None:
    text = README.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", prose, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
    linked = re.findall(r"\]\(#([^)]+)\)", prose)
    kept = re.sub(r"### An endpoint in ten minutes.*?## ", "", prose, flags=re.DOTALL)  # an example
    paths = re.findall(r"`((?:functions|infra|layers|tests)/[\w./-]+)`", kept)

    assert len(anchors) == len(headings)
    assert [one for one in linked if one not in anchors] == []
    assert len(paths) > 10
    assert [one for one in paths if not (README.parent / one).exists()] == []


@pytest.mark.parametrize("folder", ["functions", "infra", "layers"])
def test_what_the_code_says_is_in_the_readme_is_there(folder: str) -> None:
    text = README.read_text(encoding="utf-8")
    headings = set(re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE))
    sources = [
        one
        for one in (README.parent / folder).rglob("*.py")
        if not {"node_modules", "build"} & set(one.parts)
    ]

    named = [
        (one.name, " ".join(section.split()))
        for one in sources
        for section in re.findall(r'README,\s+"([^"]+)"', one.read_text(encoding="utf-8"))
    ]

    assert sources
    assert [one for one in named if one[1] not in headings] == []
