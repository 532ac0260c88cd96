"""Firth's penalised likelihood equals its brute-force maximum (tests/reference/firth.R)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq

from allsurv.errors import ModelError
from allsurv.stats.cox.fit import fit_cox

CASES = json.loads((Path(__file__).parents[2] / "reference" / "firth.json").read_text())["cases"]


def fit(data):
    options = {name: data[name] for name in ("start", "weights", "strata") if name in data}
    return fit_cox(data["time"], data["event"], data["x"], ties=data["ties"], firth=True, **options)


def test_there_are_cases_of_every_kind():
    assert len(CASES) >= 40
    for option in ("start", "weights", "strata"):
        assert sum(option in case["data"] for case in CASES) >= 5
    monotone = 0
    for case in CASES:
        data = case["data"]
        try:
            fit_cox(data["time"], data["event"], data["x"], ties=data["ties"])
        except ModelError:
            monotone += 1
    assert monotone >= 10


def test_coefficients_and_likelihood(record_difference):
    worst = 0.0
    for case in CASES:
        ours = fit(case["data"])
        # The brute-force maximum is known to about 1e-8 standard errors, the likelihood better.
        gap = np.abs(ours.coef - np.atleast_1d(case["coef"])) / ours.std_error
        worst = max(worst, float(gap.max()))
        assert [ours.loglik_null, ours.loglik] == pytest.approx(case["loglik"], rel=1e-11)
    assert worst < 1e-7
    record_difference("fit_cox(firth=True)", "brute force in R (as coxphf)", worst)


def test_profile_limits_and_tests(record_difference):
    worst, seen = 0.0, 0
    for case in CASES:
        if "lower" not in case:
            continue
        seen += 1
        ours = fit(case["data"])
        limits = np.log([ours.lower, ours.upper])
        expected = np.array([np.atleast_1d(case["lower"]), np.atleast_1d(case["upper"])])
        worst = max(worst, float((np.abs(limits - expected) / ours.std_error).max()))
        assert ours.z**2 == pytest.approx(np.atleast_1d(case["statistic"]), rel=1e-7, abs=1e-9)
    assert seen >= 12
    assert worst < 1e-6
    record_difference("CoxFit.lower, upper (firth=True)", "brute force in R (as coxphf)", worst)


def test_one_binary_covariate_by_hand():
    # Events x = 1, 0 at 1, 2 among x = 1, 0, 0: u/(u + 2) * 1/2. The information is 2u/(u + 2)**2,
    # of the first event alone, so the penalised likelihood is u/(u+2) * sqrt(2u)/(u+2) * 1/2, whose
    # logarithm has the derivative 3/2 - 2u/(u + 2) in log u: 0 at u = 6.
    ours = fit_cox([1, 2, 3], [1, 1, 0], [[1], [0], [0]], firth=True)
    assert ours.hazard_ratio[0] == pytest.approx(6, rel=1e-9)
    assert ours.std_error[0] == pytest.approx(8 / np.sqrt(12), rel=1e-9)

    def penalised(u):
        return 1.5 * np.log(u) - 2 * np.log(u + 2)

    # Upper limit: the logarithm falls by half the 0.95 quantile of chi-squared with 1 df.
    upper = brentq(lambda u: penalised(6) - penalised(u) - 3.841458820694124 / 2, 6, 1e6)
    assert ours.upper[0] == pytest.approx(upper, rel=1e-7)
    lower = brentq(lambda u: penalised(6) - penalised(u) - 3.841458820694124 / 2, 1e-6, 6)
    assert ours.lower[0] == pytest.approx(lower, rel=1e-7)


def test_the_unit_of_a_covariate_changes_its_coefficient_only():
    data = CASES[1]["data"]
    x = np.array(data["x"], dtype=float)
    days = fit(data | {"x": (x * 30 + 1000).tolist()})
    months = fit(data)
    assert days.coef * 30 == pytest.approx(months.coef, rel=1e-7)
    assert days.p_value == pytest.approx(months.p_value, rel=1e-6)
    assert days.lr_test.statistic == pytest.approx(months.lr_test.statistic, rel=1e-9)


def test_curves_and_residuals_follow():
    data = CASES[0]["data"]
    ours = fit(data)
    survival = ours.survival(data["x"][:3], [2, 5]).survival
    assert np.all((survival > 0) & (survival <= 1))
    assert ours.residuals("martingale").sum() == pytest.approx(0, abs=1e-9)
