"""Royston and Sauerbrei's D: how far a score drives survival apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from allsurv.errors import ModelError
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.levels import check_level
from allsurv.stats.measures.prediction import check_score, wald
from allsurv.stats.outcome import Estimate, check_y

__all__ = ["RoystonD", "royston_d"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RoystonD:
    """Prognostic separation of a score.

    Attributes
    ----------
    d : Estimate
        Log hazard ratio between the halves of a cohort above and below the median score.
    r2 : float
        Explained variation on the scale of the log hazard, in [0, 1]; NaN where missing.
    """

    d: Estimate
    r2: float


def royston_d(
    y: NDArray[np.void],
    risk_score: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    level: float = 0.95,
) -> RoystonD:
    r"""Separation of the survival curves by a score, and the variation it explains.

    D is the log hazard ratio of the worse against the better half; 0 is no separation. Only the
    order of the scores matters.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk_score : array-like of shape (n_patients,)
        Unitless, higher is worse.
    strata : array-like of shape (n_patients,), optional
        Labels of groups within which scores are ranked and compared, as the folds of a
        cross-validation.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    RoystonD
        D with limits, and R2_D. Missing, with the reason, where Cox regression on the normal
        scores has no finite answer.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If ``risk_score`` is malformed.

    Notes
    -----
    Checked against R ``survival::royston(ties = TRUE)``. Scores become Blom's normal scores z (mean
    over ties); D is :math:`\kappa = \sqrt{8 / \pi}` times the coefficient of z,
    :math:`R^2_D = (D / \kappa)^2 / (\pi^2 / 6 + (D / \kappa)^2)` [1]_.

    References
    ----------
    .. [1] Royston P, Sauerbrei W. Stat Med. 2004;23:723-748. doi:10.1002/sim.1621

    Examples
    --------
    >>> y = np.array([(1, 1), (0, 2), (1, 3), (0, 4)], dtype=[("event", bool), ("time", float)])
    >>> royston_d(y, [5, 5, 5, 5]).d.reason
    'all scores are equal'
    """
    time, event = check_y(y)
    score = check_score(risk_score, time.size)
    check_level(level, "royston_d")
    if np.all(score == score[0]):
        return RoystonD(Estimate.missing("all scores are equal", level=level), math.nan)
    if not event.any():
        return RoystonD(Estimate.missing("no event", level=level), math.nan)
    groups = np.zeros(time.size) if strata is None else np.asarray(strata)
    normal = np.empty(time.size)
    for group in np.unique(groups):
        normal[groups == group] = _normal_scores(score[groups == group])
    try:
        fit = fit_cox(time, event, normal[:, None], strata=groups, names=["normal score"])
    except ModelError as error:
        return RoystonD(Estimate.missing(str(error), level=level), math.nan)
    kappa = math.sqrt(8 / math.pi)
    beta, std_error = float(fit.coef[0]), float(fit.std_error[0])
    r2 = beta**2 / (math.pi**2 / 6 + beta**2)
    return RoystonD(wald(kappa * beta, kappa * std_error, level), r2)


def _normal_scores(score: Floats) -> Floats:
    """Blom's expected normal order statistics, averaged over tied scores."""
    n = score.size
    blom = ndtri((np.arange(1, n + 1) - 0.375) / (n + 0.25))
    summed = np.concatenate(([0.0], np.cumsum(blom)))
    first = rankdata(score, method="min").astype(int) - 1
    last = rankdata(score, method="max").astype(int)
    found: Floats = (summed[last] - summed[first]) / (last - first)
    return found
