"""Competing risks: cumulative incidence of each cause, by Aalen and Johansen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.competing.causes import check_causes
from allsurv.stats.competing.steps import IncidenceSteps, incidence_steps
from allsurv.stats.curves.intervals import ConfType, check_times, probability_limits
from allsurv.stats.levels import check_level

__all__ = ["CumulativeIncidence", "IncidenceAt", "cumulative_incidence"]

Floats = NDArray[np.float64]


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
        Patients (sums of weights) at risk just before, and censored at, each time.
    n_events : ndarray of shape (n_causes, n_times)
        Patients (sums of weights) failing from each cause at each time.
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
    weights: ArrayLike | None = None,
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
    weights : array-like of shape (n_rows,), optional
        Case or sampling weights, not negative; rows of weight 0 count nowhere. Only with the
        robust variance.
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
        If times, causes, entries or weights are malformed, or nobody failed.

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
    if variance not in ("robust", "delta"):
        raise OutcomeError(f"{where}: variance is {variance!r}; choose 'robust' or 'delta'.")
    if variance == "delta" and weights is not None:
        raise OutcomeError(
            f"{where}: the delta variance counts whole patients; leave weights out, or choose "
            "variance='robust'."
        )
    outcome = check_causes(time, cause, start=start, weights=weights, where=where)
    steps = incidence_steps(outcome, where)
    error = np.sqrt(steps.variance() if variance == "robust" else _delta_variance(steps))
    lower, upper = probability_limits(
        steps.incidence, error, conf_type=conf_type, level=checked, where=where
    )
    nothing = steps.incidence == 0
    lower[nothing] = upper[nothing] = 0.0
    return CumulativeIncidence(
        causes=steps.causes,
        time=steps.time,
        n_at_risk=steps.n_at_risk,
        n_censored=steps.n_censored,
        n_events=steps.n_of_cause,
        event_free=steps.free,
        incidence=steps.incidence,
        std_error=error,
        lower=lower,
        upper=upper,
        conf_type=conf_type,
        level=checked,
        variance=variance,
    )


def _delta_variance(steps: IncidenceSteps) -> Floats:
    # A failure at s moves F(t) by 1{cause k} - (F(t) - F(s)) / S(s), times S(s-) / n(s).
    n, free, incidence = steps.n_at_risk, steps.free, steps.incidence
    inverse = np.divide(1.0, free, out=np.zeros_like(free), where=free > 0)

    def _step(failures: Floats) -> Floats:
        apart = np.divide(failures - 1, n - 1, out=np.zeros_like(failures), where=n > 1)
        found: Floats = (
            (steps.free_before / n) ** 2 * failures * (1 - np.where(failures > 1, apart, 0.0))
        )
        return found

    own = _step(steps.n_of_cause)
    others = np.where(free > 0, _step(steps.n_events - steps.n_of_cause), 0.0)
    reach = incidence * inverse
    first = np.cumsum((1 + reach) ** 2 * own + reach**2 * others, axis=1)
    mixed = np.cumsum(inverse * ((1 + reach) * own + reach * others), axis=1)
    last = np.cumsum(inverse**2 * (own + others), axis=1)
    return np.maximum(first - 2 * incidence * mixed + incidence**2 * last, 0.0)
