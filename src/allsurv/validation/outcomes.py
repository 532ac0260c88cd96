"""Measures of one event, or of one of several that compete: the outcome says which.

An outcome with a field ``cause`` is of events that compete: 1 is the cause whose risk is judged, 2
any other, 0 none. Every other module of validation asks here and need not know.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.cohort.table import Cohort
from allsurv.stats.competing.causes import make_caused_y
from allsurv.stats.competing.measures import accuracy, benefit, calibration, discrimination
from allsurv.stats.measures.auc import auc as auc_of_event
from allsurv.stats.measures.auc import auc_curve as auc_curve_of_event
from allsurv.stats.measures.brier import brier as brier_of_event
from allsurv.stats.measures.brier import brier_curve as brier_curve_of_event
from allsurv.stats.measures.brier import integrated_brier as integrated_brier_of_event
from allsurv.stats.measures.brier import ipa as ipa_of_event
from allsurv.stats.measures.calibration import calibration_slope as calibration_slope_of_event
from allsurv.stats.measures.calibration import observed_expected_ratio as observed_expected_of_event
from allsurv.stats.measures.calibration_curve import CalibrationCurve, CalibrationErrors
from allsurv.stats.measures.calibration_curve import calibration_curve as curve_of_event
from allsurv.stats.measures.calibration_curve import calibration_errors as errors_of_event
from allsurv.stats.measures.discrimination import uno_c as uno_c_of_event
from allsurv.stats.measures.net_benefit import NetBenefit
from allsurv.stats.measures.net_benefit import net_benefit as net_benefit_of_event
from allsurv.stats.measures.prediction import MeasureCurve
from allsurv.stats.outcome import Estimate

__all__ = [
    "auc",
    "auc_curve",
    "brier",
    "brier_curve",
    "calibration_curve",
    "calibration_errors",
    "calibration_slope",
    "cases",
    "competes",
    "integrated_brier",
    "ipa",
    "net_benefit",
    "observed_expected_ratio",
    "of_cause",
    "outcome_of",
    "uno_c",
]

Outcome = NDArray[np.void]


def outcome_of(cohort: Cohort, endpoint: str) -> Outcome:
    """Give the outcome of an endpoint, with the cause where events compete."""
    if cohort.study.endpoint(endpoint).causes:
        return cohort.competing(endpoint).y()
    return cohort.y(endpoint)


def competes(y: Outcome) -> bool:
    """Whether an outcome is of events that compete."""
    return "cause" in (y.dtype.names or ())


def of_cause(y: Outcome, of: int) -> Outcome:
    """Call one cause 1 and every other 2."""
    return make_caused_y(y["time"], np.where(y["cause"] == 0, 0, np.where(y["cause"] == of, 1, 2)))


def cases(y: Outcome) -> NDArray[np.bool_]:
    """Tell who had the event, or the cause that is judged."""
    found: NDArray[np.bool_] = y["cause"] == 1 if competes(y) else y["event"]
    return found


def auc(y: Outcome, risk: ArrayLike, horizon: float, **how: Any) -> Estimate:
    """Measure AUC at a horizon."""
    if competes(y):
        return discrimination.auc_of_cause(y["time"], y["cause"], risk, horizon, **how)
    return auc_of_event(y, risk, horizon, **how)


def auc_curve(y: Outcome, risk: ArrayLike, times: ArrayLike, **how: Any) -> MeasureCurve:
    """Measure AUC at several times."""
    if competes(y):
        return discrimination.auc_curve_of_cause(y["time"], y["cause"], risk, times, **how)
    return auc_curve_of_event(y, risk, times, **how)


def uno_c(y: Outcome, risk_score: ArrayLike, *, tau: float, **how: Any) -> Estimate:
    """Measure Uno's concordance, or that of Wolbers where events compete."""
    if competes(y):
        return discrimination.concordance_of_cause(
            y["time"], y["cause"], risk_score, tau=tau, **how
        )
    return uno_c_of_event(y, risk_score, tau=tau, **how)


def brier(y: Outcome, risk: ArrayLike, horizon: float, **how: Any) -> Estimate:
    """Measure the Brier score at a horizon."""
    if competes(y):
        return accuracy.brier_of_cause(y["time"], y["cause"], risk, horizon, **how)
    return brier_of_event(y, risk, horizon, **how)


def brier_curve(y: Outcome, risk: ArrayLike, times: ArrayLike, **how: Any) -> MeasureCurve:
    """Measure the Brier score at several times."""
    if competes(y):
        return accuracy.brier_curve_of_cause(y["time"], y["cause"], risk, times, **how)
    return brier_curve_of_event(y, risk, times, **how)


def integrated_brier(y: Outcome, risk: ArrayLike, times: ArrayLike, **how: Any) -> Estimate:
    """Average the Brier score over time."""
    if competes(y):
        return accuracy.integrated_brier_of_cause(y["time"], y["cause"], risk, times, **how)
    return integrated_brier_of_event(y, risk, times, **how)


def ipa(y: Outcome, risk: ArrayLike, horizon: float, **how: Any) -> Estimate:
    """Measure the index of prediction accuracy."""
    if competes(y):
        return accuracy.ipa_of_cause(y["time"], y["cause"], risk, horizon, **how)
    return ipa_of_event(y, risk, horizon, **how)


def observed_expected_ratio(
    y: Outcome, risk: ArrayLike, horizon: float, *, censoring: Any = None
) -> Estimate:
    """Measure calibration in the large."""
    if competes(y):
        return calibration.observed_expected_of_cause(y["time"], y["cause"], risk, horizon)
    return observed_expected_of_event(y, risk, horizon, censoring=censoring)


def calibration_slope(
    y: Outcome, risk: ArrayLike, horizon: float, *, fold: ArrayLike | None = None
) -> Estimate:
    """Measure the calibration slope; folds only where events compete."""
    if competes(y):
        return calibration.calibration_slope_of_cause(
            y["time"], y["cause"], risk, horizon, fold=fold
        )
    return calibration_slope_of_event(y, risk, horizon)


def calibration_curve(
    y: Outcome, risk: ArrayLike, horizon: float, *, at: ArrayLike, censoring: Any = None
) -> CalibrationCurve:
    """Smooth observed against predicted risk; without limits where events compete."""
    if competes(y):
        return calibration.calibration_curve_of_cause(y["time"], y["cause"], risk, horizon, at=at)
    return curve_of_event(y, risk, horizon, at=at, censoring=censoring)


def calibration_errors(
    y: Outcome, risk: ArrayLike, horizon: float, *, censoring: Any = None
) -> CalibrationErrors:
    """Measure ICI, E50, E90 and Emax."""
    if competes(y):
        return calibration.calibration_errors_of_cause(y["time"], y["cause"], risk, horizon)
    return errors_of_event(y, risk, horizon, censoring=censoring)


def net_benefit(
    y: Outcome, risk: ArrayLike, horizon: float, thresholds: ArrayLike, *, censoring: Any = None
) -> NetBenefit:
    """Measure the net benefit of acting on a risk."""
    if competes(y):
        return benefit.net_benefit_of_cause(y["time"], y["cause"], risk, horizon, thresholds)
    return net_benefit_of_event(y, risk, horizon, thresholds, censoring=censoring)
