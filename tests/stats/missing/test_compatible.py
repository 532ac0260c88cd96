"""Imputation that agrees with an analysis: the outcome's likelihood, products, exact draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from allsurv.errors import ModelError
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.missing.compatible import CoxAnalysis, _Risk, impute_compatible
from allsurv.stats.missing.incomplete import Incomplete


def products(values, rows):
    x, z = values
    return np.column_stack([x, z, x * z])


def only_x(values, rows):
    return values[0][:, None]


def test_hazard_along_rows_by_hand():
    """Two patients, the first in two rows cut at 1; events at 2 and 3.

    At risk at 2: rows (1, 2] of the first with risk 2 and (0, 3] of the second with risk 1, so the
    hazard gains 1/3 there; at 3 only the second, 1.
    """
    start, stop = np.array([0.0, 1.0, 0.0]), np.array([1.0, 2.0, 3.0])
    analysis = CoxAnalysis(np.array([0, 0, 1]), start, stop, np.array([False, True, True]), only_x)
    hazard = analysis._hazard(np.log([5.0, 2.0, 1.0]))
    np.testing.assert_allclose(hazard, [0, 1 / 3, 4 / 3], rtol=1e-12)


def test_likelihood_of_a_patient_is_the_sum_over_their_rows():
    rng = np.random.default_rng(0)
    patient = np.array([0, 0, 1, 2, 2, 3])
    start, stop = np.array([0, 2, 0, 0, 1, 0.0]), np.array([2, 5, 4, 1, 6, 3.0])
    event = np.array([False, True, True, False, False, True])
    analysis = CoxAnalysis(patient, start, stop, event, products)
    x, z = rng.normal(size=4), np.array([0.0, 1.0, 1.0, 0.0])
    coef = np.array([0.4, -0.2, 0.7])
    hazard = analysis._hazard(products([x[patient], z[patient]], None) @ coef)
    risk = _Risk(analysis, coef, hazard)
    candidates = np.array([-1.0, 0.5, 2.0])
    found = risk.log_likelihood([x, z], 0, np.array([0, 2]), candidates)
    for i, who in enumerate((0, 2)):
        for j, value in enumerate(candidates):
            linear = coef @ [value, z[who], value * z[who]]
            rows = patient == who
            expected = event[rows].sum() * linear - hazard[rows].sum() * np.exp(linear)
            assert found[i, j] == pytest.approx(expected, rel=1e-12)


def cohort(n, seed):
    rng = np.random.default_rng(seed)
    z = (rng.random(n) < 0.4).astype(float)
    x = rng.normal(0.5 * z, 1)
    death = rng.exponential(20 * np.exp(-(0.8 * x + 0.4 * z - 0.7 * x * z)))
    censored = rng.uniform(10, 60, n)
    time, event = np.minimum(death, censored), death <= censored
    gone = rng.random((2, n)) < expit(-1.5 + event)
    return time, event, np.where(gone[0], np.nan, x), np.where(gone[1], np.nan, z)


def test_the_coefficient_of_a_product_is_recovered():
    # True -0.7; of 3,000 whole patients its standard error is 0.045, imputed about 0.06. Imputed
    # without the product it comes out near -0.47 (tests/benchmarks/imputation_products.py).
    time, event, x, z = cohort(3000, 5)
    variables = [Incomplete(x, "number"), Incomplete(z, "nominal")]
    analysis = CoxAnalysis(np.arange(3000), np.zeros(3000), time, event, products)
    drawn = impute_compatible(
        variables, np.empty((3000, 0)), analysis, n_imputations=4, n_iterations=5
    )
    fits = [fit_cox(time, event, products([a, b], None)).coef for a, b in zip(*drawn, strict=True)]
    assert np.abs(np.mean(fits, axis=0) - [0.8, 0.4, -0.7]).max() < 0.15
    assert np.mean(fits, axis=0)[2] < -0.58


def test_known_values_stay_drawn_ones_exist_and_the_seed_decides():
    time, event, x, z = cohort(150, 6)
    variables = [Incomplete(x, "number"), Incomplete(z, "nominal")]
    analysis = CoxAnalysis(np.arange(150), np.zeros(150), time, event, products)
    asked = {"n_imputations": 3, "n_iterations": 2}
    one, same, other = (
        impute_compatible(variables, np.empty((150, 0)), analysis, random_state=seed, **asked)
        for seed in (1, 1, 2)
    )
    for variable, drawn in zip(variables, one, strict=True):
        known = variable.known
        np.testing.assert_array_equal(drawn[:, known], np.tile(variable.values[known], (3, 1)))
        assert set(np.unique(drawn)) <= set(variable.levels)
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_ordinal_and_skewed_variables_and_a_level_without_events():
    time, event, x, _ = cohort(150, 7)
    rng = np.random.default_rng(8)
    grade = np.where(rng.random(150) < 0.2, np.nan, rng.integers(0, 3, 150))
    event = event & ~((grade == 2) | (rng.random(150) < 0.05))
    skewed = Incomplete(np.exp(x), "number", log=True)

    def columns(values, rows):
        return np.column_stack([np.log(values[0]), values[1] == 1, values[1] == 2])

    analysis = CoxAnalysis(np.arange(150), np.zeros(150), time, event, columns)
    variables = [skewed, Incomplete(grade, "ordinal")]
    nothing = np.empty((150, 0))
    drawn = impute_compatible(variables, nothing, analysis, n_imputations=2, n_iterations=3)
    assert not np.isnan(np.concatenate(drawn)).any()
    assert set(np.unique(drawn[1])) <= {0.0, 1.0, 2.0}


def test_incomplete_predictors_are_refused():
    time, event, x, z = cohort(50, 9)
    analysis = CoxAnalysis(np.arange(50), np.zeros(50), time, event, only_x)
    with pytest.raises(ModelError, match="not complete"):
        impute_compatible([Incomplete(x, "number")], z[:, None], analysis, n_imputations=1)
