"""Bootstrap validation of Cox models equals ``rms::validate`` on the very samples that it drew.

Made by ``tests/reference/validate.R``. rms stops Newton's method at a relative change of 1e-4;
"at_1e-9" is its function with the tolerance of ``survival::coxph`` in place of that, "as_rms" is
the function as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.cox.many import fit_cox_many
from allsurv.stats.measures.calibration import calibration_slope
from allsurv.stats.measures.discrimination import harrell_c, harrell_c_many
from allsurv.stats.outcome import make_y

VOUCHER = "rms::validate"
CASES = {
    "veteran, Efron": 0,
    "veteran, Breslow": 1,
    "simulated, Efron": 2,
    "simulated, Breslow": 3,
}


@dataclass(frozen=True)
class Validated:
    """Numbers of R, and ours: Dxy of the model, of each sample and each sample's model; slopes."""

    r: dict
    original: float
    training: np.ndarray
    test: np.ndarray
    slope: np.ndarray


@pytest.fixture(scope="module")
def validated(reference):
    """Validate one case again; rms has Dxy = 2C - 1, positive where a high hazard dies first."""
    made = reference("validate")

    @cache
    def validate(name: str) -> Validated:
        case = made["cases"][CASES[name]]
        assert name.casefold() == f"{case['cohort']}, {case['ties']}"
        cohort = made["cohorts"][case["cohort"]]
        time, event, X = (np.array(cohort[key]) for key in ("time", "event", "x"))
        copies = np.array([np.bincount(np.array(r) - 1, minlength=time.size) for r in case["rows"]])
        y = make_y(time, event)
        sets = np.vstack([np.ones(time.size), copies])
        fits = fit_cox_many(time, event, X, sets, ties=case["ties"], weights_as="copies")
        assert fits.converged.all()
        scores = fits.linear_predictors.T
        return Validated(
            case,
            2 * harrell_c(y, scores[:, 0]).value - 1,
            2 * harrell_c_many(y, scores[:, 1:], weights=copies.T) - 1,
            2 * harrell_c_many(y, scores[:, 1:]) - 1,
            np.array([slope_of(y, score, case["ties"]) for score in scores[:, 1:].T]),
        )

    return validate


def slope_of(y, score, ties):
    if ties == "efron":
        return calibration_slope(y, score).value
    return fit_cox(y["time"], y["event"], score[:, None], ties=ties).coef[0]


def summary(ours):
    """The rows of R's table, in its words."""
    optimism = ours.training.mean() - ours.test.mean()
    return {
        "Dxy": {
            "index.orig": ours.original,
            "training": ours.training.mean(),
            "test": ours.test.mean(),
            "optimism": optimism,
            "index.corrected": ours.original - optimism,
        },
        "Slope": {
            "index.orig": 1.0,
            "training": 1.0,
            "test": ours.slope.mean(),
            "optimism": 1 - ours.slope.mean(),
            "index.corrected": ours.slope.mean(),
        },
    }


def largest_difference(ours, theirs):
    assert ours.keys() == theirs.keys()
    return max(abs(ours[name] - theirs[name]) for name in ours)


@pytest.mark.parametrize("name", CASES)
def test_samples_are_those_of_a_bootstrap_with_ties(validated, name):
    case = validated(name).r
    rows = np.array(case["rows"])
    assert rows.shape[0] == 40
    assert rows.min() == 1
    assert rows.max() == rows.shape[1]
    assert len(np.unique(rows, axis=0)) == 40
    distinct = np.mean([len(set(r)) / len(r) for r in rows])
    assert distinct == pytest.approx(1 - np.exp(-1), abs=0.02)


@pytest.mark.parametrize("name", CASES)
def test_dxy(validated, name, record_difference):
    ours = validated(name)
    difference = largest_difference(summary(ours)["Dxy"], ours.r["at_1e-9"]["Dxy"])
    record_difference("harrell_c_many + fit_cox_many", VOUCHER, difference)
    assert difference < 1e-8


@pytest.mark.parametrize("name", CASES)
def test_slope(validated, name, record_difference):
    ours = validated(name)
    difference = largest_difference(summary(ours)["Slope"], ours.r["at_1e-9"]["Slope"])
    function = "calibration_slope" if ours.r["ties"] == "efron" else "fit_cox"
    record_difference(f"{function} + fit_cox_many", VOUCHER, difference)
    assert difference < 1e-8


@pytest.mark.parametrize("name", CASES)
def test_every_sample(validated, name):
    ours = validated(name)
    each = ours.r["at_1e-9"]["each"]
    np.testing.assert_allclose(ours.training, each["training_Dxy"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(ours.test, each["test_Dxy"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(ours.slope, each["test_Slope"], rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_rms_as_it_is_stops_early_and_differs_in_the_fifth_decimal(validated, name):
    ours = validated(name)
    for measure, row in summary(ours).items():
        difference = largest_difference(row, ours.r["as_rms"][measure])
        assert 0 < difference < 1e-4


def test_resampled_rows_are_the_same_as_copies(validated, reference):
    ours = validated("simulated, Efron")
    cohort = reference("validate")["cohorts"]["simulated"]
    time, event, X = (np.array(cohort[key]) for key in ("time", "event", "x"))
    rows = np.array(ours.r["rows"][0]) - 1
    fit = fit_cox(time[rows], event[rows], X[rows])
    value = harrell_c(make_y(time[rows], event[rows]), X[rows] @ fit.coef).value
    assert 2 * value - 1 == pytest.approx(ours.training[0], abs=1e-12)
