"""Scoring new patients: the right number, in order, or every fault by row."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib.metadata import entry_points

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import read_cohort
from allsurv.errors import CohortError, ModelError, RiskModelError
from allsurv.models import FAMILIES, make_model
from allsurv.models.coarse import coarse_model
from allsurv.models.export import export_model
from allsurv.riskmodel.model import RiskModel
from allsurv.scoring import RiskScorer, addresses

FAST = {"rsf": {"n_estimators": 20}, "gbs": {"n_estimators": 20}, "coxnet": {"folds": 3}}
TREATMENT = {"ecog", "karyotype", "salvage"}


@pytest.fixture(scope="module")
def cohort(made_up):
    return made_up(n=110)


@pytest.fixture(scope="module")
def models(cohort):
    return {
        name: make_model(name, cohort.study, random_state=5, **FAST.get(name, {})).fit(
            cohort.X, cohort.y("os")
        )
        for name in FAMILIES
    }


@pytest.fixture(scope="module")
def folder(models, cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, model in models.items():
        export_model(model, cohort, endpoint="os").write(folder / name)
    return folder


@pytest.fixture(scope="module")
def scorer(folder):
    return RiskScorer.load(folder / "cox")


@pytest.fixture
def rows(made_up, scorer):
    """Thirty patients as a user's file gives them: texts and numbers, no derived column."""
    frame = made_up(n=30, seed=9).frame[list(scorer.risk_model.variables)]
    out = frame.astype(object).where(frame.notna(), None)
    return out.infer_objects()


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_those_of_the_model(family, folder, models, cohort, made_up, rows):
    new = made_up(n=30, seed=9).X
    scored = RiskScorer.load(str(folder / family)).score(rows)
    exported = coarse_model(models[family], cohort, "os")
    np.testing.assert_allclose(scored["risk_score"], exported.predict(new), rtol=1e-12)
    expected = exported.predict_survival(new, [12, 24, 36])
    survival = scored[["survival_12", "survival_24", "survival_36"]]
    np.testing.assert_allclose(survival, expected, atol=1e-12)
    assert list(scored) == [
        "risk_score",
        "risk_centile",
        "risk_group",
        *(f"survival_{h}{part}" for h in (12, 24, 36) for part in ("", "_lower", "_upper")),
        "extrapolating",
        "imputed",
        "outside_population",
        "fault",
    ]


def test_order_and_index_are_kept(scorer, rows):
    plain = scorer.score(rows)
    rows.index = pd.Index([f"p{i % 7}" for i in range(30)], name="who")
    mixed = rows.sample(frac=1, random_state=0)
    scored = scorer.score(mixed)
    assert scored.index.equals(mixed.index)
    order = np.random.default_rng(0).permutation(30)
    shuffled = scorer.score(rows.iloc[order])
    np.testing.assert_array_equal(shuffled["risk_score"], plain["risk_score"].to_numpy()[order])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_scorer_that_has_scored_can_be_sent_to_another_process(family, folder, rows):
    scorer = RiskScorer.load(folder / family)
    expected = scorer.score(rows)
    sent = pickle.loads(pickle.dumps(scorer))
    pd.testing.assert_frame_equal(sent.score(rows), expected)
    pd.testing.assert_frame_equal(scorer.score(rows), expected)


def test_horizons_may_be_chosen(scorer, rows):
    scored = scorer.score(rows, horizons=[6, 18.5])
    assert [name for name in scored if name.count("_") == 1 and "survival" in name] == [
        "survival_6",
        "survival_18.5",
    ]
    assert (scored["survival_6"] > scored["survival_18.5"]).all()
    assert not any("survival" in name for name in scorer.score(rows, horizons=[]))
    with pytest.raises(ModelError, match="beyond the follow-up"):
        scorer.score(rows, horizons=[10_000])


def test_groups_and_centiles_rise_with_the_score(scorer, made_up):
    scored = scorer.score(made_up(n=300, seed=4).X).sort_values("risk_score")
    assert scored["risk_centile"].is_monotonic_increasing
    codes = scored["risk_group"].map({"low": 0, "intermediate": 1, "high": 2})
    assert codes.is_monotonic_increasing
    assert set(scored["risk_group"]) == {"low", "intermediate", "high"}


