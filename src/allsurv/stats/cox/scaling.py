"""Covariates centred, scaled and summed in pieces that stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.stats.cox.design import CoxData

__all__ = ["standardised", "weighted_gram"]

Floats = NDArray[np.float64]
_CHUNK = 2048


def standardised(data: CoxData, rows: NDArray[np.integer]) -> tuple[Floats, Floats, Floats]:
    """Copy, sort, centre and scale the covariates; the last column is 1, to sum risks with.

    Parameters
    ----------
    data : CoxData
        Checked rows.
    rows : ndarray of shape (n_used,)
        Which of them, in which order.

    Returns
    -------
    design : ndarray of shape (n_used, n_columns + 1)
        Mean squares are 1, those of constant columns 0.
    centre, scale : ndarray of shape (n_columns,)
        Mean and standard deviation; 1 for constant columns.

    Raises
    ------
    ModelError
        If values are too large to compute with.
    """
    n, p = rows.size, data.X.shape[1]
    is_small = n <= _CHUNK
    with np.errstate(all="ignore"):
        if is_small:
            part, centre, scale = _centred(data.X, rows)
        else:
            centre, scale = _centre_and_scale(data.X, rows)
        if not np.isfinite(scale).all():
            names = [data.names[k] for k in np.flatnonzero(~np.isfinite(scale))]
            raise ModelError(
                f"{data.where}: columns {names} hold values too large to compute with; "
                "change their unit."
            )
        factor = 1.0 / scale
        constant = scale <= 1e-13 * np.abs(centre)
        if np.count_nonzero(constant):
            scale[constant] = 1.0
            factor[constant] = 0.0
        design = np.empty((n, p + 1))
        if is_small:
            np.multiply(part, factor, out=design[:, :p])
            design[:, p] = 1.0
            return design, centre, scale
        buffer = np.empty((_CHUNK, p))
        centres, factors = np.full_like(buffer, centre), np.full_like(buffer, factor)
        for chunk in _chunks(n):
            index = rows[chunk]
            part = data.X.take(index, axis=0, out=buffer[: index.size], mode="clip")
            part -= centres[: index.size]
            part *= factors[: index.size]
            design[chunk, :p] = part
            design[chunk, p] = 1.0
    return design, centre, scale


def weighted_gram(X: Floats, weight: Floats) -> Floats:
    """Product X' diag(weight) X.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Any matrix.
    weight : ndarray of shape (n_rows,)
        One weight a row.

    Returns
    -------
    ndarray of shape (n_columns, n_columns)
        Symmetric.

    Notes
    -----
    Weights are repeated, as broadcasting each to a short row is slow.
    """
    if X.shape[0] <= _CHUNK // 8:
        return X.T @ (X * weight[:, None])
    out = np.zeros((X.shape[1], X.shape[1]))
    for chunk in _chunks(X.shape[0]):
        part = X[chunk]
        weighted = weight[chunk].repeat(part.shape[1]).reshape(part.shape)
        weighted *= part
        out += weighted.T @ part
    return out


def _centred(X: Floats, rows: NDArray[np.integer]) -> tuple[Floats, Floats, Floats]:
    """Take some rows less their mean, with the mean and the standard deviation."""
    part = X.take(rows, axis=0)
    centre = part.sum(axis=0)
    centre /= rows.size
    part -= centre
    return part, centre, np.sqrt(np.einsum("ij,ij->j", part, part) / rows.size)


def _centre_and_scale(X: Floats, rows: NDArray[np.integer]) -> tuple[Floats, Floats]:
    """Mean and standard deviation over some rows, taken in the order of memory."""
    n, p = rows.size, X.shape[1]
    ordered = None if n == X.shape[0] else np.sort(rows)
    total, squares = np.zeros(p), np.zeros(p)
    buffer = np.empty((_CHUNK, p))
    near = X[rows[0]]
    nears, ones = np.full_like(buffer, near), np.ones(buffer.shape[0])
    for chunk in _chunks(n):
        given = X[chunk if ordered is None else ordered[chunk]]
        size = given.shape[0]
        part = np.subtract(given, nears[:size], out=buffer[:size])
        total += ones[:size] @ part
        squares += np.einsum("ij,ij->j", part, part)
    shift = total / n
    return near + shift, np.sqrt(np.maximum(squares / n - shift**2, 0.0))


def _chunks(n_rows: int) -> Iterator[slice]:
    """All rows in turn, as many at once as stay in the processor's cache."""
    return (slice(begin, begin + _CHUNK) for begin in range(0, n_rows, _CHUNK))
