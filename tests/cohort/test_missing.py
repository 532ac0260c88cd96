"""What the study file says of missing values, held against patients before anything is computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort
from allsurv.cohort.missing import check_missing, complete_cases
from allsurv.dictionary import FrozenDict
from allsurv.errors import CohortError
from allsurv.study.spec import Analysis
from gaps import NAMES, PREDICTORS, cohort_with_gaps


def check(cohort, missing="impute", predictors=PREDICTORS):
    check_missing(cohort, predictors=predictors, endpoint="os", missing=missing)


def with_analysis(cohort, missing, variables=("age", "salvage")):
    asked = Analysis("mine", "Mine", "os", variables, missing=missing)
    return replace(cohort, study=replace(cohort.study, analyses=FrozenDict({"mine": asked})))


def test_complete_cases_are_those_without_a_gap_but_in_markers():
    cohort = cohort_with_gaps()
    kept = complete_cases(cohort, PREDICTORS)
    assert kept.n == cohort.frame[list(NAMES)].notna().all(axis=1).sum()
    assert kept.frame["tp53_mut"].isna().any()


@pytest.mark.parametrize("missing", ["impute", "level", "complete cases"])
def test_ordinary_gaps_pass(missing):
    check(with_analysis(cohort_with_gaps(), missing), missing)


def test_what_is_refused_is_named_by_row():
    cohort = cohort_with_gaps()
    rows = np.flatnonzero(cohort.frame["cns"].isna()) + 1
    with pytest.raises(CohortError) as caught:
        check(cohort, "refuse")
    by_name = {fault.column: fault for fault in caught.value.violations}
    assert set(by_name) == set(NAMES)
    assert by_name["cns"].rows == tuple(rows)
    assert "allowed are the other ways of 'missing'" in str(caught.value)
    with pytest.raises(CohortError, match=r"age: \d+ rows .* which analysis 'mine' refuses"):
        check(with_analysis(cohort, "refuse"))


def test_a_variable_without_any_value_is_refused_by_every_way():
    cohort = cohort_with_gaps()
    frame = cohort.frame.assign(cns=pd.array([pd.NA] * cohort.n, dtype="boolean"))
    nobody = Cohort(cohort.study, frame, cohort.source)
    for missing in ("impute", "level", "complete cases"):
        with pytest.raises(CohortError, match="cns: has no value in any patient; leave it out"):
            check(nobody, missing)
    with pytest.raises(CohortError, match="cns: has no value in any patient of analysis 'mine'"):
        check(with_analysis(nobody, "complete cases", ("age", "cns")), predictors=("age",))


def test_what_does_not_apply_cannot_be_imputed():
    cohort = cohort_with_gaps()
    only_men = replace(cohort.study.variable("cns"), only_if=FrozenDict({"sex": "male"}))
    lines = FrozenDict({**cohort.study.variables, "cns": only_men})
    frame = cohort.frame.copy()
    frame.loc[frame["sex"] != "male", "cns"] = pd.NA
    some = Cohort(replace(cohort.study, variables=lines), frame, cohort.source)
    with pytest.raises(
        CohortError, match=r"cns: .* not applicable, so that analysis 'mine' cannot"
    ):
        check(with_analysis(some, "impute", ("age", "cns")), predictors=("age",))
    check(with_analysis(some, "complete cases", ("age", "cns")), predictors=("age",))
