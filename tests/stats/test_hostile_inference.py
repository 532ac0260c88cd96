"""Whatever is thrown at them, these functions answer or refuse in one of two ways."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allsurv.errors import ModelError, OutcomeError
from allsurv.stats.competing.gray import gray_test
from allsurv.stats.competing.incidence import cumulative_incidence
from allsurv.stats.curves import nonparametric
from allsurv.stats.groups import twosample
from allsurv.stats.missing import pooling
from allsurv.stats.planning import samplesize

numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(1e-3, 1e3),
    st.integers(-2, 30),
    st.sampled_from([0.0, -0.0, 5e-324, 1e-300, 1e308, 1.0, 1.0 + 1e-12, 36.0]),
)
oddities = st.sampled_from([None, "a", "", b"x", True, np.nan, 1j, object, "2020-01-01"])
columns = st.one_of(
    st.lists(numbers, max_size=12),
    st.lists(st.integers(1, 6), min_size=2, max_size=12),
    st.lists(st.sampled_from([0, 1]), max_size=12),
    st.lists(st.booleans(), max_size=12),
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=12),
    st.lists(st.one_of(numbers, oddities), max_size=6),
    st.lists(st.lists(numbers, max_size=3), max_size=3),
    oddities,
)
scalars = st.one_of(numbers, oddities, st.sampled_from([0.5, 0.95, 2, 12]))
hostile = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def survives(call, *arguments, **named):
    """Call; an answer or a refusal is fine, anything else is a fault."""
    try:
        return call(*arguments, **named)
    except (OutcomeError, ModelError):
        return None


@st.composite
def plausible(draw):
    """Columns of one length, so that more than the first check is reached."""
    n = draw(st.integers(1, 12))

    def column(values):
        return draw(st.lists(values, min_size=n, max_size=n))

    time = column(st.one_of(st.floats(5e-324, 1e308), st.integers(1, 6).map(float)))
    start = draw(st.one_of(st.none(), st.just([t * 0.5 for t in time]), st.just([-1e300] * n)))
    weights = draw(
        st.one_of(st.none(), st.just(column(st.one_of(st.floats(0, 1e308), st.floats(0, 3)))))
    )
    return time, column(st.integers(0, 1)), column(st.integers(0, 2)), start, weights


@hostile
@given(plausible(), scalars, columns)
def test_curves_of_plausible_outcomes(rows, number, times):
    time, event, cause, start, weights = rows
    curve = survives(nonparametric.kaplan_meier, time, event, start=start, weights=weights)
    if curve is not None:
        assert np.all((curve.survival >= 0) & (curve.survival <= 1))
        survives(curve.at, times)
        survives(curve.quantile, number)
        survives(curve.restricted_mean, number)
        survives(curve.risk_table, times)
        survives(curve.median)
    survives(nonparametric.nelson_aalen, time, event, start=start, weights=weights)
    survives(nonparametric.follow_up, time, event, start=start, weights=weights)
    survives(nonparametric.landmark, time, event, number, start=start)
    survives(nonparametric.logrank_test, time, event, cause, start=start, weighting="peto")
    incidence = survives(cumulative_incidence, time, cause, start=start)
    if incidence is not None:
        survives(incidence.at, times, cause=number)
    survives(cumulative_incidence, time, cause, variance="delta")
    survives(gray_test, time, cause, event)


@hostile
@given(columns, columns, columns, columns, columns, scalars)
def test_inference_of_anything(time, event, group, start, weights, number):
    survives(nonparametric.kaplan_meier, time, event, start=start, weights=weights, level=number)
    survives(nonparametric.kaplan_meier, time, event, conf_type=number, variance=number)
    survives(nonparametric.nelson_aalen, time, event, weights=weights, conf_type=number)
    survives(nonparametric.follow_up, time, event, start=start)
    survives(nonparametric.landmark, time, event, number, start=start)
    survives(nonparametric.logrank_test, time, event, group, strata=start, weighting="peto")
    survives(nonparametric.logrank_test, time, event, group, start=start, weighting=number)
    survives(cumulative_incidence, time, event, start=start, level=number)
    survives(gray_test, time, event, group, of=number, strata=start)


@hostile
@given(columns, columns, scalars, st.sampled_from(["continuous", "categorical"]))
def test_comparison_of_anything(values, groups, number, kind):
    survives(twosample.compare_groups, values, groups, kind=kind)
    survives(twosample.compare_groups, values, groups, kind=kind, min_expected=number)
    survives(twosample.compare_groups, values, groups, kind=number, test=number)
    survives(twosample.standardised_mean_difference, values, groups, kind=kind, level=number)
    survives(twosample.mann_whitney, values, groups)
    survives(twosample.chi_squared, values, correction=True)
    survives(twosample.fisher_exact, values)


@hostile
@given(columns, columns, scalars, st.lists(st.floats(), min_size=2, max_size=5), st.floats())
def test_pooling_of_anything(estimates, covariances, number, column, variance):
    survives(pooling.pool_coefficients, estimates, covariances, df_complete=number, level=number)
    survives(pooling.pool_wald, estimates, covariances, df_complete=number)
    one = [[value] for value in column]
    squares = [[[variance]]] * len(column)
    survives(pooling.pool_coefficients, one, squares, df_complete=number)
    survives(pooling.pool_wald, one, squares, df_complete=number)
    survives(pooling.pool_chi_squared, column, number)
    survives(pooling.pool_chi_squared, column, 2)
    survives(pooling.pool_likelihood_ratio, estimates, covariances, number)
    survives(pooling.pool_likelihood_ratio, column, column[::-1], 3)
    survives(pooling.pool_stacked_likelihood_ratio, column, number, 1)


@hostile
@given(st.lists(scalars, min_size=6, max_size=6), st.floats(0, 1), st.integers(1, 200))
def test_sample_size_of_anything(given_numbers, share, patients):
    a, b, c, d, e, f = given_numbers
    survives(
        samplesize.required_sample_size,
        a, event_rate=b, mean_follow_up=c, horizon=d, r2_cox_snell=e, shrinkage=f,
    )  # fmt: skip
    survives(
        samplesize.required_sample_size,
        patients, event_rate=share, mean_follow_up=1, horizon=b, c_index=share, margin=c,
    )  # fmt: skip
    survives(samplesize.supported_parameters, a, b, r2_nagelkerke=c, optimism=d)
    supported = survives(samplesize.supported_parameters, 200, patients, r2_nagelkerke=share)
    if supported is not None:
        assert math.isfinite(supported.by_shrinkage)
    survives(samplesize.expected_shrinkage, patients, a, r2_cox_snell=share)
    survives(samplesize.max_cox_snell_r2, a)
    survives(samplesize.cox_snell_r2, share, c_index=b)
