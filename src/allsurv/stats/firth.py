"""Firth's penalised Cox likelihood: finite estimates where the ordinary likelihood has none."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chdtri

from allsurv.errors import ModelError
from allsurv.stats.cox_likelihood import Evaluation, PartialLikelihood, RiskSums

__all__ = ["FirthOptimum", "maximise_firth", "penalised_evaluation", "profile_limits"]

Floats = NDArray[np.float64]
_MAX_ITERATIONS = 500
_TOLERANCE = 1e-10


class FirthOptimum(NamedTuple):
    """Where Firth scoring ended: coefficients, penalised likelihood, information, iterations."""

    beta: Floats
    state: Evaluation
    n_iterations: int


def penalised_evaluation(likelihood: PartialLikelihood, beta: Floats) -> Evaluation:
    """Penalised log-likelihood, its gradient, and the information it is penalised by.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    beta : ndarray of shape (n_columns,)
        Coefficients of the scaled covariates.

    Returns
    -------
    Evaluation
        Log-likelihood in the units of the covariates as given; minus infinity where the
        information is singular.

    Notes
    -----
    The log-likelihood gains half the log determinant of the information; the gradient gains half
    the trace of inverse information times its derivative.
    """
    plain = likelihood.evaluate(beta)
    sign, log_determinant = np.linalg.slogdet(plain.information)
    if not (sign > 0 and np.isfinite(plain.loglik) and np.isfinite(log_determinant)):
        return Evaluation(-np.inf, plain.gradient, plain.information)
    with np.errstate(all="ignore"):
        loglik = plain.loglik + 0.5 * float(log_determinant + np.log(likelihood.scale**2).sum())
        inverse: Floats = np.linalg.inv(plain.information).astype(float, copy=False)
        sums = likelihood.risk_sums(likelihood.linear_predictor(beta))
        gradient = plain.gradient + 0.5 * _trace_gradient(likelihood, sums, inverse)
    return Evaluation(float(loglik), gradient, plain.information)


def _trace_gradient(likelihood: PartialLikelihood, sums: RiskSums, inverse: Floats) -> Floats:
    """Trace of ``inverse`` times the derivative of the information in each coefficient.

    Each event is one term of weight w with sums N over its risk set, of which the fraction f of
    the tied events is left out; h is x' V x. The second moments that the derivative holds are
    summed row by row against the mean covariates of the row's history, and never formed.
    """
    X, tied = likelihood.X, likelihood.tied
    h = np.einsum("ij,jk,ik->i", X, inverse, X)
    columns = np.column_stack([h, h[:, None] * X])
    at_risk, at_tie = likelihood.weighted_sums(sums.risk, columns)
    single = np.setdiff1d(np.arange(likelihood.sets.times.size), tied.times)
    when = np.concatenate([single, tied.times[tied.group]])
    weight = likelihood.term_weight[when]
    total, moment, third = sums.total[when], sums.moment[when], at_risk[when]
    if tied.group.size:
        fraction = tied.fraction[:, None]
        total[single.size :] -= tied.fraction * sums.tied_total[tied.group]
        moment[single.size :] -= fraction * sums.tied_moment[tied.group]
        third[single.size :] -= fraction * at_tie[tied.group]
    mean = moment / total[:, None]
    third = third / total[:, None]
    spread = np.einsum("ij,jk,ik->i", mean, inverse, mean)
    gradient = weight @ (third[:, 1:] + (2 * spread - third[:, 0])[:, None] * mean)
    pull = mean * (weight / total)[:, None]
    history = np.zeros((likelihood.sets.times.size, X.shape[1]))
    np.add.at(history, when, pull)
    along = likelihood.sets.over_rows(likelihood.sets.history_sum(history))
    if tied.group.size:
        own = tied.summed(pull[single.size :] * tied.fraction[:, None])
        along[tied.rows] -= own[tied.group]
    second = sums.risk * np.einsum("ij,jk,ik->i", X, inverse, along)
    return gradient - 2 * (second @ X)


def maximise_firth(
    likelihood: PartialLikelihood, beta: Floats, free: NDArray[np.bool_] | None = None
) -> FirthOptimum:
    """Climb Firth's penalised likelihood by scoring steps, halving those that go down.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    beta : ndarray of shape (n_columns,)
        First coefficients of the scaled covariates.
    free : ndarray of bool of shape (n_columns,), optional
        Coefficients that may move; all if not given.

    Returns
    -------
    FirthOptimum
        To 1e-10 standard errors.

    Raises
    ------
    ModelError
        If the likelihood cannot be computed or the steps do not come to rest.
    """
    moving = np.ones(beta.size, dtype=bool) if free is None else free
    state = penalised_evaluation(likelihood, beta)
    if not np.isfinite(state.loglik):
        raise ModelError(
            "fit_cox: Firth's likelihood cannot be computed at the first coefficients, where the "
            "information is singular; remove columns that others determine."
        )
    for iteration in range(_MAX_ITERATIONS):
        information = state.information[np.ix_(moving, moving)]
        step = np.zeros(beta.size)
        step[moving] = np.linalg.solve(information, state.gradient[moving])
        if np.all(np.abs(step[moving]) * np.sqrt(np.diag(information)) < _TOLERANCE):
            return FirthOptimum(beta, state, iteration)
        scale = min(1.0, 5.0 / np.ptp(likelihood.X @ step))
        for _ in range(40):
            trial = penalised_evaluation(likelihood, beta + scale * step)
            if trial.loglik >= state.loglik - 1e-12 * abs(state.loglik):
                break
            scale /= 2
        else:
            return FirthOptimum(beta, state, iteration)
        beta, state = beta + scale * step, trial
    raise ModelError(
        f"fit_cox: Firth's likelihood did not come to rest in {_MAX_ITERATIONS} steps; "
        "look for extreme values, or use ridge > 0."
    )


def profile_limits(
    likelihood: PartialLikelihood, optimum: FirthOptimum, level: float
) -> tuple[Floats, Floats, Floats]:
    """Limits and tests of each coefficient from the profile of the penalised likelihood.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    optimum : FirthOptimum
        The maximum.
    level : float
        Confidence level.

    Returns
    -------
    lower, upper : ndarray of shape (n_columns,)
        Limits of the scaled coefficients; infinite where the profile never falls far enough.
    statistic : ndarray of shape (n_columns,)
        Penalised likelihood ratio statistic that the coefficient is 0.

    Notes
    -----
    The penalty is half the log determinant of the whole information also when a coefficient is
    held [1]_.

    References
    ----------
    .. [1] Heinze G, Schemper M. Biometrics. 2001;57(1):114-119.
       doi:10.1111/j.0006-341X.2001.00114.x
    """
    p = optimum.beta.size
    drop = 0.5 * float(chdtri(1, 1 - level))
    error = np.sqrt(np.diag(np.linalg.inv(optimum.state.information)))
    lower, upper, statistic = np.empty(p), np.empty(p), np.empty(p)
    for k in range(p):
        profile = _Profile(likelihood, optimum, k)
        statistic[k] = max(0.0, 2 * profile.fall(0.0))
        lower[k] = profile.limit(-error[k], drop)
        upper[k] = profile.limit(error[k], drop)
    return lower, upper, statistic


class _Profile:
    """Fall of the penalised likelihood when one coefficient is held and the others follow."""

    def __init__(self, likelihood: PartialLikelihood, optimum: FirthOptimum, k: int) -> None:
        self._likelihood = likelihood
        self._optimum = optimum
        self._k = k
        self._free = np.arange(optimum.beta.size) != k
        covariance = np.linalg.inv(optimum.state.information)
        self._direction = covariance[:, k] / covariance[k, k]

    def fall(self, value: float) -> float:
        beta = self._optimum.beta + self._direction * (value - self._optimum.beta[self._k])
        beta[self._k] = value
        if not np.isfinite(penalised_evaluation(self._likelihood, beta).loglik):
            beta = self._optimum.beta.copy()
            beta[self._k] = value
        held = maximise_firth(self._likelihood, beta, self._free)
        return self._optimum.state.loglik - held.state.loglik

    def limit(self, step: float, drop: float) -> float:
        centre = float(self._optimum.beta[self._k])
        reach = 1.5
        for _ in range(8):
            if self.fall(centre + reach * step) > drop:
                return float(
                    brentq(
                        lambda value: self.fall(value) - drop,
                        centre,
                        centre + reach * step,
                        xtol=1e-9 * abs(step),
                        rtol=1e-12,
                    )
                )
            reach *= 2
        return float(np.copysign(np.inf, step))
