"""Clinical utility: net benefit of acting on a predicted risk."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError
from allsurv.stats.measures.censoring import CensoringWeights
from allsurv.stats.measures.patient_censoring import PatientCensoring
from allsurv.stats.measures.prediction import check_horizon, check_risk
from allsurv.stats.outcome import check_y
from allsurv.stats.sorting import sort_rows

__all__ = ["NetBenefit", "benefit_of", "net_benefit"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class NetBenefit:
    """Net benefit of a model, of treating all and of treating none, by threshold.

    Attributes
    ----------
    horizon : float
        In the unit of the outcome.
    threshold : ndarray of shape (n_thresholds,)
        Risk from which one would act.
    model, treat_all, treat_none : ndarray of shape (n_thresholds,)
        Net true positives per patient; NaN where those above the threshold are not followed to the
        horizon.
    n_above : ndarray of shape (n_thresholds,)
        Patients at or above the threshold.
    reason : str
        Why values are missing; empty otherwise.
    """

    horizon: float
    threshold: Floats
    model: Floats
    treat_all: Floats
    treat_none: Floats
    n_above: NDArray[np.int64]
    reason: str = ""


def net_benefit(
    y: NDArray[np.void],
    risk: ArrayLike,
    horizon: float,
    thresholds: ArrayLike,
    *,
    censoring: PatientCensoring | None = None,
) -> NetBenefit:
    r"""Net benefit of acting on patients whose predicted risk reaches a threshold.

    True positives per patient, less false positives at the odds of the threshold: a model is
    useful where it lies above both treating all and treating none.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float), as from ``make_y``.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of the event by ``horizon``.
    horizon : float
        In the unit of ``time``; follow-up must reach it.
    thresholds : array-like of shape (n_thresholds,)
        Risks from which one would act, in [0, 1).
    censoring : PatientCensoring, optional
        As from ``fit_censoring``, where follow-up depends on the patient.

    Returns
    -------
    NetBenefit
        One value per threshold and strategy.

    Raises
    ------
    OutcomeError
        If ``y`` is malformed.
    ModelError
        If ``risk``, ``horizon`` or ``thresholds`` is malformed.

    Notes
    -----
    Checked against R ``dcurves::dca`` and ``survival::survfit``:
    :math:`P (F - (1 - F) p / (1 - p))`, P being the share of patients with a risk of p or more and
    F their risk of the event by Kaplan-Meier [1]_. With ``censoring`` P and F are shares of the
    patients' weights, the inverse of their probability of being followed.

    References
    ----------
    .. [1] Vickers AJ, Cronin AM, Elkin EB, Gonen M. BMC Med Inform Decis Mak. 2008;8:53.
       doi:10.1186/1472-6947-8-53

    Examples
    --------
    At 0.5 two of four are above, both with the event by 15: 2/4 * (1 - 0) = 0.5. Treating all:
    1/2 - 1/2 * 1 = 0.

    >>> y = np.array([(1, 6), (1, 12), (0, 18), (1, 24)],
    ...              dtype=[("event", bool), ("time", float)])
    >>> benefit = net_benefit(y, [0.9, 0.5, 0.3, 0.2], 15, [0.5])
    >>> benefit.model.tolist(), benefit.treat_all.tolist()
    ([0.5], [0.0])
    """
    time, event = check_y(y)
    return benefit_of(time, event, event, risk, horizon, thresholds, censoring=censoring)


def benefit_of(
    time: Floats,
    failed: Bools,
    case: Bools,
    risk: ArrayLike,
    horizon: float,
    thresholds: ArrayLike,
    *,
    censoring: PatientCensoring | None = None,
) -> NetBenefit:
    """Net benefit where failures of other causes may prevent the event of interest.

    Parameters
    ----------
    time : ndarray of shape (n_patients,)
        Follow-up, checked.
    failed : ndarray of shape (n_patients,)
        Whether it ended with an event of any cause.
    case : ndarray of shape (n_patients,)
        Whether it ended with the event of interest.
    risk : array-like of shape (n_patients,)
        Predicted probability of that event by the horizon.
    horizon : float
        In the unit of time.
    thresholds : array-like of shape (n_thresholds,)
        Risks from which one would act, in [0, 1).
    censoring : PatientCensoring, optional
        Where follow-up depends on the patient.

    Returns
    -------
    NetBenefit
        One value per threshold and strategy.

    Raises
    ------
    ModelError
        If ``risk``, ``horizon`` or ``thresholds`` is malformed.
    """
    risk = check_risk(risk, time.size)
    horizon = check_horizon(horizon)
    threshold = _check_thresholds(thresholds)
    odds = threshold / (1 - threshold)
    none = np.zeros(threshold.size)
    above = time.size - np.searchsorted(np.sort(risk), threshold, "left")
    if time.max() < horizon:
        missing = np.full(threshold.size, np.nan)
        reason = f"follow-up ends before {horizon:g}"
        return NetBenefit(horizon, threshold, missing, missing, none, above, reason)
    if censoring is not None:
        weights = CensoringWeights(time, failed, censoring).at(horizon)
        empty = NetBenefit(horizon, threshold, none, none, none, above)
        return _weighted(weights, case & (time <= horizon), risk, empty)
    cuts = np.r_[-np.inf, threshold]
    everyone, *above_each = _risk_above(time, failed, case, risk, horizon, cuts)
    observed = np.array(above_each)
    share = above / time.size
    model = np.where(above == 0, 0.0, share * (observed - (1 - observed) * odds))
    reason = ""
    if np.isnan(model).any():
        first = threshold[np.isnan(model)].min()
        reason = f"from threshold {first:g} some groups above are not followed to {horizon:g}"
    treat_all = everyone - (1 - everyone) * odds
    return NetBenefit(horizon, threshold, model, treat_all, none, above, reason)


def _weighted(weights: Floats | None, case: Bools, risk: Floats, out: NetBenefit) -> NetBenefit:
    """Net benefit of patients who stand for those lost to follow-up, too."""
    if weights is None or weights.sum() == 0:
        missing = np.full(out.threshold.size, np.nan)
        reason = f"some patients cannot be followed to {out.horizon:g}"
        return replace(out, model=missing, treat_all=missing, reason=reason)
    share = weights / weights.sum()
    worth = np.where(case, share, 0.0)[:, None] - np.where(case, 0.0, share)[:, None] * (
        out.threshold / (1 - out.threshold)
    )
    acted = risk[:, None] >= out.threshold
    return replace(out, model=np.where(acted, worth, 0.0).sum(axis=0), treat_all=worth.sum(axis=0))


def _risk_above(
    time: Floats, failed: Bools, case: Bools, risk: Floats, horizon: float, threshold: Floats
) -> Floats:
    """Incidence of the event among those at or above each threshold; NaN if not followed.

    By Aalen and Johansen; where there is no other cause that is one minus Kaplan-Meier.
    """
    order, time = sort_rows(time)
    risk = risk[order]
    failures = np.flatnonzero(failed[order] & (time <= horizon))
    of_case = case[order][failures]
    is_new = np.diff(time[failures], prepend=-np.inf) > 0
    which = np.cumsum(is_new) - 1
    first = np.searchsorted(time, time[failures[is_new]])
    out = np.zeros(threshold.size)
    for k, cut in enumerate(threshold):
        above = risk >= cut
        at_risk = np.maximum(np.cumsum(above[::-1])[::-1][first], 1)
        inside = above[failures]
        left = 1 - np.bincount(which[inside], minlength=first.size) / at_risk
        survival = np.prod(left)
        is_followed = survival == 0 or not above.any() or above[time >= horizon].any()
        if not is_followed:
            out[k] = np.nan
        elif of_case.all():
            out[k] = 1 - survival
        else:
            cases = np.bincount(which[inside & of_case], minlength=first.size)
            before = np.concatenate(([1.0], np.cumprod(left)[:-1]))
            out[k] = float(before @ (cases / at_risk))
    return out


def _check_thresholds(thresholds: ArrayLike) -> Floats:
    try:
        out = np.asarray(thresholds, dtype=float)
    except (TypeError, ValueError):
        raise ModelError("thresholds: not numeric; give numbers.") from None
    if out.ndim != 1 or out.size == 0 or not np.all((out >= 0) & (out < 1)):
        raise ModelError("thresholds: not risks in [0, 1); give at least one.")
    return out
