"""What does the paper not determine? Ten reconstructions from ten seeds, held side by side.

    python experiments/005-ten-cohorts/vary_the_seed.py --seeds 10 --out experiments/005-ten-cohorts

Every cohort has the same counts and nearly the same curves and findings; the hazard ratios of age
and of sex and the concordance of a Cox model are not printed, and differ. That of salvage is not
printed either, but its curves are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import allsurv as als
from allsurv.cohort import Cohort, make_cohort
from allsurv.models import make_model
from allsurv.reconstruct.rr_all.write import reconstruct_cohort
from allsurv.reconstruct.search.schedule import Cooling, Schedule
from allsurv.reproduction import ledger_table
from allsurv.study import load_ledger
from allsurv.validation import Plan, validate

STUDY = als.load_study("rr-all")
SHORTER = Schedule((Cooling(10.0, 0.05, 2_000_000), Cooling(0.5, 0.01, 1_000_000)))
FREE = {
    "age": "Age, per 10 years\n(free)",
    "salvage": "Salvage 2 or later\n(its curves printed)",
    "sex": "Female sex\n(free)",
}
OKABE_ITO = {"blue": "#0072B2", "vermillion": "#D55E00"}


def measure(cohort: Cohort, seed: int) -> dict[str, float]:
    """Give the findings the paper prints, and what it does not print."""
    table = ledger_table(cohort)
    joint = table[table["status"].isin(["ok", "reading", "rounding"])]
    ratios = joint[joint["kind"] == "hazard_ratio"]
    row = {"seed": seed, "met": int(joint["match"].eq(True).sum()), "held": len(joint)}
    entries = load_ledger(STUDY).entries
    row |= {f"hr_{entries[r.id].variable}": r.estimate for r in ratios.itertuples()}
    frame, y = cohort.frame, cohort.y("os")
    free = {
        "age": frame["age"].to_numpy(dtype=float) / 10,
        "salvage": (frame["salvage"].astype(int) > 1).to_numpy(dtype=float),
        "sex": (frame["sex"] == "female").to_numpy(dtype=float),
    }
    for name, values in free.items():
        fit = als.stats.cox.fit_cox(y["time"], y["event"], values[:, None])
        row[f"hr_{name}"] = float(fit.hazard_ratio[0])
    found = validate(make_model("cox", STUDY), cohort, plan=Plan(repeats=2, folds=5))
    performance = found.performance
    cox = performance[(performance["model"] == "cox") & (performance["measure"] == "harrell_c")]
    return row | {"c_index": float(cox["estimate"].iloc[0])}


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw a row per quantity: printed ones coincide, free ones spread."""
    pinned = [c for c in table if c.startswith("hr_") and c.removeprefix("hr_") not in FREE]
    rows = [(c, "vermillion", "o") for c in pinned]
    rows += [(f"hr_{name}", "blue", "s") for name in FREE]
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(7.2, 3.1), width_ratios=[3, 1], layout="constrained"
    )
    for k, (column, colour, marker) in enumerate(rows):
        place = k + np.linspace(-0.25, 0.25, len(table))
        left.plot(table[column], place, marker, color=OKABE_ITO[colour], ms=4, ls="none", alpha=0.8)
    labels = [STUDY.variable(c.removeprefix("hr_")).label + "\n(printed)" for c in pinned]
    left.set_yticks(range(len(rows)), [*labels, *FREE.values()], size=7)
    left.invert_yaxis()
    left.set_xscale("log")
    left.set_xticks([0.5, 0.7, 1, 1.5, 2, 3], ["0.5", "0.7", "1", "1.5", "2", "3"])
    left.minorticks_off()
    left.axvline(1, color="0.6", lw=0.8)
    left.set_xlabel(f"Hazard ratio in {len(table)} reconstructed cohorts", size=8)
    right.plot(table["c_index"], np.arange(len(table)), "s", color=OKABE_ITO["blue"], ms=4)
    right.set_yticks([])
    right.set_xlabel("Concordance,\ncross-validated (free)", size=8)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Reconstruct, measure, write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    rows = []
    for seed in range(1, chosen.seeds + 1):
        table, found = reconstruct_cohort(STUDY, random_state=seed, schedule=SHORTER)
        rows.append(measure(make_cohort(table, STUDY), seed) | {"objective": found.objective})
        print(pd.DataFrame(rows).round(3).to_string(index=False), flush=True)
    result = pd.DataFrame(rows)
    result.round(4).to_csv(chosen.out / "results.csv", index=False, lineterminator="\n")
    draw(result, chosen.out / "reconstruction.svg")


if __name__ == "__main__":
    main()
