"""Weights of censoring that depend on the patient: R, by hand, and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.errors import ModelError, MonotoneError, OutcomeError
from allsurv.stats.measures.auc import auc
from allsurv.stats.measures.brier import brier, ipa
from allsurv.stats.measures.calibration import (
    calibration_curve,
    calibration_errors,
    observed_expected_ratio,
)
from allsurv.stats.measures.censoring import CensoringDistribution
from allsurv.stats.measures.net_benefit import net_benefit
from allsurv.stats.measures.patient_censoring import fit_censoring
from allsurv.stats.outcome import make_y


@pytest.fixture(scope="module")
def two_eras(reference):
    found = reference("covariate_censoring")
    patients = {name: np.array(column) for name, column in found["patients"].items()}
    y = make_y(patients["time"], patients["event"] == 1)
    X = np.column_stack([patients["era"], patients["z"]]).astype(float)
    return found, patients, y, X


def test_auc_and_brier_as_risk_regression(two_eras, record_difference):
    found, patients, y, X = two_eras
    censoring = fit_censoring(y, X)
    worst = {"auc": 0.0, "brier": 0.0}
    for scores in found["scores"]:
        for name, measure in (("auc", auc), ("brier", brier)):
            for model in ("risk", "other"):
                ours = measure(y, patients[model], scores["horizon"], censoring=censoring)
                theirs = scores[name][model]
                worst[name] = max(
                    worst[name],
                    abs(ours.value - theirs["value"]),
                    abs(ours.std_error - theirs["std_error"]),
                )
    for name, difference in worst.items():
        record_difference(f"fit_censoring: {name}", "riskRegression::Score(cens.model)", difference)
    # R's own model of censoring stops at a relative change of 1e-6.
    assert max(worst.values()) < 1e-7


def test_differences_as_risk_regression(two_eras):
    found, patients, y, X = two_eras
    censoring = fit_censoring(y, X)
    for scores in found["scores"]:
        for name, measure in (("auc", auc), ("brier", brier)):
            one, other = (
                measure(y, patients[model], scores["horizon"], censoring=censoring)
                for model in ("risk", "other")
            )
            theirs = scores[f"{name}_difference"]
            gap = other.influence - one.influence
            assert other.value - one.value == pytest.approx(theirs["value"], abs=1e-7)
            assert np.sqrt(gap @ gap) == pytest.approx(theirs["std_error"], abs=1e-7)


def test_without_covariates_it_is_the_one_curve(two_eras):
    _, patients, y, _ = two_eras
    alike = fit_censoring(y)
    curve = CensoringDistribution.fit(y)
    np.testing.assert_allclose(alike.before, curve.before(y["time"]), atol=1e-14)
    np.testing.assert_allclose(alike.at(30.0), curve.at(30.0), atol=1e-14)
    for measure in (auc, brier, ipa):
        one, other = (
            measure(y, patients["risk"], 36, censoring=censoring) for censoring in (None, alike)
        )
        assert other.value == pytest.approx(one.value, abs=1e-12)
        assert other.std_error == pytest.approx(one.std_error, abs=1e-12)


def test_groups_by_hand_with_an_event_and_a_censoring_at_one_time():
    # Group a: at 2 an event and a censoring; the event leaves first, so one of two is censored.
    # Group b: one of three is censored at 1, one of the remaining two at 3.
    y = make_y([2, 2, 5, 1, 3, 4], [1, 0, 1, 0, 0, 1])
    found = fit_censoring(y, strata=["a", "a", "a", "b", "b", "b"])
    np.testing.assert_allclose(found.at(2), [1 / 2] * 3 + [2 / 3] * 3)
    np.testing.assert_allclose(found.at(3), [1 / 2] * 3 + [1 / 3] * 3)
    np.testing.assert_allclose(found.before, [1, 1, 1 / 2, 1, 2 / 3, 1 / 3])
    # At 3.5 the weights are 1 for the event at 2, 2 for who is followed to 5, 3 for who is to 4.
    ratio = observed_expected_ratio(y, np.full(6, 0.5), 3.5, censoring=found)
    assert ratio.value == pytest.approx((1 / 6) / 0.5)
    benefit = net_benefit(y, [0.9, 0.1, 0.8, 0.1, 0.1, 0.1], 3.5, [0.5, 0.85], censoring=found)
    np.testing.assert_allclose(benefit.model, [1 / 6 - 2 / 6, 1 / 6])
    np.testing.assert_allclose(benefit.treat_all[0], 1 / 6 - 5 / 6)


def test_the_cost_of_estimating_is_that_of_leaving_patients_out():
    """The influence function against what the average does when a patient counts a little more."""
    rng = np.random.default_rng(3)
    n = 80
    x = rng.normal(size=n)
    death, end = rng.exponential(20 * np.exp(-x)), rng.exponential(30 * np.exp(0.5 * x))
    y = make_y(np.minimum(death, end), death <= end)
    risk = 1 / (1 + np.exp(-x))
    for strata in (None, (x > 0.5).astype(int)):
        for measure in (brier, auc):
            whole = measure(y, risk, 15, censoring=fit_censoring(y, x, strata=strata))
            jackknife = np.empty(n)
            for i in range(n):
                kept = np.arange(n) != i
                part = None if strata is None else strata[kept]
                censoring = fit_censoring(y[kept], x[kept], strata=part)
                jackknife[i] = measure(y[kept], risk[kept], 15, censoring=censoring).value
            added = (jackknife.mean() - jackknife) * (n - 1) / n
            assert np.corrcoef(added, whole.influence)[0, 1] > 0.995
            assert np.sqrt(added @ added) == pytest.approx(whole.std_error, rel=0.05)


def test_neither_unit_nor_order_of_patients_matters(two_eras):
    _, patients, y, X = two_eras
    order = np.random.default_rng(0).permutation(y.size)
    days = make_y(y["time"] * 30.4375, y["event"])
    first = fit_censoring(y, X)
    for measure in (auc, brier, ipa, observed_expected_ratio):
        one = measure(y, patients["risk"], 36, censoring=first)
        two = measure(days, patients["risk"], 36 * 30.4375, censoring=fit_censoring(days, X))
        three = measure(
            y[order], patients["risk"][order], 36, censoring=fit_censoring(y[order], X[order])
        )
        for other in (two, three):
            assert tuple(other)[:3] == pytest.approx(tuple(one)[:3], abs=1e-9)


def test_known_probabilities_cost_nothing(two_eras):
    _, patients, y, X = two_eras
    fitted = fit_censoring(y, X)
    known = fitted.take(np.arange(y.size))
    assert brier(y, patients["risk"], 36, censoring=known).value == pytest.approx(
        brier(y, patients["risk"], 36, censoring=fitted).value, abs=1e-15
    )
    assert not known.influence(36, np.ones(y.size)).any()
    half = y["time"] > np.median(y["time"])
    np.testing.assert_array_equal(fitted.take(half).at(20), fitted.at(20)[half])


def test_two_eras_are_measured_without_the_bias_of_one_curve():
    rng = np.random.default_rng(11)
    n = 40_000
    era = (rng.random(n) < 0.6).astype(float)
    lp = -1.2 * era + 0.8 * rng.normal(size=n)
    death = 32 * (rng.exponential(size=n) * np.exp(-lp)) ** (1 / 0.8)
    end = np.where(era == 1, rng.uniform(6, 60, n), rng.uniform(48, 110, n))
    risk = 1 - np.exp(-np.exp(lp) * (36 / 32) ** 0.8)
    y, full = make_y(np.minimum(death, end), death <= end), make_y(death, np.ones(n, bool))
    by_era = fit_censoring(y, strata=era)
    for measure in (auc, ipa, brier, observed_expected_ratio):
        truth = measure(full, risk, 36).value
        assert abs(measure(y, risk, 36, censoring=by_era).value - truth) < 0.008
        assert abs(measure(y, risk, 36).value - truth) > 0.012
    # Risks halved among the early patients: what the curve shows there is known.
    wrong = np.where(era == 1, risk, risk / 2)
    truth = calibration_errors(full, wrong, 36).ici
    assert calibration_errors(y, wrong, 36, censoring=by_era).ici == pytest.approx(truth, abs=0.01)
    assert abs(calibration_errors(y, wrong, 36).ici - truth) > 0.012
    curve = calibration_curve(y, wrong, 36, censoring=by_era, at=[0.3])
    assert curve.lower[0] < curve.observed[0] < curve.upper[0]


def test_what_cannot_be_followed_has_a_reason():
    # Group b is never followed beyond 3, and its last patient is censored there.
    y = make_y([6, 7, 2, 3], [1, 0, 1, 0])
    found = fit_censoring(y, strata=[0, 0, 1, 1])
    assert np.array_equal(found.at(5), [1, 1, 0, 0])
    assert brier(y, [0.5, 0.4, 0.6, 0.3], 5, censoring=found).reason == ""
    nobody = fit_censoring(make_y([1, 2], [1, 1]), [[0.0], [1.0]])
    assert nobody.at(1.5).tolist() == [1, 1]


def test_refusals(two_eras):
    _, patients, y, X = two_eras
    found = fit_censoring(y, X)
    with pytest.raises(ModelError, match="of 160 patients, but 10 are measured"):
        brier(y[:10], patients["risk"][:10], 36, censoring=found)
    with pytest.raises(OutcomeError, match="fit_censoring: strata has shape"):
        fit_censoring(y, strata=[1, 2])
    never = np.where(y["event"], 0.0, 1.0)
    with pytest.raises(MonotoneError, match="era"):
        fit_censoring(y, never, names=["era"])
    assert np.isfinite(fit_censoring(y, never, firth=True).before).all()
