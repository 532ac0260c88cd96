"""One policy, chosen by name, decides what tables, curves and the search of files let through."""

from __future__ import annotations

import json

import numpy as np
import pytest

from allsurv.cohort import load_cohort
from allsurv.describe import comparison_curves, comparison_summary, table_one
from allsurv.disclosure.characteristics import safe_characteristics
from allsurv.disclosure.curves import safe_curve
from allsurv.disclosure.dominance import dominated_summaries
from allsurv.disclosure.scanner import Scanner, check_artefacts
from allsurv.disclosure.survival import medians_on_grid, safe_survival
from allsurv.errors import ConfigError, DisclosureError
from allsurv.policy.rules import CMS, POLICIES, Sum, disclosure_policy, hidden_cells


@pytest.fixture(scope="module")
def cohort():
    return load_cohort("rr-all")


def test_an_unknown_policy_is_refused_with_the_near_miss():
    with pytest.raises(ConfigError, match=r"allowed are cms, acro, journal, off.*'journal'"):
        disclosure_policy("jurnal")


@pytest.mark.parametrize(
    ("policy", "hidden"),
    [
        ("cms", [True, True, False, False]),  # 10 is small, and 30 gives it away; 0 is shown
        ("acro", [False, True, True, False]),  # 0 is small, and the smallest other gives it away
        ("journal", [False, False, False, False]),
        ("off", [False, False, False, False]),
    ],
)
def test_which_counts_of_one_table_each_policy_hides(policy, hidden):
    # 30 + 10 + 0 = 40
    found = hidden_cells([30, 10, 0, 40], [Sum((0, 1, 2), total=3)], POLICIES[policy])
    assert found.tolist() == hidden


def test_dominance_follows_the_rules_of_acro():
    acro = POLICIES["acro"]
    ten = [10.0] * 10
    assert not acro.is_dominated(ten)
    assert acro.is_dominated([*ten, 900, 200])  # (900 + 200) / 1200 = 0.917 > 0.9
    assert not acro.is_dominated([*ten, 500, 400])  # 900 / 1000 is not above 0.9; 100 / 500 = 0.2
    assert acro.is_dominated([*ten, 1200])  # all but the two largest: 90 < 0.1 * 1200
    assert not acro.is_dominated([0, 0, 0])
    assert not CMS.is_dominated([1, 1e9])


def test_a_dominated_number_is_not_summarised(cohort):
    frame = cohort.frame.copy()
    frame["wbc"] = 0.2
    frame.loc[frame.index[0], "wbc"] = 900.0
    one = type(cohort)(cohort.study, frame, cohort.source)
    found = dominated_summaries(one, POLICIES["acro"], by="arm")
    assert ("wbc", "overall") in found
    table = safe_characteristics(table_one(one), one.study, POLICIES["acro"], dominated=found)
    row = table.set_index("variable").loc["wbc"]
    assert row["text"] == "suppressed"
    assert row["suppressed"]
    assert np.isnan(row["value"])
    assert not dominated_summaries(one, CMS)


@pytest.mark.parametrize("name", ["journal", "off"])
def test_what_journals_print_is_not_changed(cohort, name):
    policy = POLICIES[name]
    asked = cohort.study.comparisons["os_overall"]
    exact = comparison_curves(cohort, asked)
    assert safe_curve(exact, cohort.study, policy).equals(exact)
    table, summary = table_one(cohort), comparison_summary(cohort, asked)
    assert (
        safe_characteristics(table, cohort.study, policy).drop(columns="suppressed").equals(table)
    )
    assert safe_survival(summary, policy).drop(columns="suppressed").equals(summary)
    assert medians_on_grid(summary, cohort.study, policy).equals(summary)


@pytest.mark.parametrize(("name", "stopped"), [("journal", True), ("off", False)])
def test_journals_print_no_patients_row(cohort, tmp_path, name, stopped):
    row = cohort.frame.iloc[3][["wbc", "pb_blasts", "bm_blasts", "cd22"]].to_dict()
    (tmp_path / "row.json").write_text(json.dumps(row))
    found = Scanner(cohort, POLICIES[name]).faults(tmp_path / "row.json")
    assert list(found) == ["a patient's row"] * stopped


@pytest.mark.parametrize(("policy", "stopped"), [("cms", True), ("acro", False), ("off", False)])
def test_the_search_of_files_obeys_the_policy(cohort, tmp_path, policy, stopped):
    (tmp_path / "t.json").write_text(json.dumps([{"n": 10}]))
    files = [tmp_path / "t.json"]
    if stopped:
        with pytest.raises(DisclosureError, match="counts under 11"):
            check_artefacts(files, cohort, POLICIES[policy])
    else:
        check_artefacts(files, cohort, POLICIES[policy])


def test_journal_still_stops_a_patients_row(cohort, tmp_path):
    row = cohort.frame.iloc[0].dropna()
    (tmp_path / "t.json").write_text(json.dumps([{k: str(v) for k, v in row.items()}]))
    with pytest.raises(DisclosureError, match="a patient's row"):
        check_artefacts([tmp_path / "t.json"], cohort, POLICIES["journal"])
