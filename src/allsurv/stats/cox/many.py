"""Many Cox fits at once: one sorted design, many sets of case weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg.lapack import dposv

from allsurv.errors import ModelError, OutcomeError
from allsurv.stats.cox.batch import Batch, BatchDesign
from allsurv.stats.cox.design import check_cox_data, scaled_penalty
from allsurv.stats.cox.newton import (
    EXTRA_ITERATIONS,
    MAX_ITERATIONS,
    NEGLIGIBLE,
    SMALLEST_PIVOT,
    TOLERANCE,
)

__all__ = ["CoxFits", "fit_cox_many"]

Floats = NDArray[np.float64]
_CHUNK_BYTES = 1_500_000


@dataclass(frozen=True, eq=False)
class CoxFits:
    """Coefficients of one Cox model under many sets of case weights.

    Attributes
    ----------
    coef : ndarray of shape (n_sets, n_columns)
        Log hazard ratios; NaN where there is no estimate.
    converged : ndarray of bool of shape (n_sets,)
        Where there is an estimate.
    reason : tuple of str
        Why there is none; empty where there is one.
    loglik : ndarray of shape (n_sets,)
        Log partial likelihood, without penalty.
    n_iterations : ndarray of shape (n_sets,)
        Newton steps.
    X : ndarray of shape (n_rows, n_columns)
        Covariates as given.
    """

    coef: Floats
    converged: NDArray[np.bool_]
    reason: tuple[str, ...]
    loglik: Floats
    n_iterations: NDArray[np.intp]
    X: Floats = field(repr=False)

    @property
    def linear_predictors(self) -> Floats:
        """Log hazard of each row in each fit, relative to covariates of 0.

        Returns
        -------
        ndarray of shape (n_sets, n_rows)
            Also for rows that carry no weight; NaN where a fit has no estimate.
        """
        return self.coef @ self.X.T


def fit_cox_many(
    time: ArrayLike,
    event: ArrayLike,
    X: ArrayLike,
    weights: ArrayLike,
    *,
    start: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    ties: Literal["efron", "breslow"] = "efron",
    ridge: float | ArrayLike = 0.0,
    offset: ArrayLike | None = None,
    init: ArrayLike | None = None,
    weights_as: Literal["case", "copies"] = "case",
) -> CoxFits:
    """Fit one Cox model under many sets of case weights: bootstrap, jackknife or folds.

    Parameters
    ----------
    time, event : array-like of shape (n_rows,)
        Outcome, as for :func:`allsurv.stats.cox.fit.fit_cox`.
    X : array-like of shape (n_rows, n_columns)
        Covariates.
    weights : array-like of shape (n_sets, n_rows)
        Not negative; 0 leaves a row out.
    start : array-like of shape (n_rows,), optional
        Entry.
    strata : array-like of shape (n_rows,), optional
        Labels.
    ties : {"efron", "breslow"}, default="efron"
        Method of ties.
    ridge : float or array-like of shape (n_sets,) or (n_sets, n_columns), default=0.0
        Penalty on half the squared coefficients.
    offset : array-like of shape (n_rows,), optional
        Known part of the linear predictor.
    init : array-like of shape (n_columns,), optional
        First coefficients.
    weights_as : {"case", "copies"}, default="case"
        "case": as R's ``weights``. "copies": a row of weight 2 stands for two rows, as in a
        bootstrap sample; weights are whole numbers. The two differ under Efron's method of ties.

    Returns
    -------
    CoxFits
        A set without an estimate is marked, with the reason; it stops nothing.

    Raises
    ------
    OutcomeError
        If the outcome or the weights are malformed.
    ModelError
        If covariates or choices do not fit.

    Notes
    -----
    Each set's coefficients are those that :func:`allsurv.stats.cox.fit.fit_cox` finds with the same
    weights ("case"), or on the rows repeated ("copies"), iterate for iterate. Checked against R
    ``survival::coxph``.

    Examples
    --------
    Leaving out the second row of u / (2u + 2) * 1 / (u + 2) * u / (u + 1) leaves the likelihood
    u / (2u + 1) * u / (u + 1), which rises for ever.

    >>> x = [[1], [0], [1], [0]]
    >>> fits = fit_cox_many([1, 2, 3, 4], [1, 1, 1, 0], x, [[1, 1, 1, 1], [1, 0, 1, 1]])
    >>> fits.converged.tolist(), round(float(np.exp(fits.coef[0, 0])), 6)
    ([True, False], 2.561553)
    """
    where = "fit_cox_many"
    data = check_cox_data(time, event, X, start=start, strata=strata, offset=offset, where=where)
    if ties not in ("efron", "breslow"):
        raise ModelError(f"{where}: ties={ties!r}; allowed are 'efron' and 'breslow'.")
    if weights_as not in ("case", "copies"):
        raise ModelError(f"{where}: weights_as={weights_as!r}; allowed are 'case' and 'copies'.")
    w = _check_weights(weights, data.time.size, weights_as)
    p = data.X.shape[1]
    penalty = _check_penalty(ridge, w.shape[0], p)
    first = np.zeros(p) if init is None else np.asarray(init, dtype=float)
    if first.shape != (p,) or not np.isfinite(first).all():
        raise ModelError(f"{where}: init is not one finite number per column; give {p}.")
    design = BatchDesign(data, ties, copies=weights_as == "copies")
    ends = [
        _newton(
            Batch(design, w[chunk], scaled_penalty(penalty[chunk], design.scale, where)),
            first * design.scale,
        )
        for chunk in _chunks(w.shape[0], design.X.size * 8)
    ]
    beta, loglik, n_iterations, reason = (np.concatenate(part) for part in zip(*ends, strict=True))
    converged = reason == ""
    coef = np.where(converged[:, None], beta / design.scale, np.nan)
    return CoxFits(coef, converged, tuple(reason.tolist()), loglik, n_iterations, data.X)


class _Ends(NamedTuple):
    """Where the Newton steps of a chunk ended, one entry per set of weights.

    Attributes
    ----------
    beta : ndarray of shape (n_sets, n_columns)
        Scaled coefficients, of use where there is no reason against them.
    loglik : ndarray of shape (n_sets,)
        Log partial likelihood without penalty; NaN where there is no estimate.
    n_iterations : ndarray of shape (n_sets,)
        Newton steps.
    reason : ndarray of str of shape (n_sets,)
        Why there is no estimate; empty where there is one.
    """

    beta: Floats
    loglik: Floats
    n_iterations: NDArray[np.intp]
    reason: NDArray[np.object_]


def _newton(batch: Batch, first: Floats) -> _Ends:
    """Take the Newton steps of :func:`allsurv.stats.cox.newton.maximise` for a whole chunk.

    ``active`` numbers the sets that still move; ``best``, ``step`` and ``halved`` hold an entry for
    each of these. A set leaves when it is at rest, or when its information is singular.
    """
    beta = np.tile(first, (batch.n_sets, 1))
    loglik = np.full(batch.n_sets, np.nan)
    n_iterations = np.zeros(batch.n_sets, dtype=np.intp)
    reason = np.full(batch.n_sets, _UNBOUNDED, dtype=object)  # until a set is found at rest
    ends = _Ends(beta, loglik, n_iterations, reason)
    reason[batch.n_events == 0] = "no events"
    active = np.flatnonzero(batch.n_events > 0)
    if not active.size:
        return ends
    state = batch.evaluate(beta[active], active)
    best = state.loglik
    step, sound = _steps(state.information, state.gradient, SMALLEST_PIVOT)
    reason[active[~sound]] = "columns that others determine, or more columns than events"
    active, best, step = active[sound], best[sound], step[sound]
    halved = np.zeros(active.size, dtype=bool)
    for iteration in range(1, MAX_ITERATIONS + EXTRA_ITERATIONS + 1):
        if not active.size:
            break
        trial = beta[active] + step
        state = batch.evaluate(trial, active)
        finite = np.isfinite(state.loglik) & np.isfinite(state.information).all(axis=(1, 2))
        with np.errstate(invalid="ignore"):  # infinite less infinite, where nothing is taken
            change = np.abs(state.loglik - best)
        near = finite & ~halved & (change <= TOLERANCE * np.abs(state.loglik))
        taken = near | (finite & (state.loglik >= best))
        beta[active[taken]] = trial[taken]
        best[taken] = state.loglik[taken]
        following, sound = _steps(state.information[taken], state.gradient[taken], 0.0)
        rest = np.zeros(active.size, dtype=bool)
        rest[taken] = sound & _at_rest(batch, following, state.gradient[taken])
        step[~taken] /= 2
        step[taken] = following
        halved = ~taken
        done = near & rest
        n_iterations[active] = iteration
        at_rest = active[done]
        reason[at_rest] = ""
        loglik[at_rest] = best[done] + batch.penalty_of(beta[at_rest], at_rest)
        going = ~done
        going[taken] &= sound
        active, best, step, halved = active[going], best[going], step[going], halved[going]
    return ends


_UNBOUNDED = "the likelihood rises without bound, or its maximum was not reached"


def _steps(
    information: Floats, gradient: Floats, smallest_pivot: float
) -> tuple[Floats, NDArray[np.bool_]]:
    step, sound = np.zeros_like(gradient), np.zeros(gradient.shape[0], dtype=bool)
    if gradient.shape[1] == 0:
        return step, ~sound
    for k in range(gradient.shape[0]):
        factor, solved, fault = dposv(information[k], gradient[k])
        diagonal = np.diag(information[k])
        if fault == 0 and np.all(np.diag(factor) ** 2 > smallest_pivot * diagonal):
            step[k] = solved
            sound[k] = bool(np.isfinite(solved).all())
    return step, sound


def _at_rest(batch: Batch, step: Floats, gradient: Floats) -> NDArray[np.bool_]:
    decrement = np.abs(np.einsum("bp,bp->b", step, gradient))
    moved = np.ptp(batch.design.X @ step.T, axis=0)
    found: NDArray[np.bool_] = (decrement < NEGLIGIBLE) & (moved < 1e-3)
    return found


def _chunks(n_sets: int, bytes_each: int) -> Iterator[slice]:
    size = int(np.clip(_CHUNK_BYTES // max(bytes_each, 1), 1, 256))
    for begin in range(0, max(n_sets, 1), size):
        yield slice(begin, min(begin + size, n_sets))


def _check_weights(values: ArrayLike, n_rows: int, weights_as: str) -> Floats:
    where = "fit_cox_many"
    try:
        weights = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise OutcomeError(f"{where}: weights are not numeric; give numbers.") from None
    if weights.ndim != 2 or weights.shape[1] != n_rows:
        raise OutcomeError(
            f"{where}: weights have shape {weights.shape}; give one row per set, {n_rows} columns."
        )
    if not np.isfinite(weights).all() or np.any(weights < 0):
        raise OutcomeError(f"{where}: weights are negative or not finite; give 0 or more.")
    if weights_as == "copies" and np.any(weights != np.floor(weights)):
        raise OutcomeError(f"{where}: weights_as='copies' needs whole numbers; use 'case'.")
    return weights


def _check_penalty(ridge: float | ArrayLike, n_sets: int, p: int) -> Floats:
    where = "fit_cox_many"
    try:
        penalty = np.asarray(ridge, dtype=float)
    except (TypeError, ValueError):
        raise ModelError(f"{where}: ridge is not numeric; give numbers.") from None
    if not np.isfinite(penalty).all() or np.any(penalty < 0):
        raise ModelError(f"{where}: ridge is negative or not finite; give 0 or more.")
    if penalty.shape == (n_sets,):
        penalty = penalty[:, None]
    if penalty.shape not in ((), (n_sets, 1), (n_sets, p)):
        raise ModelError(
            f"{where}: ridge has shape {penalty.shape}; give a number, one per set, or one per set "
            "and column."
        )
    return np.broadcast_to(penalty, (n_sets, p))
