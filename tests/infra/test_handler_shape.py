"""Handlers are wiring: what is decided stands in a rule, where a test can reach it alone."""

import ast
from pathlib import Path

import pytest

from tests.handlers import ROOT

_HANDLERS = sorted((ROOT / "functions").glob("*/*/handler.py"))
_FUNCTION_LINES = 21
_DECIDES = (ast.Try, ast.For, ast.While, ast.Match)


@pytest.mark.parametrize("handler", _HANDLERS, ids=lambda path: path.parent.name)
def test_a_handler_is_short_and_leaves_decisions_to_rules(handler: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(handler.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]

    lengths = {one.name: (one.end_lineno or 0) - one.lineno + 1 for one in functions}
    deciding = [
        f"{one.name}: {type(node).__name__}"
        for one in functions
        for node in ast.walk(one)
        if isinstance(node, _DECIDES)
    ]

    assert {name: lines for name, lines in lengths.items() if lines > _FUNCTION_LINES} == {}
    assert deciding == []
