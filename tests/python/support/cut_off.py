"""What scripts share in which a push is cut off."""

from __future__ import annotations

from support import PUSHED, REJECTION

# One accepted and one rejected.
ANSWER = PUSHED | {"rejected": 1, "results": [*PUSHED["results"], REJECTION]}

# What a user finds in the chain of an exception, as its traceback tells it.
CHAIN = """
import logging
warned = []
class Keep(logging.Handler):
    def emit(self, record):
        warned.append(record.getMessage())
logging.getLogger("revrag").addHandler(Keep())
def chain(error):
    while error is not None:
        yield error
        shown = error.__cause__ is None and not error.__suppress_context__
        error = error.__context__ if shown else error.__cause__
def unknown(error, records=2):
    (found,) = [e for e in chain(error) if isinstance(e, revrag.PushOutcomeUnknownError)]
    assert (found.record_count, found.positions) == (records, range(records))
    assert found.result is None
    for said in ("may already be about to ring", "campaign.find(", "campaign.upload([record])"):
        assert said in str(found), found
    assert not any(digits in str(found) for digits in ("98765", "Pankaj"))
    assert warned == [str(found)]
    warned.clear()
    return found
def nothing_sent(error):
    (found,) = [e for e in chain(error) if isinstance(e, revrag.APIConnectionError)]
    assert not any(isinstance(e, revrag.PushOutcomeUnknownError) for e in chain(error))
    assert "nothing was sent" in str(found), found
    assert warned == []
    return found
def answered(error):
    (found,) = [e for e in chain(error) if isinstance(e, revrag.PushOutcomeUnknownError)]
    assert found.result.accepted == 1 and len(found.result.results) == 2
    assert "1 accepted, 1 rejected" in str(found) and "result" in str(found)
    assert warned == [str(found)]
    warned.clear()
    return found
LEADS = [LEAD, LEAD | {"phone_number": "not-a-number"}]
class SoftTimeLimit(Exception):
    pass
def raise_soft_limit(number, frame):
    raise SoftTimeLimit
signal.signal(signal.SIGUSR1, raise_soft_limit)
"""
