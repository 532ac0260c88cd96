"""What out-of-fold predictions show on patients drawn with replacement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.measures.calibration_curve import calibration_errors
from allsurv.stats.measures.net_benefit import net_benefit
from allsurv.validation.measures import PooledRisk

__all__ = ["CALIBRATION_ERRORS", "Redrawn", "redraw"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
CALIBRATION_ERRORS = ("ici", "e50", "e90")


@dataclass(frozen=True, eq=False)
class Redrawn:
    """What predictions of one model show on each sample, taken as given; NaN where nothing.

    Attributes
    ----------
    errors : ndarray of shape (n_samples, n_horizons, 3)
        ICI, E50 and E90.
    benefit : ndarray of shape (n_samples, n_horizons, n_thresholds)
        Net benefit.
    """

    errors: Floats
    benefit: Floats

    @classmethod
    def joined(cls, parts: Sequence[Redrawn]) -> Redrawn:
        """Put samples drawn in several processes together."""
        return cls(
            np.concatenate([part.errors for part in parts]),
            np.concatenate([part.benefit for part in parts]),
        )


def redraw(
    pooled: Sequence[PooledRisk],
    y: NDArray[np.void],
    horizons: Floats,
    thresholds: Floats,
    samples: Sequence[Ints],
    first: int = 0,
) -> Redrawn:
    """Measure samples of patients, taking the repeats of a model in turn."""
    shape = (len(samples), horizons.size)
    errors = np.full((*shape, len(CALIBRATION_ERRORS)), np.nan)
    benefit = np.full((*shape, thresholds.size), np.nan)
    places = [_places(repeat.patients, y.size) for repeat in pooled]
    for k, horizon in enumerate(map(float, horizons)):
        usable = [r for r, repeat in enumerate(pooled) if not repeat.reasons[k]]
        for b, sample in enumerate(samples if usable else ()):
            r = usable[(first + b) % len(usable)]
            drawn = places[r][sample]
            drawn = drawn[drawn >= 0]
            outcome = y[pooled[r].patients[drawn]]
            risk = np.clip(pooled[r].risk[drawn, k], 0, 1)
            benefit[b, k] = net_benefit(outcome, risk, horizon, thresholds).model
            if not pooled[r].is_constant:
                found = calibration_errors(outcome, risk, horizon)
                errors[b, k] = found.ici, found.e50, found.e90
    return Redrawn(errors, benefit)


def _places(patients: Ints, n_patients: int) -> Ints:
    """Place of each patient of the cohort among those tested; -1 for the others."""
    place = np.full(n_patients, -1, dtype=np.intp)
    place[patients] = np.arange(patients.size)
    return place
