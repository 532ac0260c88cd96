"""A column's values without a Series: the same by pandas' short way and by its public one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.dictionary.column import column_at
from allsurv.dictionary.variable import Variable
from allsurv.errors import ModelError
from allsurv.riskmodel.encoding import read_numbers

FRAME = pd.DataFrame(
    {
        "age": [34.0, np.nan, 51.0],
        "sex": pd.Categorical(["m", None, "f"], categories=["m", "f"]),
        "cns": pd.array([True, None, False], dtype="boolean"),
        "n": [1, 2, 3],
    }
)
VARIABLES = {
    "age": Variable("age", "Age", "integer", "age", minimum=0, maximum=100),
    "sex": Variable("sex", "Sex", "nominal", "sex", levels=("m", "f")),
    "cns": Variable("cns", "CNS", "binary", "cns"),
}


class Public(pd.DataFrame):
    """A frame of a pandas that has no short way."""

    @property
    def _get_column_array(self):
        raise AttributeError


@pytest.mark.parametrize("position", range(4))
def test_both_ways_give_the_same_array(position):
    short, public = column_at(FRAME, position), column_at(Public(FRAME), position)
    assert not hasattr(Public(FRAME), "_get_column_array")
    assert type(public) is type(short)
    assert public.dtype == short.dtype
    pd.testing.assert_series_equal(pd.Series(public), pd.Series(short))


def test_numbers_are_read_alike_both_ways():
    short, public = read_numbers(FRAME, VARIABLES), read_numbers(Public(FRAME), VARIABLES)
    assert list(short) == list(VARIABLES)
    wanted = {"age": [34, np.nan, 51], "sex": [0, np.nan, 1], "cns": [1, np.nan, 0]}
    for name, values in wanted.items():
        np.testing.assert_array_equal(short[name], values)
        np.testing.assert_array_equal(public[name], values)


def test_of_two_columns_of_one_name_the_last_is_read():
    frame = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=["age", "age"])
    assert read_numbers(frame, {"age": VARIABLES["age"]})["age"].tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([34.0, np.inf, 51.0], "2"),
        ([34.0, 101.0, np.nan], "101"),
        ([-1.0, np.nan, 3.0], "-1"),
        ([34.5, np.nan, 3.0], "not a whole number"),
    ],
)
def test_a_number_out_of_range_is_seen_beside_missing_ones(values, message):
    with pytest.raises(ModelError, match=f"age: 1 row .*{message}"):
        read_numbers(pd.DataFrame({"age": values}), {"age": VARIABLES["age"]})


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [0.0, 100.0, np.nan]])
def test_what_is_missing_or_on_the_border_is_in_range(values):
    frame = pd.DataFrame({"age": np.array(values, dtype=float)})
    read = read_numbers(frame, {"age": VARIABLES["age"]})["age"]
    np.testing.assert_array_equal(read, values)
