"""Every measure of performance as one value: what it is called, how it is made and read.

Tables, figures, card and promotion take what they say of a measure from here. Another is added by
:func:`register_measure`, and is then measured, labelled and shown like the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.nearest import did_you_mean
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.measures.discrimination import harrell_c
from allsurv.stats.measures.follow_up import FollowUp
from allsurv.stats.measures.observed import cut_follow_up
from allsurv.stats.measures.pairs import count_pairs
from allsurv.stats.measures.prediction import MeasureCurve, cloglog
from allsurv.stats.measures.royston import royston_d
from allsurv.stats.outcome import Estimate
from allsurv.validation.outcomes import (
    auc,
    auc_curve,
    brier,
    brier_curve,
    calibration_slope,
    cases,
    competes,
    integrated_brier,
    ipa,
    observed_expected_ratio,
    uno_c,
)
from allsurv.validation.predicted import ALIKE, Predicted

__all__ = [
    "MEASURES",
    "Measure",
    "find_measure",
    "measures_by_name",
    "measures_for",
    "register_measure",
    "where_to_draw",
]

Weight = Callable[[NDArray[np.void], float], float]

WITHIN = "within each test fold, averaged with the comparable pairs as weights"
POOLED = "on the pooled out-of-fold risks of each repeat, averaged over repeats"
STRATIFIED = "Cox regression on the out-of-fold risks, stratified by fold, averaged over repeats"
RANKED = (
    "Cox regression on normal scores of the out-of-fold risk scores, ranked and stratified by "
    "fold, averaged over repeats"
)


def comparable_pairs(y: NDArray[np.void], horizon: float) -> float:
    """Count the pairs of patients of whom one is known to fail first, by the horizon if any."""
    tau = np.inf if np.isnan(horizon) else horizon
    early = np.where(y["time"] <= tau, 1.0, 0.0)
    # Who has an event of another cause is followed for ever without the one that is judged.
    time = np.where(y["event"] & ~cases(y), np.inf, y["time"])
    followed = FollowUp.of(time, cases(y))
    return float(count_pairs(followed, np.zeros(y.size), early).comparable.sum() / 2)


def cases_and_controls(y: NDArray[np.void], horizon: float) -> float:
    """Count the pairs of a patient with the event by the horizon and one followed beyond it."""
    beyond = (y["time"] > horizon) | (y["event"] & ~cases(y))
    return float(np.count_nonzero(cases(y) & ~beyond) * np.count_nonzero(beyond))


def alike(y: NDArray[np.void], horizon: float) -> float:
    """Give every resample the same weight.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Outcome; not looked at.
    horizon : float
        Not looked at.

    Returns
    -------
    float
        1.
    """
    return 1.0


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A measure of how well a model predicts.

    Attributes
    ----------
    name : str
        In tables, the column ``measure``.
    label : str
        What readers call it.
    how : str
        How it is estimated from resamples; the column ``estimator``.
    function : callable
        From :class:`~allsurv.validation.predicted.Predicted` to an ``Estimate``; missing, with the
        reason, where it is not defined.
    reads : {"score", "risk", "curves"}
        What of a prediction it needs.
    at_horizons : bool
        Whether it is measured at each horizon, or once.
    pooled : bool
        Measured on the out-of-fold predictions of a whole repeat; inside each test fold otherwise,
        as scores of different refits are not on one scale.
    weight : callable
        Weight of a resample in the average, from its outcomes and the horizon (NaN for none).
    direction : {"higher", "lower", "target"}
        Which values are better: higher ones, lower ones, or those near ``ideal``.
    ideal : float
        Value of a perfect model.
    no_information : float or callable, optional
        Value of a model that tells nothing of a patient; where it depends on the cohort, a function
        of the model's own ``Predicted``.
    aspect : {"usefulness", "reliability"}
        Whether it says what predictions are good for, or whether they can be relied on.
    log_scale : bool
        Whether limits are made on the log scale.
    of_the_fit : bool
        Whether it varies with the patients a model is fitted on, so that limits must be wider.
    limits : {"analytic", "redrawn"}
        Whether limits come from a standard error, or from patients drawn with replacement.
    decimals : int
        Decimals in a card.
    headline : bool
        Whether it belongs to the one sentence on how good a model is.
    in_subgroups, corrected : bool
        Whether it is measured in subgroups too, and corrected for optimism by the bootstrap.
    over_time : callable, optional
        From ``Predicted`` with curves to a ``MeasureCurve``, where it is followed over time.
    one_event : bool
        Whether it is defined for a single event only, and left out where events compete.
    """

    name: str
    label: str
    how: str
    function: Callable[[Predicted], Estimate]
    direction: Literal["higher", "lower", "target"]
    ideal: float
    aspect: Literal["usefulness", "reliability"]
    reads: Literal["score", "risk", "curves"] = "risk"
    at_horizons: bool = True
    pooled: bool = True
    weight: Weight = alike
    no_information: float | Callable[[Predicted], float] | None = None
    log_scale: bool = False
    of_the_fit: bool = False
    limits: Literal["analytic", "redrawn"] = "analytic"
    decimals: int = 2
    headline: bool = False
    in_subgroups: bool = False
    corrected: bool = False
    over_time: Callable[[Predicted], MeasureCurve] | None = None
    one_event: bool = False

    def of(self, predicted: Predicted) -> Estimate:
        """Measure a prediction, or say why there is none.

        Parameters
        ----------
        predicted : Predicted
            Patients and what was predicted of them.

        Returns
        -------
        Estimate
            Missing, with the reason, where the prediction lacks what the measure reads.
        """
        reason = {
            "score": predicted.reason,
            "risk": predicted.risk_reason,
            "curves": "" if predicted.times.size > 1 else "no prediction over time",
        }[self.reads]
        return Estimate.missing(reason) if reason else self.function(predicted)

    def chance(self, predicted: Predicted) -> float:
        """Give the value of a model that tells nothing; NaN where there is none.

        Parameters
        ----------
        predicted : Predicted
            Patients and what was predicted of them.

        Returns
        -------
        float
            Value of ``no_information``.
        """
        if callable(self.no_information):
            return self.no_information(predicted)
        return np.nan if self.no_information is None else self.no_information


