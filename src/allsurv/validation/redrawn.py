"""What out-of-fold predictions show on patients drawn with replacement."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.measures.patient_censoring import PatientCensoring
from allsurv.validation.catalogue import Measure, measures_by_name
from allsurv.validation.measures import PooledRisk
from allsurv.validation.outcomes import net_benefit
from allsurv.validation.predicted import Predicted

__all__ = ["Redrawn", "redraw"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Redrawn:
    """What predictions of one model show on each sample, taken as given; NaN where nothing.

    Attributes
    ----------
    measures : tuple of str
        Those whose limits come from samples: ICI, E50 and E90.
    values : ndarray of shape (n_samples, n_horizons, n_measures)
        What they are.
    benefit : ndarray of shape (n_samples, n_horizons, n_thresholds)
        Net benefit.
    """

    measures: tuple[str, ...]
    values: Floats
    benefit: Floats

    @classmethod
    def joined(cls, parts: Sequence[Redrawn]) -> Redrawn:
        """Put samples drawn in several processes together."""
        return cls(
            parts[0].measures,
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.benefit for part in parts]),
        )


def redraw(
    pooled: Sequence[PooledRisk],
    y: NDArray[np.void],
    horizons: Floats,
    thresholds: Floats,
    samples: Sequence[Ints],
    first: int = 0,
    measures: Collection[str | Measure] | None = None,
    given: PatientCensoring | None = None,
) -> Redrawn:
    """Measure samples of patients, taking the repeats of a model in turn."""
    shape = (len(samples), horizons.size)
    asked = [m for m in measures_by_name(measures).values() if m.limits == "redrawn"]
    values = np.full((*shape, len(asked)), np.nan)
    benefit = np.full((*shape, thresholds.size), np.nan)
    places = [_places(repeat.patients, y.size) for repeat in pooled]
    for k, horizon in enumerate(map(float, horizons)):
        usable = [r for r, repeat in enumerate(pooled) if not repeat.reasons[k]]
        for b, sample in enumerate(samples if usable else ()):
            r = usable[(first + b) % len(usable)]
            drawn = places[r][sample]
            drawn = drawn[drawn >= 0]
            who = pooled[r].patients[drawn]
            outcome, those = y[who], None if given is None else given.take(who)
            risk = np.clip(pooled[r].risk[drawn, k], 0, 1)
            benefit[b, k] = net_benefit(outcome, risk, horizon, thresholds, censoring=those).model
            seen = Predicted(
                outcome,
                pooled[r].risk_score[drawn],
                risk,
                horizon,
                fold=pooled[r].fold[drawn],
                given=those,
                is_constant=pooled[r].is_constant,
            )
            values[b, k] = [measure.of(seen).value for measure in asked]
    return Redrawn(tuple(measure.name for measure in asked), values, benefit)


def _places(patients: Ints, n_patients: int) -> Ints:
    """Place of each patient of the cohort among those tested; -1 for the others."""
    place = np.full(n_patients, -1, dtype=np.intp)
    place[patients] = np.arange(patients.size)
    return place
