"""Bootstrap validation: how much better a model looks on the patients it was fitted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from allsurv.stats.measures.auc import auc
from allsurv.stats.measures.brier import brier, ipa
from allsurv.stats.measures.calibration import calibration_slope, observed_expected_ratio
from allsurv.stats.measures.discrimination import harrell_c, uno_c
from allsurv.stats.outcome import Estimate
from allsurv.validation.measures import LOG_SCALE
from allsurv.validation.prediction import Prediction
from allsurv.validation.summary import summarise_reasons

__all__ = ["OPTIMISM_COLUMNS", "optimism_table"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
OPTIMISM_COLUMNS = [
    "model", "measure", "horizon", "apparent", "optimism", "estimate", "lower", "upper", "level",
    "out_of_bag", "estimate_632plus", "n_resamples", "n_failed", "reason",
]  # fmt: skip
NO_INFORMATION = {"harrell_c": 0.5, "uno_c": 0.5, "auc": 0.5, "ipa": 0.0, "calibration_slope": 0.0}
KAPPA_632 = 1 - np.exp(-1)


def optimism_table(
    apparent: Mapping[str, Prediction],
    refits: Sequence[Prediction],
    y: NDArray[np.void],
    horizons: Floats,
    *,
    level: float = 0.95,
) -> pd.DataFrame:
    r"""Correct what a model shows on its own patients by what refits lose outside theirs.

    Notes
    -----
    As R ``rms::validate`` [1]_. The limits are those of the apparent measure moved by the
    optimism [2]_: they reflect the patients and not the refitting. :math:`.632+` weighs apparent
    and out-of-bag by the relative overfitting, :math:`w = .632 / (1 - .368 R)` [3]_; for the Brier
    score the error without information is that of predictions dealt to patients at random.

    References
    ----------
    .. [1] Harrell FE, Lee KL, Mark DB. Stat Med. 1996;15:361-387.
       doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4
    .. [2] Noma H, Shinozaki T, Iba K, Teramukai S, Furukawa TA. Stat Med. 2021;40:5691-5701.
       doi:10.1002/sim.9148
    .. [3] Efron B, Tibshirani R. J Am Stat Assoc. 1997;92(438):548-560.
       doi:10.1080/01621459.1997.10474007
    """
    rows = []
    for model, own in apparent.items():
        everybody = np.arange(y.size)
        seen = _measure(own, y, everybody, horizons)
        kept = [refit for refit in refits if refit.model == model]
        drawn = [_measure(refit, y, refit.split.train, horizons) for refit in kept]
        tested = [_measure(refit, y, everybody, horizons) for refit in kept]
        outside = [
            _measure(refit, y, np.setdiff1d(everybody, refit.split.train), horizons)
            for refit in kept
        ]
        for key, value in seen.items():
            pairs = [(one[key], every[key]) for one, every in zip(drawn, tested, strict=True)]
            gaps = np.array([one.value - every.value for one, every in pairs])
            why = [one.reason or every.reason for one, every in pairs]
            out = np.array([found[key].value for found in outside])
            chance = NO_INFORMATION.get(key[0], np.nan)
            if key[0] == "brier":
                chance = _brier_by_chance(own, y, horizons, key[1])
            row = {"model": model, "measure": key[0], "horizon": key[1], "level": level}
            corrected = _correct(value, gaps, out, chance)
            limits = _limits(key[0], value, corrected["estimate"], level)
            rows.append(row | corrected | limits | _count(value, gaps, why))
    return pd.DataFrame(rows, columns=OPTIMISM_COLUMNS)


def _measure(
    prediction: Prediction, y: NDArray[np.void], rows: Ints, horizons: Floats
) -> dict[tuple[str, float], Estimate]:
    """Measure a model that predicts everybody on some of them, with repetition."""
    outcome, score = y[rows], prediction.risk_score[rows]
    found = {("harrell_c", np.nan): _if_any(prediction.reason, harrell_c, outcome, score)}
    for k, horizon in enumerate(map(float, horizons)):
        reason, risk = prediction.reason_at(k), prediction.risk[rows, k]
        found["uno_c", horizon] = _if_any(prediction.reason, uno_c, outcome, score, tau=horizon)
        for name, measure in AT_HORIZON.items():
            found[name, horizon] = _if_any(reason, measure, outcome, risk, horizon)
    return found


AT_HORIZON = {
    "auc": auc,
    "brier": brier,
    "ipa": ipa,
    "observed_expected_ratio": observed_expected_ratio,
    "calibration_slope": calibration_slope,
}


def _if_any(
    reason: str, measure: Callable[..., Estimate], *args: object, **settings: object
) -> Estimate:
    if reason:
        return Estimate.missing(reason)
    return measure(*args, **settings)


def _correct(apparent: Estimate, gaps: Floats, out: Floats, chance: float) -> dict[str, float]:
    optimism = float(np.mean(gaps[np.isfinite(gaps)])) if np.isfinite(gaps).any() else np.nan
    out_of_bag = float(np.mean(out[np.isfinite(out)])) if np.isfinite(out).any() else np.nan
    return {
        "apparent": apparent.value,
        "optimism": optimism,
        "estimate": apparent.value - optimism,
        "out_of_bag": out_of_bag,
        "estimate_632plus": _weigh(apparent.value, out_of_bag, chance),
    }


def _limits(measure: str, apparent: Estimate, estimate: float, level: float) -> dict[str, float]:
    half = float(ndtri(0.5 + level / 2)) * apparent.std_error
    if measure in LOG_SCALE:
        return {"lower": estimate * np.exp(-half), "upper": estimate * np.exp(half)}
    return {"lower": estimate - half, "upper": estimate + half}


def _count(apparent: Estimate, gaps: Floats, why: Sequence[str]) -> dict[str, object]:
    known = np.isfinite(gaps)
    reasons = Counter(reason for reason, ok in zip(why, known, strict=True) if not ok)
    return {
        "n_resamples": int(known.sum()),
        "n_failed": int((~known).sum()),
        "reason": apparent.reason or summarise_reasons(reasons),
    }


def _weigh(apparent: float, out_of_bag: float, chance: float) -> float:
    """Efron and Tibshirani's .632+; a measure beyond chance on the wrong side counts as chance."""
    if np.isnan(chance):
        return np.nan
    worse = np.sign(chance - apparent)
    out = chance if (out_of_bag - chance) * worse > 0 else out_of_bag
    overfitting = 0.0
    if (out - apparent) * worse > 0:
        overfitting = (out - apparent) / (chance - apparent)
    weight = KAPPA_632 / (1 - (1 - KAPPA_632) * overfitting)
    return float((1 - weight) * apparent + weight * out)


def _brier_by_chance(
    own: Prediction, y: NDArray[np.void], horizons: Floats, horizon: float
) -> float:
    """Brier score of the model's risks dealt to patients at random: its mean over all deals."""
    k = int(np.flatnonzero(horizons == horizon)[0])
    risk = own.risk[:, k]
    if not np.isfinite(risk).all():
        return np.nan
    constant = brier(y, np.full(y.size, risk.mean()), horizon).value
    return float(constant + risk.var())
