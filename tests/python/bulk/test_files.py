"""Files are a copy: whatever becomes of them, the report tells what is known of every row."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import revrag
from bulk.conftest import Host, Upload
from support.mounts import MOUNTS, SKIPPED
from support.script import Finished, Start
from support.service import Exchange, Fault, Service, at, reset, tell
from support.upload import check, leads

# An upload whose rows are printed as they were reported, and how it ended.
BODY = (
    MOUNTS
    + """
import pyarrow
def told(ending, report):
    rows = pyarrow.table(report).to_pylist() if report is not None else []
    rows = [[row["row"], row["outcome"], row["run_id"], row["error"]] for row in rows]
    print(json.dumps({"ending": ending, "rows": rows}), flush=True)
def leads(count):
    for row in range(count):
        number = "no number" if row % 50 == 7 else f"+9198{row:08d}"
        yield {"phone_number": number, "variables": {"row": row}}
def upload(count, **options):
    options = {"max_records": 50, "settle_after": 0.05, **options}
    try:
        told("done", campaign(sys.argv[1]).upload(leads(count), **options))
    except revrag.UploadError as error:
        told(f"UploadError: {error}", error.report)
    except revrag.RevragError as error:
        told(f"{type(error).__name__}: {error}", None)
"""
)


def ran(start: Start, body: str, *args: object) -> Finished:
    finished = start(BODY + body, *args).finish(20)
    if finished.code == SKIPPED and not os.environ.get("CI"):
        pytest.skip("nothing may be mounted here")
    assert (finished.code, finished.err) == (0, ""), finished
    return finished


def agree(line: str, service: Service) -> tuple[str, list[list[Any]]]:
    """A printed report tells the truth; how it ended, and its rows."""
    told = json.loads(line)
    stored: dict[int, list[str]] = {}
    for record in service.applied:
        stored.setdefault(record.variables["row"], []).append(record.run_id)
    for row, outcome, run_id, error in told["rows"]:
        there = stored.pop(row, [])
        if outcome == "accepted":
            assert there == [run_id], (row, there, run_id)
        elif outcome == "unknown":
            assert run_id is None, (row, outcome)
            assert len(there) <= 1, (row, there)
            assert error, (row, outcome)
        else:
            assert (there, run_id) == ([], None), (row, outcome)
        assert (outcome == "invalid") == (row % 50 == 7), (row, outcome)
        assert error or outcome != "invalid", row
    assert not stored, f"not in the report: {sorted(stored)[:5]}…"
    return told["ending"], told["rows"]


def verbose(answer: dict[str, Any]) -> dict[str, Any]:
    """Statuses are an open set, and may be long: so few rows fill a disk."""
    results = [one | {"status": one["run_id"] and long(one["run_id"])} for one in answer["results"]]
    return answer | {"results": results}


def long(seed: str) -> str:
    """A text that nothing makes shorter."""
    return random.Random(seed).randbytes(1500).hex()


def wordy(exchange: Exchange) -> Fault | None:
    return tell(verbose) if exchange.kind == "push" else None


def losing(exchange: Exchange) -> Fault | None:
    """The same, with every fourth push lost half-way."""
    if exchange.kind == "push" and exchange.number % 4 == 3:
        return reset(applied=0.5)
    return wordy(exchange)


PLANS = {"answered": wordy, "every fourth lost": losing}


class TestWithoutAJournal:
    @pytest.mark.parametrize("plan", PLANS)
    def test_a_read_only_root(self, start: Start, host: Host, plan: str) -> None:
        """``readOnlyRootFilesystem: true``: it works in memory, or nothing is sent at all."""
        service = host(faults=PLANS[plan])
        finished = ran(start, "read_only_root()\nupload(1500)\n", service.url)
        ending, rows = agree(finished.out, service)
        if ending == "done":
            assert sum(outcome == "accepted" for _, outcome, *_ in rows) == 1470
        else:
            assert service.pushes == [], ending

    @pytest.mark.parametrize("size", ["0", "64k", "1m"])
    @pytest.mark.parametrize("plan", PLANS)
    def test_a_full_temporary_folder(
        self, start: Start, host: Host, tmp_path: Path, plan: str, size: str
    ) -> None:
        """However far it comes, nothing that is known of a row is lost."""
        service = host(faults=PLANS[plan])
        folder = tmp_path / "small"
        folder.mkdir()
        finished = ran(
            start,
            """
            folder, size = sys.argv[2:]
            small_disk(folder, "4k" if size == "0" else size)
            if size == "0":
                with open(folder + "/full", "wb") as file:
                    file.write(b"x" * 4096)
            os.environ["TMPDIR"] = os.environ["SQLITE_TMPDIR"] = folder
            upload(1500)
            """.replace("\n            ", "\n"),
            service.url,
            folder,
            size,
        )
        ending, rows = agree(finished.out, service)
        if ending == "done":
            assert sum(outcome == "accepted" for _, outcome, *_ in rows) == 1470
        else:
            assert ending.startswith("UploadError") or not service.pushes, ending

    @pytest.mark.parametrize("size", [0, 100_000, 1_000_000])
    @pytest.mark.parametrize("plan", PLANS)
    def test_files_that_may_not_grow(self, start: Start, host: Host, plan: str, size: int) -> None:
        """What a full disk looks like from inside, with nothing mounted."""
        service = host(faults=PLANS[plan])
        finished = ran(
            start,
            """
