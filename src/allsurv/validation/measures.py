"""From out-of-fold predictions to measures: each where it is defined, then averaged.

Risk scores of different refits are not on one scale, and comparing even their risks across folds
makes a model look worse than it is, since a fold with many events leaves few to learn from.
Concordance and AUC are therefore measured inside each test fold and averaged with the number of
comparable pairs as weights, and the calibration slope compares patients of the same fold only.
Brier score, IPA and O/E are measured on the pooled out-of-fold risks of each repeat, and averaged.

On 40 simulated cohorts of 110 without any effect the mean AUC at the first horizon was 0.45 pooled
and 0.48 within folds (standard error 0.01; 0.50 is right). With true effects Cox models of 88
patients had slope 0.88 among 20,000 new patients; cross-validation said 0.78 pooled, 0.84 within.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.measures.brier import brier, integrated_brier, ipa
from allsurv.stats.measures.calibration import observed_expected_ratio
from allsurv.stats.measures.calibration_curve import calibration_errors
from allsurv.stats.measures.censoring import CensoringDistribution
from allsurv.stats.measures.discrimination import auc, harrell_c, uno_c
from allsurv.stats.measures.follow_up import FollowUp
from allsurv.stats.measures.observed import cut_follow_up
from allsurv.stats.measures.pairs import count_pairs
from allsurv.stats.measures.prediction import cloglog
from allsurv.stats.measures.royston import royston_d
from allsurv.stats.outcome import Estimate
from allsurv.validation.prediction import NO_TIMES, Prediction

__all__ = ["MEASURES", "PooledRisk", "measure_resamples", "pool_risks"]

Floats = NDArray[np.float64]

WITHIN = "within each test fold, averaged with the comparable pairs as weights"
POOLED = "on the pooled out-of-fold risks of each repeat, averaged over repeats"
STRATIFIED = "Cox regression on the out-of-fold risks, stratified by fold, averaged over repeats"
MEASURES = {
    "harrell_c": WITHIN,
    "uno_c": WITHIN,
    "auc": WITHIN,
    "brier": POOLED,
    "ipa": POOLED,
    "observed_expected_ratio": POOLED,
    "calibration_slope": STRATIFIED,
    "d": "Cox regression on normal scores of the out-of-fold risk scores, ranked and stratified by "
    "fold, averaged over repeats",
    "integrated_brier": POOLED,
    "ici": POOLED,
    "e50": POOLED,
    "e90": POOLED,
}
RESAMPLE_COLUMNS = [
    "model", "measure", "horizon", "repeat", "fold", "estimate", "std_error", "weight", "reason",
    "patients", "influence",
]  # fmt: skip
# Measures whose limits are made on the log scale; all others are on their own.
LOG_SCALE = {"observed_expected_ratio"}
# Measures that vary with the patients a model is fitted on, whose limits must be wider for it.
OF_THE_FIT = {"brier", "ipa", "integrated_brier", "calibration_slope", "ici", "e50", "e90"}
ALIKE = "the model gives all patients of a fold the same risk"


@dataclass(frozen=True, eq=False)
class PooledRisk:
    """Out-of-fold predictions of one model in one repeat.

    Attributes
    ----------
    model : str
        Name of the model.
    repeat : int
        From 0.
    patients : ndarray of int of shape (n_tested,)
        Those who were left out once, by position in the cohort.
    fold : ndarray of int of shape (n_tested,)
        The fold each of them was left out in.
    risk_score : ndarray of shape (n_tested,)
        Comparable within a fold only.
    risk : ndarray of shape (n_tested, n_horizons)
        NaN at a horizon that a refit of the repeat does not reach.
    curves : ndarray of shape (n_tested, n_times)
        The same on a grid of times.
    reasons : tuple of str
        Per horizon, why there is none; empty where there is.
    is_constant : bool
        Whether no refit tells its patients apart.
    """

    model: str
    repeat: int
    patients: NDArray[np.intp]
    fold: NDArray[np.intp]
    risk_score: Floats
    risk: Floats
    curves: Floats
    reasons: tuple[str, ...]
    is_constant: bool


def pool_risks(predictions: Iterable[Prediction], n_horizons: int) -> list[PooledRisk]:
    """Put the out-of-fold predictions of each repeat together."""
    groups: dict[tuple[str, int], list[Prediction]] = {}
    for prediction in predictions:
        groups.setdefault((prediction.model, prediction.split.repeat), []).append(prediction)
    pooled = []
    for (model, repeat), folds in groups.items():
        patients = np.concatenate([fold.split.test for fold in folds])
        order = np.argsort(patients, kind="stable")
        place = np.repeat([fold.split.fold for fold in folds], [f.split.test.size for f in folds])
        reasons = tuple(
            next((fold.reason_at(k) for fold in folds if fold.reason_at(k)), "")
            for k in range(n_horizons)
        )
        pooled.append(
            PooledRisk(
                model,
                repeat,
                patients[order],
                place[order],
                np.concatenate([fold.risk_score for fold in folds])[order],
                np.concatenate([fold.risk for fold in folds])[order],
                np.concatenate([fold.curves for fold in folds])[order],
                reasons,
                all(np.ptp(fold.risk, axis=0).max(initial=0.0) == 0 for fold in folds),
            )
        )
    return pooled


def measure_resamples(
    predictions: Sequence[Prediction],
    pooled: Sequence[PooledRisk],
    y: NDArray[np.void],
    horizons: Floats,
    *,
    times: Floats = NO_TIMES,
    measures: Collection[str] = tuple(MEASURES),
) -> pd.DataFrame:
    """Measure every resample, or say why it cannot be measured."""
    rows = [*_measure_folds(predictions, y, horizons, measures)]
    for repeat in pooled:
        rows += _measure_repeat(repeat, y, horizons, times, measures)
    return pd.DataFrame(rows, columns=RESAMPLE_COLUMNS)


def _measure_folds(
    predictions: Sequence[Prediction],
    y: NDArray[np.void],
    horizons: Floats,
    measures: Collection[str],
) -> Iterator[tuple[object, ...]]:
    wanted = [m for m in ("harrell_c", "uno_c", "auc") if m in measures]
    if not wanted:
        return
    censoring = CensoringDistribution.fit(y)
    pairs: dict[tuple[int, int, float], float] = {}
    for prediction in predictions:
        place = (prediction.split.repeat, prediction.split.fold)
        members = prediction.split.test
        test = y[members]
        score = prediction.risk_score
        for name in wanted:
            for k, horizon in enumerate([np.nan] if name == "harrell_c" else horizons):
                weight = 0.0
                if name != "auc":
                    last = np.inf if name == "harrell_c" else float(horizon)
                    known = (*place, last)
                    if known not in pairs:
                        pairs[known] = _comparable_pairs(test, last)
                    weight = pairs[known]
                reason = prediction.reason_at(k) if name == "auc" else prediction.reason
                if reason:
                    value = Estimate.missing(reason)
                elif name == "harrell_c":
                    value = harrell_c(test, score)
                elif name == "uno_c":
                    value = uno_c(test, score, tau=horizon, censoring=censoring)
                else:
                    value = auc(test, prediction.risk[:, k], horizon, censoring=censoring)
                    cases = np.count_nonzero(test["event"] & (test["time"] <= horizon))
                    weight = float(cases * np.count_nonzero(test["time"] > horizon))
                yield _resample(name, horizon, prediction.model, *place, value, weight, members)


def _measure_repeat(
    repeat: PooledRisk,
    y: NDArray[np.void],
    horizons: Floats,
    times: Floats,
    measures: Collection[str],
) -> Iterator[tuple[object, ...]]:
    mine = y[repeat.patients]

    def row(name: str, horizon: float, value: Estimate) -> tuple[object, ...]:
        return _resample(
            name, horizon, repeat.model, repeat.repeat, -1, value, 1.0, repeat.patients
        )

    for name, measure in POOLED_MEASURES.items():
        for k, horizon in enumerate(horizons if name in measures else ()):
            reason = repeat.reasons[k]
            value = (
                Estimate.missing(reason) if reason else measure(mine, repeat.risk[:, k], horizon)
            )
            yield row(name, horizon, value)
    for k, horizon in enumerate(horizons if "calibration_slope" in measures else ()):
        yield row(
            "calibration_slope", horizon, _slope_within_folds(repeat, mine, k, float(horizon))
        )
    for k, horizon in enumerate(horizons if "ici" in measures else ()):
        errors = _calibration_errors(repeat, mine, k, float(horizon))
        for name, value in zip(("ici", "e50", "e90"), errors, strict=True):
            yield row(name, horizon, value)
    if "d" in measures:
        yield row("d", np.nan, _separation_within_folds(repeat, mine))
    if "integrated_brier" in measures and times.size:
        yield row("integrated_brier", np.nan, _integrated(repeat, mine, times))


POOLED_MEASURES = {
    "brier": brier,
    "ipa": ipa,
    "observed_expected_ratio": observed_expected_ratio,
}


def _slope_within_folds(
    repeat: PooledRisk, y: NDArray[np.void], k: int, horizon: float
) -> Estimate:
    reason = repeat.reasons[k] or (ALIKE if repeat.is_constant else "")
    if not reason and y["time"].max() < horizon:
        reason = f"follow-up ends before {horizon:g}"
    if reason:
        return Estimate.missing(reason)
    time, event = cut_follow_up(y["time"], y["event"], horizon)
    predictor = cloglog(repeat.risk[:, k])[:, None]
    try:
        fit = fit_cox(time, event, predictor, strata=repeat.fold, names=["prediction"])
    except ModelError as error:
        return Estimate.missing(str(error))
    return Estimate(float(fit.coef[0]), std_error=float(fit.std_error[0]))


def _separation_within_folds(repeat: PooledRisk, y: NDArray[np.void]) -> Estimate:
    if not np.isfinite(repeat.risk_score).all():
        return Estimate.missing(next((r for r in repeat.reasons if r), "no prediction"))
    if repeat.is_constant:
        return Estimate.missing(ALIKE)
    return royston_d(y, repeat.risk_score, strata=repeat.fold).d


def _calibration_errors(
    repeat: PooledRisk, y: NDArray[np.void], k: int, horizon: float
) -> tuple[Estimate, Estimate, Estimate]:
    reason = repeat.reasons[k] or (ALIKE if repeat.is_constant else "")
    if not reason:
        errors = calibration_errors(y, np.clip(repeat.risk[:, k], 0, 1), horizon)
        reason = errors.reason
    if reason:
        missing = Estimate.missing(reason)
        return missing, missing, missing
    return Estimate(errors.ici), Estimate(errors.e50), Estimate(errors.e90)


def _integrated(repeat: PooledRisk, y: NDArray[np.void], times: Floats) -> Estimate:
    reached = np.isfinite(repeat.curves).all(axis=0)
    if reached.sum() < 2:
        return Estimate.missing("no prediction over time")
    return integrated_brier(y, np.clip(repeat.curves[:, reached], 0, 1), times[reached])


def _resample(
    measure: str,
    horizon: float,
    model: str,
    repeat: int,
    fold: int,
    value: Estimate,
    weight: float,
    patients: NDArray[np.intp],
) -> tuple[object, ...]:
    return (
        model, measure, float(horizon), repeat, fold, value.value, value.std_error, weight,
        value.reason or ("" if weight else "no comparable pair"), patients, value.influence,
    )  # fmt: skip


def _comparable_pairs(y: NDArray[np.void], tau: float) -> float:
    early = np.where(y["time"] <= tau, 1.0, 0.0)
    followed = FollowUp.of(y["time"], y["event"])
    return float(count_pairs(followed, np.zeros(y.size), early).comparable.sum() / 2)
