"""Cox regression as R's coxph does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError
from allsurv.stats.cox.design import CoxData, check_cox_data, scaled_penalty
from allsurv.stats.cox.evaluation import Evaluation
from allsurv.stats.cox.firth import maximise_firth, penalised_evaluation, profile_limits
from allsurv.stats.cox.fitted import CoxFit
from allsurv.stats.cox.increments import increments
from allsurv.stats.cox.likelihood import PartialLikelihood
from allsurv.stats.cox.many import CoxFits, fit_cox_many
from allsurv.stats.cox.newton import (
    inverse,
    is_finite,
    maximise,
    refuse_collinear,
    refuse_monotone,
)
from allsurv.stats.cox.residuals import robust_covariance
from allsurv.stats.levels import check_level

__all__ = ["CoxFit", "CoxFits", "fit_cox", "fit_cox_many"]

Floats = NDArray[np.float64]


def fit_cox(
    time: ArrayLike,
    event: ArrayLike,
    X: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    ties: Literal["efron", "breslow"] = "efron",
    ridge: float | ArrayLike = 0.0,
    firth: bool = False,
    offset: ArrayLike | None = None,
    init: ArrayLike | None = None,
    level: float = 0.95,
    names: Sequence[str] | None = None,
) -> CoxFit:
    r"""Fit a Cox proportional hazards model.

    A coefficient is the log of the factor by which one unit of a covariate multiplies the hazard.

    Parameters
    ----------
    time : array-like of shape (n_rows,)
        End of each ``(start, time]`` row, in any unit.
    event : array-like of shape (n_rows,)
        Whether the event happened at ``time``; booleans, or 0 and 1.
    X : array-like of shape (n_rows, n_columns)
        Covariates, without intercept.
    start : array-like of shape (n_rows,), optional
        Entry; a row is at risk at ``t`` if ``start < t <= time``.
    weights : array-like of shape (n_rows,), optional
        Case weights, not negative; rows of weight 0 count for nothing.
    strata : array-like of shape (n_rows,), optional
        Labels; each stratum has its own baseline hazard.
    cluster : array-like of shape (n_rows,), optional
        Labels, such as patients with several rows; standard errors become robust.
    ties : {"efron", "breslow"}, default="efron"
        Method of ties.
    ridge : float or array-like of shape (n_columns,), default=0.0
        Penalty: ``ridge / 2`` times the sum of squared coefficients is taken from the likelihood.
    firth : bool, default=False
        Penalise by half the log determinant of the information: finite estimates where the
        likelihood is monotone. Limits and p-values are those of the profile penalised likelihood.
    offset : array-like of shape (n_rows,), optional
        Known part of the linear predictor.
    init : array-like of shape (n_columns,), optional
        First coefficients, also those of the null hypothesis; 0 if not given.
    level : float, default=0.95
        Confidence level, in (0, 1).
    names : sequence of str, optional
        Names of the columns.

    Returns
    -------
    CoxFit
        Coefficients, errors, tests, and methods for curves and residuals.

    Raises
    ------
    OutcomeError
        If the outcome, labels or level are malformed, or there is no event.
    ModelError
        If covariates are malformed, collinear, or more than the events.
    MonotoneError
        If the likelihood is monotone: an estimate would be infinite. Also a ``ModelError``.

    Notes
    -----
    Checked against R ``survival::coxph``, iterate for iterate: Newton's method with step halving
    until the log-likelihood changes by less than 1e-9 of itself. Case weights act under Efron's
    method as in R: tied events share their mean weight [1]_. Unlike R, weights that are not whole
    numbers do not make standard errors robust; only ``cluster`` does. A further Newton step that
    still moves the linear predictor tells a likelihood that is monotone from one that is not.

    References
    ----------
    .. [1] Therneau TM, Grambsch PM. Modeling Survival Data. Springer; 2000.
       doi:10.1007/978-1-4757-3294-8

    Examples
    --------
    With x = 1, 0, 1, 0, events at 1, 2, 3 and u = exp(b), the partial likelihood is
    u / (2u + 2) * 1 / (u + 2) * u / (u + 1); it is largest where u * u - u - 4 = 0.

    >>> fit = fit_cox([1, 2, 3, 4], [1, 1, 1, 0], [[1], [0], [1], [0]])
    >>> round(float(fit.hazard_ratio[0]), 6), round((1 + 17**0.5) / 2, 6)
    (2.561553, 2.561553)
    """
    data = check_cox_data(
        time,
        event,
        X,
        start=start,
        weights=weights,
        strata=strata,
        cluster=cluster,
        offset=offset,
        names=names,
    )
    p = data.X.shape[1]
    level = check_level(level, "fit_cox")
    penalty = _penalty(ridge, p)
    bounded = p == 0 or (penalty is not None and bool((penalty > 0).all()))
    _check_choices(data, penalty, ties=ties, firth=firth, bounded=bounded)
    likelihood = PartialLikelihood(data, ties)
    evaluate: Callable[[Floats], Evaluation] = likelihood.evaluate
    if penalty is not None:
        penalty = scaled_penalty(penalty, likelihood.scale)
        evaluate = _penalised(likelihood, penalty)
    first = np.zeros(p) if init is None else _vector(init, p, "init") * likelihood.scale
    initial = evaluate(first)
    if not is_finite(initial):
        raise ModelError(
            "fit_cox: the likelihood cannot be computed at the first coefficients; "
            "look for extreme values of init, offset or weights."
        )
    if not bounded:
        refuse_collinear(initial.information, data.names)
    if firth:
        return _firth_fit(likelihood, first, level)
    optimum = maximise(evaluate, first, initial)
    optimum = refuse_monotone(likelihood, evaluate, optimum, bounded=bounded)
    covariance = _covariance(likelihood, optimum.final)
    coef = optimum.beta / likelihood.scale
    return CoxFit(
        names=data.names,
        coef=coef,
        covariance=covariance,
        robust_covariance=_robust(likelihood, coef, covariance),
        level=level,
        n_iterations=optimum.n_iterations,
        likelihood=likelihood,
        first=first,
        penalty=penalty,
        initial=initial,
        final=optimum.final,
    )


def _penalty(ridge: float | ArrayLike, size: int) -> Floats | None:
    """Check the ridge penalty; none where it is 0."""
    if isinstance(ridge, float) and ridge == 0:
        return None
    penalty = _vector(ridge, size, "ridge")
    if (penalty < 0).any():
        raise ModelError("fit_cox: ridge is negative; give 0 or a positive number.")
    return penalty if penalty.any() else None


def _check_choices(
    data: CoxData, penalty: Floats | None, *, ties: str, firth: bool, bounded: bool
) -> None:
    if not (isinstance(ties, str) and ties in ("efron", "breslow")):
        raise ModelError(f"fit_cox: ties={ties!r}; allowed are 'efron' and 'breslow'.")
    p, n_events = data.X.shape[1], np.count_nonzero(data.counted_event)
    if p > n_events and not bounded:
        raise ModelError(
            f"fit_cox: {p} columns but {n_events} events; use fewer columns, or ridge > 0."
        )
    if firth and (penalty is not None or data.cluster is not None):
        raise ModelError("fit_cox: firth=True goes with neither ridge nor cluster; drop one.")


def _vector(values: float | ArrayLike, size: int, name: str) -> Floats:
    try:
        out = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ModelError(f"fit_cox: {name} is not numeric; give numbers.") from None
    if out.ndim == 0:
        out = np.full(size, float(out))
    if out.shape != (size,) or not np.all(np.isfinite(out)):
        raise ModelError(f"fit_cox: {name} is not one finite number per column; give {size}.")
    return out


def _penalised(likelihood: PartialLikelihood, penalty: Floats) -> Callable[[Floats], Evaluation]:
    def evaluate(beta: Floats) -> Evaluation:
        plain = likelihood.evaluate(beta)
        pull = penalty * beta
        return Evaluation(
            plain.loglik - 0.5 * float(pull @ beta),
            plain.gradient - pull,
            plain.information + np.diag(penalty),
        )

    return evaluate


def _covariance(likelihood: PartialLikelihood, final: Evaluation) -> Floats:
    """Turn the information at the estimates into their covariance, in the unit of the data."""
    scale = likelihood.scale
    return inverse(final.information) / (scale[:, None] * scale)


def _robust(likelihood: PartialLikelihood, coef: Floats, covariance: Floats) -> Floats | None:
    cluster = likelihood.data.cluster
    if cluster is None:
        return None
    return robust_covariance(likelihood, increments(likelihood, coef), covariance, cluster)


def _firth_fit(likelihood: PartialLikelihood, first: Floats, level: float) -> CoxFit:
    optimum = maximise_firth(likelihood, first)
    return CoxFit(
        names=likelihood.data.names,
        coef=optimum.beta / likelihood.scale,
        covariance=_covariance(likelihood, optimum.state),
        robust_covariance=None,
        level=level,
        n_iterations=optimum.n_iterations,
        likelihood=likelihood,
        first=first,
        penalty=None,
        initial=penalised_evaluation(likelihood, first),
        final=optimum.state,
        profile=profile_limits(likelihood, optimum, level),
    )
