"""Instability of predicted risks under refits."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.models import make_model
from allsurv.validation import instability
from allsurv.validation.resampling import draw_bootstraps


def test_it_is_the_mean_absolute_difference_to_the_refits(toy_cohort):
    cohort = toy_cohort(80, 4)
    X, y = cohort.X, cohort.y("os")
    model = make_model("cox", cohort.study).fit(X, y)
    found = instability({"cox": model}, cohort, n_bootstrap=5).summary
    risks = [
        1
        - make_model("cox", cohort.study)
        .fit(X.iloc[s.train], y[s.train])
        .predict_survival(X, [12, 24])
        for s in draw_bootstraps(80, 5, 0)
    ]
    original = 1 - model.predict_survival(X, [12, 24])
    per_patient = np.abs(np.array(risks) - original).mean(axis=0)
    np.testing.assert_allclose(found["mape"], per_patient.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found["mape_95"], np.quantile(per_patient, 0.95, axis=0), rtol=1e-12)
    assert found["n_resamples"].tolist() == [5, 5]


def test_more_patients_make_it_smaller(toy_cohort):
    found = []
    for n in (60, 600):
        cohort = toy_cohort(n, 5)
        model = make_model("cox", cohort.study).fit(cohort.X, cohort.y("os"))
        found.append(instability({"cox": model}, cohort, n_bootstrap=10).summary["mape"].mean())
    # The error falls with the root of n: by about 3.2 from 60 to 600.
    assert found[0] / found[1] == pytest.approx(3.2, rel=0.4)


def test_what_no_refit_reaches_is_missing_with_its_reason(toy_cohort):
    cohort = toy_cohort(60, 6)
    model = make_model("cox", cohort.study).fit(cohort.X, cohort.y("os"))
    last = model.max_time_
    found = instability({"cox": model}, cohort, horizons=[12, last], n_bootstrap=10).summary
    beyond = found[found["horizon"] == last].iloc[0]
    assert beyond["n_failed"] > 0
    assert beyond["n_resamples"] + beyond["n_failed"] == 10
    assert "follow-up of the patients fitted on ends at" in beyond["reason"]
