"""moto as the AWS of the tests, with done once what would take most of their time.

- A client takes 0.1 s and more to make; one is kept for each way of making it.
- Tables are made over the API once; afterwards each test has copies of these, empty as they were,
  or with the rows that many tests begin with.
- Code of ours calls AWS by botocore alone: that moto also answers what `requests` sends there takes
  9 ms to set up.
- With each request moto looks through a class for its methods, and botocore through each character
  of its name for the server; both find what they found before.
- moto tries eight spellings for each member of an answer, found anew each time, and an attribute of
  DynamoDB has ten members of which one is there. For plain dictionaries they are found once.
- moto makes an RSA key for each key of KMS, symmetric ones included (70 ms), and reads the one that
  all its user pools have anew for each of them (190 ms).
- moto keeps a copy of the whole table for each item of a transaction, and measures an item anew for
  each attribute it gets. A copy is kept once for each table, of what can change in it alone; the
  size of an item is left to the tests of our own limit, which is far below.
"""

import copy
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any, TypeVar

import boto3
from botocore import useragent
from moto.cognitoidp import models as cognito_models
from moto.core import models, responses, serialize, utils
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb import models as dynamodb_models
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.kms import models as kms_models
from moto.kms import utils as kms_utils

_kept_clients = cache(boto3.client)
boto3.client = _kept_clients
models.RESPONSES_METHODS = []
responses.method_names_from_class = cache(utils.method_names_from_class)  # type: ignore[attr-defined]
useragent.sanitize_user_agent_string_component = cache(
    useragent.sanitize_user_agent_string_component
)


def forget_clients() -> None:
    """Those that are asked for next are of the account that the environment names by then."""
    _kept_clients.cache_clear()
    boto3.setup_default_session()


kms_models.generate_private_key = cache(kms_utils.generate_private_key)  # type: ignore[attr-defined]
_read_key = cognito_models.jwk.RSAKey.import_key  # type: ignore[attr-defined]
_read_keys: list[Any] = []


def _key_of_all_pools(content: Any) -> Any:
    if not _read_keys:
        _read_keys.append(_read_key(content))
    return _read_keys[0]


cognito_models.jwk = SimpleNamespace(RSAKey=SimpleNamespace(import_key=_key_of_all_pools))  # type: ignore[attr-defined, assignment]


_pristine: dict[str, Any] = {}


def put_tables(region: str, make: Callable[[], None]) -> None:
    """The tables that `make` makes, in an account that has none."""
    backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][region]
    if not _pristine:
        make()
        _pristine.update(copy.deepcopy(dict(backend.tables)))
    else:
        backend.tables.update(copy.deepcopy(_pristine))


Made = TypeVar("Made")
_filled: dict[Callable[[], Any], tuple[Any, dict[str, Any]]] = {}


def filled(region: str, fill: Callable[[], Made]) -> Made:
    """What `fill` answers, with the rows that it has written: by its own work the first time only.

    The answer is the same object for each test that asks: leave it as it is.
    """
    backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][region]
    if fill not in _filled:
        _filled[fill] = fill(), copy.deepcopy(dict(backend.tables))
    else:
        backend.tables.update(copy.deepcopy(_filled[fill][1]))
    made: Made = _filled[fill][0]
    return made


_spellings: dict[tuple[str, int], tuple[Any, tuple[str, ...]]] = {}
"""With the shape of the member, which is kept so that its `id` stays its own."""
_get_value = serialize.ResponseSerializer.get_value


def _get_value_of_known_spelling(
    self: serialize.ResponseSerializer, value: Any, key: str, shape: Any
) -> Any:
    picker = self._value_picker
    if type(value) is not dict or getattr(picker, "response_transformers", True):
        return _get_value(self, value, key, shape)
    known = _spellings.get((key, id(shape)))
    if known is None:
        context = serialize.AttributePickerContext(value, key, shape)
        known = shape, tuple(dict.fromkeys(picker.get_possible_keys(context)))
        _spellings[key, id(shape)] = known
    return next((value[one] for one in known[1] if one in value), None)


serialize.ResponseSerializer.get_value = _get_value_of_known_spelling  # type: ignore[method-assign]


_copy_of_value = DynamoType.__deepcopy__
_write_all = dynamodb_models.DynamoDBBackend.transact_write_items


def _copied_value(self: DynamoType, memo: dict[int, Any]) -> DynamoType:
    """Only maps, lists and sets are changed where they are."""
    mutable = self.is_map() or self.is_list() or self.is_set()
    return _copy_of_value(self, memo) if mutable else self


def _copied_item(self: Item, memo: dict[int, Any]) -> Item:
    twin = object.__new__(Item)
    twin.hash_key, twin.range_key = self.hash_key, self.range_key
    twin.attrs = LimitedSizeDict()
    for name, value in self.attrs.items():
        dict.__setitem__(twin.attrs, name, copy.deepcopy(value, memo))
    return twin


def _copied_table(self: Table, memo: dict[int, Any]) -> Table:
    """Its description is shared, as no test of ours changes it."""
    twin = copy.copy(self)
    memo[id(self)] = twin
    twin.stream_shard = copy.deepcopy(self.stream_shard, memo)
    twin.items = defaultdict(dict)
    for key, rows in self.items.items():
        twin.items[key] = (
            {sort: copy.deepcopy(row, memo) for sort, row in rows.items()}
            if isinstance(rows, dict)
            else copy.deepcopy(rows, memo)
        )
    return twin


def _write_all_with_one_copy_of_a_table(
    self: dynamodb_models.DynamoDBBackend, transact_items: list[dict[str, Any]]
) -> None:
    """The copies are all made before anything is written."""
    made: dict[int, Any] = {}

    def copied(thing: Any) -> Any:
        if not isinstance(thing, Table):
            return copy.deepcopy(thing)
        if id(thing) not in made:
            made[id(thing)] = copy.deepcopy(thing)
        return made[id(thing)]

    dynamodb_models.copy = SimpleNamespace(deepcopy=copied)  # type: ignore[attr-defined, assignment]
    try:
        _write_all(self, transact_items)
    finally:
        dynamodb_models.copy = copy  # type: ignore[attr-defined]


DynamoType.__deepcopy__ = _copied_value  # type: ignore[method-assign]
Item.__deepcopy__ = _copied_item  # type: ignore[method-assign]
Table.__deepcopy__ = _copied_table  # type: ignore[attr-defined]
LimitedSizeDict.__setitem__ = dict.__setitem__  # type: ignore[method-assign]
dynamodb_models.DynamoDBBackend.transact_write_items = _write_all_with_one_copy_of_a_table  # type: ignore[method-assign]
