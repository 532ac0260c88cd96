"""The exported model: it answers as the fitted one, shows no patient, and notices damage."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from importlib.resources import files

import jsonschema
import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort, Source
from allsurv.errors import ConfigError, DisclosureError, ModelError, NotFittedError, RiskModelError
from allsurv.features import FeatureEncoder
from allsurv.models import FAMILIES, make_model
from allsurv.models.coarse import coarse_model
from allsurv.models.export import export_model
from allsurv.riskmodel.development import Development
from allsurv.riskmodel.model import RiskModel

FAST = {"rsf": {"n_estimators": 30}, "gbs": {"n_estimators": 20}, "coxnet": {"folds": 3}}


@pytest.fixture(scope="module")
def cohort(made_up):
    return made_up(n=110)


@pytest.fixture(scope="module")
def new(made_up):
    return made_up(n=60, seed=1).X


@pytest.fixture(scope="module")
def fitted(cohort):
    return {
        name: make_model(name, cohort.study, random_state=5, **FAST.get(name, {})).fit(
            cohort.X, cohort.y("os")
        )
        for name in FAMILIES
    }


@pytest.fixture(scope="module")
def exported(fitted, cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("risk_models")
    for name, model in fitted.items():
        export_model(model, cohort, endpoint="os").write(folder / name)
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_as_the_coarse_form_of_the_fitted_model(family, fitted, cohort, exported, new):
    model, read = coarse_model(fitted[family], cohort, "os"), RiskModel.read(exported / family)
    np.testing.assert_allclose(read.risk_score(new), model.predict(new), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        read.survival(new, model.times_), model.predict_survival(new, model.times_), atol=1e-12
    )
    assert read.max_time == model.max_time_


@pytest.mark.parametrize("family", FAMILIES)
def test_keeps_the_published_schema(family, exported):
    schema = json.loads((files("allsurv.riskmodel") / "risk_model.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads((exported / family / "risk_model.json").read_text()), schema)


@pytest.mark.parametrize("family", FAMILIES)
def test_same_model_same_bytes(family, fitted, cohort, exported, tmp_path):
    export_model(fitted[family], cohort, endpoint="os").write(tmp_path)
    for name in ("risk_model.json", "arrays.npz"):
        assert (tmp_path / name).read_bytes() == (exported / family / name).read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["arrays.npz", "risk_model.json"]


@pytest.mark.parametrize("family", FAMILIES)
def test_reading_gives_what_was_written(family, fitted, cohort, exported):
    written = export_model(fitted[family], cohort, endpoint="os")
    read = RiskModel.read(exported / family)
    assert read.terms == written.terms
    assert dict(read.variables) == dict(written.variables)
    assert dict(read.derived) == dict(written.derived)
    assert (read.family, read.study, read.endpoint) == (family, "rr-all", "os")
    assert (read.time_unit, read.horizons) == ("months", (12.0, 24.0, 36.0))
    assert read.development.labels == written.development.labels
    assert read.provenance["n_patients"] == 110
    assert read.provenance["source"]["statement"] == "Made up for tests."


def test_variables_are_what_a_user_gives(exported):
    model = RiskModel.read(exported / "cox")
    assert {"karyotype", "ecog", "salvage", "age"} <= set(model.variables)
    assert set(model.derived) == {"high_risk_cyto", "ecog_ge2", "salvage_group"}
    assert model.variables["wbc"].unit == "10^9/L"
    assert model.variables["age"].minimum == 15
    example = model.example()
    assert list(example) == list(model.variables)
    assert example["sex"].tolist() == ["male"]


# A canary is a value so odd that finding it anywhere in the export means a patient is in it.


@pytest.mark.parametrize("family", FAMILIES)
def test_what_rounding_costs_is_little_and_in_the_file(family, fitted, cohort, exported):
    """Means of |difference| of risk at 12, 24 and 36 months, as the decision record states them."""
    read = RiskModel.read(exported / family)
    model, months = fitted[family], [12.0, 24.0, 36.0]
    apart = np.abs(read.survival(cohort.X, months) - model.predict_survival(cohort.X, months))
    stated = read.provenance["rounding"]
    assert stated["mean_difference"] == pytest.approx(apart.mean(), abs=5.1e-5)
    assert stated["largest_difference"] == pytest.approx(apart.max(), abs=5.1e-5)
    few_trees = family in ("rsf", "gbs")
    assert apart.mean() < (0.03 if few_trees else 0.02)


@pytest.fixture(scope="module")
def canaries(made_up):
    """110 patients whose times and white counts end in odd digits of their own."""
    cohort = made_up(n=110, seed=3)
    frame = cohort.frame.copy()
    odd = np.random.default_rng(7).permutation(np.arange(1001, 3200, 2))[:110]
    frame["os_months"] = np.floor(frame["os_months"]) + 0.1 + odd * 1e-5
    frame["wbc"] = np.round(frame["wbc"]) + 0.2 + odd * 1e-5
    source = Source("simulated", "canaries", "0" * 64, "Made up.")
    return Cohort(cohort.study, frame, source)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_patient_time_or_row_is_in_the_export(family, canaries, tmp_path):
    from allsurv.validation.bands import measure_instability

    model = make_model(family, canaries.study, random_state=0, **FAST.get(family, {}))
    model.fit(canaries.X, canaries.y("os"))
    band = measure_instability(model, canaries, n_bootstrap=10) if family == "cox" else None
    export_model(model, canaries, endpoint="os", instability=band).write(tmp_path)
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    text = (tmp_path / "risk_model.json").read_text()
    numbers = np.concatenate([a.astype(float).ravel() for a in arrays.values()])
    numbers = np.concatenate([numbers, list(_numbers(json.loads(text)))])
    private = {
        "time": canaries.frame["os_months"],
        "wbc": canaries.frame["wbc"],
        "log wbc": np.log(canaries.frame["wbc"]),
        "wbc encoded": _column(model, canaries, "log wbc"),
        "risk score": model.predict(canaries.X) if family != "null" else [],
    }
    for what, values in private.items():
        for value in np.asarray(values, dtype=float):
            assert np.abs(numbers - value).min() > 1e-9 * max(1.0, abs(value)), what
            if what in ("time", "wbc"):
                assert f"{value:.5f}".rstrip("0") not in text, what
    assert not any(a.shape[:1] == (110,) for a in arrays.values() if a.ndim)


def _column(model, cohort, term):
    names = [t.name for t in model.encoder_.terms_]
    return model.encoder_.design(cohort.X)[:, names.index(term)] if term in names else []


def test_a_value_filled_in_is_nobodys(canaries):
    """Of an odd number of patients the median is one patient's own value."""
    odd = canaries.take(np.arange(109))
    study = odd.study
    variable = replace(study.variable("wbc"), missing="allowed")
    encoder = FeatureEncoder((variable,)).fit(odd.X)
    (term,) = encoder.terms_
    assert term.fill == pytest.approx(odd.frame["wbc"].median(), rel=5e-3)
    assert not np.isin(term.fill, odd.frame["wbc"])


