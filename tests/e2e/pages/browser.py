"""Chromium for the browser tests: found, installed, or missed with the reason."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

_NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
_FLAGS = [
    "--no-sandbox",  # root has no user namespace to be sandboxed in
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_AXE = Path(__file__).parent / "axe"


class NoBrowser(Exception):
    """There is none and none can be installed; the text says what was tried."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Raises `NoBrowser`."""
    with sync_playwright() as playwright:
        program = installed() or install(Path(playwright.chromium.executable_path))
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def installed() -> str | None:
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def install(own: Path) -> str:
    """Debian's when we are root, else Playwright's, which comes to `own`."""
    tried = []
    ways = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        # The shell has no user interface: it takes half the time for the same pages.
        for package in ("chromium", "chromium-headless-shell"):
            ways.insert(0, ["apt-get", "install", "-y", "-qq", package])
    for command in [] if own.exists() else ways:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        tried.append(f"{' '.join(command)}: {done.stderr.strip()[-300:] or done.returncode}")
        if found := installed() or (str(own) if own.exists() else None):
            return found
    if own.exists():
        return str(own)
    raise NoBrowser("The browser tests need Chromium, and there is none. " + " · ".join(tried))


def axe() -> str:
    """The source of axe-core, from npm under its pinned hash."""
    source = _AXE / "node_modules" / "axe-core" / "axe.min.js"
    if not source.exists():
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--silent"],  # noqa: S607
            cwd=_AXE,
            check=True,
        )
    return source.read_text(encoding="utf-8")
