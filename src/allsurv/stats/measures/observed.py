"""What was observed by a horizon, to hold predictions against."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.measures.censoring import CensoringWeights
from allsurv.stats.measures.prediction import mean_influence

__all__ = ["cut_follow_up", "observed_risk", "weighted_risk"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def observed_risk(time: Floats, event: Bools, horizon: float) -> tuple[float, float]:
    """Share of patients with the event by a horizon, by Kaplan-Meier.

    Parameters
    ----------
    time : ndarray of shape (n_patients,)
        Follow-up.
    event : ndarray of shape (n_patients,)
        Event indicators.
    horizon : float
        In the unit of ``time``; beyond follow-up the last value holds.

    Returns
    -------
    risk : float
        1 - S(horizon).
    std_error : float
        Greenwood's; 0 where S is 0.

    Notes
    -----
    Checked against R ``survival::survfit``.
    """
    times, events = np.unique(time[event & (time <= horizon)], return_counts=True)
    at_risk = time.size - np.searchsorted(np.sort(time), times, "left")
    survival = float(np.prod(1 - events / at_risk))
    if survival == 0:
        return 1.0, 0.0
    greenwood = float(np.sum(events / (at_risk * (at_risk - events))))
    return 1 - survival, survival * math.sqrt(greenwood)


def weighted_risk(weights: CensoringWeights, horizon: float) -> tuple[float, float] | str:
    """Share of patients with the event by a horizon, by weights of being followed.

    Parameters
    ----------
    weights : CensoringWeights
        Of the patients.
    horizon : float
        In the unit of ``time``.

    Returns
    -------
    (risk, std_error) or str
        Share of the weights that events have, and the standard error of its influence function;
        or why there is none.

    Notes
    -----
    Dividing by the sum of the weights, not by the number of patients, keeps the share within
    [0, 1] and is far steadier.
    """
    weight = weights.at(horizon)
    if weight is None or weight.sum() == 0:
        return f"some patients cannot be followed to {horizon:g}"
    n, total = weight.size, weight.sum()
    case = weights.time <= horizon
    risk = float(weight[case].sum() / total)
    terms = weight * (case - risk) * (n / total)
    if n < 2:
        return risk, math.nan
    influence = mean_influence(terms + weights.influence(horizon, terms))
    return risk, math.sqrt(influence @ influence)


def cut_follow_up(time: Floats, event: Bools, horizon: float) -> tuple[Floats, Bools]:
    """Censor at the horizon whoever is followed beyond it.

    Parameters
    ----------
    time : ndarray of shape (n_patients,)
        Follow-up.
    event : ndarray of shape (n_patients,)
        Event indicators.
    horizon : float
        In the unit of ``time``.

    Returns
    -------
    time, event : ndarray of shape (n_patients,)
        An event at the horizon itself is kept.
    """
    return np.minimum(time, horizon), event & (time <= horizon)
