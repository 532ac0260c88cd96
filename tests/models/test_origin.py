"""What a model says of its own origin is what really made it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version

import pytest
from sksurv.svm import FastSurvivalSVM

from allsurv.models import make_model
from allsurv.models.origin import origin_of
from allsurv.study import load_study

SETTINGS = {"cox": {}, "coxnet": {"folds": 3}, "gbs": {"n_estimators": 2}}
IMPORTED = {"numba": "numba", "numpy": "numpy", "scikit-survival": "sksurv", "scipy": "scipy"}
LOADED = """
import json, sys
import allsurv as als
family, settings, imported = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
cohort = als.load_cohort("rr-all").eligible("os")
model = als.make_model(family, cohort.study, **settings).fit(cohort.X, cohort.y("os"))
named = [package for package in imported if package in model.software]
print(json.dumps([named, [p for p, module in imported.items() if module in sys.modules]]))
"""


@pytest.mark.parametrize("family", list(SETTINGS))
def test_a_family_names_what_a_fit_in_a_new_process_loads(family):
    settings = [json.dumps(SETTINGS[family]), json.dumps(IMPORTED)]
    done = subprocess.run(
        [sys.executable, "-c", LOADED, family, *settings],
        capture_output=True,
        text=True,
        check=True,
    )
    named, loaded = json.loads(done.stdout)
    assert named == loaded


@pytest.mark.parametrize(("family", "more"), [("cox", set()), ("gbs", {"numba"}), ("null", set())])
def test_a_model_lists_the_versions_of_what_it_used(made_up, family, more):
    cohort = made_up(n=60)
    model = make_model(family, cohort.study).fit(cohort.X, cohort.y("os"))
    versions = origin_of(model, cohort)["versions"]
    assert set(versions) == {"python", "allsurv", "numpy", "pandas", "scipy"} | more
    assert versions["numpy"] == version("numpy")


def test_a_challenger_names_the_package_of_its_estimator():
    model = make_model(FastSurvivalSVM(), load_study("rr-all"))
    assert "scikit-survival" in model.software
