"""Which variables move a model, in which direction, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.explain.exact import Question, explain_score, explain_survival
from allsurv.explain.movement import draw_explained, measure_movement
from allsurv.explain.values import Patients, ask
from allsurv.policy.rules import SMALLEST_GROUP
from allsurv.riskmodel.grid import grid_steps
from allsurv.riskmodel.mechanisms import Constant

__all__ = ["directions", "effects_over_time", "importance"]

Floats = NDArray[np.float64]

_SAME = 1e-9


def importance(
    model: Any,
    cohort: Patients,
    *,
    n_patients: int | None = None,
    random_state: int | None = 0,
) -> pd.DataFrame:
    """Rank the variables by how much they move the risk score.

    Parameters
    ----------
    model : SurvivalModel or RiskModel
        Of any family but null.
    cohort : Cohort
        Patients over whom the movement is averaged.
    n_patients : int, optional
        Explain a random sample of so many patients where a model of trees is asked and there are
        more; everybody unless given. A linear model is always explained for everybody.
    random_state : int or None, default=0
        Seed of the sample.

    Returns
    -------
    DataFrame
        ``variable``, ``label``, ``mean_abs_shap`` (in units of the risk score, so not
        comparable between families), ``share`` of their sum, ``rank`` from 1, ``share_error``
        (Monte-Carlo standard error of ``share``; 0 where everybody was explained),
        ``n_explained``; largest first.

    Raises
    ------
    ModelError
        As :func:`shap_values`, or if ``n_patients`` is below 1.

    See Also
    --------
    allsurv.validation.importance_limits : The same with limits from refits.
    """
    asked = ask(model, cohort.X)
    moved = measure_movement(asked, n_patients=n_patients, random_state=random_state)
    table = pd.DataFrame(
        {
            "variable": asked.variables,
            "label": [cohort.study.variable(name).label for name in asked.variables],
            "mean_abs_shap": moved.size,
            "share": moved.share,
        }
    )
    table["rank"] = table["mean_abs_shap"].rank(ascending=False, method="min").astype(int)
    table["share_error"], table["n_explained"] = moved.share_error, moved.n_explained
    return table.sort_values("rank", kind="stable", ignore_index=True)


def effects_over_time(model: Any, cohort: Patients, times: Sequence[float]) -> pd.DataFrame:
    """Follow what each variable does to predicted survival as time goes on.

    Parameters
    ----------
    model : SurvivalModel or RiskModel
        Of any family but null.
    cohort : Cohort
        Patients over whom the effect is averaged.
    times : sequence of float
        In the study's unit.

    Returns
    -------
    DataFrame
        ``variable``, ``label``, ``time``, ``mean_abs_shap`` (percentage points of survival / 100
        by which the variable moves a patient on average), ``adverse``: mean Shapley value of the
        eleven or more patients whose survival it lowers most (the lowest tenth), ``favourable``:
        of those whose survival it raises most. No single patient is in it.

    Raises
    ------
    ModelError
        As :func:`shap_values`, or if there are fewer than eleven patients.
    """
    X = cohort.X
    if len(X) < SMALLEST_GROUP:
        raise ModelError(
            f"effects_over_time: {len(X)} patients; fewer than {SMALLEST_GROUP} would show single "
            "ones."
        )
    asked = ask(model, X)
    grid = model.times_ if hasattr(model, "times_") else model.grid
    values, _ = explain_survival(asked, grid_steps(times, grid, where="explain"))
    ordered = np.sort(values, axis=0)
    group = max(SMALLEST_GROUP, len(X) // 10)
    tables = {
        "mean_abs_shap": np.abs(values).mean(axis=0),
        "adverse": ordered[:group].mean(axis=0),
        "favourable": ordered[-group:].mean(axis=0),
    }
    labels = [cohort.study.variable(name).label for name in asked.variables]
    return pd.DataFrame(
        {
            "variable": np.repeat(asked.variables, len(times)),
            "label": np.repeat(labels, len(times)),
            "time": np.tile(np.asarray(times, dtype=float), len(labels)),
            **{name: table.ravel() for name, table in tables.items()},
        }
    )


def directions(
    models: Mapping[str, Any],
    cohort: Patients,
    *,
    n_patients: int | None = None,
    random_state: int | None = 0,
) -> pd.DataFrame:
    """Hold the direction in which each model uses a term against the sign of Cox regression.

    Parameters
    ----------
    models : mapping from str to SurvivalModel
        Fitted; the one of family ``cox`` gives the signs.
    cohort : Cohort
        Patients over whom models are explained.
    n_patients, random_state : int, optional
        A random sample of them, as in :func:`importance`. A term that is the same in all of a
        sample has no row.

    Returns
    -------
    DataFrame
        Per model and term: ``model``, ``variable``, ``term``, ``label``, ``cox`` and
        ``direction`` (``higher`` or ``lower`` risk where the term is larger, ``none`` where it
        does not move the score), ``agrees`` (missing where either is ``none``). Empty without a
        Cox model.

    Notes
    -----
    The direction of a term is the sign of the slope of its variable's Shapley values on the term,
    holding the variable's other terms: ordinary least squares. A product of two variables has no
    row, as it belongs to neither: what it adds is divided between them, and moves the slopes of
    its factors. The sign of these in Cox regression is that of their slope there, for their
    coefficients hold at one value of the other variable only.
    """
    signs = next(
        (_cox_signs(model, cohort.X) for model in models.values() if model.family == "cox"),
        dict[str, int](),
    )
    rows = []
    for name, model in models.items():
        if not signs or isinstance(model.mechanism_, Constant):
            continue
        asked = draw_explained(ask(model, cohort.X), n_patients, random_state)
        for term, slope in _slopes(model, asked).items():
            variable, sign = term[0], signs.get(term[1], 0)
            known = sign != 0 and slope != 0
            rows.append(
                {
                    "model": name,
                    "variable": variable,
                    "term": term[1],
                    "label": cohort.study.variable(variable).label,
                    "cox": _WORDS[sign],
                    "direction": _WORDS[slope],
                    "agrees": sign == slope if known else pd.NA,
                }
            )
    columns = ["model", "variable", "term", "label", "cox", "direction", "agrees"]
    return pd.DataFrame(rows, columns=columns).astype({"agrees": "boolean"})


_WORDS = {1: "higher", -1: "lower", 0: "none"}


def _cox_signs(model: Any, X: pd.DataFrame) -> dict[str, int]:
    terms, coef = model.encoder_.terms_, model.mechanism_.coef
    signs = {t.name: int(np.sign(b)) for t, b in zip(terms, coef, strict=True)}
    multiplied = {name for term in terms for name in term.factors}
    if multiplied:
        slopes = {term: slope for (_, term), slope in _slopes(model, ask(model, X)).items()}
        signs |= {name: slopes[name] for name in multiplied if name in slopes}
    return signs


def _slopes(model: Any, asked: Question) -> dict[tuple[str, str], int]:
    values, _ = explain_score(asked)
    terms = model.encoder_.terms_
    alone = asked.owners & (asked.owners.sum(axis=1, keepdims=True) == 1)
    slopes = {}
    for j, variable in enumerate(asked.variables):
        mine = np.flatnonzero(alone[:, j])
        design = asked.design[:, mine] - asked.design[:, mine].mean(axis=0)
        slope = np.linalg.lstsq(design, values[:, j] - values[:, j].mean(), rcond=None)[0]
        for k, term in enumerate(mine):
            moved = abs(slope[k]) > _SAME
            slopes[variable, terms[term].name] = int(np.sign(slope[k])) if moved else 0
    return slopes
