"""What a risk score implies under proportional hazards: baseline hazard and likelihood."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.riskmodel.grid import count_until

__all__ = ["breslow_hazard", "log_partial_likelihood"]

Floats = NDArray[np.float64]


def breslow_hazard(score: Floats, time: Floats, event: NDArray[np.bool_], grid: Floats) -> Floats:
    r"""Estimate the cumulative hazard of a patient whose score is 0.

    Notes
    -----
    :math:`H_0(t) = \sum_{t_i \le t} d_i / \sum_{j: t_j \ge t_i} e^{s_j}` [1]_.

    References
    ----------
    .. [1] Breslow N. Biometrics. 1974;30(1):89-99. doi:10.2307/2529620

    Examples
    --------
    Two at risk at time 1, one at time 2: 1/2, then 1/2 + 1.

    >>> time, event = np.array([1.0, 2.0]), np.array([True, True])
    >>> breslow_hazard(np.zeros(2), time, event, np.array([0.0, 1.0, 2.0])).tolist()
    [0.0, 0.5, 1.5]
    """
    order = np.argsort(time, kind="stable")
    sorted_time = time[order]
    at_risk = np.cumsum(np.exp(score[order])[::-1])[::-1]
    died = event[order]
    first = np.searchsorted(sorted_time, sorted_time[died], side="left")
    hazard = np.concatenate([[0.0], np.cumsum(1.0 / at_risk[first])])
    return hazard[count_until(sorted_time[died], grid)]


def log_partial_likelihood(score: Floats, time: Floats, event: NDArray[np.bool_]) -> Floats:
    r"""Evaluate Cox's log partial likelihood for many scores at once, with Breslow's ties.

    Examples
    --------
    Of two patients at risk the first dies: log 1/2; then the second alone: log 1.

    >>> both = np.array([True, True])
    >>> log_partial_likelihood(np.zeros((2, 1)), np.array([1.0, 2.0]), both).round(6).tolist()
    [-0.693147]
    """
    order = np.argsort(time, kind="stable")
    sorted_time, sorted_score = time[order], score[order]
    largest = sorted_score.max(axis=0)
    at_risk = np.cumsum(np.exp(sorted_score - largest)[::-1], axis=0)[::-1]
    died = event[order]
    first = np.searchsorted(sorted_time, sorted_time[died], side="left")
    found: Floats = (sorted_score[died] - largest - np.log(at_risk[first])).sum(axis=0)
    return found
