"""A published comparison asked of any model: the same patients, one variable moved."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError
from allsurv.study.spec import Contrast, Scalar, Variable

__all__ = ["scale_of", "standardised_log_hazard_ratio"]


def standardised_log_hazard_ratio(
    model: Any, X: pd.DataFrame, variable: Variable, contrast: Contrast, times: ArrayLike
) -> float:
    r"""Logarithm of the hazard ratio between two versions of the same patients.

    The question a published hazard ratio answers, asked of any model: how would the survival of
    these patients differ, were one variable other than it is and all others as they are?

    Parameters
    ----------
    model : SurvivalModel
        Fitted.
    X : DataFrame of shape (n_patients, n_variables)
        The patients over whom survival is averaged.
    variable : Variable
        The one that is moved.
    contrast : Contrast
        From which value to which; a number's result is per ``contrast.per`` units.
    times : array-like of shape (n_times,)
        The log cumulative hazards are compared at each, and the differences averaged.

    Returns
    -------
    float
        Log hazard ratio; above 0 means worse. NaN where average survival is 0 or 1 at every time.

    Raises
    ------
    ModelError
        If the variable is not among the columns.

    Notes
    -----
    With :math:`\bar S_a(t)` the mean over patients of the predicted survival when the variable is
    set to :math:`a`,

    .. math:: \log HR(t) = \log(-\log \bar S_{to}(t)) - \log(-\log \bar S_{from}(t)).

    ``to`` is given to everybody. ``from`` is given, for a number, to everybody; for a level, to
    those who have ``to``, while the others keep what they have, so that a mutated marker is
    compared with all others, tested or not. Variables derived from the moved one are not
    recomputed.

    The estimand is *marginal*. In a Cox model with hazard ratio :math:`e^\beta` it is
    :math:`\beta` when nothing else matters, and a little nearer to 0 the more the other variables
    matter and the later the time, because the hazard ratio is not collapsible [1]_.

    References
    ----------
    .. [1] Daniel R, Zhang J, Farewell D. Biom J. 2021;63(3):528-557. doi:10.1002/bimj.201900297

    Examples
    --------
    Survival 0.8 with and 0.9 without: log(log 0.8 / log 0.9) = 0.7504.

    >>> class Two:
    ...     def predict_survival(self, X, times):
    ...         return np.where(X[["mutated"]], 0.8, 0.9)
    >>> X = pd.DataFrame({"mutated": [True, False, False]})
    >>> mutated = Variable("mutated", "Mutated", "binary", "mutated")
    >>> round(standardised_log_hazard_ratio(Two(), X, mutated, Contrast(False, True), [12]), 4)
    0.7504
    """
    name = variable.name
    if name not in X.columns:
        raise ModelError(f"findings: '{name}' is not among the patients' variables.")
    everybody = np.ones(len(X), dtype=bool)
    exposed = _with(X, name, everybody, contrast.to)
    moved = everybody if variable.is_number else _has(X[name], contrast.to)
    unexposed = _with(X, name, moved, contrast.from_) if moved.any() else X
    times = np.asarray(times, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazards = [
            np.log(-np.log(np.asarray(model.predict_survival(frame, times)).mean(axis=0)))
            for frame in (exposed, unexposed)
        ]
        difference = hazards[0] - hazards[1]
    usable = difference[np.isfinite(difference)]
    if usable.size == 0:
        return math.nan
    return float(usable.mean()) * scale_of(variable, contrast)


def scale_of(variable: Variable, contrast: Contrast) -> float:
    """Factor that turns the effect of a whole contrast into that of ``per`` units.

    Parameters
    ----------
    variable : Variable
        The one that is moved.
    contrast : Contrast
        From where to where.

    Returns
    -------
    float
        ``per / (to - from)`` for a number with ``per``; 1 otherwise.

    Examples
    --------
    >>> blasts = Variable("blasts", "Blasts", "continuous", "blasts")
    >>> scale_of(blasts, Contrast(0, 50, per=1))
    0.02
    """
    if not variable.is_number or contrast.per is None:
        return 1.0
    return float(contrast.per) / (float(contrast.to) - float(contrast.from_))


def _has(column: pd.Series, value: Scalar) -> NDArray[np.bool_]:
    return (column == value).fillna(False).to_numpy(dtype=bool)


def _with(X: pd.DataFrame, name: str, rows: NDArray[np.bool_], value: Scalar) -> pd.DataFrame:
    moved = X[name].copy()
    moved[rows] = value
    return X.assign(**{name: moved})
