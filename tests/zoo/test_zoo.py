"""Every cohort of the zoo, read by its study file: each number is R's (`references.R`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import allsurv as als
from allsurv.cohort import read_cohort
from allsurv.describe import analysis_table
from allsurv.stats.competing.incidence import cumulative_incidence
from allsurv.stats.curves.kaplan_meier import kaplan_meier
from allsurv.stats.curves.logrank import logrank_test
from zoo.zoo import NAMES, study_of, write_csv

EXACT = {"rtol": 1e-7, "atol": 1e-10}
REFERENCES = json.loads(Path(__file__).with_name("references.json").read_text())["cohorts"]
CAUSES = {
    "mgus2": ("ptime", "first_event", ("progression", "death")),
    "bmt": ("dfs_months", "first", ("relapse", "death")),
    "ebmt1": ("first_years", "first_event", ("relapse", "death")),
    "ebmt2": ("time", "cause", (1, 2, 3, 4, 5, 6)),
}
"""Follow-up, variable of the cause, and the levels that are causes 1, 2, ..."""


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """Read every cohort once, from a file, as it comes."""
    folder = tmp_path_factory.mktemp("zoo")
    read = {}

    def cohort(name):
        if name not in read:
            read[name] = read_cohort(write_csv(name, folder), study_of(name))
        return read[name]

    return cohort


def having(key):
    return [name for name in NAMES if REFERENCES[name][key] is not None]


def numbers(values):
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def test_there_are_nineteen_cohorts_and_r_has_seen_each():
    assert len(NAMES) == 19
    assert set(NAMES) == set(REFERENCES)


@pytest.mark.parametrize("name", NAMES)
def test_everybody_is_read(zoo, name):
    cohort, expected = zoo(name), REFERENCES[name]
    y = cohort.y(cohort.study.comparisons["overall"].endpoint)
    assert (cohort.n, int(y["event"].sum())) == (expected["n"], expected["n_events"])


@pytest.mark.parametrize("name", NAMES)
def test_kaplan_meier(zoo, name, record_difference):
    cohort, expected = zoo(name), REFERENCES[name]["kaplan_meier"]
    y = cohort.y(cohort.study.comparisons["overall"].endpoint)
    found = kaplan_meier(y["time"], y["event"])
    at = np.array(expected["at"]) - 1
    assert found.time.size == expected["n_times"]
    assert_allclose(found.n_at_risk[at], expected["n_risk"], rtol=0)
    for column in ("survival", "lower", "upper"):
        wanted = numbers(expected[column])
        told = ~np.isnan(wanted)
        assert told.any()
        assert_allclose(getattr(found, column)[at][told], wanted[told], **EXACT)
        record_difference(
            "kaplan_meier",
            "R `survfit`, 19 real cohorts",
            np.max(np.abs(getattr(found, column)[at][told] - wanted[told])),
        )


@pytest.mark.parametrize("name", NAMES)
def test_logrank(zoo, name, record_difference):
    cohort, expected = zoo(name), REFERENCES[name]["logrank"]
    comparison = cohort.study.comparisons["groups"]
    y = cohort.y(comparison.endpoint)
    found = logrank_test(y["time"], y["event"], cohort.frame[comparison.by].astype(str))
    assert found.df == expected["df"]
    assert_allclose(found.statistic, expected["chi_squared"], **EXACT)
    difference = abs(found.statistic / expected["chi_squared"] - 1)
    record_difference("logrank_test", "R `survdiff`, 19 real cohorts", difference)


@pytest.mark.parametrize(
    ("name", "analysis"),
    [(name, key) for key in ("cox", "events") for name in having(key)],
)
def test_cox(zoo, name, analysis, record_difference):
    cohort, expected = zoo(name), REFERENCES[name][analysis]
    table = analysis_table(cohort, cohort.study.analyses[analysis])
    assert set(table["n_events"]) == {expected["n_events"]}
    if analysis == "cox":
        assert set(table["n"]) == {expected["n"]}
    for column in ("coef", "std_error"):
        assert_allclose(table[column], expected[column], **EXACT)
        largest = np.max(np.abs(table[column] / np.array(expected[column]) - 1))
        record_difference("analysis_table", "R `coxph`, 19 real cohorts", largest)


@pytest.mark.parametrize("name", having("causes"))
def test_cumulative_incidence(zoo, name, record_difference):
    cohort, expected = zoo(name), REFERENCES[name]["causes"]
    time, variable, levels = CAUSES[name]
    found = cumulative_incidence(cohort.frame[time], causes_of(cohort, variable, levels))
    at = np.array(expected["at"]) - 1
    for column in ("incidence", "std_error"):
        wanted = np.array(expected[column], dtype=float)
        assert_allclose(getattr(found, column)[:, at], wanted, **EXACT)
        largest = np.max(np.abs(getattr(found, column)[:, at] - wanted))
        record_difference("cumulative_incidence", "R `survfit`, 4 real cohorts", largest)


@pytest.mark.parametrize("name", ["ebmt1", "mgus2"])
def test_cumulative_incidence_of_an_endpoint(zoo, name):
    """As declared in the study file, from file to table."""
    cohort, expected = zoo(name), REFERENCES[name]["causes"]
    at = np.array(expected["at"]) - 1
    curves = als.cumulative_incidence(cohort, "failure")
    for row, cause in enumerate(cohort.study.endpoints["failure"].causes):
        found = curves.loc[curves["cause"] == cause, "incidence"].to_numpy()
        # The table begins at time 0, one row before R's first.
        assert_allclose(found[1:][at], np.array(expected["incidence"], dtype=float)[row], **EXACT)


def causes_of(cohort, variable, levels):
    values = cohort.frame[variable]
    return sum(k * (values == level).to_numpy(dtype=int) for k, level in enumerate(levels, start=1))
