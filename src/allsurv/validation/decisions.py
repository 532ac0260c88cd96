"""What acting on predicted risks would bring, and how stable calibration errors are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from allsurv.stats.calibration_curve import calibration_errors
from allsurv.stats.net_benefit import net_benefit
from allsurv.validation.measures import PooledRisk

__all__ = ["bootstrap_calibration_errors", "net_benefit_table", "strategies_table"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
NET_BENEFIT_COLUMNS = [
    "model", "horizon", "threshold", "estimate", "lower", "upper", "level", "share_above", "reason",
]  # fmt: skip
ERRORS = ("ici", "e50", "e90")


def net_benefit_table(
    pooled: Sequence[PooledRisk],
    y: NDArray[np.void],
    horizons: Floats,
    thresholds: Sequence[float],
    samples: Sequence[Ints],
    *,
    level: float = 0.95,
) -> pd.DataFrame:
    """Net benefit of acting on the out-of-fold risks of models.

    Parameters
    ----------
    pooled : sequence of PooledRisk
        Out-of-fold risks by repeat.
    y : structured ndarray of shape (n_patients,)
        Outcome.
    horizons : ndarray of shape (n_horizons,)
        Times at which risk was predicted.
    thresholds : sequence of float
        Risks from which one would act.
    samples : sequence of ndarray of int
        Patients drawn with replacement, behind the limits; the predictions are taken as given.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        ``model``, ``horizon``, ``threshold``, ``estimate``
        (net true positives per patient, averaged over repeats), ``lower``, ``upper``, ``level``,
        ``share_above`` the threshold, ``reason``.
    """
    grid = np.asarray(thresholds, dtype=float)
    tables = []
    for model, repeats in _by_model(pooled).items():
        for k, horizon in enumerate(horizons):
            usable = [r for r in repeats if not r.reasons[k]]
            if not usable:
                reason = next(r.reasons[k] for r in repeats)
                tables.append(_table(model, horizon, grid, level, reason=reason))
                continue
            found = [_benefit(r, y, k, horizon, grid) for r in usable]
            drawn = [
                _benefit(usable[b % len(usable)], y, k, horizon, grid, sample)[0]
                for b, sample in enumerate(samples)
            ]
            estimate = np.mean([benefit for benefit, _ in found], axis=0)
            above = np.mean([share for _, share in found], axis=0)
            tables.append(_table(model, horizon, grid, level, estimate, np.array(drawn), above))
    return pd.concat(tables, ignore_index=True)


def strategies_table(
    y: NDArray[np.void],
    horizons: Floats,
    thresholds: Sequence[float],
    samples: Sequence[Ints],
    *,
    level: float = 0.95,
) -> pd.DataFrame:
    """Net benefit of treating all and of treating none.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Outcome.
    horizons : ndarray of shape (n_horizons,)
        Times by which the event counts.
    thresholds : sequence of float
        Risks from which one would act.
    samples : sequence of ndarray of int
        Patients drawn with replacement, behind the limits.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    DataFrame
        As :func:`net_benefit_table`; ``model`` is ``treat_all`` or ``treat_none``.
    """
    grid = np.asarray(thresholds, dtype=float)
    tables = []
    for horizon in horizons:
        everyone = np.ones(y.size)
        benefit = net_benefit(y, everyone, horizon, grid).treat_all
        drawn = [net_benefit(y[s], everyone, horizon, grid).treat_all for s in samples]
        ones = np.ones(grid.size)
        tables.append(_table("treat_all", horizon, grid, level, benefit, np.array(drawn), ones))
        none = np.zeros(grid.size)
        tables.append(_table("treat_none", horizon, grid, level, none, none[None, :], none))
    return pd.concat(tables, ignore_index=True)


def bootstrap_calibration_errors(
    pooled: Sequence[PooledRisk],
    y: NDArray[np.void],
    horizons: Floats,
    samples: Sequence[Ints],
) -> pd.DataFrame:
    """Draw patients for the standard errors of the logarithms of ICI, E50 and E90.

    Parameters
    ----------
    pooled : sequence of PooledRisk
        Out-of-fold risks by repeat.
    y : structured ndarray of shape (n_patients,)
        Outcome.
    horizons : ndarray of shape (n_horizons,)
        Times at which risk was predicted.
    samples : sequence of ndarray of int
        Patients drawn with replacement; the predictions are taken as given.

    Returns
    -------
    DataFrame
        ``model``, ``measure``, ``horizon``, ``log_error``; NaN with fewer than ten usable samples.
    """
    rows = []
    for model, repeats in _by_model(pooled).items():
        for k, horizon in enumerate(horizons):
            usable = [r for r in repeats if not r.reasons[k] and not r.is_constant]
            logs = []
            for b, sample in enumerate(samples if usable else ()):
                repeat = usable[b % len(usable)]
                drawn = _among(repeat.patients, sample)
                risk = np.clip(repeat.risk[drawn, k], 0, 1)
                errors = calibration_errors(y[repeat.patients[drawn]], risk, float(horizon))
                if not errors.reason:
                    logs.append(np.log([errors.ici, errors.e50, errors.e90]))
            spread = np.std(logs, axis=0, ddof=1) if len(logs) >= 10 else np.full(3, np.nan)
            rows += [
                {"model": model, "measure": name, "horizon": horizon, "log_error": float(value)}
                for name, value in zip(ERRORS, spread, strict=True)
            ]
    return pd.DataFrame(rows, columns=["model", "measure", "horizon", "log_error"])


def _by_model(pooled: Sequence[PooledRisk]) -> dict[str, list[PooledRisk]]:
    models: dict[str, list[PooledRisk]] = {}
    for repeat in pooled:
        models.setdefault(repeat.model, []).append(repeat)
    return models


def _among(patients: Ints, sample: Ints) -> Ints:
    """Places, among the patients tested, of those drawn."""
    place = np.searchsorted(patients, sample)
    place[place == patients.size] = 0
    return place[patients[place] == sample]


def _benefit(
    repeat: PooledRisk,
    y: NDArray[np.void],
    k: int,
    horizon: float,
    thresholds: Floats,
    sample: Ints | None = None,
) -> tuple[Floats, Floats]:
    drawn = np.arange(repeat.patients.size) if sample is None else _among(repeat.patients, sample)
    risk = np.clip(repeat.risk[drawn, k], 0, 1)
    found = net_benefit(y[repeat.patients[drawn]], risk, float(horizon), thresholds)
    return found.model, found.n_above / drawn.size


def _table(
    model: str,
    horizon: float,
    thresholds: Floats,
    level: float,
    estimate: Floats | None = None,
    drawn: Floats | None = None,
    above: Floats | None = None,
    reason: str = "",
) -> pd.DataFrame:
    nothing = np.full(thresholds.size, np.nan)
    value = nothing if estimate is None else estimate
    half = nothing
    if drawn is not None:
        enough = np.isfinite(drawn).sum(axis=0) >= min(10, len(drawn))
        spread = np.nanstd(np.where(enough, drawn, 0.0), axis=0)
        half = np.where(enough, float(ndtri(0.5 + level / 2)) * spread, np.nan)
    beyond = "" if reason else "those above are not followed to the horizon in every repeat"
    return pd.DataFrame(
        {
            "model": model,
            "horizon": float(horizon),
            "threshold": thresholds,
            "estimate": value,
            "lower": value - half,
            "upper": value + half,
            "level": level,
            "share_above": nothing if above is None else above,
            "reason": np.where(np.isfinite(value), "", reason or beyond),
        }
    )[NET_BENEFIT_COLUMNS]
