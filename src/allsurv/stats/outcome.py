"""The outcome, checked once: times, events, entry, weights; and the value an estimate is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.numbers import real_array

__all__ = [
    "ChiSquared",
    "Estimate",
    "check_outcome",
    "check_y",
    "close_times",
    "distinct_times",
    "entry_of",
    "make_y",
    "merge_close_times",
]

_SAME_TIME = float(np.sqrt(np.finfo(float).eps))
Y_DTYPE = np.dtype([("event", bool), ("time", float)])
ENTRY_DTYPE = np.dtype([*Y_DTYPE.descr, ("entry", float)])


@dataclass(frozen=True)
class Estimate:
    """A number with its confidence limits, or the reason why there is none.

    Attributes
    ----------
    value : float
        Point estimate; NaN where it is not defined.
    lower, upper : float
        Confidence limits; NaN where there are none.
    std_error : float
        Standard error on the scale on which the limits were made; NaN where there is none.
    level : float
        Confidence level of the limits.
    reason : str
        Why ``value`` or the limits are missing; empty otherwise.
    influence : ndarray of shape (n_patients,), optional
        What each patient adds to ``value``; the norm is the standard error, and that of the
        difference of two estimates on the same patients the standard error of the difference.

    Examples
    --------
    >>> value, lower, upper = Estimate(0.4, 0.3, 0.49)
    >>> value
    0.4
    """

    value: float
    lower: float = float("nan")
    upper: float = float("nan")
    std_error: float = float("nan")
    level: float = 0.95
    reason: str = ""
    influence: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)

    def __iter__(self) -> Iterator[float]:
        """Unpack as value, lower, upper."""
        return iter((self.value, self.lower, self.upper))

    @classmethod
    def missing(cls, reason: str, *, level: float = 0.95) -> Estimate:
        """Make an estimate that says why it is missing.

        Parameters
        ----------
        reason : str
            Why there is no number, in words.
        level : float, default=0.95
            Confidence level that was asked for.

        Returns
        -------
        Estimate
            All numbers NaN.
        """
        return cls(float("nan"), level=level, reason=reason)


@dataclass(frozen=True)
class ChiSquared:
    """A chi-squared test: its statistic, degrees of freedom and p-value.

    Attributes
    ----------
    statistic : float
        Value of the statistic.
    df : float
        Degrees of freedom; effective ones under a penalty.
    p_value : float
        Upper tail of the chi-squared distribution; NaN without degrees of freedom.

    Examples
    --------
    >>> round(ChiSquared.of(3.841459, 1).p_value, 6)
    0.05
    """

    statistic: float
    df: float
    p_value: float

    @classmethod
    def of(cls, statistic: float, df: float) -> ChiSquared:
        """Refer a statistic to the chi-squared distribution.

        Parameters
        ----------
        statistic : float
            Value of the statistic.
        df : float
            Degrees of freedom.

        Returns
        -------
        ChiSquared
            With its p-value.
        """
        from scipy.special import chdtrc  # late: reading patients needs no scipy

        p_value = float(chdtrc(df, statistic)) if df > 0 else float("nan")
        return cls(float(statistic), df, p_value)


def make_y(
    time: ArrayLike, event: ArrayLike, *, entry: ArrayLike | None = None
) -> NDArray[np.void]:
    """Bind times and events into the structured array that measures take.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        Follow-up, in the study's unit; positive.
    event : array-like of shape (n_patients,)
        True where the event was seen; booleans, or 0 and 1.
    entry : array-like of shape (n_patients,), optional
        When each patient came under observation, same unit (delayed entry); below ``time``.

    Returns
    -------
    structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float); with ``entry``, a third field of that name.

    Raises
    ------
    OutcomeError
        If the arrays do not fit together or hold impossible values.

    Examples
    --------
    >>> make_y([6, 12], [1, 0])["event"].tolist()
    [True, False]
    """
    t, e, s, _ = check_outcome(time, event, start=entry)
    y = np.empty(t.size, dtype=Y_DTYPE if s is None else ENTRY_DTYPE)
    y["event"], y["time"] = e, t
    if s is not None:
        y["entry"] = s
    return y


def entry_of(y: NDArray[np.void]) -> NDArray[np.float64] | None:
    """Give the entry times of an outcome.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        From :func:`make_y` or ``Cohort.follow_up``.

    Returns
    -------
    ndarray of shape (n_patients,) or None
        In the unit of ``time``; ``None`` where everybody is observed from time 0 on.

    Examples
    --------
    >>> entry_of(make_y([6, 12], [1, 0], entry=[0, 3])).tolist()
    [0.0, 3.0]
    """
    return y["entry"] if "entry" in (y.dtype.names or ()) else None


def check_y(
    y: NDArray[np.void], *, where: str = "y"
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Split a structured outcome into checked times and events.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` and ``time``.
    where : str, default="y"
        Name to use in the message.

    Returns
    -------
    time : ndarray of shape (n_patients,)
        Follow-up times.
    event : ndarray of shape (n_patients,)
        Event indicators.

    Raises
    ------
    OutcomeError
        If a field is missing or holds impossible values, or there is delayed entry.
    """
    names = getattr(getattr(y, "dtype", None), "names", None) or ()
    if not {"event", "time"} <= set(names):
        raise OutcomeError(
            f"{where}: no structured array with fields 'event' and 'time'; "
            "make one with make_y(time, event) or Cohort.y(endpoint)."
        )
    if "entry" in names:
        raise OutcomeError(
            f"{where}: has delayed entry (field 'entry'), which this measure does not take; give "
            "an outcome observed from time 0 on."
        )
    time, event, _, _ = check_outcome(y["time"].copy(), y["event"].copy(), where=where)
    return time, event


