"""Probability of being under observation: the weights of those who failed from another cause."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import OutcomeError

__all__ = ["Convention", "probability_followed"]

Floats = NDArray[np.float64]
Convention = Literal["crr", "finegray"]


def probability_followed(
    time: Floats,
    failed: NDArray[np.bool_],
    start: Floats | None,
    at: Floats,
    convention: Convention,
) -> Floats:
    r"""Probability of being followed up to just before given times, but for a constant factor.

    Parameters
    ----------
    time : ndarray of shape (n_rows,)
        Ends of follow-up, near-ties merged.
    failed : ndarray of shape (n_rows,)
        Whether the row ends in a failure of any cause.
    start : ndarray of shape (n_rows,) or None
        Entry.
    at : ndarray of shape (n_times,)
        Times at which to read it.
    convention : {"crr", "finegray"}
        Whether those failing at a time of censoring count as at risk of being censored then.

    Returns
    -------
    ndarray of shape (n_times,)
        :math:`G(t-) H(t-)`: not censored before t, and, under delayed entry, entered by then. 0
        beyond the last end of follow-up.

    Raises
    ------
    OutcomeError
        If at some entry nobody was under observation, so that no probability can be formed.

    Notes
    -----
    :math:`G(t-) = \prod_{c < t} (1 - n_c / Y_c)` over times of censoring, and
    :math:`H(t-) = \prod_{d \ge t} (1 - e_d / Y_d)` over entries, backwards in time, with
    :math:`Y_d` those under observation just after d (Geskus, Biometrics 2011;67:39-49,
    doi:10.1111/j.1541-0420.2010.01420.x).
    """
    ends = np.sort(time)
    censored, n_censored = np.unique(time[~failed], return_counts=True)
    at_risk = ends.size - ends.searchsorted(censored)
    begun = None if start is None else np.sort(start)
    if begun is not None:
        at_risk = at_risk - (begun.size - begun.searchsorted(censored))
    if convention == "finegray":
        failures = np.sort(time[failed])
        at_risk = at_risk - (
            failures.searchsorted(censored, "right") - failures.searchsorted(censored)
        )
    kept = np.concatenate([[1.0], np.cumprod(1.0 - n_censored / at_risk)])
    found = np.where(at > ends[-1], 0.0, kept[censored.searchsorted(at)])
    return found if begun is None else found * _entered_before(begun, ends, at)


def _entered_before(begun: Floats, ends: Floats, at: Floats) -> Floats:
    entries, n_entered = np.unique(begun, return_counts=True)
    at_risk = begun.searchsorted(entries, "right") - ends.searchsorted(entries, "right")
    factor = 1.0 - n_entered / at_risk
    if np.any(factor[1:] <= 0):  # the first entry is no one's condition: all times come after it
        raise OutcomeError(
            "fit_fine_gray: at some time of entry nobody else is under observation, so patients "
            "who failed before cannot be weighted; let follow-up begin later, or leave start out."
        )
    factor[0] = 1.0
    later = np.append(np.cumprod(factor[::-1])[::-1], 1.0)
    return np.asarray(later[entries.searchsorted(at)], dtype=float)
