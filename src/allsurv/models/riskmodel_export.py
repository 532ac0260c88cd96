"""What is taken out of a fitted model, and what is refused to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from allsurv.cohort.table import Cohort
from allsurv.errors import DisclosureError, ModelError
from allsurv.features.encoding import read_numbers
from allsurv.models.development import SMALLEST_GROUP, Development
from allsurv.models.origin import origin_of
from allsurv.models.riskmodel_digest import describe_source
from allsurv.models.riskmodel_reach import Population, Reach
from allsurv.models.trees import Trees
from allsurv.study.dictionary import Variable
from allsurv.study.spec import Endpoint, Study

if TYPE_CHECKING:
    from allsurv.models.base import SurvivalModel

__all__ = ["parts_of_fitted"]


def parts_of_fitted(
    model: SurvivalModel, cohort: Cohort, endpoint: str, horizons: Sequence[float] | None
) -> dict[str, Any]:
    """Take the parts of a risk model out of a fitted model.

    Parameters
    ----------
    model : SurvivalModel
        Fitted.
    cohort : Cohort
        Patients of development.
    endpoint : str
        What the model was fitted to.
    horizons : sequence of float or None
        Times at which it will be asked; the study's where ``None``.

    Returns
    -------
    dict of str to object
        Fields of a risk model by name, instability left out.

    Raises
    ------
    ModelError
        If the model is not fitted.
    DisclosureError
        If a leaf or the whole of development holds fewer than eleven patients.
    """
    study = cohort.study
    X = cohort.X
    score = model.predict(X)
    trees = getattr(model.mechanism_, "trees", None)
    if trees is not None:
        _refuse_small_leaves(trees)
    what = study.endpoint(endpoint)
    encoder = model.encoder_
    asked = study.prediction.horizons if horizons is None else horizons
    given, derived = _slice(study, encoder.variable_names)
    predictors = {name: study.variable(name) for name in encoder.variable_names}
    origin = origin_of(model, cohort)
    seed = model.get_params(deep=False).get("random_state")
    origin["seed"] = seed if isinstance(seed, int) else None
    origin["source"] = describe_source(cohort.source)
    return {
        "family": model.family,
        "study": study.name,
        "endpoint": endpoint,
        "endpoint_label": what.label,
        "origin": what.origin,
        "time_unit": study.time.unit,
        "grid": model.times_,
        "horizons": tuple(float(h) for h in asked if h <= model.max_time_),
        "variables": given,
        "derived": derived,
        "predictors": encoder.variable_names,
        "terms": encoder.terms_,
        "mechanism": model.mechanism_,
        "development": Development.of(
            score, centiles=study.prediction.risk_centiles, labels=study.prediction.risk_groups
        ),
        "reach": Reach.of(
            read_numbers(X, predictors), predictors, encoder.design(X), encoder.terms_
        ),
        "population": _population(study, what),
        "provenance": origin,
    }


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
    if len(given) + len(derived) > len(study.variables):
        raise ModelError(f"study '{study.name}': a derived variable is its own source.")
    return given, derived
