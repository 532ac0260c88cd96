"""The validation of models: no leakage, no dependence on what must not matter, nothing hidden."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort
from allsurv.errors import ModelError, OutcomeError
from allsurv.models import make_model
from allsurv.stats.measures.brier import brier
from allsurv.stats.measures.discrimination import harrell_c
from allsurv.validation import Plan, Validation
from allsurv.validation import validate as validate_one
from allsurv.validation import validate_all as validate_many
from allsurv.validation.plans import draw_folds
from allsurv.validation.summary import LIMITS

PLAN = Plan(repeats=2, folds=5)
validate = partial(validate_one, n_bootstrap=10)
validate_all = partial(validate_many, n_bootstrap=10)
COLUMNS = [
    "model", "measure", "horizon", "estimate", "lower", "upper", "level", "n_resamples", "n_failed",
    "reason", "estimator",
]  # fmt: skip


def value(
    report: Validation, measure: str, model: str = "cox", horizon: float | None = None
) -> Any:
    table = report.performance
    rows = table[(table["model"] == model) & (table["measure"] == measure)]
    if horizon is not None:
        rows = rows[rows["horizon"] == horizon]
    return rows.iloc[0]


@pytest.fixture(scope="module")
def cohort(toy_cohort) -> Cohort:
    return toy_cohort(150, 3)


@pytest.fixture(scope="module")
def report(cohort: Cohort) -> Validation:
    return validate(make_model("cox", cohort.study), cohort, plan=PLAN)


def test_the_table_has_every_measure_of_model_and_reference(report: Validation):
    table = report.performance
    assert list(table.columns) == COLUMNS
    assert set(table["model"]) == {"cox", "kaplan_meier"}
    per_model = table[table["model"] == "cox"]
    # Harrell's C, D and the integrated Brier score once, nine measures at each of two horizons.
    assert len(per_model) == 3 + 9 * 2
    assert per_model["n_failed"].sum() == 0
    assert (per_model["lower"] < per_model["estimate"]).all()
    assert (per_model["estimate"] < per_model["upper"]).all()
    assert not table.duplicated(["model", "measure", "horizon"]).any()


def test_concordance_is_the_mean_over_folds_weighted_by_comparable_pairs(
    cohort: Cohort, report: Validation
):
    X, y = cohort.X, cohort.y("os")
    values, pairs = [], []
    for split in draw_folds(y["event"], PLAN, 0):
        model = make_model("cox", cohort.study).fit(X.iloc[split.train], y[split.train])
        test = y[split.test]
        values.append(harrell_c(test, model.predict(X.iloc[split.test])).value)
        earlier = test["time"][:, None] < test["time"][None, :]
        pairs.append((earlier & test["event"][:, None]).sum())
    found = value(report, "harrell_c")
    assert found["estimate"] == pytest.approx(np.average(values, weights=pairs), rel=1e-12)
    assert found["n_resamples"] == 10


def test_brier_is_the_mean_over_repeats_of_the_pooled_risks(cohort: Cohort, report: Validation):
    X, y = cohort.X, cohort.y("os")
    risk = np.empty((2, cohort.n))
    for split in draw_folds(y["event"], PLAN, 0):
        model = make_model("cox", cohort.study).fit(X.iloc[split.train], y[split.train])
        risk[split.repeat, split.test] = 1 - model.predict_survival(X.iloc[split.test], [24])[:, 0]
    each = [brier(y, r, 24) for r in risk]
    found = value(report, "brier", horizon=24)
    assert found["estimate"] == pytest.approx(np.mean([e.value for e in each]), rel=1e-12)
    # Nadeau and Bengio: refits share four fifths of their patients.
    refits = np.sqrt(PLAN.folds * (1 / (PLAN.repeats * PLAN.folds) + 1 / (PLAN.folds - 1)))
    half = refits * 1.959963984540054 * np.sqrt(np.mean([e.std_error**2 for e in each]))
    assert found["upper"] - found["estimate"] == pytest.approx(half, rel=1e-9)
    mine = report.out_of_fold.query("model == 'cox' and horizon == 24")
    np.testing.assert_allclose(mine["risk"], risk.mean(axis=0), rtol=1e-12)
    assert (mine["n_repeats"] == 2).all()


def test_the_reference_knows_no_patient(report: Validation):
    assert value(report, "harrell_c", "kaplan_meier")["estimate"] == 0.5
    assert value(report, "auc", "kaplan_meier", 12)["estimate"] == 0.5
    for horizon in (12.0, 24.0):
        # Out of fold it is a little worse than the cohort's own curve: by about 1/n of it.
        assert -0.03 < value(report, "ipa", "kaplan_meier", horizon)["estimate"] <= 0
        assert value(report, "observed_expected_ratio", "kaplan_meier", horizon)[
            "estimate"
        ] == pytest.approx(1, abs=0.01)
    slope = value(report, "calibration_slope", "kaplan_meier", 12)
    assert np.isnan(slope["estimate"])
    assert slope["n_failed"] == 2
    assert slope["reason"] == "2x the model gives all patients of a fold the same risk"


@pytest.mark.slow
def test_one_process_or_two_give_the_same_to_the_last_digit(toy_cohort):
    cohort = toy_cohort(60, 1)
    models = {
        "cox": make_model("cox", cohort.study),
        "gbs": make_model("gbs", cohort.study, n_estimators=5),
    }
    seen: list[tuple[int, int]] = []
    alone = validate_all(
        models, cohort, plan=Plan(1, 3), progress=lambda done, total: seen.append((done, total))
    )
    both = validate_all(models, cohort, plan=Plan(1, 3), n_jobs=2)
    assert seen == [(k, 9) for k in range(1, 10)]  # three folds, two models and the reference
    for table in ("performance", "calibration", "risk_groups", "resamples", "out_of_fold"):
        pd.testing.assert_frame_equal(getattr(alone, table), getattr(both, table), check_exact=True)


def test_months_or_days_give_the_same(toy_cohort):
    months, days = toy_cohort(110, 2), toy_cohort(110, 2, unit=30.4375)
    found = [validate(make_model("cox", c.study), c, plan=Plan(1, 5)) for c in (months, days)]
    np.testing.assert_array_equal(
        found[1].performance["horizon"].dropna(), found[0].performance["horizon"].dropna() * 30.4375
    )
    for column in ("estimate", "lower", "upper"):
        np.testing.assert_allclose(
            found[0].performance[column], found[1].performance[column], rtol=1e-6
        )


def test_the_models_share_their_folds(cohort: Cohort, report: Validation):
    models = {
        "a": make_model("cox", cohort.study),
        "b": make_model("cox", cohort.study, predictors=["age"]),
    }
    both = validate_all(models, cohort, plan=PLAN)
    alone = report.performance.query("model == 'cox'")["estimate"].to_numpy()
    shared = both.performance.query("model == 'a'")["estimate"].to_numpy()
    np.testing.assert_array_equal(alone, shared)
    assert value(both, "harrell_c", "b")["estimate"] < value(both, "harrell_c", "a")["estimate"]


def test_the_given_model_is_not_changed(cohort: Cohort):
    model = make_model("cox", cohort.study)
    validate(model, cohort, plan=Plan(1, 2))
    assert not hasattr(model, "mechanism_")


def test_a_horizon_out_of_reach_is_counted_with_its_reason(cohort: Cohort):
    found = validate(make_model("cox", cohort.study), cohort, horizons=[12, 500], plan=Plan(1, 5))
    ipa = value(found, "ipa", horizon=500)
    assert np.isnan(ipa["estimate"])
    assert (ipa["n_resamples"], ipa["n_failed"]) == (0, 1)
    assert "1x follow-up of the patients fitted on ends at" in ipa["reason"]
    assert value(found, "auc", horizon=500)["n_failed"] == 5
    assert np.isfinite(value(found, "ipa", horizon=12)["estimate"])
    curve = found.calibration.query("model == 'cox' and horizon == 500")
    assert len(curve) == 1
    assert curve["reason"].iloc[0].startswith("follow-up of the patients fitted on ends at")


class Capricious:
    """Kaplan-Meier's companion: refuses to be fitted where patient 0 is missing."""

    family = "capricious"

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"inner": self.inner}

    def set_params(self, **params: Any) -> Capricious:
        return self

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Any:
        if 0 not in X.index:
            raise ModelError("Capricious.fit: patient one is missed.")
        return self.inner.fit(X, y)


