"""Tables of characteristics made safe to show outside the study team."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort.groups import OVERALL
from allsurv.dictionary.units import unit_ratio
from allsurv.disclosure.rounding import MEDIAN_PARTS, round_amount, shown_step
from allsurv.journal import number_text
from allsurv.policy.rules import CMS, DisclosurePolicy, Sum, hidden_cells
from allsurv.study.spec import Study

__all__ = ["safe_characteristics", "safe_missing"]

HIDDEN = "suppressed"
CENTILES = ("value", "centile_5", "centile_95")
SAFE_RANGE = "median (5th–95th centile)"
COMPARED = ("p_value", "level_p_value", "difference")


def safe_characteristics(
    table: pd.DataFrame,
    study: Study,
    policy: DisclosurePolicy = CMS,
    *,
    dominated: Collection[tuple[str, str]] = (),
) -> pd.DataFrame:
    """Hide small counts of characteristics, those from which they follow, and what rests on them.

    Parameters
    ----------
    table : DataFrame
        From ``table_one``.
    study : Study
        Its times are rounded to a twelfth of its first horizon, on its time grid, in the unit of
        each variable.
    policy : DisclosurePolicy, default=CMS
        What may be shown.
    dominated : collection of (str, str), default=()
        Variables and groups whose summary a few patients dominate, from
        :func:`~allsurv.disclosure.dominance.dominated_summaries`.

    Returns
    -------
    DataFrame
        A copy in which hidden counts are missing, with what was computed from them; ``suppressed``
        is true in rows that lost something. ``text`` reads ``<11`` (or another threshold) for a
        small count and ``suppressed`` for one that would give it away, and ranges become 5th to
        95th centiles; medians and centiles are rounded. Nothing changes where the policy is not
        coarse.
    """
    if not policy.is_coarse:
        return table.assign(suppressed=False)
    few_dominate = frozenset(dominated)
    gone = _hidden_groups(table.groupby("group", sort=False)["n_group"].first(), policy)
    rows: list[dict[str, object]] = []
    for _, part in table.groupby("variable", sort=False):
        hidden, hidden_known = _hidden_levels(part, gone, policy)
        lost = bool(any(hidden)) and part["level"].iloc[0] != ""
        for row, is_hidden in zip(part.to_dict("records"), hidden, strict=True):
            group = str(row["group"])
            safe = _safe_row(row, is_hidden, hidden_known[group], group in gone, policy)
            safe |= _rounded(safe, _step(study, str(row["variable"])))
            if (row["variable"], group) in few_dominate:
                safe |= dict.fromkeys(CENTILES, np.nan) | {"text": HIDDEN, "suppressed": True}
            computed = [name for name in COMPARED if lost and name in row]
            rows.append(safe | dict.fromkeys(computed, np.nan))
    safe = pd.DataFrame(rows, columns=[*table.columns, "suppressed"], index=table.index)
    safe = safe.astype(dict.fromkeys(("n", "n_known", "n_group"), "Int64"))
    safe.attrs.update(table.attrs)
    return safe


def safe_missing(
    n_missing: int, n_patients: int, policy: DisclosurePolicy
) -> tuple[int | None, float | None]:
    """Give how many values are missing, or nothing if few are missing or few known.

    Parameters
    ----------
    n_missing : int
        Patients without a value.
    n_patients : int
        All patients.
    policy : DisclosurePolicy
        What may be shown.

    Returns
    -------
    n_missing : int or None
        As given.
    percent : float or None
        Of all patients, to one decimal.

    Examples
    --------
    >>> safe_missing(22, 110, CMS), safe_missing(4, 110, CMS)
    ((22, 20.0), (None, None))
    """
    fewer = min(n_missing, n_patients - n_missing)
    if n_missing > 0 and policy.is_small(fewer):
        return None, None
    return n_missing, round(100 * n_missing / n_patients, 1)


def _safe_row(
    row: dict[str, Any],
    hidden: bool,
    hidden_known: bool,
    group_gone: bool,
    policy: DisclosurePolicy,
) -> dict[str, Any]:
    is_number = row["level"] == ""
    safe = row | {"suppressed": hidden or hidden_known or group_gone}
    if hidden:
        safe |= {"n": pd.NA, "percent": np.nan}
    if hidden_known or group_gone:
        safe |= {"n_known": pd.NA, "percent": np.nan}
    if group_gone:
        safe["n_group"] = pd.NA
    if not is_number:
        shown = str(row["n"]) if hidden_known or group_gone else row["text"]
        return safe | {"text": _hidden_text(row["n"], policy) if hidden else shown}
    safe |= {"statistic": SAFE_RANGE, "lower": np.nan, "upper": np.nan}
    if group_gone or row["n"] < policy.threshold:
        text = _hidden_text(row["n"], policy) if row["n"] else row["text"]
        return safe | dict.fromkeys(CENTILES, np.nan) | {"text": text}
    return safe


def _step(study: Study, name: str) -> float:
    """Give the step of a variable that is a time, in its own unit; 0 for any other."""
    variable = study.variables.get(name)
    if variable is None or variable.kind != "duration":
        return 0.0
    return shown_step(study, MEDIAN_PARTS) * unit_ratio(study.time.unit, variable.unit)


def _rounded(row: Mapping[str, Any], step: float) -> dict[str, Any]:
    """Round the median and centiles of a number: in full they are one or two patients' values."""
    if row["level"] != "" or pd.isna(row["value"]):
        return {}
    spread = float(row["centile_95"]) - float(row["centile_5"])
    rounded = {name: round_amount(float(row[name]), spread, step) for name in CENTILES}
    median, low, high = (number_text(value, _decimals(value)) for value in rounded.values())
    return rounded | {"text": f"{median} ({low}–{high})"}


