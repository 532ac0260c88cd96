"""What earlier runs found that still holds.

A trace holds while the code is the same: only the files of tests that changed are traced again. A
killed change stays killed while its module and the file of the test that noticed it are the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from mutants.changes import Change
from mutants.reach import Reach
from mutants.trial import KILLED, Trial

TRACE, TRIALS = "reach.json", "trials.jsonl"


def read_trials(notes: Path) -> Iterator[Trial]:
    """Read the trials that were noted."""
    for line in notes.read_text().splitlines() if notes.exists() else []:
        entry = json.loads(line)
        yield Trial(**entry | {"change": Change(**entry["change"])})


def killed_before(place: Path, tree: Path) -> Iterator[Trial]:
    """Give the changes that earlier runs, beside this one in its folder, saw noticed."""
    for notes in sorted(place.parent.glob(f"*/{TRIALS}")):
        for trial in read_trials(notes):
            files = (trial.change.module, trial.killer.partition("::")[0])
            before = notes.parent / "tree0"
            if trial.outcome == KILLED and all(_is_same(before / f, tree / f) for f in files):
                yield trial


def traced_before(place: Path, tree: Path, tests: Sequence[str]) -> tuple[Reach, list[str]]:
    """Give the latest trace of the same code and folders, and the files to trace again.

    Without one, or where more than files of tests changed, the trace is empty and so is the list.
    """
    same_tests = place.name.partition("-")[2]
    runs = [run for run in place.parent.glob(f"*-{same_tests}") if (run / TRACE).exists()]
    for run in sorted(runs, key=lambda run: (run / TRACE).stat().st_mtime, reverse=True):
        new = _changed(run / "tree0", tree)
        if all(Path(name).name.startswith("test_") and name.startswith("tests/") for name in new):
            known = Reach.of_json(json.loads((run / TRACE).read_text()))
            again = [name for name in new if (tree / name).exists() and _is_within(name, tests)]
            return known.without(new), again
    return Reach(), []


def _is_within(name: str, folders: Sequence[str]) -> bool:
    return any(Path(name).is_relative_to(folder) for folder in folders)


def _changed(before: Path, now: Path) -> list[str]:
    """Files that are not the same, or in one of two only."""
    names = {
        file.relative_to(root).as_posix()
        for root in (before, now)
        for part in ("src", "tests")
        for file in (root / part).rglob("*")
        if file.is_file() and file.suffix in {".py", ".json", ".yaml", ".csv"}
        and not file.relative_to(root).as_posix().startswith("tests/mutants/")
    }  # fmt: skip
    return sorted(name for name in names if not _is_same(before / name, now / name))


def _is_same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()
