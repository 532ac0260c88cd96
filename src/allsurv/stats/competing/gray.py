"""Gray's test: does the cumulative incidence of a cause differ between groups."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from allsurv.errors import OutcomeError
from allsurv.stats.competing.causes import check_causes, require_cause
from allsurv.stats.curves.counts import rank_times
from allsurv.stats.curves.logrank import LogRankTest, quadratic_form
from allsurv.stats.labels import label_codes

__all__ = ["gray_test"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


def gray_test(
    time: ArrayLike,
    cause: ArrayLike,
    group: ArrayLike,
    *,
    of: int = 1,
    strata: ArrayLike | None = None,
) -> LogRankTest:
    r"""Test whether the cumulative incidence of one cause differs between groups.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    group : array-like of shape (n_patients,)
        Labels of at least two groups.
    of : int, default=1
        Cause whose incidence is compared.
    strata : array-like of shape (n_patients,), optional
        Labels within which groups are compared.

    Returns
    -------
    LogRankTest
        ``observed`` counts failures from the cause; ``expected`` those of equal incidence.

    Raises
    ------
    OutcomeError
        If outcome or labels are malformed, there is one group only, or nobody failed from ``of``.

    Notes
    -----
    A log-rank score on the risk set of the subdistribution, :math:`R_i = n_i \{1 - F_i(t-)\} /
    S_i(t-)`, with the variance of Gray [1]_ (rho = 0). Checked against R ``cmprsk::cuminc``.

    References
    ----------
    .. [1] Gray RJ. Ann Stat. 1988;16(3):1141-1154. doi:10.1214/aos/1176350951

    Examples
    --------
    Without competing causes the score is that of the log-rank test: O - E = 2 - 5/6.

    >>> test = gray_test([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"])
    >>> (test.observed - test.expected).round(4)
    array([ 1.1667, -1.1667])
    """
    where = "gray_test"
    outcome = check_causes(time, cause, where=where)
    t, codes = outcome.time, outcome.cause
    levels, groups = label_codes(group, t.size, "group", where)
    if levels.size < 2:
        raise OutcomeError(f"{where}: there is only one group; give at least two.")
    of = require_cause(outcome, of, where)
    kind = np.where(codes == of, 1, np.where(codes > 0, 2, 0))
    blocks = np.zeros(t.size, np.intp)
    if strata is not None:
        blocks = label_codes(strata, t.size, "strata", where)[1]
    size = levels.size
    expected, covariance = np.zeros(size), np.zeros((size, size))
    for block in np.unique(blocks):
        inside = blocks == block
        counts = _count(t[inside], kind[inside], groups[inside], size)
        expected += _expected(counts)
        covariance += _covariance(counts)
    observed = np.bincount(groups[kind == 1], minlength=size).astype(float)
    statistic, df, reason = quadratic_form(observed - expected, expected, covariance)
    return LogRankTest(
        name="Gray's test" if strata is None else "stratified Gray's test",
        statistic=statistic,
        df=df,
        p_value=float(chdtrc(df, statistic)) if df else float("nan"),
        groups=_labels(levels),
        n=np.bincount(groups, minlength=size),
        observed=observed,
        expected=expected,
        covariance=covariance,
        reason=reason,
    )


def _labels(levels: NDArray[Any]) -> tuple[Any, ...]:
    return tuple(levels.tolist())


class _Counts(NamedTuple):
    """Arrays of shape (n_groups, n_times) over the times at which anybody fails."""

    n_at_risk: Floats
    n_of_cause: Floats
    n_of_others: Floats
    free_before: Floats
    free: Floats
    incidence_before: Floats


def _count(time: Floats, kind: Integers, group: Integers, n_groups: int) -> _Counts:
    distinct, rank, _ = rank_times(time, None)
    size = distinct.size

    def _by_group(rows: NDArray[np.bool_]) -> Floats:
        flat = np.bincount(group[rows] * size + rank[rows], minlength=n_groups * size)
        return flat.reshape(n_groups, size).astype(float)

    own, others = _by_group(kind == 1), _by_group(kind == 2)
    leaving = _by_group(np.ones(time.size, bool))
    n = np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1]
    used = (own + others).any(axis=0)
    n, own, others = n[:, used], own[:, used], others[:, used]
    kept = np.divide(n - own - others, n, out=np.ones_like(n), where=n > 0)
    free = np.asarray(np.cumprod(kept, axis=1), dtype=float)
    before = np.concatenate([np.ones((n_groups, 1)), free[:, :-1]], axis=1)
    rise = np.divide(before * own, n, out=np.zeros_like(n), where=n > 0)
    incidence = np.cumsum(rise, axis=1)
    return _Counts(n, own, others, before, free, np.asarray(incidence - rise, dtype=float))


def _inverse_weighted(counts: _Counts) -> Floats:
    shape = np.zeros_like(counts.n_at_risk)
    return np.divide(counts.n_at_risk, counts.free_before, out=shape, where=counts.n_at_risk > 0)


def _expected(counts: _Counts) -> Floats:
    at_risk = _inverse_weighted(counts) * (1 - counts.incidence_before)
    total = at_risk.sum(axis=0)
    failing = counts.n_of_cause.sum(axis=0)
    share = np.divide(at_risk, total, out=np.zeros_like(at_risk), where=total > 0)
    return np.asarray(share @ failing, dtype=float)


def _covariance(counts: _Counts) -> Floats:
    # The score is a sum over failures of group k of its direct weight a_ik and of what the failure
    # does, through the estimated incidences, to all later terms: c_ik(end) - c_ik(now).
    h = _inverse_weighted(counts)
    total = h.sum(axis=0)
    failing = counts.n_of_cause.sum(axis=0)
    rise = np.divide(failing, total, out=np.zeros_like(total), where=total > 0)
    pooled = np.cumsum(rise)
    left_before = 1 - (pooled - rise)
    share = np.divide(h, total, out=np.zeros_like(h), where=total > 0)
    direct = h[:, None] * (np.eye(h.shape[0])[:, :, None] - share[None])
    later_rate = np.divide(rise, left_before, out=np.zeros_like(rise), where=left_before > 1e-14)
    path = np.cumsum(direct * later_rate, axis=2)
    to_come = path[:, :, -1:] - path
    free = counts.free
    odds = np.divide(1 - pooled, free, out=np.zeros_like(free), where=free > 0)
    own = direct + np.where(free > 0, 1 - odds, 1.0) * to_come
    other = odds * to_come
    own_step, other_step = _steps(counts, failing, total)
    return _products(own, own_step) + _products(other, other_step)


def _products(influence: Floats, step: Floats) -> Floats:
    rows = influence.shape[0]
    flat = influence.reshape(rows, -1)
    return np.asarray((flat * step.reshape(-1)) @ flat.T, dtype=float)


def _steps(counts: _Counts, failing: Floats, total: Floats) -> tuple[Floats, Floats]:
    n, before = counts.n_at_risk, counts.free_before
    present = n > 0
    spread = total * before - 1
    tied = np.divide(failing - 1, spread, out=np.zeros_like(n), where=(spread > 0) & (failing > 1))
    own = np.divide(before * failing, total * n, out=np.zeros_like(n), where=present)
    alone = counts.n_of_others - 1
    together = np.divide(alone, n - 1, out=np.zeros_like(n), where=(alone > 0) & (n > 1))
    other = np.divide(before**2 * counts.n_of_others, n**2, out=np.zeros_like(n), where=present)
    return own * (1 - tied), np.where(counts.free > 0, other * (1 - together), 0.0)
