"""A linear model on paper: a nomogram, and whole points with what they lose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.dictionary.variable import Variable
from allsurv.errors import ModelError
from allsurv.policy.rules import SMALLEST_GROUP
from allsurv.riskmodel.mechanisms import Linear
from allsurv.riskmodel.model import RiskModel
from allsurv.stats.measures.brier import brier
from allsurv.stats.measures.discrimination import harrell_c

__all__ = ["PointsSystem", "make_points"]

Floats = NDArray[np.float64]
MOST_POINTS = 10
NOMOGRAM_POINTS = 100.0
MOST_INTERVALS = 10
FEWEST_TICKS = 4
STEPS = np.array([1.0, 2.0, 2.5, 5.0, 10.0])
LADDER = np.array([1.0, 2.0, 5.0])
MOST_LOST = 0.02
"""Loss of Harrell's C, or of any Brier score, above which whole points are not shown."""

NOT_KNOWN = "not known"


@dataclass(frozen=True, eq=False)
class PointsSystem:
    """A model as points.

    Attributes
    ----------
    points : DataFrame
        One row per level or interval of a predictor: ``predictor``, ``label``, ``value_label``,
        ``score`` (log hazard ratio against the value with the fewest points), ``points`` (whole).
    scales : DataFrame
        Marks of the nomogram: ``predictor``, ``label``, ``value_label`` and ``scale``, its place
        from 0 to 100, exact.
    survival : DataFrame
        ``total`` points, its place on the nomogram's ``scale``, and ``survival`` at each
        ``horizon``.
    loss : DataFrame
        ``measure``, ``horizon``, its value for the model (``exact``) and for whole points
        (``rounded``), and their difference ``loss``, on the patients of development.
    """

    points: pd.DataFrame
    scales: pd.DataFrame
    survival: pd.DataFrame
    loss: pd.DataFrame

    @property
    def loses_too_much(self) -> bool:
        """Whether rounding to whole points loses more than may be shown."""
        return bool(self.loss["loss"].max() > MOST_LOST)


def make_points(model: RiskModel, cohort: Cohort) -> PointsSystem:
    """Turn a linear risk model into a nomogram and a points table.

    Notes
    -----
    The score of a value is the difference it makes to the linear predictor; points are scores
    divided by a tenth of the widest range of any predictor, rounded [1]_. Numbers are cut into
    intervals at round values, none with fewer than eleven patients; an interval has the mean score
    of its own patients. The axes of the nomogram span what development covered.

    References
    ----------
    .. [1] Sullivan LM, Massaro JM, D'Agostino RB. Stat Med. 2004;23(10):1631-1660.
       doi:10.1002/sim.1742
    """
    mechanism = model.mechanism
    if not isinstance(mechanism, Linear) or any(term.kind == "product" for term in model.terms):
        raise ModelError(
            f"points: a '{model.family}' model is no sum over predictors; points need a linear "
            "model without products of predictors."
        )
    frame = cohort.eligible(model.endpoint).X
    base = frame.iloc[[0]].reset_index(drop=True)
    known = {**model.variables, **model.derived}
    scales = [_Scale.of(known[name], frame[name], model, base) for name in model.predictors]
    widest = max(scale.width for scale in scales)
    if widest == 0:
        raise ModelError(
            "points: every predictor has an effect of zero; there is nothing to count."
        )
    unit = widest / MOST_POINTS
    totals = np.sum([scale.whole(frame[scale.variable.name], unit) for scale in scales], axis=0)
    lowest = float(model.risk_score(base)[0]) - sum(scale.at(base)[0] for scale in scales)
    most = sum(int(np.round(scale.width / unit)) for scale in scales)
    survival = _survival(model, mechanism, lowest, unit, widest, most)
    return PointsSystem(
        pd.DataFrame([row for scale in scales for row in scale.rows(unit)]),
        pd.DataFrame([mark for scale in scales for mark in scale.marks(widest)]),
        survival,
        _loss(model, mechanism, cohort, frame, totals, lowest, unit),
    )


