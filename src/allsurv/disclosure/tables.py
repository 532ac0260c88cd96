"""Tables and curves made safe to show outside the study team."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort.groups import OVERALL
from allsurv.errors import DisclosureError
from allsurv.journal import number_text
from allsurv.policy.rules import CMS, DisclosurePolicy, Sum, hidden_cells
from allsurv.study.spec import Study

__all__ = ["safe_curve", "suppress_small"]

HIDDEN = "suppressed"
LIMITS = ("", "_lower", "_upper")
CENTILES = ("value", "centile_5", "centile_95")
SAFE_RANGE = "median (5th–95th centile)"
MEDIANS = tuple(f"{name}{limit}" for name in ("median", "follow_up") for limit in LIMITS)
EXCLUDED = ("n_unknown", "n_event_before", "n_censored_before", "n_later_origin")
COMPARED = ("p_value", "level_p_value", "difference")
CHARACTERISTICS = {"variable", "level", "group", "n", "n_known", "n_group"}
SURVIVAL = {"group", "n", "n_events"}


def suppress_small(
    table: pd.DataFrame,
    policy: DisclosurePolicy = CMS,
    *,
    dominated: Collection[tuple[str, str]] = (),
) -> pd.DataFrame:
    """Hide small counts, those from which they follow, and all that was computed from them.

    Parameters
    ----------
    table : DataFrame
        From ``table_one``, ``survival_summary``, ``comparison_summary`` (also several one after
        another) or ``landmark``.
    policy : DisclosurePolicy, default=CMS
        What may be shown.
    dominated : collection of (str, str), default=()
        Variables and groups whose summary a few patients dominate, from
        :func:`~allsurv.disclosure.dominance.dominated_summaries`.

    Returns
    -------
    DataFrame
        A copy in which hidden counts are missing, with what was computed from them; ``suppressed``
        is true in rows that lost something. In a table of characteristics ``text`` reads
        ``<11`` (or another threshold) for a small count and ``suppressed`` for one that would give
        it away, and ranges become 5th to 95th centiles. In a summary of survival the estimates of
        groups of fewer patients or events go, and those at horizons with fewer patients at risk.
        Nothing changes where the policy is not coarse.

    Raises
    ------
    DisclosureError
        If the table has no counts that this function knows.
    """
    columns = set(table.columns)
    if not policy.is_coarse and (columns >= SURVIVAL or columns >= CHARACTERISTICS):
        return table.assign(suppressed=False)
    if columns >= CHARACTERISTICS:
        return _safe_characteristics(table, policy, frozenset(dominated))
    if columns >= SURVIVAL:
        return _safe_survival(table, policy)
    raise DisclosureError(
        "suppress_small: a table without known counts; allowed are tables of characteristics and "
        "summaries of survival."
    )


def safe_curve(curve: pd.DataFrame, study: Study, policy: DisclosurePolicy = CMS) -> pd.DataFrame:
    """Thin Kaplan-Meier curves so that no patient's time can be read from them.

    Parameters
    ----------
    curve : DataFrame
        From ``kaplan_meier`` or ``comparison_curves``, at every time of follow-up.
    study : Study
        Its time grid is the grid of the curve; its first horizon the step of the numbers at risk.
    policy : DisclosurePolicy, default=CMS
        Its threshold is the fewest patients at risk where a curve is shown.

    Returns
    -------
    DataFrame
        The same columns but ``n_events`` and ``n_censored``: ``survival``, ``lower`` and
        ``upper`` on the grid up to the last time with ``threshold`` patients at risk, and
        ``n_at_risk`` at multiples of the first horizon, there where none or at least
        ``threshold`` patients have left since it was last given. Groups of fewer than
        ``threshold`` patients or events are left out. The curve as it is where the policy is not
        coarse.
    """
    if not policy.is_coarse:
        return curve
    kept = [column for column in curve.columns if column not in ("n_events", "n_censored")]
    whole = ["comparison"] if "comparison" in curve.columns else []
    horizons = study.prediction.horizons
    step = min(horizons) if horizons else study.time.grid
    parts = []
    for _, compared in curve.groupby(whole, sort=False) if whole else [("", curve)]:
        groups = [part for _, part in compared.groupby("group", sort=False)]
        sizes = [int(part["n_at_risk"].iloc[0]) for part in groups]
        lines = [Sum(tuple(range(len(groups))))] if len(groups) > 1 else []
        hidden = hidden_cells(sizes, lines, policy)
        for part, size, size_hidden in zip(groups, sizes, hidden, strict=True):
            n_events = int(part["n_events"].sum())
            if not policy.is_small(size) and not policy.is_small(n_events):
                thin = _thinned(part, study.time.grid, step, policy)
                parts.append(thin.assign(n_at_risk=pd.NA) if size_hidden else thin)
    safe = pd.concat(parts, ignore_index=True) if parts else curve.iloc[:0]
    safe = safe[kept].astype({"n_at_risk": "Int64"})
    safe.attrs.update(curve.attrs)
    return safe


def _thinned(
    part: pd.DataFrame, grid: float, step: float, policy: DisclosurePolicy
) -> pd.DataFrame:
    time = part["time"].to_numpy(dtype=float)
    at_risk = part["n_at_risk"].to_numpy(dtype=int)
    end = time[np.flatnonzero(at_risk >= policy.threshold)[-1]]
    inner = np.arange(1, int(np.floor(end / grid + 1e-9)) + 1) * grid
    risk_times = np.arange(1, int(np.floor(end / step + 1e-9)) + 1) * step
    wanted = np.unique(np.concatenate([[0.0], inner, risk_times]))
    thin = part.iloc[np.searchsorted(time, wanted, side="right") - 1].copy()
    thin["time"] = wanted
    shown = pd.array([pd.NA] * wanted.size, dtype="Int64")
    last = int(at_risk[0])
    shown[0] = last
    for time_at in risk_times:
        n = int(at_risk[np.searchsorted(time, time_at, side="left")])
        if n >= policy.threshold and not policy.is_small(last - n):
            shown[int(np.searchsorted(wanted, time_at))] = last = n
    thin["n_at_risk"] = shown
    return thin


def _safe_characteristics(
    table: pd.DataFrame, policy: DisclosurePolicy, dominated: Collection[tuple[str, str]]
) -> pd.DataFrame:
    gone = _hidden_groups(table.groupby("group", sort=False)["n_group"].first(), policy)
    rows: list[dict[str, object]] = []
    for _, part in table.groupby("variable", sort=False):
        hidden, hidden_known = _hidden_levels(part, gone, policy)
        lost = bool(any(hidden)) and part["level"].iloc[0] != ""
        for row, is_hidden in zip(part.to_dict("records"), hidden, strict=True):
            group = str(row["group"])
            safe = _safe_row(row, is_hidden, hidden_known[group], group in gone, policy)
            if (row["variable"], group) in dominated:
                safe |= dict.fromkeys(CENTILES, np.nan) | {"text": HIDDEN, "suppressed": True}
            computed = [name for name in COMPARED if lost and name in row]
            rows.append(safe | dict.fromkeys(computed, np.nan))
    safe = pd.DataFrame(rows, columns=[*table.columns, "suppressed"], index=table.index)
    safe = safe.astype(dict.fromkeys(("n", "n_known", "n_group"), "Int64"))
    safe.attrs.update(table.attrs)
    return safe


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
    median, low, high = (number_text(float(row[name]), 1) for name in CENTILES)
    return safe | {"text": f"{median} ({low}–{high})"}


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


def _safe_survival(table: pd.DataFrame, policy: DisclosurePolicy) -> pd.DataFrame:
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
            blank = ["n"] * bool(hidden_n[k]) + ["n_events"] * bool(hidden_events[k])
            blank += [*MEDIANS] if few or n[k] < 2 * policy.threshold else []
            blank += _few_excluded(group[0], policy)
            for row in group:
                _blank(row, blank)
            _blank_horizons(group, bool(hidden_n[k]), bool(few), policy)
    safe = pd.DataFrame(rows, columns=[*table.columns, "suppressed"], index=table.index)
    counts = [name for name in ("n", "n_events", "n_at_risk", *EXCLUDED) if name in table.columns]
    safe = safe.astype(dict.fromkeys(counts, "Float64")).astype(dict.fromkeys(counts, "Int64"))
    safe.attrs.update(table.attrs)
    return safe


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


def _blank_horizons(
    group: list[dict[str, Any]], hidden_n: bool, few: bool, policy: DisclosurePolicy
) -> None:
    last = None if hidden_n else group[0]["n"]
    for row in sorted(group, key=lambda row: row.get("horizon", 0)):
        at_risk = row.get("n_at_risk", np.nan)
        if few or not at_risk >= policy.threshold:
            _blank(row, ["n_at_risk", "survival", "lower", "upper"])
        elif last is None or policy.is_small(last - at_risk):
            _blank(row, ["n_at_risk"])
        else:
            last = at_risk


def _few_excluded(row: dict[str, Any], policy: DisclosurePolicy) -> list[str]:
    """Name the counts of patients left out, if one of them is small: 0 apart, all or none."""
    counts = {name: int(row[name]) for name in EXCLUDED if name in row}
    if any(policy.is_small(count) for count in counts.values() if count):
        return [name for name, count in counts.items() if count > 0]
    return []


def _blank(row: dict[str, Any], columns: list[str]) -> None:
    for column in columns:
        if column in row and pd.notna(row[column]):
            row[column] = np.nan
            row["suppressed"] = True
