"""What was examined and not retained: added to the paper's model, and what may be said of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from allsurv.cohort import Cohort, load_cohort
from allsurv.describe import cox_table
from allsurv.dictionary.readonly import FrozenDict
from allsurv.findings import compare_non_findings
from allsurv.findings.agreement.non_findings import _judge
from allsurv.findings.agreement.rows import BY_CONSTRUCTION
from allsurv.study import load_study
from allsurv.study.spec import NonFinding


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return load_cohort("rr-all")


def test_the_variable_is_added_to_the_published_model(cohort: Cohort):
    found = compare_non_findings(cohort).set_index("non_finding")
    model = cohort.study.analyses["multivariable"]
    for name, variable in (("age", "age"), ("salvage", "salvage_group")):
        by_hand = cox_table(
            cohort, "os", [*model.variables, variable], time_dependent=model.time_dependent
        ).set_index("variable")
        assert found.loc[name, "hazard_ratio"] == by_hand.loc[variable, "hazard_ratio"]
        assert found.loc[name, "p_value"] == by_hand.loc[variable, "p_value"]
    in_model = cox_table(cohort, "os", model.variables, time_dependent=["sct"])
    sct = in_model.set_index("variable").loc["sct", "hazard_ratio"]
    assert found.loc["sct", "hazard_ratio"] == sct
    assert found["statement"].eq(BY_CONSTRUCTION).all()


def test_what_is_known_later_is_not_put_into_a_model(cohort: Cohort):
    found = compare_non_findings(cohort).set_index("non_finding")
    for name in ("mrd", "mrd_at_response"):
        assert "immortal time" in found.loc[name, "reason"]
        assert math.isnan(found.loc[name, "hazard_ratio"])


def test_what_the_text_says_is_told_from_what_it_implies():
    study = load_study("rr-all")
    stated = {n.name for n in study.non_findings.values() if n.basis == "stated"}
    assert stated == {"sct", "response", "mrd", "mrd_at_response"}
    # All baseline characteristics were examined, by the paper's word.
    examined = {*study.screening.variables, *study.screening.time_dependent}
    retained = {finding.variable for finding in study.findings.values()}
    assert {n.variable for n in study.non_findings.values()} >= examined - retained
    assert {"age", "sex", "ecog_ge2", "wbc", "salvage"} <= set(study.non_findings)
    assert study.non_findings["salvage"].univariable_p == 0.0002
    assert not retained & {n.variable for n in study.non_findings.values()}


def _asked(toy_cohort, n: int, **effects: float) -> dict:
    cohort = toy_cohort(n, 3, effects=effects)
    kept = replace(cohort.study.analyses["all"], variables=("blasts", "arm"))
    age = NonFinding("age", "Age", "age", "all", "stated", "Not retained.")
    study = replace(
        cohort.study,
        analyses=FrozenDict({"all": kept}),
        non_findings=FrozenDict({"age": age}),
    )
    return compare_non_findings(Cohort(study, cohort.frame, cohort.source)).iloc[0].to_dict()


def test_every_verdict(toy_cohort):
    # Standard error of age about 1 / sqrt(events): 0.05 with 400 patients, 0.2 with 30.
    assert _asked(toy_cohort, 400, age=0.5)["verdict"] == "inconsistent"
    assert _asked(toy_cohort, 400)["verdict"] == "consistent"
    small = _asked(toy_cohort, 30)
    assert small["verdict"] == "cannot say"
    assert small["reason"] == "compatible with no effect and with a large one"


@pytest.mark.parametrize(
    ("numbers", "verdict", "reason"),
    [
        ((1.14, 1.01, 1.31), "consistent", "every effect beyond"),
        ((1.3, 1.05, 1.61), "cannot say", "may be smaller than the margin"),
        ((1.8, 1.55, 2.1), "inconsistent", "beyond a hazard ratio of 1.5"),
        ((0.5, 0.4, 0.6), "inconsistent", "beyond a hazard ratio of 1.5"),
        ((0.8, 0.6, 0.99), "cannot say", "may be smaller than the margin"),
        ((1.0, 0.5, 2.0), "cannot say", "compatible with no effect and with a large one"),
        ((1.0, math.nan, 2.0), "cannot say", "no estimate with limits"),
    ],
)
def test_an_interval_that_only_excludes_1_contradicts_nothing(numbers, verdict, reason):
    given = dict(zip(("hazard_ratio", "lower", "upper"), numbers, strict=True))
    found = _judge(given, 1.0, 1.5, 0.95)
    assert found[0] == verdict
    assert reason in found[1]


def test_equivalence_is_judged_for_one_standard_deviation(toy_cohort):
    row = _asked(toy_cohort, 400)
    cohort = toy_cohort(400, 3, effects={})
    error = np.log(row["upper"] / row["lower"]) / (2 * 1.959963984540054)
    sd = cohort.frame["age"].std()
    assert sd * (abs(np.log(row["hazard_ratio"])) + 1.6448536 * error) < np.log(1.5)
