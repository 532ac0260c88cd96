"""Whether the scales, strata, clusters and weights of a Cox model fit its variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from allsurv.dictionary.variable import Variable
from allsurv.study.evidence import Analysis, Scale
from allsurv.study.faults import Fault, Path
from allsurv.study.filters import unknown
from allsurv.study.report import Screening

__all__ = ["model_faults"]

FEWEST_KNOTS, MOST_KNOTS = 3, 5
Variables = Mapping[str, Variable]


def model_faults(
    variables: Variables, model: Analysis | Screening, path: Path = ()
) -> Iterator[Fault]:
    """Hold what a model says beside its variables against the data dictionary."""
    for name, scale in model.scales.items():
        place = (*path, "scales", name)
        if name not in model.variables:
            yield Fault(place, unknown(name, model.variables, "variables of the model"))
        elif name in variables:
            yield from _scale_faults(variables[name], scale, place)
    for position, name in enumerate(model.strata):
        place = (*path, "strata", position)
        yield from _known(variables, name, place)
        if name in model.variables:
            yield Fault(place, f"'{name}' is a variable of the model too; keep one of them.")
        elif name in variables and variables[name].is_number:
            yield Fault(place, f"'{name}' is a number; strata need levels or yes and no.")
    for key in ("cluster", "weights"):
        name = getattr(model, key)
        if name is not None:
            yield from _known(variables, name, (*path, key))
    if model.weights in variables and not variables[str(model.weights)].is_number:
        kind = variables[str(model.weights)].kind
        yield Fault((*path, "weights"), f"'{model.weights}' is {kind}; weights are numbers.")
    if model.firth and (model.cluster or model.weights):
        message = "goes with neither cluster nor weights; keep one of them."
        yield Fault((*path, "firth"), message)


def _known(variables: Variables, name: str, path: Path) -> Iterator[Fault]:
    if name not in variables:
        yield Fault(path, unknown(name, variables))
    elif variables[name].known != "baseline":
        yield Fault(path, f"'{name}' is {variables[name].known}, not known at baseline.")


def _scale_faults(variable: Variable, scale: Scale, path: Path) -> Iterator[Fault]:
    if not variable.is_number:
        yield Fault(path, f"'{variable.name}' is {variable.kind}; a scale is for numbers.")
    if scale.per <= 0:
        yield Fault((*path, "per"), f"is {scale.per:g}; give a number above 0.")
    if scale.is_curved and scale.per != 1:
        message = "has no meaning for a spline, shown by the hazard ratio between the quartiles."
        yield Fault((*path, "per"), message)
    if isinstance(scale.knots, int):
        if scale.is_curved and not FEWEST_KNOTS <= scale.knots <= MOST_KNOTS:
            yield Fault((*path, "knots"), f"are {scale.knots}; allowed are 3 to 5.")
    elif len(scale.knots) < FEWEST_KNOTS or any(b <= a for a, b in pairwise(scale.knots)):
        yield Fault((*path, "knots"), "are at least three, in rising order.")
