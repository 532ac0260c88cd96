"""What the models of a run use: importance with limits over refits, and direction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.errors import ModelError
from allsurv.experiment.config import Config
from allsurv.explain import directions, importance
from allsurv.models import SurvivalModel
from allsurv.validation.importance import importance_limits

__all__ = ["explanation_tables"]

FEWEST_REFITS = 10
LIMITS = ["lower", "upper", "rank_lower", "rank_upper", "n_bootstrap"]
PERMUTED = {"estimate": "permutation", "lower": "permutation_lower", "upper": "permutation_upper"}


def explanation_tables(
    fitted: Mapping[str, SurvivalModel],
    eligible: Cohort,
    config: Config,
    refitted: pd.DataFrame | None,
) -> dict[str, pd.DataFrame]:
    """Say how much each model uses each variable, and in which direction."""
    if refitted is None:
        table = _refitted_here(fitted, eligible, config)
    else:
        bare = [importance(model, eligible).assign(model=name) for name, model in fitted.items()]
        table = _with_limits(pd.concat(bare, ignore_index=True), refitted)
    return {"importance": table, "directions": directions(fitted, eligible)}


def _refitted_here(
    fitted: Mapping[str, SurvivalModel], eligible: Cohort, config: Config
) -> pd.DataFrame:
    n_refits = max(config.findings.bootstrap, FEWEST_REFITS)
    tables = []
    for name, model in fitted.items():
        try:
            table = importance_limits(
                model,
                eligible,
                config.endpoint,
                n_bootstrap=n_refits,
                random_state=config.seed,
                n_jobs=config.jobs,
            ).assign(n_bootstrap=n_refits)
        except ModelError:  # too few refits succeeded: the estimate stays, without limits
            table = importance(model, eligible).assign(lower=np.nan, upper=np.nan, n_bootstrap=0)
        tables.append(table.assign(model=name))
    return pd.concat(tables, ignore_index=True)


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
