"""How far each variable moves a model, of all patients or of a random sample of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.explain.exact import Question, explain_score
from allsurv.riskmodel.mechanisms import Linear

__all__ = ["Movement", "draw_explained", "measure_movement"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Movement:
    """By how much each variable moves the risk score.

    Parameters
    ----------
    size : ndarray of shape (n_variables,)
        Mean absolute Shapley value, in units of the risk score.
    share : ndarray of shape (n_variables,)
        The same as a share of the sum; zero where nothing moves.
    share_error : ndarray of shape (n_variables,)
        Monte-Carlo standard error of the share; 0 where every patient was explained.
    n_explained : int
        Patients explained.
    """

    size: Floats
    share: Floats
    share_error: Floats
    n_explained: int


def draw_explained(asked: Question, n_patients: int | None, random_state: int | None) -> Question:
    """Keep a random sample of the patients to be explained.

    A linear model keeps everybody: its explanation is a product of two numbers. That of trees
    takes patients times leaves, and leaves grow with the patients of development.
    """
    if n_patients is not None and n_patients < 1:
        raise ModelError(
            f"explain: {n_patients} patients to be explained; give 1 or more, or None for all."
        )
    n = len(asked.design)
    if n_patients is None or n_patients >= n or isinstance(asked.mechanism, Linear):
        return asked
    drawn = np.random.default_rng(random_state).choice(n, n_patients, replace=False)
    return replace(asked, design=asked.design[np.sort(drawn)])


def measure_movement(
    asked: Question, *, n_patients: int | None = None, random_state: int | None = 0
) -> Movement:
    r"""Average what each variable moves over all patients, or over a random sample.

    Notes
    -----
    With absolute values :math:`a_{ij}` of m sampled patients out of n, the share of variable j is
    a ratio of two means, :math:`\sum_i a_{ij} / \sum_i a_i` with :math:`a_i = \sum_j a_{ij}`. Its
    standard error is that of the mean of :math:`a_{ij} - s_j a_i`, divided by the mean of
    :math:`a_i` and corrected for a finite population: times :math:`\sqrt{1 - m / n}` [1]_.

    References
    ----------
    .. [1] Cochran WG. Sampling Techniques. 3rd ed. Wiley; 1977. Section 6.3.
    """
    explained = draw_explained(asked, n_patients, random_state)
    size = np.abs(explain_score(explained)[0])
    m, n = len(size), len(asked.design)
    mean = size.mean(axis=0)
    total = mean.sum()
    share = mean / total if total > 0 else np.zeros_like(mean)
    error = np.zeros_like(mean)
    if m < n and total > 0:
        left = size - share * size.sum(axis=1, keepdims=True)
        deviation = left.std(axis=0, ddof=1) if m > 1 else np.full_like(mean, np.nan)
        error = deviation / (total * np.sqrt(m)) * np.sqrt(1 - m / n)
    return Movement(mean, share, error, m)
