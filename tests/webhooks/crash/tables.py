"""DynamoDB in memory, at the level of its client: the engine's stores run on it unchanged.

It knows what they use and raises `NotImplementedError` for all else. That it agrees with moto on
every condition used is tested beside it.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from botocore.exceptions import ClientError

from tessera.tables import TABLES, Index, Table
from tests.webhooks.crash.expressions import Item, Values, condition, plain, update

Key: TypeAlias = tuple[Any, Any]
Seen: TypeAlias = Callable[[str, str, Item | None, Item | None], None]
"""Table, operation, an item before and after a write."""


class Units:
    """What DynamoDB would bill: counted as its documentation says."""

    def __init__(self) -> None:
        self.written: Counter[str] = Counter()
        self.read: Counter[str] = Counter()

    def write(self, table: Table, before: Item | None, after: Item | None, *, times: int) -> None:
        largest = max(size(before), size(after))
        self.written[table.name] += times * max(math.ceil(largest / 1024), 1)
        for index in table.indexes:
            old, new = projected(table, index, before), projected(table, index, after)
            if old == new:
                continue
            moved = old and new and _place(index, old) != _place(index, new)
            self.written[f"{table.name}.{index.name}"] += 2 if moved else 1

    def reads(self, what: str, items: Iterable[Item], *, consistent: bool, each: bool) -> None:
        half = 1.0 if consistent else 0.5
        sizes = [size(item) for item in items]
        whole = [math.ceil(one / 4096) or 1 for one in sizes] if each else []
        self.read[what] += math.ceil(  # in thousandths, since counters hold whole numbers
            1000 * half * (sum(whole) if each else math.ceil(sum(sizes) / 4096) or 1)
        )


class Unbilled(Units):
    """For runs that ask for no bill: to weigh every item was a fifth of their time."""

    def write(self, table: Table, before: Item | None, after: Item | None, *, times: int) -> None:
        pass

    def reads(self, what: str, items: Iterable[Item], *, consistent: bool, each: bool) -> None:
        pass


def size(item: Item | None) -> int:
    if item is None:
        return 0
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def projected(table: Table, index: Index, item: Item | None) -> Item | None:
    """The item's entry in an index; none if it lacks a key of it."""
    if item is None or index.pk not in item or index.sk not in item:
        return None
    if index.includes == ("*",):
        return item
    names = (table.pk, str(table.sk), index.pk, index.sk, *(index.includes or ()))
    return {name: item[name] for name in names if name in item}


