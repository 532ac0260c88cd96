"""Explanations: exact, additive, in the clinician's variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from allsurv.cohort import Cohort
from allsurv.errors import ModelError
from allsurv.explain import exact as values_module
from allsurv.explain import importance, shap_values
from allsurv.explain.game import shapley_matrix
from allsurv.explain.trees import tree_coalitions
from allsurv.models import make_model

FAMILIES = ("cox", "coxnet", "rsf", "gbs", "cgbs")
TIMES = [3.0, 12.0, 24.0]


@pytest.fixture(scope="module")
def cohort(toy_cohort) -> Cohort:
    return toy_cohort(110, 5)


@pytest.fixture(scope="module")
def models(cohort: Cohort) -> dict[str, Any]:
    few = {"rsf": {"n_estimators": 20}, "gbs": {"n_estimators": 20}}
    return {
        family: make_model(family, cohort.study, random_state=0, **few.get(family, {})).fit(
            cohort.X, cohort.y("os")
        )
        for family in FAMILIES
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_values_sum_to_the_risk_score(cohort: Cohort, models: dict[str, Any], family: str):
    model = models[family]
    found = shap_values(model, cohort)
    assert found.values.shape == (110, 4)
    assert found.feature_names == ["Age", "Blasts", "TP53 mutation", "Arm"]
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.base_values, model.predict(cohort.X), atol=1e-10
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_values_sum_to_survival_at_every_time(cohort: Cohort, models: dict[str, Any], family: str):
    model = models[family]
    found = shap_values(model, cohort, TIMES)
    assert found.values.shape == (110, 4, 3)
    assert found.output_names == ["3", "12", "24"]
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.base_values,
        model.predict_survival(cohort.X, TIMES),
        atol=1e-12,
    )


def test_the_explanation_is_sliced_as_shap_does(cohort: Cohort, models: dict[str, Any]):
    found = shap_values(models["cox"], cohort, TIMES)
    at_12 = found[:, :, 1]
    np.testing.assert_array_equal(at_12.values, found.values[:, :, 1])
    np.testing.assert_array_equal(at_12.base_values, found.base_values[:, 1])
    assert found[0].data[3] in ("before", "after")


def test_the_score_of_cox_is_coefficient_times_distance_from_the_mean(
    cohort: Cohort, models: dict[str, Any]
):
    model = models["cox"]
    design = model.encoder_.transform(cohort.X)
    by_term = (design - design.mean()) * model.mechanism_.coef
    found = shap_values(model, cohort).values
    np.testing.assert_allclose(found[:, 0], by_term["age"], rtol=1e-10)
    marker = by_term["tp53 tested"] + by_term["tp53 positive"]
    np.testing.assert_allclose(found[:, 2], marker, rtol=1e-10)


def test_levels_and_spline_terms_are_summed_to_their_variable(made_up):
    cohort = made_up(n=110)
    model = make_model(
        "cox",
        cohort.study,
        predictors=["age", "karyotype", "wbc"],
        features__splines={"age": 4},
        ridge=1.0,
    ).fit(cohort.X, cohort.y("os"))
    terms = model.encoder_.terms_
    assert sum(t.variable == "age" for t in terms) == 3
    assert sum(t.variable == "karyotype" for t in terms) > 3
    design = model.encoder_.design(cohort.X)
    by_term = (design - design.mean(axis=0)) * model.mechanism_.coef
    found = shap_values(model, cohort).values
    assert found.shape == (110, 3)
    for j, name in enumerate(("age", "karyotype", "wbc")):
        own = [t.variable == name for t in terms]
        np.testing.assert_allclose(found[:, j], by_term[:, own].sum(axis=1), atol=1e-12)


@pytest.mark.parametrize("family", ["rsf", "gbs"])
def test_tree_shap_equals_the_definition_where_variables_are_single_terms(
    cohort: Cohort, family: str
):
    few = make_model(
        family, cohort.study, predictors=["age", "blasts", "arm"], n_estimators=5, random_state=0
    )
    few.fit(cohort.X, cohort.y("os"))
    trees = few.mechanism_.trees
    leaf = trees.value.sum(axis=1) / (trees.root.size if family == "rsf" else 1)
    design = few.encoder_.design(cohort.X)
    coalitions = tree_coalitions(trees, leaf, design, np.eye(3, dtype=bool))
    np.testing.assert_allclose(coalitions[-1], few.predict(cohort.X), rtol=1e-12)
    by_definition = (shapley_matrix(3) @ coalitions).T
    np.testing.assert_allclose(shap_values(few, cohort).values, by_definition, atol=1e-10)


def test_survival_and_score_point_opposite_ways_in_cox(cohort: Cohort, models: dict[str, Any]):
    score = shap_values(models["cox"], cohort).values
    survival = shap_values(models["cox"], cohort, [12]).values[:, :, 0]
    assert (np.sign(score) == -np.sign(survival)).all()


def test_the_order_of_patients_does_not_matter(cohort: Cohort, models: dict[str, Any]):
    turned = cohort.take(np.arange(110)[::-1])
    for family in FAMILIES:
        np.testing.assert_allclose(
            shap_values(models[family], turned, [12]).values[::-1],
            shap_values(models[family], cohort, [12]).values,
            atol=1e-12,
        )


def test_chunks_of_patients_change_nothing(
    cohort: Cohort, models: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    whole = shap_values(models["gbs"], cohort, TIMES).values
    monkeypatch.setattr(values_module, "CHUNK", 16 * 7)
    np.testing.assert_allclose(shap_values(models["gbs"], cohort, TIMES).values, whole, atol=1e-14)


def test_a_value_that_does_not_add_up_is_refused(
    cohort: Cohort, models: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    def almost(*args: Any) -> tuple[np.ndarray, np.ndarray]:
        values, base = exact(*args)
        return values + 1e-7, base

    exact = values_module.tree_shap
    monkeypatch.setattr(values_module, "tree_shap", almost)
    with pytest.raises(ModelError, match="miss the prediction by"):
        shap_values(models["rsf"], cohort, TIMES)
    with pytest.raises(ModelError, match="must not be used"):
        importance(models["gbs"], cohort)


def test_importance_finds_what_matters(toy_cohort):
    cohort = toy_cohort(300, 1, effects={"age": 1.0, "blasts": 0.01})
    for family in ("cox", "gbs"):
        model = (
            make_model(family, cohort.study, random_state=0, n_estimators=30)
            if (family == "gbs")
            else make_model(family, cohort.study)
        )
        found = importance(model.fit(cohort.X, cohort.y("os")), cohort)
        assert found["variable"].iloc[0] == "age"
        assert found["rank"].tolist() == [1, 2, 3, 4]
        assert found["mean_abs_shap"].is_monotonic_decreasing
        assert found["share"].sum() == pytest.approx(1)


def test_kaplan_meier_cannot_be_explained(cohort: Cohort):
    model = make_model("null", cohort.study).fit(cohort.X, cohort.y("os"))
    with pytest.raises(ModelError, match="gives every patient the same prediction"):
        shap_values(model, cohort)


def test_a_time_beyond_follow_up_is_refused(cohort: Cohort, models: dict[str, Any]):
    with pytest.raises(ModelError, match="beyond the follow-up"):
        shap_values(models["cox"], cohort, [1e6])
