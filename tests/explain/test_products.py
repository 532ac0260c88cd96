"""A product of two variables is divided between them: Shapley values by their definition.

The games are played again here from the terms of the encoder, one coalition and one patient at a
time, with nothing of ``allsurv.explain``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort
from allsurv.errors import RiskModelError
from allsurv.experiment.tables import coefficient_table
from allsurv.explain import directions, effects_over_time, importance, shap_values
from allsurv.explain.exact import explain_score, explain_survival, make_question
from allsurv.models import make_model
from allsurv.models.coarse import coarse_model
from allsurv.models.export import export_model
from allsurv.riskmodel.encoding import Term
from allsurv.riskmodel.mechanisms import Boosted, Forest, Linear
from allsurv.riskmodel.model import RiskModel
from allsurv.riskmodel.trees import Trees
from allsurv.scoring import RiskScorer

TIMES = [3.0, 12.0, 24.0]
N = 6

CASES: dict[str, tuple[list[str], dict[str, int], list[tuple[str, str]]]] = {
    "number x yes/no": (["age", "pb_blasts", "sex"], {}, [("age", "sex")]),
    "levels x number": (["age", "karyotype", "sex"], {}, [("karyotype", "age")]),
    "spline x yes/no": (["age", "arm", "wbc"], {"age": 4}, [("age", "arm")]),
    "marker x number, two pairs": (
        ["age", "arm", "tp53_mut", "wbc"],
        {},
        [("tp53_mut", "age"), ("age", "arm")],
    ),
}


@pytest.fixture(scope="module")
def cohort(made_up: Any) -> Cohort:
    return made_up(n=150)


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Any:
    return CASES[request.param]


def fitted(family: str, cohort: Cohort, case: Any) -> Any:
    predictors, splines, interactions = case
    few: dict[str, Any] = {
        "cox": {"ridge": 1.0},
        "coxnet": {"folds": 3, "random_state": 0},
        "cgbs": {"random_state": 0},
        "rsf": {"n_estimators": 6, "min_samples_leaf": 11, "random_state": 0},
        "gbs": {"n_estimators": 12, "max_depth": 4, "random_state": 0},
    }
    model = make_model(
        family,
        cohort.study,
        predictors=predictors,
        features__splines=splines,
        features__interactions=interactions,
        **few[family],
    )
    return model.fit(cohort.X, cohort.y("os"))


def shapley(value: Callable[[frozenset[str]], np.ndarray], players: list[str]) -> np.ndarray:
    """Weighted mean of what each player adds to the coalitions of others."""
    p = len(players)
    worth = {
        frozenset(some): value(frozenset(some))
        for size in range(p + 1)
        for some in combinations(players, size)
    }
    found = []
    for player in players:
        total = np.zeros_like(worth[frozenset()])
        for some, without in worth.items():
            if player not in some:
                weight = factorial(len(some)) * factorial(p - len(some) - 1) / factorial(p)
                total = total + weight * (worth[some | {player}] - without)
        found.append(total)
    return np.array(found)


def variables_of(terms: Any) -> list[set[str]]:
    by_name = {term.name: term for term in terms}
    return [{by_name[name].variable for name in t.factors} or {t.variable} for t in terms]


def seen(terms: Any, patient: np.ndarray, reference: np.ndarray, known: frozenset[str]) -> Any:
    """The row of a design that a coalition sees, products multiplied from it."""
    row: dict[str, float] = {}
    for j, term in enumerate(terms):
        if term.kind == "product":
            row[term.name] = float(np.prod([row[name] for name in term.factors]))
        else:
            row[term.name] = patient[j] if term.variable in known else reference[j]
    return np.array(list(row.values()))


def walk(
    trees: Trees, node: int, patient: np.ndarray, known: list[bool], worth: np.ndarray
) -> np.ndarray:
    if trees.left[node] < 0:
        return worth[trees.leaf[node]]
    left, right = int(trees.left[node]), int(trees.right[node])
    term = int(trees.term[node])
    if known[term]:
        below = np.float32(patient[term]) <= trees.threshold[node]
        return walk(trees, left if below else right, patient, known, worth)
    total = sum(
        trees.n_patients[child] * walk(trees, child, patient, known, worth)
        for child in (left, right)
    )
    return total / trees.n_patients[node]


def played(model: Any, patient: np.ndarray, reference: np.ndarray) -> tuple[Any, Any]:
    """What coalitions are worth: the score, and survival at ``TIMES``."""
    terms, mechanism = model.encoder_.terms_, model.mechanism_
    steps = np.searchsorted(model.times_, TIMES, side="right") - 1

    def down(known: frozenset[str], worth: np.ndarray) -> np.ndarray:
        knows = [variables <= known for variables in variables_of(terms)]
        trees = mechanism.trees
        return np.sum([walk(trees, int(r), patient, knows, worth) for r in trees.root], axis=0)

    def score(known: frozenset[str]) -> np.ndarray:
        if isinstance(mechanism, Linear):
            return np.array([seen(terms, patient, reference, known) @ mechanism.coef])
        if isinstance(mechanism, Boosted):
            return down(known, mechanism.trees.value[:, :1])
        events = mechanism.trees.value.sum(axis=1)[:, None]
        return down(known, events) / mechanism.trees.root.size

    def survival(known: frozenset[str]) -> np.ndarray:
        if isinstance(mechanism, Forest):
            alive = np.cumprod(1 - np.diff(mechanism.trees.value, axis=1, prepend=0.0), axis=1)
            alive = np.column_stack([np.ones(len(alive)), alive])
            at = np.searchsorted(mechanism.event_steps, steps, side="right")
            return down(known, alive[:, at]) / mechanism.trees.root.size
        return np.exp(-mechanism.hazard[steps] * np.exp(score(known)))

    return score, survival


@pytest.mark.parametrize("family", ["cox", "coxnet", "cgbs", "rsf", "gbs"])
def test_values_follow_the_definition(cohort: Cohort, case: Any, family: str):
    model = fitted(family, cohort, case)
    if family in ("cox", "rsf"):
        uses_a_product(model)
    some = cohort.take(np.arange(N))
    design = model.encoder_.design(some.X)
    scores, survivals = shap_values(model, some), shap_values(model, some, TIMES)
    names = list(model.feature_names_in_)
    for i, patient in enumerate(design):
        score, survival = played(model, patient, design.mean(axis=0))
        np.testing.assert_allclose(scores.values[i], shapley(score, names)[:, 0], atol=1e-10)
        np.testing.assert_allclose(survivals.values[i], shapley(survival, names), atol=1e-10)
        np.testing.assert_allclose(scores.base_values[i], score(frozenset())[0], atol=1e-10)
        np.testing.assert_allclose(survivals.base_values[i], survival(frozenset()), atol=1e-10)


def uses_a_product(model: Any) -> None:
    products = [j for j, term in enumerate(model.encoder_.terms_) if term.kind == "product"]
    if isinstance(model.mechanism_, Linear):
        assert np.abs(model.mechanism_.coef[products]).min() > 0
    else:
        assert np.isin(products, model.mechanism_.trees.term).any()


@pytest.mark.parametrize("family", ["cox", "rsf", "gbs"])
def test_an_exported_model_plays_the_same_game(cohort: Cohort, family: str, tmp_path: Any):
    model = fitted(family, cohort, CASES["levels x number"])
    export_model(model, cohort, endpoint="os").write(tmp_path / "model")
    model = coarse_model(model, cohort, "os")
    read = RiskModel.read(tmp_path / "model")
    some = cohort.take(np.arange(N))
    design, names = model.encoder_.design(some.X), list(read.predictors)
    given = pd.DataFrame(some.X[names])
    found = RiskScorer(read).score(given, explain=True)
    for i, patient in enumerate(design):
        score, _ = played(model, patient, read.reach.typical)
        expected = shapley(score, names)[:, 0]
        ours = found[[f"contribution_{name}" for name in names]].to_numpy()[i]
        np.testing.assert_allclose(ours, expected, atol=1e-10)
    np.testing.assert_allclose(
        read.reach.typical,
        seen(read.terms, read.reach.typical, read.reach.typical, frozenset()),
        atol=1e-15,
    )


def test_an_export_that_kept_means_of_products_is_explained_from_their_factors(cohort: Cohort):
    from dataclasses import replace

    model = fitted("cox", cohort, CASES["levels x number"])
    now = export_model(model, cohort, endpoint="os")
    is_product = np.array([term.kind == "product" for term in now.terms])
    typical = np.where(is_product, 0.3, now.reach.typical)
    before = replace(now, reach=replace(now.reach, typical=typical))
    for times in (None, TIMES):
        ours, theirs = shap_values(now, cohort, times), shap_values(before, cohort, times)
        np.testing.assert_array_equal(ours.values, theirs.values)
        np.testing.assert_array_equal(ours.base_values, theirs.base_values)


AGE = Term("a", "a", "number")
OTHER = Term("b", "b", "number")
BOTH = Term("a x b", "a", "product", factors=("a", "b"))
HAZARD = np.array([0.0, 0.2, 0.5])


def stump(term: int, worth: tuple[float, float]) -> dict[str, Any]:
    return {"left": [1, -1, -1], "right": [2, -1, -1], "term": [term, -1, -1],
            "threshold": [0.5, 0, 0], "n_patients": [40, 30, 10],
            "value": [[0.0], [worth[0]], [worth[1]]]}  # fmt: skip


@pytest.mark.parametrize(
    "mechanism",
    [
        Linear(np.array([0.4, 0.4, 1.5]), HAZARD),
        Boosted(Trees.join([stump(2, (-0.5, 1.0)), stump(0, (0, 1)), stump(1, (0, 1))]), HAZARD),
        Forest(Trees.join([stump(2, (0.1, 0.7))]), np.array([1])),
    ],
    ids=["linear", "boosted", "forest"],
)
def test_equals_share_equally(mechanism: Any):
    """Two variables alike in all that the model knows of them, whichever is named first."""
    design = np.array([[2.0, 2.0, 4.0], [-1.0, -1.0, 1.0]])
    reference = np.array([0.5, 0.5, 99.0])
    terms = (AGE, OTHER, BOTH)
    asked = make_question(mechanism, design, reference, terms, ("a", "b"), family="toy")
    score, base = explain_score(asked)
    survival, _ = explain_survival(asked, np.array([1, 2]))
    np.testing.assert_allclose(score[:, 0], score[:, 1], rtol=1e-12)
    np.testing.assert_allclose(survival[:, 0], survival[:, 1], rtol=1e-12)
    assert np.abs(score).min() > 0.01
    if isinstance(mechanism, Linear):
        assert base == pytest.approx(0.4 * 0.5 + 0.4 * 0.5 + 1.5 * 0.25)


def test_a_product_with_an_unused_variable_gives_it_its_share():
    """By hand: 1.5 (x_a - r_a)(x_b + r_b) / 2, and the same of b."""
    mechanism = Linear(np.array([0.0, 0.0, 1.5]), HAZARD)
    asked = make_question(
        mechanism,
        np.array([[2.0, 1.0, 2.0]]),
        np.array([0.5, 0.25, 0.0]),
        (AGE, OTHER, BOTH),
        ("a", "b"),
        family="toy",
    )
    values, base = explain_score(asked)
    np.testing.assert_allclose(values, [[1.5 * 1.5 * 1.25 / 2, 1.5 * 0.75 * 2.5 / 2]])
    assert base == pytest.approx(1.5 * 0.125)


def test_without_products_a_linear_value_is_coefficient_times_distance(cohort: Cohort):
    model = fitted("cox", cohort, (["age", "karyotype", "tp53_mut"], {"age": 4}, []))
    design, terms = model.encoder_.design(cohort.X), model.encoder_.terms_
    by_term = (design - design.mean(axis=0)) * model.mechanism_.coef
    found = shap_values(model, cohort).values
    for j, name in enumerate(model.feature_names_in_):
        own = [term.variable == name for term in terms]
        np.testing.assert_allclose(found[:, j], by_term[:, own].sum(axis=1), atol=1e-12)


def test_coefficients_of_products_are_per_unit_of_both(cohort: Cohort):
    model = fitted("cox", cohort, (["age", "pb_blasts"], {}, [("age", "pb_blasts")]))
    rows = coefficient_table(cohort, {"cox": model}).set_index("term")
    patients = pd.DataFrame({"age": [40, 50, 40, 50], "pb_blasts": [10.0, 10.0, 30.0, 30.0]})
    low, older, blasts, both = model.predict(patients)
    per_unit = (both - older - blasts + low) / (10 * 20)
    row = rows.loc["age x pb_blasts"]
    assert row["coef"] == pytest.approx(per_unit, rel=1e-9)
    assert row["label"] == "Age x Peripheral-blood blasts (age x pb_blasts)"


def test_a_product_of_unknown_terms_is_refused(cohort: Cohort, tmp_path: Any):
    from dataclasses import replace

    model = fitted("cox", cohort, CASES["number x yes/no"])
    exported = export_model(model, cohort, endpoint="os")
    replace(exported, terms=exported.terms[::-1]).write(tmp_path / "model")
    with pytest.raises(RiskModelError, match="product of terms that do not come before"):
        RiskModel.read(tmp_path / "model")


def test_tables_speak_of_variables_and_their_own_terms(cohort: Cohort):
    models = {name: fitted(name, cohort, CASES["number x yes/no"]) for name in ("cox", "rsf")}
    table = directions(models, cohort)
    assert not table["term"].str.contains(" x ").any()
    assert table.loc[table["model"] == "cox", "agrees"].all()
    ranked = importance(models["cox"], cohort).set_index("variable")["mean_abs_shap"]
    values = np.abs(shap_values(models["cox"], cohort).values).mean(axis=0)
    np.testing.assert_allclose(ranked[list(models["cox"].feature_names_in_)], values)
    assert set(effects_over_time(models["rsf"], cohort, TIMES)["variable"]) == set(ranked.index)
