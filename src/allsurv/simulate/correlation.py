"""Dependence between latent scores that are seen through coarse values of few patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Seen", "kept_apart", "latent_correlation", "see", "shrunken"]

Floats = NDArray[np.float64]
_FEWEST_PAIRS = 20
_LARGEST_CORRELATION = 0.97
_SMALLEST_EIGENVALUE = 1e-3


@dataclass(frozen=True, eq=False)
class Seen:
    """Correlations of what is seen of latent scores.

    Attributes
    ----------
    correlation : ndarray of shape (n_latents, n_latents)
        Over the patients of each pair; 0 where there are too few or one of the two is constant.
    attenuation : ndarray of shape (n_latents, n_latents)
        By what a small latent correlation is multiplied in being seen.
    pairs : ndarray of shape (n_latents, n_latents)
        Patients of each pair.
    """

    correlation: Floats
    attenuation: Floats
    pairs: Floats


def see(scores: Floats) -> Seen:
    r"""Correlate what is seen of latent scores.

    Notes
    -----
    With :math:`s = E[z \mid \text{value}]`, :math:`\operatorname{corr}(s_i, s_j) \approx
    \rho_{ij}\,\sigma_i\sigma_j`, :math:`\sigma^2 = \operatorname{var}(s)`; exact where one of the
    two is a number without ties.

    Examples
    --------
    >>> z = np.linspace(-1, 1, 101)
    >>> see(np.column_stack([z, -z])).correlation.round(2).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    known = (~np.isnan(scores)).astype(float)
    s = np.nan_to_num(scores)
    pairs = known.T @ known
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = s.T @ known / pairs
        variance = (s * s).T @ known / pairs - mean**2
        attenuation = np.sqrt(np.maximum(variance * variance.T, 0.0))
        correlation = (s.T @ s / pairs - mean * mean.T) / attenuation
    usable = (pairs >= _FEWEST_PAIRS) & (attenuation > 1e-6)
    return Seen(np.where(usable, correlation, 0.0), np.where(usable, attenuation, 1.0), pairs)


def shrunken(seen: Seen) -> Floats:
    r"""Free correlations of what chance alone would show.

    Examples
    --------
    Of 100 patients, 0.5 becomes 0.5 (1 - 2 / 25), and 0.1 becomes 0:

    >>> r, ones = np.array([[1.0, 0.5], [0.1, 1.0]]), np.ones((2, 2))
    >>> shrunken(Seen(r, ones, 100 * ones)).tolist()
    [[1.0, 0.46], [0.0, 1.0]]
    """
    r = seen.correlation
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.where(r == 0, 0.0, r * np.maximum(0.0, 1 - 2 / (seen.pairs * r**2)))
    np.fill_diagonal(kept, 1.0)
    return kept


def latent_correlation(rho: Floats) -> Floats:
    """Find a correlation matrix near given pairwise correlations.

    Examples
    --------
    >>> latent_correlation(np.array([[1.0, -1.4], [-1.4, 1.0]])).round(2).tolist()
    [[1.0, -0.97], [-0.97, 1.0]]
    """
    rho = np.clip(rho, -_LARGEST_CORRELATION, _LARGEST_CORRELATION)
    np.fill_diagonal(rho, 1.0)
    values, vectors = np.linalg.eigh(rho)
    repaired = (vectors * np.maximum(values, _SMALLEST_EIGENVALUE)) @ vectors.T
    scale = 1 / np.sqrt(np.diag(repaired))
    return np.asarray(repaired * scale[:, None] * scale)


def kept_apart(correlation: Floats, blocks: Sequence[str]) -> Floats:
    r"""Make latent scores of one block independent of each other, the rest nearly as it was.

    Scores that decide one variable together - its steps, whether it is known - are never seen
    together. Levels have their shares only where these are independent, which
    :func:`latent_correlation` does not keep.

    Examples
    --------
    >>> r = np.array([[1.0, 0.1, 0.5], [0.1, 1.0, 0.0], [0.5, 0.0, 1.0]])
    >>> (kept_apart(r, ["level", "level", "age"]).round(2) + 0.0).tolist()
    [[1.0, 0.0, 0.5], [0.0, 1.0, -0.03], [0.5, -0.03, 1.0]]
    """
    named = np.asarray(blocks)
    whitening = np.zeros_like(correlation)
    for block in dict.fromkeys(blocks):
        here = np.ix_(named == block, named == block)
        values, vectors = np.linalg.eigh(correlation[here])
        whitening[here] = (vectors / np.sqrt(values)) @ vectors.T
    return np.asarray(whitening @ correlation @ whitening)
