"""What no template may contain: switched-off escaping, inline code, inline style."""

import re
from pathlib import Path

import pytest

from tests.handlers import ROOT

TEMPLATES = sorted(
    [
        *(ROOT / "functions" / "pages").glob("*/templates/**/*.html"),
        *(ROOT / "layers/core/python/tessera/edge/pages/templates").glob("*.html"),
    ]
)
_FORBIDDEN = {
    "escaping switched off": r"\|\s*safe|autoescape|Markup",
    "inline style": r"\sstyle=|<style",
    "inline script": r"<script(?![^>]*src=)|\son[a-z]+=|hx-on|hx-vals=.js|javascript:",
    "a form that says no method": r'<form(?![^>]*(method="post"|role="search"|class="filters))',
}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_template_is_only_markup(template: Path) -> None:
    text = template.read_text(encoding="utf-8")

    found = {name: re.findall(rule, text) for name, rule in _FORBIDDEN.items()}

    assert {name: hits for name, hits in found.items() if hits} == {}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_form_that_changes_something_carries_the_keys(template: Path) -> None:
    text = template.read_text(encoding="utf-8")

    for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL):
        assert "form_keys(form)" in form or 'name="csrf_token"' in form


def test_no_module_of_pages_builds_html_by_itself() -> None:
    sources = [
        *(ROOT / "functions" / "pages").glob("*/*.py"),
        *(ROOT / "layers/core/python/tessera/edge/pages").glob("*.py"),
    ]
    offenders = [
        path.name
        for path in sources
        if re.search(r"[\"']<(?!time )[a-z]+[ >]", path.read_text(encoding="utf-8"))
    ]

    assert offenders == []
