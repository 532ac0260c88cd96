"""Knots lie where R places them, also in small samples and beside heaps of equal values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from allsurv.dictionary.variable import Variable
from allsurv.errors import ModelError
from allsurv.features.terms import learn_terms
from allsurv.stats.knots import harrell_knots

R = json.loads((Path(__file__).parents[1] / "reference" / "knots.json").read_text())
BLASTS = Variable("blasts", "Blasts", "continuous", "blasts")


@pytest.mark.parametrize("case", R["cases"], ids=lambda c: f"{c['sample']}-{c['n_knots']}")
def test_knots_are_those_of_r(case, record_difference):
    ours = harrell_knots(np.array(R["samples"][case["sample"]], dtype=float), case["n_knots"])
    record_difference("harrell_knots", "Hmisc::rcspline.eval", np.abs(ours - case["knots"]).max())
    np.testing.assert_allclose(ours, case["knots"], rtol=1e-12)


def test_a_spline_beside_many_zeros_is_still_a_curve():
    values = np.array(R["samples"]["zeros_40"], dtype=float)
    for n_knots in (3, 4, 5):
        terms = learn_terms(values, BLASTS, "refuse", n_knots)
        assert [t.kind for t in terms] == ["number"] + ["spline"] * (n_knots - 2)
        assert len(set(terms[-1].knots)) == n_knots


@pytest.mark.parametrize("values", [[0.0] * 90 + [1.0] * 10, [1, 2, 3, 4] * 30, [1.0, 2, 3, 4, 5]])
def test_too_few_distinct_values_are_refused_by_name(values):
    with pytest.raises(ModelError, match=r"'blasts' has too few distinct values.*straight line"):
        learn_terms(np.array(values, dtype=float), BLASTS, "refuse", 4)


def test_fewer_knots_where_there_are_few_values():
    values = np.repeat(np.arange(1.0, 7.0), 20)
    assert harrell_knots(values, 5).tolist() == [2, 3, 4, 5]