def test_a_derived_predictor_may_be_given_in_place_of_its_source(scorer, made_up, rows):
    expected = scorer.score(rows)["risk_score"]
    given = made_up(n=30, seed=9).X.drop(columns=sorted(TREATMENT))
    np.testing.assert_array_equal(scorer.score(given)["risk_score"], expected)


def test_a_derived_predictor_that_contradicts_its_source_is_refused(scorer, rows):
    rows["high_risk_cyto"] = [k in ("kmt2a", "ho_tr") for k in rows["karyotype"]]
    assert len(scorer.score(rows)) == 30
    rows.loc[4, "high_risk_cyto"] = not rows.loc[4, "high_risk_cyto"]
    with pytest.raises(CohortError, match=r"high_risk_cyto: 1 row \(5\) contradicts karyotype"):
        scorer.score(rows)


def test_every_fault_at_once_by_row(scorer, rows):
    rows.loc[3, "age"] = 140
    rows["sex"] = rows["sex"].astype(object)
    rows.loc[[0, 7], "sex"] = "femal"
    rows["wbc"] = rows["wbc"].astype(object)
    rows.loc[2, "wbc"] = "high"
    rows.loc[9, "pb_blasts"] = np.nan
    rows = rows.rename(columns={"bm_blasts": "bm_blast"})
    with pytest.raises(CohortError) as caught:
        scorer.score(rows)
    assert caught.value.study == "rr-all"
    text = str(caught.value)
    assert "bm_blasts: is missing, but required. Is it the column 'bm_blast'?" in text
    assert "age: 1 row (4) is 140; allowed 15 to 100." in text
    assert "sex: 2 rows (1, 8) are 'femal'; allowed male, female. Did you mean 'female'?" in text
    assert "wbc: 1 row (3) is not a number" in text
    assert "pb_blasts: 1 row (10) is missing; a value is required." in text
    assert len(caught.value.violations) == 5


def test_the_faults_are_those_of_a_bad_cohort(scorer, made_up):
    cohort = made_up(n=20, seed=2)
    given = [v for v in cohort.frame if cohort.study.variable(v).derivation is None]
    bad = cohort.frame[given].astype(object)
    bad.loc[5, "age"] = 400
    bad.loc[[1, 2], "karyotype"] = "diploidd"
    with pytest.raises(CohortError) as refused:
        read_cohort(bad, cohort.study)
    with pytest.raises(CohortError) as caught:
        scorer.score(bad)
    theirs = {str(v) for v in refused.value.violations}
    assert {str(v) for v in caught.value.violations} <= theirs
    assert len(caught.value.violations) == 2


def test_what_the_model_cannot_fill_in_is_refused(cohort, rows):
    model = make_model("cox", cohort.study, predictors=["age", "ecog_ge2"])
    scorer = RiskScorer(export_model(model.fit(cohort.X, cohort.y("os")), cohort, endpoint="os"))
    rows["ecog"] = rows["ecog"].astype(object)
    rows.loc[[0, 1], "ecog"] = None
    with pytest.raises(CohortError, match=r"ecog: 2 rows \(1, 2\) are missing"):
        scorer.score(rows)


def test_missing_is_refused_where_the_model_was_told_to(cohort, made_up):
    patients = cohort.where({"cd20_ge20": (True, False)})
    model = make_model("cox", cohort.study, features__missing="refuse")
    model.fit(patients.X, patients.y("os"))
    scorer = RiskScorer(export_model(model, patients, endpoint="os"))
    new = made_up(n=30, seed=9).X
    missing = np.flatnonzero(new["cd20_ge20"].isna()) + 1
    with pytest.raises(CohortError) as caught:
        scorer.score(new)
    (fault,) = caught.value.violations
    assert (fault.column, fault.rows) == ("cd20_ge20", tuple(missing))


