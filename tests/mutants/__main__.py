"""``make mutants``: draw changes, try them, write the page."""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from queue import SimpleQueue

from mutants.changes import Change, changes_of
from mutants.earlier import TRACE, TRIALS, killed_before, read_trials, traced_before
from mutants.page import page_of, read_reasons
from mutants.reach import Reach, collect, read
from mutants.trial import Trial, copy_tree, try_change
from mutants.unreached import modules_of, unreached

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("disclosure", "findings", "models", "policy", "scoring", "stats", "validation")
SEED = 20261201


def draw(tree: Path, package: str, n: int, seed: int) -> list[Change]:
    """Draw changes of a package, the same for the same code and seed."""
    every = []
    for file in modules_of(tree, package):
        module = file.relative_to(tree).as_posix()
        every += changes_of(module, file.read_bytes())
    chance = random.Random(f"{seed} {package}")
    return chance.sample(every, min(n, len(every)))


def _digest(tree: Path) -> str:
    """Digest of code and tests: what was traced and tried holds for these only."""
    digest = hashlib.sha256()
    for place in ("src", "tests"):
        for file in sorted((tree / place).rglob("*")):
            if file.is_file() and file.suffix in {".py", ".json", ".yaml", ".csv"}:
                digest.update(file.relative_to(tree).as_posix().encode() + b"\0")
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _traced(tree: Path, tests: list[str], place: Path, jobs: int) -> Reach:
    done = place / TRACE
    if done.exists():
        return Reach.of_json(json.loads(done.read_text()))
    known, again = traced_before(place, tree, tests)
    if again or not known.seconds:
        shutil.rmtree(place / "contexts", ignore_errors=True)
        collect(tree, again or tests, place / "contexts", jobs)
        known = known.joined(read(place / "contexts", tree))
    done.write_text(json.dumps(known.to_json()))
    return known


def _try_all(
    changes: list[Change],
    reach: Reach,
    trees: list[Path],
    budget: float,
    minutes: float,
    place: Path,
) -> list[Trial]:
    """Try changes in as many copies as there are, and note each: a break loses none.

    None is begun after so many minutes; those left are not in the answer.
    """
    end = time.monotonic() + 60 * minutes
    notes = place / TRIALS
    known = {trial.change: trial for trial in killed_before(place, trees[0])}
    known |= {trial.change: trial for trial in read_trials(notes)}
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)
    sound: dict[str, bool] = {}

    def try_one(change: Change) -> Trial | None:
        if time.monotonic() > end:
            return None
        tree = free.get()
        try:
            trial = try_change(change, reach, tree, budget, sound)
        finally:
            free.put(tree)
        with notes.open("a") as file:
            file.write(json.dumps(asdict(trial)) + "\n")
        print(f"{trial.outcome:8} {change.key}  [{trial.killer or trial.n_asked}]", flush=True)
        return trial

    new = [change for change in changes if change not in known]
    with ThreadPoolExecutor(len(trees)) as pool:
        known |= {trial.change: trial for trial in pool.map(try_one, new) if trial is not None}
    return [known[change] for change in changes if change in known]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("packages", nargs="*", default=list(PACKAGES))
    parser.add_argument("--sample", type=int, default=20, help="changes drawn per package")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of tests per change")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin none after these")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--tests", nargs="+", default=["tests", "src"], help="tests to trace")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "mutants.md")
    parser.add_argument("--unreached", action="store_true", help="only list refusals not reached")
    given = parser.parse_args()
    place = ROOT / ".mutants" / f"{_digest(ROOT)}-{'-'.join(given.tests).replace('/', '.')}"[:120]
    # Copied anew each time: a run that was broken off may have left a change behind.
    tree = copy_tree(ROOT, place / "tree0")
    reach = _traced(tree, given.tests, place, given.jobs)
    if given.unreached:
        print("\n".join(unreached(tree, given.packages, reach)))
        return
    trees = [tree]
    for k in range(1, given.jobs):
        trees.append(place / f"tree{k}")
        shutil.copytree(tree, trees[-1], dirs_exist_ok=True)
    # One of each package in turn: where time ends, as many of each were tried.
    turns = zip_longest(*(draw(tree, p, given.sample, given.seed) for p in given.packages))
    drawn = [change for turn in turns for change in turn if change is not None]
    trials = _try_all(drawn, reach, trees, given.budget, given.minutes, place)
    reasons = read_reasons(Path(__file__).with_name("survivors.yaml"))
    given.page.write_text(page_of(trials, reasons, given.seed))
    print(f"{given.page}: {len(trials)} changes")


if __name__ == "__main__":
    main()
