"""Limits of net benefit, and what a model that tells nobody apart has, by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from allsurv.stats.outcome import make_y
from allsurv.validation.decisions import everybody, net_benefit_table, nobody_table
from allsurv.validation.predicted import ALIKE, Predicted

Y = make_y([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 0, 1, 1, 0, 1, 0])
Z = 1.959963984540054


def test_limits_of_net_benefit_are_at_95_in_100():
    # Of twelve draws: at the first threshold alternately 0 and 0.2, so with a spread of 0.1; at the
    # second nine of them unknown, which is too few for a limit.
    benefit = np.tile([[0.0], [0.2]], (6, 2))
    benefit[3:, 1] = np.nan
    drawn = SimpleNamespace(benefit=benefit[:, None, :])
    table = net_benefit_table([everybody(8, 1)], Y, np.array([4.5]), [0.2, 0.5], drawn)
    # Three events of eight by 4.5, one censored at 3: S = 6/8 * 4/5 = 3/5. With all treated,
    # 2/5 - 3/5 * 1/4 and 2/5 - 3/5.
    np.testing.assert_allclose(table["estimate"], [1 / 4, -1 / 5], atol=1e-12)
    np.testing.assert_allclose(table["upper"] - table["estimate"], [Z * 0.1, np.nan], rtol=1e-12)
    np.testing.assert_allclose(table["estimate"] - table["lower"], [Z * 0.1, np.nan], rtol=1e-12)
    assert table["level"].tolist() == [0.95, 0.95]
    assert table["share_above"].tolist() == [1, 1]
    assert table["threshold"].tolist() == [0.2, 0.5]
    assert (table["reason"] == "").all()


def test_treating_nobody_has_no_benefit_for_certain():
    table = nobody_table(np.array([12.0, 24.0]), [0.1, 0.3])
    assert table["horizon"].tolist() == [12, 12, 24, 24]
    assert table["level"].tolist() == [0.95] * 4
    numbers = table[["estimate", "lower", "upper", "share_above"]]
    assert (numbers == 0).all(axis=None)


def test_a_model_that_tells_nobody_apart_has_no_calibration_curve():
    alike = np.full(8, 0.5)
    constant = Predicted(Y, alike, alike, 4.5, is_constant=True)
    assert constant.calibration_errors == ALIKE
    assert constant.calibration_error(lambda errors: errors.ici).reason == ALIKE
    risk = np.linspace(0.9, 0.1, 8)
    varied = Predicted(Y, risk, risk, 4.5)
    assert varied.calibration_errors != ALIKE
    assert Predicted(Y, risk, risk, 4.5, is_constant=True).calibration_errors == ALIKE


@pytest.mark.parametrize("n_known", [9, 10])
def test_ten_draws_make_a_limit(n_known):
    benefit = np.where(np.arange(12) < n_known, np.arange(12) / 10, np.nan)
    drawn = SimpleNamespace(benefit=benefit[:, None, None])
    table = net_benefit_table([everybody(8, 1)], Y, np.array([4.5]), [0.2], drawn)
    assert np.isfinite(table["upper"]).all() == (n_known == 10)
