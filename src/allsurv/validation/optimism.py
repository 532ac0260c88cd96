"""Bootstrap validation: how much better a model looks on the patients it was fitted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from allsurv.stats.measures.patient_censoring import PatientCensoring
from allsurv.stats.outcome import Estimate
from allsurv.validation.catalogue import Measure, measures_for
from allsurv.validation.predicted import Predicted
from allsurv.validation.prediction import Prediction
from allsurv.validation.summary import summarise_reasons

__all__ = ["OPTIMISM_COLUMNS", "optimism_table"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Key = tuple[str, float]
OPTIMISM_COLUMNS = [
    "model", "measure", "horizon", "apparent", "optimism", "estimate", "lower", "upper", "level",
    "out_of_bag", "estimate_632plus", "n_resamples", "n_failed", "reason",
]  # fmt: skip
KAPPA_632 = 1 - np.exp(-1)


def optimism_table(
    apparent: Mapping[str, Prediction],
    refits: Sequence[Prediction],
    y: NDArray[np.void],
    horizons: Floats,
    *,
    given: PatientCensoring | None = None,
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
    asked = [measure for measure in measures_for(y) if measure.corrected]
    rows = []
    for model, own in apparent.items():
        everybody = np.arange(y.size)
        seen = _look(own, y, everybody, horizons, asked, given)
        kept = [refit for refit in refits if refit.model == model]
        drawn = [_measure(refit, y, refit.split.train, horizons, asked, given) for refit in kept]
        tested = [_measure(refit, y, everybody, horizons, asked, given) for refit in kept]
        outside = [
            _measure(refit, y, np.setdiff1d(everybody, refit.split.train), horizons, asked, given)
            for refit in kept
        ]
        for key, (measure, shown) in seen.items():
            value = measure.of(shown)
            pairs = [(one[key], every[key]) for one, every in zip(drawn, tested, strict=True)]
            gaps = np.array([one.value - every.value for one, every in pairs])
            why = [one.reason or every.reason for one, every in pairs]
            out = np.array([found[key].value for found in outside])
            row = {"model": model, "measure": key[0], "horizon": key[1], "level": level}
            corrected = _correct(value, gaps, out, measure.chance(shown))
            limits = _limits(measure, value, corrected["estimate"], level)
            rows.append(row | corrected | limits | _count(value, gaps, why))
    return pd.DataFrame(rows, columns=OPTIMISM_COLUMNS)


def _look(
    prediction: Prediction,
    y: NDArray[np.void],
    rows: Ints,
    horizons: Floats,
    measures: Sequence[Measure],
    given: PatientCensoring | None,
) -> dict[Key, tuple[Measure, Predicted]]:
    """Show each measure a model that predicts everybody some of them, with repetition."""
    those = given
    if given is not None and not np.array_equal(rows, np.arange(y.size)):
        those = given.take(rows)
    seen = Predicted(y[rows], prediction.risk_score[rows], given=those, reason=prediction.reason)
    found: dict[Key, tuple[Measure, Predicted]] = {
        (measure.name, np.nan): (measure, seen) for measure in measures if not measure.at_horizons
    }
    for k, horizon in enumerate(map(float, horizons)):
        at = replace(
            seen,
            risk=prediction.risk[rows, k],
            horizon=horizon,
            risk_reason=prediction.reason_at(k),
        )
        found |= {(m.name, horizon): (m, at) for m in measures if m.at_horizons}
    return found


def _measure(
    prediction: Prediction,
    y: NDArray[np.void],
    rows: Ints,
    horizons: Floats,
    measures: Sequence[Measure],
    given: PatientCensoring | None,
) -> dict[Key, Estimate]:
    shown = _look(prediction, y, rows, horizons, measures, given)
    return {key: measure.of(seen) for key, (measure, seen) in shown.items()}


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


def _limits(
    measure: Measure, apparent: Estimate, estimate: float, level: float
) -> dict[str, float]:
    half = float(ndtri(0.5 + level / 2)) * apparent.std_error
    if measure.log_scale:
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
