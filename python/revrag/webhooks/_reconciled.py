"""What a reconciliation came to."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Reconciled:
    """What `Campaign.reconcile` came to.

    Attributes:
        handled: Calls whose handler was run now and succeeded.
        known: Calls that were handled before.
        in_progress: Calls that somebody else is handling.
        failed: Ids of calls whose handler or store failed: they will be handed over again.
        missing: Ids of calls that records name and the service does not know.

    Example:
        >>> revrag.webhooks.Reconciled(handled=3).handled
        3
    """

    handled: int = 0
    known: int = 0
    in_progress: int = 0
    failed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def _repr_html_(self) -> str:
        from revrag import _html

        return _html.table(self, ["handled", "known", "in_progress", "failed", "missing"])
