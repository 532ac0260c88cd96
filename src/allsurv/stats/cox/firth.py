"""Firth's penalised Cox likelihood: finite estimates where the ordinary likelihood has none."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from allsurv.errors import ModelError
from allsurv.stats.cox.evaluation import Evaluation
from allsurv.stats.cox.likelihood import PartialLikelihood
from allsurv.stats.cox.sums import RiskSums

__all__ = ["FirthOptimum", "Profile", "maximise_firth", "penalised_evaluation", "profile_limits"]

Floats = NDArray[np.float64]
_MAX_ITERATIONS = 200
_TOLERANCE = 1e-10
_NEGLIGIBLE = 1e-9
_STALLED = 5
_FARTHEST = 200.0


class FirthOptimum(NamedTuple):
    """Where Firth's penalised likelihood is largest.

    Attributes
    ----------
    beta : ndarray of shape (n_columns,)
        Coefficients of the scaled covariates.
    state : Evaluation
        Penalised likelihood, its gradient, and the information.
    n_iterations : int
        Steps taken.
    """

    beta: Floats
    state: Evaluation
    n_iterations: int


class Profile(NamedTuple):
    """Limits and tests of each coefficient from the profile of a penalised likelihood.

    Attributes
    ----------
    lower, upper : ndarray of shape (n_columns,)
        Limits of the scaled coefficients; infinite where the profile does not fall far enough
        within 200 standard errors, or cannot be followed there.
    statistic : ndarray of shape (n_columns,)
        Penalised likelihood ratio statistic that the coefficient is 0.
    """

    lower: Floats
    upper: Floats
    statistic: Floats


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
        risk = likelihood.risk(likelihood.linear_predictor(beta)[0])
        sums = likelihood.sorted_terms.sums(likelihood.design, risk)
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
    at_risk, at_tie = likelihood.sorted_terms.weighted_sums(sums.risk, columns)
    single = np.setdiff1d(np.arange(likelihood.sets.times.size), tied.times)
    when = np.concatenate([single, tied.spread(tied.times)])
    weight = likelihood.term_weight[when]
    total, moment, third = sums.total[when], sums.moment[when], at_risk[when]
    if tied.rows.size:
        fraction = tied.fraction[:, None]
        total[single.size :] -= tied.fraction * tied.spread(sums.tied_total)
        moment[single.size :] -= fraction * tied.spread(sums.tied_moment)
        third[single.size :] -= fraction * tied.spread(at_tie)
    mean = moment / total[:, None]
    third = third / total[:, None]
    spread = np.einsum("ij,jk,ik->i", mean, inverse, mean)
    gradient = weight @ (third[:, 1:] + (2 * spread - third[:, 0])[:, None] * mean)
    pull = mean * (weight / total)[:, None]
    history = np.zeros((likelihood.sets.times.size, X.shape[1]))
    np.add.at(history, when, pull)
    along = likelihood.sets.over_rows(likelihood.sets.history_sum(history))
    if tied.rows.size:
        own = tied.summed(pull[single.size :] * tied.fraction[:, None])
        along[tied.rows] -= tied.spread(own)
    second = sums.risk * np.einsum("ij,jk,ik->i", X, inverse, along)
    found: Floats = gradient - 2 * (second @ X)
    return found


def maximise_firth(
    likelihood: PartialLikelihood, beta: Floats, free: NDArray[np.bool_] | None = None
) -> FirthOptimum:
    """Climb Firth's penalised likelihood by quasi-Newton steps that begin as scoring steps.

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
    inverse = _inverse(state.information, moving)
    stalled = 0
    for iteration in range(_MAX_ITERATIONS):
        step = inverse @ state.gradient
        error = np.sqrt(np.diag(state.information))
        if np.all(np.abs(step) * error < _TOLERANCE) or stalled > _STALLED:
            return FirthOptimum(beta, state, iteration)
        trial, taken = _rising(likelihood, beta, state, step)
        if trial is None:
            inverse = _inverse(state.information, moving)
            trial, taken = _rising(likelihood, beta, state, inverse @ state.gradient)
        if trial is None:
            if abs(float(step @ state.gradient)) < _NEGLIGIBLE:
                return FirthOptimum(beta, state, iteration)
            break
        unmeasurable = trial.loglik - state.loglik <= 1e-13 * abs(state.loglik)
        small = abs(float(step @ state.gradient)) < _NEGLIGIBLE
        stalled = stalled + 1 if unmeasurable and small else 0
        inverse = _secant(inverse, taken, (state.gradient - trial.gradient) * moving)
        beta, state = beta + taken, trial
    raise ModelError(
        f"fit_cox: Firth's likelihood did not come to rest in {iteration + 1} steps; "
        "look for extreme values, or use ridge > 0."
    )


