"""The page of vouchers: every function that names one stands there with the difference seen."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import allsurv.stats

PAGE = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text()

BEHIND = {  # what the tests reach through another function of the page
    "baseline_hazard": "CoxFit.baseline",
    "compare_groups": "chi_squared",
    "cox_snell_r2": "required_sample_size",
    "deviance_residuals": "CoxFit.residuals",
    "dfbeta_residuals": "CoxFit.residuals",
    "expected_counts": "chi_squared",
    "expected_shrinkage": "required_sample_size",
    "fisher_p_value": "fisher_exact",
    "increments": "CoxFit.baseline",
    "landmark": "landmark_cox_table",
    "martingale_residuals": "CoxFit.residuals",
    "max_cox_snell_r2": "required_sample_size",
    "observed_risk": "observed_expected_ratio",
    "predicted_survival": "CoxFit.survival",
    "profile_limits": "CoxFit.lower, upper",
    "proportional_hazards_test": "CoxFit.proportional_hazards_test",
    "robust_covariance": "fit_cox",
    "schoenfeld_residuals": "CoxFit.residuals",
    "score_residuals": "CoxFit.residuals",
    "supported_parameters": "required_sample_size",
    "survival_along_path": "CoxFit.survival_path",
    "weighted_concordance": "harrell_c_many",
}


def vouched():
    for module in pkgutil.walk_packages(allsurv.stats.__path__, "allsurv.stats."):
        home = importlib.import_module(module.name)
        for name in getattr(home, "__all__", ()):
            thing = getattr(home, name)
            members = inspect.getmembers(thing) if inspect.isclass(thing) else ()
            things = {name: thing} | {f"{name}.{n}": m for n, m in members if n[0] != "_"}
            for found, function in things.items():
                if not inspect.isclass(function) and "Checked against" in (function.__doc__ or ""):
                    yield found


@pytest.mark.parametrize("function", sorted(set(vouched())))
def test_a_function_with_a_voucher_is_on_the_page(function):
    assert re.search(rf"`{re.escape(BEHIND.get(function, function))}\b", PAGE)
