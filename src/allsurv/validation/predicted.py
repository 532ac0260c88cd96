"""What a measure is given: patients whose outcome is known, and what a model predicted of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.measures.calibration_curve import CalibrationErrors
from allsurv.stats.measures.censoring import CensoringDistribution
from allsurv.stats.measures.patient_censoring import PatientCensoring
from allsurv.stats.outcome import Estimate
from allsurv.validation.outcomes import calibration_errors

__all__ = ["ALIKE", "Predicted"]

Floats = NDArray[np.float64]
ALIKE = "the model gives all patients of a fold the same risk"
NONE: Floats = np.empty(0)


@dataclass(frozen=True, eq=False)
class Predicted:
    """Patients of one test fold, of one repeat, or of one bootstrap sample.

    Attributes
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` and ``time``.
    risk_score : ndarray of shape (n_patients,)
        Unitless, higher is worse; comparable within a fold only.
    risk : ndarray of shape (n_patients,)
        Probability of the event by ``horizon``; empty without one.
    horizon : float
        In the study's unit; NaN for none.
    fold : ndarray of int of shape (n_patients,), optional
        The fold each patient was left out in; none where one refit predicts everybody.
    censoring : CensoringDistribution, optional
        That of the whole cohort; estimated from ``y`` where there is none.
    given : PatientCensoring, optional
        Where follow-up depends on the patient: weights that take its place, but for Uno's C.
    curves : ndarray of shape (n_patients, n_times)
        Risk by each of ``times``.
    times : ndarray of shape (n_times,)
        Those that every refit reaches.
    is_constant : bool
        Whether no refit tells its patients apart.
    reason : str
        Why there is no risk score; empty where there is one.
    risk_reason : str
        Why there is no risk at the horizon; empty where there is one.
    """

    y: NDArray[np.void]
    risk_score: Floats
    risk: Floats = field(default_factory=lambda: NONE)
    horizon: float = np.nan
    fold: NDArray[np.intp] | None = None
    censoring: CensoringDistribution | None = None
    given: PatientCensoring | None = None
    curves: Floats = field(default_factory=lambda: np.empty((0, 0)))
    times: Floats = field(default_factory=lambda: NONE)
    is_constant: bool = False
    reason: str = ""
    risk_reason: str = ""

    @cached_property
    def calibration_errors(self) -> CalibrationErrors | str:
        """Errors of the smooth calibration curve, or why there are none; one fit serves all."""
        if self.is_constant:
            return ALIKE
        errors = calibration_errors(
            self.y, np.clip(self.risk, 0, 1), self.horizon, censoring=self.given
        )
        return errors.reason or errors

    def calibration_error(self, read: Callable[[CalibrationErrors], float]) -> Estimate:
        """Read one number off the smooth calibration curve."""
        errors = self.calibration_errors
        return Estimate.missing(errors) if isinstance(errors, str) else Estimate(read(errors))
