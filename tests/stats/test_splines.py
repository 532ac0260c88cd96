"""The basis of a restricted cubic spline is R's."""

from __future__ import annotations

import numpy as np

from allsurv.stats.splines import restricted_cubic_spline


def test_the_basis_is_that_of_r(reference, record_difference):
    made = reference("knots")
    worst = 0.0
    for case in made["basis"]:
        ours = restricted_cubic_spline(np.array(made["at"], dtype=float), np.array(case["knots"]))
        theirs = np.array(case["basis"], dtype=float)
        assert ours.shape == theirs.shape
        worst = max(worst, float(np.abs(ours - theirs).max() / np.abs(theirs).max()))
    record_difference("restricted_cubic_spline", "Hmisc::rcspline.eval", worst)
    assert worst < 1e-12
