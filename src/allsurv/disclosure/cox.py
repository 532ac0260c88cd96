"""Cox tables made safe to show outside the study team."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allsurv.policy.columns import LEFT_OUT
from allsurv.policy.rules import CMS, DisclosurePolicy

__all__ = ["safe_hazard_ratios"]

ESTIMATES = (
    "coef",
    "std_error",
    "hazard_ratio",
    "lower",
    "upper",
    "z",
    "p_value",
    "ph_p_value",
    "variable_p_value",
)


def safe_hazard_ratios(table: pd.DataFrame, policy: DisclosurePolicy = CMS) -> pd.DataFrame:
    """Hide estimates that rest on few patients, and small counts.

    Parameters
    ----------
    table : DataFrame
        From ``cox_table`` and its like; several one after another.
    policy : DisclosurePolicy, default=CMS
        What may be shown.

    Returns
    -------
    DataFrame
        Without ``n_level`` and ``n_level_events``. Estimates of levels with fewer patients than
        the threshold on either side are missing, and so are small counts of patients left out,
        with the ``n`` from which they would follow. ``suppressed`` is true where something is.
    """
    safe = table.drop(columns=["n_level", "n_level_events"], errors="ignore").copy()
    safe["suppressed"] = False
    safe["note"] = safe["note"].mask(safe["hazard_ratio"].isna(), "")
    if "n_level" in table.columns:
        level = table["n_level"].astype("Float64")
        rest = table["n"].astype("Float64") - level
        few = (level.lt(policy.threshold) | rest.lt(policy.threshold)).fillna(False)
        few = few.to_numpy(dtype=bool)
        safe.loc[few, [name for name in ESTIMATES if name in safe.columns]] = np.nan
        safe["suppressed"] = few
    for name in LEFT_OUT:
        if name in safe.columns:
            counts = safe[name].astype("Float64")
            small = counts.between(1, policy.threshold - 1).fillna(False).to_numpy(dtype=bool)
            safe[name] = counts.mask(small).astype("Int64")
            for n in ("n", "n_rows", "n_events"):
                safe[n] = safe[n].astype("Float64").mask(small).astype("Int64")
            safe["suppressed"] |= small
    safe.attrs.update(table.attrs)
    return safe