def _decimals(value: float) -> int:
    """Say how many decimals a rounded number needs: one, or two digits of a small one."""
    if not math.isfinite(value) or value == 0:
        return 1
    return max(1, 1 - math.floor(math.log10(abs(value))))


def _hidden_text(n: int, policy: DisclosurePolicy) -> str:
    return f"<{policy.threshold}" if policy.is_small(n) else HIDDEN


def _hidden_groups(sizes: pd.Series, policy: DisclosurePolicy) -> set[str]:
    groups = [group for group in sizes.index if group != OVERALL]
    if not groups:
        return set()
    counts = [int(sizes[group]) for group in groups]
    everybody = int(sizes[OVERALL])
    unknown = [everybody - sum(counts)] if everybody > sum(counts) else []
    cells = [*counts, *unknown, everybody]
    total = len(cells) - 1
    line = Sum(tuple(range(total)), total=total)
    hidden = hidden_cells(cells, [line], policy, unprinted=range(len(groups), total))
    return {group for group, is_hidden in zip(groups, hidden, strict=False) if is_hidden}


def _hidden_levels(
    rows: pd.DataFrame, gone: set[str], policy: DisclosurePolicy
) -> tuple[list[bool], dict[str, bool]]:
    """Tell of one variable which rows and which totals must be hidden.

    Per group, the levels, for a yes/no variable the patients with no, and those of unknown value
    add up to the group. Per level, and so on, groups and patients in no group add up to all.
    """
    groups = list(dict.fromkeys(rows["group"]))
    levels = list(dict.fromkeys(rows["level"]))
    cells = _cells(rows, levels, groups)
    position = np.arange(cells.size).reshape(cells.shape)
    lines = [Sum(tuple(column)) for column in position.T]
    if len(groups) > 1:
        total = groups.index(OVERALL)
        lines += [Sum(tuple(np.delete(row, total)), total=int(row[total])) for row in position]
    unprinted = [*position[len(levels) : -1].ravel(), *position[:, len(groups) :].ravel()]
    anyway = [cell for group in gone for cell in position[:, groups.index(group)]]
    hidden = hidden_cells(
        cells.ravel(), lines, policy, unprinted=unprinted, hidden_anyway=anyway
    ).reshape(cells.shape)
    places = zip(rows["level"], rows["group"], strict=True)
    of_row = [bool(hidden[levels.index(level), groups.index(group)]) for level, group in places]
    return of_row, {group: bool(hidden[-1, column]) for column, group in enumerate(groups)}


def _cells(rows: pd.DataFrame, levels: list[str], groups: list[str]) -> NDArray[np.int_]:
    """Count patients: levels, with no, of unknown value; by group, and in none if there are any."""
    n = rows["n"].to_numpy(int).reshape(len(levels), len(groups))
    known = rows["n_known"].to_numpy(int)[: len(groups)]
    size = rows["n_group"].to_numpy(int)[: len(groups)]
    with_no = [known - n[0]] if levels == ["true"] else []
    cells = np.vstack([n, *with_no, size - known])
    total = groups.index(OVERALL)
    if size.sum() == 2 * size[total] or len(groups) == 1:
        return cells
    return np.column_stack([cells, 2 * cells[:, total] - cells.sum(axis=1)])
