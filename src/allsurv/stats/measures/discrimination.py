"""Discrimination: concordance and its comparison, with AUC and Royston's D at hand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from allsurv.errors import ModelError
from allsurv.stats.levels import check_level
from allsurv.stats.measures.auc import auc, auc_curve
from allsurv.stats.measures.censoring import CensoringDistribution, uncensored_before
from allsurv.stats.measures.follow_up import FollowUp
from allsurv.stats.measures.pairs import PairCounts, count_pairs, weighted_concordance
from allsurv.stats.measures.prediction import check_columns, check_horizon, check_score, wald
from allsurv.stats.measures.royston import RoystonD, royston_d
from allsurv.stats.outcome import Estimate

__all__ = [
    "ConcordanceComparison",
    "RoystonD",
    "auc",
    "auc_curve",
    "compare_concordance",
    "harrell_c",
    "harrell_c_many",
    "royston_d",
    "uno_c",
]

Floats = NDArray[np.float64]

NO_PAIR = "no comparable pair: no event is followed by a longer follow-up"


def harrell_c(y: NDArray[np.void], risk_score: ArrayLike, *, level: float = 0.95) -> Estimate:
    r"""Probability that of two patients the one with the higher score has the event first.

    Harrell's concordance index: 1 is perfect order, 0.5 a coin. It rises and falls with the
    censoring of the cohort; :func:`uno_c` does not.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk_score : array-like of shape (n_patients,)
        Unitless, higher is worse; a predicted survival time or probability must be negated.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        With the infinitesimal jackknife standard error, limits drawn back to [0, 1]. Missing,
        with the reason, without a comparable pair.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If ``risk_score`` is malformed.

    Notes
    -----
    Checked against R ``survival::concordance``. A pair counts if the earlier time is an event; tied
    scores count one half; two events at one time do not count [1]_.

    References
    ----------
    .. [1] Harrell FE, Lee KL, Mark DB. Stat Med. 1996;15:361-387.
       doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4

    Examples
    --------
    The event at 1 is compared with all three, that at 3 with one: 3 of 4 pairs agree.

    >>> y = np.array([(1, 1), (0, 2), (1, 3), (0, 4)], dtype=[("event", bool), ("time", float)])
    >>> harrell_c(y, [0.7, 0.9, 0.5, 0.1]).value
    0.75
    """
    followed = FollowUp.of_y(y)
    score = check_score(risk_score, followed.rank.size)
    check_level(level, "harrell_c")
    return _estimate(count_pairs(followed, score), level)


def harrell_c_many(
    y: NDArray[np.void], risk_scores: ArrayLike, *, weights: ArrayLike | None = None
) -> Floats:
    """Harrell's concordance of many scores of the same patients, as in bootstrap replicates.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk_scores : array-like of shape (n_patients, n_scores)
        One score a column; unitless, higher is worse.
    weights : array-like of shape (n_patients, n_scores), optional
        Case weights of each column, such as how often a bootstrap sample holds a patient.

    Returns
    -------
    ndarray of shape (n_scores,)
        Concordance of each column; NaN without a comparable pair.

    Raises
    ------
    OutcomeError
        If ``y`` is malformed.
    ModelError
        If ``risk_scores`` or ``weights`` is malformed.

    Notes
    -----
    Checked against R ``survival::concordance(weights = )``. Work grows with the events times the
    patients: meant for many columns of hundreds of patients.

    Examples
    --------
    The second sample holds the first patient twice and the second never: its 2 * 2 + 1 pairs all
    agree.

    >>> y = np.array([(1, 1), (0, 2), (1, 3), (0, 4)], dtype=[("event", bool), ("time", float)])
    >>> scores = np.tile([[0.7], [0.9], [0.5], [0.1]], 2)
    >>> harrell_c_many(y, scores, weights=[[1, 2], [1, 0], [1, 1], [1, 1]]).tolist()
    [0.75, 1.0]
    """
    followed = FollowUp.of_y(y)
    n = followed.rank.size
    scores = check_columns(risk_scores, n)
    case_weights = np.ones(scores.shape)
    if weights is not None:
        case_weights = check_columns(weights, n, where="weights")
        if case_weights.shape != scores.shape or np.any(case_weights < 0):
            raise ModelError("weights: not one weight of 0 or more for each score.")
    return weighted_concordance(followed, scores, case_weights)


def uno_c(
    y: NDArray[np.void],
    risk_score: ArrayLike,
    *,
    tau: float | None = None,
    censoring: CensoringDistribution | None = None,
    level: float = 0.95,
) -> Estimate:
    r"""Concordance that does not depend on how the cohort was censored.

    Uno's C: read as Harrell's, for events up to ``tau``. Each pair is weighted by the inverse
    square of the probability that the earlier event could be seen.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk_score : array-like of shape (n_patients,)
        Unitless, higher is worse.
    tau : float, optional
        Events beyond it are not counted as the earlier of a pair, in the unit of ``time``; the
        whole follow-up if not given.
    censoring : CensoringDistribution, optional
        Of the population, as from the training cohort; estimated from ``y`` if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    Estimate
        With the infinitesimal jackknife standard error, the censoring distribution taken as
        known. Missing, with the reason, without a comparable pair, or where a given ``censoring``
        is 0 before an event.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If ``risk_score`` or ``tau`` is malformed.

    Notes
    -----
    Checked against R ``survival::concordance(timewt = "n/G2", ymax = tau)``: pairs weigh
    :math:`1 / G(T_i-)^2` [1]_.

    References
    ----------
    .. [1] Uno H, et al. Stat Med. 2011;30:1105-1117. doi:10.1002/sim.4154

    Examples
    --------
    G falls to 2/3 at time 2: pairs of the event at 1 weigh 1, that of the event at 3 weighs 9/4;
    (2 + 9/4) / (3 + 9/4) = 17/21.

    >>> y = np.array([(1, 1), (0, 2), (1, 3), (0, 4)], dtype=[("event", bool), ("time", float)])
    >>> round(uno_c(y, [0.7, 0.9, 0.5, 0.1]).value, 4)
    0.8095
    """
    followed = FollowUp.of_y(y)
    score = check_score(risk_score, followed.rank.size)
    check_level(level, "uno_c")
    weight, reason = _uno_weights(followed, tau, censoring)
    if reason:
        return Estimate.missing(reason, level=level)
    return _estimate(count_pairs(followed, score, weight), level)


@dataclass(frozen=True)
class ConcordanceComparison:
    """Two scores judged on the same patients.

    Attributes
    ----------
    difference : Estimate
        Concordance of the first score minus that of the second.
    p_value : float
        Two-sided, of no difference; NaN where there is none.
    first, second : Estimate
        Concordance of each.
    """

    difference: Estimate
    p_value: float
    first: Estimate
    second: Estimate


def compare_concordance(
    y: NDArray[np.void],
    score_a: ArrayLike,
    score_b: ArrayLike,
    *,
    measure: Literal["harrell", "uno"] = "harrell",
    tau: float | None = None,
    censoring: CensoringDistribution | None = None,
    level: float = 0.95,
) -> ConcordanceComparison:
    """Difference in concordance between two scores of the same patients.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    score_a, score_b : array-like of shape (n_patients,)
        Unitless, higher is worse.
    measure : {"harrell", "uno"}, default="harrell"
        Which concordance.
    tau : float, optional
        Truncation of Uno's C, in the unit of ``time``.
    censoring : CensoringDistribution, optional
        For Uno's C; estimated from ``y`` if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    ConcordanceComparison
        The difference with its limits, a p-value, and both concordances.

    Raises
    ------
    OutcomeError
        If ``level`` is not between 0 and 1, or ``y`` is malformed.
    ModelError
        If a score, ``measure`` or ``tau`` is malformed.

    Notes
    -----
    Checked against R ``survival::concordance`` of two fits and its ``vcov``: the variance of the
    difference is the sum of squared differences of the influence of each patient [1]_.

    References
    ----------
    .. [1] Therneau T, Atkinson E. Concordance. Vignette of the R package survival. 2023.

    Examples
    --------
    >>> y = np.array([(1, 1), (0, 2), (1, 3), (0, 4)], dtype=[("event", bool), ("time", float)])
    >>> compare_concordance(y, [4, 3, 2, 1], [1, 2, 3, 4]).difference.value
    1.0
    """
    followed = FollowUp.of_y(y)
    n = followed.rank.size
    a, b = (check_score(s, n, where=w) for s, w in ((score_a, "score_a"), (score_b, "score_b")))
    check_level(level, "compare_concordance")
    weight, reason = None, ""
    if measure == "uno":
        weight, reason = _uno_weights(followed, tau, censoring)
    elif measure != "harrell":
        raise ModelError(f"measure: {measure!r}; allowed are 'harrell' and 'uno'.")
    pairs = [] if reason else [count_pairs(followed, score, weight) for score in (a, b)]
    if not reason and math.isnan(pairs[0].concordance):
        reason = NO_PAIR
    if reason:
        none = Estimate.missing(reason, level=level)
        return ConcordanceComparison(none, math.nan, none, none)
    std_error = float(np.linalg.norm(pairs[0].influence - pairs[1].influence))
    value = pairs[0].concordance - pairs[1].concordance
    p_value = 2 * float(ndtr(-abs(value) / std_error)) if std_error > 0 else math.nan
    first, second = (_estimate(p, level) for p in pairs)
    return ConcordanceComparison(wald(value, std_error, level), p_value, first, second)


def _uno_weights(
    followed: FollowUp, tau: float | None, censoring: CensoringDistribution | None
) -> tuple[Floats, str]:
    """Weight of the pairs of each event, or why there is none."""
    kept = censoring.before(followed.times) if censoring else uncensored_before(followed)
    if tau is not None:
        kept[followed.times > check_horizon(tau, where="tau")] = np.inf
    reason = ""
    lost = kept <= 0
    if lost.any():
        if lost[followed.rank[followed.event]].any():
            reason = "the censoring distribution given is 0 before an event; choose tau"
        kept[lost] = np.inf
    return (1.0 / (kept * kept))[followed.rank], reason


def _estimate(pairs: PairCounts, level: float) -> Estimate:
    if math.isnan(pairs.concordance):
        return Estimate.missing(NO_PAIR, level=level)
    influence = pairs.influence
    std_error = math.sqrt(influence @ influence)
    return wald(pairs.concordance, std_error, level, bounds=(0.0, 1.0), influence=influence)
