"""Debian's chromium, driven by playwright: nothing is downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, sync_playwright

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def running() -> Iterator[Browser]:
    """A browser, for as long as the block lasts: its driver keeps an event loop running."""
    with sync_playwright() as playwright:
        # As root, and in a container, it can't have a sandbox of its own.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=arguments)
        yield browser
        browser.close()


@contextmanager
def context(
    browser: Browser, *, dark: bool = False, phone: bool = False, missing: bool = False
) -> Iterator[BrowserContext]:
    """A window of its own. What a page's scripts or its policy complain of is an error.

    With ``missing``, a page may be one that is not there.
    """
    size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
    scheme = "dark" if dark else "light"
    made = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    made.set_default_timeout(15_000)
    complaints: list[str] = []
    made.on("weberror", lambda error: complaints.append(str(error.error)))

    def listen(message: ConsoleMessage) -> None:
        # A sandbox may stop before its pages are closed.
        known = ["net::ERR_", *(["status of 404"] if missing else [])]
        if message.type == "error" and not any(it in message.text for it in known):
            complaints.append(message.text)

    made.on("console", listen)
    yield made
    made.close()
    if complaints:
        raise AssertionError("\n".join(complaints))
