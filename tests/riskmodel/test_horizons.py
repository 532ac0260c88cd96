"""Horizons anywhere: read as numbers, or refused in words that say what is allowed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import load_cohort
from allsurv.describe import survival_summary
from allsurv.errors import AllsurvError, ConfigError, ModelError, OutcomeError
from allsurv.experiment.config import read_config
from allsurv.experiment.presets import default_experiment
from allsurv.findings import compare_findings
from allsurv.models import make_model
from allsurv.models.export import export_model
from allsurv.riskmodel.horizons import read_horizons
from allsurv.scoring import RiskScorer
from allsurv.scoring.batch import score_file
from allsurv.validation import Plan, instability, validate

WRONG = {
    "one number": (12, "horizons are 12, which is no list; give a list of different numbers"),
    "a text": ("12,24", "horizons are '12,24', which is no list"),
    "texts": (["12"], "horizon '12' is not a number"),
    "yes": ([True], "horizon True is not a number"),
    "nothing": ([None], "horizon None is not a number"),
    "negative": ([-1.0], "horizon -1 must be"),
    "not finite": ([float("nan")], "horizon nan must be"),
    "twice": ([12, 12.0], "horizon 12 is given twice"),
    "nearly twice": ([12, 12.0000001], "horizon 12 is given twice"),
}
wrong = pytest.mark.parametrize(("given", "message"), WRONG.values(), ids=WRONG)


@pytest.fixture(scope="module")
def cohort():
    return load_cohort("rr-all")


@pytest.fixture(scope="module")
def model(cohort):
    return make_model("cox", cohort.study).fit(cohort.X, cohort.y("os"))


@wrong
def test_wrong_horizons_are_refused_in_one_line(given, message):
    with pytest.raises(ModelError) as caught:
        read_horizons(given, where="score")
    assert str(caught.value).startswith(f"score: {message}")
    assert "such as [12, 24, 36], in the study's unit" in str(caught.value)


def test_zero_and_none_where_they_mean_something():
    assert read_horizons([0, 5], where="score", zero=True) == (0.0, 5.0)
    assert read_horizons((), where="survival", fewest=0) == ()
    for given in ([0], []):
        with pytest.raises(ModelError, match=r"above 0|empty list"):
            read_horizons(given, where="score")


@pytest.mark.parametrize("given", [np.array([12, 24]), pd.Series([12.0, 24.0]), range(12, 25, 12)])
def test_any_list_of_numbers_will_do(given):
    assert read_horizons(given, where="score") == (12.0, 24.0)


@wrong
def test_every_entry_point_refuses_them_alike(given, message, cohort, model, tmp_path):
    scorer = RiskScorer(export_model(model, cohort, endpoint="os"))
    cohort.X.to_csv(tmp_path / "new.csv", index=False)
    calls = {
        ModelError: [
            lambda: scorer.score(cohort.X, horizons=given),
            lambda: score_file(scorer, tmp_path / "new.csv", tmp_path / "out.csv", horizons=given),
            lambda: export_model(model, cohort, endpoint="os", horizons=given),
            lambda: instability({"cox": model}, cohort, "os", horizons=given, n_bootstrap=2),
            lambda: compare_findings({"cox": model}, cohort, horizons=given, n_bootstrap=2),
            lambda: survival_summary(cohort, "os", horizons=given),
        ],
        OutcomeError: [lambda: validate(model, cohort, horizons=given, plan=Plan(1, 2))],
    }
    for error, several in calls.items():
        for call in several:
            with pytest.raises(error) as caught:
                call()
            assert message.split(" must be")[0] in str(caught.value)
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("given", ["12,x", "-1", "12,12", "nan"])
def test_the_command_line_refuses_them(given):
    with pytest.raises(ConfigError, match="horizons") as caught:
        read_config(default_experiment(), {"horizons": given})
    assert isinstance(caught.value, AllsurvError)
    assert "such as" in str(caught.value)