def test_the_digest_of_real_patients_is_keyed(fitted, cohort, monkeypatch):
    """Who has a candidate file cannot confirm it without the key; who has the key can."""
    real = replace(cohort, source=Source("file", "patients.csv", "ab" * 32, "Patients."))

    def source():
        model = export_model(fitted["cox"], real, endpoint="os")
        return model.provenance["source"]

    monkeypatch.delenv("ALLSURV_DIGEST_KEY", raising=False)
    drawn = source()
    assert drawn["digest_kind"] == "hmac-sha256"
    assert drawn["digest"] not in ("ab" * 32, hashlib.sha256(b"ab" * 32).hexdigest())
    assert source() == drawn
    monkeypatch.setenv("ALLSURV_DIGEST_KEY", "the key of this hospital")
    mine = hmac.new(b"the key of this hospital", b"ab" * 32, hashlib.sha256).hexdigest()
    assert source()["digest"] == mine
    monkeypatch.setenv("ALLSURV_DIGEST_KEY", "short")
    with pytest.raises(ConfigError, match="at least 16"):
        source()
    plain = export_model(fitted["cox"], cohort, endpoint="os").provenance["source"]
    assert (plain["digest_kind"], plain["digest"]) == ("sha256", cohort.source.digest)


def _numbers(tree):
    if isinstance(tree, dict):
        for value in tree.values():
            yield from _numbers(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _numbers(value)
    elif isinstance(tree, int | float) and not isinstance(tree, bool):
        yield float(tree)


@pytest.mark.parametrize("family", ["rsf", "gbs"])
def test_leaves_under_eleven_are_not_exported(family, cohort):
    model = make_model(family, cohort.study, random_state=0, min_samples_leaf=3, n_estimators=5)
    model.fit(cohort.X, cohort.y("os"))
    with pytest.raises(DisclosureError, match=r"leaves hold fewer than 11 patients"):
        export_model(model, cohort, endpoint="os")


def test_fewer_than_eleven_patients_are_not_exported(cohort):
    few = cohort.take(np.arange(10))
    model = make_model("cox", cohort.study, predictors=["age"]).fit(few.X, few.y("os"))
    with pytest.raises(DisclosureError, match="10 patients of development"):
        export_model(model, few, endpoint="os")


def test_only_a_fitted_model_is_exported(cohort):
    with pytest.raises(NotFittedError):
        export_model(make_model("cox", cohort.study), cohort, endpoint="os")


def test_provenance_is_kept_and_must_be_plain(fitted, cohort, tmp_path):
    more = {"seed": 5, "n_patients": 110, "date": "2024-01-01"}
    model = export_model(fitted["cox"], cohort, endpoint="os", provenance=more)
    assert RiskModel.read(model.write(tmp_path)).provenance["date"] == "2024-01-01"
    for odd in (np.int64(5), float("nan"), object()):
        model = export_model(fitted["cox"], cohort, endpoint="os", provenance={"seed": odd})
        with pytest.raises(ModelError, match="provenance cannot be written as JSON"):
            model.write(tmp_path / "odd")
    assert not (tmp_path / "odd").exists()


# Damage: every part is named.


@pytest.fixture
def folder(exported, tmp_path):
    for path in (exported / "gbs").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def _edit(folder, change, *, seal=False):
    path = folder / "risk_model.json"
    tree = json.loads(path.read_text())
    change(tree)
    if seal:
        from allsurv.riskmodel.files import digest_of_tree

        tree["sha256"] = digest_of_tree(tree)
    path.write_text(json.dumps(tree))


def test_missing_parts_are_named(folder):
    (folder / "arrays.npz").rename(folder / "elsewhere")
    with pytest.raises(RiskModelError, match=r"arrays\.npz: is missing"):
        RiskModel.read(folder)
    (folder / "risk_model.json").unlink()
    with pytest.raises(RiskModelError, match=r"there is no risk_model\.json"):
        RiskModel.read(folder)
    with pytest.raises(RiskModelError, match=r"there is no risk_model\.json"):
        RiskModel.read(folder / "nowhere")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("name", ["risk_model.json", "arrays.npz"])
def test_a_truncated_part_is_named(folder, name, share):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(RiskModelError, match=name.replace(".", r"\.")):
        RiskModel.read(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree["terms"][0].update(centre=99.0),
        lambda tree: tree["variables"][0].update(maximum=1e6),
        lambda tree: tree["development"]["cuts"].__setitem__(0, -9.0),
        lambda tree: tree["provenance"].update(n_patients=10000),
        lambda tree: tree["arrays"]["hazard"].update(sha256="0" * 64),
        lambda tree: tree.pop("endpoint"),
        lambda tree: tree.pop("sha256"),
        lambda tree: tree["time"].update(step=float("nan")),
    ],
)
def test_altered_words_are_noticed(folder, change):
    _edit(folder, change)
    with pytest.raises(RiskModelError, match=r"risk_model\.json: was altered after it was written"):
        RiskModel.read(folder)


