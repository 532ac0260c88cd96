"""Cause-specific Cox models, and the incidences that they imply together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError, OutcomeError
from allsurv.stats.competing.causes import check_cause
from allsurv.stats.cox.design import check_matrix
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.cox.fitted import CoxFit
from allsurv.stats.cox.increments import increments
from allsurv.stats.curves.intervals import check_times
from allsurv.stats.outcome import check_outcome, distinct_times

__all__ = ["CauseSpecificFit", "PredictedIncidence", "fit_cause_specific"]

Floats = NDArray[np.float64]
_CELLS = 2**20


@dataclass(frozen=True, eq=False)
class PredictedIncidence:
    """Predicted probability of each cause, and of none.

    Attributes
    ----------
    causes : tuple of int
        Order of the incidences.
    time : ndarray of shape (n_times,)
        In the unit of the data.
    incidence : ndarray of shape (n_causes, n_patients, n_times)
        Probability of failing from each cause by each time; NaN beyond follow-up.
    event_free : ndarray of shape (n_patients, n_times)
        Probability of no event; with the incidences it sums to 1.
    """

    causes: tuple[int, ...]
    time: Floats
    incidence: Floats
    event_free: Floats


@dataclass(frozen=True, eq=False)
class CauseSpecificFit:
    """One Cox model for the hazard of each cause.

    Attributes
    ----------
    causes : tuple of int
        Causes, rising.
    fits : tuple of CoxFit
        Model of each: failures from the others count as censored, which is right for hazards and
        their ratios, not for probabilities.
    last_time : float
        End of the longest follow-up.
    """

    causes: tuple[int, ...]
    fits: tuple[CoxFit, ...]
    last_time: float

    def fit_of(self, cause: int) -> CoxFit:
        """Give the model of one cause.

        Parameters
        ----------
        cause : int
            One of ``causes``.

        Returns
        -------
        CoxFit
            Hazard ratios of the cause.

        Raises
        ------
        ModelError
            If there is no such cause.
        """
        if cause not in self.causes:
            raise ModelError(f"CauseSpecificFit: cause is {cause!r}; choose one of {self.causes}.")
        return self.fits[self.causes.index(cause)]

    def incidence(self, X: ArrayLike, times: ArrayLike) -> PredictedIncidence:
        r"""Predict the cumulative incidence of every cause.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)
            Covariates.
        times : array-like of shape (n_times,)
            In the unit of the data.

        Returns
        -------
        PredictedIncidence
            Incidences of all causes, and the probability of no event.

        Raises
        ------
        ModelError
            If ``X`` does not fit the models, or they are stratified.
        OutcomeError
            If ``times`` is not a vector of finite numbers.

        Notes
        -----
        :math:`F_k(t|x) = \sum_{s \le t} S(s-|x) \lambda_k(s|x)` with
        :math:`S(t|x) = \prod_{s \le t} \{1 - \sum_k \lambda_k(s|x)\}` over the event times, so that
        incidences and event-free probability sum to 1. Where the hazards of a patient at one time
        exceed 1 together they are taken as 1, divided among the causes in proportion. Checked
        against R ``riskRegression::predict.CauseSpecificCox(product.limit = TRUE)``.
        """
        where = "CauseSpecificFit.incidence"
        matrix = check_matrix(X, where=where, n_columns=self.fits[0].coef.size)
        wanted = check_times(times, where)
        if any(fit.likelihood.data.strata is not None for fit in self.fits):
            raise ModelError(f"{where}: the models are stratified; fit without strata to predict.")
        grid = distinct_times(np.concatenate([fit.likelihood.sets.times for fit in self.fits]))
        grid = grid[grid <= wanted.max(initial=0.0)]
        baseline = np.zeros((len(self.fits), grid.size))
        risk = np.empty((len(self.fits), matrix.shape[0]))
        for k, fit in enumerate(self.fits):
            baseline[k], risk[k] = _hazards(fit, grid, matrix)
        upto = np.searchsorted(grid, wanted, side="right")
        shape = (len(self.fits), matrix.shape[0], wanted.size)
        incidence, free = np.empty(shape), np.empty(shape[1:])
        step = max(1, _CELLS // max(1, grid.size))
        for begin in range(0, matrix.shape[0], step):
            part = slice(begin, begin + step)
            incidence[:, part], free[part] = _product_limit(risk[:, part], baseline, upto)
        beyond = wanted > self.last_time
        incidence[..., beyond] = free[..., beyond] = np.nan
        return PredictedIncidence(self.causes, wanted, incidence, free)


def _hazards(fit: CoxFit, grid: Floats, X: Floats) -> tuple[Floats, Floats]:
    """Hazard at each time of a patient at the mean, and each patient's ratio to it."""
    steps = increments(fit.likelihood, fit.coef)
    hazard = np.zeros(grid.size)
    times = fit.likelihood.sets.times
    inside = times <= grid[-1] if grid.size else np.zeros(times.size, bool)
    hazard[np.searchsorted(grid, times[inside])] = steps.hazard[inside]
    with np.errstate(over="ignore"):
        return hazard, np.exp((X - fit.likelihood.centre) @ fit.coef - steps.shift)


