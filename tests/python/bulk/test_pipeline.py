"""What an upload does about each answer, from the preflight to the last chunk."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import revrag
from bulk.conftest import Host, Upload
from revrag import errors
from support.service import Service, always, answer, at, first, refuse, reset, status
from support.upload import check, leads, messy, number, outcomes, private, rows

FATAL = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
}


class Watched:
    """A source that knows whether it was read."""

    def __init__(self, count: int = 10) -> None:
        self.count = count
        self.read = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for lead in leads(self.count):
            self.read += 1
            yield lead


class TestPreflight:
    def test_it_comes_first(self, upload: Upload, host: Host) -> None:
        seen: list[str] = []
        service = host(
            watch=lambda exchange, phase: phase == "arrived" and seen.append(exchange.kind)
        )
        upload(service, leads(3), max_records=1)
        assert seen == ["status", "push", "push", "push"]

    @pytest.mark.parametrize("code", [401, 404])
    def test_its_errors_are_raised_as_they_are(self, upload: Upload, host: Host, code: int) -> None:
        service, source = host(faults=always(status(code), "status")), Watched()
        with pytest.raises(FATAL[code]) as info:
            upload(service, source)
        assert not isinstance(info.value, revrag.UploadError)
        assert (source.read, service.pushes) == (0, [])

    @pytest.mark.parametrize("state", ["completed", "cancelled", "paused"])
    def test_a_campaign_that_takes_nothing(self, upload: Upload, host: Host, state: str) -> None:
        service, source = host(state=state), Watched()
        with pytest.raises(revrag.UploadError, match=state) as info:
            upload(service, source)
        assert (source.read, service.pushes) == (0, [])
        assert info.value.report.accepted == 0

    @pytest.mark.parametrize("state", ["running", "active", "scheduled", "something new"])
    def test_any_other_campaign(self, upload: Upload, host: Host, state: str) -> None:
        """Statuses are an open set."""
        assert upload(host(state=state), leads(2)).accepted == 2

    def test_it_is_tried_again(self, upload: Upload, host: Host) -> None:
        service = host(faults=first(1, status(503), "status"))
        assert upload(service, leads(2)).accepted == 2

    def test_an_empty_source_passes_it_too(self, upload: Upload, host: Host) -> None:
        with pytest.raises(revrag.UploadError, match="paused"):
            upload(host(state="paused"), [])


class TestFatal:
    @pytest.mark.parametrize("code", FATAL)
    def test_it_stops_with_the_report(self, upload: Upload, host: Host, code: int) -> None:
        service = host(faults=at({3: status(code)}))
        with pytest.raises(revrag.UploadError) as info:
            upload(service, leads(100), max_records=10, concurrency=1)
        error = info.value
        assert isinstance(error.__cause__, FATAL[code])
        private(error, number(30)[3:])
        found = check(error.report, service)
        assert [row["outcome"] for row in found[:30]] == ["accepted"] * 30
        assert error.report.accepted == 30
        # Rows that were not read yet are not in it.
        assert {row["outcome"] for row in found[30:]} <= {"not_sent"}
        assert len(service.pushes) == 4

    def test_others_in_flight_are_accounted_for(self, upload: Upload, host: Host) -> None:
        service = host(faults=at({5: status(400)}))
        with pytest.raises(revrag.UploadError) as info:
            upload(service, leads(200), max_records=10, concurrency=4)
        report = info.value.report
        check(report, service)
        assert report.unknown == 0
        assert report.accepted == len(service.applied)

    def test_a_rate_limit_that_lasts(self, upload: Upload, host: Host) -> None:
        service = host(faults=always(status(429, retry_after="0")))
        with pytest.raises(revrag.UploadError) as info:
            upload(service.campaign(max_retries=2), leads(10), max_records=5, concurrency=1)
        assert isinstance(info.value.__cause__, errors.RateLimitError)
        assert set(outcomes(info.value.report)) == {"not_sent"}
        assert len(service.pushes) == 3

    def test_a_rate_limit_that_passes(self, upload: Upload, host: Host) -> None:
        service = host(faults=first(2, status(429, retry_after="0")))
        report = upload(service, leads(20), max_records=5, concurrency=1)
        check(report, service)
        assert (report.accepted, len(service.pushes), service.scans) == (20, 6, 0)

    def test_no_connection(self, upload: Upload, host: Host) -> None:
        """The service hangs up after the second push, and takes no connection any more."""
        service = host(faults=at({1: refuse(60)}))
        with pytest.raises(revrag.UploadError) as info:
            upload(service.campaign(max_retries=1), leads(50), max_records=10, concurrency=1)
        assert isinstance(info.value.__cause__, errors.APIConnectionError)
        report = info.value.report
        check(report, service)
        assert (report.accepted, report.not_sent) == (20, report.total - 20)

    @pytest.mark.parametrize("code", [302, 409, 418])
    def test_another_refusal(self, upload: Upload, host: Host, code: int) -> None:
        """Definite: nothing was applied, so nothing is unknown."""
        service = host(faults=at({1: status(code, location="/elsewhere")}))
        with pytest.raises(revrag.UploadError) as info:
            upload(service, leads(30), max_records=10, concurrency=1)
        assert isinstance(info.value.__cause__, errors.APIStatusError)
        report = info.value.report
        check(report, service)
        assert (report.accepted, report.not_sent) == (10, report.total - 10)


class TestTooLarge:
    def test_a_413_halves_the_chunk(self, upload: Upload, host: Host) -> None:
        service = host(max_batch=30)
        report = upload(service, leads(100), max_records=100, concurrency=1)
        check(report, service)
        assert report.accepted == 100
        assert [len(push.records) for push in service.pushes][:3] == [100, 50, 25]

    def test_by_bytes_too(self, upload: Upload, host: Host) -> None:
        service = host(max_body=4000)
        source = leads(150)
        for index, lead in enumerate(source):
            lead["variables"]["name"] = "x" * (index * 7 % 300)
        report = upload(service, source, max_records=150)
        check(report, service)
        assert report.accepted == 150

    def test_down_to_one_row_which_is_rejected(self, upload: Upload, host: Host) -> None:
        service = host(max_body=2000)
        source = leads(40)
        source[17]["variables"]["name"] = "x" * 3000
        report = upload(service, source, max_records=40)
        found = check(report, service)
        assert [row["row"] for row in found if row["outcome"] == "rejected"] == [17]
        assert (report.accepted, report.rejected) == (39, 1)
        assert "413" in found[17]["error"] or "large" in found[17]["error"].lower()

    def test_when_every_row_is_too_large(self, upload: Upload, host: Host) -> None:
        service = host(max_body=10)
        report = upload(service, leads(9), max_records=9)
        assert outcomes(report) == ["rejected"] * 9


class TestUnprocessable:
    @staticmethod
    def source(count: int, *bad: int) -> list[dict[str, Any]]:
        made = leads(count)
        for row in bad:
            made[row]["variables"]["service"] = "names"
        return made

    def test_the_rows_it_names_are_rejected(self, upload: Upload, service: Service) -> None:
        source = self.source(60, 3, 19, 20, 59)
        report = upload(service, source, max_records=20, concurrency=1)
        found = check(report, service)
        assert [row["row"] for row in found if row["outcome"] == "rejected"] == [3, 19, 20, 59]
        assert report.accepted == 56
        # The rest goes again, at once.
        assert [len(push.records) for push in service.pushes] == [20, 18, 20, 19, 20, 19]

    def test_a_chunk_of_which_it_names_all(self, upload: Upload, service: Service) -> None:
        report = upload(service, self.source(4, 0, 1, 2, 3))
        check(report, service)
        assert outcomes(report) == ["rejected"] * 4
        assert len(service.pushes) == 1

    def test_one_that_names_none_halves(self, upload: Upload, host: Host) -> None:
        service = host(nameless=True)
        report = upload(service, self.source(64, 5, 40), max_records=64)
        found = check(report, service)
        assert [row["row"] for row in found if row["outcome"] == "rejected"] == [5, 40]
        assert report.accepted == 62

    @pytest.mark.parametrize(
        "loc",
        [
            ["body", "records", 99, "phone_number"],
            ["body", "records", -1],
            ["body"],
        ],
        ids=str,
    )
    def test_one_that_names_what_is_not_there(
        self, upload: Upload, host: Host, loc: list[Any]
    ) -> None:
        """It is taken as one that names none; no row is blamed that may be good."""
        detail = [{"loc": loc, "msg": "Wrong", "type": "value_error"}]
        service = host(faults=first(1, status(422, detail=detail)))
        report = upload(service, leads(8), max_records=8)
        check(report, service)
        assert report.accepted == 8

    def test_it_does_not_end_in_a_circle(self, upload: Upload, host: Host) -> None:
        """A service that answers 422 to everything gets no more than it takes to be sure."""
        service = host(faults=always(status(422)))
        report = upload(service, leads(16), max_records=16)
        assert outcomes(report) == ["rejected"] * 16
        assert len(service.pushes) <= 31


class TestRejected:
    def test_by_the_service(self, upload: Upload, service: Service) -> None:
        source = leads(30)
        for row in (0, 11, 29):
            source[row]["variables"]["service"] = "rejects"
        report = upload(service, source, max_records=7)
        found = check(report, service)
        assert [row["row"] for row in found if row["outcome"] == "rejected"] == [0, 11, 29]
        assert {row["error"] for row in found if row["outcome"] == "rejected"} == {
            "The number is blocked."
        }

    def test_the_status_is_the_services(self, upload: Upload, service: Service) -> None:
        assert [row["status"] for row in rows(upload(service, leads(3)))] == ["queued"] * 3


BODIES = {
    "no JSON": b"<html>",
    "empty": b"",
    "another shape": b'{"ok": true}',
    "a result too few": b'{"accepted": 0, "rejected": 0, "results": []}',
    "results of null": b'{"accepted": 5, "rejected": 0, "results": null}',
}


@pytest.mark.parametrize("applied", [0.0, 1.0])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_answer_that_says_nothing_is_unknown(
    upload: Upload, host: Host, body: bytes, applied: float
) -> None:
    """Whether the push was applied is looked up, not assumed."""
    service = host(faults=at({1: answer(200, body, applied=applied)}))
    report = upload(service, leads(20), max_records=5)
    check(report, service)
    assert report.accepted == 20
    assert service.scans >= 1


def test_the_error_pickles(upload: Upload, host: Host) -> None:
    service = host(faults=at({2: status(400)}))
    with pytest.raises(revrag.UploadError) as info:
        upload(service, leads(50), max_records=10, concurrency=1)
    copy = pickle.loads(pickle.dumps(info.value))
    assert str(copy) == str(info.value)
    assert isinstance(copy.__cause__, errors.BadRequestError)
    assert copy.report.accepted == 20
    check(copy.report, service)


def test_other_uploads_of_the_same_client(upload: Upload, host: Host) -> None:
    """An upload that failed leaves the client as it was."""
    service = host(faults=first(1, status(400)))
    campaign = service.campaign()
    with pytest.raises(revrag.UploadError):
        upload(campaign, leads(5))
    assert upload(campaign, leads(5)).accepted == 5


def test_row_numbers_after_everything_at_once(upload: Upload, host: Host) -> None:
    """413, 422, rejections, invalid rows and lost answers, and each row is still itself."""
    faults = at({2: reset(applied=0.5), 4: status(502, applied=1.0), 7: reset()})
    service = host(faults=faults, max_batch=25)
    source, expected = messy(600, seed=7)
    report = upload(service, source, max_records=60)
    assert [row["outcome"] for row in check(report, service)] == expected
