"""What is taken out of a fitted model, and what is refused to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort.source_digest import describe_source
from allsurv.cohort.table import Cohort
from allsurv.dictionary.variable import Variable
from allsurv.errors import DisclosureError, ModelError, NotFittedError
from allsurv.models.catalog import find_family, trainable
from allsurv.models.coarse import coarse_model
from allsurv.models.origin import origin_of
from allsurv.policy.rules import SMALLEST_GROUP
from allsurv.riskmodel.development import Development
from allsurv.riskmodel.encoding import NEVER_FILLED, Term, read_numbers
from allsurv.riskmodel.horizons import read_horizons
from allsurv.riskmodel.instability import Instability
from allsurv.riskmodel.model import RiskModel
from allsurv.riskmodel.reach import Population, Reach
from allsurv.riskmodel.trees import Trees
from allsurv.study.spec import Endpoint, Study

if TYPE_CHECKING:
    from allsurv.models.base import SurvivalModel

__all__ = ["export_model", "is_exported"]


def is_exported(model: SurvivalModel) -> bool:
    """Whether a model's family has an exported form."""
    return not find_family(model.family).not_exported


def export_model(
    model: SurvivalModel,
    cohort: Cohort,
    *,
    endpoint: str,
    horizons: Sequence[float] | None = None,
    instability: Instability | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> RiskModel:
    """Export a fitted model as a risk model, which is data and of which no patient follows.

    It is made coarse first (:func:`allsurv.models.coarse.coarse_model`); by how much this moves
    risks at the horizons is in ``provenance["rounding"]``.

    Parameters
    ----------
    model : SurvivalModel
        Fitted.
    cohort : Cohort
        Patients of development, of whom only centiles of risk scores are kept; its study gives
        data dictionary, horizons and risk groups.
    endpoint : str
        What the model was fitted to.
    horizons : sequence of float, optional
        Times at which it will be asked, in the study's unit; the study's unless given. Those
        beyond follow-up are left out.
    instability : Instability, optional
        What refits of the model predict, from
        :func:`allsurv.validation.bands.measure_instability`; predictions carry no
        instability interval without it.
    provenance : mapping, optional
        More on where it comes from (seed, date...), in values that JSON can hold. Source and size
        of development, parameters and versions are there already.

    Returns
    -------
    RiskModel
        Ready to score or to write.

    Raises
    ------
    ModelError
        If the model is not fitted, or its family is not exported: a challenger of another package.
    DisclosureError
        If a leaf or the whole of development holds fewer than eleven patients.
    """
    if not is_exported(model):
        reason = find_family(model.family).not_exported
        raise ModelError(
            f"export_model: '{model.family}' is not exported: {reason}. Export a model of one of "
            f"{', '.join(trainable())}."
        )
    if not hasattr(model, "mechanism_"):
        raise NotFittedError(f"{type(model).__name__}: not fitted; call fit first.")
    study = cohort.study
    X = cohort.X
    trees = getattr(model.mechanism_, "trees", None)
    if trees is not None:
        _refuse_small_leaves(trees)
    what = study.endpoint(endpoint)
    encoder = model.encoder_
    asked = study.prediction.horizons if horizons is None else horizons
    asked = read_horizons(asked, where="export_model", fewest=0)
    asked = tuple(h for h in asked if h <= model.max_time_)
    given, derived = _slice(study, encoder.variable_names)
    given = {name: _as_needed(variable, encoder.terms_) for name, variable in given.items()}
    predictors = {name: study.variable(name) for name in encoder.variable_names}
    shown = coarse_model(model, cohort, endpoint)
    moved = shown.predict_survival(X, asked) - model.predict_survival(X, asked)
    origin = origin_of(model, cohort)
    seed = model.get_params(deep=False).get("random_state")
    origin["seed"] = seed if isinstance(seed, int) else None
    origin["source"] = describe_source(cohort.source)
    origin["identifiers"] = [v.column for v in study.variables.values() if v.kind == "identifier"]
    origin["rounding"] = _rounding(moved)
    return RiskModel(
        family=model.family,
        study=study.name,
        endpoint=endpoint,
        endpoint_label=what.label,
        origin=what.origin,
        time_unit=study.time.unit,
        grid=model.times_,
        horizons=asked,
        variables=given,
        derived=derived,
        predictors=encoder.variable_names,
        terms=encoder.terms_,
        mechanism=shown.mechanism_,
        development=Development.of(
            shown.predict(X),
            centiles=study.prediction.risk_centiles,
            labels=study.prediction.risk_groups,
        ),
        reach=Reach.of(read_numbers(X, predictors), predictors, encoder.design(X), encoder.terms_),
        population=_population(study, what),
        provenance=origin | dict(provenance or {}),
        instability=instability,
    )


def _rounding(moved: NDArray[np.float64]) -> dict[str, float | None]:
    """Say by how much predicted risks differ from those of the model as it was fitted."""
    if moved.size == 0:
        return {"mean_difference": None, "largest_difference": None}
    apart = np.abs(moved)
    return {
        "mean_difference": round(float(apart.mean()), 4),
        "largest_difference": round(float(apart.max()), 4),
    }


def _as_needed(variable: Variable, terms: Sequence[Term]) -> Variable:
    """Say of a variable that it may not be missing where the model needs a value."""
    mine = [t for t in terms if t.variable == variable.name and t.kind not in NEVER_FILLED]
    needs_value = any(term.fill is None for term in mine)
    return replace(variable, missing="refused") if needs_value else variable


def _population(study: Study, endpoint: Endpoint) -> Population:
    return Population(
        study.card.get("population", ""),
        endpoint.population,
        {name: study.variable(name) for name in endpoint.population},
    )


def _refuse_small_leaves(trees: Trees) -> None:
    size = trees.n_patients[trees.leaf >= 0]
    if size.min() < SMALLEST_GROUP:
        raise DisclosureError(
            f"risk model: {(size < SMALLEST_GROUP).sum()} of {size.size} leaves hold fewer than "
            f"{SMALLEST_GROUP} patients and would show them; fit with min_samples_leaf="
            f"{SMALLEST_GROUP} or more."
        )


def _slice(
    study: Study, predictors: tuple[str, ...]
) -> tuple[dict[str, Variable], dict[str, Variable]]:
    """Cut out of the data dictionary what is given and what is derived from it."""
    given: dict[str, Variable] = {}
    derived: dict[str, Variable] = {}
    waiting = list(predictors)
    while waiting:
        variable = study.variable(waiting.pop(0))
        if variable.derivation is None:
            given[variable.name] = variable
        elif variable.name not in derived:
            derived[variable.name] = variable
            waiting += variable.derivation.sources
    return given, derived
