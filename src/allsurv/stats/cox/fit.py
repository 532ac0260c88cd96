"""Cox regression as R's coxph does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtr, ndtri

from allsurv.errors import ModelError
from allsurv.stats.cox.design import CoxData, check_cox_data, scaled_penalty
from allsurv.stats.cox.firth import maximise_firth, penalised_evaluation, profile_limits
from allsurv.stats.cox.fitted import CoxFit
from allsurv.stats.cox.increments import increments
from allsurv.stats.cox.likelihood import Evaluation, PartialLikelihood
from allsurv.stats.cox.many import CoxFits, fit_cox_many
from allsurv.stats.cox.newton import (
    Optimum,
    inverse,
    maximise,
    newton_step,
    refuse_collinear,
    refuse_monotone,
)
from allsurv.stats.cox.residuals import robust_covariance
from allsurv.stats.levels import check_level
from allsurv.stats.outcome import ChiSquared

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
    penalty = _vector(ridge, p, "ridge")
    level = check_level(level, "fit_cox")
    _check_choices(data, penalty, ties=ties, firth=firth)
    likelihood = PartialLikelihood(data, ties)
    evaluate = _penalised(likelihood, scaled_penalty(penalty, likelihood.scale))
    first = np.zeros(p) if init is None else _vector(init, p, "init") * likelihood.scale
    initial = evaluate(first)
    if not (np.isfinite(initial.loglik) and np.all(np.isfinite(initial.information))):
        raise ModelError(
            "fit_cox: the likelihood cannot be computed at the first coefficients; "
            "look for extreme values of init, offset or weights."
        )
    if not (penalty > 0).all():
        refuse_collinear(initial.information, data.names)
    if firth:
        return _firth_fit(likelihood, first, level)
    optimum = maximise(evaluate, first, initial)
    optimum = refuse_monotone(likelihood, evaluate, optimum, bounded=bool((penalty > 0).all()))
    return _newton_fit(likelihood, optimum, first, penalty, level)


def _check_choices(data: CoxData, penalty: Floats, *, ties: str, firth: bool) -> None:
    if not (isinstance(ties, str) and ties in ("efron", "breslow")):
        raise ModelError(f"fit_cox: ties={ties!r}; allowed are 'efron' and 'breslow'.")
    if (penalty < 0).any():
        raise ModelError("fit_cox: ridge is negative; give 0 or a positive number.")
    n_events = int(data.counted_event.sum())
    if penalty.size > n_events and not (penalty > 0).all():
        raise ModelError(
            f"fit_cox: {penalty.size} columns but {n_events} events; "
            "use fewer columns, or ridge > 0."
        )
    if firth and (penalty.any() or data.cluster is not None):
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
    if not penalty.any():
        return likelihood.evaluate

    def evaluate(beta: Floats) -> Evaluation:
        plain = likelihood.evaluate(beta)
        pull = penalty * beta
        return Evaluation(
            plain.loglik - 0.5 * float(pull @ beta),
            plain.gradient - pull,
            plain.information + np.diag(penalty),
        )

    return evaluate


def _newton_fit(
    likelihood: PartialLikelihood, optimum: Optimum, first: Floats, penalty: Floats, level: float
) -> CoxFit:
    data, scale = likelihood.data, likelihood.scale
    scaled_covariance = inverse(optimum.final.information)
    coef = optimum.beta / scale
    covariance = scaled_covariance / (scale[:, None] * scale)
    robust = None
    if data.cluster is not None:
        steps = increments(likelihood, coef)
        robust = robust_covariance(likelihood, steps, covariance, data.cluster)
    std_error = np.sqrt((covariance if robust is None else robust).diagonal())
    with np.errstate(all="ignore"):
        z = coef / std_error
        width = ndtri(0.5 + level / 2) * std_error
        lower, upper = np.exp(coef - width), np.exp(coef + width)
    moved = optimum.beta - first
    if robust is None:
        wald = ChiSquared.of(float(moved @ optimum.final.information @ moved), coef.size)
    else:
        wald = _robust_wald(robust, moved / scale)
    pull = scaled_penalty(penalty, scale)
    loglik_null = optimum.initial.loglik + 0.5 * float(pull @ first**2)
    loglik = optimum.final.loglik + 0.5 * float(pull @ optimum.beta**2)
    df = coef.size - float(scaled_covariance.diagonal() @ pull)
    return CoxFit(
        names=data.names,
        coef=coef,
        covariance=covariance,
        robust_covariance=robust,
        std_error=std_error,
        z=z,
        p_value=2 * ndtr(-np.abs(z)),
        hazard_ratio=_exp(coef),
        lower=lower,
        upper=upper,
        level=level,
        loglik_null=loglik_null,
        loglik=loglik,
        lr_test=ChiSquared.of(2 * (loglik - loglik_null), df),
        wald_test=wald,
        score_test=_score_test(optimum.initial),
        n=data.n_counted,
        n_events=likelihood.sets.deaths.size,
        n_iterations=optimum.n_iterations,
        ties=likelihood.ties,
        likelihood=likelihood,
    )


def _firth_fit(likelihood: PartialLikelihood, first: Floats, level: float) -> CoxFit:
    data, scale = likelihood.data, likelihood.scale
    initial = penalised_evaluation(likelihood, first)
    optimum = maximise_firth(likelihood, first)
    low, high, statistic = profile_limits(likelihood, optimum, level)
    coef = optimum.beta / scale
    covariance = np.linalg.inv(optimum.state.information) / np.outer(scale, scale)
    moved = optimum.beta - first
    wald = float(moved @ optimum.state.information @ moved)
    loglik_ratio = 2 * (optimum.state.loglik - initial.loglik)
    return CoxFit(
        names=data.names,
        coef=coef,
        covariance=covariance,
        robust_covariance=None,
        std_error=np.sqrt(np.diag(covariance)),
        z=np.sign(coef) * np.sqrt(statistic),
        p_value=chdtrc(1, statistic),
        hazard_ratio=_exp(coef),
        lower=_exp(low / scale),
        upper=_exp(high / scale),
        level=level,
        loglik_null=initial.loglik,
        loglik=optimum.state.loglik,
        lr_test=ChiSquared.of(loglik_ratio, coef.size),
        wald_test=ChiSquared.of(wald, coef.size),
        score_test=_score_test(initial),
        n=data.n_counted,
        n_events=likelihood.sets.deaths.size,
        n_iterations=optimum.n_iterations,
        ties=likelihood.ties,
        likelihood=likelihood,
        is_firth=True,
    )


def _exp(values: Floats) -> Floats:
    with np.errstate(over="ignore", under="ignore"):
        return np.exp(values)


def _score_test(initial: Evaluation) -> ChiSquared:
    step = newton_step(initial)
    statistic = float("nan") if step is None else float(initial.gradient @ step)
    return ChiSquared.of(statistic, initial.gradient.size)


def _robust_wald(robust: Floats, moved: Floats) -> ChiSquared:
    """Wald test in the directions that the clusters inform: fewer than columns if they are few."""
    error = np.sqrt(np.diag(robust))
    error[error == 0] = 1.0
    values, vectors = np.linalg.eigh(robust / np.outer(error, error))
    informed = values > 1e-10 * max(float(values.max(initial=0.0)), 1e-300)
    along = (vectors.T @ (moved / error))[informed]
    return ChiSquared.of(float(along @ (along / values[informed])), int(informed.sum()))
