"""A change tried: made in a copy of the tree, the tests that reach it run, the change undone."""

from __future__ import annotations

import compileall
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mutants.changes import Change
from mutants.reach import Reach
from mutants.warm import runner_of

KILLED, SURVIVED = "killed", "survived"
PATIENCE = 60.0
"""Seconds that tests may take beyond five times what they took unchanged."""


@dataclass(frozen=True)
class Trial:
    """What became of a change: by which test it fell, how many reach it, how many were asked."""

    change: Change
    outcome: str
    killer: str
    reached_by: str
    n_tests: int
    n_asked: int


def copy_tree(root: Path, to: Path) -> Path:
    """Copy what git would keep, committed or not; the working tree is never written to."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others"]
    listed = subprocess.run([*command, "--exclude-standard"], capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, to / name)
    # Trials write no bytecode: a changed module, newer than its own, is compiled in memory.
    compileall.compile_dir(to / "src", quiet=1)
    return to


def try_change(
    change: Change, reach: Reach, tree: Path, budget: float, sound: dict[str, bool]
) -> Trial:
    """Try one change in a copy of the tree.

    A test that fails must pass alone on the unchanged code, or it says nothing of the change: it is
    left out and the others are asked again. ``sound`` keeps what is known of that.
    """
    tests, how = reach.tests_of(change)
    file = tree / change.module
    source, kept = file.read_bytes(), file.stat()
    while True:
        asked = reach.within([test for test in tests if sound.get(test, True)], budget)
        if not asked:
            return Trial(change, SURVIVED, "", how, len(tests), 0)
        try:
            file.write_bytes(change.apply(source))
            killer = _first_failure(asked, tree, PATIENCE + 5 * reach.cost(asked), change)
        finally:
            file.write_bytes(source)
            os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))  # or numba compiles anew
        if killer in asked and killer not in sound:
            sound[killer] = not _first_failure([killer], tree, 10 * PATIENCE, None)
        if sound.get(killer, True):
            outcome = KILLED if killer else SURVIVED
            return Trial(change, outcome, killer, how, len(tests), len(asked))


def _first_failure(tests: Sequence[str], tree: Path, seconds: float, change: Change | None) -> str:
    """Give the first test that fails, or ``time limit`` or ``import``; nothing where all pass."""
    with tempfile.TemporaryDirectory() as place:
        compiled = change is not None and b"@compiled" in (tree / change.module).read_bytes()
        names = Path(place) / "tests"
        names.write_text("\n".join(tests))
        arguments = [
            "-x", "-q", "-p", "no:cacheprovider", "--tb=no", "--hypothesis-seed=0", f"@{names}",
        ]  # fmt: skip
        # numba's cache of a function holds those of other files that it calls.
        code, printed = runner_of(tree).run(arguments, seconds, place if compiled else "")
    if code == -signal.SIGKILL:
        return "time limit"
    return _verdict(code, printed, tests)


def _verdict(code: int, printed: str, tests: Sequence[str]) -> str:
    if code == 0:
        return ""
    for test in tests:
        if re.search(rf"^(FAILED|ERROR) {re.escape(test)}( -|$)", printed, re.M):
            return test
    if code in (2, 4) and re.search(r"^ERROR|^E  |Error", printed, re.M):
        return "import"  # the changed package cannot even be imported
    if code < 0:
        return f"signal {-code}"
    raise SystemExit(f"mutants: pytest ended with {code}, and no test failed:\n{printed[-2000:]}")
