"""Kaplan-Meier curves made safe to show outside the study team."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.disclosure.rounding import CURVE_PARTS, round_survival, shown_step
from allsurv.policy.rules import CMS, DisclosurePolicy, Sum, hidden_cells
from allsurv.study.spec import Study

__all__ = ["safe_curve", "thinned"]

SHARES = ("survival", "lower", "upper")


def safe_curve(curve: pd.DataFrame, study: Study, policy: DisclosurePolicy = CMS) -> pd.DataFrame:
    """Thin Kaplan-Meier curves so that no patient's time can be read from them.

    Parameters
    ----------
    curve : DataFrame
        From ``kaplan_meier`` or ``comparison_curves``, at every time of follow-up.
    study : Study
        A quarter of its first horizon, on its time grid, is the step of the curve; that horizon
        the step of the numbers at risk.
    policy : DisclosurePolicy, default=CMS
        Its threshold is the fewest patients at risk where a curve is shown.

    Returns
    -------
    DataFrame
        The same columns but ``n_events`` and ``n_censored``: ``survival``, ``lower`` and
        ``upper`` at the steps up to the last time with ``threshold`` patients at risk, rounded by
        :meth:`~allsurv.policy.DisclosurePolicy.unit`, and ``n_at_risk`` at multiples of the first
        horizon, there where none or at least ``threshold`` patients have left since it was last
        given. Groups of fewer than
        ``threshold`` patients or events are left out. The curve as it is where the policy is not
        coarse.
    """
    if not policy.is_coarse:
        return curve
    kept = [column for column in curve.columns if column not in ("n_events", "n_censored")]
    whole = ["comparison"] if "comparison" in curve.columns else []
    horizons = study.prediction.horizons
    step = min(horizons) if horizons else study.time.grid
    grid = shown_step(study, CURVE_PARTS)
    parts = []
    for _, compared in curve.groupby(whole, sort=False) if whole else [("", curve)]:
        groups = [part for _, part in compared.groupby("group", sort=False)]
        sizes = [int(part["n_at_risk"].iloc[0]) for part in groups]
        lines = [Sum(tuple(range(len(groups))))] if len(groups) > 1 else []
        hidden = hidden_cells(sizes, lines, policy)
        for part, size, size_hidden in zip(groups, sizes, hidden, strict=True):
            n_events = int(part["n_events"].sum())
            if not policy.is_small(size) and not policy.is_small(n_events):
                thin, left = thinned(part, grid, step, policy)
                thin = _rounded(thin, left, policy)
                parts.append(thin.assign(n_at_risk=pd.NA) if size_hidden else thin)
    safe = pd.concat(parts, ignore_index=True) if parts else curve.iloc[:0]
    safe = safe[kept].astype({"n_at_risk": "Int64"})
    safe.attrs.update(curve.attrs)
    return safe


def thinned(
    part: pd.DataFrame, grid: float, step: float, policy: DisclosurePolicy
) -> tuple[pd.DataFrame, NDArray[np.int_]]:
    """Keep of one curve its values on the grid, as long as enough patients are at risk.

    With them comes how many are at risk at each, which is shown at multiples of ``step`` only.
    """
    time = part["time"].to_numpy(dtype=float)
    at_risk = part["n_at_risk"].to_numpy(dtype=int)
    end = time[np.flatnonzero(at_risk >= policy.threshold)[-1]]
    inner = np.arange(1, int(np.floor(end / grid + 1e-9)) + 1) * grid
    risk_times = np.arange(1, int(np.floor(end / step + 1e-9)) + 1) * step
    wanted = np.unique(np.concatenate([[0.0], inner, risk_times]))
    thin = part.iloc[np.searchsorted(time, wanted, side="right") - 1].copy()
    thin["time"] = wanted
    shown = pd.array([pd.NA] * wanted.size, dtype="Int64")
    last = int(at_risk[0])
    shown[0] = last
    for time_at in risk_times:
        n = int(at_risk[np.searchsorted(time, time_at, side="left")])
        if n >= policy.threshold and not policy.is_small(last - n):
            shown[int(np.searchsorted(wanted, time_at))] = last = n
    thin["n_at_risk"] = shown
    return thin, at_risk[np.minimum(np.searchsorted(time, wanted, side="left"), time.size - 1)]


def _rounded(thin: pd.DataFrame, left: NDArray[np.int_], policy: DisclosurePolicy) -> pd.DataFrame:
    survival, lower, upper = (thin[name].to_numpy(dtype=float) for name in SHARES)
    rounded = round_survival(survival, lower, upper, left, policy)
    for name, values in zip(SHARES, rounded, strict=True):
        thin[name] = values
    thin.loc[thin["time"] == 0, [*SHARES]] = 1.0  # everybody is there, which tells nothing
    return thin
