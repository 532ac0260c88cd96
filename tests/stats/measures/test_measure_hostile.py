"""No input makes a measure of prediction fail other than by a clear refusal."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allsurv.errors import ModelError, OutcomeError
from allsurv.stats.measures.brier import brier, brier_curve, integrated_brier, ipa
from allsurv.stats.measures.calibration import (
    calibration_curve,
    calibration_errors,
    calibration_in_the_large,
    calibration_slope,
    observed_expected_ratio,
)
from allsurv.stats.measures.discrimination import (
    auc,
    auc_curve,
    compare_concordance,
    harrell_c,
    harrell_c_many,
    royston_d,
    uno_c,
)
from allsurv.stats.measures.net_benefit import net_benefit
from allsurv.stats.outcome import make_y

numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 1e-320, 1e308, -1e308, 1e-10, 1 - 1e-16]),
    st.integers(-3, 3).map(float),
)


def vectors(elements, size):
    return st.lists(elements, min_size=size, max_size=size)


def outcomes(n):
    """Formally right: tied, tiny and huge times."""
    times = vectors(st.sampled_from([1.0, 1.0, 2.0, 3.0, 5.0, 60.0, 1e308, 5e-324]), n)
    return st.builds(make_y, times, vectors(st.booleans(), n))


@st.composite
def wrong_outcomes(draw, n):
    y = np.zeros(n, dtype=[("event", object), ("time", float)])
    y["event"] = draw(vectors(st.sampled_from([0, 1, 2, -1, None, "no", np.nan]), n))
    y["time"] = draw(vectors(numbers, n))
    return draw(st.sampled_from([y, y[:0], y["time"], y[["time"]], None, "y", list(y)]))


@st.composite
def hostile(draw):
    """An outcome, a prediction and a horizon, all extreme and at most one of them malformed."""
    n = draw(st.integers(1, 12))
    wrong = draw(st.sampled_from(["none", "none", "outcome", "prediction", "horizon"]))
    y = draw(wrong_outcomes(n) if wrong == "outcome" else outcomes(n))
    right = [
        vectors(st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9, 1.0]), n),
        vectors(st.floats(0, 1), n),
        st.permutations([k / n for k in range(n)]),
    ]
    strange = [
        vectors(st.sampled_from([-1e308, 1e308, 0.0, 5e-324, 1.0]), n),
        vectors(numbers, n),
        vectors(st.floats(0, 1), n + 1),
        st.sampled_from([None, "risk", 0.5, [], [["a"]], [[0.1, 0.2], [0.3, 0.4]]]),
    ]
    prediction = draw(st.one_of(strange if wrong == "prediction" else right))
    times = st.sampled_from([1.0, 2.0, 2.5, 4.0, 60.0, 1e308, 5e-324])
    return y, prediction, draw(numbers if wrong == "horizon" else times)


def wide(values):
    return np.tile(np.asarray(values, dtype=object)[:, None], 2) if np.ndim(values) == 1 else values


def curves(y, risk, horizon):
    auc_curve(y, risk, [horizon / 2, horizon])
    brier_curve(y, wide(risk), [horizon / 2, horizon])
    integrated_brier(y, wide(risk), [horizon / 2, horizon])


MEASURES = {
    "harrell_c": lambda y, p, t: harrell_c(y, p),
    "uno_c": lambda y, p, t: uno_c(y, p, tau=t),
    "compare_concordance": lambda y, p, t: compare_concordance(y, p, p, measure="uno", tau=t),
    "harrell_c_many": lambda y, p, t: harrell_c_many(y, wide(p), weights=wide(p)),
    "royston_d": lambda y, p, t: royston_d(y, p),
    "auc": auc,
    "brier": brier,
    "ipa": ipa,
    "curves": curves,
    "observed_expected_ratio": observed_expected_ratio,
    "calibration_slope": calibration_slope,
    "slope of a linear predictor": lambda y, p, t: calibration_slope(y, p),
    "calibration_in_the_large": calibration_in_the_large,
    "calibration_curve": calibration_curve,
    "calibration_errors": calibration_errors,
    "net_benefit": lambda y, p, t: net_benefit(y, p, t, [0.0, 0.2, 0.5]),
    "level": lambda y, p, t: harrell_c(y, p, level=t),
    "thresholds": lambda y, p, t: net_benefit(y, p, 2.0, p),
    "points": lambda y, p, t: calibration_curve(y, p, 2.0, at=p),
}


@pytest.mark.parametrize("name", list(MEASURES))
@settings(max_examples=60, deadline=None)
@given(case=hostile())
def test_hostile_input_is_refused_or_answered(name, case):
    """19 measures x 60 inputs; a warning counts as an error."""
    y, prediction, horizon = case
    with contextlib.suppress(OutcomeError, ModelError):
        MEASURES[name](y, prediction, horizon)