import resource
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), limits[1]))
upload(1500)
""",
            service.url,
            size,
        )
        ending, rows = agree(finished.out, service)
        if ending == "done":
            assert sum(outcome == "accepted" for _, outcome, *_ in rows) == 1470
        else:
            assert ending.startswith("UploadError") or not service.pushes, ending

    @pytest.mark.parametrize("place", ["missing", "file"])
    def test_a_temporary_folder_that_is_none(
        self, start: Start, host: Host, tmp_path: Path, place: str
    ) -> None:
        service = host()
        (tmp_path / "file").write_text("no folder")
        finished = ran(
            start,
            'os.environ["TMPDIR"] = sys.argv[2]\nupload(100)\n',
            service.url,
            tmp_path / place,
        )
        ending, _ = agree(finished.out, service)
        assert ending == "done" or not service.pushes


class TestFullDisk:
    @pytest.mark.parametrize("plan", PLANS)
    @pytest.mark.parametrize("size", ["200k", "1m"])
    def test_for_the_journal(
        self, start: Start, host: Host, tmp_path: Path, size: str, plan: str
    ) -> None:
        """The report is whole; with space, the same call goes on and sends nothing twice."""
        service = host(faults=PLANS[plan])
        folder = tmp_path / "small"
        folder.mkdir()
        script = start(
            BODY
            + """
folder, size = sys.argv[2:]
small_disk(folder, size)
upload(1500, journal=folder + "/leads.journal")
input()
grow(folder, "64m")
upload(1500, journal=folder + "/leads.journal")
""",
            service.url,
            folder,
            size,
        )
        line = script.process.stdout.readline()
        if not line and script.finish(5).code == SKIPPED and not os.environ.get("CI"):
            pytest.skip("nothing may be mounted here")
        ending, rows = agree(line, service)
        assert ending.startswith("UploadError"), ending
        if plan == "answered":
            # Also what the journal had no room for.
            assert "unknown" not in {outcome for _, outcome, *_ in rows}
        assert "leads.journal" in ending
        assert service.pushes
        script.say("go on")
        finished = script.finish(20)
        assert (finished.code, finished.err) == (0, ""), finished
        ending, rows = agree(finished.out, service)
        assert ending == "done"
        assert sum(outcome == "accepted" for _, outcome, *_ in rows) == 1470


def deleted(journal: Path) -> None:
    journal.unlink()


def renamed(journal: Path) -> None:
    journal.rename(journal.with_name("another.journal"))


def replaced(journal: Path) -> None:
    other = journal.with_name("another.journal")
    shutil.copy(journal, other)
    other.replace(journal)


def replaced_by_nothing(journal: Path) -> None:
    journal.unlink()
    journal.touch()


def moved_away(journal: Path) -> None:
    journal.parent.rename(journal.parent.with_name("elsewhere"))


def emptied(journal: Path) -> None:
    os.truncate(journal, 0)


def overwritten(journal: Path) -> None:
    journal.write_bytes(b"phone_number,name\n" * 2000)


ACCIDENTS: list[Callable[[Path], None]] = [
    deleted,
    renamed,
    replaced,
    replaced_by_nothing,
    moved_away,
    emptied,
    overwritten,
]
# The journal of a lost file knows nothing: who follows this advice rings everybody twice.
WRONG = re.compile(r"goes? on from (here|there)|same call[^.;]*goes? on|resum", re.IGNORECASE)


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "lost"])
@pytest.mark.parametrize("accident", ACCIDENTS, ids=lambda accident: accident.__name__)
def test_a_journal_that_is_lost_under_way(
    upload: Upload, host: Host, journal: Path, accident: Callable[[Path], None], lost: bool
) -> None:
    """It ends with a report that is right row by row, and with advice that is safe."""

    def watch(exchange: Exchange, phase: str) -> None:
        if (exchange.kind, exchange.number, phase) == ("push", 3, "arrived"):
            accident(journal)

    faults = at({2: reset(applied=0.5), 5: reset(applied=0.5)} if lost else {})
    service = host(faults=faults, watch=watch)
    source = leads(200)
    for row in (4, 33, 39, 150):
        source[row]["phone_number"] = "no number"
    report, said = None, ""
    try:
        report = upload(service, source, journal=journal, max_records=10, concurrency=1)
    except revrag.UploadError as error:
        report, said = error.report, f"{error} {error.__cause__ or ''}"
        assert re.search(r"journal", said)
    found = check(report, service)
    # What was known before is known.
    assert report.accepted >= 18
    assert report.accepted + report.unknown >= len(service.applied)
    for row in (4, 33):
        assert found[row]["outcome"] == "invalid"
        assert found[row]["error"]
    assert not WRONG.search(said), said


@pytest.mark.parametrize("accident", [deleted, renamed], ids=["deleted", "renamed"])
def test_a_report_outlives_its_journal(
    upload: Upload, host: Host, journal: Path, accident: Callable[[Path], None]
) -> None:
    """Made from a journal that is gone when the report is read."""
    service = host()
    report = upload(service, leads(50), journal=journal, max_records=10)
    accident(journal)
    check(report, service)
    assert report.accepted == 50


def test_a_journal_of_before_that_is_gone_is_another_upload(
    upload: Upload, host: Host, journal: Path
) -> None:
    """The control: nobody remembers the rows, so they go out; that is why no advice may say so."""
    service = host()
    upload(service, leads(10), journal=journal)
    journal.unlink()
    upload(service, leads(10), journal=journal)
    assert len(service.applied) == 20
