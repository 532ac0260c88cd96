"""The Kaplan-Meier curve as a value: read it, its quantiles, its mean, its risk table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.curves.influence import RowInfluence, VarianceKind
from allsurv.stats.curves.intervals import ConfType, check_times
from allsurv.stats.levels import check_level, normal_quantile
from allsurv.stats.outcome import Estimate

__all__ = ["KaplanMeier", "RiskTable", "SurvivalAt", "failure_steps", "greenwood_steps"]

Floats = NDArray[np.float64]
TOLERANCE = 1.5e-8  # for "exactly one half", as R's survfit


class SurvivalAt(NamedTuple):
    """Survival at requested times, with confidence limits.

    Attributes
    ----------
    survival, lower, upper : ndarray of shape (n_times,)
        Probability and its limits; NaN beyond follow-up.
    """

    survival: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, eq=False)
class RiskTable:
    """Numbers under a survival curve: at risk at each time, gone since the time before.

    Attributes
    ----------
    time : ndarray of shape (n_times,)
        Times asked for, in the unit of follow-up.
    n_at_risk : ndarray of shape (n_times,)
        Patients whose follow-up reaches the time (those failing at that very time included).
    n_censored, n_events : ndarray of shape (n_times,)
        Patients censored, and failing, after the previous time and up to this one.
    """

    time: Floats
    n_at_risk: Floats
    n_censored: Floats
    n_events: Floats


@dataclass(frozen=True, eq=False)
class KaplanMeier:
    """A Kaplan-Meier curve: one entry per distinct end of follow-up, censored ends included.

    Attributes
    ----------
    time : ndarray of shape (n_times,)
        Distinct ends of follow-up, rising, in the unit given.
    n_at_risk, n_events, n_censored : ndarray of shape (n_times,)
        Patients (sums of weights) at risk just before, failing at and censored at each time.
    survival : ndarray of shape (n_times,)
        Probability of being event-free after each time.
    std_error : ndarray of shape (n_times,)
        Standard error of ``survival``; once survival is zero, NaN by Greenwood's formula and 0 by
        the robust one.
    lower, upper : ndarray of shape (n_times,)
        Pointwise confidence limits.
    n : int
        Rows given.
    conf_type : {"log-log", "log", "plain"}
        Scale of the limits.
    level : float
        Confidence level.
    variance : {"greenwood", "robust"}
        How ``std_error`` was made.
    entry_time, n_entered : ndarray
        Distinct delayed entries and patients entering there; empty without delayed entry.
    """

    time: Floats
    n_at_risk: Floats
    n_events: Floats
    n_censored: Floats
    survival: Floats
    std_error: Floats
    lower: Floats
    upper: Floats
    n: int
    conf_type: ConfType
    level: float
    variance: VarianceKind
    entry_time: Floats = field(repr=False)
    n_entered: Floats = field(repr=False)
    _influence: RowInfluence | None = field(repr=False, default=None)

    def at(self, times: ArrayLike) -> SurvivalAt:
        """Read survival and its limits at given times.

        Parameters
        ----------
        times : array-like of shape (n_requested,)
            Times, in the unit of follow-up, in any order.

        Returns
        -------
        SurvivalAt
            Arrays ``survival``, ``lower``, ``upper``: 1 before the first time, NaN beyond the
            last one, where nobody was observed.

        Raises
        ------
        OutcomeError
            If ``times`` is not a vector of finite numbers.

        Notes
        -----
        Checked against R ``summary(survival::survfit(...), times = )``.

        Examples
        --------
        >>> from allsurv.stats.curves.nonparametric import kaplan_meier
        >>> km = kaplan_meier([6, 12, 18, 24], [1, 0, 1, 0])
        >>> km.at([0, 6, 18, 30]).survival
        array([1.   , 0.75 , 0.375,   nan])
        """
        wanted = check_times(times, "KaplanMeier.at")
        index = np.searchsorted(self.time, wanted, side="right")
        beyond = wanted > self.time[-1]
        columns = (self.survival, self.lower, self.upper)
        read = [np.concatenate([[1.0], column])[index] for column in columns]
        return SurvivalAt(*(np.where(beyond, np.nan, column) for column in read))

    def quantile(self, q: float) -> Estimate:
        """Time by which a given fraction of patients has had the event.

        Parameters
        ----------
        q : float
            Fraction, in (0, 1); 0.5 is the median.

        Returns
        -------
        Estimate
            Time with the limits at which the curve's confidence limits cross ``1 - q``; missing
            parts are NaN and ``reason`` says why.

        Raises
        ------
        OutcomeError
            If ``q`` is not between 0 and 1.

        Notes
        -----
        Brookmeyer and Crowley's interval on the scale of ``conf_type`` [1]_. Where the curve is
        flat at exactly ``1 - q`` the middle of the flat stretch is given. Checked against R
        ``survival:::print.survfit`` and ``quantile.survfit``.

        References
        ----------
        .. [1] Brookmeyer R, Crowley J. Biometrics. 1982;38(1):29-41. doi:10.2307/2530286

        Examples
        --------
        Survival is 3/4, 1/2 and 1/4 after 1, 2 and 3 years: flat at 1/2 from 2 to 3.

        >>> from allsurv.stats.curves.nonparametric import kaplan_meier
        >>> kaplan_meier([1, 2, 3, 4], [1, 1, 1, 0]).quantile(0.5).value
        2.5
        """
        fraction = check_level(q, "KaplanMeier.quantile")
        value = _crossing(self.time, self.survival, 1 - fraction)
        lower = _crossing(self.time, self.lower, 1 - fraction)
        upper = _crossing(self.time, self.upper, 1 - fraction)
        name = "median" if fraction == 0.5 else f"{fraction:g} quantile"
        missing = [
            word
            for word, number in (("", value), ("lower limit", lower), ("upper limit", upper))
            if np.isnan(number)
        ]
        reason = f"{name} not reached" if "" in missing else ""
        if missing and not reason:
            reason = f"{' and '.join(missing)} of {name} not reached"
        return Estimate(value, lower, upper, level=self.level, reason=reason)

    def median(self) -> Estimate:
        """Median survival time with its confidence limits.

        Returns
        -------
        Estimate
            As ``quantile(0.5)``.

        Notes
        -----
        Checked against R ``print(survival::survfit(...))``.
        """
        return self.quantile(0.5)

    def restricted_mean(self, tau: float) -> Estimate:
        r"""Mean event-free time within the first ``tau`` of follow-up.

        Parameters
        ----------
        tau : float
            Truncation, in the unit of follow-up; positive and within follow-up.

        Returns
        -------
        Estimate
            Area under the curve to ``tau`` with a plain interval, kept within [0, ``tau``]; missing
            with a reason where follow-up ends before ``tau`` with patients still event-free.

        Raises
        ------
        OutcomeError
            If ``tau`` is not a positive number.

        Notes
        -----
        The variance is :math:`\sum_j A_j^2 d_j / \{n_j (n_j - d_j)\}` with :math:`A_j` the area
        from event time :math:`j` to ``tau``. Checked against R
        ``print(survfit(...), rmean=tau)``.

        Examples
        --------
        Survival 3/4 from 1, 1/2 from 2: area 1 + 3/4 + 1/2 up to 3.

        >>> from allsurv.stats.curves.nonparametric import kaplan_meier
        >>> kaplan_meier([1, 2, 4, 4], [1, 1, 0, 0]).restricted_mean(3).value
        2.25
        """
        limit = _check_positive(tau, "KaplanMeier.restricted_mean", "tau")
        if limit > self.time[-1] and self.survival[-1] > 0:
            return Estimate.missing(
                f"tau {limit:g} lies beyond follow-up ({self.time[-1]:g})", level=self.level
            )
        used = int(np.searchsorted(self.time, limit, side="right"))
        steps = np.concatenate([[0.0], self.time[:used], [limit]])
        height = np.concatenate([[1.0], self.survival[:used]])
        area = np.diff(steps) * height
        to_right = np.cumsum(area[::-1])[::-1][1:]
        error = float(np.sqrt(self._area_variance(used, to_right)))
        value = float(area.sum())
        reach = normal_quantile(self.level) * error
        return Estimate(
            value, max(value - reach, 0.0), min(value + reach, limit), error, self.level
        )

    def _area_variance(self, used: int, to_right: Floats) -> float:
        if used == 0:
            return 0.0
        n, d = self.n_at_risk[:used], self.n_events[:used]
        if self._influence is None:
            return float(np.sum(to_right**2 * greenwood_steps(n, d)))
        padding = np.zeros(self.time.size - used)
        steps = (
            np.concatenate([step(n, d) * to_right, padding])
            for step in (greenwood_steps, failure_steps)
        )
        return float(self._influence.variance(*steps)[-1])

    def risk_table(self, times: ArrayLike) -> RiskTable:
        """Count patients at risk at given times, and those who left or failed between them.

        Parameters
        ----------
        times : array-like of shape (n_requested,)
            Rising times, in the unit of follow-up.

        Returns
        -------
        RiskTable
            The extended table recommended for survival plots [1]_.

        Raises
        ------
        OutcomeError
            If ``times`` does not rise.

        Notes
        -----
        Patients at risk at a time are those with ``start < time <= end``, at time zero those
        observed from zero. Events and censorings are those in the interval that ends at the time.
        Checked against R ``summary(survfit(...), times=)``, except that under delayed entry R
        gives the number at risk at the next end of follow-up.

        References
        ----------
        .. [1] Morris TP, et al. BMJ Open. 2019;9(9):e030215. doi:10.1136/bmjopen-2019-030215

        Examples
        --------
        >>> from allsurv.stats.curves.nonparametric import kaplan_meier
        >>> table = kaplan_meier([6, 12, 18, 24], [1, 0, 1, 0]).risk_table([0, 12, 24])
        >>> table.n_at_risk, table.n_events, table.n_censored
        (array([4., 3., 1.]), array([0., 1., 1.]), array([0., 1., 1.]))
        """
        wanted = check_times(times, "KaplanMeier.risk_table")
        if np.any(np.diff(wanted) <= 0):
            raise OutcomeError("KaplanMeier.risk_table: times do not rise; sort them.")
        upto = np.searchsorted(self.time, wanted, side="right")
        before = np.searchsorted(self.time, wanted, side="left")
        leaving = self.n_events + self.n_censored
        remaining = np.concatenate([np.cumsum(leaving[::-1])[::-1], [0.0]])[before]
        if self.entry_time.size:
            later = np.concatenate([np.cumsum(self.n_entered[::-1])[::-1], [0.0]])
            not_yet = np.where(
                wanted == 0,  # who enters at 0 is at risk from there on
                np.searchsorted(self.entry_time, wanted, side="right"),
                np.searchsorted(self.entry_time, wanted, side="left"),
            )
            remaining = remaining - later[not_yet]
        events, censored = (
            np.diff(np.concatenate([[0.0], np.cumsum(column)])[upto], prepend=0.0)
            for column in (self.n_events, self.n_censored)
        )
        return RiskTable(wanted, remaining, censored, events)


def greenwood_steps(n_at_risk: Floats, n_events: Floats) -> Floats:
    """Give the terms of Greenwood's formula, also what a patient at risk adds to log survival.

    Parameters
    ----------
    n_at_risk, n_events : ndarray of shape (n_times,)
        Patients at risk and failing.

    Returns
    -------
    ndarray of shape (n_times,)
        ``d / (n (n - d))``; 0 where all fail.
    """
    left = n_at_risk - n_events
    return np.divide(n_events, n_at_risk * left, out=np.zeros_like(left), where=left > 0)


def failure_steps(n_at_risk: Floats, n_events: Floats) -> Floats:
    """Give what an event adds to log survival beyond being at risk.

    Parameters
    ----------
    n_at_risk, n_events : ndarray of shape (n_times,)
        Patients at risk and failing.

    Returns
    -------
    ndarray of shape (n_times,)
        ``-1 / (n - d)``; 0 where all fail.
    """
    left = n_at_risk - n_events
    return np.divide(-1.0, left, out=np.zeros_like(left), where=left > 0)


def _crossing(time: Floats, curve: Floats, height: float) -> float:
    below = np.flatnonzero(curve < height + TOLERANCE)
    if not below.size:
        return float("nan")
    first = below[0]
    if abs(curve[first] - height) < TOLERANCE:
        lower = below[curve[below] < curve[first]]
        if lower.size:
            return float((time[first] + time[lower[0]]) / 2)
    return float(time[first])


def _check_positive(value: float, where: str, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not (np.isfinite(number) and number > 0):
        raise OutcomeError(f"{where}: {name} is {value!r}; give a positive number.")
    return number
