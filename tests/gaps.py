"""The embedded cohort with values taken away, of variables of every kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort, load_cohort
from allsurv.dictionary import FrozenDict
from allsurv.study.spec import Missing

NAMES = ("age", "wbc", "sex", "salvage", "cns")
PREDICTORS = (*NAMES, "pb_blasts", "tp53_mut")


def cohort_with_gaps(missing: Missing = "impute", *, share: float = 0.15, n: int = 110) -> Cohort:
    """Two numbers, a nominal, an ordinal and a yes/no variable, each missing in some."""
    whole = load_cohort("rr-all").take(np.arange(n))
    rng = np.random.default_rng(7)
    frame = whole.frame.copy()
    for name in NAMES:
        frame.loc[rng.random(whole.n) < share, name] = pd.NA
    lines = {n: replace(v, missing="allowed") if n in NAMES else v
             for n, v in whole.study.variables.items()}  # fmt: skip
    prediction = replace(whole.study.prediction, predictors=PREDICTORS, missing=missing)
    study = replace(whole.study, variables=FrozenDict(lines), prediction=prediction)
    return Cohort(study, frame, whole.source)
