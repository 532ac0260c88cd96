"""The results as a page: killed and surviving changes of each package."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from mutants.trial import KILLED, Trial

REASONS = ("equivalent", "cosmetic")
HEAD = """# Do the tests notice?

Written by `make mutants` (seed {seed}). Single changes of the code are drawn at random, and the
tests that reach each are run against it. *Killed*: a test failed. *Equivalent*: no input tells the
changed code from the original. *Cosmetic*: only look or speed change. *Gaps*: no test would notice.
The share is killed / (killed + gaps) with its 95% interval (Wilson); few changes are drawn per
package, so do not rank packages by it.

| package | changes | killed | equivalent | cosmetic | gaps | share killed |
|---|---|---|---|---|---|---|
"""


def read_reasons(path: Path) -> dict[str, tuple[str, str]]:
    """Read why survivors are no gaps: kind and words for each change."""
    found = {}
    for entry in yaml.safe_load(path.read_text()) or []:
        if entry["reason"] not in REASONS or not entry["why"]:
            raise SystemExit(
                f"{path.name}: {entry['change']}: reason is one of {REASONS}, with why."
            )
        found[entry["change"]] = (entry["reason"], entry["why"])
    return found


def page_of(trials: Sequence[Trial], reasons: Mapping[str, tuple[str, str]], seed: int) -> str:
    """Write the page."""
    packages = sorted({_package(trial) for trial in trials})
    rows = [_row(p, [t for t in trials if _package(t) == p], reasons) for p in packages]
    rows.append(_row("all", trials, reasons))
    survivors = [t for t in trials if t.outcome != KILLED]
    return (
        HEAD.format(seed=seed)
        + "\n".join(rows)
        + "\n\n## Survivors\n\n"
        + _list(survivors, reasons)
    )


def _package(trial: Trial) -> str:
    return trial.change.module.split("/")[2].removesuffix(".py")


def _row(name: str, trials: Sequence[Trial], reasons: Mapping[str, tuple[str, str]]) -> str:
    killed = sum(t.outcome == KILLED for t in trials)
    why = [reasons.get(t.change.key, ("gap", ""))[0] for t in trials if t.outcome != KILLED]
    gaps = why.count("gap")
    low, high = wilson(killed, killed + gaps)
    share = f"{100 * killed / max(killed + gaps, 1):.0f}% ({100 * low:.0f} to {100 * high:.0f})"
    counts = [len(trials), killed, *(why.count(reason) for reason in REASONS), gaps]
    return f"| {name} | " + " | ".join(map(str, counts)) + f" | {share} |"


def wilson(k: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Give Wilson's interval of a share."""
    if n == 0:
        return 0.0, 1.0
    middle = (k + z * z / 2) / (n + z * z)
    half = z * math.sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    return middle - half, middle + half


def _list(survivors: Sequence[Trial], reasons: Mapping[str, tuple[str, str]]) -> str:
    if not survivors:
        return "None.\n"
    lines = ["| where | change | asked | verdict |", "|---|---|---|---|"]
    for trial in sorted(survivors, key=lambda t: t.change):
        change = trial.change
        reason, why = reasons.get(change.key, ("**gap**", ""))
        module = change.module.removeprefix("src/allsurv/")
        where = f"`{module}` line {change.line}, `{change.function}`"
        words = change.key.partition(": ")[2].replace("|", "\\|")
        asked = f"{trial.n_asked} of {trial.n_tests} tests that reach its {trial.reached_by}"
        lines.append(f"| {where} | `{words}` | {asked} | {reason}{': ' if why else ''}{why} |")
    return "\n".join(lines) + "\n"
