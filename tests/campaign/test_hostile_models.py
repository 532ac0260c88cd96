"""Risk models from strangers, sealed as ours are: each is refused by name, at once."""

from __future__ import annotations

import json
import os
import zipfile

import jsonschema
import numpy as np
import pytest

from allsurv.cohort import load_cohort
from allsurv.errors import AllsurvError, RiskModelError
from allsurv.models import make_model
from allsurv.models.export import export_model
from allsurv.riskmodel import files, schema
from allsurv.riskmodel.model import RiskModel


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    cohort, found = load_cohort("rr-all"), {}
    for family in ("cox", "rsf"):
        asked = {"n_estimators": 3} if family == "rsf" else {}
        model = make_model(family, cohort.study, random_state=0, **asked)
        model.fit(cohort.X, cohort.y("os"))
        folder = tmp_path_factory.mktemp(family)
        found[family] = export_model(model, cohort, endpoint="os").write(folder)
    return found


def change(folder, out, *, tree=None, arrays=None):
    """Copy a model with something changed, and seal it again."""
    content = json.loads((folder / "risk_model.json").read_text())
    with np.load(folder / "arrays.npz") as stored:
        held = {name: stored[name] for name in stored.files}
    if tree:
        tree(content)
    if arrays:
        arrays(held)
        content["arrays"] = files.manifest_of(held)
    files.write_folder(content, held, out)
    return out


def at(path, value):
    """Change one entry of the tree."""

    def apply(tree):
        *way, last = path
        for key in way:
            tree = tree[key]
        tree[last] = value

    return apply


def array(name, make):
    return lambda held: held.update({name: make(held[name])})


TREES = {
    "a kind of term we do not know": (at(("terms", 0, "kind"), "magic"), "terms"),
    "cuts that are text": (at(("development", "cuts"), ["a", "b"]), "development.cuts"),
    "horizons that are text": (at(("time", "horizons"), ["12"]), "time.horizons"),
    "centiles of another length": (at(("development", "centiles"), [50.0]), "one risk score"),
    "cuts that fall": (at(("development", "cuts"), [1.0, 0.0]), "do not fall"),
    "ten thousand million steps": (at(("time", "n_steps"), 10**10), "time.n_steps"),
    "an unknown entry": (at(("code",), "import os"), "'code' is unknown"),
    "predictors in a mapping": (at(("predictors",), {"age": 1}), "predictors"),
    "a scale of nothing": (at(("terms", 0, "scale"), 0.0), "terms"),
    "an operation we do not know": (at(("derived", 0, "derivation", "op"), "eval"), "derivation"),
}
ARRAYS = {
    "a hazard below 0": ("cox", array("hazard", lambda a: a - 1.0), "negative"),
    "a hazard that falls": ("cox", array("hazard", lambda a: a[::-1].copy()), "hazard"),
    "whole coefficients": ("cox", array("coef", lambda a: a.astype(np.int64)), "coef"),
    "half precision": ("cox", array("coef", lambda a: a.astype("<f2")), "coef"),
    "roots with fractions": ("rsf", array("tree_root", lambda a: a.astype(float)), "root"),
    "no root": ("rsf", array("tree_root", lambda a: a[:0]), "root"),
    "a root three million times": (
        "rsf",
        array("tree_root", lambda a: np.repeat(a[:1], 3_000_000)),
        "root",
    ),
    "branches with fractions": ("rsf", array("tree_left", lambda a: a.astype(float)), "left"),
    "a branch to itself": ("rsf", array("tree_left", lambda a: np.where(a > 0, 0, a)), "left"),
    "leaves with fractions": ("rsf", array("tree_leaf", lambda a: a.astype(float)), "leaf"),
    "leaves that fall": ("rsf", array("tree_value", lambda a: -a), "falls"),
    "a node of nobody": ("rsf", array("tree_n_patients", lambda a: 0 * a), "n_patients"),
    "events beyond the grid": ("rsf", array("event_steps", lambda a: a + 10_000), "event_steps"),
}


@pytest.mark.parametrize("fault", TREES)
def test_a_hostile_tree_is_refused_by_name(folders, fault, tmp_path):
    apply, said = TREES[fault]
    with pytest.raises(RiskModelError, match=said):
        RiskModel.read(change(folders["cox"], tmp_path, tree=apply))


@pytest.mark.parametrize("fault", ARRAYS)
def test_hostile_arrays_are_refused_by_name(folders, fault, tmp_path):
    family, apply, said = ARRAYS[fault]
    with pytest.raises(RiskModelError, match=said):
        RiskModel.read(change(folders[family], tmp_path, arrays=apply))


def test_a_model_that_is_only_copied_is_read(folders, tmp_path):
    for family, folder in folders.items():
        RiskModel.read(change(folder, tmp_path / family))


