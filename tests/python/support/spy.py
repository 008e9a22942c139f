"""A store of a user's own, which notes what it is asked."""

from __future__ import annotations

from revrag.webhooks.stores import State


class Spy:
    """Remembers, and notes each question and whatever else a test notes."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        self._states: dict[str, State] = {}

    def claim(self, key: str) -> State:
        state = self._states.get(key, "new")
        self._states.setdefault(key, "in_progress")
        self.noted.append(f"claim {state}")
        return state

    def commit(self, key: str) -> None:
        self._states[key] = "done"
        self.noted.append("commit")

    def release(self, key: str) -> None:
        if self._states.get(key) == "in_progress":
            del self._states[key]
        self.noted.append("release")


class AsyncSpy:
    """The same, to be awaited."""

    def __init__(self) -> None:
        self._spy = Spy()
        self.noted = self._spy.noted

    async def claim(self, key: str) -> State:
        return self._spy.claim(key)

    async def commit(self, key: str) -> None:
        self._spy.commit(key)

    async def release(self, key: str) -> None:
        self._spy.release(key)


class Broken:
    """Fails at one verb."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._spy = Spy()
        self.noted = self._spy.noted

    def _ask(self, verb: str, key: str) -> State:
        if verb == self._verb:
            raise ConnectionError("no store there")
        return getattr(self._spy, verb)(key)

    def claim(self, key: str) -> State:
        return self._ask("claim", key)

    def commit(self, key: str) -> None:
        self._ask("commit", key)

    def release(self, key: str) -> None:
        self._ask("release", key)
