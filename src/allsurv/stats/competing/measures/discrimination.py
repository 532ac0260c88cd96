"""Does a higher predicted risk go with the cause: AUC at a horizon, and concordance."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.stats.competing.measures.checked import Failures, check_failures
from allsurv.stats.levels import check_level
from allsurv.stats.measures.auc import RankedCases, columns_of, ranked_auc
from allsurv.stats.measures.censoring import CensoringDistribution, CensoringWeights
from allsurv.stats.measures.follow_up import FollowUp
from allsurv.stats.measures.pairs import PairCounts, count_pairs
from allsurv.stats.measures.prediction import (
    MeasureCurve,
    check_grid,
    check_horizon,
    check_score,
    wald,
)
from allsurv.stats.outcome import Estimate, merge_close_times

__all__ = ["auc_curve_of_cause", "auc_of_cause", "concordance_of_cause"]

Floats = NDArray[np.float64]
_ROWS = 512  # cases compared with all competing failures at once


def auc_of_cause(
    time: ArrayLike,
    cause: ArrayLike,
    risk: ArrayLike,
    horizon: float,
    *,
    of: int = 1,
    censoring: CensoringDistribution | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Probability that who fails from the cause by the horizon was given the higher risk.

    Of a random patient failing from the cause by ``horizon`` and a random one who does not, be it
    that he is event-free or has failed from another cause: 1 is perfect, 0.5 a coin.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    risk : array-like of shape (n_patients,)
        Predicted risk of the cause by ``horizon``, or any score that rises with it.
    horizon : float
        In the unit of ``time``.
    of : int, default=1
        Cause whose risk is judged.
    censoring : CensoringDistribution, optional
        Of the population; estimated from the outcome if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        With the standard error of its influence function, ``risk`` taken as fixed. Missing, with
        the reason, without a case or a control.

    Raises
    ------
    OutcomeError
        If times, causes or level are malformed.
    ModelError
        If ``risk`` or ``horizon`` is malformed.

    Notes
    -----
    Checked against R ``riskRegression::Score(Hist(time, cause) ~ 1, metrics = "auc")``. Cases, and
    controls who failed from another cause, weigh :math:`1 / G(T_i-)`; controls followed beyond the
    horizon :math:`1 / G(t)`; a tied risk counts one half [1]_.

    References
    ----------
    .. [1] Blanche P, Dartigues JF, Jacqmin-Gadda H. Stat Med. 2013;32:5381-5397.
       doi:10.1002/sim.5958

    Examples
    --------
    The case has risk 0.4, the controls 0.9 (failed from cause 2), 0.5 and 0.2: one of three.

    >>> round(auc_of_cause([6, 12, 18, 24], [2, 1, 0, 1], [0.9, 0.4, 0.5, 0.2], 15).value, 4)
    0.3333
    """
    where = "auc_of_cause"
    outcome = check_failures(time, cause, of, where)
    score = check_score(risk, outcome.time.size, where="risk")
    horizon = check_horizon(horizon)
    check_level(level, where)
    weights = CensoringWeights(outcome.time, outcome.failed, censoring)
    return ranked_auc(RankedCases(score, weights, outcome.case), horizon, level)


def auc_curve_of_cause(
    time: ArrayLike,
    cause: ArrayLike,
    risk: ArrayLike,
    times: ArrayLike,
    *,
    of: int = 1,
    censoring: CensoringDistribution | None = None,
    level: float = 0.95,
) -> MeasureCurve:
    """AUC of the risk of a cause at several horizons.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    risk : array-like of shape (n_patients,) or (n_patients, n_times)
        One score for all times, or the predicted risk by each time.
    times : array-like of shape (n_times,)
        Rising, in the unit of ``time``.
    of : int, default=1
        Cause whose risk is judged.
    censoring : CensoringDistribution, optional
        Of the population; estimated from the outcome if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    MeasureCurve
        One ``Estimate`` for each time, as from :func:`auc_of_cause`.

    Raises
    ------
    OutcomeError
        If times, causes or level are malformed.
    ModelError
        If ``risk`` or ``times`` is malformed.

    Examples
    --------
    >>> risk = [0.9, 0.4, 0.5, 0.2]
    >>> auc_curve_of_cause([6, 12, 18, 24], [1, 2, 0, 1], risk, [9, 15]).value.tolist()
    [1.0, 1.0]
    """
    where = "auc_curve_of_cause"
    outcome = check_failures(time, cause, of, where)
    grid = check_grid(times)
    columns = columns_of(risk, outcome.time.size, grid.size)
    check_level(level, where)
    weights = CensoringWeights(outcome.time, outcome.failed, censoring)
    ranked = [RankedCases(column, weights, outcome.case) for column in columns]
    estimates = [ranked_auc(ranked[k % len(ranked)], float(at), level) for k, at in enumerate(grid)]
    return MeasureCurve(grid, tuple(estimates))


