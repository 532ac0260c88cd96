"""A killed job goes on from what it had done, and jobs in one folder leave each other alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import load_cohort
from allsurv.experiment import Config
from allsurv.experiment.unfinished import open_job
from allsurv.models import TunedModel, make_model
from allsurv.validation import Plan, validate_all
from allsurv.validation.finished import FinishedRefits

CONFIG = Config(name="resume", question="", study="rr-all")
PLAN = Plan(repeats=3, folds=4)
JOB = """
import sys, time
from pathlib import Path
sys.path.insert(0, {here!r})
from test_resume import CONFIG, PLAN, pipelines
from allsurv.cohort import load_cohort
from allsurv.experiment.unfinished import open_job
from allsurv.validation import validate_all

def progress(done, total):
    time.sleep(0.2)

with open_job(Path({root!r}), CONFIG) as job:
    job.name_run("run-of-the-killed-job")
    cohort = load_cohort("rr-all")
    validate_all(pipelines(cohort), cohort, plan=PLAN, progress=progress, finished=job.finished)
"""


def pipelines(cohort):
    ridge = TunedModel(make_model("cox", cohort.study), {"ridge": [100.0, 10.0]}, folds=3)
    return {"cox": ridge, "gbs": make_model("gbs", cohort.study, n_estimators=10)}


def test_a_job_killed_in_validation_goes_on_to_the_identical_result(tmp_path):
    here = os.path.dirname(__file__)
    script = JOB.format(here=here, root=str(tmp_path))
    killed = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("*/refits/*.npz"))) < 5:
        assert killed.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    cohort = load_cohort("rr-all")
    models = pipelines(cohort)
    fitted_again = []
    with open_job(tmp_path, CONFIG) as job:
        assert job.take_over() == ["run-of-the-killed-job"]
        assert job.take_over() == []
        done = len(list(job.finished.folder.glob("*.npz")))
        assert 5 <= done < 36
        resumed = validate_all(
            models,
            cohort,
            plan=PLAN,
            finished=job.finished,
            progress=lambda k, n: fitted_again.append(len(list(job.finished.folder.glob("*.npz")))),
        )
        # Those that were done are not done again: no new file while they are gone through.
        assert fitted_again[done - 1] == done
        assert fitted_again[-1] == 36
    whole = validate_all(models, cohort, plan=PLAN)
    for name in ("performance", "differences", "over_time", "net_benefit", "out_of_fold"):
        pd.testing.assert_frame_equal(
            getattr(resumed, name), getattr(whole, name), check_exact=True
        )
    assert not list(tmp_path.iterdir())


def test_two_jobs_share_a_folder_and_the_last_one_clears_it(tmp_path):
    with open_job(tmp_path, CONFIG) as first:
        other = {"host": "another-machine", "pid": 1, "started": "", "run": "theirs"}
        note = first.folder / "job-another-machine-1.json"
        note.write_text(json.dumps(other))
        first.finished.write("a", {"risk": np.zeros(3)})
        assert first.take_over() == []
    assert note.exists()
    assert (first.folder / "refits" / "a.npz").exists()
    note.unlink()
    with open_job(tmp_path, CONFIG):
        pass
    assert not first.folder.exists()


@pytest.mark.skipif(os.name != "posix", reason="folders have no owners' rights elsewhere")
def test_what_is_kept_is_private(tmp_path):
    with open_job(tmp_path / "kept", CONFIG):
        assert (tmp_path / "kept").stat().st_mode & 0o077 == 0


def test_other_patients_parameters_or_versions_are_other_refits(toy_cohort, tmp_path):
    cohort = toy_cohort(60, 0)
    X, y = cohort.X, cohort.y("os")
    kept = FinishedRefits(tmp_path)
    changed = X.assign(age=X["age"].where(X.index != X.index[3], 0.0))
    digests = {
        kept.digest(X, y),
        kept.digest(changed, y),
        kept.digest(X, y[::-1].copy()),
        kept.digest(X, y, np.array([12.0])),
        FinishedRefits(tmp_path, "other versions").digest(X, y),
    }
    assert len(digests) == 5
    from allsurv.validation.plans import draw_bootstraps

    one, two = draw_bootstraps(60, 2, 0)
    models = [
        make_model("cox", cohort.study),
        make_model("cox", cohort.study, ridge=1.0),
        make_model("cox", cohort.study, predictors=["age"]),
    ]
    keys = {kept.key("", "cox", model, split) for model in models for split in (one, two)}
    assert len(keys) == 6


def test_a_torn_file_is_done_again(tmp_path):
    kept = FinishedRefits(tmp_path)
    kept.write("a", {"risk": np.arange(3.0)})
    file = tmp_path / "a.npz"
    file.write_bytes(file.read_bytes()[:-20])
    assert kept.read("a") is None
    assert kept.read("b") is None
