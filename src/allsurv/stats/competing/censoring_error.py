"""What estimating the censoring distribution adds to the scores of a Fine-Gray model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.competing.subdistribution import Competing, SubdistributionLikelihood
from allsurv.stats.cox.increments import Increments

__all__ = ["censoring_scores"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


def censoring_scores(
    likelihood: SubdistributionLikelihood,
    steps: Increments,
    competing: Competing,
    groups: Integers,
    failed: NDArray[np.bool_],
) -> Floats:
    r"""Effect of each patient on the score through the estimated weights of others.

    Parameters
    ----------
    likelihood : SubdistributionLikelihood
        The sorted design; ties by Breslow.
    steps : Increments
        At the fitted coefficients.
    competing : Competing
        Rows that failed from another cause.
    groups : ndarray of shape (n_rows,)
        Number of each row's group of censoring.
    failed : ndarray of shape (n_rows,)
        Whether the row ends in a failure of any cause.

    Returns
    -------
    ndarray of shape (n_rows, n_columns)
        In the units of the covariates.

    Notes
    -----
    :math:`\psi_i = \int q(u) / Y(u) \, dM_i^c(u)` with Y(u) the number followed to u, :math:`M^c`
    the martingale of censoring and q(u) the part of the score that is due, after u, to those who
    failed from another cause before u (Fine and Gray 1999, doi:10.1080/01621459.1999.10474144).
    As weights are a product, q is made of two cumulative sums: those failed before u, and the
    weighted hazard after u.
    """
    data, sets = likelihood.data, likelihood.sets
    risk, design = np.exp(steps.log_risk), likelihood.X
    scores = np.zeros((sets.n_rows, design.shape[1]))
    place = np.full(sets.n_rows, -1)
    place[sets.rows] = np.arange(sets.rows.size)
    for group, share in enumerate(sets.share):
        inside = groups == group
        time, censored = data.time[inside], ~failed[inside]
        u, n_censored = np.unique(time[censored], return_counts=True)
        n_at_risk = time.size - np.searchsorted(np.sort(time), u)
        mine = competing.rows[(competing.group == group) & (place[competing.rows] >= 0)]
        mine = mine[np.argsort(data.time[mine], kind="stable")]
        at = place[mine]
        own = competing.own[np.searchsorted(competing.rows, mine)]
        before = np.searchsorted(data.time[mine], u)
        weight = risk[at] / own
        past, past_mean = _running(weight)[before], _running(weight[:, None] * design[at])[before]
        after = np.searchsorted(sets.times, u)
        rate = share * steps.hazard
        rest = _remaining(rate)[after]
        rest_mean = _remaining(share[:, None] * steps.hazard_mean)[after]
        q = past_mean * rest[:, None] - past[:, None] * rest_mean
        paid = _running(q * (n_censored / n_at_risk**2)[:, None])
        psi = -paid[np.searchsorted(u, time, side="right")]
        psi[censored] += (q / n_at_risk[:, None])[np.searchsorted(u, time[censored])]
        scores[inside] = psi * likelihood.scale
    return scores


def _running(values: Floats) -> Floats:
    return np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])


def _remaining(values: Floats) -> Floats:
    return _running(values[::-1])[::-1]
