"""Pages opened in Chromium without a window, as tests of the card and the calculator need."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

NAMES = ("chromium", "google-chrome", "chrome")
SECONDS = 120.0
ATTEMPTS = 3
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--dump-dom",
)  # fmt: skip


def find_browser() -> str | None:
    """Find it now: it may be installed, or go, while tests run."""
    return next(filter(None, map(shutil.which, NAMES)), None)


needs_browser = pytest.mark.skipif(find_browser() is None, reason="no Chromium on this machine")


def dump(page: Path, *options: str, budget: int = 30_000) -> str:
    """Open a page and give its document after its scripts have run.

    Several browsers at once, one for each worker of pytest-xdist, can starve one another of memory
    and time: one that ends or hangs before it has drawn the page is started again, with a profile
    of its own. What the page says is never tried twice.
    """
    why = ""
    for _ in range(ATTEMPTS):
        browser = find_browser()
        if browser is None:
            pytest.skip("no Chromium on this machine any more")
        with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            command = [browser, *OPTIONS, f"--virtual-time-budget={budget}", *options]
            command += [f"--user-data-dir={profile}", page.as_uri()]
            try:
                done = subprocess.run(
                    command, capture_output=True, text=True, check=False, timeout=SECONDS
                )
            except (subprocess.TimeoutExpired, FileNotFoundError) as error:
                why = str(error)
                continue
        if done.returncode == 0 and "</html>" in done.stdout:
            return done.stdout
        why = f"exit code {done.returncode}: {done.stderr[-500:]}"
    pytest.fail(f"Chromium opened {page.name} in none of {ATTEMPTS} attempts: {why}")
