"""SHAP values of the risk score and of survival, exact, in the clinician's variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.variable import Variable
from allsurv.explain.exact import Question, explain_score, explain_survival, make_question
from allsurv.explain.explanation import Explanation
from allsurv.riskmodel.grid import grid_steps
from allsurv.riskmodel.model import RiskModel

__all__ = ["Patients", "ask", "explain_design", "shap_values"]

Floats = NDArray[np.float64]


class _Named(Protocol):
    def variable(self, name: str) -> Variable:
        """Give the variable of that name."""
        ...


class Patients(Protocol):
    """Patients who can be explained, such as a ``Cohort``."""

    @property
    def X(self) -> pd.DataFrame:
        """Values of shape (n_patients, n_variables)."""
        ...

    @property
    def study(self) -> _Named:
        """Data dictionary, which gives labels."""
        ...


def shap_values(model: Any, cohort: Patients, times: Sequence[float] | None = None) -> Explanation:
    r"""Split each patient's prediction into what each variable adds to it.

    Values of a patient and the base value sum to the prediction. They explain the model, not the
    disease: a variable with a large value is used, not thereby a cause.

    Parameters
    ----------
    model : SurvivalModel or RiskModel
        Fitted, or exported; of any family but null.
    cohort : Cohort
        Patients to explain. For a fitted linear model the base is the prediction at their mean
        (products being those of the means), for an exported one that of a typical patient of
        development.
    times : sequence of float, optional
        Explain survival S(t) at each, in the study's unit; the risk score unless given.

    Returns
    -------
    Explanation
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
    The players are the variables; all terms of one (levels, curves, tested and positive) are known
    together, and a product of two variables is known if both are.
    *Forest, and score of boosting*: path-dependent TreeSHAP [1]_ of this game.
    *Score of a linear model*: coefficient times distance from the reference patient, the mean of
    the cohort. Where of a product of a and b only a is known, it is :math:`x_a r_b`, x being the
    patient's factors and r the reference's; with its coefficient :math:`\beta`, a gets
    :math:`\beta (x_a - r_a)(x_b + r_b) / 2` and b :math:`\beta (x_b - r_b)(x_a + r_a) / 2`
    (:func:`allsurv.explain.linear.linear_dividends`).
    *S(t) of a linear model or boosting*: :math:`\exp(-H_0(t) e^{f})` is no sum, so the Shapley
    value is computed from all coalitions of variables, the score :math:`f` of a coalition being
    that of the two rows above.

    References
    ----------
    .. [1] Lundberg SM, et al. Nat Mach Intell. 2020;2:56-67. doi:10.1038/s42256-019-0138-9
    """
    X = cohort.X
    asked = ask(model, X)
    values: Floats
    base: Any
    if times is None:
        values, base = explain_score(asked)
    else:
        grid = model.grid if isinstance(model, RiskModel) else model.times_
        values, base = explain_survival(asked, grid_steps(times, grid, where="explain"))
    return Explanation(
        values=values,
        base_values=np.broadcast_to(base, (len(values), *values.shape[2:])).copy(),
        data=X[list(asked.variables)].to_numpy(dtype=object),
        feature_names=[cohort.study.variable(name).label for name in asked.variables],
        output_names=None if times is None else [f"{time:g}" for time in times],
    )


def ask(model: Any, X: pd.DataFrame) -> Question:
    """Encode patients and put the question to a model's mechanism."""
    if isinstance(model, RiskModel):
        return _ask_exported(model, model.design(X))
    design = model.encoder_.design(X)
    return make_question(
        model.mechanism_,
        design,
        design.mean(axis=0),
        model.encoder_.terms_,
        model.feature_names_in_,
        family=model.family,
    )


def explain_design(model: RiskModel, design: Floats) -> tuple[Floats, float]:
    """Split the risk scores of patients who are encoded already."""
    return explain_score(_ask_exported(model, design))


def _ask_exported(model: RiskModel, design: Floats) -> Question:
    return make_question(
        model.mechanism,
        design,
        model.reach.typical,
        model.terms,
        model.predictors,
        family=model.family,
    )
