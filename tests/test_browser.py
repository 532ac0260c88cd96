"""A browser that fails to start is started again; one that is not there is a skip with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

import browser

PAGE = "<!doctype html><html><body><pre>done</pre></body></html>"


def stand_in(place: Path, *, fails: int) -> None:
    """Write a program that fails some times, then prints the page it is given."""
    program = place / "chromium"
    program.write_text(
        f"""#!/bin/sh
echo once >> {place}/starts
[ "$(wc -l < {place}/starts)" -gt {fails} ] || {{ echo "no memory" >&2; exit 133; }}
for last; do :; done
cat "${{last#file://}}"
"""
    )
    program.chmod(0o755)


def found(place: Path, name: str) -> str | None:
    program = place / name
    return str(program) if program.is_file() else None


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(browser.shutil, "which", lambda name: found(tmp_path, name))
    file = tmp_path / "page.html"
    file.write_text(PAGE)
    return file


@pytest.mark.parametrize("fails", [0, 1, 2])
def test_it_is_started_again(page, tmp_path, fails):
    stand_in(tmp_path, fails=fails)
    assert browser.dump(page) == PAGE
    assert len((tmp_path / "starts").read_text().splitlines()) == fails + 1


def test_after_three_attempts_the_reason_is_told(page, tmp_path):
    stand_in(tmp_path, fails=3)
    with pytest.raises(pytest.fail.Exception, match="none of 3 attempts: exit code 133: no memory"):
        browser.dump(page)


def test_one_that_is_not_there_is_a_skip(page):
    with pytest.raises(pytest.skip.Exception, match="no Chromium on this machine"):
        browser.dump(page)
