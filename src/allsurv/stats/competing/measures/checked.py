"""The outcome that a measure reads, checked once: follow-up, failures, those of the cause asked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.competing.causes import check_cause
from allsurv.stats.outcome import check_outcome

__all__ = ["Failures", "check_failures"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Failures(NamedTuple):
    """Follow-up, and how it ended.

    Attributes
    ----------
    time : ndarray of shape (n_patients,)
        End of follow-up.
    cause : ndarray of shape (n_patients,)
        0 where censored, 1, 2, ... for the cause of failure.
    failed : ndarray of shape (n_patients,)
        Whether from any cause.
    case : ndarray of shape (n_patients,)
        Whether from the cause of interest.
    """

    time: Floats
    cause: NDArray[np.intp]
    failed: Bools
    case: Bools

    def cut_at(self, horizon: float) -> tuple[Floats, NDArray[np.intp]]:
        """Censor at a horizon whoever is followed beyond it.

        Parameters
        ----------
        horizon : float
            In the unit of time.

        Returns
        -------
        time, cause : ndarray of shape (n_patients,)
            A failure at the horizon itself is kept.
        """
        return np.minimum(self.time, horizon), np.where(self.time <= horizon, self.cause, 0)


def check_failures(time: ArrayLike, cause: ArrayLike, of: int, where: str) -> Failures:
    """Check times and causes.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up; positive and finite.
    cause : array-like of shape (n_patients,)
        Whole numbers, 0 where censored.
    of : int
        Cause of interest, at least 1; nobody need have failed from it.
    where : str
        Function to name in a message.

    Returns
    -------
    Failures
        In the order given.

    Raises
    ------
    OutcomeError
        Naming the first fault found.
    """
    if not isinstance(of, int | np.integer) or isinstance(of, bool) or of < 1:
        raise OutcomeError(f"{where}: cause {of!r} is asked for; give a whole number from 1.")
    codes = check_cause(cause, where)
    followed, failed, _, _ = check_outcome(time, codes > 0, where=where)
    return Failures(followed, codes, failed, codes == of)