@dataclass(frozen=True, eq=False)
class _Scale:
    """One predictor: the values shown, and the score of each."""

    variable: Variable
    values: tuple[Any, ...]
    labels: tuple[str, ...]
    edges: Floats
    scores: Floats
    ticks: Floats
    at_ticks: Floats
    score_of: Any

    @classmethod
    def of(
        cls, variable: Variable, column: pd.Series, model: RiskModel, base: pd.DataFrame
    ) -> _Scale:
        edges = ticks = np.empty(0)
        values: list[Any]
        if variable.is_number:
            ticks = _ticks(column, variable, model)
            edges = _cuts(column, ticks)
            values, labels = list(range(edges.size + 1)), _intervals(edges)
        elif variable.is_yes_no:
            values, labels = [False, True], ["no", "yes"]
        else:
            values = list(variable.levels)
            labels = [variable.level_labels.get(value, str(value)) for value in values]
        has_unknown = _may_be_missing(variable, model) or bool(column.isna().any())

        def score_of(asked: Sequence[Any]) -> Floats:
            many = base.loc[base.index.repeat(len(asked))].reset_index(drop=True)
            many[variable.name] = pd.Series(list(asked)).astype(column.dtype)
            return model.risk_score(many)

        at_ticks = score_of(ticks.tolist()) if ticks.size else np.empty(0)
        if variable.is_number:
            known = column.dropna()
            interval = np.searchsorted(edges, known.to_numpy(dtype=float), side="right")
            total = np.bincount(interval, score_of(known.tolist()), minlength=len(values))
            scores = total / np.bincount(interval, minlength=len(values))
        else:
            scores = score_of(values)
        if has_unknown:
            values, labels = [*values, None], [*labels, NOT_KNOWN]
            scores = np.append(scores, score_of([None]))
        return cls(variable, tuple(values), tuple(labels), edges, scores, ticks, at_ticks, score_of)

    @property
    def lowest(self) -> float:
        """Score of the value with the fewest points, among all that are shown."""
        return float(min(self.scores.min(), self.at_ticks.min(initial=np.inf)))

    @property
    def width(self) -> float:
        return float(max(self.scores.max(), self.at_ticks.max(initial=-np.inf))) - self.lowest

    def rows(self, unit: float) -> Iterator[dict[str, Any]]:
        for label, score in zip(self.labels, self.scores - self.lowest, strict=True):
            points = int(np.round(score / unit))
            yield {**self._named(label), "score": float(score), "points": points}

    def marks(self, widest: float) -> Iterator[dict[str, Any]]:
        number = self.variable.is_number
        labels, scores = self.labels, self.scores
        if number:
            unknown = len(self.values) - (self.edges.size + 1)  # one interval more than edges
            labels = (*(f"{mark:g}" for mark in self.ticks), *self.labels[-unknown:][:unknown])
            scores = np.concatenate([self.at_ticks, self.scores[self.scores.size - unknown :]])
        for label, score in zip(labels, scores - self.lowest, strict=True):
            yield {**self._named(label), "scale": float(score / widest * NOMOGRAM_POINTS)}

    def _named(self, value_label: str) -> dict[str, str]:
        known = self.variable
        label = f"{known.label} ({known.unit})" if known.unit else known.label
        return {"predictor": known.name, "label": label, "value_label": value_label}

    def at(self, frame: pd.DataFrame) -> Floats:
        """Exact score of patients against the value with the fewest points."""
        found: Floats = self.score_of(list(frame[self.variable.name])) - self.lowest
        return found

    def whole(self, column: pd.Series, unit: float) -> NDArray[np.int_]:
        points = np.round((self.scores - self.lowest) / unit).astype(int)
        if self.variable.is_number:
            numbers = column.to_numpy(dtype=float)
            interval = np.searchsorted(self.edges, numbers, side="right")
            interval[np.isnan(numbers)] = len(self.values) - 1  # not known, the last
            found: NDArray[np.int_] = points[interval]
            return found
        place = {value: k for k, value in enumerate(self.values)}
        return points[[place[None if pd.isna(v) else v] for v in column]]


def _may_be_missing(variable: Variable, model: RiskModel) -> bool:
    """Tell whether the model answers where the variable is not known."""
    mine = [term for term in model.terms if term.variable == variable.name]
    return bool(mine) and all(t.kind in ("tested", "positive") or t.fill is not None for t in mine)