def _harrell_c(seen: Predicted) -> Estimate:
    return harrell_c(seen.y, seen.risk_score)


def _uno_c(seen: Predicted) -> Estimate:
    return uno_c(seen.y, seen.risk_score, tau=seen.horizon, censoring=seen.censoring)


def _auc(seen: Predicted) -> Estimate:
    return auc(seen.y, seen.risk, seen.horizon, censoring=seen.given or seen.censoring)


def _auc_over_time(seen: Predicted) -> MeasureCurve:
    return auc_curve(seen.y, seen.curves, seen.times, censoring=seen.given or seen.censoring)


def _brier(seen: Predicted) -> Estimate:
    return brier(seen.y, seen.risk, seen.horizon, censoring=seen.given)


def _brier_over_time(seen: Predicted) -> MeasureCurve:
    return brier_curve(seen.y, np.clip(seen.curves, 0, 1), seen.times, censoring=seen.given)


def _brier_by_chance(own: Predicted) -> float:
    """Brier score of the model's risks dealt to patients at random: its mean over all deals."""
    if not np.isfinite(own.risk).all():
        return np.nan
    average = np.full(own.y.size, own.risk.mean())
    constant = brier(own.y, average, own.horizon, censoring=own.given).value
    return float(constant + own.risk.var())


def _ipa(seen: Predicted) -> Estimate:
    return ipa(seen.y, seen.risk, seen.horizon, censoring=seen.given)


def _observed_expected(seen: Predicted) -> Estimate:
    return observed_expected_ratio(seen.y, seen.risk, seen.horizon, censoring=seen.given)


def _slope(seen: Predicted) -> Estimate:
    """Slope among all patients, or among those of the same fold where there are folds."""
    if seen.fold is None:
        return calibration_slope(seen.y, seen.risk, seen.horizon)
    if seen.is_constant:
        return Estimate.missing(ALIKE)
    if seen.y["time"].max() < seen.horizon:
        return Estimate.missing(f"follow-up ends before {seen.horizon:g}")
    if competes(seen.y):
        return calibration_slope(seen.y, seen.risk, seen.horizon, fold=seen.fold)
    time, event = cut_follow_up(seen.y["time"], seen.y["event"], seen.horizon)
    predictor = cloglog(seen.risk)[:, None]
    try:
        fit = fit_cox(time, event, predictor, strata=seen.fold, names=["prediction"])
    except ModelError as error:
        return Estimate.missing(str(error))
    return Estimate(float(fit.coef[0]), std_error=float(fit.std_error[0]))


def _separation(seen: Predicted) -> Estimate:
    if seen.is_constant:
        return Estimate.missing(ALIKE)
    return royston_d(seen.y, seen.risk_score, strata=seen.fold).d


def _integrated_brier(seen: Predicted) -> Estimate:
    return integrated_brier(seen.y, np.clip(seen.curves, 0, 1), seen.times, censoring=seen.given)


def _ici(seen: Predicted) -> Estimate:
    return seen.calibration_error(lambda errors: errors.ici)


def _e50(seen: Predicted) -> Estimate:
    return seen.calibration_error(lambda errors: errors.e50)


def _e90(seen: Predicted) -> Estimate:
    return seen.calibration_error(lambda errors: errors.e90)


_CALIBRATION_ERRORS = [
    Measure(
        name=name,
        label=name.upper(),
        how=POOLED,
        function=function,
        direction="lower",
        ideal=0.0,
        aspect="reliability",
        of_the_fit=True,
        limits="redrawn",
        decimals=3,
    )
    for name, function in (("ici", _ici), ("e50", _e50), ("e90", _e90))
]

_MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            name="harrell_c",
            one_event=True,
            label="Harrell's C",
            how=WITHIN,
            function=_harrell_c,
            reads="score",
            at_horizons=False,
            pooled=False,
            weight=comparable_pairs,
            direction="higher",
            ideal=1.0,
            no_information=0.5,
            aspect="usefulness",
            headline=True,
            in_subgroups=True,
            corrected=True,
        ),
        Measure(
            name="uno_c",
            label="Uno's C",
            how=WITHIN,
            function=_uno_c,
            reads="score",
            pooled=False,
            weight=comparable_pairs,
            direction="higher",
            ideal=1.0,
            no_information=0.5,
            aspect="usefulness",
            corrected=True,
        ),
        Measure(
            name="auc",
            label="AUC",
            how=WITHIN,
            function=_auc,
            pooled=False,
            weight=cases_and_controls,
            direction="higher",
            ideal=1.0,
            no_information=0.5,
            aspect="usefulness",
            corrected=True,
            over_time=_auc_over_time,
        ),
        Measure(
            name="brier",
            label="Brier score",
            how=POOLED,
            function=_brier,
            direction="lower",
            ideal=0.0,
            no_information=_brier_by_chance,
            aspect="reliability",
            of_the_fit=True,
            in_subgroups=True,
            corrected=True,
            over_time=_brier_over_time,
        ),
        Measure(
            name="ipa",
            label="IPA",
            how=POOLED,
            function=_ipa,
            direction="higher",
            ideal=1.0,
            no_information=0.0,
            aspect="usefulness",
            of_the_fit=True,
            headline=True,
            corrected=True,
        ),
        Measure(
            name="observed_expected_ratio",
            label="O/E",
            how=POOLED,
            function=_observed_expected,
            direction="target",
            ideal=1.0,
            aspect="reliability",
            log_scale=True,
            in_subgroups=True,
            corrected=True,
        ),
        Measure(
            name="calibration_slope",
            label="Calibration slope",
            how=STRATIFIED,
            function=_slope,
            direction="target",
            ideal=1.0,
            no_information=0.0,
            aspect="reliability",
            of_the_fit=True,
            headline=True,
            corrected=True,
        ),
        *_CALIBRATION_ERRORS,
        Measure(
            name="d",
            one_event=True,
            label="Royston's D",
            how=RANKED,
            function=_separation,
            reads="score",
            at_horizons=False,
            direction="higher",
            ideal=np.inf,
            no_information=0.0,
            aspect="usefulness",
        ),
        Measure(
            name="integrated_brier",
            label="Integrated Brier score",
            how=POOLED,
            function=_integrated_brier,
            reads="curves",
            at_horizons=False,
            direction="lower",
            ideal=0.0,
            aspect="reliability",
            of_the_fit=True,
        ),
    )
}
MEASURES: Mapping[str, Measure] = MappingProxyType(_MEASURES)
"""Every measure there is, by name, in the order of the tables."""


def find_measure(name: str) -> Measure:
    """Look a measure up by name.

    Parameters
    ----------
    name : str
        As in tables.

    Returns
    -------
    Measure
        Its entry.

    Raises
    ------
    ModelError
        If there is none of that name; the message suggests the near miss.

    Examples
    --------
    >>> find_measure("ipa").label
    'IPA'
    """
    if name not in _MEASURES:
        raise ModelError(
            f"measure: '{name}' is not a measure; allowed are {', '.join(_MEASURES)}."
            f"{did_you_mean(name, _MEASURES)} Another is added by register_measure."
        )
    return _MEASURES[name]


def measures_by_name(measures: Collection[str | Measure] | None = None) -> dict[str, Measure]:
    """Give measures, some by name or as they are, or all; in the order of the catalogue.

    Work for another process takes them along: what is registered here is not registered there.
    """
    if measures is None:
        return dict(_MEASURES)
    asked = {m.name: m for m in (find_measure(m) if isinstance(m, str) else m for m in measures)}
    order = {name: place for place, name in enumerate(_MEASURES)}
    return dict(sorted(asked.items(), key=lambda item: order.get(item[0], len(order))))


def measures_for(y: NDArray[np.void]) -> tuple[Measure, ...]:
    """Give the measures that are defined for an outcome: of one event, or of one of several."""
    return tuple(m for m in _MEASURES.values() if not (m.one_event and competes(y)))


@contextmanager
def register_measure(measure: Measure) -> Iterator[Measure]:
    """Add a measure to the catalogue, inside a ``with`` block.

    Parameters
    ----------
    measure : Measure
        The new entry.

    Yields
    ------
    Measure
        The same; it is gone after the block.

    Raises
    ------
    ModelError
        If there is one of that name.
    """
    if measure.name in _MEASURES:
        raise ModelError(f"register_measure: '{measure.name}' is a measure already; rename yours.")
    _MEASURES[measure.name] = measure
    try:
        yield measure
    finally:
        del _MEASURES[measure.name]


def where_to_draw(measure: Measure) -> float | None:
    """Give the value at which a figure draws a line: what to reach, or what to exceed.

    Examples
    --------
    >>> [where_to_draw(find_measure(name)) for name in ("auc", "calibration_slope", "brier")]
    [0.5, 1.0, None]
    """
    if measure.direction == "target":
        return measure.ideal
    return None if callable(measure.no_information) else measure.no_information
