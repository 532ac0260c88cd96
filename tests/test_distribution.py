"""The wheel, installed outside the repository: its core alone, and with everything."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from importlib.util import find_spec

import pytest
from packaging.requirements import Requirement

from allsurv.cli.extras import MODULES
from allsurv.models import export_model, make_model

UV = [sys.executable, "-m", "uv"] if find_spec("uv") else [shutil.which("uv")]
needs_uv = pytest.mark.skipif(UV == [None], reason="needs uv (pip install uv)")
INDEX_OUT_OF_REACH = re.compile("Failed to fetch|dns error|error sending request", re.IGNORECASE)


@pytest.fixture(scope="module")
def pyproject(root):
    return tomllib.loads((root / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run([*UV, "build", "--wheel", "--quiet", "--out-dir", str(folder), str(root)], folder)
    return next(folder.glob("*.whl"))


def environment(wheel, root, place, extra=""):
    """Make an environment that holds the wheel and what it declares, at the locked versions."""
    run([*UV, "venv", "--quiet", "--python", sys.executable, str(place / "env")], place)
    python = place / "env" / "bin" / "python"
    locked = ["--constraint", str(root / "requirements.lock"), "--python", str(python)]
    run([*UV, "pip", "install", "--quiet", *locked, f"{wheel}{extra}"], place)
    return place / "env" / "bin"


def run(command, cwd, code=0):
    foreign = ("PYTHON", "MLFLOW", "VIRTUAL_ENV", "COV")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env=clean, timeout=280, check=False
    )
    if done.returncode != code and INDEX_OUT_OF_REACH.search(done.stderr):
        pytest.skip("the package index cannot be reached")
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def core(wheel, root, tmp_path_factory):
    place = tmp_path_factory.mktemp("core")
    return environment(wheel, root, place)


@pytest.fixture(scope="module")
def model(made_up, tmp_path_factory):
    """A forest as a folder, and new patients as a file."""
    place, cohort = tmp_path_factory.mktemp("model"), made_up(n=80)
    forest = make_model("rsf", cohort.study, n_estimators=10, random_state=0)
    exported = export_model(forest.fit(cohort.X, cohort.y("os")), cohort, endpoint="os")
    exported.write(place / "model")
    cohort.frame[list(exported.variables)].head(12).to_csv(place / "new.csv", index=False)
    return place


@needs_uv
def test_the_core_scores_explains_and_checks(core, model, tmp_path):
    said = run([core / "allsurv", "--version"], tmp_path)
    assert said.startswith("allsurv ")
    scored = ["score", str(model / "new.csv"), "--model", str(model / "model"), "--explain"]
    said = run([core / "allsurv", *scored, "--out", "risks.csv"], tmp_path)
    assert "12 patients scored" in said
    header, *rows = (tmp_path / "risks.csv").read_text().splitlines()
    assert "contribution_base" in header
    assert len(rows) == 12
    assert "110 patients agree" in run([core / "allsurv", "check", "rr-all"], tmp_path)


@needs_uv
@pytest.mark.parametrize(
    ("command", "extras"),
    [
        ("run", "train,track,report"),
        ("reproduce", "train,track,report"),
        ("serve --model model", "serve"),
        ("promote rr-all-os", "track"),
        ("card folder", "report"),
        ("findings --check", "train"),
        ("simulate --out x.csv", "train"),
        ("score new.csv --model models:/rr-all-os@champion --out y.csv", "track"),
    ],
)
def test_a_command_that_needs_more_says_in_one_line_what(core, command, extras, tmp_path):
    said = run([core / "allsurv", *command.split()], tmp_path, code=2)
    assert f"pip install 'allsurv[{extras}]'" in said
    assert said.count("\n") == 1


@needs_uv
def test_the_core_is_as_small_as_the_readme_says(core, root):
    said = run([*UV, "pip", "list", "--format", "json", "--python", str(core / "python")], core)
    packages = json.loads(said[said.index("[{") : said.rindex("}]") + 2])
    installed = next((core.parent / "lib").glob("python*/site-packages"))
    size = sum(f.stat().st_size for f in installed.rglob("*") if f.is_file()) / 1e6
    said = re.search(r"core install: (\d+) packages, (\d+) MB", (root / "README.md").read_text())
    assert said, "README says how large the core install is"
    assert abs(len(packages) - int(said[1])) <= 3
    assert size == pytest.approx(int(said[2]), rel=0.15)


@needs_uv
@pytest.mark.timeout(600)
def test_everything_runs_outside_the_repository(wheel, root, model, tmp_path):
    bin = environment(wheel, root, tmp_path, "[all]")
    work = tmp_path / "work"
    work.mkdir()
    said = run([bin / "allsurv", "run", "--models", "cox", "--horizons", "12,24"], work)
    (folder,) = (work / "runs" / "001-paper").iterdir()
    assert "card.html" in said
    assert "numbers" in run([bin / "allsurv", "card", str(folder), "--check"], work)
    scored = ["score", str(model / "new.csv"), "--model", "models:/rr-all-os@candidate"]
    said = run([bin / "allsurv", *scored, "--out", "risks.csv"], work)
    assert "12 patients scored" in said
    run([bin / "allsurv", "reproduce", "--out", "paper"], work)
    assert (work / "paper" / "report.html").is_file()
    assert find_typed(bin)
    said = run([bin / "allsurv", "reconstruct", "--out", "x.csv"], work, code=2)
    assert "checkout of the repository" in said


def find_typed(bin):
    return list((bin.parent / "lib").glob("python*/site-packages/allsurv/py.typed"))


def distributions_of(root):
    """Give the third-party modules that the package imports, anywhere."""
    found = set()
    for file in (root / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"allsurv"}


def declared(pyproject):
    project = pyproject["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    return {Requirement(r).name.lower() for one in lists for r in one}


def test_every_imported_package_is_declared(root, pyproject):
    owners = packages_distributions()
    named = {m: {d.lower() for d in owners[m]} for m in distributions_of(root)}
    undeclared = {m for m, dists in named.items() if not dists & declared(pyproject)}
    assert not undeclared


def test_every_declared_package_is_imported(root, pyproject):
    owners = packages_distributions()
    used = {d.lower() for module in distributions_of(root) for d in owners[module]}
    assert declared(pyproject) - used == {"allsurv"}  # the extra 'all' names the others


def test_commands_ask_for_what_their_extras_bring(pyproject):
    owners = packages_distributions()
    for extra, modules in MODULES.items():
        listed = pyproject["project"]["optional-dependencies"][extra]
        brought = {Requirement(r).name.lower() for r in listed}
        assert set.union(*({d.lower() for d in owners[m]} for m in modules)) >= brought
        assert len(modules) == len(brought)


def test_all_is_every_extra(pyproject):
    extras = dict(pyproject["project"]["optional-dependencies"])
    (everything,) = extras.pop("all")
    assert Requirement(everything).extras == set(extras)