def test_a_pipe_is_refused_and_not_waited_for(folders, tmp_path):
    copy = change(folders["cox"], tmp_path / "copy")
    for name in ("risk_model.json", "arrays.npz"):
        (copy / name).rename(copy / "aside")
        os.mkfifo(copy / name)
        with pytest.raises(RiskModelError, match="is no file"):
            RiskModel.read(copy)
        (copy / name).unlink()
        (copy / "aside").rename(copy / name)


def claim(folder, name, shape, content):
    """Write one array anew whose header, and seal, claim a shape."""
    tree = json.loads((folder / "risk_model.json").read_text())
    tree["arrays"][name]["shape"] = list(shape)
    tree["sha256"] = files.digest_of_tree(tree)
    (folder / "risk_model.json").write_text(json.dumps(tree))
    with zipfile.ZipFile(folder / "arrays.npz") as old:
        members = {item: old.read(item) for item in old.namelist()}
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header = header.ljust(117) + "\n"
    members[f"{name}.npy"] = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + header.encode()
    with zipfile.ZipFile(folder / "arrays.npz", "w", zipfile.ZIP_DEFLATED) as new:
        for member, data in members.items():
            with new.open(member, "w", force_zip64=True) as file:
                file.write(data)
                if member == f"{name}.npy":
                    for _ in range(content):
                        file.write(bytes(2**20))


@pytest.mark.parametrize(("size", "mebibytes"), [(10**15, 1), (2**26, 512)])
def test_a_bomb_is_refused_before_it_is_unpacked(folders, size, mebibytes, tmp_path):
    import tracemalloc

    copy = change(folders["cox"], tmp_path)
    claim(copy, "hazard", (size,), mebibytes)
    tracemalloc.start()
    with pytest.raises(RiskModelError, match=r"was altered|unpacks to more than"):
        RiskModel.read(copy)
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"format": ' + "9" * 10_000 + "}", "\ud800", "{", "[]", ""]
)
def test_what_is_no_tree_is_refused(folders, text, tmp_path):
    copy = change(folders["cox"], tmp_path)
    (copy / "risk_model.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(RiskModelError, match=r"no JSON|not an allsurv risk model"):
        RiskModel.read(copy)


def test_a_single_array_is_no_archive(folders, tmp_path):
    copy = change(folders["cox"], tmp_path)
    np.save(copy / "one.npy", np.zeros(3))
    (copy / "one.npy").rename(copy / "arrays.npz")
    with pytest.raises(RiskModelError, match="damaged at the table of contents"):
        RiskModel.read(copy)


def test_the_schema_uses_what_is_understood():
    def keywords(node, is_named=False):
        if isinstance(node, dict):
            for key, inner in node.items():
                if not is_named:
                    yield key
                yield from keywords(inner, key in ("properties", "$defs") and not is_named)
        elif isinstance(node, list):
            for inner in node:
                yield from keywords(inner)

    assert set(keywords(schema._schema())) <= schema.KEYWORDS


def mutate(tree, rng):
    """Change, drop or add one entry somewhere in a tree."""
    node, odd = tree, [None, -1, 0, 1.5, "x", True, [], {}, [[]], 10**30, "1"]
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = keys[rng.integers(len(keys))]
        inner = node[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.8:
            node = inner
            continue
        if rng.random() < 0.2:
            del node[key]
        else:
            node[key] = odd[rng.integers(len(odd))]
        return


def n_mutants(fixed):
    return int(os.environ.get("ALLSURV_CAMPAIGN", fixed))


def test_mutants_of_a_model_are_read_or_refused_as_the_schema_says(folders, tmp_path):
    """An independent validator is the oracle: what it refuses is refused; nothing else fails."""
    rng = np.random.default_rng(20230502)
    text = (folders["cox"] / "risk_model.json").read_text()
    oracle = jsonschema.Draft202012Validator(schema._schema())
    copy, cohort = change(folders["cox"], tmp_path), load_cohort("rr-all")
    few, read = cohort.take(np.arange(3)).X, 0
    for _ in range(n_mutants(400)):
        tree = json.loads(text)
        mutate(tree, rng)
        tree["sha256"] = files.digest_of_tree(tree)
        (copy / "risk_model.json").write_text(json.dumps(tree))
        fits = oracle.is_valid(tree)
        assert (schema.first_fault(tree) == "") == fits
        try:
            model = RiskModel.read(copy)
        except RiskModelError:
            continue
        assert fits
        read += 1
        try:
            survival = model.survival(few, model.horizons)
        except AllsurvError:
            continue
        assert ((survival >= 0) & (survival <= 1)).all()
    assert read > 10
