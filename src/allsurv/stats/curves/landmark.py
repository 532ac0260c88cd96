"""Landmark analysis: who is still at risk at a fixed time, and who is left out and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import OutcomeError
from allsurv.stats.outcome import check_outcome

__all__ = ["Landmark", "landmark"]


@dataclass(frozen=True, eq=False)
class Landmark:
    """Patients of a landmark analysis.

    Attributes
    ----------
    at : float
        The landmark, in the unit of follow-up.
    mask : ndarray of shape (n_rows,)
        True for rows still at risk just after the landmark.
    n_included : int
        Rows still at risk.
    n_event_before, n_censored_before : int
        Rows that failed, or whose follow-up ended, by the landmark.
    n_not_entered : int
        Rows that come under observation only after the landmark.
    """

    at: float
    mask: NDArray[np.bool_]
    n_included: int
    n_event_before: int
    n_censored_before: int
    n_not_entered: int = 0


def landmark(
    time: ArrayLike, event: ArrayLike, at: float, *, start: ArrayLike | None = None
) -> Landmark:
    """Select the patients still at risk at a landmark, counting those left out.

    Groups formed by what happened up to the landmark (response, transplant) may be compared from
    there on without immortal-time bias.

    Parameters
    ----------
    time, event : array-like of shape (n_rows,)
        End of follow-up, in any one unit, and whether the event was seen there.
    at : float
        Landmark, in the unit of ``time``; zero or more.
    start : array-like of shape (n_rows,), optional
        Delayed entry: a row is at risk in ``(start, time]``.

    Returns
    -------
    Landmark
        Mask and counts. Restart the clock with ``time[mask] - at``, which is positive.

    Raises
    ------
    OutcomeError
        If the outcome is malformed or ``at`` is not a number of at least zero.

    Notes
    -----
    A row whose end falls exactly on the landmark is not at risk after it and is left out [1]_.
    Checked against hand-derived cases, and under Cox regression by R ``survival::coxph``.

    References
    ----------
    .. [1] Anderson JR, Cain KC, Gelber RD. J Clin Oncol. 1983;1(11):710-719.
       doi:10.1200/JCO.1983.1.11.710

    Examples
    --------
    >>> chosen = landmark([2, 3, 4, 9], [1, 0, 1, 0], at=4)
    >>> chosen.mask.tolist(), chosen.n_event_before, chosen.n_censored_before
    ([False, False, False, True], 2, 1)
    """
    t, e, s, _ = check_outcome(time, event, start=start, where="landmark")
    try:
        moment = float(at)
    except (TypeError, ValueError):
        moment = float("nan")
    if not (np.isfinite(moment) and moment >= 0):
        raise OutcomeError(f"landmark: at is {at!r}; give a time of zero or more.")
    gone = t <= moment
    late = np.zeros_like(gone) if s is None else s > moment
    mask = ~gone & ~late
    return Landmark(
        at=moment,
        mask=mask,
        n_included=int(mask.sum()),
        n_event_before=int((gone & e).sum()),
        n_censored_before=int((gone & ~e).sum()),
        n_not_entered=int(late.sum()),
    )
