"""Answers to a push that contradict it or themselves: pure functions of the right answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Answer = dict[str, Any]


def reordered(answer: Answer) -> Answer:
    """The results in another order than the records."""
    return answer | {"results": answer["results"][::-1]}


def shifted(answer: Answer) -> Answer:
    """Each result one place further."""
    results = answer["results"]
    return answer | {"results": results[-1:] + results[:-1]}


def repeated(answer: Answer) -> Answer:
    """One run id for two records."""
    results = answer["results"]
    return answer | {
        "results": [results[0], results[1] | {"run_id": results[0]["run_id"]}, *results[2:]]
    }


def miscounted(name: str, by: int) -> Callable[[Answer], Answer]:
    """A counter that is not what the results add up to."""
    return lambda answer: answer | {name: answer[name] + by}


def disowned(answer: Answer) -> Answer:
    """Rejections beside run ids: each record was queued all the same."""
    results = [
        one | {"accepted": False, "status": None, "error": "It may be a duplicate."}
        for one in answer["results"]
    ]
    return {"accepted": 0, "rejected": len(results), "results": results}


def renumbered(change: Callable[[str], str]) -> Callable[[Answer], Answer]:
    """Phone numbers in another form."""

    def renumber(answer: Answer) -> Answer:
        results = [one | {"phone_number": change(one["phone_number"])} for one in answer["results"]]
        return answer | {"results": results}

    return renumber


def unnamed(answer: Answer) -> Answer:
    """Results without phone numbers."""
    results = [
        {name: value for name, value in one.items() if name != "phone_number"}
        for one in answer["results"]
    ]
    return answer | {"results": results}


class Stale:
    """Answers as a cache in between does: every answer after the first is the first."""

    def __init__(self) -> None:
        self.first: Answer | None = None

    def __call__(self, answer: Answer) -> Answer:
        if self.first is None:
            self.first = answer
        return self.first
