"""Write the embedded cohorts: ``python -m allsurv.reconstruct``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from allsurv.reconstruct.rr_all.comparison import reconstruct_comparison
from allsurv.reconstruct.rr_all.write import SEED, reconstruct_cohort, write_patients
from allsurv.study import load_ledger, load_study


def main() -> None:
    """Write the files of the folder named on the command line, or the embedded ones."""
    parser = argparse.ArgumentParser(prog="python -m allsurv.reconstruct")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parents[1] / "data")
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args()
    study = load_study("rr-all")
    ledger = load_ledger(study)
    for cohort, name in ledger.cohorts.items():
        other = reconstruct_comparison(load_study(name), ledger, cohort, random_state=chosen.seed)
        write_patients(
            other, chosen.folder / f"{name}.csv", study=load_study(name), random_state=chosen.seed
        )
    table, found = reconstruct_cohort(
        study,
        random_state=chosen.seed,
        checkpoint=chosen.folder / "rr-all.csv.checkpoint",
        tell=lambda tried, moves, lowest: print(tried, moves, lowest, file=sys.stderr),
    )
    write_patients(table, chosen.folder / "rr-all.csv", study=study, random_state=chosen.seed)
    print(f"objective {found.objective:.4g} after {found.moves:,} moves")


if __name__ == "__main__":
    main()
