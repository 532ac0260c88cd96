"""Riley's criteria: the published example, numbers for this cohort, and round trips."""

from __future__ import annotations

import math

import pytest

from allsurv.errors import ModelError
from allsurv.stats.planning.samplesize import (
    cox_snell_r2,
    expected_shrinkage,
    max_cox_snell_r2,
    required_sample_size,
    supported_parameters,
)

THROMBOSIS = {"event_rate": 0.065, "mean_follow_up": 2.07, "horizon": 2, "r2_cox_snell": 0.051}


def test_published_example_of_venous_thromboembolism(record_difference):
    # pmsampsize(type = "s", csrsquared = 0.051, parameters = 30, rate = 0.065, timepoint = 2,
    # meanfup = 2.07), version 1.1.3: n 5143, 692 events, 23.07 per parameter, max R2 0.555;
    # criterion 2 needs 1039; overall risk 0.122 (0.113, 0.130).
    size = required_sample_size(30, **THROMBOSIS)
    assert (size.n, size.n_events, size.binding) == (5143, 692, "shrinkage")
    assert size.events_per_parameter == pytest.approx(23.07, abs=0.005)
    assert size.max_r2 == pytest.approx(0.555, abs=0.0005)
    assert [criterion.n for criterion in size.criteria] == [5143, 1039, 141]
    worst = max(abs(size.n / 5143 - 1), abs(size.n_events / 692 - 1))
    record_difference("required_sample_size", "pmsampsize::pmsampsize", worst)
    assert size.overall_risk == pytest.approx(0.122, abs=0.0005)
    assert size.lower == pytest.approx(0.113, abs=0.0005)
    assert size.upper == pytest.approx(0.130, abs=0.0005)
    assert size.shrinkage >= 0.9 > expected_shrinkage(5142, 30, r2_cox_snell=0.051)


def test_overall_risk_criterion_by_hand():
    # Rate 0.1, horizon 1: exp(-0.1) (1 - exp(-d)) = 0.05 gives d = -log(1 - 0.05 exp(0.1)), and
    # n = 0.1 / 2 * (1.959964 / d)^2 for a mean follow-up of 2.
    d = -math.log(1 - 0.05 * math.exp(0.1))
    size = required_sample_size(1, event_rate=0.1, mean_follow_up=2, horizon=1, r2_cox_snell=0.3)
    assert size.criteria[2].n == math.ceil(0.05 * (1.959963984540054 / d) ** 2)
    assert size.binding == "overall risk"
    assert size.upper - size.overall_risk <= 0.05
    smaller = 1.959963984540054 * math.sqrt(0.1 / (2 * (size.n - 1)))
    assert math.exp(-0.1) - math.exp(-(0.1 + smaller)) > 0.05


@pytest.mark.parametrize(("mean_follow_up", "needed"), [(1.9, 312), (2.2, 270)])
def test_overall_risk_of_a_cohort_like_the_trial(mean_follow_up, needed):
    # Three-year survival of 40% is a constant rate of -log(0.4) / 3 per year.
    size = required_sample_size(
        4,
        event_rate=-math.log(0.4) / 3,
        mean_follow_up=mean_follow_up,
        horizon=3,
        r2_cox_snell=cox_snell_r2(69 / 110, r2_nagelkerke=0.15),
    )
    assert size.criteria[2].n == needed
    assert size.criteria[0].n == 265
    assert size.binding == "overall risk"


def test_what_110_patients_with_69_deaths_support():
    assert max_cox_snell_r2(69 / 110) == pytest.approx(0.841, abs=0.0005)
    assert cox_snell_r2(69 / 110, r2_nagelkerke=0.15) == pytest.approx(0.126, abs=0.0005)
    at_low_fit = supported_parameters(110, 69, r2_nagelkerke=0.15)
    assert at_low_fit.by_shrinkage == pytest.approx(1.7, abs=0.05)
    assert at_low_fit.n_parameters == 1
    assert supported_parameters(110, 69, r2_nagelkerke=0.30).by_shrinkage == pytest.approx(
        3.6, abs=0.05
    )


@pytest.mark.parametrize(("c_index", "parameters"), [(0.65, 2.0), (0.70, 3.4), (0.75, 5.2)])
def test_parameters_from_a_published_c_index(c_index, parameters):
    supported = supported_parameters(110, 69, c_index=c_index)
    assert supported.by_shrinkage == pytest.approx(parameters, abs=0.05)


@pytest.mark.parametrize(("parameters", "shrinkage"), [(4, 0.79), (6, 0.72), (10, 0.61)])
def test_expected_shrinkage(parameters, shrinkage):
    r2 = cox_snell_r2(69 / 110, r2_nagelkerke=0.15)
    found = expected_shrinkage(110, parameters, r2_cox_snell=r2)
    assert found == pytest.approx(shrinkage, abs=0.005)


@pytest.mark.parametrize("parameters", [1, 3, 12, 40])
def test_needed_patients_support_the_parameters_asked_for(parameters):
    size = required_sample_size(
        parameters, event_rate=0.3, mean_follow_up=2, horizon=2, r2_cox_snell=0.2
    )
    n = max(criterion.n for criterion in size.criteria[:2])
    r2 = size.r2_cox_snell
    first = n * -0.1 * math.log(1 - r2 / 0.9)
    assert first >= parameters
    assert (n - 1) * -0.1 * math.log(1 - r2 / 0.9) < parameters or size.criteria[1].n == n
    assert size.shrinkage >= 0.9 - 1e-9


def test_unit_of_time_does_not_matter():
    years = required_sample_size(10, **THROMBOSIS)
    days = required_sample_size(
        10,
        event_rate=0.065 / 365.25,
        mean_follow_up=2.07 * 365.25,
        horizon=2 * 365.25,
        r2_cox_snell=0.051,
    )
    assert (years.n, years.n_events) == (days.n, days.n_events)
    assert years.upper == pytest.approx(days.upper, rel=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: required_sample_size(0, **THROMBOSIS),
        lambda: required_sample_size(2.5, **THROMBOSIS),
        lambda: required_sample_size(5, **{**THROMBOSIS, "event_rate": -1}),
        lambda: required_sample_size(5, **{**THROMBOSIS, "mean_follow_up": math.nan}),
        lambda: required_sample_size(5, **{**THROMBOSIS, "mean_follow_up": 100}),
        lambda: required_sample_size(5, **{**THROMBOSIS, "r2_cox_snell": 0.9}),
        lambda: required_sample_size(5, **THROMBOSIS, c_index=0.7),
        lambda: required_sample_size(5, **THROMBOSIS, shrinkage=0.03),
        lambda: required_sample_size(5, **THROMBOSIS, margin=0),
        lambda: supported_parameters(110, 69),
        lambda: supported_parameters(69, 110, c_index=0.7),
        lambda: supported_parameters(110, 69, c_index=0.5),
        lambda: supported_parameters(110, "many", c_index=0.7),
        lambda: expected_shrinkage(110, 4, r2_cox_snell=1),
        lambda: cox_snell_r2(0, c_index=0.7),
    ],
)
def test_malformed_input_raises_one_clear_error(call):
    with pytest.raises(ModelError, match=r": .+; give"):
        call()


def test_more_patients_than_there_are_is_refused_in_words():
    with pytest.raises(ModelError, match="no realistic number of patients is enough"):
        required_sample_size(
            10, event_rate=0.1, mean_follow_up=2, horizon=1, r2_cox_snell=0.1, margin=1e-9
        )
