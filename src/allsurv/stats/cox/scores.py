"""The partial likelihood and the baseline hazard of risk scores that are given, not fitted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["BreslowSteps", "breslow_steps", "log_partial_likelihood"]

Floats = NDArray[np.float64]


class BreslowSteps(NamedTuple):
    """A cumulative baseline hazard, event by event.

    Attributes
    ----------
    time : ndarray of shape (n_events,)
        Times of the events, ascending; tied events each have a step of their own.
    hazard : ndarray of shape (n_events + 1,)
        Cumulative hazard before the first event, 0, and after each event.
    """

    time: Floats
    hazard: Floats


def breslow_steps(score: Floats, time: Floats, event: NDArray[np.bool_]) -> BreslowSteps:
    r"""Estimate the cumulative hazard of a patient whose score is 0.

    Parameters
    ----------
    score : ndarray of shape (n_patients,)
        Log hazard relative to a patient of score 0.
    time : ndarray of shape (n_patients,)
        Follow-up, in any unit.
    event : ndarray of bool of shape (n_patients,)
        Whether the event ended it.

    Returns
    -------
    BreslowSteps
        Per unit of ``time`` nothing: a cumulative hazard has no unit.

    Notes
    -----
    :math:`H_0(t) = \sum_{t_i \le t} d_i / \sum_{j: t_j \ge t_i} e^{s_j}` [1]_.

    References
    ----------
    .. [1] Breslow N. Biometrics. 1974;30(1):89-99. doi:10.2307/2529620

    Examples
    --------
    Two at risk at time 1, one at time 2: 1/2, then 1/2 + 1.

    >>> both = np.array([True, True])
    >>> breslow_steps(np.zeros(2), np.array([1.0, 2.0]), both).hazard.tolist()
    [0.0, 0.5, 1.5]
    """
    order = np.argsort(time, kind="stable")
    sorted_time = time[order]
    at_risk = np.cumsum(np.exp(score[order])[::-1])[::-1]
    event_time = sorted_time[event[order]]
    first = np.searchsorted(sorted_time, event_time, side="left")
    return BreslowSteps(event_time, np.concatenate([[0.0], np.cumsum(1.0 / at_risk[first])]))


def log_partial_likelihood(score: Floats, time: Floats, event: NDArray[np.bool_]) -> Floats:
    r"""Evaluate Cox's log partial likelihood for many scores at once, with Breslow's ties.

    Parameters
    ----------
    score : ndarray of shape (n_patients, n_scores)
        Log hazard of each patient, up to a constant.
    time : ndarray of shape (n_patients,)
        Follow-up, in any unit.
    event : ndarray of bool of shape (n_patients,)
        Whether the event ended it.

    Returns
    -------
    ndarray of shape (n_scores,)
        One value per score.

    Notes
    -----
    :math:`\ell = \sum_i d_i (s_i - \log \sum_{j: t_j \ge t_i} e^{s_j})`; the largest score of
    each column is taken out first, so that no exponential overflows.

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
