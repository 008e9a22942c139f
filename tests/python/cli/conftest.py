"""The ``revrag`` command as a process, in a pipe and in a pseudo-terminal."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import CAMPAIGN_ID, KEY
from support.command import COLUMNS, Command, Pipe, Terminal
from support.sandboxed import hosted
from support.service import Service

Host = Callable[..., Service]


@pytest.fixture
def host() -> Iterator[Host]:
    """Start a service: ``host(faults=…)``."""
    services: list[Service] = []

    def host(**options: Any) -> Service:
        services.append(hosted(**options))
        return services[-1]

    yield host
    for service in services:
        service.close()


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment without settings, a home of its own, and a campaign."""
    kept = {
        name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ
    }
    home = tmp_path / "home"
    home.mkdir()
    return {
        **kept,
        "HOME": str(home),
        "TZ": "UTC",
        "TERM": "xterm-256color",
        "COLUMNS": str(COLUMNS),
        "REVRAG_API_KEY": KEY,
        "REVRAG_CAMPAIGN_ID": CAMPAIGN_ID,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where commands run."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def start(env: dict[str, str], folder: Path) -> Iterator[Callable[..., Command]]:
    """Start the command: ``start("push", "leads.csv", url=…, terminal=True)``."""
    running: list[Command] = []

    def start(
        *args: object, url: str = "", terminal: bool = False, script: bool = False, **more: str
    ) -> Command:
        environment = {**env, **more, **({"REVRAG_BASE_URL": url} if url else {})}
        kind = Terminal if terminal else Pipe
        console = Path(sysconfig.get_path("scripts")) / "revrag" if script else None
        running.append(kind(list(map(str, args)), environment, folder, console))
        return running[-1]

    yield start
    for command in running:
        command.close()
