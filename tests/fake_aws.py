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
"""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import boto3
from botocore import useragent
from moto.core import models, responses, serialize, utils
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

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
