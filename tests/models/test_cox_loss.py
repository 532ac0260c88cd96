"""The sorted Cox loss is scikit-survival's, number for number."""

from __future__ import annotations

import numpy as np
import pytest
from sksurv.ensemble import GradientBoostingSurvivalAnalysis
from sksurv.ensemble.survival_loss import CoxPH

from allsurv.models.cox_loss import CoxBoosting, _SortedCoxPH
from allsurv.stats.outcome import make_y


def patients(seed, n, *, distinct):
    random = np.random.default_rng(seed)
    time = random.integers(1, distinct + 1, n).astype(float)
    return (
        random.normal(size=(n, 5)),
        make_y(time, random.random(n) < 0.6),
        random.normal(size=n) * 3,
    )


@pytest.mark.parametrize(("n", "distinct"), [(2, 2), (30, 5), (200, 400), (200, 1)])
def test_loss_and_gradient_equal_those_of_scikit_survival(n, distinct):
    _, y, score = patients(n, n, distinct=distinct)
    raw = score.reshape(-1, 1)
    assert _SortedCoxPH()(y, raw) == pytest.approx(CoxPH()(y, raw), rel=1e-12, abs=1e-13)
    np.testing.assert_allclose(
        _SortedCoxPH().gradient(y, raw), CoxPH().gradient(y, raw), rtol=1e-10, atol=1e-12
    )


def test_extreme_scores_do_not_overflow():
    _, y, score = patients(1, 50, distinct=20)
    gradient = _SortedCoxPH().gradient(y, score * 200)
    assert np.isfinite(gradient).all()
    assert gradient.sum() == pytest.approx(0, abs=1e-9)


def test_the_fitted_model_is_the_same():
    # Leaves as in the catalogue: in leaves of one patient splits tie, and rounding breaks the tie.
    X, y, _ = patients(7, 300, distinct=300)
    params = {"n_estimators": 40, "max_depth": 2, "subsample": 0.5, "min_samples_leaf": 11}
    params["random_state"] = 3
    ours = CoxBoosting(**params).fit(X, y).predict(X)
    theirs = GradientBoostingSurvivalAnalysis(**params).fit(X, y).predict(X)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)
