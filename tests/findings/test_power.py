"""Operating characteristics: the sums by hand, the rates by theory."""

from __future__ import annotations

import math
import time

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

import allsurv as als
from allsurv.describe import analysis_table
from allsurv.describe.cox.screening import univariable_table
from allsurv.errors import ConfigError
from allsurv.findings import operating_characteristics
from allsurv.findings.power.cox import (
    Answer,
    draw_cohorts,
    published_answers,
    screening_answers,
)
from allsurv.findings.power.rows import SCREENING, World, power_row
from allsurv.simulate import make_simulator

STUDY = als.load_study("rr-all")


@pytest.fixture(scope="module")
def table():
    return operating_characteristics(STUDY, n=110, n_cohorts=120, random_state=1)


def test_analyses_are_those_that_the_study_describes_for_its_patients():
    simulator = make_simulator(STUDY)
    cohort = simulator.draw(400, 11).cohort
    cohorts = draw_cohorts(simulator, 400, 1, 11)
    assert (cohorts.event[0] == cohort.y("os")["event"]).all()
    ours = published_answers(cohorts, STUDY.analyses["multivariable"])
    theirs = analysis_table(cohort, STUDY.analyses["multivariable"]).set_index("term")
    assert set(ours) == set(theirs.index)
    for term, answer in ours.items():
        # A cohort's times are rounded, to hundredths of a month.
        assert answer.coef[0] == pytest.approx(theirs.loc[term, "coef"], abs=0.02)
    one_by_one, after = screening_answers(cohorts, STUDY.screening)
    described = univariable_table(cohort).drop_duplicates("variable").set_index("variable")
    assert set(one_by_one) <= set(described.index)
    for name, answer in one_by_one.items():
        assert answer.p_value[0] == pytest.approx(described.loc[name, "variable_p_value"], abs=0.01)
    chosen = {n for n, a in one_by_one.items() if a.p_value[0] < 0.05} | {"sct"}
    coded = {STUDY.screening.coded_as.get(n, n) for n in chosen}
    assert {t.partition("=")[0] for t, a in after.items() if a.asked[0]} == coded


def test_found_exaggerated_and_reversed_by_hand():
    # True log hazard ratio 1. Significant: 2, 3 and -1; found with the right sign: two of five.
    # Factor: (2 + 3 + 1) / 3 = 2; of the wrong sign: one of three; shown: exp((2 + 3 + 1) / 3).
    coef = np.array([2.0, 3.0, -1.0, 0.5, np.nan])
    p_value = np.array([0.01, 0.01, 0.01, 0.5, np.nan])
    answer = Answer(coef, p_value, np.ones(5, dtype=bool), np.isnan(coef))
    row = power_row(
        World(STUDY, {"tp53_mutated": 1.0}), SCREENING, "tp53_mut", answer, screened=True
    )
    assert row["truth"] == "effect"
    assert row["found"] == pytest.approx(0.4)
    assert row["found_se"] == pytest.approx(math.sqrt(0.4 * 0.6 / 5))
    assert row["type_m"] == pytest.approx(2.0)
    assert row["type_m_se"] == pytest.approx(1 / math.sqrt(3))
    assert row["type_s"] == pytest.approx(1 / 3)
    assert row["shown_hazard_ratio"] == pytest.approx(math.exp(2))
    assert (row["n_significant"], row["n_cohorts"], row["n_failed"]) == (3, 5, 1)
    null = power_row(World(STUDY, {"age": 1.0}), SCREENING, "tp53_mut", answer, screened=True)
    assert (null["truth"], null["found"]) == ("no effect", pytest.approx(0.6))


def test_every_effect_has_a_row_and_its_label(table):
    published = table[table["protocol"] == "published model"]
    effects = published[published["truth"] == "effect"]
    assert list(effects["label"]) == [f.label for f in STUDY.findings.values()]
    expected = [f.estimate for f in STUDY.findings.values()]
    assert effects["true_hazard_ratio"].to_numpy() == pytest.approx(expected)
    assert set(table["protocol"]) == {
        "published model", "screening, one by one", "model after screening",
    }  # fmt: skip
    assert table["found"].between(0, 1).all()
    assert "not patients" in table.attrs["source"]


