"""The families of models, by name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from allsurv.errors import ModelError
from allsurv.features import make_features
from allsurv.models.base import SurvivalModel
from allsurv.models.boosting import ComponentwiseBoosting, GradientBoosting
from allsurv.models.cox import CoxModel
from allsurv.models.coxnet import ElasticNetCox
from allsurv.models.forest import SurvivalForest
from allsurv.models.null import NullModel
from allsurv.models.published import PublishedModel, published_curve, published_equation
from allsurv.nearest import did_you_mean
from allsurv.study.spec import Study

__all__ = ["FAMILIES", "make_model"]

FAMILIES: Mapping[str, type[SurvivalModel]] = {
    kind.family: kind
    for kind in (
        CoxModel,
        ElasticNetCox,
        SurvivalForest,
        GradientBoosting,
        ComponentwiseBoosting,
        NullModel,
        PublishedModel,
    )
}
"""Every model allsurv knows: name in a configuration, and class."""


def make_model(
    family: str,
    study: Study,
    *,
    predictors: Sequence[str] | None = None,
    random_state: int | None = None,
    **params: Any,
) -> SurvivalModel:
    """Make a prognostic model for a study.

    Parameters
    ----------
    family : {"cox", "coxnet", "rsf", "gbs", "cgbs", "null", "published"}
        Cox regression, elastic-net Cox, random survival forest, gradient boosting by trees,
        componentwise boosting, Kaplan-Meier, and the study's published equation.
    study : Study
        Gives the data dictionary, the predictors and the time grid.
    predictors : sequence of str, optional
        Variables known at the prediction moment; those of ``study.prediction`` by default. The
        null model takes none and the published equation its own, whatever is asked.
    random_state : int, optional
        Seed; families without chance ignore it.
    **params : Any
        Parameters of the family, such as ``ridge`` or ``n_estimators``, and of its features, as
        ``features__missing``.

    Returns
    -------
    SurvivalModel
        Not fitted.

    Raises
    ------
    ModelError
        If the family or a parameter is unknown, or a predictor is not known at the prediction
        moment.

    Examples
    --------
    >>> from allsurv.study import load_study
    >>> make_model("rsf", load_study("rr-all"), random_state=0, n_estimators=50).n_estimators
    50
    """
    if family not in FAMILIES:
        raise ModelError(
            f"make_model: '{family}' is no family of models; allowed are {', '.join(FAMILIES)}."
            f"{did_you_mean(family, FAMILIES)}"
        )
    kind = FAMILIES[family]
    read = _published(study) if kind is PublishedModel else {}
    own = [n for n in inspect.signature(kind).parameters if n != "features" and n not in read]
    if kind in (NullModel, PublishedModel):
        predictors = [finding.variable for finding in read.get("equation", ())]
    features = make_features(study, predictors)
    nested = {f"features__{name}" for name in features.get_params() if name != "variables"}
    for name in params:
        if name not in own and name not in nested:
            allowed = [n for n in own if n != "random_state"] + sorted(nested)
            raise ModelError(
                f"make_model: '{name}' is no parameter of '{family}'; allowed are "
                f"{', '.join(allowed)}.{did_you_mean(name, allowed)}"
            )
    settings: dict[str, Any] = {"grid": study.time.grid, **read, **params}
    if "random_state" in own:
        settings["random_state"] = random_state
    inner = {n: v for n, v in settings.items() if n in nested}
    model = kind(features, **{n: v for n, v in settings.items() if n not in nested})
    found: SurvivalModel = model.set_params(**inner)
    return found


def _published(study: Study) -> dict[str, Any]:
    equation = published_equation(study)
    if not equation:
        raise ModelError(
            f"make_model: study '{study.name}' has no published effect of a variable known at "
            f"baseline on '{study.prediction.endpoint}'; add findings to the study file."
        )
    return {"equation": equation, "curve": published_curve(study)}
