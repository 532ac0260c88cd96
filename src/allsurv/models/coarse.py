"""A fitted model made so coarse that no count, time or value of a patient follows from it.

What is exported obeys the strictest rule, whatever the policy of the run.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from allsurv.disclosure.rounding import round_to
from allsurv.policy.rules import CMS, FEWEST_EVENTS, SMALLEST_GROUP, coarse_step
from allsurv.riskmodel.mechanisms import Boosted, Constant, Forest, Linear, Mechanism

if TYPE_CHECKING:
    from allsurv.cohort.table import Cohort
    from allsurv.models.base import SurvivalModel
    from allsurv.riskmodel.encoding import Term
    from allsurv.riskmodel.trees import Trees

__all__ = ["coarse_curve", "coarse_model"]

Floats = NDArray[np.float64]

CELLS = 100
"""Cells of the grid of thresholds between the low and the high end of a column, at least."""
_LEAF_DIGITS = 100
_GOLDEN = (5**0.5 - 1) / 2


def coarse_model(model: SurvivalModel, cohort: Cohort, endpoint: str) -> SurvivalModel:
    """Make a copy of a fitted model of which no count, time or value of a patient follows.

    Parameters
    ----------
    model : SurvivalModel
        Fitted.
    cohort : Cohort
        Its patients.
    endpoint : str
        What it was fitted to.

    Returns
    -------
    SurvivalModel
        The baseline is that of survival rounded to two events, in straight lines; thresholds lie
        on a grid of their column; survival in leaves is rounded to two of its patients, and the
        number of patients in a node is a multiple of eleven. Coefficients, which rest on
        everybody, are as they were.
    """
    y, design = cohort.y(endpoint), model.encoder_.design(cohort.X)
    made = copy.copy(model)
    at_risk = len(y) - np.searchsorted(np.sort(y["time"]), model.times_, side="left")
    made.mechanism_ = _coarse_mechanism(model, design, at_risk)
    return made


def _coarse_mechanism(model: SurvivalModel, design: Floats, at_risk: NDArray[np.intp]) -> Mechanism:
    mechanism, terms = model.mechanism_, model.encoder_.terms_
    if isinstance(mechanism, Forest):
        return _coarse_forest(mechanism, design, terms)
    if isinstance(mechanism, Constant):
        return Constant(coarse_curve(mechanism.curve, at_risk))
    if isinstance(mechanism, Boosted):
        trees = _coarse_trees(mechanism.trees, design, terms)
        unit = coarse_step(max(float(np.abs(trees.value).max()), 1e-12) / _LEAF_DIGITS)
        trees = replace(trees, value=round_to(trees.value, unit))
        return Boosted(trees, _coarse_hazard(mechanism, design, at_risk))
    if isinstance(mechanism, Linear) and not model.has_published_baseline:
        return Linear(mechanism.coef, _coarse_hazard(mechanism, design, at_risk))
    return mechanism


def coarse_curve(survival: Floats, n_at_risk: NDArray[np.intp]) -> Floats:
    """Round survival to two events, and go straight from the middle of one value to the next.

    Parameters
    ----------
    survival : ndarray of shape (n_steps,)
        From 1, falling.
    n_at_risk : ndarray of shape (n_steps,)
        Patients still at risk at each step.

    Returns
    -------
    ndarray of shape (n_steps,)
        It rests on the rounded values alone, above 0.

    Examples
    --------
    One event a step of twenty patients, 0.95, 0.9...: shown as 1, 0.9, 0.9, 0.8, 0.8 and a line.

    >>> coarse_curve(1 - np.arange(5) / 20, 20 - np.arange(5)).round(3).tolist()
    [1.0, 0.933, 0.875, 0.825, 0.8]
    """
    at_risk = np.maximum(n_at_risk, SMALLEST_GROUP)
    unit = np.array([CMS.unit(n, s) for n, s in zip(at_risk, survival, strict=True)])
    rounded = np.minimum.accumulate(np.maximum(round_to(survival, unit), unit / 2))
    first = np.flatnonzero(np.diff(rounded, prepend=np.inf))
    last = np.append(first[1:] - 1, rounded.size - 1)
    middle = (first + last) / 2
    middle[0] = 0.0
    curve: Floats = np.interp(np.arange(rounded.size), middle, rounded[first])
    return curve


def _coarse_hazard(
    mechanism: Boosted | Linear, design: Floats, n_at_risk: NDArray[np.intp]
) -> Floats:
    """Make the baseline coarse as the survival of a patient of average score."""
    ratio = float(np.exp(mechanism.risk_score(design).mean()))
    hazard: Floats = -np.log(coarse_curve(np.exp(-mechanism.hazard * ratio), n_at_risk)) / ratio
    return hazard


def _coarse_forest(forest: Forest, design: Floats, terms: Sequence[Term]) -> Forest:
    """Round the survival of each leaf to two of its patients, up or down so that means stay.

    A leaf's values are rounded from an offset of its own. Offsets are spread evenly over leaves,
    so that the mean of many trees is that of the exact leaves.
    """
    trees = _coarse_trees(forest.trees, design, terms)
    survival = forest.leaf_survival(forest.event_steps)
    size = forest.trees.n_patients[forest.trees.leaf >= 0]
    unit = np.array([coarse_step(FEWEST_EVENTS / n) for n in size])[:, None]
    offset = (np.arange(1, size.size + 1) * _GOLDEN % 1.0)[:, None]
    rounded = np.round(np.floor(survival / unit + offset + 1e-9) * unit, 12)
    before = np.concatenate([np.ones((size.size, 1)), rounded[:, :-1]], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(before > 0, 1 - rounded / before, 0.0)
    value = np.ascontiguousarray(np.cumsum(step, axis=1))
    return Forest(replace(trees, value=value), forest.event_steps)


def _coarse_trees(trees: Trees, design: Floats, terms: Sequence[Term]) -> Trees:
    threshold = trees.threshold.copy()
    for column, term in enumerate(terms):
        asked = trees.term == column
        if asked.any() and np.unique(design[:, column]).size > 2:
            raw = design[:, column] * term.scale + term.centre
            cut = _on_grid(threshold[asked] * term.scale + term.centre, raw)
            threshold[asked] = (cut - term.centre) / term.scale
    return replace(trees, threshold=threshold, n_patients=_coarse_sizes(trees))


def _on_grid(cut: Floats, values: Floats) -> Floats:
    """Move thresholds to a grid that depends on the ends of a column only, half between points.

    Examples
    --------
    >>> _on_grid(np.array([37.5, 41.0]), np.arange(18.0, 80.0)).tolist()
    [37.5, 40.5]
    """
    ordered = np.sort(values)
    span = float(ordered[-SMALLEST_GROUP:].mean() - ordered[:SMALLEST_GROUP].mean())
    if not span > 0:
        return cut
    step = coarse_step(span / CELLS)
    if np.all(np.abs(values - np.round(values)) < 1e-6):  # half between whole numbers
        return round_to(cut - 0.5, max(step, 1.0)) + 0.5
    return round_to(cut / step - 0.5, 1.0) * step + step / 2


def _coarse_sizes(trees: Trees) -> NDArray[np.int64]:
    """Round the patients of leaves to elevens; a node has as many as the two below it."""
    size = np.maximum(np.round(trees.n_patients / SMALLEST_GROUP), 1).astype(np.int64)
    size *= SMALLEST_GROUP
    for node in np.flatnonzero(trees.left >= 0)[::-1]:  # below comes after
        size[node] = size[trees.left[node]] + size[trees.right[node]]
    return size
