"""Newton's method as R's coxph takes it, and the designs on which it has no answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv, dpotrf

from allsurv.errors import ModelError, MonotoneError
from allsurv.stats.cox.evaluation import Evaluation
from allsurv.stats.cox.likelihood import PartialLikelihood

__all__ = [
    "Optimum",
    "inverse",
    "is_finite",
    "maximise",
    "newton_step",
    "refuse_collinear",
    "refuse_monotone",
]

Floats = NDArray[np.float64]
MAX_ITERATIONS = 20
TOLERANCE = 1e-9
EXTRA_ITERATIONS = 12
NEGLIGIBLE = 1e-6
_UNBELIEVABLE = 25.0
_MOVED = 1e-3
SMALLEST_PIVOT = 1e-11
_SMALLEST_SHARE = 1e-12


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where Newton's method ended.

    Attributes
    ----------
    beta : ndarray of shape (n_columns,)
        Coefficients of the scaled covariates.
    initial, final : Evaluation
        The (penalised) likelihood at the first and the last coefficients.
    n_iterations : int
        Newton steps taken.
    converged : bool
        Whether the relative change of the log-likelihood fell below the tolerance.
    """

    beta: Floats
    initial: Evaluation
    final: Evaluation
    n_iterations: int
    converged: bool


def maximise(
    evaluate: Callable[[Floats], Evaluation],
    beta: Floats,
    initial: Evaluation,
    *,
    max_iterations: int = MAX_ITERATIONS,
    tolerance: float = TOLERANCE,
) -> Optimum:
    """Climb a concave log-likelihood by Newton steps, halving those that go down.

    Parameters
    ----------
    evaluate : callable
        From coefficients to their evaluation.
    beta : ndarray of shape (n_columns,)
        First coefficients.
    initial : Evaluation
        Evaluation at ``beta``.
    max_iterations : int, default=20
        Most steps.
    tolerance : float, default=1e-9
        Relative change of the log-likelihood at which to stop.

    Returns
    -------
    Optimum
        Step for step that of R ``survival::coxph``.
    """
    best, state = beta, initial
    step = newton_step(state)
    halved = 0
    iteration, converged = 0, False
    while iteration < max_iterations and step is not None:
        iteration += 1
        trial = evaluate(best + step)
        finite = is_finite(trial)
        if (
            finite
            and not halved
            and abs(trial.loglik - state.loglik) <= tolerance * abs(trial.loglik)
        ):
            best, state, converged = best + step, trial, True
            break
        if not finite or trial.loglik < state.loglik:
            halved += 1
            step = step / 2
            continue
        halved = 0
        best, state = best + step, trial
        step = newton_step(state)
    return Optimum(best, initial, state, iteration, converged)


def is_finite(state: Evaluation) -> bool:
    """Tell whether an evaluation can be computed with.

    Parameters
    ----------
    state : Evaluation
        The (penalised) likelihood at some coefficients.

    Returns
    -------
    bool
        False where the coefficients were too large.
    """
    return math.isfinite(state.loglik) and math.isfinite(state.information.sum())


def newton_step(state: Evaluation) -> Floats | None:
    """Solve for the step to the maximum of the quadratic that touches the log-likelihood.

    Parameters
    ----------
    state : Evaluation
        The (penalised) likelihood at some coefficients.

    Returns
    -------
    ndarray of shape (n_columns,) or None
        ``None`` where the information is singular.
    """
    if state.gradient.size == 0:
        return state.gradient
    _, step, fault = dposv(state.information, state.gradient)
    return None if fault or not math.isfinite(step @ step) else step


def inverse(information: Floats) -> Floats:
    """Invert an information matrix.

    Parameters
    ----------
    information : ndarray of shape (n_columns, n_columns)
        Symmetric, positive definite at a maximum.

    Returns
    -------
    ndarray of shape (n_columns, n_columns)
        The scaled covariance.

    Raises
    ------
    ModelError
        If it is singular.
    """
    if information.size == 0:
        return information
    _, inverted, fault = dposv(information, np.eye(len(information)))
    if fault:
        try:
            inverted = np.linalg.inv(information)
        except np.linalg.LinAlgError:
            raise ModelError(
                "fit_cox: the information matrix is singular, so there are no standard errors; "
                "remove columns that the others determine, or use ridge > 0."
            ) from None
    found: Floats = inverted
    return found


def refuse_collinear(information: Floats, names: tuple[str, ...]) -> None:
    """Refuse columns that the others determine among those at risk.

    Parameters
    ----------
    information : ndarray of shape (n_columns, n_columns)
        Information of scaled covariates at the first coefficients.
    names : tuple of str
        Names of the columns.

    Raises
    ------
    ModelError
        Naming the column and those that determine it.
    """
    if _is_sound(information):
        return
    diagonal = information.diagonal()
    largest = float(diagonal.max(initial=0.0))
    constant = ~(diagonal > _SMALLEST_SHARE * largest) | (diagonal <= 0)
    if constant.any():
        found = _quoted([names[k] for k in np.flatnonzero(constant)])
        raise ModelError(
            f"fit_cox: {found} does not vary among the rows at risk at any event time, so its "
            "hazard ratio cannot be estimated; remove it."
        )
    root = np.sqrt(diagonal)
    scaled = information / (root[:, None] * root)
    factor, fault = dpotrf(scaled, lower=1)
    pivots = factor.diagonal() ** 2
    if fault or pivots.min(initial=1.0) <= SMALLEST_PIVOT:
        _name_collinear(scaled, names)


