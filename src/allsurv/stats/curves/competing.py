"""Competing risks: cumulative incidence of each cause, by Aalen and Johansen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.curves.counts import count_risk_sets, rank_times
from allsurv.stats.curves.influence import RowInfluence
from allsurv.stats.curves.intervals import ConfType, check_times, probability_limits
from allsurv.stats.levels import check_level
from allsurv.stats.numbers import real_array
from allsurv.stats.outcome import check_outcome

__all__ = ["CumulativeIncidence", "IncidenceAt", "check_cause", "cumulative_incidence"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


class IncidenceAt(NamedTuple):
    """Cumulative incidence at requested times, with confidence limits.

    Attributes
    ----------
    incidence, lower, upper : ndarray of shape (n_times,)
        Probability and its limits; NaN beyond follow-up.
    """

    incidence: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, eq=False)
class CumulativeIncidence:
    """Cumulative incidence of each cause: one column per distinct end of follow-up.

    Attributes
    ----------
    causes : tuple of int
        Causes seen, rising; the order of the rows below.
    time : ndarray of shape (n_times,)
        Distinct ends of follow-up, rising, in the unit given.
    n_at_risk, n_censored : ndarray of shape (n_times,)
        Patients at risk just before, and censored at, each time.
    n_events : ndarray of shape (n_causes, n_times)
        Patients failing from each cause at each time.
    event_free : ndarray of shape (n_times,)
        Probability of no event from any cause; with the incidences it sums to 1.
    incidence, std_error, lower, upper : ndarray of shape (n_causes, n_times)
        Probability of the cause by each time, standard error and pointwise confidence limits.
    conf_type : {"log-log", "log", "plain"}
        Scale of the limits.
    level : float
        Confidence level.
    variance : {"robust", "delta"}
        How ``std_error`` was made.
    """

    causes: tuple[int, ...]
    time: Floats
    n_at_risk: Floats
    n_censored: Floats
    n_events: Floats
    event_free: Floats
    incidence: Floats
    std_error: Floats
    lower: Floats
    upper: Floats
    conf_type: ConfType
    level: float
    variance: Literal["robust", "delta"]

    def at(self, times: ArrayLike, *, cause: int = 1) -> IncidenceAt:
        """Read the incidence of one cause at given times.

        Parameters
        ----------
        times : array-like of shape (n_requested,)
            Times, in the unit of follow-up, in any order.
        cause : int, default=1
            One of ``causes``.

        Returns
        -------
        IncidenceAt
            Arrays ``incidence``, ``lower``, ``upper``: 0 before the first time, NaN beyond the
            last one, where nobody was observed.

        Raises
        ------
        OutcomeError
            If ``times`` is not a vector of finite numbers, or nobody failed from ``cause``.

        Notes
        -----
        Checked against R ``summary(survival::survfit(...), times = )``.

        Examples
        --------
        >>> found = cumulative_incidence([1, 2, 3, 4], [1, 2, 1, 0])
        >>> found.at([0, 3, 5], cause=1).incidence
        array([0. , 0.5, nan])
        """
        wanted = check_times(times, "CumulativeIncidence.at")
        if cause not in self.causes:
            raise OutcomeError(
                f"CumulativeIncidence.at: cause is {cause!r}; choose one of {self.causes}."
            )
        row = self.causes.index(cause)
        index = np.searchsorted(self.time, wanted, side="right")
        beyond = wanted > self.time[-1]
        columns = (self.incidence[row], self.lower[row], self.upper[row])
        read = [np.concatenate([[0.0], column])[index] for column in columns]
        return IncidenceAt(*(np.where(beyond, np.nan, column) for column in read))


def cumulative_incidence(
    time: ArrayLike,
    cause: ArrayLike,
    *,
    start: ArrayLike | None = None,
    conf_type: ConfType = "log-log",
    level: float = 0.95,
    variance: Literal["robust", "delta"] = "robust",
) -> CumulativeIncidence:
    r"""Cumulative incidence of each cause of failure in the presence of the others.

    One minus Kaplan-Meier with the other causes censored would be too high: it answers what would
    happen were the other causes abolished.

    Parameters
    ----------
    time : array-like of shape (n_rows,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_rows,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    start : array-like of shape (n_rows,), optional
        Delayed entry: a row is at risk in ``(start, time]``.
    conf_type : {"log-log", "log", "plain"}, default="log-log"
        Scale on which limits are symmetric; ``"log-log"`` is :math:`\log(-\log F)`.
    level : float, default=0.95
        Confidence level, in (0, 1).
    variance : {"robust", "delta"}, default="robust"
        Infinitesimal jackknife, which without censoring is the binomial variance; or the delta
        method of Gray's ``cuminc``, a little larger in small samples.

    Returns
    -------
    CumulativeIncidence
        A curve per cause.

    Raises
    ------
    OutcomeError
        If times, causes or entries are malformed, or nobody failed.

    Notes
    -----
    :math:`F_k(t) = \sum_{t_j \le t} S(t_j-) d_{kj} / n_j` with :math:`S` the Kaplan-Meier
    probability of no event [1]_. Checked against R ``survival::survfit`` of a multi-state outcome
    (estimates and robust standard errors) and ``cmprsk::cuminc`` (estimates and delta variances).

    References
    ----------
    .. [1] Aalen OO, Johansen S. Scand J Stat. 1978;5(3):141-150.

    Examples
    --------
    Cause 1 takes one of four, then, with half of them event-free, one of two.

    >>> cumulative_incidence([1, 2, 3, 4], [1, 2, 1, 0]).incidence
    array([[0.25, 0.25, 0.5 , 0.5 ],
           [0.  , 0.25, 0.25, 0.25]])
    """
    where = "cumulative_incidence"
    checked = check_level(level, where)
    codes = check_cause(cause, where)
    t, failed, s, _ = check_outcome(time, codes > 0, start=start, where=where)
    causes = np.unique(codes[failed])
    if not causes.size:
        raise OutcomeError(f"{where}: there is no event; give at least one cause above 0.")
    sets = count_risk_sets(t, failed, start=s)
    _, rank, first = rank_times(t, s)
    n_events = np.array(
        [np.bincount(rank[codes == k], minlength=sets.time.size) for k in causes], dtype=float
    )
    n, d = sets.n_at_risk, sets.n_events
    free = np.asarray(np.cumprod((n - d) / n), dtype=float)
    before = np.concatenate([[1.0], free[:-1]])
    incidence = np.cumsum(before * n_events / n, axis=1)
    if variance == "delta":
        error = np.sqrt(_delta_variance(incidence, n_events, n, d, before, free))
    elif variance == "robust":
        first = np.zeros_like(rank) if first is None else first
        rows = RowInfluence(rank, first, failed, np.ones(t.size))
        own = np.array([codes == k for k in causes])
        error = np.sqrt(_robust_variance(rows, own, incidence, n_events, n, d, before))
    else:
        raise OutcomeError(f"{where}: variance is {variance!r}; choose 'robust' or 'delta'.")
    lower, upper = probability_limits(
        incidence, error, conf_type=conf_type, level=checked, where=where
    )
    nothing = incidence == 0
    lower[nothing] = upper[nothing] = 0.0
    return CumulativeIncidence(
        causes=tuple(causes.tolist()),
        time=sets.time,
        n_at_risk=n,
        n_censored=sets.n_censored,
        n_events=n_events,
        event_free=free,
        incidence=incidence,
        std_error=error,
        lower=lower,
        upper=upper,
        conf_type=conf_type,
        level=checked,
        variance=variance,
    )


def check_cause(cause: ArrayLike, where: str) -> Integers:
    """Check causes of failure.

    Parameters
    ----------
    cause : array-like of shape (n_rows,)
        Whole numbers, 0 where censored.
    where : str
        Function to name in the message.

    Returns
    -------
    ndarray of shape (n_rows,)
        As whole numbers.

    Raises
    ------
    OutcomeError
        If they are something else.
    """
    try:
        numbers = real_array(cause)
    except (TypeError, ValueError):
        raise OutcomeError(
            f"{where}: cause is not numeric; give 0 for censored and 1, 2, ... for causes."
        ) from None
    whole = numbers.ndim == 1 and np.all(np.isfinite(numbers))
    if not whole or np.any(numbers != np.floor(numbers)) or np.any(numbers < 0):
        raise OutcomeError(
            f"{where}: cause holds other than whole numbers; give a vector with 0 for censored and "
            "1, 2, ... for causes."
        )
    if np.any(numbers > 1000):
        raise OutcomeError(f"{where}: cause goes beyond 1000; number the causes from 1.")
    return numbers.astype(np.intp)


def _robust_variance(
    rows: RowInfluence,
    own: NDArray[np.bool_],
    incidence: Floats,
    n_events: Floats,
    n: Floats,
    d: Floats,
    before: Floats,
) -> Floats:
    # Row i moves F(t) by A_i(t) - F(t) B_i(t): B_i is its influence on minus log survival, and A_i
    # that on the cause's increments, S(s-) dM_ki / n, plus F(s) dB_i for what it takes from later.
    inverse = np.divide(1.0, n - d, out=np.zeros_like(n), where=n > d)
    fall = (-inverse * d / n, np.where(rows.event, inverse[rows.rank], 0.0))
    spread = rows.covariance(fall, fall)
    variance = np.empty_like(incidence)
    for k, curve in enumerate(incidence):
        at_risk = -before * n_events[k] / n**2 + curve * fall[0]
        at_end = np.where(own[k], (before / n)[rows.rank], 0.0) + curve[rows.rank] * fall[1]
        rise = (at_risk, at_end)
        mixed = rows.covariance(rise, fall)
        variance[k] = rows.covariance(rise, rise) - 2 * curve * mixed + curve**2 * spread
    return np.maximum(variance, 0.0)


def _delta_variance(
    incidence: Floats, n_events: Floats, n: Floats, d: Floats, before: Floats, free: Floats
) -> Floats:
    # A failure at s moves F(t) by 1{cause k} - (F(t) - F(s)) / S(s), times S(s-) / n(s).
    inverse = np.divide(1.0, free, out=np.zeros_like(free), where=free > 0)

    def _step(failures: Floats) -> Floats:
        apart = np.divide(failures - 1, n - 1, out=np.zeros_like(failures), where=n > 1)
        found: Floats = (before / n) ** 2 * failures * (1 - np.where(failures > 1, apart, 0.0))
        return found

    own, others = _step(n_events), np.where(free > 0, _step(d - n_events), 0.0)
    reach = incidence * inverse
    first = np.cumsum((1 + reach) ** 2 * own + reach**2 * others, axis=1)
    mixed = np.cumsum(inverse * ((1 + reach) * own + reach * others), axis=1)
    last = np.cumsum(inverse**2 * (own + others), axis=1)
    return np.maximum(first - 2 * incidence * mixed + incidence**2 * last, 0.0)
