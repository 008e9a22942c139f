"""A task's end: it asks the driver, and stops what it sends once the lease is lost."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from revrag.engines.wire import Wire
from revrag.errors import RevragError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType
    from typing import Self

# Seconds between words, and after the last that was answered until the lease counts as lost: sooner
# than the driver gives it to another.
BEAT = 4.0
LAPSES_AFTER = 18.0


class LeaseLostError(RevragError):
    """The driver gave this part of the job to another attempt, or can't be reached.

    What was sent is recognised by the attempt that follows: the engine starts it by itself.
    """


class JobStoppedError(RevragError):
    """Nothing more of a job is to be sent; the end of the job says why."""


class Link:
    """A connection to the driver.

    Raises:
        LeaseLostError: The driver can't be reached.
    """

    def __init__(self, address: tuple[str, int], secret: bytes, job: int | None = None) -> None:
        self.attempt = secrets.randbits(62)
        self._job = job
        self._lock = threading.Lock()
        self._lost: str | None = None
        self._current: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None
        self._over = threading.Event()
        self._answered = time.monotonic()
        try:
            connection = socket.create_connection(address, timeout=LAPSES_AFTER - BEAT)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._wire = Wire(connection, secret, is_driver=False)
        except OSError as error:
            host, port = address
            raise LeaseLostError(
                f"the driver does not answer at {host}:{port} ({type(error).__name__}), and "
                "without its leases a row could go out twice: let executors reach that port of "
                "the driver, or choose another with host= and port= of register or of the sink"
            ) from error
        self._beats = threading.Thread(target=self._beat, name="revrag-lease", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._wire.close()

    def ask(self, do: str, **what: Any) -> Any:
        """Asks the driver.

        Raises:
            LeaseLostError: It refuses, or does not answer.
            JobStoppedError: Nothing more is to be sent.
        """
        if self._lost is not None:
            raise LeaseLostError(self._lost)
        message = {"do": do, "job": self._job, "attempt": self.attempt, **what}
        try:
            with self._lock:
                began = time.monotonic()
                self._wire.send(message)
                answer = self._wire.receive()
                self._answered = began
        except (OSError, ValueError) as error:
            reason = f"the driver does not answer any more ({type(error).__name__})"
            self._lose(reason)
            raise LeaseLostError(reason) from error
        if "failed" in answer:
            raise RevragError(f"on the driver: {answer['failed']}")
        if "stopped" in answer:
            raise JobStoppedError(answer["stopped"])
        if "refused" in answer:
            raise LeaseLostError(f"the driver refuses: {answer['refused']}")
        return answer["ok"]

    def wait(self, do: str, **what: Any) -> Any:
        """Asks until the answer is yes."""
        pause = 0.02
        while not (answer := self.ask(do, **what)):
            if do == "share" and answer is None:
                return None
            time.sleep(pause)
            pause = min(pause * 1.5, 1.0)
        return answer

    def begin(self, partition: int) -> None:
        """Begins a part of the job, once no other attempt has it."""
        self.wait("begin", partition=partition)
        self._beats.start()

    def run(self, upload: Coroutine[Any, Any, Any]) -> Any:
        """Runs an upload, which is cancelled in the moment the lease is lost."""

        async def guarded() -> Any:
            task = asyncio.ensure_future(upload)
            self._current = (asyncio.get_running_loop(), task)
            if self._lost is not None:
                task.cancel()
            try:
                return await task
            finally:
                self._current = None

        try:
            return asyncio.run(guarded())
        except asyncio.CancelledError as error:
            raise LeaseLostError(self._lost or "the upload was cancelled") from error

    def _beat(self) -> None:
        # The lock may be taken by a call that hangs: the time is looked at beside it.
        watch = threading.Thread(target=self._watch, name="revrag-lapse", daemon=True)
        watch.start()
        while not self._over.wait(BEAT):
            with contextlib.suppress(RevragError):
                if not self.ask("alive"):
                    self._lose("the driver counts this attempt as over")

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            if time.monotonic() - self._answered > LAPSES_AFTER:
                self._lose("the driver has not answered in time")
                # A call that hangs on it ends, too.
                with contextlib.suppress(OSError):
                    self._wire.close()
                return

    def _lose(self, reason: str) -> None:
        self._lost = self._lost or reason
        if (current := self._current) is not None:
            loop, task = current
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)