def concordance_of_cause(
    time: ArrayLike,
    cause: ArrayLike,
    risk_score: ArrayLike,
    *,
    of: int = 1,
    tau: float | None = None,
    censoring: CensoringDistribution | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Probability that who fails from the cause has the higher score than who fares better.

    Better fares who is still event-free at that failure, and who fails from another cause, whenever
    that is: he never has the event of interest. 1 is perfect order, 0.5 a coin.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    risk_score : array-like of shape (n_patients,)
        Higher means a higher risk of the cause, such as its predicted probability by ``tau``.
    of : int, default=1
        Cause whose risk is judged.
    tau : float, optional
        Failures from the cause beyond it are not counted, in the unit of ``time``; the whole
        follow-up if not given.
    censoring : CensoringDistribution, optional
        Of the population; estimated from the outcome if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        With the infinitesimal jackknife standard error, the censoring distribution taken as known.
        Missing, with the reason, without a comparable pair, or where a given ``censoring`` is 0
        before a failure that counts.

    Raises
    ------
    OutcomeError
        If times, causes or level are malformed.
    ModelError
        If ``risk_score`` or ``tau`` is malformed.

    Notes
    -----
    A pair with a patient followed longer weighs :math:`1 / G(T_i-)^2`, one with a patient who
    failed earlier from another cause :math:`1 / \{G(T_i-) G(T_j-)\}`; a tied score counts one half
    [1]_. Checked against a sum over all pairs written out in R. Without other causes it is
    :func:`~allsurv.stats.measures.discrimination.uno_c`.

    References
    ----------
    .. [1] Wolbers M, et al. Biostatistics. 2014;15(3):526-539. doi:10.1093/biostatistics/kxt059

    Examples
    --------
    The failure at 2 is compared with the other three, one of whom has a lower score.

    >>> found = concordance_of_cause([1, 2, 3, 4], [2, 1, 0, 0], [0.9, 0.5, 0.7, 0.1])
    >>> round(found.value, 4)
    0.3333
    """
    where = "concordance_of_cause"
    outcome = check_failures(time, cause, of, where)
    score = check_score(risk_score, outcome.time.size)
    check_level(level, where)
    last = math.inf if tau is None else check_horizon(tau, where="tau")
    merged = merge_close_times(outcome.time)[0]
    outcome = outcome._replace(time=merged)
    known = censoring or CensoringDistribution.from_arrays(merged, outcome.failed)
    kept = known.before(merged)
    counted = outcome.case & (merged <= last)
    other = outcome.failed & ~outcome.case
    if np.any((kept <= 0) & (counted | (other & (merged < last)))):
        return Estimate.missing(
            "the censoring distribution given is 0 before a failure; choose tau", level=level
        )
    weight = np.divide(1.0, kept, out=np.zeros(kept.size), where=kept > 0)
    own = np.where(counted, weight, 0.0)
    later = count_pairs(FollowUp.of(merged, outcome.case), score, own * own)
    never = _failed_before(outcome, score, own, np.where(other, weight, 0.0))
    pairs = PairCounts(later.concordant + never.concordant, later.comparable + never.comparable)
    if math.isnan(pairs.concordance):
        return Estimate.missing("no comparable pair: nobody fails from the cause", level=level)
    influence = pairs.influence
    std_error = math.sqrt(influence @ influence)
    return wald(pairs.concordance, std_error, level, bounds=(0.0, 1.0), influence=influence)


def _failed_before(outcome: Failures, score: Floats, own: Floats, theirs: Floats) -> PairCounts:
    """Pairs of a case and a patient who failed earlier from another cause.

    Failures from another cause at the case's own time are among those followed longer already.
    """
    n = score.size
    concordant, comparable = np.zeros(n), np.zeros(n)
    others = np.flatnonzero(theirs)
    cases = np.flatnonzero(own)
    for begin in range(0, cases.size, _ROWS):
        mine = cases[begin : begin + _ROWS]
        weight = own[mine, None] * theirs[others]
        weight *= outcome.time[others] < outcome.time[mine, None]
        gap = np.sign(score[mine, None] - score[others])
        agreed = weight * (0.5 + 0.5 * gap)
        concordant[mine] += agreed.sum(axis=1)
        comparable[mine] += weight.sum(axis=1)
        concordant[others] += agreed.sum(axis=0)
        comparable[others] += weight.sum(axis=0)
    return PairCounts(concordant, comparable)
