"""A file is there whole, or as it was before."""

from __future__ import annotations

import stat

import pytest

from allsurv.whole_file import whole_file


def test_a_file_appears_when_all_of_it_is_written(tmp_path):
    path = tmp_path / "table.csv"
    with whole_file(path) as part:
        part.write_text("half")
        assert not path.exists()
        assert part.suffix == ".csv"
        assert part.parent == tmp_path
        part.write_text("whole")
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_text() == "whole"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_the_file_is_as_it_was(tmp_path, error):
    path = tmp_path / "table.csv"
    path.write_text("before")

    def write() -> None:
        with whole_file(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(error):
        write()
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_text() == "before"


def test_two_jobs_may_write_the_same_file(tmp_path):
    path = tmp_path / "table.csv"
    with whole_file(path) as first, whole_file(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # the one that ended last


def test_a_private_file_is_for_its_owner_only(tmp_path):
    path = tmp_path / "table.csv"
    with whole_file(path, private=True) as part:
        part.write_text("a")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
