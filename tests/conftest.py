"""Fixtures shared by all tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DIFFERENCES = ROOT / "tests" / "reference" / "differences"


@pytest.fixture(scope="session")
def root() -> Path:
    """Top folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real cohorts and of the paper's text beside the project; skips where absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("reference cohorts (../shared) are not on this machine")
    return folder


@pytest.fixture(scope="session")
def reference() -> Callable[[str], dict]:
    """Read one file of values made by R, by its topic."""

    def read(topic: str) -> dict:
        return json.loads((ROOT / "tests" / "reference" / f"{topic}.json").read_text())

    return read


@pytest.fixture
def record_difference(record_property) -> Callable[[str, str, float], None]:
    """Note the largest relative difference to R that a test saw, for the statistics page.

    The page is written from these notes by ``python -m tests.statistics_page``.
    """

    def record(function: str, voucher: str, difference: float) -> None:
        record_property("difference", json.dumps([function, voucher, float(difference)]))

    return record
