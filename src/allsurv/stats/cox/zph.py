"""Do hazard ratios stay constant in time: the score test of R's cox.zph."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from allsurv.errors import ModelError
from allsurv.stats.cox.design import CoxData
from allsurv.stats.cox.increments import Increments
from allsurv.stats.cox.likelihood import PartialLikelihood
from allsurv.stats.outcome import ChiSquared

__all__ = ["TRANSFORMS", "ProportionalHazardsTest", "proportional_hazards_test"]

Floats = NDArray[np.float64]
TRANSFORMS = ("km", "rank", "identity", "log")
SINGULAR = 1e-10
TOO_FEW = "the event times are too few, or too alike, to tell a trend in time from the coefficients"
ONE_TIME = "all events are at one time"
NOT_AT_MAXIMUM = "the estimate is Firth's, and the test is of the plain partial likelihood"


@dataclass(frozen=True, eq=False)
class ProportionalHazardsTest:
    """Test of proportional hazards, per term and for all together.

    Attributes
    ----------
    names : tuple of str
        Terms.
    statistic, df, p_value : ndarray of shape (n_terms,)
        Score test that the term's coefficients do not change with transformed time; NaN where
        it cannot be computed.
    global_test : ChiSquared
        All terms together; NaN where it cannot be computed.
    transform : str
        Transformation of time.
    reasons : tuple of str
        Per term why it cannot be tested; empty where it is.
    """

    names: tuple[str, ...]
    statistic: Floats
    df: NDArray[np.intp]
    p_value: Floats
    global_test: ChiSquared
    transform: str
    reasons: tuple[str, ...]


def proportional_hazards_test(
    likelihood: PartialLikelihood,
    coef: Floats,
    steps: Increments,
    transform: str,
    terms: Mapping[str, Sequence[str]] | None,
    *,
    at_maximum: bool = True,
) -> ProportionalHazardsTest:
    """Test whether coefficients change with a transformation of time.

    Parameters
    ----------
    likelihood : PartialLikelihood
        The sorted design.
    coef : ndarray of shape (n_columns,)
        Fitted coefficients.
    steps : Increments
        At those coefficients.
    transform : {"km", "rank", "identity", "log"}
        Transformation of time.
    terms : mapping from str to sequence of str, optional
        Columns that belong together, as the dummies of one factor; each column alone if not given.
    at_maximum : bool, default=True
        Whether the coefficients maximise the likelihood that is tested; Firth's do not.

    Returns
    -------
    ProportionalHazardsTest
        Checked against R ``survival::cox.zph`` (version 3).

    Raises
    ------
    ModelError
        If the transformation or a column is unknown.

    Notes
    -----
    The statistic is a quadratic form of the score, extended by the products with transformed time,
    in the inverse of its information. Where that information is singular to rounding - the smallest
    eigenvalue of its correlations is 1e-10 or less - any P would be rounding error: there is none.
    """
    p = coef.size
    groups = _groups(likelihood.data.names, terms)
    g = _transformed(likelihood, transform)
    score, information = _extended_score(likelihood, coef, steps, g)
    if not at_maximum:
        tests = [(math.nan, NOT_AT_MAXIMUM)] * (len(groups) + 1)
    elif likelihood.sets.times.size == 1:
        tests = [(math.nan, ONE_TIME)] * (len(groups) + 1)
    else:
        columns = [np.concatenate([np.arange(p), p + group]) for group in groups.values()]
        tests = [_quadratic(information[np.ix_(kept, kept)], score[kept]) for kept in columns]
        tests.append(_quadratic(information, score))
    statistic = np.array([value for value, _ in tests[:-1]])
    df = np.array([columns.size for columns in groups.values()], dtype=np.intp)
    return ProportionalHazardsTest(
        names=tuple(groups),
        statistic=statistic,
        df=df,
        p_value=chdtrc(df, statistic),
        global_test=ChiSquared.of(tests[-1][0], p),
        transform=transform,
        reasons=tuple(reason for _, reason in tests[:-1]),
    )


def _extended_score(
    likelihood: PartialLikelihood, coef: Floats, steps: Increments, g: Floats
) -> tuple[Floats, Floats]:
    sets = likelihood.sets
    when = sets.last[sets.deaths]
    residual = likelihood.X[sets.deaths] - steps.event_mean[when]
    if likelihood.weights is not None:
        residual = residual * likelihood.weights[sets.deaths][:, None]
    score = np.concatenate([np.zeros(coef.size), g[when] @ residual])
    by_time, design = likelihood.sorted_terms, likelihood.design
    sums = by_time.sums(design, likelihood.risk(steps.log_risk))
    terms = by_time.efron(sums.total, sums.tied_total)
    blocks = [
        by_time.information(design, sums, terms, likelihood.term_weight * g**k) for k in (0, 1, 2)
    ]
    return score, np.block([[blocks[0], blocks[1]], [blocks[1], blocks[2]]])


def _groups(
    names: tuple[str, ...], terms: Mapping[str, Sequence[str]] | None
) -> dict[str, NDArray[np.intp]]:
    if terms is None:
        return {name: np.array([k]) for k, name in enumerate(names)}
    unknown = {column for columns in terms.values() for column in columns} - set(names)
    if unknown or not all(terms.values()):
        raise ModelError(
            f"proportional_hazards_test: terms name {sorted(unknown)} or nothing; "
            f"the model's columns are {list(names)}."
        )
    return {
        term: np.array([names.index(column) for column in columns])
        for term, columns in terms.items()
    }


def _transformed(likelihood: PartialLikelihood, transform: str) -> Floats:
    data, sets = likelihood.data, likelihood.sets
    if transform == "identity":
        g = sets.times
    elif transform == "log":
        if np.any(sets.times <= 0):
            raise ModelError(
                "proportional_hazards_test: transform='log' needs positive times; use 'km'."
            )
        g = np.log(sets.times)
    elif transform == "rank":
        sorted_time = np.sort(data.time)
        before = np.searchsorted(sorted_time, sets.times, side="left")
        upto = np.searchsorted(sorted_time, sets.times, side="right")
        g = (before + upto + 1) / 2
    elif transform == "km":
        g = _failed_before(data, sets.times)
    else:
        raise ModelError(
            f"proportional_hazards_test: transform={transform!r}; allowed are {list(TRANSFORMS)}."
        )
    return g - np.average(g, weights=sets.n_deaths)


def _failed_before(data: CoxData, times: Floats) -> Floats:
    """1 - S just before each time, S by Kaplan-Meier over all rows, without weights."""
    distinct, events = np.unique(data.time[data.counted_event], return_counts=True)
    at_risk = data.time.size - np.searchsorted(np.sort(data.time), distinct, side="left")
    if data.start is not None:
        entered = np.searchsorted(np.sort(data.start), distinct, side="left")
        at_risk = entered - (data.time.size - at_risk)
    survival = np.concatenate([[1.0], np.cumprod(1 - events / at_risk)])
    return 1 - survival[np.searchsorted(distinct, times, side="left")]


def _quadratic(information: Floats, score: Floats) -> tuple[float, str]:
    if not score.size:
        return 0.0, ""
    diagonal = information.diagonal()
    if not (diagonal > 0).all():
        return math.nan, TOO_FEW
    root = np.sqrt(diagonal)
    correlation = information / np.outer(root, root)
    values, vectors = np.linalg.eigh(correlation)
    if values[0] <= SINGULAR:
        return math.nan, TOO_FEW
    along = vectors.T @ (score / root)
    return float(along @ (along / values)), ""
