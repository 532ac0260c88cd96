"""Tables of validation with small groups hidden."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.disclosure.rounding import round_survival, round_to
from allsurv.policy.rules import DisclosurePolicy, Sum, coarse_step, hidden_cells

__all__ = ["safe_measures", "safe_net_benefit", "safe_risk_groups", "safe_subgroups"]

ESTIMATE = ("estimate", "lower", "upper")
LIMITS = ("survival", "lower", "upper")
OBSERVED_EXPECTED = "observed_expected_ratio"
DECIMALS = 3


def safe_risk_groups(groups: pd.DataFrame, policy: DisclosurePolicy) -> pd.DataFrame:
    """Leave out counts of events and at risk, and sizes that are small or would give one away.

    Parameters
    ----------
    groups : DataFrame
        Predicted and observed survival of the patients of each risk group, by model and horizon.
    policy : DisclosurePolicy
        What may be shown.

    Returns
    -------
    DataFrame
        Without ``n_events`` and ``n_at_risk``; missing where hidden. Survival is rounded so that
        no small count follows, and predictions, means of a group, to three decimals.
    """
    if policy.is_coarse:
        groups = _rounded_groups(groups, policy)
    table = groups.drop(columns=["n_events", "n_at_risk"]).astype({"n": "Int64"})
    for _, part in groups.groupby(["model", "horizon"], sort=False):
        hidden = hidden_cells(part["n"], [Sum(tuple(range(len(part))))], policy)
        few = (part["n"] < policy.threshold).to_numpy()
        table.loc[part.index[hidden], "n"] = pd.NA
        table.loc[part.index[few], ["predicted", "survival", "lower", "upper"]] = np.nan
    return table


def _rounded_groups(groups: pd.DataFrame, policy: DisclosurePolicy) -> pd.DataFrame:
    table = groups.sort_values("horizon", kind="stable")
    for _, part in table.groupby(["model", "group"], sort=False):
        survival, lower, upper = (part[name].to_numpy(float) for name in LIMITS)
        rounded = round_survival(survival, lower, upper, part["n_at_risk"].to_numpy(float), policy)
        for name, values in zip(LIMITS, rounded, strict=True):
            table.loc[part.index, name] = values
    table["predicted"] = table["predicted"].round(DECIMALS)
    return table.loc[groups.index]


def safe_measures(
    table: pd.DataFrame, groups: pd.DataFrame, n_patients: int, policy: DisclosurePolicy
) -> pd.DataFrame:
    """Round measures of prediction, in full precision of which a count of events can be found.

    Parameters
    ----------
    table : DataFrame
        Measures, with ``measure``, ``estimate`` and limits, and ``horizon`` where they have one.
    groups : DataFrame
        Risk groups before anything is hidden: how many are at risk at each horizon, and how many
        survive.
    n_patients : int
        Patients it was measured on.
    policy : DisclosurePolicy
        What may be shown.

    Returns
    -------
    DataFrame
        To three decimals; the ratio of observed to expected events to the unit that leaves the
        observed survival as uncertain as it is shown elsewhere.
    """
    if not policy.is_coarse or table.empty:
        return table
    columns = [name for name in ESTIMATE if name in table]
    safe = table.assign(**{name: table[name].astype(float).round(DECIMALS) for name in columns})
    seen = _at_horizons(groups)
    for row in table.index[table["measure"] == OBSERVED_EXPECTED]:
        ratio = float(table.loc[row, "estimate"])
        survival, at_risk = seen.get(table.loc[row, "horizon"], (np.nan, np.nan))
        unit = _unit_of_ratio(ratio, survival, at_risk, n_patients, policy)
        safe.loc[row, columns] = round_to(table.loc[row, columns].astype(float), unit)
    return safe


def _at_horizons(groups: pd.DataFrame) -> Mapping[Hashable, tuple[float, float]]:
    """Give survival, about, and the number at risk of everybody at each horizon."""
    if groups.empty:
        return {}
    one = groups[groups["model"] == groups["model"].iloc[0]]
    found: dict[Hashable, tuple[float, float]] = {}
    for horizon, part in one.groupby("horizon"):
        share = float(np.average(part["survival"].fillna(0.5), weights=part["n"]))
        found[horizon] = share, float(part["n_at_risk"].sum())
    return found


def _unit_of_ratio(
    ratio: float, survival: float, at_risk: float, n_patients: int, policy: DisclosurePolicy
) -> float:
    """Observed events are the ratio times what is expected, which readers can work out."""
    if not ratio > 0:
        return policy.unit(n_patients)
    if not (0 < survival < 1 and at_risk > 0):
        return max(policy.unit(n_patients), policy.unit(policy.threshold, 0.5))
    return coarse_step(policy.unit(at_risk, survival) * ratio / (1 - survival))


def safe_net_benefit(
    net_benefit: pd.DataFrame,
    groups: pd.DataFrame,
    n_patients: int,
    policy: DisclosurePolicy,
) -> pd.DataFrame:
    """Leave out what rests on too few patients above a threshold of risk, or below it.

    Parameters
    ----------
    net_benefit : DataFrame
        Net benefit by model, horizon and threshold, with ``share_above``.
    groups : DataFrame
        Risk groups before anything is hidden: how many are at risk at each horizon.
    n_patients : int
        Patients it was measured on.
    policy : DisclosurePolicy
        What may be shown.

    Returns
    -------
    DataFrame
        Missing where hidden, with the reason. Shares and net benefit are rounded; that of
        treating everybody, one minus survival less its weighted remainder, follows from survival
        as it is rounded, and so does that of a model by which everybody is above the threshold.
    """
    table = net_benefit.copy()
    above = table["share_above"] * n_patients
    few = ((above > 0) & (above < policy.threshold)) | (
        (above < n_patients) & (above > n_patients - policy.threshold)
    )
    strategy = table["model"].isin(["treat_all", "treat_none"])
    hidden = few & ~strategy
    table.loc[hidden, ["estimate", "lower", "upper", "share_above"]] = np.nan
    table.loc[hidden, "reason"] = (
        f"fewer than {policy.threshold} patients on one side of the threshold"
    )
    return _rounded_benefit(table, _at_horizons(groups), n_patients, policy)


def _rounded_benefit(
    table: pd.DataFrame,
    seen: Mapping[Hashable, tuple[float, float]],
    n_patients: int,
    policy: DisclosurePolicy,
) -> pd.DataFrame:
    unit = policy.unit(n_patients)
    if unit == 0 or table.empty:
        return table
    odds = (table["threshold"] / (1 - table["threshold"])).to_numpy(float)
    exact = table["estimate"].to_numpy(float)
    everybody = (table["share_above"] >= 1.0).to_numpy()
    at_risk = [seen.get(h, (np.nan, np.nan))[1] for h in table["horizon"]]
    fewest = np.nan_to_num(np.array(at_risk, dtype=float), nan=policy.threshold)
    survival = (1 - exact) / (1 + odds)
    units = [_unit(n, s, policy) for n, s in zip(fewest, survival, strict=True)]
    rounded = round_to(survival, units)
    shown = np.where(everybody, 1 - rounded * (1 + odds), round_to(exact, unit))
    moved: dict[str, NDArray[Any]] = {"estimate": np.round(shown, 12) + 0.0}
    for name in ("lower", "upper"):
        gap = np.ceil(np.round(np.abs(table[name].to_numpy(float) - exact) / unit, 9)) * unit
        moved[name] = np.round(shown + (gap if name == "upper" else -gap), 12) + 0.0
    moved["share_above"] = round_to(table["share_above"], unit)
    return table.assign(**moved)


def _unit(n_at_risk: float, survival: float, policy: DisclosurePolicy) -> float:
    known = np.isfinite(survival) and survival > 0
    return policy.unit(max(n_at_risk, policy.threshold), survival if known else 1.0)


def safe_subgroups(table: pd.DataFrame, policy: DisclosurePolicy) -> pd.DataFrame:
    """Hide counts that are small, or from which small ones follow.

    Parameters
    ----------
    table : DataFrame
        From :func:`allsurv.validation.subgroups.measure_subgroups`.
    policy : DisclosurePolicy
        What may be shown.

    Returns
    -------
    DataFrame
        ``n`` and ``n_events`` missing where hidden, and where those without the event would be
        too few; the sizes of all groups of a variable add up to a total that readers know.
        Measures are rounded, the ratio of observed to expected events as coarsely as its group is
        small.
    """
    safe = _rounded_subgroups(table, policy) if policy.is_coarse else table
    safe = safe.astype({"n": "Int64", "n_events": "Int64"})
    for _, part in table.groupby("variable", sort=False):
        groups = part.drop_duplicates("group")
        counts = np.concatenate([groups["n_events"], groups["n"] - groups["n_events"]])
        size = len(groups)
        parts = [Sum(tuple(range(size))), Sum(tuple(range(size, 2 * size)))]
        hidden = hidden_cells(counts.astype(int), parts, policy)
        for k, name in enumerate(groups["group"]):
            if hidden[k] or hidden[k + size]:
                safe.loc[part.index[part["group"] == name], ["n", "n_events"]] = pd.NA
    return safe


def _rounded_subgroups(table: pd.DataFrame, policy: DisclosurePolicy) -> pd.DataFrame:
    columns = [name for name in ESTIMATE if name in table]
    safe = table.assign(**{name: table[name].astype(float).round(DECIMALS) for name in columns})
    for row in table.index[table["measure"] == OBSERVED_EXPECTED]:
        events = max(float(table.loc[row, "n_events"]), 1.0)
        unit = coarse_step(2 * max(float(table.loc[row, "estimate"]), 0.1) / events)
        safe.loc[row, columns] = round_to(table.loc[row, columns].astype(float), unit)
    return safe