def _ticks(column: pd.Series, variable: Variable, model: RiskModel) -> Floats:
    """Mark a number's scale at round values that span what development covered."""
    known = column.dropna().to_numpy(dtype=float)
    low, high = model.reach.ranges.get(variable.name, (float(known.min()), float(known.max())))
    ticks = np.empty(0)
    if variable.transform == "log" and low > 0:
        decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        ticks = _spanning(np.sort(np.outer(decades, LADDER).ravel()), low, high)
    if ticks.size < FEWEST_TICKS:
        span = max(high - low, 1e-9 * max(abs(high), 1.0)) / (FEWEST_TICKS + 2)
        size = 10.0 ** np.floor(np.log10(span))
        step = size * STEPS[np.argmin(np.abs(STEPS - span / size))]
        ticks = np.arange(np.floor(low / step), np.ceil(high / step) + 1) * step
    least = -np.inf if variable.minimum is None else variable.minimum
    most = np.inf if variable.maximum is None else variable.maximum
    if variable.transform == "log":
        size = 10.0 ** np.floor(np.log10(low))
        least = max(least, float(np.floor(low / size) * size))  # above 0, not above the lowest
    return np.unique(np.clip(ticks, least, most)) + 0.0  # no -0


def _spanning(ladder: Floats, low: float, high: float) -> Floats:
    """Keep the rungs between two values, and the next one on either side."""
    first = max(int(np.searchsorted(ladder, low, side="right")) - 1, 0)
    last = int(np.searchsorted(ladder, high, side="left"))
    return ladder[first : last + 1]


def _cuts(column: pd.Series, ticks: Floats) -> Floats:
    """Cut a number at round values, so that no interval holds fewer than eleven patients."""
    known = np.sort(column.dropna().to_numpy(dtype=float))
    fewest = max(SMALLEST_GROUP, int(np.ceil(known.size / MOST_INTERVALS)))
    cuts: list[float] = []
    below = 0
    for tick in ticks:
        place = int(np.searchsorted(known, tick, side="left"))
        if place - below >= fewest and known.size - place >= fewest:
            cuts.append(float(tick))
            below = place
    return np.array(cuts)


def _intervals(edges: Floats) -> list[str]:
    if not edges.size:
        return ["any"]
    between = [f"{a:g} to <{b:g}" for a, b in pairwise(edges)]
    return [f"<{edges[0]:g}", *between, f"{edges[-1]:g} or more"]


def _survival(
    model: RiskModel, mechanism: Linear, lowest: float, unit: float, widest: float, most: int
) -> pd.DataFrame:
    steps = model.steps(model.horizons)
    return pd.DataFrame(
        [
            {
                "total": total,
                "scale": total * unit / widest * NOMOGRAM_POINTS,
                "horizon": horizon,
                "survival": float(np.exp(-mechanism.hazard[step] * np.exp(lowest + total * unit))),
            }
            for total in range(most + 1)
            for horizon, step in zip(model.horizons, steps, strict=True)
        ]
    )


def _loss(
    model: RiskModel,
    mechanism: Linear,
    cohort: Cohort,
    frame: pd.DataFrame,
    totals: NDArray[np.int_],
    lowest: float,
    unit: float,
) -> pd.DataFrame:
    y = cohort.eligible(model.endpoint).y(model.endpoint)
    exact = model.risk_score(frame)
    concordance = (harrell_c(y, score).value for score in (exact, totals.astype(float)))
    rows = [_lost("harrell_c", None, *concordance, higher_is_better=True)]
    for horizon, step in zip(model.horizons, model.steps(model.horizons), strict=True):
        hazard = mechanism.hazard[step]
        risks = [-np.expm1(-hazard * np.exp(lp)) for lp in (exact, lowest + unit * totals)]
        scores = (brier(y, risk, horizon).value for risk in risks)
        rows.append(_lost("brier", horizon, *scores, higher_is_better=False))
    return pd.DataFrame(rows)


def _lost(
    measure: str, horizon: float | None, model: float, points: float, *, higher_is_better: bool
) -> dict[str, Any]:
    sign = 1.0 if higher_is_better else -1.0
    return {
        "measure": measure,
        "horizon": horizon,
        "exact": model,
        "rounded": points,
        "loss": sign * (model - points),
    }
