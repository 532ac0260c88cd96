"""SHAP values of the risk score and of survival, exact, in the clinician's variables."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.errors import ModelError
from allsurv.explain.game import shapley_matrix, sum_coalitions
from allsurv.explain.trees import tree_coalitions, tree_shap
from allsurv.models.grid import grid_steps
from allsurv.models.mechanisms import Boosted, Forest, Linear

if TYPE_CHECKING:
    import shap

__all__ = ["importance", "shap_values"]

Floats = NDArray[np.float64]

TOLERANCE = 1e-8
CHUNK = 1 << 22  # coalitions times patients held at once


@dataclass(frozen=True, eq=False)
class _Asked:
    """A fitted model, its encoded patients, and which variable each term belongs to."""

    mechanism: Any
    design: Floats
    reference: Floats
    variables: tuple[str, ...]
    variable_of: NDArray[np.intp]

    def by_variable(self, by_term: Floats) -> Floats:
        """Sum over the terms of each variable; terms are on the second axis."""
        out = np.zeros((by_term.shape[0], len(self.variables), *by_term.shape[2:]))
        for term, variable in enumerate(self.variable_of):
            out[:, variable] += by_term[:, term]
        return out


def shap_values(
    model: Any, cohort: Cohort, times: Sequence[float] | None = None
) -> shap.Explanation:
    r"""Split each patient's prediction into what each variable adds to it.

    Values of a patient and the base value sum to the prediction. They explain the model, not the
    disease: a variable with a large value is used, not thereby a cause.

    Parameters
    ----------
    model : SurvivalModel
        Fitted; of family cox, coxnet, rsf or gbs.
    cohort : Cohort
        Patients to explain. For cox and coxnet the base is the prediction at their mean.
    times : sequence of float, optional
        Explain survival S(t) at each, in the study's unit; the risk score unless given.

    Returns
    -------
    shap.Explanation
        ``values`` of shape (n_patients, n_variables), with ``times`` (n_patients, n_variables,
        n_times); ``base_values`` (n_patients,) or (n_patients, n_times); ``data`` the patients'
        values; ``feature_names`` the labels of the variables; ``output_names`` the times.

    Raises
    ------
    ModelError
        If the family has no exact explanation, if S(t) of a model with more than 16 variables
        is asked that is no forest, or if the values do not sum to the prediction to 1e-8.

    Notes
    -----
    *Forest, and score of boosting*: path-dependent TreeSHAP [1]_, the terms of a variable summed.
    *Score of a linear model*: coefficient times distance from the mean of the cohort.
    *S(t) of a linear model or boosting*: :math:`\exp(-H_0(t) e^{f})` is no sum, so the Shapley
    value is computed from all coalitions of variables, the score :math:`f` of a coalition being
    that of the two rows above.

    References
    ----------
    .. [1] Lundberg SM, et al. Nat Mach Intell. 2020;2:56-67. doi:10.1038/s42256-019-0138-9
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # of shap's own colour maps
        import shap

    X = cohort.X
    asked = _ask(model, X)
    values, base, prediction = _explain(asked, model, X, times)
    return shap.Explanation(
        values=values,
        base_values=np.broadcast_to(base, prediction.shape).copy(),
        data=X[list(asked.variables)].to_numpy(dtype=object),
        feature_names=[cohort.study.variable(name).label for name in asked.variables],
        output_names=None if times is None else [f"{time:g}" for time in times],
    )


def importance(model: Any, cohort: Cohort) -> pd.DataFrame:
    """Rank the variables by how much they move the risk score.

    Parameters
    ----------
    model : SurvivalModel
        Fitted; of family cox, coxnet, rsf or gbs.
    cohort : Cohort
        Patients over whom the movement is averaged.

    Returns
    -------
    DataFrame
        ``variable``, ``label``, ``mean_abs_shap`` (in units of the risk score, so not
        comparable between families), ``share`` of their sum, ``rank`` from 1; largest first.

    Raises
    ------
    ModelError
        As :func:`shap_values`.
    """
    asked = _ask(model, cohort.X)
    size = np.abs(_explain(asked, model, cohort.X, None)[0]).mean(axis=0)
    table = pd.DataFrame(
        {
            "variable": asked.variables,
            "label": [cohort.study.variable(name).label for name in asked.variables],
            "mean_abs_shap": size,
            "share": size / size.sum() if size.sum() > 0 else 0.0,
        }
    )
    table["rank"] = table["mean_abs_shap"].rank(ascending=False, method="min").astype(int)
    return table.sort_values("rank", kind="stable", ignore_index=True)


