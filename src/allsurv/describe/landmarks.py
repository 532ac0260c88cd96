"""Landmarks: who is still at risk at a given time, and what had happened to them by then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.dictionary.units import unit_ratio
from allsurv.errors import OutcomeError
from allsurv.stats.curves import nonparametric
from allsurv.stats.outcome import entry_of, make_y

__all__ = ["Landmark", "reach_landmark"]


@dataclass(frozen=True, eq=False)
class Landmark:
    """Patients who reached a landmark, and how many did not.

    Attributes
    ----------
    at : float
        Time after treatment start, in the study's unit.
    cohort : Cohort
        Those under observation and free of the endpoint's event after the landmark.
    rows : ndarray of int of shape (n_patients,)
        Their positions among the patients asked about.
    y : structured ndarray of shape (n_patients,)
        Their outcome, any of the events where several compete; the clock still runs from the
        endpoint's origin.
    happened : DataFrame of shape (n_patients, n_events)
        True where a time-dependent event had happened by the landmark.
    n_event_before, n_censored_before, n_later_origin : int
        Patients excluded: with the endpoint's event by the landmark, censored by it, or whose
        clock or observation starts only after it.
    """

    at: float
    cohort: Cohort
    rows: NDArray[np.intp]
    y: NDArray[np.void]
    happened: pd.DataFrame
    n_event_before: int
    n_censored_before: int
    n_later_origin: int

    @property
    def n_excluded(self) -> int:
        """Count the patients who did not reach the landmark."""
        return self.n_event_before + self.n_censored_before + self.n_later_origin


def reach_landmark(
    cohort: Cohort, endpoint: str, at: float, *, events: Sequence[str] = ()
) -> Landmark:
    """Keep the patients still at risk at a landmark."""
    rows = cohort.intervals(endpoint, list(events))
    y = cohort.y_any(endpoint)
    origin, entry = _origin(cohort, endpoint), entry_of(y)
    observed = origin if entry is None else origin + entry
    chosen = nonparametric.landmark(origin + y["time"], y["event"], at, start=observed)
    if not chosen.n_included:
        raise OutcomeError(
            f"landmark {at:g}: none of {cohort.n} patients is still at risk then; choose an "
            "earlier one."
        )
    shift = origin[rows.patient]
    covers = (rows.start + shift <= at) & (at < rows.stop + shift)
    kept = np.flatnonzero(chosen.mask)
    return Landmark(
        at=chosen.at,
        cohort=cohort.take(kept),
        rows=kept,
        y=make_y(y["time"][kept], y["event"][kept]),  # all have entered by the landmark
        happened=rows.X.loc[covers, list(events)].astype(bool).reset_index(drop=True),
        n_event_before=chosen.n_event_before,
        n_censored_before=chosen.n_censored_before,
        n_later_origin=chosen.n_not_entered,
    )


def _origin(cohort: Cohort, endpoint: str) -> NDArray[np.float64]:
    name = cohort.study.endpoint(endpoint).origin_time
    if name is None:
        return np.zeros(cohort.n)
    ratio = unit_ratio(cohort.study.variable(name).unit, cohort.study.time.unit)
    found: NDArray[np.float64] = cohort.frame[name].to_numpy(dtype=float) * ratio
    return found
