"""What the top of the project promises: commands, locks, layers, a light import."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement


@pytest.fixture(scope="module")
def pyproject(root):
    return tomllib.loads((root / "pyproject.toml").read_text())


def locked(path):
    return {
        match[1].lower()
        for line in path.read_text().splitlines()
        if (match := re.match(r"([A-Za-z0-9_.-]+)==", line))
    }


@pytest.mark.parametrize("which", ["", "-dev", "-spark"])
def test_a_lock_carries_versions_and_hashes_but_no_address(root, which):
    file = root / f"requirements{which}.lock"
    text = file.read_text()
    assert "://" not in text
    assert "--index" not in text
    assert text.count("--hash=sha256:") >= len(locked(file)) > 0


def test_every_declared_dependency_is_locked(root, pyproject):
    project = pyproject["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {Requirement(d).name for one in lists for d in one} - {"allsurv"}
    assert declared <= locked(root / "requirements.lock")
    groups = pyproject["dependency-groups"]
    dev = {Requirement(d).name.lower() for d in groups["test"] + groups["check"]}
    assert declared | dev <= locked(root / "requirements-dev.lock")


def test_mlflow_environment_is_the_lock_without_a_python_version(root):
    environment = yaml.safe_load((root / "python_env.yaml").read_text())
    assert environment == {"dependencies": ["-r requirements.lock"]}


def test_readme_holds_the_two_commands_and_ci_runs_the_second(root):
    readme = (root / "README.md").read_text()
    commands = dict(re.findall(r"<!-- command: (\w+) -->\n```bash\n(.*?)\n```", readme, re.S))
    assert set(commands) == {"run", "tests"}
    assert "requirements.lock" in commands["run"]
    assert "mlflow run ." in commands["run"]
    assert "requirements-dev.lock" in commands["tests"]
    assert commands["tests"].rstrip().endswith("make check")
    assert "command: tests" in (root / ".ci" / "run").read_text()


def test_entry_points_are_commands(root):
    from allsurv.cli.app import app

    project = yaml.safe_load((root / "MLproject").read_text())
    commands = {c.name or c.callback.__name__ for c in app.registered_commands}
    entries = {"run" if name == "main" else name for name in project["entry_points"]}
    assert entries <= commands
    for entry in project["entry_points"].values():
        assert "PYTHONPATH=src" in entry["command"]


def test_architecture_page_shows_the_layers_of_pyproject(root, pyproject):
    layers = next(c for c in pyproject["tool"]["importlinter"]["contracts"] if c["id"] == "layers")
    expected = [[package.strip() for package in layer.split("|")] for layer in layers["layers"]]
    page = (root / "docs" / "architecture.md").read_text()
    shown = [
        re.findall(r"`(\w+)`", rooms) for rooms in re.findall(r"^\| \d+ \| (.*?) \|", page, re.M)
    ]
    assert shown == expected


def test_version_is_said_once(pyproject):
    import allsurv

    assert allsurv.__version__ == pyproject["project"]["version"]


def imported_by(statement):
    code = f"import sys, json; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_import_loads_no_heavy_package():
    heavy = {"mlflow", "shap", "matplotlib", "jinja2", "sksurv", "sklearn", "scipy", "pandas"}
    assert not heavy & imported_by("import allsurv")


def test_every_name_of_the_public_page_is_there():
    import allsurv

    for name in allsurv.__all__:
        assert getattr(allsurv, name) is not None, name
