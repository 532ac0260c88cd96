"""Published findings against models on simulated cohorts whose effects are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort
from allsurv.errors import ModelError
from allsurv.findings import compare_findings, standardised_log_hazard_ratio
from allsurv.models import make_model
from allsurv.stats.cox import fit_cox
from allsurv.study.spec import Contrast, Finding
from allsurv.validation.resampling import draw_bootstraps

COLUMNS = [
    "finding", "label", "variable", "unit", "model", "how", "estimate", "lower", "upper", "level",
    "published", "published_lower", "published_upper", "same_sign", "ratio", "ratio_lower",
    "ratio_upper", "verdict", "reason", "n", "n_events", "n_bootstrap", "n_failed", "statement",
]  # fmt: skip

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
    assert list(table.columns) == COLUMNS
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
    finding, blasts = FINDINGS["blasts"], study.variable("blasts")
    point = standardised_log_hazard_ratio(model, X, blasts, finding.contrast, [12, 24])
    drawn = []
    for split in draw_bootstraps(150, 6, 0):
        sample = X.iloc[split.train]
        refitted = make_model("cox", study).fit(sample, y[split.train])
        drawn.append(
            standardised_log_hazard_ratio(refitted, sample, blasts, finding.contrast, [12, 24])
        )
    half = 1.959963984540054 * np.std(drawn, ddof=1)
    row = table[(table["finding"] == "blasts") & (table["model"] == "cox")].iloc[0]
    assert row["estimate"] == pytest.approx(np.exp(point))
    assert row["lower"] == pytest.approx(np.exp(point - half))
    assert row["upper"] == pytest.approx(np.exp(point + half))
    assert (row["n_bootstrap"], row["n_failed"]) == (6, 0)
    assert row["ratio"] == pytest.approx(row["estimate"] / 1.22)


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


def test_a_study_without_findings_gives_an_empty_table(toy_cohort):
    cohort = toy_cohort(80, 1)
    model = make_model("cox", cohort.study).fit(cohort.X, cohort.y("os"))
    found = compare_findings(model, cohort)
    assert len(found) == 0
    assert list(found.columns) == COLUMNS
