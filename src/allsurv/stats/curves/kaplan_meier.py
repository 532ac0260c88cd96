"""Kaplan-Meier survival, and follow-up by its reverse."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from allsurv.stats.curves.counts import count_risk_sets
from allsurv.stats.curves.influence import VarianceKind, row_influence, variance_kind
from allsurv.stats.curves.intervals import ConfType, probability_limits
from allsurv.stats.curves.survival_curve import KaplanMeier, failure_steps, greenwood_steps
from allsurv.stats.levels import check_level
from allsurv.stats.outcome import check_outcome

__all__ = ["follow_up", "kaplan_meier"]


def kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    conf_type: ConfType = "log-log",
    level: float = 0.95,
    variance: VarianceKind | None = None,
) -> KaplanMeier:
    r"""Kaplan-Meier survival curve with pointwise confidence limits.

    Parameters
    ----------
    time : array-like of shape (n_rows,)
        End of follow-up, in any one unit; positive.
    event : array-like of shape (n_rows,)
        True where the event was seen at ``time``; booleans, or 0 and 1.
    start : array-like of shape (n_rows,), optional
        Delayed entry, same unit: a row is at risk in ``(start, time]``.
    weights : array-like of shape (n_rows,), optional
        Case weights; rows of weight zero do not count.
    conf_type : {"log-log", "log", "plain"}, default="log-log"
        Scale on which limits are symmetric.
    level : float, default=0.95
        Confidence level, in (0, 1).
    variance : {"greenwood", "robust"}, optional
        Greenwood's formula, right for counts; or the infinitesimal jackknife, right for sampling
        weights. By default robust where a weight is not a whole number, as R does.

    Returns
    -------
    KaplanMeier
        The curve; ``variance`` says which standard error it has.

    Raises
    ------
    OutcomeError
        If times, events, entries or weights are malformed.

    Notes
    -----
    :math:`S(t) = \prod_{t_j \le t} (1 - d_j / n_j)` [1]_ with
    :math:`\mathrm{var} \log S = \sum d_j / \{n_j (n_j - d_j)\}`. Before the first event the
    limits are 1 and 1; R's log-log limits are missing there. Neighbouring times
    that differ by at most 1.5e-8, in the unit of time or relative to the mean of the distinct
    times, are ties, as in R's ``aeqSurv``. Checked against R
    ``survival::survfit``.

    References
    ----------
    .. [1] Kaplan EL, Meier P. J Am Stat Assoc. 1958;53(282):457-481.
       doi:10.1080/01621459.1958.10501452

    Examples
    --------
    Survival is 3/4 after the first death of four, then 3/4 * 1/2 after the second, of two.

    >>> km = kaplan_meier([6, 12, 18, 24], [1, 0, 1, 0])
    >>> km.survival
    array([0.75 , 0.75 , 0.375, 0.375])
    >>> km.median().value
    18.0
    """
    checked = check_level(level, "kaplan_meier")
    t, e, s, w = check_outcome(time, event, start=start, weights=weights, where="kaplan_meier")
    sets = count_risk_sets(t, e, start=s, weights=w)
    kind = variance_kind(variance, w, "kaplan_meier")
    n, d = sets.n_at_risk, sets.n_events
    survival = np.asarray(np.cumprod((n - d) / n), dtype=float)
    at_risk = greenwood_steps(n, d)
    influence = row_influence(t, e, s, w) if kind == "robust" else None
    if influence is None:
        log_variance = np.cumsum(at_risk)
    else:
        log_variance = influence.variance(at_risk, failure_steps(n, d))
    std_error = survival * np.sqrt(log_variance)
    if kind == "greenwood":
        std_error[survival == 0] = np.nan
    lower, upper = probability_limits(
        survival, std_error, conf_type=conf_type, level=checked, where="kaplan_meier"
    )
    return KaplanMeier(
        time=sets.time,
        n_at_risk=n,
        n_events=d,
        n_censored=sets.n_censored,
        survival=survival,
        std_error=std_error,
        lower=lower,
        upper=upper,
        n=t.size,
        conf_type=conf_type,
        level=checked,
        variance=kind,
        entry_time=sets.entry_time,
        n_entered=sets.n_entered,
        _influence=influence,
    )


def follow_up(
    time: ArrayLike,
    event: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    conf_type: ConfType = "log-log",
    level: float = 0.95,
) -> KaplanMeier:
    """Potential follow-up by reverse Kaplan-Meier: being censored is the event.

    Its median is the median follow-up to report; the plain median of observed times is too short
    where patients died early.

    Parameters
    ----------
    time, event : array-like of shape (n_rows,)
        Outcome as for ``kaplan_meier``; ``event`` marks the clinical event, not the censoring.
    start, weights : array-like of shape (n_rows,), optional
        Delayed entry and case weights.
    conf_type : {"log-log", "log", "plain"}, default="log-log"
        Scale on which limits are symmetric.
    level : float, default=0.95
        Confidence level, in (0, 1).

    Returns
    -------
    KaplanMeier
        Probability of being still followed at each time; ``median()`` is the median follow-up.

    Raises
    ------
    OutcomeError
        If times, events, entries or weights are malformed.

    Notes
    -----
    Schemper and Smith [1]_. Checked against R ``survfit(Surv(time, 1 - event) ~ 1)``.

    References
    ----------
    .. [1] Schemper M, Smith TL. Control Clin Trials. 1996;17(4):343-346.
       doi:10.1016/0197-2456(96)00075-X

    Examples
    --------
    >>> follow_up([6, 12, 18, 24], [1, 0, 1, 0]).median().value
    24.0
    """
    _, e, _, _ = check_outcome(time, event, where="follow_up")
    return kaplan_meier(time, ~e, start=start, weights=weights, conf_type=conf_type, level=level)