def _rewrite(folder, change):
    with np.load(folder / "arrays.npz") as archive:
        arrays = {name: archive[name].copy() for name in archive.files}
    change(arrays)
    np.savez_compressed(folder / "arrays.npz", **arrays)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: a["hazard"].__imul__(1.01), "'hazard' was altered"),
        (lambda a: a["tree_value"].__setitem__(0, 5.0), "'tree_value' was altered"),
        (lambda a: a.pop("tree_threshold"), "'tree_threshold' is missing"),
        (lambda a: a.update(extra=np.zeros(3)), "'extra' does not belong"),
        (lambda a: a.update(hazard=a["hazard"].astype("f4")), "'hazard' was altered"),
        (lambda a: a.update(hazard=np.array([{}], dtype=object)), "'hazard' was altered"),
    ],
)
def test_altered_arrays_are_named(folder, change, says):
    _rewrite(folder, change)
    with pytest.raises(RiskModelError, match=says):
        RiskModel.read(folder)


def test_a_flipped_byte_is_noticed(folder):
    path = folder / "arrays.npz"
    whole = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        member = archive.infolist()[3]
    whole[member.header_offset + 30 + len(member.filename) + member.compress_size // 2 + 20] ^= 255
    path.write_bytes(bytes(whole))
    with pytest.raises(RiskModelError, match=r"arrays\.npz"):
        RiskModel.read(folder)


def test_other_files_and_versions_are_refused(folder):
    _edit(folder, lambda tree: tree.update(format_version=1), seal=True)
    with pytest.raises(RiskModelError, match="has format version 1; this allsurv reads 2"):
        RiskModel.read(folder)
    (folder / "risk_model.json").write_text("[1, 2]")
    with pytest.raises(RiskModelError, match="is not an allsurv risk model"):
        RiskModel.read(folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda tree: tree.update(mechanism="magic"), "'mechanism' is not what"),
        (lambda tree: tree["terms"][0].update(colour="red"), r"'terms\[0\].colour' is unknown"),
        (lambda tree: tree["time"].pop("step"), r"'time\.step' is missing"),
        (lambda tree: tree["time"].update(n_steps=1), r"'time\.n_steps' is not what"),
        (lambda tree: tree["variables"].pop(0), "'age' is a predictor but not among"),
        (lambda tree: tree["development"]["cuts"].pop(), "one more risk group than cuts"),
        (lambda tree: tree["terms"].__delitem__(slice(1, None)), "'tree_term' is no tree"),
    ],
)
def test_parts_that_do_not_fit_are_named_even_when_sealed(folder, change, says):
    _edit(folder, change, seal=True)
    with pytest.raises(RiskModelError, match=says):
        RiskModel.read(folder)


