"""Whatever is handed in: a cohort, or a CohortError - nothing else, and no value repeated."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allsurv.cohort import Cohort, make_cohort, read_cohort
from allsurv.dictionary.checks import check_frame
from allsurv.errors import CohortError


def often(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(
        ["yes", "NO", "NA", "", "male", "CR", "1", "1.0", "1e3", "inf", "3,4", "unknown"]
    ),
    st.complex_numbers(),
    st.dates(),
    st.datetimes(),
    st.timedeltas(),
    st.decimals(),
    st.binary(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.just(pd.NaT),
    st.just(pd.NA),
    st.just(np.float32(1.5)),
    st.just(decimal.Decimal("NaN")),
    st.just(datetime.time(3)),
    st.just({"a": 1}),
    st.just(object()),
)
NAMES = [
    *("id", "age", "wbc", "sex", "salvage", "ecog", "tp53", "poor", "line", "response"),
    *("days_to_response", "sct", "sct_months", "alive", "os_months", "rfs_months", "relapse"),
]


def outcome(data, study) -> Cohort | CohortError:
    try:
        return read_cohort(data, study)
    except CohortError as error:
        return error


@often(250)
@given(
    cells=st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=4), data=st.data()
)
def test_columns_of_anything(cells, data, study, make_frame):
    frame = make_frame()
    for values in cells:
        name = data.draw(st.sampled_from(NAMES))
        column = pd.Series([None] * 4, dtype=object)
        for row, value in enumerate(values):
            column.iat[row] = value
        frame[name] = column
    result = outcome(frame, study)
    assert isinstance(result, Cohort | CohortError)
    if isinstance(result, Cohort):
        result.y("os")
        result.eligible("rfs").y("rfs")
        assert len(result.intervals("os")) >= result.n


@often(80)
@given(
    dtype=st.sampled_from(
        [
            "int8",
            "uint64",
            "float32",
            "complex128",
            "bool",
            "Int64",
            "boolean",
            "string",
            "category",
        ]
    ),
    name=st.sampled_from(NAMES),
    values=st.lists(st.integers(0, 1), min_size=4, max_size=4),
)
def test_columns_of_any_dtype(dtype, name, values, study, make_frame):
    frame = make_frame()
    frame[name] = pd.Series(values).astype(dtype)
    assert isinstance(outcome(frame, study), Cohort | CohortError)


@often(120)
@given(
    names=st.lists(
        st.one_of(st.sampled_from(NAMES), st.text(max_size=50), st.integers()), max_size=6
    ),
    rows=st.integers(0, 3),
)
def test_frames_of_any_shape_and_names(names, rows, study):
    frame = pd.DataFrame(np.zeros((rows, len(names))), columns=pd.Index(names, dtype=object))
    assert isinstance(outcome(frame, study), CohortError)


@often(200)
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_files_of_any_bytes(content, study, tmp_path):
    path = tmp_path / "patients.csv"
    path.write_bytes(content)
    assert isinstance(outcome(path, study), CohortError)


@often(120)
@given(data=st.data())
def test_a_csv_with_bytes_changed(data, study, make_frame, tmp_path):
    content = bytearray(make_frame().to_csv(index=False).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "patients.csv"
    path.write_bytes(bytes(content))
    assert isinstance(outcome(path, study), Cohort | CohortError)


@often(20)
@given(order=st.permutations(range(4)))
def test_row_numbers_follow_the_rows(order, study, make_frame):
    frame = make_frame()
    frame.loc[1, "age"] = 140
    result = outcome(frame.iloc[list(order)], study)
    assert isinstance(result, CohortError)
    assert result.violations[0].rows == (order.index(1) + 1,)


def test_a_frame_that_is_good_is_good_again(study, make_frame):
    """Canonical values are accepted as they are."""
    once = make_cohort(make_frame(), study)
    given = once.frame.rename(columns={"patient": "id"})
    again = make_cohort(given, study)
    pd.testing.assert_frame_equal(again.frame, once.frame)


def test_a_dictionary_alone_checks_new_patients(study):
    """Without a study, as a risk model does; other columns may be left out of account."""
    variables = {name: study.variables[name] for name in ("age", "poor")}
    new = pd.DataFrame({"age": [34, 16], "poor": ["yes", "no"], "mrn": ["a", "b"]})
    clean, violations = check_frame(new, variables, ignore="all others")
    assert list(clean.columns) == ["age", "poor"]
    assert [str(v) for v in violations] == ["age: 1 row (2) is 16; allowed 17 to 100."]
    _, violations = check_frame(new, variables)
    assert (
        "mrn: is not in the data dictionary; rename or remove it, or list it under 'ignore'."
        in map(str, violations)
    )
    _, violations = check_frame(new[["poor"]], variables, ignore="all others")
    assert [str(v) for v in violations] == ["age: is missing, but required."]


@pytest.mark.slow
def test_a_hundred_thousand_patients(study, make_frame):
    """Time is spent once per distinct value, not once per row."""
    import time

    big = make_frame().iloc[np.arange(100_000) % 4].reset_index(drop=True)
    big["id"] = [f"P{i}" for i in range(len(big))]
    begun = time.process_time()
    cohort = make_cohort(big, study)
    rows = cohort.intervals("os")
    assert time.process_time() - begun < 3
    assert (cohort.n, len(rows)) == (100_000, 125_000)