def _product_limit(risk: Floats, baseline: Floats, upto: NDArray[np.intp]) -> tuple[Floats, Floats]:
    with np.errstate(over="ignore"):
        rates = np.minimum(risk[:, :, None] * baseline[:, None, :], np.finfo(float).max / 1e3)
    total = rates.sum(axis=0)
    rates /= np.maximum(total, 1.0)
    free = np.cumprod(1.0 - np.minimum(total, 1.0), axis=1)
    before = np.concatenate([np.ones((free.shape[0], 1)), free[:, :-1]], axis=1)
    summed = np.zeros((*rates.shape[:2], rates.shape[2] + 1))
    np.cumsum(before[:, : rates.shape[2]] * rates, axis=2, out=summed[..., 1:])
    from_one = np.concatenate([np.ones((free.shape[0], 1)), free], axis=1)
    return summed[..., upto], from_one[:, upto]


def fit_cause_specific(
    time: ArrayLike,
    cause: ArrayLike,
    X: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    ties: Literal["efron", "breslow"] = "efron",
    ridge: float | ArrayLike = 0.0,
    level: float = 0.95,
    names: Sequence[str] | None = None,
) -> CauseSpecificFit:
    r"""Fit a Cox model to the hazard of each cause.

    Hazard ratios say how covariates act on the rate of a cause among those still free of any event;
    how they act on its probability depends on the other causes too: see ``incidence``.

    Parameters
    ----------
    time : array-like of shape (n_rows,)
        End of each ``(start, time]`` row, in any unit.
    cause : array-like of shape (n_rows,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    X : array-like of shape (n_rows, n_columns)
        Covariates, without intercept; they may change from row to row of a patient.
    start : array-like of shape (n_rows,), optional
        Entry; a row is at risk at ``t`` if ``start < t <= time``.
    weights : array-like of shape (n_rows,), optional
        Case weights, not negative.
    strata : array-like of shape (n_rows,), optional
        Labels; each stratum has its own baseline hazards.
    cluster : array-like of shape (n_rows,), optional
        Labels; standard errors become robust.
    ties : {"efron", "breslow"}, default="efron"
        Method of ties.
    ridge : float or array-like of shape (n_columns,), default=0.0
        Penalty, as in ``fit_cox``.
    level : float, default=0.95
        Confidence level, in (0, 1).
    names : sequence of str, optional
        Names of the columns.

    Returns
    -------
    CauseSpecificFit
        A :class:`~allsurv.stats.cox.fitted.CoxFit` per cause, and predicted incidences.

    Raises
    ------
    OutcomeError
        If the outcome, labels or level are malformed, or there is no event.
    ModelError
        If covariates are malformed, collinear, or more than the events of a cause.
    MonotoneError
        If an estimate would be infinite. Also a ``ModelError``.

    Notes
    -----
    Checked against R ``riskRegression::CSC``. Prentice et al. Biometrics 1978;34:541-554;
    doi:10.2307/2530374.

    Examples
    --------
    Without covariates the incidences are those of Aalen and Johansen: 1/4, then 1/4 + 1/2 * 1/2.

    >>> fit = fit_cause_specific([1, 2, 3, 4], [1, 2, 1, 0], np.empty((4, 0)))
    >>> fit.incidence(np.empty((1, 0)), [1, 3]).incidence.tolist()
    [[[0.25, 0.5]], [[0.0, 0.25]]]
    """
    where = "fit_cause_specific"
    codes = check_cause(cause, where)
    t, failed, _, w = check_outcome(time, codes > 0, start=start, weights=weights, where=where)
    counted = failed if w is None else failed & (w > 0)
    causes = np.unique(codes[counted])
    if not causes.size:
        raise OutcomeError(f"{where}: there is no event; give at least one cause above 0.")
    fits = []
    for k in causes:
        try:
            fit = fit_cox(
                t, codes == k, X, start=start, weights=weights, strata=strata, cluster=cluster,
                ties=ties, ridge=ridge, level=level, names=names,
            )  # fmt: skip
        except ModelError as fault:
            raise type(fault)(f"{where}, cause {k}: {fault}") from None
        fits.append(fit)
    return CauseSpecificFit(tuple(causes.tolist()), tuple(fits), float(t.max()))