def _ask(model: Any, X: pd.DataFrame) -> _Asked:
    mechanism = model.mechanism_
    if not isinstance(mechanism, Linear | Boosted | Forest):
        raise ModelError(
            f"explain: a model of family '{model.family}' gives every patient the same prediction; "
            "explain one of cox, coxnet, rsf, gbs."
        )
    design = model.encoder_.design(X)
    owners = [term.variable for term in model.encoder_.terms_]
    variables = tuple(str(name) for name in model.feature_names_in_)
    variable_of = np.array([variables.index(owner) for owner in owners], dtype=np.intp)
    return _Asked(mechanism, design, design.mean(axis=0), variables, variable_of)


def _explain(
    asked: _Asked, model: Any, X: pd.DataFrame, times: Sequence[float] | None
) -> tuple[Floats, Floats, Floats]:
    """Values, base and the prediction they were found to sum to."""
    if times is None:
        values, base = _explain_score(asked)
        prediction = np.asarray(model.predict(X), dtype=float)
    else:
        grid = np.asarray(times, dtype=float)
        prediction = np.asarray(model.predict_survival(X, grid), dtype=float)
        values, base = _explain_survival(asked, model, grid)
    error = float(np.abs(values.sum(axis=1) + base - prediction).max(initial=0.0))
    scale = max(1.0, float(np.abs(prediction).max(initial=0.0)))
    if not error <= TOLERANCE * scale:
        raise ModelError(
            f"explain: SHAP values of '{model.family}' miss the prediction by {error:.1e}; at most "
            f"{TOLERANCE:g} is allowed. They are not exact and must not be used."
        )
    return values, base, prediction


def _explain_score(asked: _Asked) -> tuple[Floats, Floats]:
    mechanism = asked.mechanism
    if isinstance(mechanism, Linear):
        values = asked.by_variable((asked.design - asked.reference) * mechanism.coef)
        return values, np.array(asked.reference @ mechanism.coef)
    if isinstance(mechanism, Forest):
        leaf_value = mechanism.trees.value.sum(axis=1, keepdims=True) / mechanism.trees.root.size
    else:
        leaf_value = mechanism.trees.value
    values, base = _tree_shap(asked, leaf_value)
    return values[:, :, 0], base[0]


def _explain_survival(asked: _Asked, model: Any, times: Floats) -> tuple[Floats, Floats]:
    mechanism = asked.mechanism
    steps = grid_steps(times, model.times_, where="explain")
    if isinstance(mechanism, Forest):
        chance = np.clip(1 - np.diff(mechanism.trees.value, axis=1, prepend=0.0), 0, 1)
        curve = np.cumprod(chance, axis=1)
        curve = np.concatenate([np.ones((len(curve), 1)), curve], axis=1)
        reached = np.searchsorted(mechanism.event_steps, steps, side="right")
        return _tree_shap(asked, curve[:, reached] / mechanism.trees.root.size)
    hazard = mechanism.hazard[steps]
    to_values = shapley_matrix(len(asked.variables))
    rows = max(1, CHUNK // to_values.shape[1])
    values = np.empty((len(asked.design), len(asked.variables), times.size))
    for first in range(0, len(asked.design), rows):
        part = slice(first, first + rows)
        relative = np.exp(_score_coalitions(asked, part))
        for k, cumulative in enumerate(hazard):
            values[part, :, k] = (to_values @ np.exp(-cumulative * relative)).T
    return values, np.exp(-hazard * relative[0, 0])


def _score_coalitions(asked: _Asked, rows: slice) -> Floats:
    mechanism, n_variables = asked.mechanism, len(asked.variables)
    if isinstance(mechanism, Linear):
        parts = asked.by_variable((asked.design[rows] - asked.reference) * mechanism.coef)
        return sum_coalitions(parts) + asked.reference @ mechanism.coef
    return tree_coalitions(
        mechanism.trees,
        mechanism.trees.value[:, 0],
        asked.design[rows],
        asked.variable_of,
        n_variables,
    )


def _tree_shap(asked: _Asked, leaf_value: Floats) -> tuple[Floats, Floats]:
    by_term, base = tree_shap(asked.mechanism.trees, leaf_value, asked.design)
    return asked.by_variable(by_term), base
