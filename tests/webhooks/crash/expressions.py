"""DynamoDB's condition and update expressions, as far as the engine's stores write them."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

Item: TypeAlias = Mapping[str, dict[str, Any]]
"""As DynamoDB has it: `{"n": {"N": "7"}}`."""
Values: TypeAlias = Mapping[str, dict[str, Any]]
Condition: TypeAlias = Callable[[Item, Values], bool]
Update: TypeAlias = Callable[[Item, Values], dict[str, dict[str, Any]]]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),]|[:#]?\w+)")
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def plain(value: Mapping[str, Any]) -> Any:
    """What is compared: numbers as numbers, everything else as it is."""
    ((kind, inner),) = value.items()
    return int(inner) if kind == "N" else inner


@cache
def condition(expression: str) -> Condition:
    tokens = _Tokens(expression)
    found = _any_of(tokens)
    tokens.end()
    return found


@cache
def update(expression: str) -> Update:
    tokens = _Tokens(expression)
    clauses = []
    while tokens.left:
        match tokens.take():
            case "SET":
                clauses += _listed(tokens, _set)
            case "REMOVE":
                clauses += _listed(tokens, _remove)
            case "ADD":
                clauses += _listed(tokens, _add)
            case other:
                raise NotImplementedError(other)

    def changed(item: Item, values: Values) -> dict[str, dict[str, Any]]:
        """All clauses read the item as it was."""
        after = dict(item)
        for clause in clauses:
            clause(item, after, values)
        return after

    return changed


class _Tokens:
    def __init__(self, text: str) -> None:
        self.left = _TOKEN.findall(text)[::-1]
        if sum(map(len, self.left)) != len("".join(text.split())):
            raise NotImplementedError(text)

    def peek(self) -> str:
        return self.left[-1] if self.left else ""

    def take(self, *expected: str) -> str:
        token: str = self.left.pop()
        if expected and token not in expected:
            raise NotImplementedError(f"{token} in place of {expected}")
        return token

    def name(self) -> str:
        return self.take().removeprefix("#")

    def end(self) -> None:
        if self.left:
            raise NotImplementedError(self.left)


def _any_of(tokens: _Tokens) -> Condition:
    parts = [_all_of(tokens)]
    while tokens.peek() == "OR":
        tokens.take()
        parts.append(_all_of(tokens))
    return parts[0] if len(parts) == 1 else lambda item, v: any(part(item, v) for part in parts)


def _all_of(tokens: _Tokens) -> Condition:
    parts = [_one(tokens)]
    while tokens.peek() == "AND":
        tokens.take()
        parts.append(_one(tokens))
    return parts[0] if len(parts) == 1 else lambda item, v: all(part(item, v) for part in parts)


def _one(tokens: _Tokens) -> Condition:
    if tokens.peek() == "(":
        tokens.take()
        inner = _any_of(tokens)
        tokens.take(")")
        return inner
    name = tokens.name()
    if name in ("attribute_exists", "attribute_not_exists", "begins_with"):
        return _call(name, tokens)
    match operator := tokens.take():
        case "IN":
            allowed = _listed_in_brackets(tokens)
            return lambda item, v: name in item and item[name] in [v[one] for one in allowed]
        case "BETWEEN":
            low = tokens.take()
            tokens.take("AND")
            high = tokens.take()
            return lambda item, v: (
                name in item and plain(v[low]) <= plain(item[name]) <= plain(v[high])
            )
    value, compare = tokens.take(), _COMPARED[operator]
    if operator == "<>":
        # Nothing stored is something else than the value.
        return lambda item, v: name not in item or item[name] != v[value]
    return lambda item, v: name in item and compare(plain(item[name]), plain(v[value]))


def _call(function: str, tokens: _Tokens) -> Condition:
    tokens.take("(")
    name = tokens.name()
    if function == "begins_with":
        tokens.take(",")
        start = tokens.take()
        tokens.take(")")
        return lambda item, v: name in item and plain(item[name]).startswith(plain(v[start]))
    tokens.take(")")
    if function == "attribute_exists":
        return lambda item, _: name in item
    return lambda item, _: name not in item


def _listed_in_brackets(tokens: _Tokens) -> list[str]:
    tokens.take("(")
    names = [tokens.take()]
    while tokens.take(",", ")") == ",":
        names.append(tokens.take())
    return names


_Clause: TypeAlias = Callable[[Item, dict[str, dict[str, Any]], Values], None]


def _listed(tokens: _Tokens, one: Callable[[_Tokens], _Clause]) -> list[_Clause]:
    clauses = [one(tokens)]
    while tokens.peek() == ",":
        tokens.take()
        clauses.append(one(tokens))
    return clauses


def _set(tokens: _Tokens) -> _Clause:
    name = tokens.name()
    tokens.take("=")
    value = tokens.take()
    if value != "if_not_exists":
        return lambda _, after, v: after.__setitem__(name, v[value])
    tokens.take("(")
    source = tokens.name()
    tokens.take(",")
    instead = tokens.take()
    tokens.take(")")
    return lambda item, after, v: after.__setitem__(name, item.get(source, v[instead]))


def _remove(tokens: _Tokens) -> _Clause:
    name = tokens.name()

    def remove(_: Item, after: dict[str, dict[str, Any]], __: Values) -> None:
        after.pop(name, None)

    return remove


def _add(tokens: _Tokens) -> _Clause:
    name, number = tokens.name(), tokens.take()

    def add(item: Item, after: dict[str, dict[str, Any]], values: Values) -> None:
        before = plain(item[name]) if name in item else 0
        after[name] = {"N": str(before + plain(values[number]))}

    return add
