"""Splines and interactions: the basis of R, rebuilt in each fit, carried through export."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.errors import ModelError
from allsurv.explain import shap_values
from allsurv.features import make_features
from allsurv.models import make_model
from allsurv.models.coarse import coarse_model
from allsurv.models.export import export_model
from allsurv.riskmodel.encoding import encode
from allsurv.riskmodel.model import RiskModel
from allsurv.riskmodel.splines import curved_part
from allsurv.stats.cox.fit import fit_cox

SPLINES = {"age": 4}
INTERACTIONS = (("age", "arm"), ("blasts", "tp53"))


def test_the_basis_is_that_of_rms():
    """R: rms::rcspline.eval(c(-2, -1, 0, 0.5, 1, 2, 4), knots = c(-1, 0, 1, 2), norm = 2)."""
    x, knots = np.array([-2.0, -1, 0, 0.5, 1, 2, 4]), (-1.0, 0.0, 1.0, 2.0)
    expected = [
        [0.0, 0.0, 1 / 9, 0.375, 8 / 9, 8 / 3, 20 / 3],
        [0.0, 0.0, 0.0, 0.125 / 9, 1 / 9, 2 / 3, 2.0],
    ]
    found = [curved_part(x, knots, part) for part in (0, 1)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_columns_of_a_spline_and_of_products(toy_cohort):
    cohort = toy_cohort(200, 0)
    encoder = make_features(cohort.study, splines=SPLINES, interactions=INTERACTIONS)
    table = encoder.fit_transform(cohort.X)
    assert list(table)[:3] == ["age", "age curve 1", "age curve 2"]
    products = [name for name in table if " x " in name]
    assert products == [
        "age x arm=after",
        "age curve 1 x arm=after",
        "age curve 2 x arm=after",
        "blasts x tp53 tested",
        "blasts x tp53 positive",
    ]
    np.testing.assert_allclose(
        table["blasts x tp53 positive"], table["blasts"] * table["tp53 positive"]
    )
    np.testing.assert_allclose(encode(cohort.X, encoder.terms_), table.to_numpy())
    assert encoder.imputed_["age"] == 0


def test_a_spline_finds_a_curve_that_a_line_cannot(toy_cohort):
    cohort = toy_cohort(600, 0)
    rng = np.random.default_rng(0)
    age = cohort.X["age"].to_numpy()
    time = rng.exponential(20 * np.exp(-(age**2)))
    event = np.ones(600, dtype=bool)
    loglik = {}
    for knots in (0, 4):
        encoder = make_features(cohort.study, ["age"], splines={"age": knots} if knots else {})
        fit = fit_cox(time, event, encoder.fit_transform(cohort.X).to_numpy())
        loglik[knots] = fit.loglik[1] if isinstance(fit.loglik, tuple) else fit.loglik
    assert loglik[4] - loglik[0] > 50


def test_knots_are_near_the_quantiles_and_no_patients_own_value(toy_cohort):
    cohort = toy_cohort(200, 0)
    age = cohort.X["age"].to_numpy()
    terms = make_features(cohort.study, ["age"], splines={"age": 4}).fit(cohort.X).terms_
    knots = np.array(terms[1].knots)
    assert not set(knots) & set(age)
    quantiles = np.quantile(age, [0.05, 0.35, 0.65, 0.95])
    assert np.all(np.abs(knots - quantiles) <= 0.005 * np.ptp(quantiles))


@pytest.mark.parametrize("family", ["cox", "rsf", "gbs"])
def test_they_survive_export_and_explanation(toy_cohort, family, tmp_path):
    cohort = toy_cohort(150, 1)
    model = make_model(
        family,
        cohort.study,
        random_state=0,
        features__splines=SPLINES,
        features__interactions=INTERACTIONS,
        **({"ridge": 1.0} if family == "cox" else {"n_estimators": 20}),
    ).fit(cohort.X, cohort.y("os"))
    exported = export_model(model, cohort, endpoint="os")
    exported.write(tmp_path / "model")
    read = RiskModel.read(tmp_path / "model")
    shown = coarse_model(model, cohort, "os")
    np.testing.assert_array_equal(read.risk_score(cohort.X), shown.predict(cohort.X))
    explained = shap_values(model, cohort, times=[12.0])
    assert explained.values.shape[1] == 4


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"splines": {"arm": 3}}, "a spline is of a number, with 3, 4 or 5"),
        ({"splines": {"age": 9}}, "'age' with 9 knots"),
        ({"splines": {"agee": 3}}, "Did you mean 'age'"),
        ({"interactions": [("age", "shoe")]}, "is not among the predictors"),
        ({"interactions": [("age",)]}, "a pair of predictors"),
        ({"interactions": [("age", "age")]}, "of one variable"),
        ({"interactions": [("age", "arm"), ("arm", "age")]}, "given twice"),
    ],
)
def test_what_cannot_be_is_refused(toy_cohort, asked, message):
    with pytest.raises(ModelError, match=message):
        make_features(toy_cohort(30, 0).study, **asked)
