"""What every store does with DynamoDB: rows as plain dictionaries, transactions, pages.

A row is a dictionary of strings, integers, Decimals, booleans, lists and dictionaries. Numbers come
back as `int` where they are whole and as `Decimal` otherwise.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from botocore.exceptions import ClientError

from tessera.aws import client
from tessera.tables import TRANSACTION_LIMIT, Index, Table

Row: TypeAlias = dict[str, Any]
Key: TypeAlias = Mapping[str, str | int]

_LONGEST_PK, _LONGEST_SK = 2048, 1024
"""Bytes of a key: DynamoDB refuses to look for a longer or an empty one, and nothing has it."""


class ConditionFailed(Exception):
    """A conditional write met another state than it expected.

    `failed` are the positions of the writes whose condition did not hold, `rows` what stood there
    for those that asked for it with `returning=True`.
    """

    def __init__(self, failed: Sequence[int], rows: Mapping[int, Row]) -> None:
        super().__init__(f"the condition of write {', '.join(map(str, failed))} did not hold")
        self.failed = tuple(failed)
        self.rows = rows


class TransactionLost(Exception):
    """Another transaction touched the same rows at the same moment: read again and repeat."""


class Write(NamedTuple):
    """One write, alone or in a transaction: made by `put`, `update`, `delete` and `check`."""

    kind: str
    request: dict[str, Any]


class Page(NamedTuple):
    rows: list[Row]
    next: Row | None
    """The key after which the next page begins; none on the last one."""


def put(
    table: str, row: Row, *, condition: str | None = None, returning: bool = False, **values: Any
) -> Write:
    request = {"TableName": table, "Item": _fields(row)}
    return Write("Put", _conditional(request, condition, returning, values))


def update(
    table: str,
    key: Key,
    expression: str,
    *,
    condition: str | None = None,
    returning: bool = False,
    **values: Any,
) -> Write:
    """`update(t, key, "SET #state = :state REMOVE due_pk", state="delivered")`.

    Write every attribute as `#name` whose name DynamoDB reserves, every value as `:name`.
    """
    request = {"TableName": table, "Key": _fields(key), "UpdateExpression": expression}
    return Write("Update", _conditional(request, condition, returning, values))


def delete(
    table: str, key: Key, *, condition: str | None = None, returning: bool = False, **values: Any
) -> Write:
    request = {"TableName": table, "Key": _fields(key)}
    return Write("Delete", _conditional(request, condition, returning, values))


def check(table: str, key: Key, condition: str, *, returning: bool = False, **values: Any) -> Write:
    request = {"TableName": table, "Key": _fields(key)}
    return Write("ConditionCheck", _conditional(request, condition, returning, values))


def commit(writes: Sequence[Write]) -> None:
    """All of them or none. Raises `ConditionFailed` or `TransactionLost`."""
    if len(writes) > TRANSACTION_LIMIT:
        raise ValueError(f"{len(writes)} writes do not fit into one transaction")
    try:
        client("dynamodb").transact_write_items(
            TransactItems=[{write.kind: write.request} for write in writes]  # type: ignore[misc]
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "TransactionCanceledException":
            raise
        reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
        failed = [n for n, r in enumerate(reasons) if r.get("Code") == "ConditionalCheckFailed"]
        if failed:
            rows = {n: row_of(reasons[n]["Item"]) for n in failed if reasons[n].get("Item")}
            raise ConditionFailed(failed, rows) from error
        if any(r.get("Code") == "TransactionConflict" for r in reasons):
            raise TransactionLost from error
        raise


def write(one: Write, *, answer: str = "NONE") -> Row | None:
    """One write by itself; `answer` is DynamoDB's `ReturnValues`. Raises `ConditionFailed`."""
    calls: dict[str, Callable[..., Any]] = {
        "Put": client("dynamodb").put_item,
        "Update": client("dynamodb").update_item,
        "Delete": client("dynamodb").delete_item,
    }
    try:
        done = calls[one.kind](**one.request, ReturnValues=answer)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        found: Any = error.response.get("Item")
        raise ConditionFailed([0], {0: row_of(found)} if found else {}) from error
    attributes = done.get("Attributes")
    return row_of(attributes) if attributes else None


def get(table: str, key: Key, *, consistent: bool = True) -> Row | None:
    if not _may_exist(key):
        return None
    answer = client("dynamodb").get_item(
        TableName=table, Key=_fields(key), ConsistentRead=consistent
    )
    return row_of(answer["Item"]) if "Item" in answer else None


def get_many(table: str, keys: Iterable[Key], *, consistent: bool = False) -> list[Row]:
    """Rows of up to 100 keys in one request, in no particular order; absent ones are left out."""
    asked = [_fields(key) for key in keys if _may_exist(key)]
    wanted: Any = {table: {"Keys": asked, "ConsistentRead": consistent}} if asked else {}
    rows: list[Row] = []
    # DynamoDB may hand back part of a batch: five rounds are far more than 100 rows ever took.
    for _ in range(5):
        if not wanted or not wanted[table]["Keys"]:
            return rows
        answer = client("dynamodb").batch_get_item(RequestItems=wanted)
        rows += [row_of(item) for item in answer["Responses"].get(table, [])]
        wanted = answer.get("UnprocessedKeys") or None
    raise TransactionLost


