"""Cox regression as R's coxph does it: fit, tests and limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from allsurv.errors import ModelError
from allsurv.stats.cox_design import check_cox_data, check_matrix
from allsurv.stats.cox_likelihood import Evaluation, PartialLikelihood
from allsurv.stats.cox_newton import Optimum, maximise, refuse_collinear, refuse_monotone
from allsurv.stats.outcome import ChiSquared

__all__ = ["CoxFit", "fit_cox"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CoxFit:
    """A fitted Cox model.

    Parameters
    ----------
    names : tuple of str
        Names of the covariates.
    coef : ndarray of shape (n_columns,)
        Log hazard ratios per unit of each covariate.
    covariance : ndarray of shape (n_columns, n_columns)
        Inverse information, penalty included.
    robust_covariance : ndarray of shape (n_columns, n_columns) or None
        Sandwich over clusters; ``None`` without ``cluster``.
    std_error : ndarray of shape (n_columns,)
        From ``robust_covariance`` where there is one, else from ``covariance``.
    z, p_value : ndarray of shape (n_columns,)
        Wald statistic and its two-sided p-value; for Firth's method those of the penalised
        likelihood ratio.
    hazard_ratio, lower, upper : ndarray of shape (n_columns,)
        exp(coef) and its confidence limits.
    level : float
        Confidence level of the limits.
    loglik_null, loglik : float
        Log partial likelihood at the initial and at the fitted coefficients.
    lr_test, wald_test, score_test : ChiSquared
        Tests that all coefficients equal their initial values.
    n, n_events : int
        Rows and events that carry weight.
    n_iterations : int
        Newton steps.
    ties : str
        "efron" or "breslow".
    likelihood : PartialLikelihood
        The sorted design; kept for residuals and curves.
    """

    names: tuple[str, ...]
    coef: Floats
    covariance: Floats
    robust_covariance: Floats | None
    std_error: Floats
    z: Floats
    p_value: Floats
    hazard_ratio: Floats
    lower: Floats
    upper: Floats
    level: float
    loglik_null: float
    loglik: float
    lr_test: ChiSquared
    wald_test: ChiSquared
    score_test: ChiSquared
    n: int
    n_events: int
    n_iterations: int
    ties: str
    likelihood: PartialLikelihood = field(repr=False)

    def linear_predictor(self, X: ArrayLike) -> Floats:
        """Log hazard relative to a patient whose covariates are all 0.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)
            Covariates, in the order of ``names``.

        Returns
        -------
        ndarray of shape (n_patients,)
            X times coef; no offset, not centred.

        Raises
        ------
        ModelError
            If ``X`` does not fit the model.
        """
        matrix = check_matrix(X, where="CoxFit.linear_predictor", n_columns=self.coef.size)
        return matrix @ self.coef


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
        If the outcome is malformed, or there is no event.
    ModelError
        If covariates are malformed, collinear, more than the events, or such that the likelihood
        is monotone: an estimate would be infinite.

    Notes
    -----
    Vouched for by R ``survival::coxph``, iterate for iterate: Newton's method with step halving
    until the log-likelihood changes by less than 1e-9 of itself. Case weights act under Efron's
    method as in R: tied events share their mean weight [1]_.

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
    if ties not in ("efron", "breslow"):
        raise ModelError(f"fit_cox: ties={ties!r}; allowed are 'efron' and 'breslow'.")
    if not 0 < level < 1:
        raise ModelError(f"fit_cox: level={level!r}; give a number between 0 and 1.")
    p = data.X.shape[1]
    penalty = _vector(ridge, p, "ridge")
    if np.any(penalty < 0):
        raise ModelError("fit_cox: ridge is negative; give 0 or a positive number.")
    n_events = int(data.counted_event.sum())
    if p > n_events and not np.all(penalty > 0):
        raise ModelError(
            f"fit_cox: {p} columns but {n_events} events; use fewer columns, or ridge > 0."
        )
    likelihood = PartialLikelihood(data, ties)
    scale = likelihood.scale
    scaled_penalty = penalty / scale**2
    evaluate = _penalised(likelihood, scaled_penalty)
    first = np.zeros(p) if init is None else _vector(init, p, "init") * scale
    initial = evaluate(first)
    if not (np.isfinite(initial.loglik) and np.all(np.isfinite(initial.information))):
        raise ModelError(
            "fit_cox: the likelihood cannot be computed at the first coefficients; "
            "look for extreme values of init, offset or weights."
        )
    if not penalty.any():
        refuse_collinear(initial.information, data.names)
    optimum = maximise(evaluate, first, initial)
    optimum = refuse_monotone(likelihood, evaluate, optimum)
    return _summary(likelihood, optimum, first, level)


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


def _summary(
    likelihood: PartialLikelihood, optimum: Optimum, first: Floats, level: float
) -> CoxFit:
    data, scale = likelihood.data, likelihood.scale
    inverse = np.linalg.inv(optimum.final.information)
    coef = optimum.beta / scale
    covariance = inverse / np.outer(scale, scale)
    std_error = np.sqrt(np.diag(covariance))
    z = coef / std_error
    half_width = ndtri(0.5 + level / 2) * std_error
    moved = optimum.beta - first
    df = moved.size
    score = optimum.initial.gradient @ np.linalg.solve(
        optimum.initial.information, optimum.initial.gradient
    )
    return CoxFit(
        names=data.names,
        coef=coef,
        covariance=covariance,
        robust_covariance=None,
        std_error=std_error,
        z=z,
        p_value=2 * ndtr(-np.abs(z)),
        hazard_ratio=np.exp(coef),
        lower=np.exp(coef - half_width),
        upper=np.exp(coef + half_width),
        level=level,
        loglik_null=optimum.initial.loglik,
        loglik=optimum.final.loglik,
        lr_test=ChiSquared.of(2 * (optimum.final.loglik - optimum.initial.loglik), df),
        wald_test=ChiSquared.of(moved @ optimum.final.information @ moved, df),
        score_test=ChiSquared.of(score, df),
        n=data.time.size if data.weights is None else int((data.weights > 0).sum()),
        n_events=int(data.counted_event.sum()),
        n_iterations=optimum.n_iterations,
        ties=likelihood.ties,
        likelihood=likelihood,
    )
