"""An answer that contradicts what was sent, or itself, is no evidence; the listing is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bulk.conftest import Host, Send
from support.doubt import CHUNK, COUNT, IDS, sent
from support.service import Exchange, Fault, answers, at, reset, tell
from support.upload import check, rows

Change = Callable[[dict[str, Any]], object]

CONTRADICTIONS: dict[str, Callable[[], Change]] = {
    "results in another order": lambda: answers.reordered,
    "results one place further": lambda: answers.shifted,
    "a run id given twice": lambda: answers.repeated,
    "one accepted too many": lambda: answers.miscounted("accepted", 1),
    "one accepted too few": lambda: answers.miscounted("accepted", -1),
    "one rejected too many": lambda: answers.miscounted("rejected", 1),
    "rejections beside run ids": lambda: answers.disowned,
    "somebody else's numbers": lambda: answers.renumbered(lambda _: "+919999999999"),
}


@pytest.mark.parametrize("ids", IDS)
@pytest.mark.parametrize("kind", CONTRADICTIONS)
def test_a_contradiction_is_looked_up(send: Send, host: Host, kind: str, ids: str) -> None:
    """Every record was queued. Each row has its own run id, and none goes again."""
    service = host(faults=at({1: tell(CONTRADICTIONS[kind]())}))
    report = send(service, IDS[ids](COUNT))
    check(report, service)
    assert (report.accepted, sent(service)) == (COUNT, COUNT)
    assert service.scans >= 1


@pytest.mark.parametrize("ids", IDS)
def test_the_answer_to_another_push(send: Send, host: Host, ids: str) -> None:
    """A cache in between answers the second push with what it knows of the first."""
    stale = answers.Stale()
    service = host(faults=at({0: tell(stale), 1: tell(stale)}))
    report = send(service, IDS[ids](COUNT))
    check(report, service)
    assert (report.accepted, sent(service)) == (COUNT, COUNT)


@pytest.mark.parametrize("numbers", ["apart", "the same"])
def test_run_ids_of_before_are_not_taken_again(send: Send, host: Host, numbers: str) -> None:
    """Distinct are the run ids of all pushes: here numbers give nothing away."""
    stale = answers.Stale()
    service = host(faults=at({0: tell(stale), 1: tell(stale)}))
    source = IDS["tokens"](2 * CHUNK)
    if numbers == "the same":
        for lead in source:
            lead["phone_number"] = source[0]["phone_number"]
    report = send(service, source)
    found = check(report, service)
    assert len({row["run_id"] for row in found}) == 2 * CHUNK


NOTATIONS: dict[str, Change] = {
    "as sent": answers.renumbered(lambda number: number),
    "without the plus": answers.renumbered(lambda number: number.removeprefix("+")),
    "national": answers.renumbered(lambda number: number.removeprefix("+91")),
    "with blanks": answers.renumbered(lambda number: f"{number[:3]} {number[3:8]} {number[8:]}"),
    "no number at all": answers.unnamed,
}


@pytest.mark.parametrize("notation", NOTATIONS)
def test_the_same_number_in_another_notation(send: Send, host: Host, notation: str) -> None:
    """It is no contradiction: nothing is in doubt."""

    def plan(exchange: Exchange) -> Fault | None:
        return tell(NOTATIONS[notation]) if exchange.kind == "push" else None

    service = host(faults=plan)
    report = send(service, IDS["tokens"](COUNT))
    check(report, service)
    assert (report.accepted, sent(service)) == (COUNT, COUNT)
    if notation != "no number at all":
        assert service.scans == 0


def test_a_number_sent_as_it_came(send: Send, host: Host) -> None:
    """It may be no number at all: its answer is about it where the text is the same."""
    service = host()
    source = IDS["tokens"](CHUNK)
    source[3]["phone_number"] = "extension 7"
    report = send(service, source, on_invalid="send")
    found = check(report, service)
    assert [row["row"] for row in found if row["outcome"] == "rejected"] == [3]
    assert (report.accepted, service.scans) == (CHUNK - 1, 0)


def test_a_number_masked_in_the_answer(send: Send, host: Host) -> None:
    """It may be anybody's."""
    masked = answers.renumbered(lambda number: f"{number[:3]}******{number[-4:]}")
    service = host(faults=at({1: tell(masked)}))
    report = send(service, IDS["tokens"](COUNT))
    check(report, service)
    assert (report.accepted, sent(service)) == (COUNT, COUNT)


@pytest.mark.parametrize("ids", IDS)
def test_real_rejections_stay_what_they_are(send: Send, host: Host, ids: str) -> None:
    """A contradiction about a chunk in which rows were rejected: they are, once more."""
    service = host(faults=at({1: tell(answers.miscounted("rejected", 3)), 2: reset(applied=1.0)}))
    source = IDS[ids](COUNT)
    for row in (13, 14, 25):
        source[row]["variables"]["service"] = "rejects"
    report = send(service, source)
    found = check(report, service)
    assert [row["row"] for row in found if row["outcome"] == "rejected"] == [13, 14, 25]
    assert report.accepted == COUNT - 3
    assert {row["error"] for row in rows(report) if row["outcome"] == "rejected"} == {
        "The number is blocked."
    }


@pytest.mark.parametrize("order", ["as sent", "another"])
@pytest.mark.parametrize("ids", IDS)
def test_which_of_two_rows_with_one_number_was_refused(
    send: Send, host: Host, ids: str, order: str
) -> None:
    """Only the order of the results would tell, and that of this service is its own."""
    change: Change = answers.reordered if order == "another" else dict
    service = host(faults=at({0: tell(change)}))
    source = IDS[ids](2)
    source[1]["phone_number"] = source[0]["phone_number"]
    source[1]["variables"]["service"] = "rejects"
    report = send(service, source)
    assert [row["outcome"] for row in rows(report)] == ["accepted", "rejected"]
    assert len(service.store) == 1
    check(report, service)