def check_outcome(
    time: ArrayLike,
    event: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    where: str = "outcome",
) -> tuple[
    NDArray[np.float64],
    NDArray[np.bool_],
    NDArray[np.float64] | None,
    NDArray[np.float64] | None,
]:
    """Check times, events, entry times and case weights together.

    Parameters
    ----------
    time : array-like of shape (n_rows,)
        End of each ``(start, time]`` row; positive and finite.
    event : array-like of shape (n_rows,)
        Booleans, or 0 and 1.
    start : array-like of shape (n_rows,), optional
        Entry; finite, below ``time``.
    weights : array-like of shape (n_rows,), optional
        Case weights; finite, not negative, not all zero.
    where : str, default="outcome"
        What to call the data in a message.

    Returns
    -------
    time, event, start, weights : ndarray or None
        As floats and booleans; ``None`` where not given.

    Raises
    ------
    OutcomeError
        Naming the first fault found.
    """
    t = _vector(time, "time", where)
    e = _events(event, where)
    if t.size != e.size:
        raise OutcomeError(
            f"{where}: {t.size} times but {e.size} events; give one of each per row."
        )
    if t.size == 0:
        raise OutcomeError(f"{where}: no rows; give at least one patient.")
    if start is None and (t <= 0).any():
        raise OutcomeError(
            f"{where}: {_rows(t <= 0)} have a time of zero or less; times are positive."
        )
    s = None
    if start is not None:
        s = _vector(start, "start", where)
        if s.size != t.size:
            raise OutcomeError(
                f"{where}: {s.size} entry times for {t.size} rows; give one per row."
            )
        if np.any(s >= t):
            raise OutcomeError(
                f"{where}: {_rows(s >= t)} start at or after their end; a row is (start, stop]."
            )
    w = None
    if weights is not None:
        w = _vector(weights, "weights", where)
        if w.size != t.size:
            raise OutcomeError(f"{where}: {w.size} weights for {t.size} rows; give one per row.")
        if np.any(w < 0) or not np.any(w > 0):
            raise OutcomeError(f"{where}: weights are negative or all zero; give positive weights.")
    return t, e, s, w


