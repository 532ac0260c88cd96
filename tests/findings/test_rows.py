"""From answers to verdicts: what is judged, and how far chance moves it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from allsurv.findings.agreement.rows import UNBOUNDED, WITHIN_ERROR, Said, finding_row, standardised
from allsurv.findings.agreement.shrinkage import Calibrated
from allsurv.study import load_study

LEVEL = {"level": 0.95}


@pytest.fixture(scope="module")
def finding():
    """Hazard ratio 2.765 for high-risk cytogenetics, 95% limits 1.613 to 4.74."""
    return load_study("rr-all").findings["high_risk_cyto"]


def row(finding, said):
    return finding_row(finding, "", said, margin=1.5, is_synthetic=False, **LEVEL)


def test_a_model_that_hardly_responds_gets_no_verdict(finding):
    """The plain interval, shrunken to 1.28 (1.03 to 1.58), is not what is judged."""
    drawn = np.log(1.28) + 0.11 * np.array([-1.0, 1.0, 0.5, -0.5])
    deaf = Calibrated(math.nan, -math.inf, math.inf, 0.01, 25)
    found = row(finding, standardised(Said("rsf", "x"), float(np.log(1.28)), drawn, deaf, **LEVEL))
    assert (found["verdict"], found["reason"]) == ("cannot say", UNBOUNDED)
    assert found["judged_on"] == "calibrated"
    assert not found["within_error"]


def test_without_simulations_the_plain_interval_is_judged(finding):
    drawn = np.log(1.28) + 0.11 * np.array([-1.0, 1.0, 0.5, -0.5])
    found = row(finding, standardised(Said("rsf", "x"), float(np.log(1.28)), drawn, None, **LEVEL))
    assert found["judged_on"] == "estimate"
    assert found["verdict"] == "inconsistent"
    spread = drawn.std(ddof=1)
    half = 1.959963984540054 * spread
    assert found["lower_error"] == pytest.approx(half / math.sqrt(6))


@pytest.mark.parametrize(
    ("lower", "error", "within"),
    [(1.10, 0.10, True), (1.10, 0.02, False), (1.10, math.inf, True)],
)
def test_a_verdict_that_chance_could_turn_is_marked(finding, lower, error, within):
    """From 'consistent' to 'cannot say' where the lower limit of 1.1 may fall below 1."""
    logs = [math.log(x) for x in (2.5, lower, 5.7)]
    found = row(
        finding,
        standardised(
            Said("cox", "x"), 0.9, np.array([0.8, 1.0, 0.9]),
            Calibrated(*logs, 1.0, 25, lower_error=error, upper_error=error), **LEVEL,
        ),
    )  # fmt: skip
    assert found["verdict"] == "consistent"
    assert found["within_error"] is within
    assert (WITHIN_ERROR in found["reason"]) is within
