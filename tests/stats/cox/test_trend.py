"""Smooth trends through residuals equal R's."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.errors import ModelError
from allsurv.stats.cox.trend import residual_trend


def test_trends_equal_r(reference, record_difference):
    for case in reference("residual_trend")["cases"]:
        trend = residual_trend(
            case["x"], case["residual"], variance=case["variance"], df=case["df"]
        )
        for name in ("estimate", "lower", "upper"):
            ours, theirs = getattr(trend, name), np.array(case[name])
            scale = np.abs(theirs).max()
            assert ours == pytest.approx(theirs, abs=1e-9 * scale)
            record_difference(
                "residual_trend", "splines::ns", float(np.abs(ours - theirs).max() / scale)
            )


def test_a_straight_line_is_its_own_trend():
    x = np.arange(20.0)
    trend = residual_trend(x, 3 - 0.5 * x, variance=0.0)
    assert trend.estimate == pytest.approx(3 - 0.5 * x)
    assert trend.lower == pytest.approx(trend.upper)


@pytest.mark.parametrize(("x", "df"), [([1.0, 1, 2], 4), ([], 4), (range(9), 2)])
def test_too_few_points_are_refused(x, df):
    with pytest.raises(ModelError, match="cannot carry a spline"):
        residual_trend(list(x), np.zeros(len(list(x))), variance=1.0, df=df)
