"""Recovery, adverse event, relapse and death of 2,279 patients, against R."""

from __future__ import annotations

import json

import numpy as np
import pytest

import allsurv as als
from allsurv.describe import state_table, transition_counts, transition_table


@pytest.fixture(scope="module")
def reference(root):
    return json.loads((root / "tests/reference/describe_states.json").read_text())


@pytest.fixture(scope="module")
def patients():
    return als.load_cohort("ebmt-all")


def test_moves(patients, reference):
    counts = transition_counts(patients, "course")
    wide = counts.pivot(index="state", columns="to", values="n_moves").fillna(0)
    states = reference["states"]
    np.testing.assert_array_equal(wide.loc[states[:4], states[1:]], reference["moves"])


def test_probabilities_errors_and_mean_times(patients, reference):
    table = state_table(patients, "course", horizons=reference["horizons"])
    for column in ("probability", "std_error"):
        wide = table.pivot(index="horizon", columns="state", values=column)
        np.testing.assert_allclose(wide[reference["states"]], reference[column], atol=1e-10)
    last = table[table["horizon"] == reference["horizons"][-1]].set_index("state")["mean_time"]
    np.testing.assert_allclose(last[reference["states"]], reference["mean_time"], rtol=1e-10)


def test_effect_of_a_donor_of_the_other_sex(patients, reference):
    table = transition_table(patients, "course", ["match"]).set_index(["state", "to"])
    states, effects = reference["states"], reference["effects"]
    for k, name in enumerate(effects["transition"]):
        origin, target = (states[int(number) - 1] for number in name.split(":"))
        assert table.loc[(origin, target), "coef"] == pytest.approx(effects["coef"][k], abs=1e-8)
        error = table.loc[(origin, target), "std_error"]
        assert error == pytest.approx(effects["std_error"][k], abs=1e-8)
