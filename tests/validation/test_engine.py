"""The numbers do not depend on where refits run."""

from __future__ import annotations

import os

import joblib
import pandas as pd
import pytest

from allsurv.errors import ConfigError
from allsurv.models import TunedModel, make_model
from allsurv.validation import Plan, validate_all
from allsurv.validation.engine import engine
from allsurv.validation.resampling import map_tasks


def run(cohort, n_jobs):
    models = {
        "cox": TunedModel(make_model("cox", cohort.study), {"ridge": [10.0, 1.0]}, folds=3),
        "rsf": make_model("rsf", cohort.study, n_estimators=10),
    }
    return validate_all(models, cohort, plan=Plan(1, 4), n_jobs=n_jobs, n_bootstrap=10)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_two_dask_workers_give_the_same_digits_as_one_process(toy_cohort):
    distributed = pytest.importorskip("distributed")
    cohort = toy_cohort(90, 1)
    alone = run(cohort, 1)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        engine("dask", cluster.scheduler_address),
    ):
        shared = run(cohort, 1)
        processes = set(map_tasks((joblib.delayed(os.getpid)() for _ in range(50)), n_jobs=1))
    assert len(processes) == 2
    assert os.getpid() not in processes
    for name in ("performance", "differences", "net_benefit", "subgroups", "out_of_fold"):
        pd.testing.assert_frame_equal(getattr(shared, name), getattr(alone, name), check_exact=True)


@pytest.mark.parametrize(
    ("name", "scheduler", "message"),
    [
        ("spark", "", "allowed are local, dask"),
        ("dask", "", "needs the address of a scheduler"),
        ("local", "tcp://127.0.0.1:1", "say engine 'dask'"),
    ],
)
def test_an_engine_that_cannot_be_is_refused(name, scheduler, message):
    with pytest.raises(ConfigError, match=message), engine(name, scheduler):
        pass


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_nobody_at_the_address(monkeypatch):
    distributed = pytest.importorskip("distributed")

    def silent(address, timeout):
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", silent)
    with pytest.raises(ConfigError, match="no scheduler answers"), engine("dask", "tcp://x:1"):
        pass
