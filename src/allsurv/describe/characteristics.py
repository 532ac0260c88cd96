"""The table of patients' characteristics, as a journal prints it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.groups import OVERALL, Groups, group_patients, level_text, tidy
from allsurv.errors import ModelError
from allsurv.journal import count_text, number_text, percent
from allsurv.stats.groups.twosample import (
    MIN_EXPECTED,
    Kind,
    compare_groups,
    standardised_mean_difference,
)
from allsurv.study.report import CountsTest
from allsurv.study.spec import Variable

__all__ = ["table_one"]

COLUMNS = (
    "variable",
    "label",
    "unit",
    "level",
    "level_label",
    "group",
    "group_label",
    "statistic",
    "n",
    "n_known",
    "n_group",
    "value",
    "lower",
    "upper",
    "centile_5",
    "centile_95",
    "percent",
    "text",
    "test",
    "p_value",
    "level_p_value",
    "difference",
)
COUNT, MEDIAN = "n (%)", "median (range)"


def table_one(
    cohort: Cohort,
    by: str | None = None,
    *,
    variables: Sequence[str] | None = None,
    differences: bool = False,
    test: CountsTest = "by expected counts",
) -> pd.DataFrame:
    """Characteristics of the patients, overall and by group.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    by : str, optional
        Yes/no variable or variable with levels whose groups are the columns of the printed table.
    variables : sequence of str, optional
        What to describe. Where not given, the baseline variables that the study file assigns to
        ``table1``, or all baseline variables if it assigns none.
    differences : bool, default=False
        Fill ``difference``; of more than two groups it is the largest of any two.
    test : {"by expected counts", "chi-squared"}, default="by expected counts"
        How levels are compared: by Fisher's exact test where an expected count is below 5 and by
        Pearson's chi-squared test otherwise, or always by the latter.

    Returns
    -------
    DataFrame
        One row per variable, level and group: ``variable``, ``label``, ``unit``, ``level``
        (empty for a number, ``true`` for a yes/no variable), ``level_label``, ``group``
        (``overall`` first), ``group_label``, ``statistic`` (``n (%)`` or ``median (range)``),
        ``n`` patients with the level (numbers: with a value), ``n_known`` with a value, ``n_group``
        in the group, ``value`` (median) with ``lower`` and ``upper`` (range) and 5th and 95th
        centile, ``percent`` of ``n_known``, rounded half up, ``text`` as printed, and on a
        variable's first row ``test`` and ``p_value`` of the comparison between groups and
        ``difference``, the standardised difference. ``level_p_value``, on a level's first row,
        compares having that level against having any other; for variables of more than two levels.

    Raises
    ------
    ModelError
        If ``by`` has no levels, or a variable has no column.
    StudyError
        If the study has no such variable.

    Notes
    -----
    Percents are of patients with a known value; where it is not known of all, the denominator is
    printed. Numbers are compared by ranks, levels by Pearson's chi-squared test or, where an
    expected count is below 5, Fisher's exact test; all levels of a variable in one test. The
    standardised difference of levels is that of Yang and Dalton [1]_; it has no sign. Checked
    against R ``wilcox.test``, ``kruskal.test``, ``fisher.test`` and ``chisq.test``.

    References
    ----------
    .. [1] Yang D, Dalton JE. SAS Global Forum 2012: paper 335.
    """
    study = cohort.study
    names = _default(cohort, by) if variables is None else tuple(variables)
    groups = group_patients(cohort, by)
    least = MIN_EXPECTED if test == "by expected counts" else 0.0
    rows: list[dict[str, object]] = []
    for name in names:
        variable = study.variable(name)
        if name not in cohort.frame.columns:
            raise ModelError(
                f"table_one: the cohort has no column '{name}'; add it, or leave the variable out."
            )
        if variable.kind == "identifier":
            raise ModelError(f"table_one: '{name}' is an identifier; leave it out.")
        column = cohort.frame[name]
        described = list(_described(column, variable, groups, by is not None))
        described[0] |= _tested(column, variable, groups, least)
        if differences:
            described[0] |= _difference(column, variable, groups)
        for row in described[:: 1 + len(groups.names) * (by is not None)]:
            row |= _level_tested(column, variable, row["level"], groups, least)
        rows += described
    return tidy(rows, COLUMNS, cohort)


def _default(cohort: Cohort, by: str | None) -> tuple[str, ...]:
    present = [name for name in cohort.study.baseline() if name in cohort.frame.columns]
    assigned = [name for name in present if cohort.study.variable(name).table == "table1"]
    return tuple(name for name in assigned or present if name != by)


def _described(
    column: pd.Series, variable: Variable, groups: Groups, grouped: bool
) -> Iterator[dict[str, object]]:
    everybody = np.ones(len(column), dtype=bool)
    parts = [(OVERALL, "Overall", everybody)]
    if grouped:
        parts += [
            (name, label, groups.code == code)
            for code, (name, label) in enumerate(zip(groups.names, groups.labels, strict=True))
        ]
    show_total = bool(column.isna().any())
    for level in _levels(variable):
        for name, label, member in parts:
            head: dict[str, object] = {
                "variable": variable.name,
                "label": variable.label,
                "unit": variable.unit,
                "level": "" if level is None else level_text(level),
                "level_label": "" if level is None else variable.level_label(level),  # type: ignore[arg-type]
                "group": name,
                "group_label": label,
                "n_group": int(member.sum()),
                "test": "",
            }
            values = column[member].dropna()
            yield head | (
                _number(values) if level is None else _count(values, level, show_total=show_total)
            )


def _levels(variable: Variable) -> tuple[object, ...]:
    if variable.is_number:
        return (None,)
    return (True,) if variable.is_yes_no else variable.levels


def _number(values: pd.Series) -> dict[str, object]:
    numbers = values.to_numpy(dtype=float)
    row: dict[str, object] = {"statistic": MEDIAN, "n": numbers.size, "n_known": numbers.size}
    if not numbers.size:
        return row | {"text": "–"}
    centiles = np.percentile(numbers, [5, 50, 95])
    low, high = numbers.min(), numbers.max()
    decimals = _decimals(numbers)
    median, first, last = (number_text(float(x), decimals) for x in (centiles[1], low, high))
    return row | {
        "value": float(centiles[1]),
        "lower": float(low),
        "upper": float(high),
        "centile_5": float(centiles[0]),
        "centile_95": float(centiles[2]),
        "text": f"{median} ({first}–{last})",
    }


def _count(values: pd.Series, level: object, *, show_total: bool) -> dict[str, object]:
    n, known = int(values.eq(level).sum()), len(values)
    return {
        "statistic": COUNT,
        "n": n,
        "n_known": known,
        "percent": percent(n, known),
        "text": count_text(n, known, show_total=show_total),
    }


def _decimals(numbers: NDArray[np.float64]) -> int:
    in_tenths = np.abs(numbers * 10 - np.round(numbers * 10)) < 1e-6
    return 1 if bool(in_tenths.all()) else 2


def _tested(
    column: pd.Series, variable: Variable, groups: Groups, least: float
) -> dict[str, object]:
    known = (groups.code >= 0) & column.notna().to_numpy()
    if np.unique(groups.code[known]).size < 2:
        return {}
    values, kind = _comparable(column[known], variable)
    test = compare_groups(values, groups.code[known], kind=kind, min_expected=least)
    return {"test": test.name, "p_value": test.p_value}


def _level_tested(
    column: pd.Series, variable: Variable, level: object, groups: Groups, least: float
) -> dict[str, object]:
    known = (groups.code >= 0) & column.notna().to_numpy()
    if len(variable.levels) < 3 or np.unique(groups.code[known]).size < 2:
        return {}
    has = column[known].astype(str).eq(str(level)).to_numpy()
    if not has.any():
        return {}
    test = compare_groups(has, groups.code[known], kind="categorical", min_expected=least)
    return {"level_p_value": test.p_value}


def _difference(column: pd.Series, variable: Variable, groups: Groups) -> dict[str, object]:
    known = (groups.code >= 0) & column.notna().to_numpy()
    codes = groups.code[known]
    values, kind = _comparable(column[known], variable)
    found = [
        standardised_mean_difference(values[pair], codes[pair], kind=kind).value
        for first, second in combinations(np.unique(codes), 2)
        for pair in [np.isin(codes, (first, second))]
    ]
    measured = [value for value in found if np.isfinite(value)]
    return {"difference": max(measured, key=abs)} if measured else {}


def _comparable(values: pd.Series, variable: Variable) -> tuple[NDArray[Any], Kind]:
    if variable.is_number:
        return values.to_numpy(dtype=float), "continuous"
    return values.astype(str).to_numpy(), "categorical"
