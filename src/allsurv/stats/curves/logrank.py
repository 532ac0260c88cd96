"""Log-rank and Peto-Peto tests for any number of groups, with strata and delayed entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from allsurv.errors import OutcomeError
from allsurv.stats.curves.counts import count_groups, rank_times
from allsurv.stats.labels import label_codes
from allsurv.stats.outcome import check_outcome

__all__ = ["LogRankTest", "logrank_test", "quadratic_form"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class LogRankTest:
    """Comparison of survival between groups, as R's ``survdiff`` prints it.

    Attributes
    ----------
    name : str
        Test used, for a table's footnote.
    statistic : float
        Chi-squared statistic; NaN where ``reason`` says why.
    df : int
        Degrees of freedom: groups with an expected event, less one.
    p_value : float
        Two-sided P value.
    groups : tuple
        Labels, sorted; the order of the arrays below.
    n : ndarray of shape (n_groups,)
        Rows per group.
    observed, expected : ndarray of shape (n_groups,)
        Events seen, and expected were survival the same (weighted under ``"peto"``).
    covariance : ndarray of shape (n_groups, n_groups)
        Of ``observed - expected``.
    reason : str
        Why there is no statistic; empty otherwise.
    """

    name: str
    statistic: float
    df: int
    p_value: float
    groups: tuple[Any, ...]
    n: Integers
    observed: Floats
    expected: Floats
    covariance: Floats = field(repr=False)
    reason: str = ""


def logrank_test(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    start: ArrayLike | None = None,
    weighting: Literal["logrank", "peto"] = "logrank",
) -> LogRankTest:
    r"""Test whether survival differs between groups.

    Parameters
    ----------
    time, event : array-like of shape (n_rows,)
        End of follow-up, in any one unit, and whether the event was seen there.
    group : array-like of shape (n_rows,)
        Labels of at least two groups.
    strata : array-like of shape (n_rows,), optional
        Labels within which groups are compared.
    start : array-like of shape (n_rows,), optional
        Delayed entry: a row is at risk in ``(start, time]``.
    weighting : {"logrank", "peto"}, default="logrank"
        Weigh all events alike, or by the pooled survival just before them (Peto and Peto's
        modification of Gehan's test), which stresses early differences.

    Returns
    -------
    LogRankTest
        Statistic, degrees of freedom, P value; observed and expected events per group.

    Raises
    ------
    OutcomeError
        If outcome or labels are malformed, there is one group only, or no event.

    Notes
    -----
    With :math:`w_j` the weight of event time :math:`j`, :math:`O_g - E_g = \sum_j w_j (d_{gj} -
    d_j n_{gj} / n_j)` has the hypergeometric covariance
    :math:`\sum_j w_j^2 d_j \frac{n_j - d_j}{n_j - 1} \frac{n_{gj}}{n_j}
    (\delta_{gh} - n_{hj} / n_j)`, summed over strata [1]_. Checked against R
    ``survival::survdiff`` with ``rho = 0`` and ``rho = 1``.

    References
    ----------
    .. [1] Peto R, Peto J. J R Stat Soc A. 1972;135(2):185-207. doi:10.2307/2344317

    Examples
    --------
    Group a fails at 1 and 2, b at 3 and 4: E_a = 2/4 + 1/3 = 5/6 and the variance is
    1/4 + 2/9 = 17/36, so the statistic is (2 - 5/6)^2 / (17/36) = 49/17.

    >>> test = logrank_test([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"])
    >>> test.expected.round(4), round(test.statistic, 4)
    (array([0.8333, 3.1667]), 2.8824)
    """
    if weighting not in ("logrank", "peto"):
        raise OutcomeError(f"logrank_test: weighting is {weighting!r}; choose 'logrank' or 'peto'.")
    t, e, s, _ = check_outcome(time, event, start=start, where="logrank_test")
    levels, codes = label_codes(group, t.size, "group", "logrank_test")
    if levels.size < 2:
        raise OutcomeError("logrank_test: there is only one group; give at least two.")
    if not e.any():
        raise OutcomeError("logrank_test: there is no event; survival cannot be compared.")
    if strata is None:
        failing, at_risk = count_groups(t, e, codes, levels.size, start=s)
        edges = np.empty(0, dtype=np.intp)
    else:
        block = label_codes(strata, t.size, "strata", "logrank_test")[1]
        failing, at_risk, edges = _count_within_strata(t, e, s, block, codes, levels.size)
    weight = _weights(failing, at_risk, edges) if weighting == "peto" else None
    observed, expected, covariance = _scores(failing, at_risk, weight)
    statistic, df, reason = quadratic_form(observed - expected, expected, covariance)
    return LogRankTest(
        name=_name(weighting, strata is not None),
        statistic=statistic,
        df=df,
        p_value=float(chdtrc(df, statistic)) if df else float("nan"),
        groups=tuple(levels.tolist()),
        n=np.bincount(codes, minlength=levels.size),
        observed=observed,
        expected=expected,
        covariance=covariance,
        reason=reason,
    )


def _count_within_strata(
    time: Floats,
    event: NDArray[np.bool_],
    start: Floats | None,
    stratum: Integers,
    group: Integers,
    n_groups: int,
) -> tuple[Floats, Floats, Integers]:
    # One whole number orders stratum and time together, so that one search counts a risk set:
    # those in it have begun (first key <= event key) and not yet ended (end key < event key).
    distinct, rank, first = rank_times(time, start)
    offset = stratum * distinct.size
    end_key, first_key = rank + offset, offset if first is None else first + offset
    event_key, which = np.unique(end_key[event], return_inverse=True)
    size = event_key.size
    flat = np.bincount(which + group[event] * size, minlength=n_groups * size)
    at_risk = np.empty((n_groups, size))
    for g in range(n_groups):
        member = group == g
        begun = np.searchsorted(np.sort(first_key[member]), event_key, side="right")
        at_risk[g] = begun - np.searchsorted(np.sort(end_key[member]), event_key)
    edges = np.flatnonzero(np.diff(event_key // distinct.size)) + 1
    return flat.reshape(n_groups, size).astype(float), at_risk, edges


def _weights(failing: Floats, at_risk: Floats, edges: Integers) -> Floats:
    n, d = at_risk.sum(axis=0), failing.sum(axis=0)
    weight = np.empty(n.size)
    for block in np.split(np.arange(n.size), edges):
        survival = np.cumprod((n[block] - d[block]) / n[block])
        weight[block] = np.concatenate([[1.0], survival[:-1]])
    return weight


def _scores(
    failing: Floats, at_risk: Floats, weight: Floats | None
) -> tuple[Floats, Floats, Floats]:
    n, d = at_risk.sum(axis=0), failing.sum(axis=0)
    share = at_risk / n
    spread = d * (n - d) / np.maximum(n - 1, 1)
    if weight is None:
        observed, expected = failing.sum(axis=1), share @ d
    else:
        observed, expected = failing @ weight, share @ (d * weight)
        spread = spread * weight**2
    covariance = np.diag(share @ spread) - (share * spread) @ share.T
    return observed, expected, covariance


def quadratic_form(
    difference: Floats, expected: Floats, covariance: Floats
) -> tuple[float, int, str]:
    """Make a chi-squared statistic of score and covariance, leaving out groups without events.

    Parameters
    ----------
    difference, expected : ndarray of shape (n_groups,)
        Observed less expected events, and expected events.
    covariance : ndarray of shape (n_groups, n_groups)
        Of ``difference``.

    Returns
    -------
    statistic : float
        NaN where there is none.
    df : int
        Degrees of freedom; 0 where there is no statistic.
    reason : str
        Why there is none; empty otherwise.
    """
    kept = np.flatnonzero(expected > 0)
    df = int(kept.size - 1)
    if df < 1:
        return float("nan"), 0, "events happen while one group only is at risk"
    rest = kept[1:]
    block, score = covariance[np.ix_(rest, rest)], difference[rest]
    scale = np.sqrt(np.diag(block))
    if np.any(scale <= 0) or (
        df > 1 and np.linalg.matrix_rank(block / np.outer(scale, scale)) < df
    ):
        return float("nan"), 0, "the groups' risk sets do not overlap enough to compare them"
    if df == 1:
        return float((score[0] / scale[0]) ** 2), 1, ""
    return float(score @ np.linalg.solve(block, score)), df, ""


def _name(weighting: str, stratified: bool) -> str:
    name = "log-rank test" if weighting == "logrank" else "Peto-Peto test"
    return f"stratified {name}" if stratified else name
