"""The journal: resumable, bound to its upload, its campaign and its options, and one file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import revrag
from bulk.conftest import Host, Upload, stopped
from revrag.errors import JournalError
from support import KEY, campaign_at
from support.script import Run, Start
from support.service import Service, at, first, gate, hold
from support.upload import QUICK, check, leads, number, private


class TestRefusals:
    def test_a_changed_row(self, upload: Upload, service: Service, journal: Path) -> None:
        stopped(upload, service, journal, leads(100))
        sent = len(service.pushes)
        for change in ("name", "phone"):
            source = leads(100)
            if change == "name":
                source[12]["variables"]["name"] = "Another"
            else:
                source[12]["phone_number"] = number(999)
            with pytest.raises(JournalError, match=r"row 12\b") as info:
                upload(service, source, journal=journal)
            private(info.value, number(12)[3:], number(999)[3:], "Another")
        assert len(service.pushes) == sent

    def test_a_row_that_is_now_invalid(
        self, upload: Upload, service: Service, journal: Path
    ) -> None:
        stopped(upload, service, journal, leads(100))
        source = leads(100)
        source[5]["phone_number"] = "no number"
        with pytest.raises(JournalError, match=r"row 5\b"):
            upload(service, source, journal=journal)

    def test_rows_in_another_order(self, upload: Upload, service: Service, journal: Path) -> None:
        stopped(upload, service, journal, leads(100))
        source = leads(100)
        source[0], source[1] = source[1], source[0]
        with pytest.raises(JournalError, match=r"row 0\b"):
            upload(service, source, journal=journal)

    @pytest.mark.parametrize("left", [0, 1, 29])
    def test_rows_that_vanished(
        self, upload: Upload, service: Service, journal: Path, left: int
    ) -> None:
        stopped(upload, service, journal, leads(100))
        sent = len(service.pushes)
        with pytest.raises(JournalError, match=r"\b(row|rows)\b"):
            upload(service, leads(left), journal=journal)
        assert len(service.pushes) == sent

    def test_the_right_source_goes_on_afterwards(
        self, upload: Upload, service: Service, journal: Path
    ) -> None:
        stopped(upload, service, journal, leads(100))
        with pytest.raises(JournalError):
            upload(service, leads(5), journal=journal)
        report = upload(service, leads(100), journal=journal)
        check(report, service)
        assert report.accepted == 100

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({}, {"phone_number": "other"}),
            ({}, {"variables": ["row"]}),
            ({"variables": ["row"]}, {"variables": {"row": "other"}}),
            ({}, {"app_user_id": "customer"}),
            ({}, {"app_session_id": "customer"}),
            ({}, {"region": "US"}),
            ({}, {"region": None}),
            ({}, {"on_invalid": "send"}),
            ({}, {"on_duplicate": "reject"}),
            ({}, {"required": ["row"]}),
        ],
        ids=str,
    )
    def test_other_options_that_change_what_is_sent(
        self,
        upload: Upload,
        service: Service,
        journal: Path,
        before: dict[str, Any],
        after: dict[str, Any],
    ) -> None:
        """The error says which."""
        numbers = [number(row) for row in range(60)]
        frame = pl.DataFrame(
            {"phone_number": numbers, "other": numbers, "row": range(60), "customer": range(60)}
        )
        stopped(upload, service, journal, frame, **before)
        sent = len(service.pushes)
        with pytest.raises(JournalError, match=next(iter(after))):
            upload(service, frame, journal=journal, **after)
        assert len(service.pushes) == sent

    def test_another_campaign(self, upload: Upload, service: Service, journal: Path) -> None:
        upload(service, leads(5), journal=journal)
        other = revrag.Client(KEY, base_url=service.url).campaign(
            "99999999-9999-4999-9999-999999999999"
        )
        with pytest.raises(JournalError, match="campaign"):
            upload(other, leads(5), journal=journal)

    def test_another_service(self, upload: Upload, host: Host, journal: Path) -> None:
        upload(host(), leads(5), journal=journal)
        other = host()
        with pytest.raises(JournalError, match=r"base_url|base URL"):
            upload(other, leads(5), journal=journal)
        assert not other.pushes

    def test_a_trailing_slash_is_no_other_service(
        self, upload: Upload, service: Service, journal: Path
    ) -> None:
        upload(service, leads(5), journal=journal)
        again = upload(campaign_at(f"{service.url}/"), leads(5), journal=journal)
        assert again.accepted == 5
        assert len(service.pushes) == 1


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE cookies (name TEXT)")
    database.close()


def cut_short(path: Path) -> None:
    foreign(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 + 100])


NO_JOURNALS: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("phone_number,name\n" * 500),
    "bytes": lambda path: path.write_bytes(bytes(range(256)) * 64),
    "a few bytes": lambda path: path.write_bytes(b"x"),
    "a database of another program": foreign,
    "half a database": cut_short,
    "a folder": lambda path: path.mkdir(),
}


class TestNoJournal:
    @pytest.mark.parametrize("kind", NO_JOURNALS)
    def test_what_is_no_journal(
        self, upload: Upload, service: Service, journal: Path, kind: str
    ) -> None:
        """It is left as it is, and nothing is sent."""
        NO_JOURNALS[kind](journal)
        content = journal.read_bytes() if journal.is_file() else None
        with pytest.raises(JournalError, match=r"leads\.journal"):
            upload(service, leads(5), journal=journal)
        assert not service.pushes
        if content is not None:
            assert journal.read_bytes() == content

    def test_a_folder_that_is_not_there(
        self, upload: Upload, service: Service, tmp_path: Path
    ) -> None:
        with pytest.raises(JournalError, match="missing"):
            upload(service, leads(5), journal=tmp_path / "missing" / "leads.journal")
        assert not service.pushes

    @pytest.mark.parametrize("there", [False, True], ids=["new", "of an earlier run"])
    def test_a_read_only_folder(self, run: Run, service: Service, there: bool) -> None:
        """For root, no folder is read-only: the script becomes nobody first."""
        run(
            """
            import pathlib, tempfile
            folder = pathlib.Path(tempfile.mkdtemp())
            journal = folder / "leads.journal"
            leads = campaign(sys.argv[1])
            source = [{"phone_number": f"+9198{row:08d}"} for row in range(20)]
            if sys.argv[2] == "True":
                leads.upload(source[:10], journal=journal)
                journal.chmod(0o444)
            folder.chmod(0o555)
            if os.geteuid() == 0:
                os.seteuid(65534)
            try:
                leads.upload(source, journal=journal)
            except revrag.JournalError as error:
                assert "leads.journal" in str(error), error
            else:
                raise AssertionError("no error")
            finally:
                os.seteuid(os.getuid())
                folder.chmod(0o755)
                journal.unlink(missing_ok=True)
                folder.rmdir()
            """,
            service.url,
            there,
        )
        assert len(service.applied) == (10 if there else 0)

    def test_a_full_disk(self, run: Run, service: Service, tmp_path: Path) -> None:
        """Files may not grow beyond some size, which is what a full disk looks like from inside.
        Nothing already sent is lost: with space, the journal goes on."""
        finished = run(
            """
            import resource
            source = [{"phone_number": f"+9198{row:08d}", "row": row} for row in range(30_000)]
            upload = campaign(sys.argv[1]).upload
            options = {"journal": sys.argv[2], "max_records": 200, "settle_after": 0.05}
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
            try:
                upload(source, **options)
            except (revrag.JournalError, revrag.UploadError) as error:
                print(type(error).__name__)
                assert "leads.journal" in f"{error} {error.__cause__}", error
            else:
                raise AssertionError("it fitted")
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            report = upload(source, **options)
            assert report.accepted == 30_000, report
            """,
            service.url,
            tmp_path / "leads.journal",
            limit=28,
        )
        assert finished.out.strip() in ("JournalError", "UploadError")
        sent = [stored.variables["row"] for stored in service.applied]
        assert sorted(sent) == list(range(30_000))


class TestInUse:
    def test_by_a_thread(self, upload: Upload, host: Host, journal: Path) -> None:
        service = host(faults=first(1, gate()))
        reports: list[revrag.UploadReport] = []
        campaign = service.campaign()
        one = threading.Thread(
            target=lambda: reports.append(campaign.upload(leads(30), journal=journal, **QUICK))
        )
        one.start()
        assert service.arrived.acquire(timeout=20)
        with pytest.raises(JournalError, match="in use"):
            upload(service, leads(30), journal=journal)
        service.open_gate()
        one.join(20)
        check(reports[0], service)
        assert upload(service, leads(30), journal=journal).accepted == 30
        assert len(service.applied) == 30

    def test_by_another_process(
        self, upload: Upload, start: Start, host: Host, journal: Path
    ) -> None:
        service = host(faults=first(1, gate()))
        script = start(
            """
            source = [{"phone_number": f"+9198{row:08d}", "row": row} for row in range(30)]
            print(campaign(sys.argv[1]).upload(source, journal=sys.argv[2]).accepted)
            """,
            service.url,
            journal,
        )
        assert service.arrived.acquire(timeout=20)
        with pytest.raises(JournalError, match="in use"):
            upload(service, leads(30), journal=journal)
        service.open_gate()
        finished = script.finish(20)
        assert (finished.code, finished.out) == (0, "30\n"), finished

    def test_by_one_that_was_killed_is_not_in_use(
        self, upload: Upload, start: Start, host: Host, journal: Path
    ) -> None:
        service = host(faults=at({1: hold()}))
        script = start(
            """
            source = [
                {"phone_number": f"+9198{row:08d}", "row": row, "name": f"Lead {row}"}
                for row in range(30)
            ]
            campaign(sys.argv[1]).upload(source, journal=sys.argv[2], max_records=10, concurrency=1)
            """,
            service.url,
            journal,
        )
        for _ in range(2):
            assert service.arrived.acquire(timeout=20)
        script.kill()
        report = upload(service, leads(30), journal=journal)
        check(report, service)
        assert report.accepted == 30


def test_it_is_one_file(upload: Upload, service: Service, journal: Path) -> None:
    upload(service, leads(50), journal=journal, max_records=10)
    assert [path.name for path in journal.parent.iterdir()] == ["leads.journal"]
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_the_key_is_not_in_it(upload: Upload, service: Service, journal: Path) -> None:
    upload(service, leads(50), journal=journal)
    assert KEY.encode() not in journal.read_bytes()


def test_results_are_compact(upload: Upload, service: Service, journal: Path) -> None:
    """A run id is 16 bytes; a row costs little more than what must be known of it."""
    small = journal.with_name("small.journal")
    upload(service, leads(500), journal=small)
    upload(service, leads(20_500), journal=journal)
    grown = journal.stat().st_size - small.stat().st_size
    assert grown / 20_000 < 100


def test_a_failed_preflight_leaves_nothing_to_regret(
    upload: Upload, host: Host, journal: Path
) -> None:
    service = host(state="paused")
    with pytest.raises(revrag.UploadError):
        upload(service, leads(5), journal=journal)
    service.state = "running"
    report = upload(service, leads(5), journal=journal)
    check(report, service)
    assert report.accepted == 5
