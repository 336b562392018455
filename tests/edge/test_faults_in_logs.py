"""A fault is logged with where it happened, and without what it happened to."""

import importlib
import logging
import pkgutil
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

import tessera
from tessera.edge import observability
from tessera.edge.queue import worker
from tessera.webhooks.models import Hint


def test_a_record_that_cannot_be_read_is_logged_without_what_it_says(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(observability.logger.service), "propagate", True)
    body = '{"event": {"email": "ana@example.com"}, "endpoint": "e-1"}'

    answer = worker(lambda hint: None, on=Hint)({"Records": [{"messageId": "m", "body": body}]}, 0)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m"}]}
    assert "validation error" in caplog.text
    assert "ana@example.com" not in caplog.text


def test_no_model_of_ours_repeats_in_an_error_what_it_was_given() -> None:
    for module in pkgutil.walk_packages(tessera.__path__, "tessera."):
        if not module.name.startswith("tessera.edge.pages.compil"):
            importlib.import_module(module.name)

    models = [one for one in _below(BaseModel) if one.__module__.startswith("tessera.")]

    assert len(models) > 100
    telling = {one.__name__ for one in models if not one.model_config.get("hide_input_in_errors")}
    assert telling == set()


def _below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in model.__subclasses__():
        yield one
        yield from _below(one)
