"""How far refits agree on which variables move a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from allsurv.cohort.table import Cohort
from allsurv.errors import ModelError, OutcomeError
from allsurv.explain.exact import explain_score
from allsurv.explain.ranking import importance, shares_of
from allsurv.explain.values import ask

__all__ = ["importance_limits"]

_FEWEST_REFITS = 10


def importance_limits(
    model: Any,
    cohort: Cohort,
    endpoint: str = "os",
    *,
    n_bootstrap: int = 100,
    level: float = 0.95,
    random_state: int | None = 0,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Rank the variables by how much they move the risk score, with what refits say of it.

    Parameters
    ----------
    model : SurvivalModel
        Fitted; of any family but null.
    cohort : Cohort
        Patients over whom the movement is averaged.
    endpoint : str, default="os"
        What the model was fitted to.
    n_bootstrap : int, default=100
        Refits of features and model on patients drawn with replacement; at least 10.
    level : float, default=0.95
        Share of refits between the limits.
    random_state : int or None, default=0
        Seed of the samples.
    progress : callable, optional
        Called as ``progress(done, total)`` after each refit.

    Returns
    -------
    DataFrame
        As :func:`allsurv.explain.importance`, and ``lower`` and ``upper``: what refits give the
        ``share``.

    Raises
    ------
    ModelError
        If the model cannot be explained, or if fewer than ten refits succeed.
    """
    table = importance(model, cohort)
    patients = cohort.eligible(endpoint)
    X, y = patients.X, patients.y(endpoint)
    rng = np.random.default_rng(random_state)
    shares: list[NDArray[np.float64]] = []
    for done in range(1, n_bootstrap + 1):
        drawn = rng.integers(len(X), size=len(X))
        copy = clone(model)
        if "random_state" in copy.get_params():
            copy.set_params(random_state=int(rng.integers(2**31)))
        try:
            refit = copy.fit(X.iloc[drawn], y[drawn])
            shares.append(shares_of(np.abs(explain_score(ask(refit, X))[0]).mean(axis=0)))
        except (ModelError, OutcomeError):
            continue
        finally:
            if progress is not None:
                progress(done, n_bootstrap)
    if len(shares) < _FEWEST_REFITS:
        raise ModelError(
            f"importance_limits: {len(shares)} of {n_bootstrap} refits succeeded; limits need "
            f"{_FEWEST_REFITS} or more. Ask for more refits."
        )
    tails = [(1 - level) / 2, (1 + level) / 2]
    lower, upper = np.quantile(np.array(shares), tails, axis=0)
    place = {name: j for j, name in enumerate(ask(model, X.iloc[:1]).variables)}
    order = [place[name] for name in table["variable"]]
    table.insert(4, "lower", lower[order])
    table.insert(5, "upper", upper[order])
    return table
