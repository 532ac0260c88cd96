"""Published findings against models on simulated cohorts whose effects are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from allsurv.cohort import Cohort
from allsurv.errors import ModelError
from allsurv.findings import assess_findings, compare_findings, standardised_effect
from allsurv.findings.agreement.rows import COLUMNS
from allsurv.models import make_model
from allsurv.stats.cox.fit import fit_cox
from allsurv.study.spec import Contrast, Finding
from allsurv.validation.plans import draw_bootstraps

FINDINGS = {
    "blasts": Finding(
        "blasts", "Blasts", "blasts", Contrast(0, 50, 10), 1.22, 1.1, 1.36, "all", "os",
        unit="per 10 points",
    ),
    "arm": Finding("arm", "Arm", "arm", Contrast("before", "after"), 0.6, 0.4, 0.9, "all", "os"),
}  # fmt: skip


@pytest.fixture(scope="module")
def cohort(toy_cohort) -> Cohort:
    return toy_cohort(150, 1, findings=FINDINGS)


@pytest.fixture(scope="module")
def model(cohort: Cohort) -> Any:
    return make_model("cox", cohort.study).fit(cohort.X, cohort.y("os"))


@pytest.fixture(scope="module")
def table(cohort: Cohort, model: Any) -> pd.DataFrame:
    return compare_findings(model, cohort, n_bootstrap=6)


def test_one_row_for_each_finding_and_model(table: pd.DataFrame):
    assert tuple(table.columns) == COLUMNS
    assert table[["finding", "model"]].to_numpy().tolist() == [
        ["blasts", "published protocol"],
        ["blasts", "cox"],
        ["arm", "published protocol"],
        ["arm", "cox"],
    ]
    assert set(table["verdict"]) <= {"consistent", "inconsistent", "cannot say"}
    assert table["reason"].str.len().min() > 0


def test_the_published_protocol_is_the_cox_model_of_the_study(cohort: Cohort, table: pd.DataFrame):
    frame, y = cohort.frame, cohort.y("os")
    design = np.column_stack(
        [frame["age"], frame["blasts"], (frame["arm"] == "after").astype(float)]
    )
    fit = fit_cox(y["time"], y["event"], design)
    rows = table[table["how"] == "hazard ratio in the paper's model"].set_index("finding")
    for name, position, units in (("blasts", 1, 10), ("arm", 2, 1)):
        row = rows.loc[name]
        assert row["estimate"] == pytest.approx(np.exp(units * fit.coef[position]))
        assert row["upper"] == pytest.approx(fit.upper[position] ** units)
        assert (row["n"], row["n_events"], row["n_bootstrap"]) == (150, y["event"].sum(), 0)


def test_the_standardised_row_by_hand(cohort: Cohort, model: Any, table: pd.DataFrame):
    X, y, study = cohort.X, cohort.y("os"), cohort.study
    contrast, blasts = FINDINGS["blasts"].contrast, study.variable("blasts")
    point = standardised_effect(model, X, blasts, contrast, [12, 24]).average
    drawn = []
    for split in draw_bootstraps(150, 6, 0):
        sample = X.iloc[split.train]
        refitted = make_model("cox", study).fit(sample, y[split.train])
        drawn.append(standardised_effect(refitted, sample, blasts, contrast, [12, 24]).average)
    half = 1.959963984540054 * np.std(drawn, ddof=1)
    row = table[(table["finding"] == "blasts") & (table["model"] == "cox")].iloc[0]
    assert row["estimate"] == pytest.approx(np.exp(point))
    assert row["lower"] == pytest.approx(np.exp(point - half))
    assert row["upper"] == pytest.approx(np.exp(point + half))
    assert (row["n_bootstrap"], row["n_failed"]) == (6, 0)
    assert row["ratio"] == pytest.approx(row["estimate"] / row["target"])
    assert (row["contrast"], row["span"], row["judged_on"]) == ("0 to 50", 5.0, "estimate")


def test_the_published_value_is_put_on_the_scale_of_the_answer(cohort: Cohort, table: pd.DataFrame):
    # The published equation, standardised over the same patients, is what we are held against.
    equation = make_model("published", cohort.study).fit(cohort.X, cohort.y("os"))
    blasts = cohort.study.variable("blasts")
    effect = standardised_effect(equation, cohort.X, blasts, FINDINGS["blasts"].contrast, [12, 24])
    rows = table[table["finding"] == "blasts"].set_index("model")
    assert rows.loc["cox", "target"] == pytest.approx(np.exp(effect.average))
    assert 1.15 < rows.loc["cox", "target"] < 1.22
    kept = np.log(rows.loc["cox", "target"]) / np.log(1.22)
    assert rows.loc["cox", "target_upper"] == pytest.approx(1.36**kept)
    assert rows.loc["published protocol", "target"] == 1.22


def test_equivalence_is_asked_of_the_whole_contrast(cohort: Cohort, model: Any):
    found = compare_findings(model, cohort, n_bootstrap=4, margin=2.0)
    row = found[(found["finding"] == "blasts") & (found["model"] == "cox")].iloc[0]
    # Per 10 points the margin is the fifth root of 2.
    error = (np.log(row["ratio_upper"]) - np.log(row["ratio"])) / 1.959964
    distance = np.log(2.0) / 5 - abs(np.log(row["ratio"]))
    assert row["equivalence_p"] == pytest.approx(ndtr(-distance / error), rel=1e-4)


def test_effects_at_each_horizon_and_ranks(cohort: Cohort, model: Any):
    found = assess_findings(model, cohort, n_bootstrap=5)
    horizons = found.horizons
    assert horizons[["finding", "horizon"]].to_numpy().tolist() == [
        ["blasts", 12.0], ["blasts", 24.0], ["arm", 12.0], ["arm", 24.0],
    ]  # fmt: skip
    effect = standardised_effect(
        model, cohort.X, cohort.study.variable("arm"), FINDINGS["arm"].contrast, [12, 24]
    )
    assert horizons["estimate"].tolist()[2:] == pytest.approx(np.exp(effect.at_horizons))
    assert (horizons["lower"] < horizons["estimate"]).all()
    importance = found.importance
    assert importance.groupby("measure").size().to_dict() == {"permutation": 4, "shap": 4}
    assert (importance["rank_lower"] <= importance["rank_upper"]).all()
    ranks = importance[["rank", "rank_lower", "rank_upper"]].dropna()
    assert (ranks == ranks.round()).all(axis=None)
    assert importance.groupby("measure")["rank"].apply(sorted).tolist() == [[1, 2, 3, 4]] * 2
    row = found.findings.iloc[1]
    in_table = importance[(importance["variable"] == "blasts") & (importance["measure"] == "shap")]
    assert row["shap_rank"] == in_table["rank"].iloc[0]
    assert row["n_variables"] == 4


def test_shuffling_what_matters_costs_concordance(toy_cohort):
    cohort = toy_cohort(400, 5, effects={"age": 1.2}, findings=FINDINGS)
    model = make_model("cox", cohort.study).fit(cohort.X, cohort.y("os"))
    table = assess_findings(model, cohort, n_bootstrap=4).importance
    lost = table[table["measure"] == "permutation"].set_index("variable")["estimate"]
    # C is about 0.77 with age and 0.5 without it.
    assert lost["age"] == pytest.approx(0.27, abs=0.06)
    assert lost.drop("age").abs().max() < 0.03


def test_shrinkage_is_measured_and_undone(toy_cohort):
    cohort = toy_cohort(300, 2, effects={"arm": -0.7}, findings={"arm": FINDINGS["arm"]})
    model = make_model("coxnet", cohort.study, alpha=0.2).fit(cohort.X, cohort.y("os"))
    row = compare_findings(model, cohort, n_bootstrap=4, n_simulated=20).iloc[1]
    assert row["shrinkage"] < 0.9
    assert row["calibrated"] < row["estimate"] < 1
    assert row["calibrated_lower"] < np.exp(-0.7) < row["calibrated_upper"]
    assert (row["judged_on"], row["n_simulated"]) == ("calibrated", 20)


def test_made_patients_carry_the_sentence(table: pd.DataFrame):
    assert table["statement"].str.startswith("Agreement is by construction").all()


def test_real_patients_do_not(cohort: Cohort, model: Any):
    source = type(cohort.source)("file", "patients.csv", "", "Patients read from patients.csv.")
    real = Cohort(cohort.study, cohort.frame, source)
    assert set(compare_findings(model, real, n_bootstrap=2)["statement"]) == {""}


def test_a_model_without_the_variable_cannot_say(cohort: Cohort):
    model = make_model("cox", cohort.study, predictors=["age", "arm"])
    model.fit(cohort.X, cohort.y("os"))
    found = compare_findings({"small": model}, cohort, n_bootstrap=3).set_index(
        ["finding", "model"]
    )
    row = found.loc[("blasts", "small")]
    assert row["verdict"] == "cannot say"
    assert row["reason"] == "'blasts' is not a predictor of this model"
    assert np.isfinite(found.loc[("arm", "small"), "upper"])


def test_a_model_that_predicts_something_else_cannot_say(toy_cohort):
    elsewhere = {
        "arm": Finding(
            "arm", "Arm", "arm", Contrast("before", "after"), 0.6, 0.4, 0.9, "all", "rfs"
        )
    }
    cohort = toy_cohort(80, 1, findings=elsewhere)
    model = make_model("cox", cohort.study).fit(cohort.X, cohort.y("os"))
    found = compare_findings(model, cohort, n_bootstrap=2)
    assert found["reason"].iloc[1] == "the model predicts 'os', the finding is about 'rfs'"


class Fussy:
    """A Cox model that refuses samples without the first patient."""

    family = "fussy"

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.inner, name)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"inner": self.inner}

    def set_params(self, **params: Any) -> Fussy:
        return self

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Any:
        if not (X["age"] == FIRST_AGE).any():
            raise ModelError("Fussy.fit: not without the first patient.")
        return self.inner.fit(X, y)


FIRST_AGE = 0.0


def test_refits_that_fail_are_counted(cohort: Cohort, model: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(globals(), "FIRST_AGE", cohort.frame["age"].iloc[0])
    without = sum(0 not in s.train for s in draw_bootstraps(150, 12, 0))
    found = compare_findings({"fussy": Fussy(model)}, cohort, n_bootstrap=12)
    row = found[found["model"] == "fussy"].iloc[0]
    assert 0 < without < 12
    assert (row["n_bootstrap"], row["n_failed"]) == (12 - without, without)
    assert row["failures"] == f"{without} refits: Fussy.fit: not without the first patient."


def test_a_dropped_variable_is_no_finding_of_no_effect(toy_cohort):
    cohort = toy_cohort(110, 3, findings={"arm": FINDINGS["arm"]})
    model = make_model("coxnet", cohort.study, alpha=10.0).fit(cohort.X, cohort.y("os"))
    row = compare_findings(model, cohort, n_bootstrap=3).iloc[1]
    assert row["estimate"] == 1.0
    assert row["verdict"] == "cannot say"
    assert row["reason"] == "the model does not use the variable, nor does any refit"


def test_the_same_seed_gives_the_same_table_and_progress_is_told(cohort: Cohort, model: Any):
    seen: list[tuple[int, int]] = []
    first = compare_findings(
        model, cohort, n_bootstrap=3, progress=lambda done, total: seen.append((done, total))
    )
    pd.testing.assert_frame_equal(first, compare_findings(model, cohort, n_bootstrap=3))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    other = compare_findings(model, cohort, n_bootstrap=3, random_state=1)
    assert first["upper"].tolist() != other["upper"].tolist()


def test_a_single_refit_is_refused(cohort: Cohort, model: Any):
    with pytest.raises(ModelError, match="at least 2 refits"):
        compare_findings(model, cohort, n_bootstrap=1)


@pytest.mark.parametrize(("wrong", "said"), [({"n_simulated": 5}, "10"), ({"margin": 1}, "1.5")])
def test_what_is_refused(cohort: Cohort, model: Any, wrong: dict, said: str):
    with pytest.raises(ModelError, match=said):
        compare_findings(model, cohort, **wrong)


def test_a_study_without_findings_gives_an_empty_table(toy_cohort):
    cohort = toy_cohort(80, 1)
    model = make_model("cox", cohort.study).fit(cohort.X, cohort.y("os"))
    found = compare_findings(model, cohort)
    assert len(found) == 0
    assert tuple(found.columns) == COLUMNS