def test_no_table_and_an_empty_table(scorer, rows):
    with pytest.raises(CohortError, match="the table: is a list; give a DataFrame"):
        scorer.score([1, 2])
    empty = scorer.score(rows.iloc[:0])
    assert list(empty)[:3] == ["risk_score", "risk_centile", "risk_group"]
    assert len(empty) == 0
    with pytest.raises(CohortError, match="age: is missing, but required"):
        scorer.score(pd.DataFrame({"x": [1]}))


def test_columns_may_bear_the_names_of_the_file(folder, rows, tmp_path):
    from dataclasses import replace

    model = RiskModel.read(folder / "cox")
    renamed = {n: replace(v, column=f"{n}.x") for n, v in model.variables.items()}
    scorer = RiskScorer(replace(model, variables=renamed))
    expected = RiskScorer(model).score(rows)
    from_file = rows.rename(columns={n: f"{n}.x" for n in rows})
    pd.testing.assert_frame_equal(scorer.score(from_file), expected)
    pd.testing.assert_frame_equal(scorer.score(rows), expected)


def test_the_example_can_be_scored(folder):
    for family in FAMILIES:
        scorer = RiskScorer.load(folder / family)
        scored = scorer.score(scorer.risk_model.example())
        assert scored["risk_score"].notna().all()


def test_nothing_to_load(tmp_path):
    with pytest.raises(RiskModelError, match="there is no risk_model"):
        RiskScorer.load(tmp_path)


class Offered:
    """An entry point of the group ``allsurv.addresses``."""

    def __init__(self, fetch):
        self.fetch = fetch

    def load(self):
        if isinstance(self.fetch, Exception):
            raise self.fetch
        return self.fetch


@pytest.mark.parametrize("address", ["models:/rr-all-os@champion", "runs:/abc/risk_model"])
def test_an_address_is_fetched_by_who_offers_it(address, folder, monkeypatch, rows):
    asked = []
    fetch = Offered(lambda uri: asked.append(uri) or folder / "cox")
    scheme = address.partition(":")[0]
    monkeypatch.setattr(
        addresses, "entry_points", lambda group, name="": [fetch] if name == scheme else []
    )
    assert len(RiskScorer.load(address).score(rows)) == 30
    assert asked == [address]


def test_an_address_that_nothing_installed_offers_says_what_to_install(monkeypatch):
    monkeypatch.setattr(addresses, "entry_points", lambda group, name="": [])
    with pytest.raises(RiskModelError, match=r"allsurv\[track\]"):
        RiskScorer.load("models:/rr-all-os@champion")
    with pytest.raises(RiskModelError, match="no known kind of address; give a folder"):
        RiskScorer.load("gopher:/rr-all-os")
    lacking = Offered(ModuleNotFoundError("mlflow", name="mlflow"))
    monkeypatch.setattr(addresses, "entry_points", lambda group, name="": [lacking])
    with pytest.raises(RiskModelError, match=r"'mlflow' is not installed.*allsurv\[track\]"):
        RiskScorer.load("models:/rr-all-os@champion")


def test_the_addresses_of_mlflow_are_offered():
    from allsurv.tracking import download_risk_model

    offered = entry_points(group="allsurv.addresses")
    assert {e.name for e in offered} == {"models", "runs", "mlflow-artifacts"}
    assert all(e.load() is download_risk_model for e in offered)


def test_scoring_loads_numpy_and_pandas_only(folder, rows, tmp_path):
    rows.to_csv(tmp_path / "rows.csv", index=False)
    code = f"""
import sys
from allsurv.scoring import RiskScorer
import pandas as pd
rows = pd.read_csv({str(tmp_path / "rows.csv")!r})
for family in {list(FAMILIES)!r}:
    RiskScorer.load({str(folder)!r} + "/" + family).score(rows)
heavy = {{"sklearn", "sksurv", "scipy", "mlflow", "shap", "matplotlib", "yaml", "jsonschema"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_scorer_waits_for_a_model_to_load_anything():
    code = """
import sys, time
start = time.perf_counter()
from allsurv.scoring import RiskScorer
took = time.perf_counter() - start
heavy = {"numpy", "pandas", "pyarrow", "scipy", "sklearn", "sksurv", "mlflow", "shap"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
print(took)
"""
    calls = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        for _ in range(3)
    ]
    assert min(float(call.stdout) for call in calls) <= 0.6
