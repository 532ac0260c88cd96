"""Censoring that depends on the patient: the probability of being followed, given covariates.

One censoring curve for all is right where everybody could have been followed for as long as
everybody else. Where patients of one era, arm or hospital were followed for less time, and these
also fare differently, averages weighted by one curve are biased: too little weight goes to the
events of those who are lost soon.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.labels import label_codes
from allsurv.stats.outcome import check_y

__all__ = ["PatientCensoring", "fit_censoring"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Stratum:
    """The censorings among patients who share a baseline."""

    rows: Ints
    times: Floats
    order: Floats
    hazard: Floats
    cumulative: Floats
    total: Floats
    mean: Floats

    def cumulative_at(self, horizon: float) -> float:
        return float(np.append(0.0, self.cumulative)[self.steps_by(horizon)])

    def steps_by(self, horizon: float) -> int:
        return int(np.searchsorted(self.times, horizon, side="right"))


@dataclass(frozen=True, eq=False)
class _Estimation:
    """What the cost of estimating is computed from: follow-up in order, covariates, dfbeta."""

    time: Floats
    event: NDArray[np.bool_]
    order: Floats
    X: Floats
    dfbeta: Floats


@dataclass(frozen=True, eq=False)
class PatientCensoring:
    """Probability, patient by patient, of not being censored yet.

    As from :func:`fit_censoring`; measures of prediction take it as ``censoring``.

    Attributes
    ----------
    before : ndarray of shape (n_patients,)
        Probability of follow-up up to just before the patient's own time.
    relative_hazard : ndarray of shape (n_patients,)
        Hazard of censoring, relative to the baseline of the patient's stratum.
    stratum : ndarray of int of shape (n_patients,)
        Which baseline.
    strata : tuple
        The baselines.
    estimation : object or None
        What :meth:`influence` is computed from; ``None`` where the probabilities are taken as
        known, as after :meth:`take`.
    """

    before: Floats
    relative_hazard: Floats
    stratum: Ints
    strata: tuple[_Stratum, ...]
    estimation: _Estimation | None = None

    def at(self, horizon: float) -> Floats:
        """Probability of follow-up beyond a time.

        Parameters
        ----------
        horizon : float
            In the unit of the outcome; beyond the last censoring the last value holds.

        Returns
        -------
        ndarray of shape (n_patients,)
            In the order of the patients.
        """
        cumulative = np.array([stratum.cumulative_at(horizon) for stratum in self.strata])
        found: Floats = np.exp(-cumulative[self.stratum] * self.relative_hazard)
        return found

    def take(self, rows: ArrayLike) -> PatientCensoring:
        """Keep some of the patients.

        Parameters
        ----------
        rows : array-like of int or bool
            Positions, in any order and with repeats, or one truth value a patient.

        Returns
        -------
        PatientCensoring
            Of these patients, its probabilities taken as known.
        """
        rows = np.asarray(rows)
        return replace(
            self,
            before=self.before[rows],
            relative_hazard=self.relative_hazard[rows],
            stratum=self.stratum[rows],
            estimation=None,
        )

    def influence(self, horizon: float, terms: Floats) -> Floats:
        r"""Part of an influence function that is owed to estimating the censoring.

        Parameters
        ----------
        horizon : float
            In the unit of the outcome.
        terms : ndarray of shape (n_patients,)
            Weighted term of each patient in the average, weight included.

        Returns
        -------
        ndarray of shape (n_patients,)
            To add to the influence function of the average; 0 where the probabilities are known.

        Notes
        -----
        The weight of patient j is :math:`\exp\Lambda_j(t_j)`, :math:`t_j` being the own time for an
        event and the horizon for who is followed beyond it, so the average moves by
        :math:`\sum_j \text{term}_j\, d\Lambda_j(t_j)`. With :math:`\Lambda_j = \Lambda_0 r_j` and
        :math:`a_j = \text{term}_j r_j`, patient i moves the coefficients by its dfbeta, times
        :math:`\sum_j a_j (x_j \Lambda_0(t_j) - \int_0^{t_j} \bar x\, d\Lambda_0)`, and the baseline
        by :math:`\int \sum_{j: t_j \ge s} a_j / S_0(s)\, dM_i(s)`.
        """
        if self.estimation is None:
            return np.zeros(terms.size)
        known = self.estimation
        scaled = terms * self.relative_hazard
        direction = np.zeros(known.X.shape[1])
        out = np.zeros(terms.size)
        for stratum in self.strata:
            # Steps that a patient's weight looks back on: those before the own event, or those by
            # the horizon. ``order`` puts an event before the censorings of its own time.
            rows = stratum.rows
            last = stratum.steps_by(horizon)
            own = np.searchsorted(stratum.order, known.order[rows], side="left")
            back = np.where(known.time[rows] > horizon, last, np.minimum(own, last))
            sums = np.append(0.0, np.cumsum(stratum.hazard))
            means = np.vstack(
                [
                    np.zeros(known.X.shape[1]),
                    np.cumsum(stratum.mean * stratum.hazard[:, None], axis=0),
                ]
            )
            direction += scaled[rows] @ (known.X[rows] * sums[back][:, None] - means[back])
            looking = np.bincount(back, weights=scaled[rows], minlength=last + 1)
            after = np.cumsum(looking[::-1])[::-1][1 : last + 1]
            share = np.zeros(stratum.hazard.size)
            share[:last] = after / stratum.total[:last]
            paid = np.append(0.0, np.cumsum(share * stratum.hazard))
            passed = np.searchsorted(stratum.order, known.order[rows], side="right")
            out[rows] -= self.relative_hazard[rows] * paid[passed]
            censored = ~known.event[rows]
            out[rows[censored]] += share[passed[censored] - 1]
        return out + known.dfbeta @ direction


def fit_censoring(
    y: NDArray[np.void],
    X: ArrayLike | None = None,
    *,
    strata: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    firth: bool = False,
) -> PatientCensoring:
    r"""Estimate the probability of being followed, given covariates.

    A Cox model of the time to censoring; with ``strata`` alone, Kaplan-Meier within each of them.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    X : array-like of shape (n_patients, n_columns), optional
        Covariates, numeric.
    strata : array-like of shape (n_patients,), optional
        Groups with a censoring hazard of their own.
    names : sequence of str, optional
        Names of the covariates, for messages.
    firth : bool, default=False
        Whether to penalise as Firth does, for groups none of whom is censored.

    Returns
    -------
    PatientCensoring
        To be given as ``censoring`` to ``brier``, ``ipa``, ``auc``, ``observed_expected_ratio``,
        ``calibration_curve``, ``calibration_errors`` and ``net_benefit`` of the same patients in
        the same order.

    Raises
    ------
    OutcomeError
        If ``y`` or ``strata`` is malformed.
    ModelError
        If the model of censoring cannot be fitted.

    Notes
    -----
    Checked against R ``riskRegression::Score(cens.model = "cox")``. A patient with an event is no
    longer at risk of a censoring at the same time. Standard errors of the measures include that of
    this estimation [1]_.

    References
    ----------
    .. [1] Gerds TA, Schumacher M. Biom J. 2006;48:1029-1040. doi:10.1002/bimj.200610301

    Examples
    --------
    Of two patients in the first group one is censored at 2; nobody is in the second.

    >>> y = np.array([(0, 2), (1, 3), (1, 2), (1, 4)], dtype=[("event", bool), ("time", float)])
    >>> fit_censoring(y, strata=["a", "a", "b", "b"]).at(2.5).tolist()
    [0.5, 0.5, 1.0, 1.0]
    """
    time, event = check_y(y)
    codes = np.zeros(time.size, dtype=np.intp)
    if strata is not None:
        codes = label_codes(strata, time.size, "strata", "fit_censoring")[1]
    # Whole numbers in the order of follow-up: at one time events first, then censorings.
    order = (2 * (1 + np.unique(time, return_inverse=True)[1]) + ~event).astype(np.float64)
    matrix = np.empty((time.size, 0)) if X is None else np.asarray(X, dtype=float)
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    if event.all() or matrix.shape[1] == 0:
        return _without_covariates(time, event, order, codes)
    fit = fit_cox(order, ~event, matrix, strata=codes, names=names, firth=firth)
    centred = matrix - matrix.mean(axis=0)
    relative = np.exp(centred @ fit.coef)
    baseline = fit.baseline()
    # The baseline of a patient with average covariates, so that exp() stays near 1.
    hazard = baseline.hazard * math.exp(float(matrix.mean(axis=0) @ fit.coef))
    strata_found = []
    for code in range(codes.max() + 1):
        rows = np.flatnonzero(codes == code)
        steps = baseline.stratum == code
        at = baseline.time[steps]
        sums = _at_risk_sums(
            order[rows], at, np.column_stack([relative, centred * relative[:, None]])[rows]
        )
        strata_found.append(
            _Stratum(
                rows,
                _times_of(order, time, at),
                at,
                hazard[steps],
                np.cumsum(hazard[steps]),
                sums[:, 0],
                sums[:, 1:] / sums[:, :1],
            )
        )
    estimation = _Estimation(time, event, order, centred, fit.residuals("dfbeta"))
    return _of(relative, codes, tuple(strata_found), estimation)


def _without_covariates(
    time: Floats, event: NDArray[np.bool_], order: Floats, codes: Ints
) -> PatientCensoring:
    strata = []
    for code in range(codes.max() + 1):
        rows = np.flatnonzero(codes == code)
        at, n = np.unique(order[rows][~event[rows]], return_counts=True)
        total = rows.size - np.searchsorted(np.sort(order[rows]), at, side="left").astype(float)
        hazard = n / total
        with np.errstate(divide="ignore"):
            cumulative = -np.cumsum(np.log1p(-hazard))
        strata.append(
            _Stratum(
                rows,
                _times_of(order, time, at),
                at,
                hazard,
                cumulative,
                total,
                np.empty((at.size, 0)),
            )
        )
    nothing = np.empty((time.size, 0))
    estimation = _Estimation(time, event, order, nothing, nothing)
    return _of(np.ones(time.size), codes, tuple(strata), estimation)


def _of(
    relative: Floats, codes: Ints, strata: tuple[_Stratum, ...], estimation: _Estimation
) -> PatientCensoring:
    before = np.empty(relative.size)
    for stratum in strata:
        passed = np.searchsorted(stratum.order, estimation.order[stratum.rows], side="left")
        cumulative = np.append(0.0, stratum.cumulative)[passed]
        before[stratum.rows] = np.exp(-cumulative * relative[stratum.rows])
    return PatientCensoring(before, relative, codes, strata, estimation)


def _at_risk_sums(order: Floats, at: Floats, values: Floats) -> Floats:
    """Sum values over those still followed at each step."""
    by = np.argsort(order, kind="stable")
    sums = np.cumsum(values[by][::-1], axis=0)[::-1]
    found: Floats = sums[np.searchsorted(order[by], at, side="left")]
    return found


def _times_of(order: Floats, time: Floats, at: Floats) -> Floats:
    times = np.unique(time)
    found: Floats = times[(at // 2).astype(np.intp) - 1]
    return found
