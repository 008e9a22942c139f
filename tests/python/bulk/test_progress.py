"""Progress: snapshots for a callable, a bar where tqdm is, one plain line elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
import revrag
from bulk.conftest import Upload
from support.script import Run
from support.service import Service
from support.upload import OUTCOMES, leads, number

COUNT = 400


def frame() -> pl.DataFrame:
    numbers = [number(row) if row % 4 else "no number" for row in range(COUNT)]
    return pl.DataFrame({"phone_number": numbers})


def test_snapshots(upload: Upload, service: Service) -> None:
    seen: list[revrag.UploadProgress] = []
    report = upload(service, frame(), progress=seen.append, max_records=20)
    assert seen
    last = seen[-1]
    assert (last.total, last.read) == (COUNT, COUNT)
    for name in OUTCOMES:
        assert getattr(last, name) == getattr(report, name), name
    for before, after in itertools.pairwise(seen):
        for name in ("read", "accepted", "rejected", "invalid", "duplicate", "elapsed"):
            assert getattr(before, name) <= getattr(after, name), name
    for one in seen:
        assert isinstance(one, revrag.UploadProgress)
        assert sum(getattr(one, name) for name in OUTCOMES) <= one.read <= COUNT


def test_a_generator_has_no_total(upload: Upload, service: Service) -> None:
    seen: list[revrag.UploadProgress] = []

    def generate() -> Iterator[dict[str, Any]]:
        yield from leads(10)

    upload(service, generate(), progress=seen.append)
    assert seen[0].total is None
    assert seen[-1].read == 10


def test_a_list_has_a_total(upload: Upload, service: Service) -> None:
    seen: list[revrag.UploadProgress] = []
    upload(service, leads(10), progress=seen.append)
    assert seen[-1].total == 10


BAR = """
leads = [{"phone_number": f"+9198{row:08d}"} for row in range(50)]
def upload():
    report = campaign(sys.argv[1]).upload(leads, progress=True)
    assert report.accepted == 50
"""


def test_a_bar_by_tqdm(start: Any, service: Service) -> None:
    finished = start(BAR + "upload()\n", service.url).finish(20)
    assert (finished.code, finished.out) == (0, ""), finished
    assert "50/50" in finished.err
    assert "+9198" not in finished.err


def test_one_plain_line_elsewhere(start: Any, service: Service) -> None:
    finished = start(
        'import sys\nsys.modules["tqdm"] = sys.modules["tqdm.auto"] = None\n' + BAR + "upload()\n",
        service.url,
    ).finish(20)
    assert (finished.code, finished.out) == (0, ""), finished
    assert "50" in finished.err
    assert len(finished.err.replace("\r", "\n").strip().splitlines()[-1]) < 200
    assert finished.err.count("\n") <= 1


def test_none_by_default(run: Run, service: Service) -> None:
    """`run` expects not a word on stderr."""
    finished = run(
        """
        report = campaign(sys.argv[1]).upload([{"phone_number": "+919876543210"}])
        assert report.accepted == 1
        """,
        service.url,
    )
    assert finished.out == ""


@pytest.mark.parametrize("progress", ["yes", 1.5])
def test_what_is_no_progress(upload: Upload, service: Service, progress: object) -> None:
    with pytest.raises((TypeError, revrag.InvalidArgumentError)):
        upload(service, leads(1), progress=progress)
    assert not service.pushes
