"""What a Cox model is fitted to: rows, checked before any of them is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError, OutcomeError
from allsurv.stats.labels import label_codes
from allsurv.stats.outcome import check_outcome, merge_close_times

__all__ = ["CoxData", "check_cox_data", "check_matrix", "scaled_penalty"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class CoxData:
    """Checked rows of a Cox model, in the order in which they were given.

    Attributes
    ----------
    time, event, start, weights, offset : ndarray of shape (n_rows,) or None
        The outcome, case weights and known part of the linear predictor.
    X : ndarray of shape (n_rows, n_columns)
        Covariates.
    stratum : ndarray of shape (n_rows,) or None
        Number of the row's stratum in ``strata``.
    strata : ndarray or None
        Sorted labels of the strata.
    cluster : ndarray of shape (n_rows,) or None
        Number of the row's cluster.
    names : tuple of str
        One name per column.
    where : str
        Function that was called, for messages.
    """

    time: Floats
    event: NDArray[np.bool_]
    start: Floats | None
    weights: Floats | None
    X: Floats
    offset: Floats | None
    stratum: Ints | None
    strata: NDArray[Any] | None
    cluster: Ints | None
    names: tuple[str, ...]
    where: str = "fit_cox"

    @property
    def counted_event(self) -> NDArray[np.bool_]:
        """Mark the events of rows that carry weight.

        Returns
        -------
        ndarray of shape (n_rows,)
            Events that count.
        """
        return self.event if self.weights is None else self.event & (self.weights > 0)

    @property
    def n_counted(self) -> int:
        """Count the rows that carry weight.

        Returns
        -------
        int
            All rows where there are no weights.
        """
        return self.time.size if self.weights is None else int((self.weights > 0).sum())


def check_cox_data(
    time: ArrayLike,
    event: ArrayLike,
    X: ArrayLike,
    *,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    where: str = "fit_cox",
) -> CoxData:
    """Check everything a Cox model takes, before any of it is used.

    Parameters
    ----------
    time, event : array-like of shape (n_rows,)
        As for :func:`allsurv.stats.outcome.check_outcome`.
    X : array-like of shape (n_rows, n_columns)
        Covariates; finite numbers.
    start, weights : array-like of shape (n_rows,), optional
        As for :func:`allsurv.stats.outcome.check_outcome`.
    strata, cluster : array-like of shape (n_rows,), optional
        Labels; numbers or strings.
    offset : array-like of shape (n_rows,), optional
        Known part of the linear predictor.
    names : sequence of str, optional
        Names of the columns for messages.
    where : str, default="fit_cox"
        What to call the caller in a message.

    Returns
    -------
    CoxData
        Times that differ by rounding only made equal.

    Raises
    ------
    OutcomeError
        If the outcome or labels are malformed, or there is no event.
    ModelError
        If covariates or names do not fit.
    """
    t, e, s, w = check_outcome(time, event, start=start, weights=weights, where=where)
    t, s = merge_close_times(t, s)
    matrix = check_matrix(X, where=where, n_rows=t.size)
    shift = None if offset is None else _offset(offset, t.size, where)
    labels = _labels(names, matrix.shape[1], where)
    strata_labels, stratum = _codes(strata, "strata", t.size, where)
    _, group = _codes(cluster, "cluster", t.size, where)
    data = CoxData(t, e, s, w, matrix, shift, stratum, strata_labels, group, labels, where)
    if not np.count_nonzero(data.counted_event):
        raise OutcomeError(f"{where}: no events; a hazard ratio needs at least one event.")
    return data


def check_matrix(
    X: ArrayLike, *, where: str, n_rows: int | None = None, n_columns: int | None = None
) -> Floats:
    """Check covariates.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_columns)
        Covariates.
    where : str
        What to call the caller in a message.
    n_rows, n_columns : int, optional
        Shape that is needed.

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
        As floats; the array itself where it already is.

    Raises
    ------
    ModelError
        If it is not a finite numeric matrix of the needed shape.
    """
    try:
        matrix = np.asarray(X, dtype=float)
    except (TypeError, ValueError):
        raise ModelError(f"{where}: X is not numeric; encode categories as numbers.") from None
    if matrix.ndim != 2:
        raise ModelError(f"{where}: X has {matrix.ndim} dimensions; give one row per patient row.")
    if n_rows is not None and matrix.shape[0] != n_rows:
        raise ModelError(f"{where}: X has {matrix.shape[0]} rows but there are {n_rows} times.")
    if n_columns is not None and matrix.shape[1] != n_columns:
        raise ModelError(
            f"{where}: X has {matrix.shape[1]} columns; the model was fitted to {n_columns}."
        )
    finite = np.isfinite(matrix)
    if not finite.all():
        rows = np.flatnonzero(~finite.all(axis=1)) + 1
        raise ModelError(
            f"{where}: X has missing or infinite values in {rows.size} rows "
            f"({', '.join(map(str, rows[:5]))}); impute or remove them first."
        )
    return matrix


def scaled_penalty(penalty: Floats, scale: Floats, where: str = "fit_cox") -> Floats:
    """Turn a ridge penalty of covariates as given into that of scaled covariates.

    Parameters
    ----------
    penalty : ndarray of shape (..., n_columns)
        Penalty of the covariates as given.
    scale : ndarray of shape (n_columns,)
        What each covariate was divided by.
    where : str, default="fit_cox"
        What to call the caller in a message.

    Returns
    -------
    ndarray of shape (..., n_columns)
        Penalty of coefficients times ``scale``.

    Raises
    ------
    ModelError
        If it is too large to compute with.
    """
    if not penalty.any():
        return penalty
    with np.errstate(over="ignore"):
        scaled = penalty / scale**2
    if not np.isfinite(scaled).all():
        raise ModelError(
            f"{where}: ridge is too large to compute with for the unit of a column; "
            "make it smaller."
        )
    return scaled


@lru_cache(maxsize=16)
def _default_labels(n_columns: int) -> tuple[str, ...]:
    return tuple(f"x{k}" for k in range(n_columns))


def _labels(names: Sequence[str] | None, n_columns: int, where: str) -> tuple[str, ...]:
    if names is None:
        return _default_labels(n_columns)
    try:
        labels = tuple(str(name) for name in names)
    except TypeError:
        raise ModelError(f"{where}: names is not a list of names; give one per column.") from None
    if len(labels) != n_columns or len(set(labels)) != n_columns:
        raise ModelError(
            f"{where}: {len(labels)} names for {n_columns} columns; give one per column, all "
            "different."
        )
    return labels


def _offset(values: ArrayLike, n_rows: int, where: str) -> Floats:
    try:
        out = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ModelError(f"{where}: offset is not numeric; give numbers.") from None
    if out.shape != (n_rows,) or not np.all(np.isfinite(out)):
        raise ModelError(f"{where}: offset is not one finite number per row; give {n_rows}.")
    return out


def _codes(
    labels: ArrayLike | None, name: str, n_rows: int, where: str
) -> tuple[NDArray[Any] | None, Ints | None]:
    return (None, None) if labels is None else label_codes(labels, n_rows, name, where)
