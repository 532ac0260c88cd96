"""Competing events and states in the report: items, printed tables, what leaves the team."""

from __future__ import annotations

import pytest

import allsurv as als
from allsurv.cards.report.printed import print_item
from allsurv.errors import OutcomeError
from allsurv.plots import alt_text, plot_item
from allsurv.policy import CMS
from allsurv.reproduction.competing_items import competing_items
from allsurv.reproduction.paper_curves import curve_items, figures
from allsurv.reproduction.states_items import states_analysis_items, states_items
from allsurv.study import load_study


@pytest.fixture(scope="module")
def few():
    return als.load_cohort("rr-all")


@pytest.fixture(scope="module")
def course(root):
    return als.load_cohort(load_study(root / "experiments/007-states-myeloid/study.yaml"))


def items_of(cohort, name, other=None):
    asked = cohort.study.comparisons[name]
    return {item.key: item for item in curve_items(cohort, (asked,), other, CMS)}


def test_a_comparison_gives_curves_and_shares(few):
    items = items_of(few, "failure_arm")
    assert {key: item.kind for key, item in items.items()} == {
        "failure-arm": "incidence",
        "failure-arm-shares": "stacked",
    }
    # Three and six deaths in remission: neither form leaves the study team.
    assert all(item.safe is None for item in items.values())
    assert set(items["failure-arm"].extra) == {"at_risk", "summary", "tests"}


def test_its_table_is_printed_with_grays_tests(few):
    item = items_of(few, "failure_arm")["failure-arm"]
    printed = print_item(item, few.study)
    assert printed.columns == ("", "Original regimen", "Modified regimen", "Gray's P")
    rows = {row.cells[0]: row.cells[1:] for row in printed.rows}
    assert rows["Patients"] == ("51", "40", "")
    assert rows["Relapse"] == ("", "", "0.86")
    deaths = [row.cells for row in printed.rows if row.cells[0] == "Events"]
    assert deaths == [("Events", "28", "20", ""), ("Events", "6", "3", "")]
    assert rows["3-year incidence, % (95% CI)"][0] == "12 (5–23)"
    assert any("would be too high" in note for note in printed.notes)


def test_each_kind_is_drawn(few, course):
    found = [*items_of(few, "failure_overall").values(), *items_of(course, "course").values()]
    drawn = {i.kind: alt_text(plot_item(i, few.study)) for i in found if i.is_figure}
    assert drawn["incidence"].startswith("Cumulative incidence curves")
    assert "death in remission 10%" in drawn["stacked"]
    assert "Induction to Complete response 442" in drawn["diagram"]
    assert drawn["shares"].startswith("Shares of patients over time")


def test_an_analysis_gives_both_models_and_their_answers(few):
    (item,) = competing_items(few, few.study.analyses["failure"], CMS, label="")
    text = item.text
    assert list(text.columns[4:]) == [
        "Cause-specific hazard ratio (95% CI)",
        "Cause-specific P",
        "Fine-Gray hazard ratio (95% CI)",
        "Fine-Gray P",
    ]
    assert text.loc[
        text[""] == "Relapse", ["Patients", "Events", "Other events"]
    ].values.tolist() == [["91", "48", "9"]]
    assert any(note.startswith("Death in remission: fewer than 10 events") for note in item.notes)
    assert any("to read for prognosis" in note for note in item.notes)
    assert "48" not in item.safe.text.to_string()


def test_single_curves_of_competing_events_stand_alone(few):
    grouped = figures(few.study)
    assert (few.study.comparisons["failure_overall"],) in grouped
    assert [c.name for c in grouped[0]] == ["os_overall", "rfs_overall"]


def test_states_give_a_diagram_shares_and_probabilities(course):
    asked = course.study.comparisons["course_treatment"]
    diagram, shares, table = states_items(course, asked, CMS, key="course", title="Course")
    assert (diagram.kind, shares.kind, table.kind) == ("diagram", "shares", "table")
    text = table.text.set_index("")
    # Response at 6 months with A: 0.3937, with limits.
    assert text.loc["A (n = 317)"].tolist() == ["", "", "", ""]
    assert text.loc["  Complete response", "6 months, % (95% CI)"].tolist() == [
        "39 (34–45)",
        "49 (43–54)",
    ]
    # By treatment some transitions have few moves: shown to the study team only.
    assert diagram.safe is shares.safe is table.safe is None
    whole = states_items(course, course.study.comparisons["course"], CMS, key="c", title="C")
    assert [item.safe is not None for item in whole] == [True, False, True]


def test_effects_on_transitions_are_printed(course):
    (item,) = states_analysis_items(course, course.study.analyses["course"], CMS, label="")
    rows = item.text.values.tolist()
    assert rows[0] == ["Induction to Complete response", "442", "", ""]
    assert rows[1] == ["  Treatment: B vs A", "", "1.24 (1.02–1.49)", "0.03"]
    assert item.safe is not None


def test_a_cohort_that_is_not_at_hand_is_asked_for(few):
    from dataclasses import replace

    asked = replace(
        few.study.comparisons["failure_overall"], against="rr-all-inotuzumab", against_label="I"
    )
    with pytest.raises(OutcomeError, match="is not at hand"):
        list(curve_items(few, (asked,), None, CMS))