def test_a_tree_that_runs_in_circles_is_refused(fitted):
    mechanism = fitted["gbs"].mechanism_
    left = mechanism.trees.left.copy()
    left[0] = 0
    looped = replace(mechanism, trees=replace(mechanism.trees, left=left))
    with pytest.raises(RiskModelError, match="'tree_left' is no tree"):
        looped.check(len(fitted["gbs"].encoder_.terms_), fitted["gbs"].times_.size)


def test_times_beyond_the_grid_are_refused(exported, new):
    model = RiskModel.read(exported / "cox")
    with pytest.raises(ModelError, match="lies beyond the follow-up"):
        model.survival(new, [model.max_time + 1])


def test_reading_and_predicting_need_numpy_and_pandas_only(exported, new, tmp_path):
    new.to_pickle(tmp_path / "new.pkl")
    code = f"""
import sys, pandas as pd
from allsurv.riskmodel.model import RiskModel
new = pd.read_pickle({str(tmp_path / "new.pkl")!r})
for family in {list(FAMILIES)!r}:
    model = RiskModel.read({str(exported)!r} + "/" + family)
    model.risk_score(new), model.survival(new, [12, 24])
heavy = {{"sklearn", "sksurv", "scipy", "mlflow", "shap", "matplotlib", "yaml", "jsonschema"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# Centiles and groups of development.


def test_centiles_are_means_of_eleven_neighbours():
    """Scores 0..109 squared: the centile 50 lies at position 54.5, between two windows of 11."""
    score = np.arange(110.0) ** 2
    known = Development.of(score, centiles=[50], labels=["low", "high"])
    windows = [np.mean(np.arange(i - 5, i + 6) ** 2.0) for i in (54, 55)]
    assert known.cuts == pytest.approx([np.mean(windows)])
    assert known.points.min() >= 100 * 5 / 109
    assert known.points.max() <= 100 - 100 * 5 / 109
    assert not np.isin(known.scores, score).any()


def test_centile_of_new_patients_rises_with_the_score_and_stays_in_range():
    score = np.random.default_rng(0).normal(size=200)
    known = Development.of(score, centiles=[33, 67], labels=["low", "middle", "high"])
    asked = np.linspace(-5, 5, 101)
    centile = known.centile(asked)
    assert np.all(np.diff(centile) >= 0)
    assert centile[[0, -1]].tolist() == [known.points[0], known.points[-1]]
    share = np.array([np.mean(score < s) * 100 for s in asked])
    inside = (share > 10) & (share < 90)
    assert np.abs(centile - share)[inside].max() < 5
    groups = pd.Series(known.group(score)).value_counts(normalize=True)
    assert groups["low"] == pytest.approx(0.33, abs=0.03)
    assert groups["high"] == pytest.approx(0.33, abs=0.03)


def test_a_model_that_tells_nobody_apart_has_one_group():
    known = Development.of(np.zeros(50), centiles=[33, 67], labels=["low", "middle", "high"])
    assert known.labels == ("all",)
    assert known.group([-1, 0, 1]).tolist() == ["all"] * 3
    assert known.centile([0.0]).tolist() == [50.0]


# Instability bands of a damaged file.


@pytest.fixture(scope="module")
def banded(fitted, cohort, tmp_path_factory):
    from allsurv.validation.bands import measure_instability

    band = measure_instability(fitted["cox"], cohort, n_bootstrap=10)
    model = export_model(fitted["cox"], cohort, endpoint="os", instability=band)
    return model.write(tmp_path_factory.mktemp("banded"))


TABLES = ("survival", "below", "above")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        *((lambda band, t=t: band[t].pop(), "differ in shape") for t in TABLES),
        *((lambda band, t=t: [row.pop() for row in band[t]], "differ in shape") for t in TABLES),
        *((lambda band, t=t: band[t][0].pop(), "'instability' cannot be read") for t in TABLES),
        (lambda band: band.update({t: band[t][0] for t in TABLES}), "is not what"),
        (lambda band: band["steps"].pop(), "one row per step is needed"),
        (lambda band: band["steps"].append(99), "one row per step is needed"),
        (lambda band: band.update({t: [] for t in TABLES}, steps=[]), "is too short"),
        (lambda band: band.pop("below"), r"'instability\.below' is missing"),
    ],
)
def test_instability_tables_that_do_not_fit_are_refused(banded, tmp_path, change, says):
    for path in banded.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert RiskModel.read(tmp_path).instability is not None
    _edit(tmp_path, lambda tree: change(tree["instability"]), seal=True)
    with pytest.raises(RiskModelError, match=says):
        RiskModel.read(tmp_path)
