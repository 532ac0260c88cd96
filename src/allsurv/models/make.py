"""From the name of a family, or an estimator, to a model of a study."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sklearn.base import clone

from allsurv.errors import ModelError
from allsurv.features import FeatureEncoder, make_features
from allsurv.models.base import SurvivalModel
from allsurv.models.catalog import COMPETING, FAMILIES, Family, is_path
from allsurv.models.challenger import Challenger
from allsurv.models.estimators import check_estimator, import_estimator, path_of
from allsurv.models.null import NullModel
from allsurv.models.published import PublishedModel, published_curve, published_equation
from allsurv.nearest import did_you_mean
from allsurv.study.spec import Study

__all__ = ["make_model"]


def make_model(
    family: Any,
    study: Study,
    *,
    predictors: Sequence[str] | None = None,
    random_state: int | None = None,
    trusted: Collection[str] = (),
    endpoint: str | None = None,
    **params: Any,
) -> SurvivalModel:
    """Make a prognostic model for a study.

    Parameters
    ----------
    family : str or estimator
        A family of :data:`allsurv.models.FAMILIES`: ``cox``, ``coxnet``, ``rsf``, ``gbs``,
        ``cgbs``, ``null`` (Kaplan-Meier), ``published`` (the study's equation). Or a challenger of
        another package: an estimator with ``fit`` and ``predict`` as in scikit-survival, or its
        import path, such as ``sksurv.svm.FastSurvivalSVM``. A challenger is validated and compared
        like any model, and never exported. For an endpoint in which several events compete, one
        of :data:`allsurv.models.COMPETING`: ``cause_cox``, ``cause_coxnet``, ``fine_gray``,
        ``cause_rsf``, ``cause_gbs``, ``incidence`` (Aalen-Johansen).
    study : Study
        Gives the data dictionary, the predictors and the time grid.
    predictors : sequence of str, optional
        Variables known at the prediction moment; those of ``study.prediction`` by default. The
        null model takes none and the published equation its own, whatever is asked.
    random_state : int, optional
        Seed; families without chance ignore it.
    trusted : collection of str, default=()
        Packages, beside scikit-survival, whose estimators may be imported by path.
    endpoint : str, optional
        Of a family of competing events: the endpoint whose causes it predicts; that of
        ``study.prediction`` by default.
    **params : Any
        Parameters of the family or estimator, such as ``ridge`` or ``n_estimators``, and of its
        features, as ``features__missing``. A challenger takes ``survival`` too, see
        :class:`~allsurv.models.challenger.Challenger`.

    Returns
    -------
    SurvivalModel
        Not fitted.

    Raises
    ------
    ModelError
        If the family or a parameter is unknown, a path is not that of an estimator of a trusted
        package, or a predictor is not known at the prediction moment.

    Examples
    --------
    >>> from allsurv.study import load_study
    >>> make_model("rsf", load_study("rr-all"), random_state=0, n_estimators=50).n_estimators
    50
    """
    if not isinstance(family, str):
        return _challenger(family, study, predictors, random_state, params)
    if family in COMPETING:
        return _competing(COMPETING[family], study, endpoint, predictors, random_state, params)
    if family not in FAMILIES and is_path(family):
        kind = import_estimator(family, trusted=trusted)
        theirs = inspect.signature(kind).parameters
        given = [n for n in params if n in theirs]
        lacking = [n for n, p in theirs.items() if p.default is p.empty and n not in given]
        if lacking:
            raise ModelError(f"make_model: '{family}' needs {', '.join(lacking)}; give a value.")
        return _challenger(
            kind(**{n: params[n] for n in given}),
            study,
            predictors,
            random_state,
            {n: value for n, value in params.items() if n not in given},
        )
    if family not in FAMILIES:
        raise ModelError(
            f"make_model: '{family}' is no family of models; allowed are "
            f"{', '.join((*FAMILIES, *COMPETING))}, or the import path of an estimator."
            f"{did_you_mean(family, (*FAMILIES, *COMPETING))}"
        )
    kind = FAMILIES[family].model_class
    read = _published(study) if kind is PublishedModel else {}
    own = [n for n in inspect.signature(kind).parameters if n != "features" and n not in read]
    if kind in (NullModel, PublishedModel):
        predictors = [finding.variable for finding in read.get("equation", ())]
    features, params = _features(study, predictors, family, own, params)
    settings: dict[str, Any] = {"grid": study.time.grid, **read, **params}
    if "random_state" in own:
        settings["random_state"] = random_state
    found: SurvivalModel = kind(features, **settings)
    return found


def _competing(
    family: Family,
    study: Study,
    endpoint: str | None,
    predictors: Sequence[str] | None,
    random_state: int | None,
    params: Mapping[str, Any],
) -> SurvivalModel:
    name = study.prediction.endpoint if endpoint is None else endpoint
    causes = tuple(study.endpoint(name).causes)
    if not causes:
        raise ModelError(
            f"make_model: '{family.name}' predicts events that compete, and endpoint '{name}' has "
            "one event; choose an endpoint of kind 'competing', or another family."
        )
    kind: Any = family.model_class
    if family.base:
        model = make_model(
            family.base, study, predictors=predictors, random_state=random_state, **params
        )
        return kind(model, causes=causes)  # type: ignore[no-any-return]
    if family.role == "reference":
        predictors = ()
    features, own = _features(study, predictors, family.name, ["grid"], params)
    return kind(features, causes=causes, **{"grid": study.time.grid, **own})  # type: ignore[no-any-return]


def _features(
    study: Study,
    predictors: Sequence[str] | None,
    family: str,
    own: Sequence[str],
    params: Mapping[str, Any],
) -> tuple[FeatureEncoder, dict[str, Any]]:
    """Make the features and set what was asked of them; give the parameters of the model."""
    features = make_features(study, predictors)
    nested = {f"features__{name}": name for name in features.get_params() if name != "variables"}
    for name in params:
        if name not in own and name not in nested:
            allowed = [n for n in own if n != "random_state"] + sorted(nested)
            raise ModelError(
                f"make_model: '{name}' is no parameter of '{family}'; allowed are "
                f"{', '.join(allowed)}.{did_you_mean(name, allowed)}"
            )
    features.set_params(**{nested[n]: value for n, value in params.items() if n in nested})
    return features, {n: value for n, value in params.items() if n not in nested}


def _challenger(
    estimator: Any,
    study: Study,
    predictors: Sequence[str] | None,
    random_state: int | None,
    params: Mapping[str, Any],
) -> Challenger:
    where = "make_model"
    if inspect.isclass(estimator):
        raise ModelError(
            f"{where}: {estimator.__name__} is a class; give an estimator, made of it."
        )
    check_estimator(estimator, where=f"{where}: {type(estimator).__name__}")
    copy = clone(estimator)
    theirs = copy.get_params(deep=True)
    mine = ["survival", "grid"]
    family = path_of(type(estimator))
    features, params = _features(study, predictors, family, [*mine, *theirs], params)
    copy.set_params(**{n: value for n, value in params.items() if n not in mine})
    if random_state is not None:
        seeds = [n for n in theirs if n == "random_state" or n.endswith("__random_state")]
        copy.set_params(**dict.fromkeys(seeds, random_state))
    settings = {"grid": study.time.grid} | {n: params[n] for n in mine if n in params}
    return Challenger(features, estimator=copy, **settings)


def _published(study: Study) -> dict[str, Any]:
    equation = published_equation(study)
    if not equation:
        raise ModelError(
            f"make_model: study '{study.name}' has no published effect of a variable known at "
            f"baseline on '{study.prediction.endpoint}'; add findings to the study file."
        )
    return {"equation": equation, "curve": published_curve(study)}
