"""For the tests of your webhook endpoints: signed deliveries, and a clock that stands still.

The pytest fixtures `revrag_clock`, `revrag_sandbox` and `revrag_sandbox_async` need no import:
pytest finds their plugin, `revrag.testing.fixtures`, by itself.

Example:
    >>> verifier = revrag.WebhookVerifier("whsec")
    >>> sent = revrag.testing.delivery(revrag.testing.sample_call(duration=3), verifier)
    >>> verifier.verify(sent.body, sent.headers).call.duration
    3
"""

from revrag.testing._clock import FixedClock
from revrag.testing._delivery import Delivery, delivery, sample_call

__all__ = ["Delivery", "FixedClock", "delivery", "sample_call"]
