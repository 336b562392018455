"""DynamoDB as far as partners list customers, of any number: sorted keys, read by bisection.

It answers the requests that leave, so that these can be counted where a fake table would take
minutes to fill. A page ends at 1 MB, as DynamoDB's do.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import MockRawResponse

from tessera import aws, dynamo
from tessera.commerce.customer_search import name_writes
from tessera.commerce.models import Customer

_LARGEST_PAGE = 1024 * 1024
_KEYS = ("pk", "sk", "partner_pk", "partner_sk")
_Item = Mapping[str, Any]
_Place = tuple[bytes, int, int]
"""Sort key, which customer, which of its rows."""


class SortedIndex:
    def __init__(self, count: int, customer: Callable[[int], Customer]) -> None:
        self._customer = customer
        self._partitions: dict[str, list[_Place]] = {}
        for n in range(count):
            for at, item in enumerate(self._rows(n)):
                partition = self._partitions.setdefault(item["partner_pk"]["S"], [])
                partition.append((item["partner_sk"]["S"].encode(), n, at))
        for partition in self._partitions.values():
            partition.sort()

    @contextmanager
    def answering(self) -> Iterator[None]:
        events: Any = aws.client("dynamodb").meta.events
        events.register_first("before-send.dynamodb.Query", self._answer)
        yield
        events.unregister("before-send.dynamodb.Query", self._answer)

    def _rows(self, n: int) -> list[_Item]:
        """As a commit writes them."""
        one = self._customer(n)
        itself = {
            **one.model_dump(by_alias=True, exclude_none=True),
            "pk": one.id,
            "sk": one.id,
            "partner_pk": f"{one.partner_org}#customers",
            "partner_sk": f"{one.created.isoformat()}#{one.id}",
        }
        writes = [dynamo.put("Commerce", itself), *name_writes("Commerce", one, is_new=True)]
        return [write.request["Item"] for write in writes]

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        asked = json.loads(cast("bytes", request.body))
        assert asked["IndexName"] == "by_partner"
        values = asked["ExpressionAttributeValues"]
        partition = self._partitions.get(values[":pk"]["S"], [])
        begins = next((v["S"].encode() for k, v in values.items() if k != ":pk"), b"")
        start = bisect_left(partition, begins, key=_sort_key)
        end = bisect_left(partition, begins + b"\xff", key=_sort_key)
        is_forward = asked["ScanIndexForward"]
        if (after := asked.get("ExclusiveStartKey")) is not None:
            seen = after["partner_sk"]["S"].encode()
            if is_forward:
                start = max(start, bisect_right(partition, seen, key=_sort_key))
            else:
                end = min(end, bisect_left(partition, seen, key=_sort_key))
        places = range(start, end) if is_forward else range(end - 1, start - 1, -1)
        page: list[_Item] = []
        size, last = 0, None
        for place in places:
            if len(page) == asked.get("Limit") or size > _LARGEST_PAGE:
                last = {name: page[-1][name] for name in _KEYS}
                break
            n, at = partition[place][1:]
            page.append(self._rows(n)[at])
            size += len(json.dumps(page[-1]))
        body: dict[str, Any] = {"Items": page, "Count": len(page), "ScannedCount": len(page)}
        if last is not None:
            body["LastEvaluatedKey"] = last
        headers = HTTPHeaders()
        headers["Content-Type"] = "application/x-amz-json-1.0"
        raw: Any = MockRawResponse(json.dumps(body))
        return AWSResponse(request.url, 200, headers, raw)


def _sort_key(place: _Place) -> bytes:
    return place[0]
