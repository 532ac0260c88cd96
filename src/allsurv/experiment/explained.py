"""What the models of a run use: importance with limits over refits, and direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypedDict

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.errors import ModelError
from allsurv.experiment.config import Config
from allsurv.explain import directions, importance
from allsurv.models import SurvivalModel
from allsurv.validation.importance import importance_limits

__all__ = ["explanation_tables", "importance_statement"]

FEWEST_REFITS = 10
LIMITS = ["lower", "upper", "rank_lower", "rank_upper", "n_bootstrap"]
PERMUTED = {"estimate": "permutation", "lower": "permutation_lower", "upper": "permutation_upper"}


class _Sampled(TypedDict):
    """Whom :func:`allsurv.explain.importance` explains."""

    n_patients: int | None
    random_state: int | None


def explanation_tables(
    fitted: Mapping[str, SurvivalModel],
    eligible: Cohort,
    config: Config,
    refitted: pd.DataFrame | None,
    progress: Callable[[int, int], None],
) -> dict[str, pd.DataFrame]:
    """Say how much each model uses each variable, and in which direction."""
    sampled: _Sampled = {"n_patients": config.importance.patients, "random_state": config.seed}
    if refitted is None:
        table = _refitted_here(fitted, eligible, config, sampled, progress)
    else:
        bare = []
        for done, (name, model) in enumerate(fitted.items(), start=1):
            bare.append(importance(model, eligible, **sampled).assign(model=name))
            progress(done, len(fitted))
        table = _with_limits(pd.concat(bare, ignore_index=True), refitted)
    return {"importance": table, "directions": directions(fitted, eligible, **sampled)}


def _refitted_here(
    fitted: Mapping[str, SurvivalModel],
    eligible: Cohort,
    config: Config,
    sampled: _Sampled,
    progress: Callable[[int, int], None],
) -> pd.DataFrame:
    n_refits = max(config.findings.bootstrap, FEWEST_REFITS)
    total = n_refits * len(fitted)
    tables = []
    for place, (name, model) in enumerate(fitted.items()):
        before = place * n_refits
        try:
            table = importance_limits(
                model,
                eligible,
                config.endpoint,
                n_bootstrap=n_refits,
                n_jobs=config.jobs,
                progress=partial(_further, progress, before, total),
                **sampled,
            ).assign(n_bootstrap=n_refits)
        except ModelError:  # too few refits succeeded: the estimate stays, without limits
            table = importance(model, eligible, **sampled)
            table = table.assign(lower=np.nan, upper=np.nan, n_bootstrap=0)
        tables.append(table.assign(model=name))
    return pd.concat(tables, ignore_index=True)


def _further(
    progress: Callable[[int, int], None], before: int, total: int, done: int, _: int
) -> None:
    """Tell of refits of one model what they are of all."""
    progress(before + done, total)


def importance_statement(table: pd.DataFrame, n: int) -> str:
    """Say over whom importance was averaged; empty where that is everybody."""
    sampled = table[table["n_explained"] < n]
    if not len(sampled):
        return ""
    return (
        f"The importance of predictors in models of trees was measured on a random sample of "
        f"{sampled['n_explained'].max():,} of {n:,} patients. The Monte-Carlo standard error of a "
        f"share is at most {100 * sampled['share_error'].max():.1f} percentage points."
    )


def _with_limits(table: pd.DataFrame, refitted: pd.DataFrame) -> pd.DataFrame:
    key = ["model", "variable"]
    by_measure = dict(iter(refitted.groupby("measure")))
    joined = table
    if "shap" in by_measure:
        joined = joined.merge(by_measure["shap"][[*key, *LIMITS]], on=key, how="left")
    if "permutation" in by_measure:
        permuted = by_measure["permutation"][[*key, *PERMUTED]].rename(columns=PERMUTED)
        joined = joined.merge(permuted, on=key, how="left")
    return joined
