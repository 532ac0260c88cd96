"""Which summaries of amounts a few patients make up, so that they would be seen in them."""

from __future__ import annotations

import numpy as np

from allsurv.cohort import Cohort
from allsurv.cohort.groups import OVERALL, group_patients
from allsurv.policy.rules import DisclosurePolicy

__all__ = ["dominated_summaries"]


def dominated_summaries(
    cohort: Cohort, policy: DisclosurePolicy, *, by: str | None = None
) -> frozenset[tuple[str, str]]:
    """Find the numbers of a table of characteristics that a few patients dominate.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    policy : DisclosurePolicy
        Its rules of dominance.
    by : str, optional
        Variable whose groups are the columns of the table.

    Returns
    -------
    frozenset of (str, str)
        Variable and group; none under a policy without such rules.

    Examples
    --------
    >>> from allsurv.cohort import load_cohort
    >>> from allsurv.policy.rules import CMS
    >>> dominated_summaries(load_cohort("rr-all"), CMS)
    frozenset()
    """
    if policy.dominance is None:
        return frozenset()
    everybody, groups = np.ones(cohort.n, dtype=bool), group_patients(cohort, by)
    members = {name: groups.code == k for k, name in enumerate(groups.names)}
    members[OVERALL] = everybody
    found = []
    for name in cohort.frame.columns:
        if cohort.study.variable(name).is_number:
            amounts = cohort.frame[name].to_numpy(dtype=float, na_value=np.nan)
            known = np.isfinite(amounts)
            found += [
                (name, group)
                for group, inside in members.items()
                if policy.is_dominated(amounts[inside & known])
            ]
    return frozenset(found)
