"""Tables of counts that come after baseline: responses, complications, grades of toxicities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.groups import OVERALL, group_patients, level_text, tidy
from allsurv.dictionary.filters import matches
from allsurv.errors import ModelError
from allsurv.journal import count_text, percent
from allsurv.nearest import did_you_mean
from allsurv.policy.overlaps import shown_counts
from allsurv.stats.groups.proportions import exact_limits, risk_difference
from allsurv.stats.groups.twosample import MIN_EXPECTED, compare_groups
from allsurv.study.report import CountsTest
from allsurv.study.spec import Tabulation

__all__ = ["rate_table", "rate_tables", "response_table", "toxicity_table"]

RATE_COLUMNS = (
    "section",
    "row",
    "label",
    "level",
    "level_label",
    "group",
    "group_label",
    "n",
    "n_known",
    "n_group",
    "percent",
    "lower",
    "upper",
    "text",
    "test",
    "p_value",
    "difference",
    "difference_lower",
    "difference_upper",
)
Members = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Count:
    """Who is counted, of whom, and what the row says of it."""

    said: dict[str, object]
    event: Members
    known: Members


def response_table(
    cohort: Cohort,
    by: str | None = None,
    *,
    threshold: int = 1,
    test: CountsTest | None = None,
) -> pd.DataFrame:
    """Responses of the patients, overall and by group: the study's table ``response``.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    by : str, optional
        Variable whose levels are the columns; the table's own where not given.
    threshold : int, default=1
        Smallest count, other than 0, that is shown; 11 outside the study team.
    test : {"by expected counts", "chi-squared"}, optional
        How groups are compared; as the study's table says where not given.

    Returns
    -------
    DataFrame
        Columns as of :func:`rate_table`.

    Raises
    ------
    ModelError
        If the study has no such table, or a variable has no column.
    """
    return rate_table(cohort, "response", by=by, threshold=threshold, test=test)


def toxicity_table(
    cohort: Cohort,
    by: str | None = None,
    *,
    threshold: int = 1,
    test: CountsTest | None = None,
) -> pd.DataFrame:
    """Worst grades of the toxicities, overall and by group: the study's table ``toxicity``.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    by : str, optional
        Variable by whose levels patients are also counted; the table's own where not given.
    threshold : int, default=1
        Smallest count, other than 0, that is shown; 11 outside the study team.
    test : {"by expected counts", "chi-squared"}, optional
        How groups are compared; as the study's table says where not given.

    Returns
    -------
    DataFrame
        Columns as of :func:`rate_table`; ``level`` is the grade.

    Raises
    ------
    ModelError
        If the study has no such table, or none of its toxicities has a column.
    """
    return rate_table(cohort, "toxicity", by=by, threshold=threshold, test=test)


def rate_table(
    cohort: Cohort,
    name: str,
    *,
    by: str | None = None,
    threshold: int = 1,
    test: CountsTest | None = None,
) -> pd.DataFrame:
    """Tabulate counts and percents of one of the study's tables, overall and by group.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    name : str
        One of ``cohort.study.tables``.
    by : str, optional
        Variable whose levels are the columns; the table's own where not given.
    threshold : int, default=1
        Smallest count, other than 0, that is shown. Where it is more, neither small counts nor
        those from which they follow are shown; ``text`` then reads ``<11`` or ``suppressed``.
    test : {"by expected counts", "chi-squared"}, optional
        How groups are compared; as the study's table says where not given.

    Returns
    -------
    DataFrame
        One row per row of the table (and grade) and group: ``section``, ``row`` (its position),
        ``label``, ``level`` and ``level_label`` (of a grade), ``group`` (``overall`` first),
        ``group_label``, ``n`` counted, ``n_known`` of whom it is asked and known, ``n_group`` in
        the group, ``percent`` of ``n_known`` rounded half up, ``lower`` and ``upper``, its exact
        95% limits, ``text`` as printed, with the denominator where it is not the whole group, and
        on the first group ``test`` and ``p_value`` of the comparison between groups. Of two groups
        also ``difference``, percentage points of the second less the first, with its 95% limits.

    Raises
    ------
    ModelError
        If the study has no such table, or a variable has no column.

    Notes
    -----
    Groups are compared by Pearson's chi-squared test without continuity correction; unless the
    table's ``test`` says otherwise, by Fisher's exact test where an expected count is below 5.
    Limits of a rate are Clopper and Pearson's, those of a difference Newcombe's. Checked against R
    ``chisq.test``, ``fisher.test`` and ``binom.test``.
    """
    return rate_tables(cohort, (name,), by=by, threshold=threshold, test=test)[name]


def rate_tables(
    cohort: Cohort,
    names: Sequence[str],
    *,
    by: str | None = None,
    threshold: int = 1,
    test: CountsTest | None = None,
) -> dict[str, pd.DataFrame]:
    """Several of the study's tables, such that no small count follows from all of them together.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    names : sequence of str
        Tables of ``cohort.study.tables``.
    by : str, optional
        Variable whose levels are the columns; each table's own where not given.
    threshold : int, default=1
        Smallest count, other than 0, that is shown.
    test : {"by expected counts", "chi-squared"}, optional
        How groups are compared; as the study's table says where not given.

    Returns
    -------
    dict of str to DataFrame
        Columns as of :func:`rate_table`.

    Raises
    ------
    ModelError
        If the study has no such table, or a variable has no column.
    """
    grids = [_grid(cohort, name, by, test) for name in names]
    shown = _shown(grids, threshold)
    return {
        name: tidy(_table_rows(grid, of_grid, threshold), RATE_COLUMNS, cohort)
        for name, grid, of_grid in zip(names, grids, shown, strict=True)
    }


@dataclass(frozen=True, eq=False)
class _Grid:
    """Rows by columns of one table."""

    counts: list[_Count]
    groups: list[tuple[str, str, Members]]
    code: NDArray[np.intp] | None
    min_expected: float


def _grid(cohort: Cohort, name: str, by: str | None, test: CountsTest | None) -> _Grid:
    study = cohort.study
    if name not in study.tables:
        raise ModelError(
            f"rate_table: study '{study.name}' has no table '{name}'."
            f"{did_you_mean(name, study.tables)} Describe it in section 'tables' of the study file."
        )
    table = study.tables[name]
    counts = _grades(cohort, table) if table.grades else _rows(cohort, table)
    parts = [(OVERALL, "Overall", np.ones(cohort.n, dtype=bool))]
    columns = by or table.by
    if columns is None:
        return _Grid(counts, parts, None, 0.0)
    groups = group_patients(cohort, columns)
    parts += [
        (group, label, groups.code == k)
        for k, (group, label) in enumerate(zip(groups.names, groups.labels, strict=True))
    ]
    least = MIN_EXPECTED if (test or table.test) == "by expected counts" else 0.0
    return _Grid(counts, parts, groups.code, least)


def _rows(cohort: Cohort, table: Tabulation) -> list[_Count]:
    counts = []
    for position, row in enumerate(table.rows):
        needed = {*row.event, *row.population}
        absent = sorted(needed - set(cohort.frame.columns))
        if absent:
            raise ModelError(
                f"table '{table.name}', row '{row.label}': the cohort has no column "
                f"{', '.join(map(repr, absent))}; add it, or leave the row out of the study file."
            )
        known = matches(cohort.frame, row.population)
        known &= cohort.frame[list(row.event)].notna().all(axis=1).to_numpy()
        event = known & matches(cohort.frame, row.event)
        said = {"section": row.section, "row": position, "label": row.label}
        counts.append(_Count(said | {"level": "", "level_label": ""}, event, known))
    return counts


def _grades(cohort: Cohort, table: Tabulation) -> list[_Count]:
    graded = [
        v
        for v in cohort.study.variables.values()
        if v.table == table.grades and v.kind == "ordinal" and v.name in cohort.frame.columns
    ]
    if not graded:
        raise ModelError(
            f"table '{table.name}': the cohort has none of its toxicities; add their columns, or "
            "leave the table out of the study file."
        )
    counts = []
    for position, variable in enumerate(graded):
        column = cohort.frame[variable.name]
        known = column.notna().to_numpy()
        for level in variable.levels[1:]:
            said = {
                "section": "",
                "row": position,
                "label": variable.label,
                "level": level_text(level),
                "level_label": variable.level_label(level),
            }
            event = column.eq(level).to_numpy(dtype=bool, na_value=False)
            counts.append(_Count(said, event, known))
    return counts


def _shown(grids: Sequence[_Grid], threshold: int) -> list[NDArray[np.bool_]]:
    """Tell of each grid, row by row and group by group, what of n, n_known, n_group is shown."""
    flat = [
        (count.event & member, count.known & member, member)
        for grid in grids
        for count in grid.counts
        for _, _, member in grid.groups
    ]
    order = sorted(
        ((i, kind) for i in range(len(flat)) for kind in range(3)),
        key=lambda cell: (-cell[1], -int(flat[cell[0]][cell[1]].sum())),
    )
    without = [known & ~event for event, known, _ in flat]
    allowed = shown_counts([flat[i][kind] for i, kind in order], threshold, also_small=without)
    shown = np.zeros((len(flat), 3), dtype=bool)
    for (i, kind), is_shown in zip(order, allowed, strict=True):
        shown[i, kind] = is_shown
    ends = np.cumsum([len(grid.counts) * len(grid.groups) for grid in grids])
    return np.split(shown, ends[:-1])


def _table_rows(grid: _Grid, shown: NDArray[np.bool_], threshold: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    visible = iter(shown)
    for count in grid.counts:
        of_row = []
        for group, label, member in grid.groups:
            sizes = [int(np.sum(who & member)) for who in (count.event, count.known, member)]
            row = count.said | {"group": group, "group_label": label, "test": ""}
            of_row.append(row | _numbers(sizes, next(visible), threshold))
        if grid.code is not None and all(row["n"] is not None for row in of_row):
            of_row[0] |= _compared(count, grid.code, grid.min_expected)
            if len(of_row) == 3 and all(row.get("percent") is not None for row in of_row[1:]):
                of_row[0] |= _difference(of_row[1], of_row[2])
        rows += of_row
    return rows


def _numbers(sizes: Sequence[int], visible: NDArray[np.bool_], threshold: int) -> dict[str, object]:
    n, known, group = sizes
    values = [size if seen else None for size, seen in zip(sizes, visible, strict=True)]
    numbers = dict(zip(("n", "n_known", "n_group"), values, strict=True))
    if values[0] is None:
        return numbers | {"text": f"<{threshold}" if n < threshold else "suppressed"}
    if values[1] is None:
        return numbers | {"text": str(n)}
    if not known:
        return numbers | {"text": "–"}
    text = count_text(n, known, show_total=known != group)
    lower, upper = (100 * limit for limit in exact_limits(n, known))
    return numbers | {
        "percent": percent(n, known),
        "lower": lower,
        "upper": upper,
        "text": text,
    }


def _compared(count: _Count, code: NDArray[np.intp], least: float) -> dict[str, object]:
    asked = count.known & (code >= 0)
    if np.unique(code[asked]).size < 2 or np.unique(count.event[asked]).size < 2:
        return {}
    test = compare_groups(count.event[asked], code[asked], kind="categorical", min_expected=least)
    return {"test": test.name, "p_value": test.p_value}


def _difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, object]:
    """Percentage points of the second group less the first."""
    found = risk_difference(second["n"], second["n_known"], first["n"], first["n_known"])
    return {
        name: 100 * value
        for name, value in zip(
            ("difference", "difference_lower", "difference_upper"), found, strict=True
        )
    }
