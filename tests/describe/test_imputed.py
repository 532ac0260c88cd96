"""Missing values in Cox analyses: R's pooled models, and what each way of handling them does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort, load_cohort, read_cohort
from allsurv.describe import (
    analysis_table,
    cox_table,
    impute_missing,
    landmark_cox_table,
    pooled_cox_table,
)
from allsurv.describe.cox.compatible import cox_analysis_of
from allsurv.describe.cox.fits import fit_analysis
from allsurv.describe.cox.scales import fix_scales
from allsurv.errors import ModelError
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.missing.chained import n_imputations_for
from allsurv.stats.missing.incomplete import Incomplete
from allsurv.stats.missing.pooling import pool_chi_squared, pool_wald
from allsurv.study import Scale
from allsurv.study.spec import Analysis, Endpoint, Event, Prediction, Study, TimeScale, Variable


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
    table = cox_table(incomplete, "os", ["age", "marker"], missing="impute", **asked)
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
    table = cox_table(incomplete, "os", ["age", "marker"], missing="impute")
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


def with_gaps(cohort, names):
    rng = np.random.default_rng(4)
    frame = cohort.frame.copy()
    for name in names:
        frame.loc[rng.random(cohort.n) < 0.15, name] = pd.NA
    return Cohort(cohort.study, frame, cohort.source)


def test_every_kind_of_variable_is_imputed(cohort):
    names = [n for n in cohort.study.baseline() if cohort.frame[n].notna().any()]
    kinds = {cohort.study.variable(n).kind for n in names}
    gaps = with_gaps(cohort, names)
    frame = gaps.frame
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


def test_several_coefficients_of_one_variable_are_tested_together():
    name = "salvage"
    gaps = with_gaps(load_cohort("rr-all"), [name, "age"])
    table = cox_table(gaps, "os", [name, "age"], missing="impute", n_imputations=8)
    completed = impute_missing(gaps, "os", [name, "age"], n_imputations=8)
    fits = [fit_analysis(c, Analysis("", "", "os", (name, "age")), "test") for c in completed]
    terms = [k for k, term in enumerate(fits[0].terms) if term.variable == name]
    assert len(terms) > 1
    test = pool_wald(
        [fit.fit.coef[terms] for fit in fits],
        [fit.fit.covariance[np.ix_(terms, terms)] for fit in fits],
    )
    found = table.loc[table["variable"] == name, "variable_p_value"].unique()
    np.testing.assert_allclose(found, [test.p_value], rtol=1e-12)
    # Proportional hazards: each imputation's chi-squared, pooled by D2.
    tests = [fit.proportional_hazards() for fit in fits]
    pooled = pool_chi_squared([t.statistic[0] for t in tests], len(terms)).p_value
    np.testing.assert_allclose(table["ph_p_value"].iloc[0], pooled, rtol=1e-12)


def test_what_the_analysis_says_is_done_and_counted(incomplete):
    n_missing = int(incomplete.frame["marker"].isna().sum())

    def table(missing):
        asked = Analysis("mine", "Mine", "os", ("age", "marker"), missing=missing)
        return analysis_table(incomplete, asked)

    complete = table("complete cases")
    assert complete["n_left_out"].tolist() == [n_missing] * 2
    assert complete["n"].tolist() == [80 - n_missing] * 2
    imputed = table("impute")
    assert imputed["n"].tolist() == [80] * 2
    assert imputed["note"].str.contains(f"imputed {imputed['n_imputations'][0]} times").all()
    with pytest.raises(ModelError, match=f"'marker' in {n_missing} of 80 patients"):
        table("refuse")


def test_not_known_is_a_level_of_its_own_as_a_column_made_by_hand(incomplete):
    marker = incomplete.frame["marker"]
    table = cox_table(incomplete, "os", ["age", "marker"], missing="level")
    y = incomplete.y("os")
    X = np.column_stack(
        [incomplete.frame["age"], marker.eq(True).fillna(False), marker.isna()]
    ).astype(float)
    by_hand = fit_cox(y["time"], y["event"], X)
    np.testing.assert_allclose(table["coef"], by_hand.coef, rtol=1e-12)
    assert table["label"].tolist()[2] == "Marker: not known vs no"
    assert table["n_level"].tolist()[2] == marker.isna().sum()
    assert table["n_left_out"].tolist() == [0, 0, 0]


def test_a_number_that_is_not_known_is_no_level(incomplete):
    frame = incomplete.frame.copy()
    frame.loc[:4, "age"] = np.nan
    gaps = Cohort(incomplete.study, frame, incomplete.source)
    table = cox_table(gaps, "os", ["age", "marker"], missing="level")
    assert table["n_left_out"].tolist() == [5, 5, 5]
    assert table["note"].str.contains("a missing number").all()


def test_where_nothing_is_missing_imputation_is_the_ordinary_fit(made, eighty):
    whole = cohort_of(made, eighty, made["completions"][0])
    pd.testing.assert_frame_equal(
        cox_table(whole, "os", ["age", "marker"], missing="impute"),
        cox_table(whole, "os", ["age", "marker"]),
    )


def test_a_landmark_counts_whom_it_leaves_out_of_all_who_were_imputed(incomplete):
    asked = {"at": 2.0, "missing": "impute", "n_imputations": 5}
    table = landmark_cox_table(incomplete, "os", ["age", "marker"], **asked)
    y = incomplete.y("os")
    assert table["n"].tolist() == [int(np.sum(y["time"] > 2))] * 2
    excluded = table[["n_event_before", "n_censored_before"]].iloc[0].sum()
    assert excluded == np.sum(y["time"] <= 2)


def test_a_word_that_says_nothing_of_missing_values_is_refused(incomplete):
    with pytest.raises(ModelError, match="allowed are 'complete cases', 'impute', 'level'"):
        cox_table(incomplete, "os", ["age"], missing="leave_out")


def test_with_an_interaction_values_agree_with_the_analysis(incomplete):
    # Age and marker, the marker's effect after transplantation of its own: the rows of the
    # analysis and those of the imputation are cut alike, so the whole way is one seed's.
    asked = Analysis(
        "mine", "Mine", "os", ("age", "marker"), ("sct",), (("marker", "sct"),), missing="impute"
    )
    table = analysis_table(incomplete, asked, n_imputations=5)
    assert table["term"].tolist() == ["age", "marker", "sct", "marker:sct"]
    completed = impute_missing(
        incomplete,
        "os",
        ["age", "marker"],
        time_dependent=["sct"],
        interactions=[("marker", "sct")],
        n_imputations=5,
    )
    fits = [analysis_table(one, asked)["coef"] for one in completed]
    np.testing.assert_allclose(table["coef"], np.mean(fits, axis=0), rtol=1e-9)


def test_columns_of_the_imputation_are_those_of_the_model(incomplete):
    frame = incomplete.frame.assign(marker=incomplete.frame["marker"].fillna(True))
    whole = Cohort(incomplete.study, frame, incomplete.source)
    lines = [whole.study.variable(name) for name in ("age", "marker")]
    given = [
        Incomplete(frame["age"].to_numpy(dtype=float), "number"),
        Incomplete(frame["marker"].to_numpy(dtype=float), "nominal"),
    ]
    products = [("age", "marker"), ("marker", "sct")]
    known = list(zip(lines, given, strict=True))
    made = cox_analysis_of(whole, "os", known, ["sct"], products)
    values = [one.values[made.patient] for one in given]
    X = made.columns(values, np.arange(len(made.patient)))
    asked = Analysis("", "", "os", ("age", "marker"), ("sct",), tuple(products))
    model = fit_analysis(whole, asked, "test")
    np.testing.assert_array_equal(X, np.column_stack([term.values for term in model.terms]))
    np.testing.assert_array_equal(made.patient, model.patient)


def test_columns_of_the_imputation_are_on_the_scale_of_the_model(incomplete):
    frame = incomplete.frame.assign(marker=incomplete.frame["marker"].fillna(True))
    whole = Cohort(incomplete.study, frame, incomplete.source)
    numbers = Incomplete(frame["age"].to_numpy(dtype=float), "number")
    scales = {"age": Scale(per=10, transform="log")}
    fixed = fix_scales(whole, scales, "test")
    known = [(whole.study.variable("age"), numbers)]
    made = cox_analysis_of(whole, "os", known, ["sct"], [("age", "sct")], fixed)
    X = made.columns([numbers.values[made.patient]], np.arange(len(made.patient)))
    asked = Analysis("", "", "os", ("age",), ("sct",), (("age", "sct"),), scales=scales)
    model = fit_analysis(whole, asked, "test")
    np.testing.assert_array_equal(X, np.column_stack([term.values for term in model.terms]))
