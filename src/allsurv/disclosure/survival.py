"""Summaries of survival made safe to show outside the study team."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.disclosure.rounding import MEDIAN_PARTS, round_survival, round_to, shown_step
from allsurv.policy.columns import LEFT_OUT
from allsurv.policy.rules import CMS, DisclosurePolicy, Sum, hidden_cells
from allsurv.study.spec import Study

__all__ = [
    "MEDIANS",
    "blank",
    "blank_horizons",
    "few_excluded",
    "medians_on_grid",
    "safe_survival",
]

LIMITS = ("", "_lower", "_upper")
ESTIMATES = ("survival", "incidence", "lower", "upper")
MEDIANS = tuple(f"{name}{limit}" for name in ("median", "follow_up") for limit in LIMITS)


def safe_survival(table: pd.DataFrame, policy: DisclosurePolicy = CMS) -> pd.DataFrame:
    """Hide small counts of a summary of survival, those from which they follow, what rests on them.

    Parameters
    ----------
    table : DataFrame
        From ``survival_summary``, ``comparison_summary`` (also several one after another) or
        ``landmark``.
    policy : DisclosurePolicy, default=CMS
        What may be shown.

    Returns
    -------
    DataFrame
        A copy in which hidden counts are missing; ``suppressed`` is true in rows that lost
        something. The estimates of groups of fewer patients or events than the threshold go, and
        those at horizons with fewer patients at risk; the others are rounded, so that no small
        count follows from them. Nothing changes where the policy is not
        coarse.
    """
    if not policy.is_coarse:
        return table.assign(suppressed=False)
    compared: dict[object, dict[object, list[dict[str, Any]]]] = {}
    rows: list[dict[str, Any]] = [row | {"suppressed": False} for row in table.to_dict("records")]
    for row in rows:
        groups = compared.setdefault(row.get("comparison"), {})
        groups.setdefault(row["group"], []).append(row)
    for groups in compared.values():
        heads = [group[0] for group in groups.values()]
        n, n_events = (np.array([int(head[name]) for head in heads]) for name in ("n", "n_events"))
        hidden_n, hidden_events = _hidden_survival(n, n_events, policy)
        for k, group in enumerate(groups.values()):
            few = policy.is_small(n[k]) or policy.is_small(n_events[k])
            gone = ["n"] * bool(hidden_n[k]) + ["n_events"] * bool(hidden_events[k])
            gone += [*MEDIANS] if few or n[k] < 2 * policy.threshold else []
            gone += few_excluded(group[0], policy)
            for row in group:
                blank(row, gone)
            _round_horizons(group, policy)
            blank_horizons(group, bool(hidden_n[k]), bool(few), policy)
    safe = pd.DataFrame(rows, columns=[*table.columns, "suppressed"], index=table.index)
    counts = [name for name in ("n", "n_events", "n_at_risk", *LEFT_OUT) if name in table.columns]
    safe = safe.astype(dict.fromkeys(counts, "Float64")).astype(dict.fromkeys(counts, "Int64"))
    safe.attrs.update(table.attrs)
    return safe


def medians_on_grid(
    summary: pd.DataFrame, study: Study, policy: DisclosurePolicy = CMS
) -> pd.DataFrame:
    """Round medians and their limits to a grid: a quantile is the exact time of a patient.

    Parameters
    ----------
    summary : DataFrame
        Of survival, with any of the columns of medians of survival and of follow-up.
    study : Study
        The step is a twelfth of its first horizon, on its time grid.
    policy : DisclosurePolicy, default=CMS
        As it is where the policy is not coarse.

    Returns
    -------
    DataFrame
        A copy.
    """
    if not policy.is_coarse:
        return summary
    grid = shown_step(study, MEDIAN_PARTS)
    columns = [name for name in MEDIANS if name in summary]
    rounded = {name: round_to(summary[name].astype(float), grid) for name in columns}
    return summary.assign(**rounded)


def _hidden_survival(
    n: NDArray[np.int_], events: NDArray[np.int_], policy: DisclosurePolicy
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    k = n.size
    cells = np.concatenate([n, events, n - events])
    lines = [Sum((k + i, 2 * k + i), total=i) for i in range(k)]
    if k > 1:
        lines += [Sum(tuple(range(first, first + k))) for first in (0, k, 2 * k)]
    hidden = hidden_cells(cells, lines, policy, unprinted=range(2 * k, 3 * k))
    return hidden[:k], hidden[k : 2 * k]


def _round_horizons(group: list[dict[str, Any]], policy: DisclosurePolicy) -> None:
    known = [row for row in group if pd.notna(row.get("n_at_risk")) and row["n_at_risk"] > 0]
    known.sort(key=lambda row: row["horizon"])
    columns = ("survival", "lower", "upper", "n_at_risk")
    if known and all(name in known[0] for name in columns):
        share, low, high, left = (
            np.array([row[name] for row in known], dtype=float) for name in columns
        )
        rounded = round_survival(share, low, high, left, policy)
        for k, row in enumerate(known):
            row.update({name: float(rounded[j][k]) for j, name in enumerate(columns[:3])})


def blank_horizons(
    group: list[dict[str, Any]], hidden_n: bool, few: bool, policy: DisclosurePolicy
) -> None:
    """Blank what rests on few patients at risk, and numbers at risk that would give some away."""
    last = None if hidden_n else group[0]["n"]
    for row in sorted(group, key=lambda row: row.get("horizon", 0)):
        at_risk = row.get("n_at_risk", np.nan)
        if few or not at_risk >= policy.threshold:
            blank(row, ["n_at_risk", *ESTIMATES])
        elif last is None or policy.is_small(last - at_risk):
            blank(row, ["n_at_risk"])
        else:
            last = at_risk


def few_excluded(row: dict[str, Any], policy: DisclosurePolicy) -> list[str]:
    """Name the counts of patients left out, if one of them is small: 0 apart, all or none."""
    counts = {name: int(row[name]) for name in LEFT_OUT if name in row}
    if any(policy.is_small(count) for count in counts.values() if count):
        return [name for name, count in counts.items() if count > 0]
    return []


def blank(row: dict[str, Any], columns: Sequence[str]) -> None:
    """Blank some columns of a row, and mark it."""
    for column in columns:
        if column in row and pd.notna(row[column]):
            row[column] = np.nan
            row["suppressed"] = True
