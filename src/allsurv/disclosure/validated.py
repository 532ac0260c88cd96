"""Tables of validation with small groups hidden."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allsurv.policy.rules import DisclosurePolicy, Sum, hidden_cells

__all__ = ["safe_net_benefit", "safe_risk_groups", "safe_subgroups"]


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
        Without ``n_events`` and ``n_at_risk``; missing where hidden.
    """
    table = groups.drop(columns=["n_events", "n_at_risk"]).astype({"n": "Int64"})
    for _, part in groups.groupby(["model", "horizon"], sort=False):
        hidden = hidden_cells(part["n"], [Sum(tuple(range(len(part))))], policy)
        few = (part["n"] < policy.threshold).to_numpy()
        table.loc[part.index[hidden], "n"] = pd.NA
        table.loc[part.index[few], ["predicted", "survival", "lower", "upper"]] = np.nan
    return table


def safe_net_benefit(
    net_benefit: pd.DataFrame, n_patients: int, policy: DisclosurePolicy
) -> pd.DataFrame:
    """Leave out what rests on too few patients above a threshold of risk, or below it.

    Parameters
    ----------
    net_benefit : DataFrame
        Net benefit by model, horizon and threshold, with ``share_above``.
    n_patients : int
        Patients it was measured on.
    policy : DisclosurePolicy
        What may be shown.

    Returns
    -------
    DataFrame
        Missing where hidden, with the reason.
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
    return table


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
    """
    safe = table.astype({"n": "Int64", "n_events": "Int64"})
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
