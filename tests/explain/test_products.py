"""A declared product is known when both of its variables are; what it adds is theirs alike."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from allsurv.errors import RiskModelError
from allsurv.explain import directions, shap_values
from allsurv.explain.trees import tree_shap
from allsurv.features import make_features
from allsurv.features.products import variables_used, with_products
from allsurv.models import make_model
from allsurv.models.riskmodel import RiskModel

NAMES = ["age", "blasts", "arm", "tp53"]
PRODUCTS = [("age", "arm"), ("blasts", "tp53"), ("age", "blasts")]
PATIENTS = slice(0, 6)
GIVEN = {
    "cox": {"ridge": 1.0},
    "gbs": {"n_estimators": 8, "max_depth": 3},
    "rsf": {"n_estimators": 6},
}


def fitted(family, cohort):
    model = make_model(
        family,
        cohort.study,
        predictors=NAMES,
        random_state=0,
        features__interactions=PRODUCTS,
        features__splines={"age": 3},
        **GIVEN[family],
    )
    return model.fit(cohort.X, cohort.y("os"))


def shapley(value):
    """Mean over all orders of arrival of what each variable adds."""
    orders = list(permutations(NAMES))
    out = 0.0
    for order in orders:
        known, before = set(), value(frozenset())
        added = {}
        for name in order:
            known.add(name)
            after = value(frozenset(known))
            added[name] = after - before
            before = after
        out = out + np.array([added[name] for name in NAMES])
    return out / len(orders)


def expected(trees, node, x, is_known):
    """Leaf value of one tree, weighted by patients where its question cannot be answered."""
    left, right = trees.left[node], trees.right[node]
    if left < 0:
        return trees.value[trees.leaf[node], 0]
    term = trees.term[node]
    below, above = (expected(trees, child, x, is_known) for child in (left, right))
    if is_known[term]:
        return below if np.float32(x[term]) <= trees.threshold[node] else above
    return (trees.n_patients[left] * below + trees.n_patients[right] * above) / trees.n_patients[
        node
    ]


@pytest.mark.parametrize("family", ["cox", "gbs"])
def test_survival_and_score_follow_the_definition(toy_cohort, family):
    cohort = toy_cohort(150, 1)
    model = fitted(family, cohort)
    mechanism, terms = model.mechanism_, model.encoder_.terms_
    design = model.encoder_.design(cohort.X)
    typical = design.mean(axis=0)
    needs = [set(used) for used in variables_used(terms)]
    step = int(np.flatnonzero(model.times_ == 12.0)[0])

    def score(x, known):
        is_known = [need <= known for need in needs]
        if family == "cox":
            return float(np.where(is_known, x, typical) @ mechanism.coef)
        trees = mechanism.trees
        return sum(expected(trees, root, x, is_known) for root in trees.root)

    def survival(x, known):
        return np.exp(-mechanism.hazard[step] * np.exp(score(x, known)))

    scores = shap_values(model, cohort).values[PATIENTS]
    curves = shap_values(model, cohort, [12.0]).values[PATIENTS, :, 0]
    for x, of_score, of_survival in zip(design[PATIENTS], scores, curves, strict=True):
        np.testing.assert_allclose(of_survival, shapley(lambda k, x=x: survival(x, k)), atol=1e-10)
        if family == "cox":
            np.testing.assert_allclose(of_score, shapley(lambda k, x=x: score(x, k)), atol=1e-10)


@pytest.mark.parametrize("family", ["gbs", "rsf"])
def test_the_value_of_a_product_in_trees_is_shared_equally(toy_cohort, family):
    cohort = toy_cohort(150, 1)
    model = fitted(family, cohort)
    trees = model.mechanism_.trees
    leaf = trees.value.sum(axis=1, keepdims=True) / (trees.root.size if family == "rsf" else 1)
    by_term = tree_shap(trees, leaf, model.encoder_.design(cohort.X))[0][:, :, 0]
    shared = np.zeros((len(by_term), len(NAMES)))
    for column, used in zip(by_term.T, variables_used(model.encoder_.terms_), strict=True):
        for name in used:
            shared[:, NAMES.index(name)] += column / len(used)
    found = shap_values(model, cohort).values
    np.testing.assert_allclose(found, shared, atol=1e-12)
    assert any(len(used) == 2 for used in variables_used(model.encoder_.terms_))


def test_the_order_of_a_pair_does_not_matter(toy_cohort):
    cohort = toy_cohort(150, 2)
    found = []
    for pair in (("age", "arm"), ("arm", "age")):
        model = make_model("cox", cohort.study, predictors=NAMES, features__interactions=[pair])
        found.append(shap_values(model.fit(cohort.X, cohort.y("os")), cohort, [12.0]).values)
    np.testing.assert_allclose(*found, atol=1e-9)


def test_an_exported_model_shares_as_well_and_directions_name_products_once(toy_cohort, tmp_path):
    cohort = toy_cohort(150, 1)
    model = fitted("cox", cohort)
    RiskModel.from_model(model, cohort, endpoint="os").write(tmp_path / "model")
    read = RiskModel.read(tmp_path / "model")
    here, there = (shap_values(m, cohort).values for m in (model, read))
    centred = [values - values.mean(axis=0) for values in (here, there)]
    np.testing.assert_allclose(*centred, atol=1e-10)
    table = directions({"cox": model}, cohort)
    assert table["term"].tolist() == [
        term.name for term in sorted(model.encoder_.terms_, key=lambda t: NAMES.index(t.variable))
    ]
    assert table["agrees"].all()


def test_variables_of_products_of_every_kind(toy_cohort):
    cohort = toy_cohort(80, 0)
    terms = make_features(cohort.study, NAMES, interactions=PRODUCTS).fit(cohort.X).terms_
    used = dict(zip((term.name for term in terms), variables_used(terms), strict=True))
    assert used["blasts x tp53 positive"] == ("blasts", "tp53")
    assert used["tp53 tested"] == ("tp53",)


def test_a_product_without_its_factors_is_refused(toy_cohort, tmp_path):
    cohort = toy_cohort(150, 1)
    exported = RiskModel.from_model(fitted("cox", cohort), cohort, endpoint="os")
    terms = exported.terms
    np.testing.assert_allclose(with_products(exported.reach.typical, terms), exported.reach.typical)
    replace(exported, terms=terms[::-1]).write(tmp_path / "model")
    with pytest.raises(RiskModelError, match="product of terms that do not come before it"):
        RiskModel.read(tmp_path / "model")
