"""Plans and places of a validation that cannot be, each with one clear error."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from allsurv.errors import ConfigError, ModelError
from allsurv.models import make_model
from allsurv.validation import Bootstrap, Plan, importance_limits, validate
from allsurv.validation.engine import _require_package, _version, engine
from allsurv.validation.subgroups import subgroups_of


@pytest.fixture(scope="module")
def cohort(toy_cohort):
    return toy_cohort(60, 0)


@pytest.mark.parametrize("plan", ["cv", 5, None])
def test_what_is_no_plan_is_refused(cohort, plan):
    with pytest.raises(ModelError, match="validate: plan"):
        validate(make_model("cox", cohort.study), cohort, plan=plan)


@pytest.mark.parametrize(
    ("plan", "arguments"), [(Plan, (0, 5)), (Plan, (1, 1)), (Bootstrap, (1,)), (Bootstrap, (0,))]
)
def test_plans_that_leave_nobody_in_or_out_are_refused(plan, arguments):
    with pytest.raises(ConfigError, match="choose at least"):
        plan(*arguments)
    assert (Plan(1, 2).n_fits, Bootstrap(2).replicates) == (2, 2)


def test_limits_of_importance_take_ten_refits(cohort):
    model = make_model("cox", cohort.study).fit(cohort.X, cohort.y("os"))
    with pytest.raises(ModelError, match="importance_limits: 9 of 9 refits succeeded; limits need"):
        importance_limits(model, cohort, n_bootstrap=9)


def test_subgroups_by_what_is_not_there_are_refused(cohort):
    without = replace(cohort, frame=cohort.frame.drop(columns="blasts"))
    with pytest.raises(ModelError, match="groups by 'blasts': the cohort has no such column"):
        subgroups_of(without, "blasts")


def test_dask_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ConfigError, match=r"dask is not installed; pip install"),
        engine("dask", "x"),
    ):
        pass


def test_workers_need_the_same_version():
    mine = _version()
    assert mine
    _require_package({"a": mine, "b": mine})
    with pytest.raises(ConfigError, match="the scheduler has no workers"):
        _require_package({})
    with pytest.raises(ConfigError, match=r"1 of 2 workers lack allsurv .* \(b has none\)"):
        _require_package({"a": mine, "b": ""})
    with pytest.raises(ConfigError, match=r"2 of 2 workers lack .* \(a has 0\.0\.1\)"):
        _require_package({"a": "0.0.1", "b": "0.0.2"})
