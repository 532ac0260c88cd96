"""Nelson-Aalen cumulative hazard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.stats.curves.counts import count_risk_sets
from allsurv.stats.curves.influence import VarianceKind, row_influence, variance_kind
from allsurv.stats.curves.intervals import check_times, hazard_limits
from allsurv.stats.levels import check_level
from allsurv.stats.outcome import check_outcome

__all__ = ["NelsonAalen", "nelson_aalen"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NelsonAalen:
    """A Nelson-Aalen curve: one entry per distinct end of follow-up.

    Attributes
    ----------
    time : ndarray of shape (n_times,)
        Distinct ends of follow-up, rising, in the unit given.
    n_at_risk, n_events, n_censored : ndarray of shape (n_times,)
        Patients (sums of weights) at risk just before, failing at and censored at each time.
    cumulative_hazard, std_error, lower, upper : ndarray of shape (n_times,)
        Cumulative hazard after each time, its standard error and confidence limits.
    conf_type : {"log", "plain"}
        Scale of the limits.
    level : float
        Confidence level.
    variance : {"greenwood", "robust"}
        How ``std_error`` was made.
    """

    time: Floats
    n_at_risk: Floats
    n_events: Floats
    n_censored: Floats
    cumulative_hazard: Floats
    std_error: Floats
    lower: Floats
    upper: Floats
    conf_type: Literal["log", "plain"]
    level: float
    variance: VarianceKind

    def at(self, times: ArrayLike) -> Floats:
        """Read the cumulative hazard at given times.

        Parameters
        ----------
        times : array-like of shape (n_requested,)
            Times, in the unit of follow-up, in any order.

        Returns
        -------
        ndarray of shape (n_requested,)
            0 before the first time, NaN beyond the last.

        Raises
        ------
        OutcomeError
            If ``times`` is not a vector of finite numbers.

        Notes
        -----
        Checked against R ``summary(survival::survfit(...), times = )``.

        Examples
        --------
        >>> nelson_aalen([1, 2, 3, 4], [1, 1, 0, 0]).at([0, 1, 4, 5])
        array([0.    , 0.25  , 0.58333333, nan])
        """
        wanted = check_times(times, "NelsonAalen.at")
        index = np.searchsorted(self.time, wanted, side="right")
        read = np.concatenate([[0.0], self.cumulative_hazard])[index]
        return np.where(wanted > self.time[-1], np.nan, read)


def nelson_aalen(
    time: ArrayLike,
    event: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    conf_type: Literal["log", "plain"] = "log",
    level: float = 0.95,
    variance: VarianceKind | None = None,
) -> NelsonAalen:
    r"""Nelson-Aalen estimate of the cumulative hazard.

    Parameters
    ----------
    time, event : array-like of shape (n_rows,)
        End of follow-up, in any one unit, and whether the event was seen there.
    start : array-like of shape (n_rows,), optional
        Delayed entry: a row is at risk in ``(start, time]``.
    weights : array-like of shape (n_rows,), optional
        Case weights; rows of weight zero do not count.
    conf_type : {"log", "plain"}, default="log"
        Scale on which limits are symmetric.
    level : float, default=0.95
        Confidence level, in (0, 1).
    variance : {"greenwood", "robust"}, optional
        Aalen's formula, right for counts; or the infinitesimal jackknife, right for sampling
        weights. By default robust where a weight is not a whole number, as R does.

    Returns
    -------
    NelsonAalen
        The curve; dimensionless.

    Raises
    ------
    OutcomeError
        If times, events, entries or weights are malformed.

    Notes
    -----
    :math:`H(t) = \sum_{t_j \le t} d_j / n_j` with variance :math:`\sum d_j / n_j^2` [1]_. Vouched
    for by R ``survival::survfit`` (``cumhaz`` and ``std.chaz``).

    References
    ----------
    .. [1] Aalen O. Ann Stat. 1978;6(4):701-726. doi:10.1214/aos/1176344247

    Examples
    --------
    >>> nelson_aalen([1, 2, 3, 4], [1, 1, 0, 0]).cumulative_hazard[:2]
    array([0.25  , 0.58333333])
    """
    checked = check_level(level, "nelson_aalen")
    t, e, s, w = check_outcome(time, event, start=start, weights=weights, where="nelson_aalen")
    sets = count_risk_sets(t, e, start=s, weights=w)
    hazard = np.cumsum(sets.n_events / sets.n_at_risk)
    step = sets.n_events / sets.n_at_risk**2
    kind = variance_kind(variance, w, "nelson_aalen")
    if kind == "greenwood":
        error = np.sqrt(np.cumsum(step))
    else:
        error = np.sqrt(row_influence(t, e, s, w).variance(-step, 1 / sets.n_at_risk))
    lower, upper = hazard_limits(hazard, error, conf_type=conf_type, level=checked)
    return NelsonAalen(
        time=sets.time,
        n_at_risk=sets.n_at_risk,
        n_events=sets.n_events,
        n_censored=sets.n_censored,
        cumulative_hazard=hazard,
        std_error=error,
        lower=lower,
        upper=upper,
        conf_type=conf_type,
        level=checked,
        variance=kind,
    )
