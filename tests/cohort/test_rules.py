"""Orders of events that hold for some patients only."""

from __future__ import annotations

import pandas as pd
import pytest

from allsurv.cohort import make_cohort
from allsurv.errors import CohortError, StudyError
from allsurv.study import load_study

STUDY = """
name: recovery
title: Recovery of platelets
citation: {text: None.}
time: {unit: days, grid: 1}
variables:
  recovery: {label: Time to recovery, kind: duration, unit: days, known: post-baseline}
  recovered: {label: Recovery, kind: binary, known: post-baseline, missing: allowed}
  followed: {label: Follow-up, kind: duration, unit: days, known: outcome, required: true}
  died: {label: Death, kind: binary, known: outcome, required: true}
  age: {label: Age, kind: integer, unit: years}
endpoints:
  os: {label: Overall survival, time: followed, event: [{died: true}], origin: transplantation}
rules:
  - {first: recovery, then: followed, says: are after the end, only_if: {recovered: true}}
prediction: {moment: at transplantation, endpoint: os, horizons: [12], predictors: [age]}
"""
# Without recovery the file holds the last follow-up, which may lie after the end of this one.
ROWS = pd.DataFrame(
    {
        "recovery": [20, 400, 30, 50],
        "recovered": [True, False, None, True],
        "followed": [100, 300, 10, 60],
        "died": [1, 0, 1, 0],
        "age": 40,
    }
)


@pytest.fixture
def study_of(tmp_path):
    def made(text=STUDY):
        path = tmp_path / "recovery.yaml"
        path.write_text(text)
        return load_study(path)

    return made


def test_a_rule_is_held_against_those_it_is_about(study_of):
    assert make_cohort(ROWS, study_of()).n == 4
    broken = ROWS.assign(recovery=[20, 400, 30, 61])
    with pytest.raises(CohortError, match=r"recovery: 1 row \(4\) is after the end"):
        make_cohort(broken, study_of())


def test_without_the_filter_it_is_about_everybody(study_of):
    with pytest.raises(CohortError, match=r"recovery: 2 rows \(2, 3\) are after the end"):
        make_cohort(ROWS, study_of(STUDY.replace(", only_if: {recovered: true}", "")))


def test_the_filter_is_held_against_the_dictionary(study_of):
    with pytest.raises(StudyError, match=r"only_if\.recoverd.*Did you mean 'recovered'"):
        study_of(STUDY.replace("{recovered: true}", "{recoverd: true}"))
