"""Follow-up ranked once, for the measures that compare patients by who was followed longer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.outcome import check_y, close_times
from allsurv.stats.sorting import sort_rows

__all__ = ["FollowUp"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]


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
        order, ordered = sort_rows(time)
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
        is_new = np.concatenate(([True], ~close_times(exact.times)))
        if is_new.all():
            return exact
        merged = is_new.cumsum(dtype=np.int32) - np.int32(1)
        return cls(exact.times[is_new], merged[exact.rank], exact.event)

    @property
    def place(self) -> Ints:
        """Rank of the end of follow-up, a censoring coming after the events of its time.

        Returns
        -------
        ndarray of shape (n_patients,)
            Twice the rank of the time, plus one where censored.
        """
        return 2 * self.rank + ~self.event
