"""Score a file of new patients."""

from __future__ import annotations

import os
from pathlib import Path

from allsurv.cohort.files import read_file
from allsurv.errors import CohortError
from allsurv.scoring import RiskScorer

__all__ = ["score_command"]


def score_command(patients: Path, model: str, out: Path) -> None:
    """Write one line of risks per patient, in the order of the file.

    Parameters
    ----------
    patients : Path
        CSV or Parquet file.
    model : str
        Folder or MLflow address of a risk model.
    out : Path
        CSV file; replaced whole, or left as it was if anything fails.
    """
    scorer = RiskScorer.load(model)
    content = read_file(patients)
    if content.frame is None or content.violations:
        raise CohortError(str(patients), scorer.risk_model.study, content.violations)
    scores = scorer.score(content.frame)
    scores.insert(0, "row", range(1, len(scores) + 1))
    part = out.with_name(out.name + ".part")
    scores.to_csv(part, index=False)
    os.replace(part, out)
    print(f"{len(scores)} patients scored: {out}. Research use only.")
