"""What the catalogues say of measures and families is true, and is said nowhere else."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace

import numpy as np
import pytest

from allsurv.errors import ModelError
from allsurv.findings import assess_findings, compare_findings
from allsurv.models import FAMILIES, make_model
from allsurv.models.export import export_model
from allsurv.stats.measures.royston import royston_d
from allsurv.stats.outcome import make_y
from allsurv.validation import MEASURES, Bootstrap, find_measure, validate
from allsurv.validation.catalogue import cases_and_controls, comparable_pairs, measures_by_name
from allsurv.validation.measures import Resample
from allsurv.validation.predicted import Predicted

# Thresholds of promotion are a choice about two or three measures, not a fact of them.
# `outcomes` has the functions, as `stats` does.
MAY_LIST = {
    "validation/catalogue.py",
    "validation/outcomes.py",
    "models/catalog.py",
    "tracking/promotion.py",
}
HORIZON = 12.0


@pytest.fixture(scope="module")
def true():
    """Predictions that are the truth: exponential survival of known hazards, 4,000 patients."""
    rng = np.random.default_rng(5)
    score = rng.normal(size=4000)
    death = rng.exponential(20 * np.exp(-score))
    censored = rng.uniform(15, 60, 4000)
    y = make_y(np.minimum(death, censored), death <= censored)
    times = np.array([3.0, 6.0, 9.0, 12.0])
    hazard = np.exp(score)[:, None] / 20
    return Predicted(
        y,
        score,
        1 - np.exp(-hazard[:, 0] * HORIZON),
        HORIZON,
        curves=1 - np.exp(-hazard * times),
        times=times,
    )


def _far(measure, predicted) -> float:
    """How far a prediction is from the best there is, by what the catalogue says of a measure."""
    value = measure.of(predicted).value
    distance = {"higher": -value, "lower": value, "target": abs(value - measure.ideal)}
    return distance[measure.direction]


@pytest.mark.parametrize("name", MEASURES)
def test_the_direction_is_that_in_which_the_truth_lies(name, true):
    measure = MEASURES[name]
    order = np.random.default_rng(0).permutation(true.y.size)
    # Dealing predictions to patients at random spoils ranking; halving them, what is on average.
    worse = replace(
        true,
        risk_score=true.risk_score[order],
        risk=true.risk[order] / 2,
        curves=true.curves[order] / 2,
    )
    assert _far(measure, true) < _far(measure, worse)


@pytest.mark.parametrize("name", [n for n, m in MEASURES.items() if m.no_information is not None])
def test_no_information_is_the_value_of_predictions_dealt_at_random(name, true):
    measure = MEASURES[name]
    order = np.random.default_rng(1).permutation(true.y.size)
    dealt = replace(
        true,
        risk_score=true.risk_score[order],
        risk=true.risk[order],
        curves=true.curves[order],
    )
    if name == "ipa":  # dealing spoils calibration within groups too; no information is one risk
        dealt = replace(true, risk=np.full(true.y.size, true.risk.mean()))
    assert measure.of(dealt).value == pytest.approx(measure.chance(true), abs=0.05)


def test_weights_count_pairs():
    # Events at 1 and 3, censored at 2 and 4. Known order: 1 before 2, 3, 4 and 3 before 4.
    y = make_y(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, False]))
    assert comparable_pairs(y, np.nan) == 4
    assert comparable_pairs(y, 2.5) == 3
    # By 2: the event at 1 is a case; 3 and 4 are followed beyond.
    assert cases_and_controls(y, 2.0) == 2


def test_a_measure_says_why_it_is_missing(true):
    without = replace(true, reason="no fit", risk_reason="not reached", times=np.empty(0))
    reasons = {name: measure.of(without).reason for name, measure in MEASURES.items()}
    by_need = {"score": "no fit", "risk": "not reached", "curves": "no prediction over time"}
    assert reasons == {name: by_need[m.reads] for name, m in MEASURES.items()}


def test_measures_keep_the_order_of_the_catalogue():
    assert list(measures_by_name(["ici", find_measure("auc")])) == ["auc", "ici"]
    with pytest.raises(ModelError, match="Did you mean 'uno_c'"):
        measures_by_name(["unoc"])


def test_separation_is_stratified_by_the_folds_there_are(true):
    fold = np.arange(true.y.size) % 3
    expected = royston_d(true.y, true.risk_score, strata=fold).d.value
    assert find_measure("d").of(replace(true, fold=fold)).value == expected


def test_resamples_have_the_columns_that_are_documented(toy_cohort):
    cohort = toy_cohort(110, 2)
    report = validate(make_model("cox", cohort.study), cohort, n_bootstrap=10)
    private = {"patients", "influence"}
    assert list(report.resamples.columns) == [c for c in Resample._fields if c not in private]
    assert set(report.resamples["measure"]) == set(MEASURES)
    by_bootstrap = validate(make_model("cox", cohort.study), cohort, plan=Bootstrap(2))
    corrected = {name for name, measure in MEASURES.items() if measure.corrected}
    assert set(by_bootstrap.optimism["measure"]) == corrected
    followed = {name for name, measure in MEASURES.items() if measure.over_time}
    assert set(report.over_time["measure"]) == followed


@pytest.mark.parametrize("plan", ["cv", 5, None])
def test_a_plan_that_is_none_is_refused(toy_cohort, plan):
    cohort = toy_cohort(110, 2)
    with pytest.raises(ModelError, match=r"validate: plan is .*; allowed are Plan\("):
        validate(make_model("cox", cohort.study), cohort, plan=plan)


def test_compare_findings_takes_what_assess_findings_takes():
    one, other = (inspect.signature(f).parameters for f in (compare_findings, assess_findings))
    theirs = {name: p for name, p in other.items() if name != "n_explained"}  # the main job's
    assert list(one.values()) == list(theirs.values())
    with pytest.raises(TypeError, match="n_boots"):
        compare_findings(None, None, n_boots=3)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_exported_as_its_entry_says(name, made_up):
    cohort = made_up(n=110)
    assert FAMILIES[name].model_class.family == name
    model = make_model(name, cohort.study, random_state=0).fit(cohort.X, cohort.y("os"))
    assert export_model(model, cohort, endpoint="os").mechanism.kind == FAMILIES[name].mechanism


@pytest.mark.parametrize("names", [MEASURES, FAMILIES], ids=["measures", "families"])
def test_no_other_module_lists_them_by_name(names, root):
    listed = []
    for file in sorted((root / "src" / "allsurv").rglob("*.py")):
        place = file.relative_to(root / "src" / "allsurv").as_posix()
        # stats has the functions, and an __init__ the names of modules.
        if place in MAY_LIST or place.startswith("stats/") or file.name == "__init__.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            parts = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", ())
            found = {part.value for part in parts if isinstance(part, ast.Constant)}
            if len(found & set(names)) > 1:
                listed.append(f"{place}:{node.lineno}")
    assert not listed
