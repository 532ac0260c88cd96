"""How an estimator of another package predicts, under the contract of a mechanism."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.riskmodel.mechanisms import Mechanism

__all__ = ["OwnSurvival", "Recalibrated", "predict_score"]

Floats = NDArray[np.float64]
Steps = NDArray[np.intp]
DUST = 1e-8
"""By how much a survival curve may leave [0, 1], or rise: what arithmetic does."""


def predict_score(family: str, estimator: Any, design: Floats) -> Floats:
    """Score patients so that higher is worse."""
    score = np.asarray(estimator.predict(design), dtype=float)
    if score.shape != (len(design),) or not np.isfinite(score).all():
        raise ModelError(
            f"{family}: predict gave shape {score.shape}, or numbers that are not finite, for "
            f"{len(design)} patients; needed is one finite number each."
        )
    # scikit-survival marks what predicts a time; the one attribute by which it says so.
    return score if getattr(estimator, "_predict_risk_score", True) else -score


class _Borrowed(Mechanism):
    """A mechanism that is a program, not arrays: it has no exported form."""

    family: str
    estimator: Any

    def arrays(self) -> dict[str, Floats]:
        """Refuse: the estimator may hold patients."""
        raise ModelError(f"{self.family}: is a program of another package and has no arrays.")

    def _check(self, n_terms: int, n_steps: int) -> None:
        raise ModelError(f"{self.family}: is a program of another package; it is not exported.")

    def _blocks(self, n_patients: int) -> list[slice]:
        # All at once: whether a stranger's predict may run in several threads is not known.
        return [slice(0, n_patients)] if n_patients else []


@dataclass(frozen=True, eq=False)
class Recalibrated(_Borrowed):
    """Survival by Cox regression on the risk score: a slope and a baseline hazard."""

    kind: ClassVar[str] = "recalibrated"
    family: str
    estimator: Any
    slope: float
    hazard: Floats

    def _evaluate(self, design: Floats, steps: Steps) -> tuple[Floats, Floats]:
        score = predict_score(self.family, self.estimator, design)
        with np.errstate(over="ignore", invalid="ignore"):
            cumulative = np.outer(np.exp(self.slope * score), self.hazard[steps])
        # A hazard of 0 stays 0 where the relative hazard is beyond all numbers.
        return score, np.exp(-np.nan_to_num(cumulative, nan=0.0, posinf=np.inf))


@dataclass(frozen=True, eq=False)
class OwnSurvival(_Borrowed):
    """Survival as the estimator predicts it, on the time grid."""

    kind: ClassVar[str] = "own survival"
    family: str
    estimator: Any
    grid: Floats

    def _evaluate(self, design: Floats, steps: Steps) -> tuple[Floats, Floats]:
        score = predict_score(self.family, self.estimator, design)
        if not steps.size:
            return score, np.empty((len(design), 0))
        return score, self._curves(design)[:, steps]

    def _curves(self, design: Floats) -> Floats:
        """Survival of shape (n_patients, n_steps); the whole grid, so that any part agrees."""
        try:
            found = self.estimator.predict_survival_function(design)
        except (ValueError, NotImplementedError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"{self.family}: predicts no survival as it is set ({first}); use "
                "survival='recalibrated'."
            ) from error
        if isinstance(found, np.ndarray) and found.dtype != object:
            times = getattr(self.estimator, "unique_times_", None)
            if times is None or found.shape != (len(design), len(times)):
                raise ModelError(
                    f"{self.family}: predict_survival_function gave an array without the times of "
                    "its columns; needed are step functions, or unique_times_ beside the array."
                )
            curves = np.array([_at(np.asarray(times), row, self.grid) for row in found])
        else:
            curves = np.array([_at(f.x, f.a * f.y + f.b, self.grid) for f in found])
        return self._checked(curves)

    def _checked(self, curves: Floats) -> Floats:
        wrong = ""
        if not np.isfinite(curves).all():
            wrong = "is not finite"
        elif curves.min() < -DUST or curves.max() > 1 + DUST:
            wrong = "leaves [0, 1]"
        elif np.diff(curves, axis=1).max(initial=0.0) > DUST:
            wrong = "rises with time"
        if wrong:
            raise ModelError(
                f"{self.family}: its predicted survival {wrong}, as no probability of survival "
                "can; use survival='recalibrated'."
            )
        return np.minimum.accumulate(np.clip(curves, 0.0, 1.0), axis=1)


def _at(times: Floats, survival: Floats, grid: Floats) -> Floats:
    """Read a step function on the grid: 1 until its first time.

    scikit-survival's own step functions hold their first value to the left, so that a cohort whose
    first time is an event would begin below 1.

    Examples
    --------
    >>> _at(np.array([1.0, 3.0]), np.array([0.9, 0.5]), np.arange(5.0)).tolist()
    [1.0, 0.9, 0.9, 0.5, 0.5]
    """
    steps = np.concatenate([[1.0], survival])
    value: Floats = steps[np.searchsorted(times, grid, side="right")]
    value[grid <= 0] = 1.0
    return value
