"""Score a file of new patients."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from allsurv.cli.models import open_scorer
from allsurv.files import FileAnswers

__all__ = ["score_command"]


def score_command(
    patients: Path,
    model: str,
    out: Path,
    *,
    horizons: Sequence[float] | None = None,
    explain: bool = False,
    on_error: Literal["raise", "report"] = "raise",
    trusted_units: Sequence[str] = (),
    overwrite: bool = False,
    answers: FileAnswers | None = None,
) -> None:
    """Write one line of risks per patient, in the order of the file."""
    from allsurv.scoring.batch import score_file

    scorer = open_scorer(model)
    done = score_file(
        scorer,
        patients,
        out,
        horizons=horizons,
        explain=explain,
        on_error=on_error,
        trusted_units=trusted_units,
        overwrite=overwrite,
        answers=answers,
        progress=_say if sys.stderr.isatty() else None,
    )
    print(f"{done.n_rows - done.n_faulty:,} patients scored: {out}. Research use only.")
    if done.n_resumed:
        print(f"  {done.n_resumed:,} rows were there from an interrupted call.")
    if done.n_faulty:
        print(f"  {done.n_faulty:,} rows have no risk; the column 'fault' says why.")
    print(f"  {scorer.risk_model.provenance['source']['statement']}")


def _say(n_rows: int) -> None:
    print(f"\r{n_rows:,} rows", end="", file=sys.stderr, flush=True)
