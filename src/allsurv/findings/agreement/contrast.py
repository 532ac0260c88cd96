"""A published comparison asked of any model: the same patients, one variable moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.study.spec import Contrast, Scalar, Variable

__all__ = ["StandardisedEffect", "scale_of", "standardised_effect", "standardised_effects"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StandardisedEffect:
    """How the survival of the same patients differs between two values of one variable.

    Attributes
    ----------
    average : float
        Log of the average hazard ratio until the last horizon; above 0 means worse.
    at_horizons : ndarray of shape (n_horizons,)
        Difference of the log cumulative hazards at each; NaN where average survival is 0 or 1,
        or where the model's follow-up does not reach.
    """

    average: float
    at_horizons: Floats


def standardised_effect(
    model: Any,
    X: pd.DataFrame,
    variable: Variable,
    contrast: Contrast,
    horizons: Sequence[float] | Floats,
) -> StandardisedEffect:
    r"""Effect of one variable on the survival of the same patients, in any model.

    The question a published hazard ratio answers, asked of a black box: how would the survival of
    these patients differ, were one variable other than it is and all others as they are?

    Parameters
    ----------
    model : SurvivalModel
        Fitted.
    X : DataFrame of shape (n_patients, n_variables)
        The patients over whom survival is averaged (g-computation).
    variable : Variable
        The one that is moved.
    contrast : Contrast
        From which value to which; a number's result is per ``contrast.per`` units.
    horizons : array-like of shape (n_horizons,)
        Times, in the study's unit; the average hazard ratio reaches to the last.

    Returns
    -------
    StandardisedEffect
        On the log scale.

    Raises
    ------
    ModelError
        If the variable is not among the columns.

    Notes
    -----
    With :math:`\bar S_a(t)` the mean over patients of the predicted survival when the variable is
    set to :math:`a`, and :math:`\bar H_a = -\log \bar S_a`,

    .. math::

        \log HR(t) = \log \bar H_{to}(t) - \log \bar H_{from}(t), \qquad
        \overline{HR} = \frac{\int \bar S_{to} \bar S_{from} \, d\bar H_{to}}
                           {\int \bar S_{to} \bar S_{from} \, d\bar H_{from}},

    the average hazard ratio of Kalbfleisch and Prentice [1]_, on the model's time grid.

    ``to`` is given to everybody. ``from`` is given, for a number, to everybody; for a level, to
    those who have ``to``, while the others keep what they have, so that a mutated marker is
    compared with all others, tested or not. Variables derived from the moved one are not
    recomputed.

    The estimand is *marginal*. In a Cox model with hazard ratio :math:`e^\beta` it is
    :math:`\beta` when nothing else matters, and a little nearer to 0 the more the other variables
    matter and the later the time, because the hazard ratio is not collapsible [2]_.

    References
    ----------
    .. [1] Kalbfleisch JD, Prentice RL. Biometrika. 1981;68(1):105-112.
       doi:10.1093/biomet/68.1.105
    .. [2] Daniel R, Zhang J, Farewell D. Biom J. 2021;63(3):528-557. doi:10.1002/bimj.201900297

    Examples
    --------
    Survival 0.8 with and 0.9 without from time 12 on: log(log 0.8 / log 0.9) = 0.7504.

    >>> class Two:
    ...     times_ = np.array([0.0, 12.0])
    ...     def predict_survival(self, X, times):
    ...         return np.where(X[["mutated"]], 0.8, 0.9) ** (np.asarray(times) > 0)
    >>> X = pd.DataFrame({"mutated": [True, False, False]})
    >>> mutated = Variable("mutated", "Mutated", "binary", "mutated")
    >>> effect = standardised_effect(Two(), X, mutated, Contrast(False, True), [12])
    >>> round(effect.average, 4), effect.at_horizons.round(4).tolist()
    (0.7504, [0.7504])
    """
    return standardised_effects(model, X, [(variable, contrast)], horizons)[0]


def standardised_effects(
    model: Any,
    X: pd.DataFrame,
    questions: Sequence[tuple[Variable, Contrast]],
    horizons: Sequence[float] | Floats,
) -> list[StandardisedEffect]:
    """Ask for several effects at the price of one prediction."""
    if not questions:
        return []
    horizons = np.asarray(horizons, dtype=float)
    grid, last = np.asarray(model.times_), float(model.times_[-1])
    times = np.union1d(grid[grid <= horizons.max()], horizons[horizons <= last])
    survival = np.asarray(model.predict_survival(_versions(X, questions), times), dtype=float)
    means = survival.reshape(len(questions), 2, len(X), times.size).mean(axis=2)
    reached = np.minimum(np.searchsorted(times, horizons), times.size - 1)
    effects = []
    for (variable, contrast), (with_it, without) in zip(questions, means, strict=True):
        scale = scale_of(variable, contrast)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(-np.log(with_it)) - np.log(-np.log(without))
        at_horizons = np.where(horizons <= last, logs[reached], math.nan)
        at_horizons[~np.isfinite(at_horizons)] = math.nan
        effects.append(
            StandardisedEffect(_log_average(with_it, without) * scale, at_horizons * scale)
        )
    return effects


def _versions(X: pd.DataFrame, questions: Sequence[tuple[Variable, Contrast]]) -> pd.DataFrame:
    """Stack the patients twice for each question: with ``to``, then with ``from``."""
    n = len(X)
    everybody = np.ones(n, dtype=bool)
    copies = X.take(np.tile(np.arange(n), 2 * len(questions))).reset_index(drop=True)
    changed: dict[str, pd.Series] = {}
    for k, (variable, contrast) in enumerate(questions):
        name = variable.name
        if name not in X.columns:
            raise ModelError(f"findings: '{name}' is not among the patients' variables.")
        column = changed.setdefault(name, copies[name].copy())
        moved = everybody if variable.is_number else _has(X[name], contrast.to)
        column.iloc[2 * k * n : (2 * k + 1) * n] = contrast.to
        column.iloc[(2 * k + 1) * n + np.flatnonzero(moved)] = contrast.from_
    return copies.assign(**changed)


def _log_average(with_it: Floats, without: Floats) -> float:
    """Log of the average hazard ratio of two survival curves on the same grid, from 1 on."""
    alive = (with_it > 0) & (without > 0)
    steps = alive[1:] & alive[:-1]
    curves = np.where(alive, with_it, 1.0), np.where(alive, without, 1.0)
    weight = curves[0][:-1] * curves[1][:-1] + curves[0][1:] * curves[1][1:]
    hazards = [float((weight * -np.diff(np.log(curve)))[steps].sum()) for curve in curves]
    return math.log(hazards[0] / hazards[1]) if min(hazards) > 0 else math.nan


def scale_of(variable: Variable, contrast: Contrast) -> float:
    """Factor that turns the effect of a whole contrast into that of ``per`` units.

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
    found: NDArray[np.bool_] = (column == value).fillna(False).to_numpy(dtype=bool)
    return found
