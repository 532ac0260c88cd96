"""A published regression equation as a model: its coefficients are read, not learned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from allsurv.errors import ModelError
from allsurv.features import FeatureEncoder
from allsurv.models.base import SurvivalModel
from allsurv.models.breslow import breslow_hazard
from allsurv.riskmodel.encoding import Term
from allsurv.riskmodel.mechanisms import Linear
from allsurv.study import load_ledger
from allsurv.study.spec import Finding, Study

__all__ = ["PublishedModel", "published_curve", "published_equation"]

Floats = NDArray[np.float64]
Baseline = Literal["cohort", "published"]
FEWEST_TIMES = 2
"""Times of a published curve from which a baseline can be drawn."""


class PublishedModel(SurvivalModel):
    r"""The published multivariable equation of a study.

    Nothing is learned of the effects: each coefficient is the logarithm of a published hazard
    ratio. Effects of events after baseline are left out, as is what the paper did not print.

    Notes
    -----
    The published curve is continued as a Weibull distribution through the printed points, by least
    squares on the log cumulative hazard; :math:`H_0(t)` solves
    :math:`n^{-1} \sum_i \exp(-H_0(t) e^{s_i}) = S(t)`.
    """

    family: ClassVar[str] = "published"

    def __init__(
        self,
        features: FeatureEncoder,
        *,
        grid: float = 1.0,
        equation: tuple[Finding, ...] = (),
        curve: tuple[tuple[float, float], ...] = (),
        baseline: Baseline = "cohort",
    ) -> None:
        super().__init__(features, grid=grid)
        self.equation = equation
        self.curve = curve
        self.baseline = baseline

    @property
    def has_published_baseline(self) -> bool:
        """Whether the baseline is the paper's curve."""
        return self.baseline == "published"

    def _learn(self, design: Floats, time: Floats, event: NDArray[np.bool_]) -> Linear:
        coef = np.array([self._coefficient(term) for term in self.encoder_.terms_])
        # The score of a patient counts from the average one, as a baseline hazard needs.
        score = design @ coef
        if self.baseline == "cohort":
            return Linear(coef, breslow_hazard(score, time, event, self.times_))
        if self.baseline != "published":
            raise ModelError(
                f"PublishedModel: baseline is '{self.baseline}'; allowed are 'cohort', 'published'."
            )
        return Linear(coef, _hazard_of_curve(score, self.curve, self.times_))

    def _coefficient(self, term: Term) -> float:
        finding = next(f for f in self.equation if f.variable == term.variable)
        log = math.log(finding.estimate)
        contrast = finding.contrast
        if term.kind == "tested":
            return 0.0
        if term.kind == "positive":
            return log if contrast.to is True else -log
        if term.kind == "level":
            return log * (float(term.level == contrast.to) - float(term.level == contrast.from_))
        if term.kind == "score":
            places = [term.levels.index(x) for x in (contrast.to, contrast.from_)]
            return log / (places[0] - places[1])
        if term.kind == "number" and not term.transform:
            return log * term.scale / (contrast.per or 1.0)
        raise ModelError(
            f"PublishedModel: '{term.name}' is not on the scale of the published effect of "
            f"'{term.variable}'; leave 'transform' out of the variable in the study file."
        )


def published_equation(study: Study, endpoint: str | None = None) -> tuple[Finding, ...]:
    """Give the published effects that make an equation for patients at baseline.

    Examples
    --------
    >>> from allsurv.study import load_study
    >>> [finding.name for finding in published_equation(load_study("rr-all"))]
    ['pb_blasts', 'high_risk_cyto', 'tp53', 'arm']
    """
    endpoint = endpoint or study.prediction.endpoint
    usable = [
        finding
        for finding in study.findings.values()
        if finding.endpoint == endpoint
        and finding.variable in study.variables
        and study.variable(finding.variable).known == "baseline"
    ]
    return tuple(finding for finding in usable if finding.analysis == usable[0].analysis)


def published_curve(study: Study, endpoint: str | None = None) -> tuple[tuple[float, float], ...]:
    """Give the published survival of the whole cohort.

    Examples
    --------
    >>> from allsurv.study import load_study
    >>> published_curve(load_study("rr-all"))
    ((17.0, 0.5), (36.0, 0.4))
    """
    endpoint = endpoint or study.prediction.endpoint
    if study.ledger is None:
        return ()
    points = set()
    for entry in load_ledger(study).entries.values():
        if entry.population or entry.endpoint != endpoint:
            continue
        if entry.kind == "km_rate" and entry.time is not None:
            points.add((float(entry.time), float(entry.value) / 100))
        elif entry.kind == "km_median":
            points.add((float(entry.value), 0.5))
    return tuple(sorted(points))


def _hazard_of_curve(score: Floats, curve: Sequence[tuple[float, float]], grid: Floats) -> Floats:
    """Cumulative hazard of a patient of score 0 with which the mean survival is the curve."""
    if len(curve) < FEWEST_TIMES:
        raise ModelError(
            "PublishedModel: a published baseline needs survival of the whole cohort at two times "
            f"or more, in the ledger of the study; there are {len(curve)}. Use baseline='cohort'."
        )
    times, survival = np.array(curve).T
    shape, scale = np.polyfit(np.log(times), np.log(-np.log(survival)), 1)
    relative = np.exp(score)
    hazard = np.zeros(grid.size)
    for k, t in enumerate(grid):
        if t > 0:
            wanted = float(np.exp(-np.exp(scale + shape * np.log(t))))
            hazard[k] = _solve(relative, wanted)
    return hazard


def _solve(relative: Floats, wanted: float) -> float:
    def excess(log_hazard: float) -> float:
        return float(np.exp(-math.exp(log_hazard) * relative).mean()) - wanted

    return math.exp(float(brentq(excess, -40.0, 40.0, xtol=1e-12)))
