"""Exact TreeSHAP against shap's own, and against the definition."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from allsurv.explain import trees as trees_module
from allsurv.explain.game import shapley_matrix
from allsurv.explain.trees import tree_coalitions, tree_shap
from allsurv.models import make_model
from allsurv.riskmodel.trees import LEAF, Trees


def for_shap(trees: Trees, leaf_value: np.ndarray) -> dict[str, Any]:
    """The same trees in the form that shap.TreeExplainer takes; leaf values in C order."""
    ends = np.append(trees.root[1:], trees.left.size)
    forms = []
    for first, last in zip(trees.root, ends, strict=True):
        nodes = slice(int(first), int(last))
        is_leaf = trees.left[nodes] == LEAF
        value = np.zeros((is_leaf.size, leaf_value.shape[1]))
        value[is_leaf] = leaf_value[trees.leaf[nodes][is_leaf]]
        left, right = (
            np.where(is_leaf, LEAF, child[nodes] - first).astype(np.int32)
            for child in (trees.left, trees.right)
        )
        forms.append(
            {
                "children_left": left,
                "children_right": right,
                "children_default": left,
                "features": trees.term[nodes].astype(np.int32),
                "thresholds": np.ascontiguousarray(trees.threshold[nodes]),
                "values": np.ascontiguousarray(value),
                "node_sample_weight": trees.n_patients[nodes].astype(float),
            }
        )
    return {"trees": forms}


@pytest.fixture(scope="module", params=["rsf", "gbs"])
def fitted(request: pytest.FixtureRequest, toy_cohort: Any) -> Any:
    cohort = toy_cohort(150, 7)
    model = make_model(
        request.param, cohort.study, n_estimators=15, min_samples_leaf=3, random_state=0
    )
    if request.param == "gbs":
        model.set_params(max_depth=4)
    return model.fit(cohort.X, cohort.y("os")), model.encoder_.design(cohort.X)


def test_values_equal_those_of_shap(fitted: Any):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        shap = pytest.importorskip("shap")
    model, design = fitted
    trees = model.mechanism_.trees
    leaf_value = trees.value[:, :2] if trees.value.shape[1] > 1 else trees.value
    explainer = shap.TreeExplainer(
        for_shap(trees, leaf_value), feature_perturbation="tree_path_dependent"
    )
    single = design.astype(np.float32).astype(float)
    theirs = np.asarray(explainer.shap_values(single, check_additivity=False))
    values, base = tree_shap(trees, leaf_value, design, np.eye(design.shape[1], dtype=bool))
    np.testing.assert_allclose(values, theirs.reshape(values.shape), atol=1e-10)
    np.testing.assert_allclose(base, np.atleast_1d(explainer.expected_value), atol=1e-10)


def test_values_follow_the_definition(fitted: Any):
    model, design = fitted
    trees, n_terms = model.mechanism_.trees, design.shape[1]
    leaf, single = trees.value.sum(axis=1), np.eye(n_terms, dtype=bool)
    coalitions = tree_coalitions(trees, leaf, design, single)
    values, base = tree_shap(trees, leaf[:, None], design, single)
    np.testing.assert_allclose(
        values[:, :, 0], (shapley_matrix(n_terms) @ coalitions).T, atol=1e-10
    )
    np.testing.assert_allclose(coalitions[0], base[0], rtol=1e-10)


def test_chunks_of_patients_and_paths_change_nothing(fitted: Any, monkeypatch: pytest.MonkeyPatch):
    model, design = fitted
    trees, single = model.mechanism_.trees, np.eye(design.shape[1], dtype=bool)
    whole, _ = tree_shap(trees, trees.value, design, single)
    monkeypatch.setattr(trees_module, "PATIENTS", 3)
    monkeypatch.setattr(trees_module, "PATHS", 5)
    again, _ = tree_shap(trees, trees.value, design, single)
    np.testing.assert_allclose(again, whole, atol=1e-13)


def test_a_tree_that_asks_nothing_is_all_base():
    only = Trees.join(
        [{"left": [-1], "right": [-1], "term": [-1], "threshold": [0], "n_patients": [9],
          "value": [[2.5]]}]
    )  # fmt: skip
    values, base = tree_shap(only, only.value, np.zeros((3, 2)), np.eye(2, dtype=bool))
    assert not values.any()
    assert base.tolist() == [2.5]