def query(
    table: str,
    of: Table,
    pk: str | int,
    *,
    index: str | None = None,
    begins: str | None = None,
    until: str | int | None = None,
    since: str | int | None = None,
    newest_first: bool = False,
    limit: int | None = None,
    start: Row | None = None,
    consistent: bool = False,
    keep: str | None = None,
    **values: Any,
) -> Page:
    """One page (at most 1 MB) of one partition: `begins`, `since` and `until` bound the sort key.

    `keep` is a filter expression over `values`; DynamoDB reads what it then throws away.
    """
    if since is not None and until is not None and since > until:  # type: ignore[operator]
        return Page([], None)  # DynamoDB refuses a BETWEEN whose bounds are the wrong way round
    if not _fits(pk, _LONGEST_PK) or (begins and not _fits(begins, _LONGEST_SK)):
        return Page([], None)
    keys: Table | Index = of if index is None else _index(of, index)
    condition, bounds = _sort_key(str(keys.sk), begins, since, until)
    names = {"#pk": keys.pk, **({"#sk": str(keys.sk)} if condition else {})}
    names |= {f"#{name}": name for name in re.findall(r"#(\w+)", keep or "")}
    request: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "#pk = :pk" + condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {
            ":pk": _value(pk),
            **{f":{name}": _value(value) for name, value in (bounds | values).items()},
        },
        "ScanIndexForward": not newest_first,
    }
    if index is not None:
        request["IndexName"] = index
    elif consistent:
        request["ConsistentRead"] = True
    if keep is not None:
        request["FilterExpression"] = keep
    if limit is not None:
        request["Limit"] = limit
    if start is not None:
        request["ExclusiveStartKey"] = _fields(start)
    answer = client("dynamodb").query(**request)
    last = answer.get("LastEvaluatedKey")
    return Page([row_of(item) for item in answer["Items"]], row_of(last) if last else None)


def query_all(
    table: str, of: Table, pk: str | int, *, at_most: int | None = 10_000, **options: Any
) -> Iterator[Row]:
    """All rows of a partition, page after page, up to `at_most` if that is a number."""
    page = query(table, of, pk, **options)
    given = 0
    while True:
        for row in page.rows:
            if given == at_most:
                return
            given += 1
            yield row
        if page.next is None:
            return
        page = query(table, of, pk, **{**options, "start": page.next})


def walk(
    table: str,
    of: Table,
    partitions: Sequence[str],
    *,
    index: str,
    limit: int,
    after: Row | None,
    at_most: int,
    **options: Any,
) -> Page:
    """Rows of an index's partitions, one partition after another, with at most `at_most` queries.

    `next` of a page is `after` of the following one. A page that ran out of queries may be short.
    """
    keys = _index(of, index)
    at = 0 if after is None else partitions.index(after[keys.pk])
    start = after if after is not None and len(after) > 1 else None
    rows: list[Row] = []
    for _ in range(at_most):
        if at == len(partitions):
            break
        wanted = limit + 1 - len(rows)  # one more tells whether another page follows
        page = query(table, of, partitions[at], index=index, limit=wanted, start=start, **options)
        rows += page.rows
        if len(rows) > limit:
            last = rows[limit - 1]
            names = dict.fromkeys((keys.pk, keys.sk, of.pk, *([of.sk] if of.sk else [])))
            return Page(rows[:limit], {name: last[name] for name in names})
        start = page.next
        at += start is None
    if at == len(partitions):
        return Page(rows, None)
    return Page(rows, start or {keys.pk: partitions[at]})


def row_of(item: Mapping[str, Any]) -> Row:
    return {name: _plain(value) for name, value in item.items()}


def _may_exist(key: Key) -> bool:
    return all(
        _fits(value, _LONGEST_SK if name == "sk" else _LONGEST_PK) for name, value in key.items()
    )


def _fits(value: str | int, longest: int) -> bool:
    return not isinstance(value, str) or 0 < len(value.encode("utf-8", "replace")) <= longest


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": _fields(value)}
        case list() | tuple():
            return {"L": [_value(element) for element in value]}
    raise TypeError(f"a row cannot hold {type(value).__name__}")


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, inner),) = value.items()
    match kind:
        case "N":
            number = Decimal(inner)
            return int(number) if number == number.to_integral_value() else number
        case "M":
            return {name: _plain(member) for name, member in inner.items()}
        case "L":
            return [_plain(element) for element in inner]
        case "B":
            return bytes(inner)
        case "S" | "BOOL":
            return inner
    raise TypeError(f"a row cannot hold DynamoDB's {kind}")


def _conditional(
    request: dict[str, Any], condition: str | None, returning: bool, values: dict[str, Any]
) -> dict[str, Any]:
    if condition is not None:
        request["ConditionExpression"] = condition
        if returning:
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    text = f"{condition or ''} {request.get('UpdateExpression', '')}"
    if names := sorted(set(re.findall(r"#(\w+)", text))):
        request["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    if values:
        request["ExpressionAttributeValues"] = {f":{n}": _value(v) for n, v in values.items()}
    return request


def _sort_key(
    name: str, begins: str | None, since: str | int | None, until: str | int | None
) -> tuple[str, dict[str, Any]]:
    if begins is not None:
        return " AND begins_with(#sk, :begins)", {"begins": begins}
    if since is not None and until is not None:
        return " AND #sk BETWEEN :since AND :until", {"since": since, "until": until}
    if since is not None:
        return " AND #sk >= :since", {"since": since}
    if until is not None:
        return " AND #sk <= :until", {"until": until}
    return "", {}


def _index(of: Table, name: str) -> Index:
    return next(index for index in of.indexes if index.name == name)
