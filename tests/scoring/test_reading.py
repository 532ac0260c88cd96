"""The quick way of reading gives the numbers of the thorough one, or steps aside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allsurv.dictionary.checks import check_frame
from allsurv.models import make_model
from allsurv.models.export import export_model
from allsurv.riskmodel.encoding import canonical_numbers
from allsurv.scoring.reading import make_plan
from allsurv.study import load_study

STUDY = load_study("rr-all")

NUMBERS = [17, 45.0, 45.5, "45", " 45", "4e1", 400, -3, True, np.inf, "x", np.float32(45)]
YES_NO = [True, False, 1, 0, 1.0, "yes", "No", "TRUE", "1", 2, "maybe", np.bool_(True)]
LEVELS = {
    "sex": ["male", "female", "Male", "femal", 1],
    "karyotype": ["diploid", "kmt2a", "ho_tr", "im_nd", "Diploid", 3],
    "ecog": [0, 1, 3, "2", 2.0, 4, True, "two"],
    "salvage": [1, 2, 3, "1", 1.0, 0, False],
    "arm": ["before", "after", "now"],
}
ABSENT = [None, np.nan, pd.NA, "", "NA"]


@pytest.fixture(scope="module")
def model(made_up):
    cohort = made_up(n=60)
    fitted = make_model("cox", cohort.study, ridge=1.0).fit(cohort.X, cohort.y("os"))
    return export_model(fitted, cohort, endpoint="os")


@st.composite
def tables(draw):
    n = draw(st.sampled_from([1, 3, 80]))
    odd = draw(st.booleans())
    columns = {}
    for name in ("age", "wbc", "pb_blasts", "bm_blasts"):
        columns[name] = _column(draw, NUMBERS if odd else [17, 45, 62], n)
    for name in ("tp53_mut", "crlf2_pos", "cd20_ge20", "prior_asct"):
        columns[name] = _column(draw, YES_NO if odd else [True, False], n)
    for name, levels in LEVELS.items():
        columns[name] = _column(draw, levels if odd else levels[:2], n)
    if draw(st.booleans()):
        columns["high_risk_cyto"] = _column(draw, [True, False], n)
    return pd.DataFrame(columns)


def _column(draw, values, n):
    few = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
    if draw(st.integers(0, 5)) == 0:
        few.append(draw(st.sampled_from(ABSENT)))
    column = pd.Series((few * n)[:n], dtype=object)
    return column if draw(st.booleans()) else column.infer_objects()


@settings(max_examples=80, deadline=None)
@given(frame=tables())
def test_quick_reading_equals_thorough_reading(model, frame):
    plan = make_plan(model, frame.columns)
    quick = plan.quick_numbers(frame)
    clean, faults = check_frame(frame, plan.needed, ignore="all others")
    if quick is None:
        return
    assert not faults, [str(f) for f in faults]
    thorough = canonical_numbers(clean, model.terms)
    for name, numbers in thorough.items():
        np.testing.assert_array_equal(quick[name], numbers, err_msg=name)


@pytest.mark.parametrize("n", [1, 64, 65, 500])
def test_good_data_are_read_the_quick_way(model, made_up, n):
    new = made_up(n=n, seed=2).X
    assert make_plan(model, new.columns).quick_numbers(new) is not None
    plain = new[list(model.variables)].astype(object)
    plain = plain.where(plain.notna(), None).infer_objects()
    assert make_plan(model, plain.columns).quick_numbers(plain) is not None


def test_repeated_columns_are_left_to_the_thorough_way(model, made_up):
    new = made_up(n=5).X
    twice = pd.concat([new, new[["age"]]], axis=1)
    assert make_plan(model, twice.columns).quick_numbers(twice) is None


def test_a_cohort_read_from_a_real_frame_gives_the_same_numbers(model, made_up):
    new = made_up(n=200, seed=3).X
    quick = make_plan(model, new.columns).quick_numbers(new)
    for name, numbers in canonical_numbers(new, model.terms).items():
        np.testing.assert_array_equal(quick[name], numbers)
