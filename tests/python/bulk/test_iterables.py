"""What is iterated over: a query runs once, and what it raises is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

import numpy as np
import pytest
import revrag
from bulk.conftest import Upload
from support.service import Service
from support.upload import leads, number


class Query:
    """Rows of a database, or numbers: each iteration is a query."""

    def __init__(self, *rows: object, error: BaseException | None = None) -> None:
        self.rows = rows
        self.error = error
        self.queries = 0

    def __iter__(self) -> Iterator[object]:
        self.queries += 1
        if self.error is not None:
            raise self.error
        return iter(self.rows)


class Counted(Query):
    """One whose length is a query, too."""

    def __len__(self) -> int:
        if self.error is not None:
            raise self.error
        return len(self.rows)


@pytest.mark.parametrize("kind", [Query, Counted])
def test_a_query_runs_once(upload: Upload, service: Service, kind: type[Query]) -> None:
    query, excluded = kind({"phone_number": number(5)}), kind(number(0))
    assert upload(service, query).accepted == 1
    assert query.queries == 1
    assert upload(service, leads(2), exclude=excluded).excluded == 1
    assert excluded.queries == 1


@pytest.mark.parametrize("kind", [Query, Counted])
def test_what_a_query_raises_is_told(upload: Upload, service: Service, kind: type[Query]) -> None:
    error = ValueError("the database is gone")
    with pytest.raises(revrag.UploadError) as info:
        upload(service, kind(error=error))
    assert info.value.__cause__ is error
    with pytest.raises(ValueError, match="the database is gone"):
        upload(service, leads(2), exclude=kind(error=error))
    # In asyncio another thread meets it.
    with pytest.raises((KeyboardInterrupt, revrag.UploadError)) as met:
        upload(service, kind(error=KeyboardInterrupt()))
    assert any(isinstance(it, KeyboardInterrupt) for it in (met.value, met.value.__cause__))
    assert not service.pushes


class Kind(Enum):
    ONE = "one"


@pytest.mark.parametrize(
    "source",
    [Kind.ONE, re.match("a", "a"), np.float64(1), object()],
    ids=["enum", "match", "numpy", "object"],
)
def test_what_only_looks_iterable_is_refused(
    upload: Upload, service: Service, source: object
) -> None:
    with pytest.raises(revrag.InvalidArgumentError, match="source"):
        upload(service, source)


def test_a_sequence_of_old_is_read(upload: Upload, service: Service) -> None:
    class Rows:
        def __getitem__(self, at: int) -> dict[str, str]:
            return [{"phone_number": number(0)}][at]

    assert upload(service, Rows()).accepted == 1
