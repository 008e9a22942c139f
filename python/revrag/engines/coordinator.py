"""The driver's end: it listens to the tasks of its jobs, as long as its process lives."""

from __future__ import annotations

import os
import secrets
import socket
import socketserver
import threading
from dataclasses import asdict
from typing import Any

from revrag.engines.jobs import LOST_AFTER, Job, Jobs, Receipt
from revrag.engines.leases import Ask, Told
from revrag.engines.link import JobStoppedError
from revrag.engines.settings import Settings
from revrag.engines.wire import Wire


class Coordinator:
    """Leases keys to the tasks of a cluster, from within the driver's process.

    Attributes:
        address: Where tasks find it.
        secret: What proves that somebody is a task of this driver's.
    """

    def __init__(self, host: str, bind: str | None = None, port: int = 0) -> None:
        self.secret = secrets.token_bytes(32)
        self._jobs = Jobs()
        self._lock = threading.RLock()
        self._process = os.getpid()
        handler = type("Handler", (_Handler,), {"coordinator": self})
        self._server = _Server((bind if bind is not None else host, port), handler)
        self.address: tuple[str, int] = (host, self._server.server_address[1])
        thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), daemon=True)
        thread.name = "revrag-coordinator"
        thread.start()

    @property
    def receipts(self) -> list[Receipt]:
        """What each job that is over came to, the latest last."""
        return list(self._jobs.receipts)

    def close(self) -> None:
        """Hangs up. Tasks that are under way stop within seconds."""
        if os.getpid() == self._process:
            self._server.shutdown()
            self._server.server_close()
            for job in self._jobs.by_id.values():
                job.close()

    def job(self, number: int) -> Job:
        """A job by its number."""
        return self._jobs.by_id[number]

    def open(self, settings: Settings, exclude: object = None) -> int:
        """A new job, not started. ``exclude`` is as for ``Campaign.upload``."""
        with self._lock:
            return self._jobs.open(settings, exclude)

    def over(self, number: int, rows: dict[str, int], *, committed: bool) -> Receipt:
        """A job is over."""
        with self._lock:
            receipt = self._jobs.over(number, rows, committed=committed)
            self._jobs.by_id[number].close()
            return receipt


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A task that hangs up is no error of the driver's."""


class _Handler(socketserver.BaseRequestHandler):
    coordinator: Coordinator

    def handle(self) -> None:
        """Answers one task until it hangs up, or is silent for too long."""
        connection: socket.socket = self.request
        connection.settimeout(LOST_AFTER)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire = Wire(connection, self.coordinator.secret, is_driver=True)
        begun: list[tuple[Job, int]] = []
        try:
            while True:
                asked = wire.receive()
                try:
                    answer = {"ok": self._answer(asked, begun)}
                except JobStoppedError as error:
                    answer = {"stopped": str(error)}
                except LookupError as error:
                    answer = {"refused": str(error.args[0] if error.args else error)}
                except Exception as error:
                    answer = {"failed": f"{type(error).__name__}: {error}"}
                wire.send(answer)
        except OSError:
            return
        finally:
            for job, attempt in begun:
                job.lose(attempt)

    def _answer(self, asked: dict[str, Any], begun: list[tuple[Job, int]]) -> Any:
        coordinator, do = self.coordinator, asked["do"]
        if do == "open":
            settings = Settings.from_json(asked["settings"])
            number = coordinator.open(settings, asked["exclude"])
            coordinator.job(number).start()
            return number
        job = coordinator.job(asked["job"])
        if do == "ready":
            if job.failure is not None:
                raise job.failure
            return job.is_ready
        if do == "stopped":
            return job.stopped(is_all=True)
        if do == "over":
            receipt = coordinator.over(asked["job"], asked["rows"], committed=asked["committed"])
            return asdict(receipt)
        if do == "adopt":
            adopted = job.adopt(asked["attempts"], asked["rows"])
            return [one and [one.outcome, one.run, one.status, one.error] for one in adopted]
        attempt = asked["attempt"]
        match do:
            case "begin":
                if not job.begin(attempt, asked["partition"]):
                    return False
                begun.append((job, attempt))
                return True
            case "alive":
                return job.attempts[attempt].state == "live" and not job.is_over
            case "share":
                return job.share(attempt)
            case "lease":
                verdicts = job.lease(attempt, [Ask(*ask) for ask in asked["rows"]])
                return [
                    [one.do, one.outcome, one.run, one.status, one.error, one.is_excluded]
                    for one in verdicts
                ]
            case "checked":
                job.checked(attempt, asked["rows"], asked["reasons"])
            case "tell":
                job.tell(attempt, [Told(*told) for told in asked["rows"]])
            case "may_look":
                return job.may_look(attempt)
            case "looked":
                job.looked(attempt, is_proven=asked["is_proven"])
            case "end":
                job.end(attempt)
            case _:
                raise LookupError(f"nobody knows how to {do}")
        return None