class Tables:
    def __init__(self) -> None:
        self._tables = {table.name: table for table in TABLES}
        self._rows: dict[str, dict[Any, dict[Any, Item]]] = {name: {} for name in self._tables}
        self._indexes: dict[tuple[str, str], dict[Any, dict[Key, Item]]] = {
            (table.name, index.name): {} for table in TABLES for index in table.indexes
        }
        self.seen: list[Seen] = []
        self.conditions: set[tuple[str, bool]] = set()
        """Each that was judged, and how."""
        self.units: Units = Unbilled()

    def items(self, table: str) -> list[Item]:
        return [item for partition in self._rows[table].values() for item in partition.values()]

    def put_item(self, **request: Any) -> dict[str, Any]:
        return self._write("Put", request)

    def update_item(self, **request: Any) -> dict[str, Any]:
        return self._write("Update", request)

    def delete_item(self, **request: Any) -> dict[str, Any]:
        return self._write("Delete", request)

    def transact_write_items(self, *, TransactItems: Sequence[Any]) -> dict[str, Any]:
        writes = [(kind, request) for one in TransactItems for kind, request in one.items()]
        reasons: list[dict[str, Any]] = []
        for _, request in writes:
            before = self._find(request)
            holds = self._holds(request, before)
            reasons.append({"Code": "None"} if holds else _reason(request, before))
        if any(reason["Code"] != "None" for reason in reasons):
            raise _error("TransactionCanceledException", CancellationReasons=reasons)
        for kind, request in writes:
            if kind != "ConditionCheck":
                self._apply(kind, request, times=2)
        return {}

    def get_item(
        self, *, TableName: str, Key: Item, ConsistentRead: bool = False
    ) -> dict[str, Any]:
        found = self._find({"TableName": TableName, "Key": Key})
        self.units.reads(TableName, [found or {}], consistent=ConsistentRead, each=True)
        return {} if found is None else {"Item": found}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        responses = {}
        for name, wanted in RequestItems.items():
            found = [self._find({"TableName": name, "Key": key}) for key in wanted["Keys"]]
            consistent = wanted.get("ConsistentRead", False)
            items = [item or {} for item in found]
            self.units.reads(name, items, consistent=consistent, each=True)
            responses[name] = [item for item in found if item is not None]
        return {"Responses": responses, "UnprocessedKeys": {}}

    def query(self, **request: Any) -> dict[str, Any]:
        name = request["TableName"]
        table = self._tables[name]
        index = next((i for i in table.indexes if i.name == request.get("IndexName")), None)
        keys: Table | Index = index or table
        values: Values = request["ExpressionAttributeValues"]
        pk = plain(values[":pk"])
        if index is None:
            partition: Mapping[Any, Item] = self._rows[name].get(pk, {})
        else:
            partition = self._indexes[name, index.name].get(pk, {})
        # The only aliases that differ from the names they stand for.
        wanted = request["KeyConditionExpression"].replace("#pk", keys.pk)
        holds = condition(wanted.replace("#sk", str(keys.sk)))

        def place(item: Item) -> tuple[Any, ...]:
            return plain(item[str(keys.sk)]), plain(item["pk"]), plain(item[str(table.sk)])

        found = sorted(
            (item for item in partition.values() if holds(item, values)),
            key=place,
            reverse=not request.get("ScanIndexForward", True),
        )
        if start := request.get("ExclusiveStartKey"):
            after = place(start)
            backward = not request.get("ScanIndexForward", True)
            found = [
                one for one in found if (place(one) < after if backward else place(one) > after)
            ]
        limit = request.get("Limit", len(found))
        page, rest = found[:limit], found[limit:]
        consistent = request.get("ConsistentRead", False)
        what = name if index is None else f"{name}.{index.name}"
        self.units.reads(what, page, consistent=consistent, each=False)
        kept = page
        if keep := request.get("FilterExpression"):
            fits = condition(keep)
            kept = [item for item in page if fits(item, values)]
        if index is not None:
            kept = [item for one in kept if (item := projected(table, index, one))]
        answer: dict[str, Any] = {"Items": kept}
        if rest and page:
            last = {keys.pk, str(keys.sk), table.pk, str(table.sk)}
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in last}
        return answer

    def _write(self, kind: str, request: Mapping[str, Any]) -> dict[str, Any]:
        before = self._find(request)
        if not self._holds(request, before):
            self.units.written[request["TableName"]] += 1
            reason = _reason(request, before)
            found = {"Item": reason["Item"]} if "Item" in reason else {}
            raise _error("ConditionalCheckFailedException", **found)
        after = self._apply(kind, request, times=1)
        return {"Attributes": after} if request.get("ReturnValues") == "ALL_NEW" else {}

    def _apply(self, kind: str, request: Mapping[str, Any], *, times: int) -> Item | None:
        name = request["TableName"]
        before = self._find(request)
        after: Item | None
        match kind:
            case "Put":
                after = request["Item"]
            case "Update":
                values = request.get("ExpressionAttributeValues", {})
                after = update(request["UpdateExpression"])(before or request["Key"], values)
            case "Delete":
                after = None
            case _:
                raise NotImplementedError(kind)
        self._store(self._tables[name], before, after)
        self.units.write(self._tables[name], before, after, times=times)
        for see in self.seen:
            see(name, kind, before, after)
        return after

    def _store(self, table: Table, before: Item | None, after: Item | None) -> None:
        rows = self._rows[table.name]
        if before is not None:
            del rows[plain(before["pk"])][plain(before[str(table.sk)])]
        if after is not None:
            rows.setdefault(plain(after["pk"]), {})[plain(after[str(table.sk)])] = after
        for index in table.indexes:
            entries = self._indexes[table.name, index.name]
            for item, is_new in ((before, False), (after, True)):
                if item is None or index.pk not in item or index.sk not in item:
                    continue
                key = plain(item["pk"]), plain(item[str(table.sk)])
                partition = entries.setdefault(plain(item[index.pk]), {})
                if is_new:
                    partition[key] = item
                else:
                    del partition[key]

    def _find(self, request: Mapping[str, Any]) -> Item | None:
        table = self._tables[request["TableName"]]
        key = request.get("Key") or request["Item"]
        partition = self._rows[table.name].get(plain(key["pk"]))
        return None if partition is None else partition.get(plain(key[str(table.sk)]))

    def _holds(self, request: Mapping[str, Any], before: Item | None) -> bool:
        expression = request.get("ConditionExpression")
        if expression is None:
            return True
        held = condition(expression)(before or {}, request.get("ExpressionAttributeValues", {}))
        self.conditions.add((expression, held))
        return held


def _place(index: Index, item: Item) -> tuple[Any, Any]:
    return item[index.pk], item[index.sk]


def _size(value: Mapping[str, Any]) -> int:
    ((kind, inner),) = value.items()
    match kind:
        case "S":
            return len(inner.encode())
        case "N":
            return math.ceil(len(inner) / 2) + 1
        case "B":
            return len(inner)
        case "M":
            return 3 + sum(len(name.encode()) + _size(one) + 1 for name, one in inner.items())
        case "L":
            return 3 + sum(_size(one) + 1 for one in inner)
    return 1


def _reason(request: Mapping[str, Any], before: Item | None) -> dict[str, Any]:
    wants = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    found = {"Item": before} if wants and before is not None else {}
    return {"Code": "ConditionalCheckFailed", **found}


def _error(code: str, **more: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": code}, **more}
    return ClientError(answer, "Write")
