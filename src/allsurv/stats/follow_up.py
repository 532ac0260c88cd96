"""Follow-up ranked once, for the measures that compare patients by who was followed longer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.outcome import check_y, merge_close_times

__all__ = ["FollowUp", "order_of_ranks"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]

HALF = 16  # bits sorted at once: NumPy sorts 16-bit numbers by counting


@dataclass(frozen=True, eq=False)
class FollowUp:
    """Times and events of patients, the times as ranks among the distinct ones.

    Attributes
    ----------
    times : ndarray of shape (n_times,)
        Distinct times, rising.
    rank : ndarray of shape (n_patients,)
        Index of each patient's time in ``times``.
    event : ndarray of shape (n_patients,)
        Event indicators.

    Examples
    --------
    >>> followed = FollowUp.of(np.array([7.0, 5.0, 7.0]), np.array([True, True, False]))
    >>> followed.times.tolist(), followed.rank.tolist(), followed.place.tolist()
    ([5.0, 7.0], [1, 0, 1], [2, 0, 3])
    """

    times: Floats
    rank: Ints
    event: Bools

    @classmethod
    def of(cls, time: Floats, event: Bools) -> FollowUp:
        """Rank times that are checked already.

        Parameters
        ----------
        time : ndarray of shape (n_patients,)
            Follow-up.
        event : ndarray of shape (n_patients,)
            Event indicators.

        Returns
        -------
        FollowUp
            Tied where the times are equal.
        """
        order = time.argsort()
        ordered = time[order]
        is_new = np.ones(time.size, dtype=bool)
        np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
        rank = np.empty(time.size, dtype=np.int32)
        rank[order] = is_new.cumsum(dtype=np.int32) - np.int32(1)
        return cls(ordered[is_new], rank, event)

    @classmethod
    def of_y(cls, y: NDArray[np.void]) -> FollowUp:
        """Check and rank an outcome, tying times that differ by rounding alone as R does.

        Parameters
        ----------
        y : structured ndarray of shape (n_patients,)
            Fields ``event`` and ``time``.

        Returns
        -------
        FollowUp
            Of the outcome with its close times merged.

        Raises
        ------
        OutcomeError
            If the outcome is malformed.
        """
        exact = cls.of(*check_y(y))
        times = merge_close_times(exact.times)[0]
        if times is exact.times:
            return exact
        merged = cls.of(times, exact.event)
        return cls(merged.times, merged.rank[exact.rank], exact.event)

    @property
    def place(self) -> Ints:
        """Rank of the end of follow-up, a censoring coming after the events of its time.

        Returns
        -------
        ndarray of shape (n_patients,)
            Twice the rank of the time, plus one where censored.
        """
        return 2 * self.rank + ~self.event


def order_of_ranks(rank: Ints) -> NDArray[np.intp]:
    """Sort whole numbers, equal ones staying in their order, in steps that grow with n alone.

    Parameters
    ----------
    rank : ndarray of shape (n,)
        Not negative.

    Returns
    -------
    ndarray of shape (n,)
        Indices that sort ``rank``.

    Examples
    --------
    >>> order_of_ranks(np.array([70000, 2, 70000, 1], dtype=np.int32)).tolist()
    [3, 1, 0, 2]
    """
    order = np.argsort(rank.astype(np.uint16), kind="stable")
    high = rank >> HALF
    if not high.any():
        return order
    return order[np.argsort(high.astype(np.uint16)[order], kind="stable")]
