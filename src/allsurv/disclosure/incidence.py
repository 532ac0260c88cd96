"""Cumulative incidences, and models of competing events, made safe to show.

Where one cause of a group is too rare to be shown, all causes of that group are hidden: with the
survival free of any event, which other tables show, each would follow from the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from allsurv.disclosure.curves import thinned
from allsurv.disclosure.rounding import CURVE_PARTS, round_incidence, shown_step
from allsurv.disclosure.survival import MEDIANS, blank, blank_horizons, few_excluded
from allsurv.policy.columns import LEFT_OUT
from allsurv.policy.rules import CMS, DisclosurePolicy, Sum, hidden_cells
from allsurv.study.spec import Study

__all__ = ["safe_competing", "safe_incidence", "safe_incidence_table"]

SHARES = ("incidence", "lower", "upper")
COUNTS = ("n", "n_events", "n_competing", "n_at_risk", *LEFT_OUT)
Row = dict[str, Any]


def safe_incidence(
    curves: pd.DataFrame, study: Study, policy: DisclosurePolicy = CMS
) -> pd.DataFrame:
    """Thin curves of cumulative incidence so that no patient's time can be read from them.

    Parameters
    ----------
    curves : DataFrame
        From ``cumulative_incidence`` or ``comparison_incidence``, at every time of follow-up.
    study : Study
        A quarter of its first horizon, on its time grid, is the step of the curves; that horizon
        the step of the numbers at risk.
    policy : DisclosurePolicy, default=CMS
        Its threshold is the fewest patients at risk where a curve is shown.

    Returns
    -------
    DataFrame
        The same columns but ``n_events`` and ``n_censored``, at the steps up to the last time with
        ``threshold`` patients at risk, rounded as survival is. Groups of fewer patients, or with a
        small count of any cause, are left out. The curves as they are where the policy is not
        coarse.
    """
    if not policy.is_coarse:
        return curves
    horizons = study.prediction.horizons
    step = min(horizons) if horizons else study.time.grid
    grid = shown_step(study, CURVE_PARTS)
    parts = []
    for _, compared in _comparisons(curves):
        heads = compared.drop_duplicates("group").set_index("group")["n_at_risk"]
        lines = [Sum(tuple(range(len(heads))))] if len(heads) > 1 else []
        hidden = dict(zip(heads.index, hidden_cells(heads.to_numpy(), lines, policy), strict=True))
        events = compared.groupby(["group", "cause"], sort=False)["n_events"].sum()
        free = 1 - compared.groupby(["group", "time"], sort=False)["incidence"].transform("sum")
        for (group, _), part in compared.assign(free=free).groupby(["group", "cause"], sort=False):
            if policy.is_small(heads[group]) or policy.is_small(events[group].to_numpy()).any():
                continue
            thin, left = thinned(part, grid, step, policy)
            incidence, lower, upper = (thin[name].to_numpy(dtype=float) for name in SHARES)
            still = thin.pop("free").to_numpy(dtype=float)
            rounded = round_incidence(incidence, lower, upper, left, still, policy)
            for name, values in zip(SHARES, rounded, strict=True):
                thin[name] = values
            thin.loc[thin["time"] == 0, [*SHARES]] = 0.0  # nobody yet, which tells nothing
            parts.append(thin.assign(n_at_risk=pd.NA) if hidden[group] else thin)
    safe = pd.concat(parts, ignore_index=True) if parts else curves.iloc[:0]
    safe = safe.drop(columns=["n_events", "n_censored"]).astype({"n_at_risk": "Int64"})
    safe.attrs.update(curves.attrs)
    return safe


def safe_incidence_table(table: pd.DataFrame, policy: DisclosurePolicy = CMS) -> pd.DataFrame:
    """Hide small counts of a table of incidences, those from which they follow, what rests on them.

    Parameters
    ----------
    table : DataFrame
        From ``incidence_table``, ``comparison_incidence_table`` (also several one after another)
        or ``landmark_incidence``.
    policy : DisclosurePolicy, default=CMS
        What may be shown.

    Returns
    -------
    DataFrame
        A copy in which hidden counts are missing; ``suppressed`` is true in rows that lost
        something. Nothing changes where the policy is not coarse.
    """
    if not policy.is_coarse:
        return table.assign(suppressed=False)
    rows: list[Row] = [row | {"suppressed": False} for row in table.to_dict("records")]
    compared: dict[object, dict[object, dict[object, list[Row]]]] = {}
    for row in rows:
        groups = compared.setdefault(row.get("comparison"), {})
        groups.setdefault(row["group"], {}).setdefault(row["cause"], []).append(row)
    for groups in compared.values():
        _hide(groups, policy)
    safe = pd.DataFrame(rows, columns=[*table.columns, "suppressed"], index=table.index)
    counts = [name for name in COUNTS if name in table.columns]
    safe = safe.astype(dict.fromkeys(counts, "Float64")).astype(dict.fromkeys(counts, "Int64"))
    safe.attrs.update(table.attrs)
    return safe


def safe_competing(table: pd.DataFrame, policy: DisclosurePolicy = CMS) -> pd.DataFrame:
    """Hide estimates of competing events that rest on few patients, and small counts.

    Parameters
    ----------
    table : DataFrame
        From ``competing_table`` and its like; several one after another.
    policy : DisclosurePolicy, default=CMS
        What may be shown.

    Returns
    -------
    DataFrame
        Without ``n_level`` and ``n_level_events``. Estimates of levels with fewer patients than the
        threshold on either side are missing, and so is all of an analysis in which a cause has a
        small count, or a small count of patients left out. ``suppressed`` is true where something
        is.
    """
    safe = table.drop(columns=["n_level", "n_level_events"]).assign(suppressed=False)
    if not policy.is_coarse:
        return safe
    estimates = [c for c in table.columns if c.startswith(("cause_specific_", "subdistribution_"))]
    level = table["n_level"].astype("Float64")
    rest = table["n"].astype("Float64") - level
    few = (level.lt(policy.threshold) | rest.lt(policy.threshold)).fillna(False).to_numpy(bool)
    counts = ["n", "n_events", "n_competing", "n_left_out"]
    safe = safe.astype(dict.fromkeys(counts, "Int64"))
    for name, part in table.groupby("analysis", sort=False):
        rows = (table["analysis"] == name).to_numpy()
        if policy.is_small(part["n_events"].to_numpy()).any():
            few |= rows
            safe.loc[rows, ["n_events", "n_competing"]] = pd.NA
            safe.loc[rows, "suppressed"] = True
        n_left_out = int(part["n_left_out"].iloc[0])
        if n_left_out and policy.is_small(n_left_out):
            safe.loc[rows, counts] = pd.NA
            safe.loc[rows, "suppressed"] = True
    safe.loc[few, estimates] = np.nan
    safe.loc[few, "suppressed"] = True
    safe.attrs.update(table.attrs)
    return safe


def _comparisons(table: pd.DataFrame) -> Iterator[tuple[object, pd.DataFrame]]:
    if "comparison" in table.columns:
        yield from table.groupby("comparison", sort=False)
    else:
        yield "", table


def _hide(groups: dict[object, dict[object, list[Row]]], policy: DisclosurePolicy) -> None:
    """Hide, in one comparison, the cells of a table of groups by causes and censored."""
    heads = [{cause: rows[0] for cause, rows in causes.items()} for causes in groups.values()]
    events = np.array([[int(head[c]["n_events"]) for c in head] for head in heads])
    n = np.array([int(next(iter(head.values()))["n"]) for head in heads])
    n_groups, n_causes = events.shape
    censored = n - events.sum(axis=1)
    few = policy.is_small(n) | policy.is_small(events).any(axis=1)
    # One cell for each group's size, then its causes and censored; every column has a known sum.
    cells = np.column_stack([n, events, censored])
    at = np.arange(cells.size).reshape(cells.shape)
    lines = [Sum(tuple(map(int, row[1:])), total=int(row[0])) for row in at]
    if n_groups > 1:
        lines += [Sum(tuple(map(int, column))) for column in at.T]
    hidden = hidden_cells(
        cells.ravel(), lines, policy,
        unprinted=at[:, -1].tolist(), hidden_anyway=at[few, 1:-1].ravel().tolist(),
    ).reshape(cells.shape)  # fmt: skip
    for k, causes in enumerate(groups.values()):
        any_cause = bool(hidden[k, 1 : n_causes + 1].any())
        gone = ["n"] * bool(hidden[k, 0])
        gone += ["n_events", "n_competing"] * any_cause
        gone += [*MEDIANS] if few[k] or n[k] < 2 * policy.threshold else []
        shares: dict[float, float] = {}
        for row in (row for rows in causes.values() for row in rows):
            shares[row["horizon"]] = shares.get(row["horizon"], 0.0) + float(row["incidence"])
        free = {horizon: 1 - share for horizon, share in shares.items()}
        for rows in causes.values():
            excluded = few_excluded(rows[0], policy)
            for row in rows:
                blank(row, [*gone, *excluded])
            _round_horizons(rows, free, policy)
            blank_horizons(rows, bool(hidden[k, 0]), bool(few[k]), policy)


def _round_horizons(rows: list[Row], free: Mapping[float, float], policy: DisclosurePolicy) -> None:
    known = [row for row in rows if pd.notna(row.get("n_at_risk")) and row["n_at_risk"] > 0]
    known.sort(key=lambda row: row["horizon"])
    if known:
        incidence, lower, upper, left = (
            np.array([row[name] for row in known], dtype=float) for name in (*SHARES, "n_at_risk")
        )
        still = [free[row["horizon"]] for row in known]
        rounded = round_incidence(incidence, lower, upper, left, still, policy)
        for k, values in enumerate(zip(*rounded, strict=True)):
            known[k].update(zip(SHARES, map(float, values), strict=True))