def _inverse(information: Floats, moving: NDArray[np.bool_]) -> Floats:
    out = np.zeros_like(information)
    out[np.ix_(moving, moving)] = np.linalg.inv(information[np.ix_(moving, moving)])
    return out


def _rising(
    likelihood: PartialLikelihood, beta: Floats, state: Evaluation, step: Floats
) -> tuple[Evaluation | None, Floats]:
    """Halve a step until the likelihood rises along it; no trial where it never does."""
    step = step * min(1.0, 5.0 / max(float(np.ptp(likelihood.X @ step)), 1e-300))
    for _ in range(30):
        trial = penalised_evaluation(likelihood, beta + step)
        if trial.loglik >= state.loglik - 1e-13 * abs(state.loglik):
            return trial, step
        step = step / 2
    return None, step


def _secant(inverse: Floats, moved: Floats, fall: Floats) -> Floats:
    """BFGS update of the inverse curvature from how far the gradient fell along a step."""
    curvature = float(moved @ fall)
    if curvature <= 1e-12 * float(np.sqrt((moved @ moved) * (fall @ fall))):
        return inverse
    projection = np.eye(moved.size) - np.outer(moved, fall) / curvature
    return projection @ inverse @ projection.T + np.outer(moved, moved) / curvature


def profile_limits(likelihood: PartialLikelihood, optimum: FirthOptimum, level: float) -> Profile:
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
    Profile
        In the scale of the covariates as the likelihood has them.

    Notes
    -----
    The penalty is half the log determinant of the whole information also when a coefficient is
    held [1]_. Checked against brute force in R, as ``coxphf``.

    References
    ----------
    .. [1] Heinze G, Schemper M. Biometrics. 2001;57(1):114-119.
       doi:10.1111/j.0006-341X.2001.00114.x
    """
    p = optimum.beta.size
    drop = 0.5 * float(chdtri(1, 1 - level))
    lower, upper, statistic = np.empty(p), np.empty(p), np.empty(p)
    for k in range(p):
        held = _Held(likelihood, optimum, k)
        statistic[k] = max(0.0, 2 * held.fall(0.0)[0])
        lower[k] = held.limit(-1.0, drop)
        upper[k] = held.limit(1.0, drop)
    return Profile(lower, upper, statistic)


class _Held:
    """Fall of the penalised likelihood when one coefficient is held and the others follow.

    The others are sought from where the last path, a parabola through the optimum, leads.
    """

    def __init__(self, likelihood: PartialLikelihood, optimum: FirthOptimum, k: int) -> None:
        self._likelihood = likelihood
        self._optimum = optimum
        self._k = k
        self._free = np.arange(optimum.beta.size) != k
        covariance = np.linalg.inv(optimum.state.information)
        self._direction = covariance[:, k] / covariance[k, k]
        self._error = float(np.sqrt(covariance[k, k]))
        self._bend = np.zeros(optimum.beta.size)

    def fall(self, value: float) -> tuple[float, float]:
        """Fall at a value of the coefficient, and its slope."""
        away = value - self._optimum.beta[self._k]
        beta = self._optimum.beta + self._direction * away + self._bend * away**2
        beta[self._k] = value
        if not np.isfinite(penalised_evaluation(self._likelihood, beta).loglik):
            beta = self._optimum.beta.copy()
            beta[self._k] = value
        held = maximise_firth(self._likelihood, beta, self._free)
        if away != 0:
            self._bend = (held.beta - self._optimum.beta - self._direction * away) / away**2
        slope = -float(held.state.gradient[self._k])
        return self._optimum.state.loglik - held.state.loglik, slope

    def limit(self, side: float, drop: float) -> float:
        """Value at which the fall is ``drop``, by Newton steps on its root, kept in a bracket."""
        distance = np.sqrt(2 * drop) * self._error
        inside, outside = 0.0, np.inf
        while distance < _FARTHEST * self._error:
            try:
                fall, slope = self.fall(self._optimum.beta[self._k] + side * distance)
            except ModelError:
                break
            root = np.sqrt(max(fall, 1e-300))
            if fall < drop:
                inside = distance
            else:
                outside = distance
            step = (np.sqrt(drop) - root) * 2 * root / max(side * slope, 1e-300)
            if abs(step) < _TOLERANCE * self._error or outside - inside < 1e-13 * distance:
                return float(self._optimum.beta[self._k] + side * (distance + step))
            distance += step
            if not inside < distance < outside:
                distance = 2 * inside if np.isinf(outside) else (inside + outside) / 2
            elif np.isinf(outside):
                distance = min(distance, 2 * inside)
        return side * np.inf