def merge_close_times(
    time: NDArray[np.float64], start: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Make times equal that differ by rounding alone, so that ties stay ties in another unit.

    Parameters
    ----------
    time : ndarray of shape (n_rows,)
        End of each row.
    start : ndarray of shape (n_rows,), optional
        Entry of each row.

    Returns
    -------
    time, start : ndarray or None
        The same arrays where nothing had to change.

    Raises
    ------
    OutcomeError
        If a row's start and end are equal but for rounding.

    Notes
    -----
    Neighbouring distinct times whose gap is at most 1.5e-8, in the unit of time or relative to the
    mean time, are one time: the first of them. Checked against R ``survival::aeqSurv``.

    Examples
    --------
    >>> merge_close_times(np.array([0.1 + 0.2, 0.3, 1.0]))[0].tolist()
    [0.3, 0.3, 1.0]
    """
    known = time if start is None else np.concatenate([time, start])
    ordered = np.sort(known)
    gap = ordered[1:] - ordered[:-1]
    largest = max(1.0, float(ordered[-1]), -float(ordered[0]))  # no mean is larger
    if np.count_nonzero(gap <= _SAME_TIME * largest) == np.count_nonzero(gap == 0):
        return time, start
    distinct = distinct_times(known)
    tied = close_times(distinct)
    if not tied.any():
        return time, start
    kept = distinct[np.concatenate([[True], ~tied])]
    merged = kept[np.searchsorted(kept, known, side="right") - 1]
    if start is None:
        return merged, None
    time, start = merged[: time.size], merged[time.size :]
    if np.any(start >= time):
        raise OutcomeError(
            f"outcome: {_rows(start >= time)} start and end at times that differ by rounding only; "
            "drop rows of no length."
        )
    return time, start


def close_times(distinct: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which distinct times differ from the one before by rounding alone.

    Parameters
    ----------
    distinct : ndarray of shape (n_times,)
        Ascending, at least one.

    Returns
    -------
    ndarray of shape (n_times - 1,)
        By the rule of :func:`merge_close_times`.

    Examples
    --------
    >>> close_times(np.array([0.3, 0.1 + 0.2, 1.0])).tolist()
    [True, False]
    """
    scale = max(1.0, float(np.abs(distinct).sum()) / distinct.size)
    return distinct[1:] - distinct[:-1] <= _SAME_TIME * scale


def distinct_times(time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sort times and keep each once.

    Parameters
    ----------
    time : ndarray of shape (n_rows,)
        Finite times, at least one.

    Returns
    -------
    ndarray of shape (n_times,)
        Ascending.

    Examples
    --------
    >>> distinct_times(np.array([3.0, 1.0, 3.0])).tolist()
    [1.0, 3.0]
    """
    ordered = np.sort(time)
    is_new = np.ones(ordered.size, dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    return ordered[is_new]


def _vector(values: ArrayLike, name: str, where: str) -> NDArray[np.float64]:
    try:
        out = real_array(values)
    except (TypeError, ValueError):
        raise OutcomeError(f"{where}: {name} is not numeric; give numbers.") from None
    if out.ndim != 1:
        raise OutcomeError(f"{where}: {name} has {out.ndim} dimensions; give a vector.")
    if not np.isfinite(out).all():
        raise OutcomeError(
            f"{where}: {_rows(~np.isfinite(out))} have a missing or infinite {name}; "
            "remove or complete them yourself, nothing is dropped silently."
        )
    return out


def _events(values: ArrayLike, where: str) -> NDArray[np.bool_]:
    try:
        out = np.asarray(values)
    except ValueError:
        raise OutcomeError(f"{where}: event is ragged; give a vector.") from None
    if out.ndim != 1:
        raise OutcomeError(f"{where}: event has {out.ndim} dimensions; give a vector.")
    if out.dtype == bool:
        return out
    numbers = _vector(out, "event", where)
    if not np.all((numbers == 0) | (numbers == 1)):
        raise OutcomeError(
            f"{where}: event holds values other than 0 and 1; give booleans, or 0 and 1."
        )
    return numbers.astype(bool)


def _rows(mask: NDArray[np.bool_]) -> str:
    found = np.flatnonzero(mask) + 1
    shown = ", ".join(map(str, found[:5])) + (", ..." if found.size > 5 else "")
    return f"{found.size} row{'s' if found.size > 1 else ''} ({shown})"