def test_a_failed_refit_is_counted_and_the_rest_is_measured(cohort: Cohort):
    found = validate(Capricious(make_model("cox", cohort.study)), cohort, plan=PLAN)
    harrell = value(found, "harrell_c", "capricious")
    assert (harrell["n_resamples"], harrell["n_failed"]) == (8, 2)  # once in each repeat
    assert harrell["reason"] == "2x no fit: Capricious.fit: patient one is missed."
    assert 0.5 < harrell["estimate"] < 1
    pooled = value(found, "brier", "capricious", 12)
    assert (pooled["n_resamples"], pooled["n_failed"]) == (0, 2)
    assert np.isnan(pooled["estimate"])


def test_risk_groups_are_ordered_and_complete(report: Validation, cohort: Cohort):
    groups = report.risk_groups.query("model == 'cox' and horizon == 24")
    assert groups["group"].tolist() == ["low", "intermediate", "high"]
    assert groups["n"].sum() == cohort.n
    assert groups["n"].between(cohort.n / 5, cohort.n / 2).all()
    assert groups["survival"].is_monotonic_decreasing
    assert groups["predicted"].is_monotonic_decreasing
    assert ((groups["lower"] < groups["survival"]) & (groups["survival"] < groups["upper"])).all()


def test_the_calibration_curve_rises_and_ends_where_patients_are_many(report: Validation):
    curve = report.calibration.query("model == 'cox' and horizon == 24")
    risk = report.out_of_fold.query("model == 'cox' and horizon == 24")["risk"]
    assert len(curve) == 41
    assert curve["predicted"].iloc[0] > risk.min()
    assert curve["predicted"].iloc[-1] < risk.max()
    assert curve["observed"].iloc[-1] > curve["observed"].iloc[0]
    assert ((curve["lower"] < curve["observed"]) & (curve["observed"] < curve["upper"])).all()


