"""The calculator in a browser equals Python, for every family, and refuses what it must."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from allsurv.cards.calculator.calculator import make_calculator
from allsurv.cohort import load_cohort
from allsurv.cohort.missing import complete_cases
from allsurv.dictionary.variable import Derivation, Variable
from allsurv.models import make_model
from allsurv.models.export import export_model
from allsurv.riskmodel.instability import Instability
from allsurv.riskmodel.model import RiskModel
from allsurv.scoring import RiskScorer
from allsurv.study import load_study
from browser import dump, needs_browser
from gaps import NAMES, PREDICTORS, cohort_with_gaps

PAGE = """<!doctype html><html><body><pre id="out">wait</pre><script>{scorer}</script><script>
(async () => {{
  const ask = {ask}, model = await Scorer.open(ask.packed);
  const out = document.getElementById("out");
  try {{ out.textContent = JSON.stringify(({todo})(model, ask)); }}
  catch (error) {{ out.textContent = JSON.stringify(String(error)); }}
}})();
</script></body></html>"""


def run_in_browser(tmp_path, ask, todo):
    scorer = files("allsurv.cards").joinpath("templates/scorer.js").read_text()
    page = tmp_path / "page.html"
    page.write_text(PAGE.format(scorer=scorer, ask=json.dumps(ask), todo=todo))
    return json.loads(dump(page).split('<pre id="out">')[1].split("</pre>")[0])


def random_patients(model, n, seed):
    rng = np.random.default_rng(seed)
    patients = []
    for _ in range(n):
        patient = {}
        for v in model.variables.values():
            if v.missing == "allowed" and rng.random() < 0.4:
                patient[v.name] = None
            elif v.is_number:
                value = rng.uniform(v.minimum, v.maximum)
                patient[v.name] = float(round(value)) if v.kind == "integer" else float(value)
            elif v.is_yes_no:
                patient[v.name] = bool(rng.random() < 0.5)
            else:
                patient[v.name] = v.levels[rng.integers(len(v.levels))]
        patients.append(patient)
    return patients


OTHERS = {"cox": {}, "rsf": {"n_estimators": 20}, "cgbs": {}}


def folders_of_every_family(small_folder, place):
    """Elastic net and boosting of the cut-down job; the other families fitted here."""
    cohort = load_cohort("rr-all")
    eligible = cohort.eligible("os")
    for name, parameters in OTHERS.items():
        model = make_model(name, cohort.study, random_state=1, **parameters)
        model.fit(eligible.X, eligible.y("os"))
        export_model(model, eligible, endpoint="os").write(place / name)
    return [*sorted((small_folder / "models").iterdir()), *(place / name for name in OTHERS)]


@needs_browser
def test_every_family_equals_python_on_1000_patients(small_folder, small_result, tmp_path):
    folders = folders_of_every_family(small_folder, tmp_path / "models")
    assert {folder.name for folder in folders} == {"cox", "coxnet", "rsf", "gbs", "cgbs"}
    for folder in folders:
        model = RiskModel.read(folder)
        patients = random_patients(model, 1000, seed=5)
        packed = make_calculator(folder, small_result.study)["packed"]
        found = run_in_browser(
            tmp_path,
            {"packed": packed, "patients": patients},
            "(model, ask) => ask.patients.map((p) => { const r = Scorer.score(model, p); "
            "return [r.risk_score, r.risk_centile, r.risk_group, r.survival, r.horizons]; })",
        )
        score, centile, group, survival, horizons = map(list, zip(*found, strict=True))
        scored = RiskScorer.load(folder).score(pd.DataFrame(patients), horizons=list(model.grid))
        columns = [f"survival_{time:g}" for time in model.grid]
        np.testing.assert_allclose(score, scored["risk_score"], rtol=0, atol=1e-9)
        np.testing.assert_allclose(centile, scored["risk_centile"], rtol=0, atol=1e-9)
        np.testing.assert_allclose(survival, scored[columns], rtol=0, atol=1e-9)
        assert group == scored["risk_group"].tolist()
        if model.instability is not None:
            for limit in ("lower", "upper"):
                ours = [[at[limit] for at in one] for one in horizons]
                columns = [f"survival_{time:g}_{limit}" for time in model.horizons]
                np.testing.assert_allclose(ours, scored[columns], rtol=0, atol=1e-9)


@needs_browser
def test_instability_intervals_equal_python(tmp_path):
    cohort = load_cohort("rr-all")
    model = make_model("cox", cohort.study, predictors=["age", "pb_blasts", "arm"])
    model.fit(cohort.X, cohort.y("os"))
    refits = np.random.default_rng(0).normal(0, 0.05, size=(30, cohort.n, 3))
    survival = model.predict_survival(cohort.X, [12, 24, 36])
    band = Instability.of(
        survival, np.clip(survival + refits, 0, 1), np.array([12, 24, 36]), level=0.95
    )
    exported = export_model(model, cohort, endpoint="os", instability=band)
    folder = exported.write(tmp_path / "model")
    patients = random_patients(exported, 200, seed=2)
    found = run_in_browser(
        tmp_path,
        {"packed": make_calculator(folder, cohort.study)["packed"], "patients": patients},
        "(model, ask) => ask.patients.map((p) => Scorer.score(model, p).horizons)",
    )
    scored = RiskScorer.load(folder).score(pd.DataFrame(patients), horizons=[12, 24, 36])
    for limit in ("lower", "upper"):
        ours = [[at[limit] for at in one] for one in found]
        columns = [f"survival_{time}_{limit}" for time in (12, 24, 36)]
        np.testing.assert_allclose(ours, scored[columns], rtol=0, atol=1e-9)


@needs_browser
def test_splines_and_interactions_equal_python(tmp_path):
    cohort = load_cohort("rr-all")
    model = make_model(
        "coxnet",
        cohort.study,
        predictors=["age", "pb_blasts", "wbc", "arm", "tp53_mut"],
        features__splines={"age": 4, "wbc": 3},
        features__interactions=[("age", "arm")],
    )
    model.fit(cohort.X, cohort.y("os"))
    exported = export_model(model, cohort, endpoint="os")
    folder = exported.write(tmp_path / "model")
    patients = random_patients(exported, 200, seed=3)
    found = run_in_browser(
        tmp_path,
        {"packed": make_calculator(folder, cohort.study)["packed"], "patients": patients},
        "(model, ask) => ask.patients.map((p) => Scorer.score(model, p).survival)",
    )
    times = list(exported.grid)
    scored = RiskScorer.load(folder).score(pd.DataFrame(patients), horizons=times)
    columns = [f"survival_{time:g}" for time in times]
    np.testing.assert_allclose(found, scored[columns], rtol=0, atol=1e-9)


@needs_browser
def test_values_outside_the_dictionary_are_refused(small_folder, small_result, tmp_path):
    folder = small_folder / "models" / small_result.chosen
    packed = make_calculator(folder, small_result.study)["packed"]
    asked = {"age": ["150", "", "41.5", "41"], "sex": ["femal", "female"], "tp53_mut": ["", "yes"]}
    found = run_in_browser(
        tmp_path,
        {"packed": packed, "asked": asked},
        "(model, ask) => model.variables.filter((v) => v.name in ask.asked)"
        ".map((v) => [v.name, ask.asked[v.name].map((text) => Scorer.read(v, text))])",
    )
    said = dict(found)
    assert "outside 15 to 100" in said["age"][0]["fault"]
    assert "needed" in said["age"][1]["fault"]
    assert "whole number" in said["age"][2]["fault"]
    assert said["age"][3] == {"value": 41}
    assert "not one of male, female" in said["sex"][0]["fault"]
    assert said["tp53_mut"] == [{"value": None}, {"value": True}]


@needs_browser
def test_the_page_answers_and_refuses(small_folder, tmp_path):
    page = (small_folder / "calculator.html").read_text()
    fill = """<script>addEventListener("load", () => setTimeout(() => {
      const form = document.querySelector("form");
      for (const field of form.elements) {
        if (field.tagName === "SELECT") field.selectedIndex = field.options.length - 1;
        if (field.tagName === "INPUT") field.value = FILL;
      }
      form.requestSubmit();
    }, 500));</script></body>"""
    for value, expected in (("50", "Risk group"), ("1e9", "Not calculated.")):
        file = tmp_path / "page.html"
        file.write_text(page.replace("</body>", fill.replace("FILL", json.dumps(value))))
        dom = dump(file)
        output = dom.split("<output")[1].split("</output>")[0]
        assert expected in output
        assert ("<svg" in output) == (value == "50")


def test_the_page_says_what_it_is_and_needs_nothing(small_folder):
    page = (small_folder / "calculator.html").read_text()
    assert "Research use only" in page
    assert "not on real patients" in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page


@needs_browser
def test_thresholds_equal_python(tmp_path):
    """``above`` and ``below``, at their own value too."""
    study = replace(
        load_study("rr-all"),
        variables={
            **load_study("rr-all").variables,
            "old": _compared("old", "above", "age", 60),
            "few_blasts": _compared("few_blasts", "below", "pb_blasts", 5),
        },
    )
    frame = load_cohort("rr-all").frame
    frame = frame.assign(
        old=pd.array(frame["age"] > 60, dtype="boolean"),
        few_blasts=pd.array(frame["pb_blasts"] < 5, dtype="boolean"),
    )
    cohort = replace(load_cohort("rr-all"), study=study, frame=frame)
    model = make_model("cox", study, predictors=["old", "few_blasts"])
    model.fit(cohort.X, cohort.y("os"))
    folder = export_model(model, cohort, endpoint="os").write(tmp_path / "model")
    patients = [{"age": a, "pb_blasts": b} for a in (59, 60, 61) for b in (4.9, 5.0, 5.1)]
    found = run_in_browser(
        tmp_path,
        {"packed": make_calculator(folder, study)["packed"], "patients": patients},
        "(model, ask) => ask.patients.map((p) => Scorer.score(model, p).risk_score)",
    )
    scored = RiskScorer.load(folder).score(pd.DataFrame(patients))
    np.testing.assert_allclose(found, scored["risk_score"], rtol=0, atol=1e-9)
    assert len(set(np.round(found, 9))) == 4
    assert found[0] == found[3] != found[6]  # 59 and 60 are not above 60
    assert found[0] != found[1] == found[2]  # 5 is not below 5


def _compared(name, op, source, threshold):
    rule = Derivation(op, (source,), threshold=threshold)
    return Variable(name, name, "binary", name, missing="allowed", derivation=rule)


@needs_browser
@pytest.mark.parametrize("missing", ["impute", "level"])
def test_gaps_of_every_kind_equal_python(missing, tmp_path):
    cohort = cohort_with_gaps(missing)
    model = make_model("cox", cohort.study, ridge=1.0).fit(cohort.X, cohort.y("os"))
    exported = export_model(model, cohort, endpoint="os")
    folder = exported.write(tmp_path / "model")
    patients = random_patients(exported, 200, seed=6)
    assert {name for p in patients for name, v in p.items() if v is None} >= set(NAMES)
    found = run_in_browser(
        tmp_path,
        {"packed": make_calculator(folder, cohort.study)["packed"], "patients": patients},
        "(model, ask) => ask.patients.map((p) => Scorer.score(model, p).risk_score)",
    )
    scored = RiskScorer.load(folder).score(pd.DataFrame(patients))
    np.testing.assert_allclose(found, scored["risk_score"], rtol=0, atol=1e-9)


def test_a_model_of_complete_cases_asks_for_every_value():
    cohort = complete_cases(cohort_with_gaps("complete cases"), PREDICTORS)
    model = make_model("cox", cohort.study, ridge=1.0).fit(cohort.X, cohort.y("os"))
    exported = export_model(model, cohort, endpoint="os")
    needed = {name for name, v in exported.variables.items() if v.missing == "refused"}
    assert needed >= set(NAMES)
    assert exported.variables["tp53_mut"].missing == "allowed"