def test_events_are_those_of_a_cohort(table):
    # 69 of 110 in the paper's cohort; the mean of 120 simulated ones.
    assert table["n_events"].between(60, 78).all()
    assert table["n"].eq(110).all()


def test_what_has_no_effect_and_goes_with_nothing_is_found_in_5_of_100(table):
    # Transplantation, in the published model: nominal 0.05, standard error of 120 cohorts 0.020.
    row = table[(table["protocol"] == "published model") & (table["variable"] == "sct")].iloc[0]
    assert abs(row["found"] - 0.05) < 3.5 * 0.020
    assert row["true_hazard_ratio"] == 1


def test_significance_makes_effects_look_larger_and_screening_loses_some(table):
    by_protocol = table[table["truth"] == "effect"].set_index(["protocol", "label"])
    published = by_protocol.loc["published model"]
    screened = by_protocol.loc["model after screening"]
    assert (published["type_m"] > 1).all()
    assert published.sort_values("found")["type_m"].is_monotonic_decreasing
    assert (screened["found"] <= published["found"]).all()


def test_power_is_that_of_theory():
    # Schoenfeld: standard error 1 / sqrt(d p (1 - p)), so power is Phi(|b| / se - 1.96).
    effects = {"sex=female": 0.6}
    found = operating_characteristics(
        STUDY, n=200, n_cohorts=150, effects=effects, random_state=2
    ).set_index(["protocol", "variable"]).loc[("screening, one by one", "sex")]  # fmt: skip
    share = float((make_simulator(STUDY).like.frame["sex"] == "female").mean())
    error = 1 / math.sqrt(found["n_events"] * share * (1 - share))
    # Monte-Carlo error of 150 cohorts 0.028; the formula holds near 0, here to about 0.02.
    assert found["found"] == pytest.approx(ndtr(0.6 / error - 1.96), abs=3.5 * 0.028)


def test_numbers_depend_on_the_seed_alone():
    def run(**given):
        return operating_characteristics(STUDY, n=[60, 80], n_cohorts=12, **given)

    one = run(random_state=5)
    pd.testing.assert_frame_equal(one, run(random_state=5))
    assert not one["found"].equals(run(random_state=6)["found"])
    said = []
    run(random_state=5, progress=lambda done, total: said.append((done, total)))
    assert said[-1] == (24, 24)


def test_a_family_without_p_values_finds_what_is_rare_without_the_effect():
    table = operating_characteristics(
        STUDY, n=110, n_cohorts=8, families=("coxnet",), effects={"high_risk_cyto": 2.0}
    )
    table = table.set_index("variable")
    assert list(table["protocol"].unique()) == ["standardised effect"]
    assert table.loc["high_risk_cyto", "found"] == 1.0
    assert table.loc["high_risk_cyto", "type_m"] < 1.2
    assert table.loc["tp53_mutated", "truth"] == "no effect"


def test_effects_of_events_products_and_patients_of_ones_own(root):
    folder = root / "experiments" / "003-stanford-heart"
    study = als.load_study(folder / "study.yaml")
    like = als.read_cohort(folder / "patients.csv", study)
    found = operating_characteristics(study, n=100, n_cohorts=4, like=like)
    assert set(found["protocol"]) == {"published model"}
    assert "transplant" in set(found["variable"])
    assert found["n_failed"].eq(0).all()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"n": 5}, "20 to 100,000"),
        ({"n": []}, "20 to 100,000"),
        ({"n_cohorts": 1}, "at least 2"),
        ({"families": ("cox", "rf")}, "'rf'; allowed are cox"),
        ({"families": ()}, "allowed are cox"),
        ({"effects": {}}, "reports no effect"),
        ({"effects": {"ag": 1.0}}, "Did you mean 'age'"),
    ],
)
def test_what_cannot_be_is_refused(given, says):
    with pytest.raises(ConfigError, match=says):
        operating_characteristics(STUDY, **{"n_cohorts": 2, **given})


def test_a_thousand_cohorts_take_less_than_a_minute():
    make_simulator(STUDY)
    began = time.process_time()
    operating_characteristics(STUDY, n=110, n_cohorts=45)
    assert time.process_time() - began < 60 * 45 / 1000 * 2  # two cores
