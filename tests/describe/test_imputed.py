"""Multiple imputation of markers: R's pooled Cox models, and what goes into the imputation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort, read_cohort
from allsurv.describe import cox_table, impute_missing, imputed_cox_table, pooled_cox_table
from allsurv.errors import ModelError
from allsurv.stats.missing.chained import n_imputations_for
from allsurv.study.spec import Endpoint, Event, Prediction, Study, TimeScale, Variable


@pytest.fixture(scope="module")
def eighty():
    late = {"known": "post-baseline"}
    lines = [
        Variable("age", "Age", "integer", "age", minimum=0, maximum=120),
        Variable("marker", "Marker", "marker", "marker", missing="allowed"),
        Variable("sct", "Transplant", "binary", "sct", **late),
        Variable(
            "to_sct", "To transplant", "duration", "to_sct", "months", missing="allowed", **late
        ),
        Variable("dead", "Dead", "binary", "dead", known="outcome"),
        Variable("months", "Follow-up", "duration", "months", "months", known="outcome"),
    ]
    return Study(
        name="eighty",
        title="Eighty patients",
        citation={},
        time=TimeScale("months", 1.0),
        variables={v.name: v for v in lines},
        endpoints={"os": Endpoint("os", "Survival", "months", ({"dead": True},), "treatment")},
        prediction=Prediction("treatment", "os", (12.0,), ("age", "marker")),
        events={"sct": Event("sct", "Transplant", "to_sct", {"sct": True})},
    )


@pytest.fixture(scope="module")
def made(reference):
    return reference("imputation")["pooled"]


def cohort_of(made, study, marker) -> Cohort:
    names = ("age", "months", "dead", "sct", "to_sct")
    frame = pd.DataFrame({name: made[name] for name in names}).assign(marker=marker)
    return read_cohort(frame, study)


@pytest.fixture(scope="module")
def incomplete(made, eighty):
    marker = np.where(made["missing"], None, made["completions"][0])
    return cohort_of(made, eighty, marker)


def test_pooled_hazard_ratios_are_rs(made, eighty, record_difference):
    completed = [cohort_of(made, eighty, marker) for marker in made["completions"]]
    table = pooled_cox_table(completed, "os", ["age", "marker"], time_dependent=["sct"])
    theirs = pd.DataFrame(made["answers"], columns=made["columns"])
    ours = {
        "coef": "coef",
        "se": "std_error",
        "p": "p_value",
        "lower": "lower",
        "upper": "upper",
        "fmi": "missing_information",
    }
    worst = max(
        float(np.abs(table[mine].to_numpy() / theirs[name].to_numpy() - 1).max())
        for name, mine in ours.items()
    )
    record_difference("pooled_cox_table", "survival::coxph, mice::pool.scalar", worst)
    assert worst < 1e-6
    assert table["term"].tolist() == made["terms"]


def test_the_table_is_the_pool_of_its_own_completions(incomplete):
    asked = {"time_dependent": ["sct"], "n_imputations": 7, "random_state": 3}
    completed = impute_missing(incomplete, "os", ["age", "marker"], **asked)
    table = imputed_cox_table(incomplete, "os", ["age", "marker"], **asked)
    pooled = pooled_cox_table(completed, "os", ["age", "marker"], time_dependent=["sct"])
    pd.testing.assert_frame_equal(table, pooled)
    # Rubin by hand: the mean of the fits, and their spread on top of the mean variance.
    fits = [cox_table(c, "os", ["age", "marker"], time_dependent=["sct"]) for c in completed]
    coef = np.array([fit["coef"] for fit in fits])
    variance = np.array([fit["std_error"] for fit in fits]) ** 2
    total = variance.mean(axis=0) + (1 + 1 / 7) * coef.var(axis=0, ddof=1)
    np.testing.assert_allclose(table["coef"], coef.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(table["std_error"], np.sqrt(total), rtol=1e-9)


def test_there_are_as_many_imputations_as_the_share_of_incomplete_patients_asks_for(incomplete):
    share = incomplete.frame["marker"].isna().mean()
    table = imputed_cox_table(incomplete, "os", ["age", "marker"])
    assert table["n_imputations"].unique().tolist() == [n_imputations_for(share)]
    assert table["method"].unique().tolist() == ["multiple imputation"]
    missing = table.set_index("term")["missing_information"]
    assert missing["marker"] > missing["age"]


def test_the_outcome_is_in_the_imputation_model(made, eighty):
    # The marker is the event itself in those known: imputed values must follow the event.
    dead = np.array(made["dead"])
    marker = np.where(made["missing"], None, dead)
    cohort = cohort_of(made, eighty, marker)
    completed = impute_missing(cohort, "os", ["age", "marker"], n_imputations=10)
    imputed = np.array(made["missing"], dtype=bool)
    drawn = np.mean([c.frame["marker"].to_numpy(dtype=float) for c in completed], axis=0)
    assert drawn[imputed & (dead == 1)].mean() > 0.7 > 0.4 > drawn[imputed & (dead == 0)].mean()


def test_every_kind_of_variable_is_imputed(cohort):
    names = [n for n in cohort.study.baseline() if cohort.frame[n].notna().any()]
    kinds = {cohort.study.variable(n).kind for n in names}
    rng = np.random.default_rng(4)
    frame = cohort.frame.copy()
    for name in names:
        frame.loc[rng.random(cohort.n) < 0.15, name] = pd.NA
    gaps = Cohort(cohort.study, frame, cohort.source)
    completed = impute_missing(gaps, "os", names, n_imputations=3)
    assert {"continuous", "binary", "nominal", "ordinal"} <= kinds
    for one in completed:
        assert (one.frame.dtypes == cohort.frame.dtypes).all()
        assert one.frame[names].notna().all(axis=None)
        for name in names:
            known = frame[name].notna()
            assert (one.frame.loc[known, name] == frame.loc[known, name]).all()
            assert set(one.frame[name]) == set(frame.loc[known, name])


def test_what_cannot_be_imputed_is_refused(made, eighty):
    complete = cohort_of(made, eighty, made["completions"][0])
    with pytest.raises(ModelError, match="nothing is missing"):
        impute_missing(complete, "os", ["age", "marker"])
    nobody = cohort_of(made, eighty, np.full(80, None))
    with pytest.raises(ModelError, match="'marker' has no value in any of 80 patients"):
        impute_missing(nobody, "os", ["age", "marker"])
    with pytest.raises(ModelError, match=r"imputed_cox_table: 'sct' .*immortal time"):
        imputed_cox_table(complete, "os", ["age", "sct"])