def _is_sound(information: Floats) -> bool:
    """Tell whether no column is constant or determined by others: of most designs, quickly.

    The pivots of the factor are those of the correlations times the diagonal, so that nothing need
    be scaled to compare them.
    """
    if information.size == 0:
        return True
    factor, fault = dpotrf(information, lower=1)
    if fault:
        return False
    diagonal, pivots = information.diagonal(), factor.diagonal()
    return bool(
        (pivots * pivots > SMALLEST_PIVOT * diagonal).all()
        and diagonal.min() > _SMALLEST_SHARE * diagonal.max()
    )


def _name_collinear(scaled: Floats, names: tuple[str, ...]) -> None:
    for k in range(1, len(names)):
        weights = np.linalg.lstsq(scaled[:k, :k], scaled[:k, k], rcond=SMALLEST_PIVOT)[0]
        if 1.0 - scaled[:k, k] @ weights <= SMALLEST_PIVOT:
            others = [names[j] for j in np.flatnonzero(np.abs(weights) > 1e-6)]
            raise ModelError(
                f"fit_cox: '{names[k]}' is determined by {_quoted(others)} among the rows at "
                "risk, so their hazard ratios cannot be told apart; remove one of them, or use "
                "ridge > 0."
            )


def refuse_monotone(
    likelihood: PartialLikelihood,
    evaluate: Callable[[Floats], Evaluation],
    optimum: Optimum,
    *,
    bounded: bool = False,
) -> Optimum:
    """Refuse a likelihood that rises for ever along some direction; finish one that does not.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The model.
    evaluate : callable
        From coefficients to their (penalised) evaluation.
    optimum : Optimum
        Where the ordinary iterations ended.
    bounded : bool, default=False
        Whether a penalty makes sure that there is a maximum.

    Returns
    -------
    Optimum
        The same one, or, where the ordinary iterations ran out too soon, a finished one.

    Raises
    ------
    MonotoneError
        Naming the columns whose coefficients grow without bound.
    ModelError
        If there is no convergence although the likelihood does not look monotone.

    Notes
    -----
    Near a finite maximum a further Newton step is negligible. Along a direction in which the
    likelihood only rises, each step moves the linear predictor by about one, whatever the
    log-likelihood does: R warns then that a coefficient may be infinite.
    """
    if optimum.converged and _is_at_rest(likelihood, optimum.final):
        return optimum
    more = 10 * EXTRA_ITERATIONS if bounded else EXTRA_ITERATIONS
    further = maximise(evaluate, optimum.beta, optimum.final, max_iterations=more, tolerance=1e-15)
    if _is_at_rest(likelihood, further.final):
        iterations = optimum.n_iterations + further.n_iterations
        finished = Optimum(further.beta, optimum.initial, further.final, iterations, True)
        return optimum if optimum.converged else finished
    step = newton_step(further.final)
    unfinished = step is not None and abs(float(step @ further.final.gradient)) > NEGLIGIBLE
    if bounded or (unfinished and np.ptp(likelihood.X @ further.beta) < _UNBELIEVABLE):
        raise ModelError(
            f"fit_cox: no convergence in {MAX_ITERATIONS + more} Newton steps; "
            "look for extreme values or weights, give init, or use a larger ridge."
        )
    drift = further.beta - optimum.beta
    raise MonotoneError(_monotone_message(likelihood, drift if drift.any() else further.beta))


def _is_at_rest(likelihood: PartialLikelihood, state: Evaluation) -> bool:
    step = newton_step(state)
    if step is None:
        return False
    if abs(float(step @ state.gradient)) >= NEGLIGIBLE:
        return False
    longest_row = math.sqrt(likelihood.X.size)  # no scaled row is longer: mean squares are 1
    return bool(
        2.0 * longest_row * math.sqrt(step @ step) < _MOVED or np.ptp(likelihood.X @ step) < _MOVED
    )


def _monotone_message(likelihood: PartialLikelihood, drift: Floats) -> str:
    data = likelihood.data
    size = np.abs(drift)
    found = np.flatnonzero(size > 1e-3 * size.max(initial=0.0))
    names = [data.names[k] for k in found]
    advice = "use firth=True, ridge > 0, or merge levels."
    if found.size == 1:
        column = data.X[:, found[0]]
        levels = np.unique(column)
        if levels.size == 2:
            for level in levels:
                member = column == level
                if not np.any(data.counted_event & member):
                    where = f"'{names[0]}'" if level == levels[1] else f"'{names[0]}' at {level:g}"
                    return (
                        f"fit_cox: {where} has no event among its {int(member.sum())} rows, so "
                        f"its hazard ratio has no finite estimate; {advice}"
                    )
    return (
        f"fit_cox: the likelihood rises without bound along {_quoted(names)}: those with the event "
        f"are always the most extreme of those at risk, so there is no finite estimate; {advice}"
    )


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
