"""Fine-Gray and cause-specific Cox models against R (`tests/reference/competing_regression.R`)."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.stats.competing.cause_specific import fit_cause_specific
from allsurv.stats.competing.fine_gray import fit_fine_gray
from stats.competing.cohorts import transplanted


@pytest.fixture(scope="module")
def made(reference):
    return reference("competing_regression")


def covariates(data):
    return np.column_stack([data["x1"], data["x2"]])


def just_after(times, follow_up):
    """Give the times of R, which come back from JSON rounded, so that none is missed."""
    return np.minimum(np.array(times) * (1 + 1e-12), np.max(follow_up))


def apart(ours, theirs, scale=1.0):
    """Largest difference, relative where the reference is above ``scale``."""
    theirs = np.asarray(theirs, dtype=float)
    assert np.isfinite(ours).all()
    assert np.isfinite(theirs).all()
    return float(np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs), scale)))


def test_crr_coefficients_errors_and_predictions(made, record_difference):
    worst = {"coef": 0.0, "std_error": 0.0, "incidence": 0.0}
    for case in made["cases"]:
        data, theirs = case["data"], case["crr"]
        X = covariates(data)
        fit = fit_fine_gray(data["time"], data["cause"], X)
        np.testing.assert_allclose(fit.loglik, theirs["loglik"], rtol=1e-12)
        np.testing.assert_allclose(fit.loglik_null, theirs["loglik_null"], rtol=1e-12)
        np.testing.assert_allclose(np.sqrt(fit.covariance.diagonal()), theirs["naive"], rtol=1e-8)
        worst["coef"] = max(worst["coef"], apart(fit.coef, theirs["coef"]))
        worst["std_error"] = max(worst["std_error"], apart(fit.std_error, theirs["std_error"], 0))
        predicted = fit.incidence(X[:3], just_after(theirs["times"], data["time"]))
        worst["incidence"] = max(worst["incidence"], apart(predicted, theirs["incidence"]))
    record_difference("fit_fine_gray", "cmprsk::crr", max(worst["coef"], worst["std_error"]))
    record_difference("FineGrayFit.incidence", "cmprsk::predict.crr", worst["incidence"])
    assert len(made["cases"]) == 40
    assert max(worst.values()) < 1e-8


def test_groups_of_censoring_as_crr(made, record_difference):
    worst = 0.0
    for case in made["cases"]:
        data, theirs = case["data"], case["crr_grouped"]
        fit = fit_fine_gray(
            data["time"], data["cause"], covariates(data), censoring_group=data["strata"]
        )
        worst = max(worst, apart(fit.coef, theirs["coef"]))
        np.testing.assert_allclose(np.sqrt(fit.covariance.diagonal()), theirs["naive"], rtol=1e-8)
    record_difference("fit_fine_gray (censoring_group)", "cmprsk::crr(cengroup=)", worst)
    assert worst < 1e-8


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("efron", {}),
        ("breslow", {"ties": "breslow"}),
        ("weighted", {"weights": "w"}),
        ("clustered", {"cluster": "centre"}),
        ("entry", {"start": "start"}),
    ],
)
def test_finegray_with_coxph(made, record_difference, kind, arguments):
    worst = 0.0
    for case in made["cases"]:
        data, theirs = case["data"], case[kind]
        named = {key: data.get(value, value) for key, value in arguments.items()}
        fit = fit_fine_gray(
            data["time"], data["cause"], covariates(data), convention="finegray", **named
        )
        np.testing.assert_allclose([fit.loglik_null, fit.loglik], theirs["loglik"], rtol=1e-10)
        worst = max(
            worst,
            apart(fit.coef, theirs["coef"]),
            apart(fit.std_error, theirs["std_error"], 0),
            apart(np.sqrt(fit.covariance.diagonal()), theirs["naive"], 0),
        )
    record_difference(f"fit_fine_gray ({kind})", "survival::finegray, coxph", worst)
    assert worst < 1e-8


def test_cause_specific_models_and_incidences(made, record_difference):
    coefficient = incidence = 0.0
    compared = 0
    for case in made["cases"]:
        data, theirs = case["data"], case["causes"]
        X = covariates(data)
        fit = fit_cause_specific(data["time"], data["cause"], X)
        predicted = fit.incidence(X[:3], just_after(theirs["times"], data["time"]))
        # Hazards of one time may exceed 1 together: R goes on with a negative probability.
        left = predicted.event_free > 0
        compared += left.sum()
        for k in range(2):
            coefficient = max(coefficient, apart(fit.fits[k].coef, theirs["coef"][k]))
            of_r = np.array(theirs["incidence"][k])[left]
            incidence = max(incidence, apart(predicted.incidence[k][left], of_r))
    record_difference("fit_cause_specific", "riskRegression::CSC", coefficient)
    record_difference("CauseSpecificFit.incidence", "riskRegression::predict(CSC)", incidence)
    assert compared > 1200
    assert max(coefficient, incidence) < 1e-8


def test_transplanted_patients(made, record_difference):
    theirs = made["ebmt1"]
    time, cause, X = transplanted()
    crr = fit_fine_gray(time, cause, X)
    finegray = fit_fine_gray(time, cause, X, convention="finegray")
    worst = max(
        apart(crr.coef, theirs["crr"]["coef"]),
        apart(crr.std_error, theirs["crr"]["std_error"], 0),
        apart(finegray.coef, theirs["finegray"]["coef"]),
        apart(finegray.std_error, theirs["finegray"]["std_error"], 0),
    )
    record_difference("fit_fine_gray (ebmt1)", "cmprsk::crr, survival::finegray", worst)
    assert worst < 1e-8
    # By default crr stops early, up to 9e-7 from its own maximum.
    np.testing.assert_allclose(crr.coef, theirs["crr_default"]["coef"], atol=1e-6)
    np.testing.assert_allclose(crr.coef[:2], [-0.003445839981, 0.279889743690], atol=1e-7)
    fits = fit_cause_specific(time, cause, X)
    for k in range(2):
        np.testing.assert_allclose(fits.fits[k].coef, theirs["causes"]["coef"][k], atol=1e-9)
    predicted = fits.incidence(X[:20], theirs["causes"]["times"])
    np.testing.assert_allclose(predicted.incidence, theirs["causes"]["incidence"], atol=1e-10)