def test_the_repr_shows_no_patient(report: Validation):
    assert repr(report).startswith("Validation(cox, kaplan_meier; endpoint='os', n=150")


def test_what_cannot_be_asked(cohort: Cohort):
    with pytest.raises(OutcomeError, match="validate: horizons are an empty list; give a list"):
        validate(make_model("cox", cohort.study), cohort, horizons=[])
    with pytest.raises(OutcomeError, match="horizon -1 must be above 0"):
        validate(make_model("cox", cohort.study), cohort, horizons=[-1])
    with pytest.raises(ModelError, match="no model was given"):
        validate_all({}, cohort)


def test_what_the_report_says_of_limits_is_what_was_counted():
    text = (Path(__file__).resolve().parents[2] / "docs" / "validation.md").read_text()
    rows = re.findall(
        r"^\| ([^|]+) \| (\d+) \([^|]+\| (?:(\d+) \([^|]+|-) ?\|$", text, re.MULTILINE
    )
    own = {name: int(held) for name, held, _ in rows}
    difference = {name: int(held) for name, _, held in rows if held}
    assert len(own) == 13
    narrow = [own.pop(name) for name in ("ICI", "E50", "E90")]
    rest = [*own.values(), *difference.values()]
    assert f"in new patients {min(rest)} to {max(rest)}% of the time" in LIMITS
    assert f"({min(narrow)} to {max(narrow)}%) were too narrow" in LIMITS
