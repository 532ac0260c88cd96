"""Write the embedded cohort: ``python -m allsurv.cohort.reconstruct``."""

from __future__ import annotations

import argparse
from pathlib import Path

from allsurv.cohort.reconstruct.write import SEED, write_patients
from allsurv.study import load_study


def main() -> None:
    """Write the file named on the command line, or the embedded one."""
    parser = argparse.ArgumentParser(prog="python -m allsurv.cohort.reconstruct")
    embedded = Path(__file__).parents[1] / "data" / "rr-all.csv"
    parser.add_argument("--out", type=Path, default=embedded)
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args()
    write_patients(chosen.out, load_study("rr-all"), random_state=chosen.seed)


if __name__ == "__main__":
    main()
