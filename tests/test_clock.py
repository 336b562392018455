"""Days and instants: what is out of range is a mistake of whoever wrote it, not ours."""

import pytest
from pydantic import TypeAdapter, ValidationError

from tessera.clock import Instant

_instant = TypeAdapter(Instant)


@pytest.mark.parametrize(
    "text",
    ["0001-01-01T00:00:00+01:00", "9999-12-31T23:30:00-01:00", "2026-03-02T09:14:07", "2026-02-29"],
)
def test_refuses_an_instant_that_none_of_ours_can_be(text: str) -> None:
    with pytest.raises(ValidationError):
        _instant.validate_python(text)
