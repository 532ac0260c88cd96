"""The folder of a run appears whole, under its name, and belongs to one job."""

from __future__ import annotations

import errno
import os

import pytest

from allsurv.cli.folders import NewFolder
from allsurv.errors import ConfigError


def test_a_folder_appears_when_it_is_finished(tmp_path):
    place = tmp_path / "runs" / "one"
    with NewFolder(place) as made:
        (made.part / "a.txt").write_text("a")
        assert not place.exists()
        assert made.finish() == place
    assert [f.name for f in place.iterdir()] == ["a.txt"]
    assert [f.name for f in place.parent.iterdir()] == ["one"]
    assert place.stat().st_mode & 0o777 == 0o777 & ~_umask()


def test_what_is_broken_off_leaves_nothing(tmp_path):
    def broken_off():
        with NewFolder(tmp_path / "one") as made:
            (made.part / "a.txt").write_text("a")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    assert not any(tmp_path.iterdir())


def test_two_jobs_of_one_name_each_keep_their_own(tmp_path):
    place = tmp_path / "one"
    with NewFolder(place) as first, NewFolder(place) as second:
        (first.part / "who").write_text("first")
        (second.part / "who").write_text("second")
        assert second.finish() == place
        assert first.finish() == tmp_path / "one-2"
    assert (place / "who").read_text() == "second"
    assert (tmp_path / "one-2" / "who").read_text() == "first"


def test_a_folder_that_holds_something_is_refused_before_anything_is_done(tmp_path):
    (tmp_path / "patients.csv").write_text("id")
    with pytest.raises(ConfigError, match="is there already and not empty"):
        NewFolder(tmp_path)
    with pytest.raises(ConfigError, match="is there already"):
        NewFolder(tmp_path / "patients.csv")
    assert [f.name for f in tmp_path.iterdir()] == ["patients.csv"]


def test_an_empty_folder_may_be_named(tmp_path):
    place = tmp_path / "empty"
    place.mkdir()
    with NewFolder(place) as made:
        (made.part / "a").write_text("a")
        assert made.finish() == place


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        NewFolder(tmp_path / "file" / "out")


def test_a_full_disk_is_one_message(tmp_path):
    place = tmp_path / "one"
    with pytest.raises(ConfigError, match="No space left"), NewFolder(place) as made:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(made.part / "a.txt"))
    assert not place.exists()


def test_another_error_of_the_system_is_not_called_one_of_the_folder(tmp_path):
    with pytest.raises(FileNotFoundError), NewFolder(tmp_path / "one"):
        raise FileNotFoundError(errno.ENOENT, "no such file", "elsewhere")


def _umask():
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
