"""The search's own measures against the functions that users call."""

from __future__ import annotations

import math

import numpy as np
import pytest

from allsurv.reconstruct.search.measures import (
    cox_step,
    invert,
    log_rank_z,
    order_statistic,
    survival_at,
)
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.curves.kaplan_meier import kaplan_meier
from allsurv.stats.curves.logrank import logrank_test

N = 60


def by_time(time, event):
    """Sort by time, deaths before the censored."""
    return np.lexsort((-event, time))


@pytest.fixture(params=[1, 2, 3])
def patients(request):
    """Draw times with ties, some of them between deaths and the censored."""
    rng = np.random.default_rng(request.param)
    time = np.ceil(rng.exponential(20, N)) if request.param > 1 else rng.exponential(20, N)
    return rng, time, (rng.random(N) < 0.7).astype(np.int64)


def test_survival_limits_and_median(patients):
    rng, time, event = patients
    member = (rng.random(N) < 0.8).astype(np.int64)
    out = np.empty(4)
    survival_at(by_time(time, event), time, event, member, 12.0, out)
    here = member == 1
    curve = kaplan_meier(time[here], event[here])
    read = curve.at([12.0])
    expected = [read.survival[0], read.lower[0], read.upper[0], curve.median().value]
    assert out.tolist() == pytest.approx(expected, abs=1e-12)


def test_a_median_where_the_curve_is_flat_at_one_half():
    # Survival 3/4, 1/2, 1/4 at 1, 2, 3: flat at 1/2 from 2 to 3.
    out = np.empty(4)
    time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 1, 1, 0])
    survival_at(np.arange(4), time, event, np.ones(4, dtype=np.int64), 2.0, out)
    assert (out[0], out[3]) == (0.5, 2.5)


def test_a_curve_that_ends_before_the_time_has_no_value_there():
    out = np.empty(4)
    time, event = np.array([1.0, 2.0, 3.0]), np.array([1, 0, 0])
    survival_at(np.arange(3), time, event, np.ones(3, dtype=np.int64), 3.5, out)
    assert np.isinf(out[:3]).all()
    survival_at(np.arange(3), time, event, np.ones(3, dtype=np.int64), 3.0, out)
    assert out[0] == pytest.approx(2 / 3)


def test_log_rank(patients):
    rng, time, event = patients
    first = (rng.random(N) < 0.4).astype(np.int64)
    second = (1 - first) * (rng.random(N) < 0.9)
    z = log_rank_z(by_time(time, event), time, event, first, second)
    here = (first + second) == 1
    test = logrank_test(time[here], event[here], first[here])
    assert z**2 == pytest.approx(test.statistic, abs=1e-10)


def test_order_statistics():
    member = np.array([1, 0, 1, 1, 1])
    values = np.array([5.0, 99.0, 1.0, 3.0, 4.0])
    found = [order_statistic(values, member, which, np.empty(5)) for which in range(3)]
    assert found == [1.0, 3.5, 5.0]
    assert order_statistic(values, np.zeros(5, dtype=np.int64), 1, np.empty(5)) == math.inf


def test_cox_model_with_a_variable_that_switches_on(patients):
    rng, time, event = patients
    fixed = np.column_stack([rng.random(N) * 50, rng.random(N) < 0.3]).astype(float)
    switch = np.where(rng.random(N) < 0.5, np.ceil(5 * rng.random(N)), np.nan)
    switch[switch >= time] = np.nan
    beta, error = fit_by_steps(time, event, fixed, switch)
    start, stop, died, design = split(time, event, fixed, switch)
    fit = fit_cox(stop, died, design, start=start)
    assert beta.tolist() == pytest.approx(fit.coef.tolist(), abs=1e-8)
    assert error.tolist() == pytest.approx(np.sqrt(np.diag(fit.covariance)).tolist(), rel=1e-6)


def fit_by_steps(time, event, fixed, switch):
    """Newton's method with the search's score and information."""
    p = fixed.shape[1] + 1
    size = 1 + p + p * (p + 1) // 2
    moments = np.zeros((2, N, size))
    for on in (0, 1):
        x = np.column_stack([fixed, np.full(N, float(on))])
        products = np.column_stack([x[:, a] * x[:, b] for a in range(p) for b in range(a + 1)])
        moments[on] = np.column_stack([np.ones(N), x, products])
    beta, score, information = np.zeros(p), np.empty(p), np.empty((p, p))
    inverse = np.empty((p, p))
    work = np.empty(size), np.empty(size), np.empty(N)
    for _ in range(25):
        order, by_switch = by_time(time, event), np.argsort(switch, kind="stable")
        cox_step(
            order, time, event, moments, by_switch, switch, beta, score, information, *work
        )  # fmt: skip
        assert invert(information, inverse)
        beta += inverse @ score
    return beta, np.sqrt(np.diag(inverse))


def split(time, event, fixed, switch):
    """Cut each patient's time where the last covariate switches on."""
    rows = []
    for i in range(N):
        if np.isnan(switch[i]):
            rows.append((0.0, time[i], event[i], *fixed[i], 0.0))
        else:
            rows.append((0.0, switch[i], 0, *fixed[i], 0.0))
            rows.append((switch[i], time[i], event[i], *fixed[i], 1.0))
    table = np.array(rows)
    return table[:, 0], table[:, 1], table[:, 2].astype(bool), table[:, 3:]


def test_a_singular_matrix_is_told():
    assert not invert(np.zeros((2, 2)), np.empty((2, 2)))
