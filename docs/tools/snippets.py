"""Runs what a page shows, in order, and tells what it printed.

`python docs/tools/snippets.py docs/tutorial.md` prints a JSON list with an entry for each fence of
the page: what it printed. The build puts that on the page; the tests run every page.

A fence is `python`, `bash` or anything else, and may carry words that a reader does not see:

- `output`: what it prints is shown below it;
- `file=NAME`: it is written to that file, and not run;
- `fresh`: what earlier blocks defined is forgotten;
- `background=8000`: it runs on, and is ready when something listens on that port;
- `log=8000 until=WORD*2`: a `text` block, filled with what that process printed, up to the second
  line with the word;
- `exit=1`: it ends with that code;
- `skip=REASON`: it can't run here; it must be well-formed all the same.

A comment `<!-- python …-->` is run and not shown. All runs in an empty folder, against a sandbox.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

FENCE = re.compile(
    r"^(?P<mark>```)(?P<info>[^\n]*)\n(?P<code>.*?)^```$"
    r"|^<!-- (?P<hidden>python|bash)\n(?P<secret>.*?)^-->$",
    re.MULTILINE | re.DOTALL,
)
PORT = re.compile(r"""((?:127\.0\.0\.1|localhost):|"127\.0\.0\.1", |--port[ =])([5-9]\d{3})\b""")
# What would ask a package registry.
INSTALLS = re.compile(r"^(?:python -m )?(?:pip|uv|pipx) ", re.MULTILINE)
PATIENCE = 20.0  # seconds for a process to listen, or to print what is waited for
LONGEST = 110  # seconds for a page


class Fence(NamedTuple):
    """A block of a page."""

    language: str
    words: dict[str, str]
    code: str
    line: int
    start: int
    end: int
    hidden: bool

    @property
    def is_run(self) -> bool:
        """Whether it is a program that can run here."""
        if "skip" in self.words or "file" in self.words:
            return False
        if self.language == "bash":
            return not INSTALLS.search(self.code)
        return self.language == "python"


def fences(text: str) -> list[Fence]:
    """The blocks of a page, in order."""
    found = []
    for match in FENCE.finditer(text):
        if match["hidden"]:
            language, words = match["hidden"], {}
        else:
            language, *rest = shlex.split(match["info"]) or [""]
            words = dict(word.partition("=")[::2] for word in rest)
        start, end = match.span()
        code = match["secret"] if match["hidden"] else match["code"]
        line = text.count("\n", 0, match.start("secret" if match["hidden"] else "code"))
        found.append(Fence(language, words, code, line, start, end, bool(match["hidden"])))
    return found


@dataclass
class Page:
    """A page that is run: its namespace, its processes and its ports."""

    path: Path
    namespace: dict[str, Any] = field(default_factory=dict)
    ports: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    logs: dict[str, list[str]] = field(default_factory=dict)

    def real(self, code: str) -> str:
        """The code with free ports in the place of those that it names."""

        def replaced(match: re.Match[str]) -> str:
            return match[1] + self.ports.setdefault(match[2], free_port())

        return PORT.sub(replaced, code)

    def shown(self, output: str) -> str:
        """What was printed, with the ports that the page names."""
        for told, real in self.ports.items():
            output = re.sub(rf"\b{real}\b", told, output)
        return output.replace(str(Path.cwd()), "/home/you")

    def run(self, fence: Fence) -> str:
        """Run a block; what it printed."""
        words = fence.words
        if "file" in words:
            target = Path(words["file"])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(self.real(fence.code), encoding="utf-8")
        if "log" in words:
            return self.log(words["log"], words["until"])
        if not fence.is_run:
            well_formed(fence)
            return ""
        if "fresh" in words or not self.namespace:
            self.namespace = {"__name__": "page"}
        if fence.language == "python":
            return self.run_python(fence)
        if "background" in words:
            self.start(fence)
            return ""
        return self.run_bash(fence)

    def run_python(self, fence: Fence) -> str:
        """Run a program in the page's namespace."""
        # Blank lines before it give a traceback the page's line numbers.
        code = compile("\n" * fence.line + self.real(fence.code), str(self.path), "exec")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, self.namespace)
        return self.shown(printed.getvalue())

    def run_bash(self, fence: Fence) -> str:
        """Run a script, and keep what it exports for the next one."""
        script = f"trap 'env -0 >.env' EXIT\n{self.real(fence.code)}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        expected = int(fence.words.get("exit", 0))
        if done.returncode != expected:
            raise RuntimeError(
                f"line {fence.line}: exit code {done.returncode}, not {expected}:\n{done.stdout}"
            )
        kept = Path(".env")
        exported = dict(it.split("=", 1) for it in kept.read_text().split("\0") if "=" in it)
        os.environ.update({k: v for k, v in exported.items() if k.startswith("REVRAG")})
        kept.unlink()
        return self.shown(done.stdout)

    def start(self, fence: Fence) -> None:
        """Start a process, and wait until it listens."""
        told = fence.words["background"]
        process = subprocess.Popen(
            ["bash", "-c", f"exec env {self.real(fence.code)}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        self.processes[told] = process
        lines = self.logs[told] = []
        assert process.stdout is not None
        threading.Thread(target=lines.extend, args=(process.stdout,), daemon=True).start()
        address = ("127.0.0.1", int(self.ports[told]))

        def listens() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"line {fence.line}: it ended: {''.join(lines)}")
            with contextlib.suppress(OSError), socket.create_connection(address, 1):
                return True
            return False

        wait(listens, f"line {fence.line}: nothing listens on {told}")

    def log(self, told: str, until: str) -> str:
        """What a process has printed, once it has."""
        word, _, count = until.partition("*")
        lines = self.logs[told]

        def found() -> list[int]:
            return [at for at, line in enumerate(lines) if word in line]

        wait(lambda: len(found()) >= int(count or 1), f"not enough of {word!r} in {lines}")
        return self.shown("".join(lines[: found()[int(count or 1) - 1] + 1]))

    def stop(self) -> None:
        """End the processes that the page began."""
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def well_formed(fence: Fence) -> None:
    """Refuse a block that could not run anywhere."""
    if fence.language == "python":
        compile("\n" * fence.line + fence.code, "page", "exec")
    elif fence.language == "bash":
        subprocess.run(["bash", "-n", "-c", fence.code], check=True, timeout=10)
    elif fence.language == "json":
        json.loads(fence.code)


def wait(is_so: Any, otherwise: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(0.02)


def free_port() -> str:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def run_page(path: Path) -> list[str]:
    """Run all of a page; what each block printed."""
    from revrag.sandbox import Sandbox

    page = Page(path)
    text = path.read_text(encoding="utf-8")
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        Sandbox(dispatch_after=0.01, call_duration=0.01, failure_rate=0) as sandbox,
    ):
        os.environ |= {
            "HOME": folder,
            "NO_COLOR": "1",
            "NO_PROXY": "*",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "REVRAG_API_KEY": sandbox.api_key,
            "REVRAG_BASE_URL": sandbox.url,
            "REVRAG_CAMPAIGN_ID": sandbox.campaign_id,
            "REVRAG_CONFIG": f"{folder}/none.toml",
            "REVRAG_WEBHOOK_SECRET": "whsec_of_the_pages",
        }
        sys.path.insert(0, folder)
        try:
            return [page.run(fence) for fence in fences(text)]
        finally:
            page.stop()


if __name__ == "__main__":
    faulthandler.dump_traceback_later(LONGEST, exit=True)
    try:
        printed = run_page(Path(sys.argv[1]).resolve())
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    print(json.dumps(printed), flush=True)
    # Snippets may leave threads and loops behind.
    os._exit(0)
