"""The outcome of competing risks, checked once: times, causes, entry, weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.numbers import real_array
from allsurv.stats.outcome import check_outcome

__all__ = [
    "CausedOutcome",
    "check_cause",
    "check_caused_y",
    "check_causes",
    "make_caused_y",
    "require_cause",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
_MOST_CAUSES = 1000


class CausedOutcome(NamedTuple):
    """Rows of a cohort with several causes of failure, of positive weight all.

    Attributes
    ----------
    time : ndarray of shape (n_rows,)
        End of follow-up.
    cause : ndarray of shape (n_rows,)
        0 where censored, 1, 2, ... for the cause of failure.
    start, weights : ndarray of shape (n_rows,) or None
        Entry and case weight; ``None`` where not given.
    """

    time: Floats
    cause: Integers
    start: Floats | None
    weights: Floats | None

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Mark the rows that end in a failure, from whatever cause.

        Returns
        -------
        ndarray of shape (n_rows,)
            True where the cause is above 0.
        """
        return self.cause > 0


def check_causes(
    time: ArrayLike,
    cause: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    where: str,
) -> CausedOutcome:
    """Check times, causes, entries and weights together; leave out rows of weight 0.

    Parameters
    ----------
    time : array-like of shape (n_rows,)
        End of follow-up; positive and finite.
    cause : array-like of shape (n_rows,)
        Whole numbers, 0 where censored.
    start : array-like of shape (n_rows,), optional
        Entry; below ``time``.
    weights : array-like of shape (n_rows,), optional
        Case weights; not negative, not all zero.
    where : str
        Function to name in a message.

    Returns
    -------
    CausedOutcome
        The rows that carry weight, in their order.

    Raises
    ------
    OutcomeError
        Naming the first fault found.
    """
    codes = check_cause(cause, where)
    t, _, s, w = check_outcome(time, codes > 0, start=start, weights=weights, where=where)
    if w is not None and not w.all():
        kept = w > 0
        t, codes, w = t[kept], codes[kept], w[kept]
        s = None if s is None else s[kept]
    return CausedOutcome(t, codes, s, w)


def make_caused_y(time: ArrayLike, cause: ArrayLike) -> NDArray[np.void]:
    """Bind times and causes into the structured array that models and validation take.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.

    Returns
    -------
    structured ndarray of shape (n_patients,)
        Fields ``event`` (bool: any cause), ``time`` (float) and ``cause`` (int).

    Raises
    ------
    OutcomeError
        If the arrays do not fit together or hold impossible values.

    Examples
    --------
    >>> y = make_caused_y([6, 12, 18], [2, 0, 1])
    >>> y["event"].tolist(), y["cause"].tolist()
    ([True, False, True], [2, 0, 1])
    """
    codes = check_cause(cause, "make_caused_y")
    t, failed, _, _ = check_outcome(time, codes > 0, where="make_caused_y")
    y = np.empty(t.size, dtype=[("event", bool), ("time", float), ("cause", np.intp)])
    y["event"], y["time"], y["cause"] = failed, t, codes
    return y


def check_caused_y(y: NDArray[np.void], *, where: str = "y") -> tuple[Floats, Integers]:
    """Split a structured outcome into checked times and causes.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``time`` and ``cause``.
    where : str, default="y"
        Name to use in the message.

    Returns
    -------
    time : ndarray of shape (n_patients,)
        Ends of follow-up.
    cause : ndarray of shape (n_patients,)
        0 where censored, 1, 2, ... for the cause of failure.

    Raises
    ------
    OutcomeError
        If a field is missing or holds impossible values.
    """
    names = getattr(getattr(y, "dtype", None), "names", None) or ()
    if not {"time", "cause"} <= set(names):
        raise OutcomeError(
            f"{where}: no structured array with fields 'time' and 'cause'; make one with "
            "make_caused_y(time, cause) or Cohort.competing(endpoint).y()."
        )
    codes = check_cause(y["cause"].copy(), where)
    time, _, _, _ = check_outcome(y["time"].copy(), codes > 0, where=where)
    return time, codes


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
    if np.any(numbers > _MOST_CAUSES):
        raise OutcomeError(f"{where}: cause goes beyond {_MOST_CAUSES}; number the causes from 1.")
    return numbers.astype(np.intp)


def require_cause(outcome: CausedOutcome, of: int, where: str) -> int:
    """Check that somebody failed from a cause.

    Parameters
    ----------
    outcome : CausedOutcome
        Checked rows.
    of : int
        Number of the cause.
    where : str
        Function to name in the message.

    Returns
    -------
    int
        The cause.

    Raises
    ------
    OutcomeError
        If nobody did, or 0 is asked for.
    """
    is_number = isinstance(of, int | np.integer) and not isinstance(of, bool)
    if not is_number or of <= 0 or not np.any(outcome.cause == of):
        seen = np.unique(outcome.cause[outcome.failed]).tolist()
        raise OutcomeError(
            f"{where}: nobody failed from cause {of!r}; choose one of those seen, {seen[:10]}."
        )
    return int(of)
