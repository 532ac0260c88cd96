"""Tables of validation, every row of them: what is hidden and what is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.disclosure.times import _has_ties
from allsurv.disclosure.validated import safe_net_benefit, safe_risk_groups, safe_subgroups
from allsurv.policy.rules import CMS

GROUPS = pd.DataFrame({"model": "cox", "horizon": 12.0, "group": list("abc"), "n": 60,
                       "n_at_risk": 40, "survival": 0.6})  # fmt: skip
VALUES = ["estimate", "lower", "upper", "share_above"]


@pytest.mark.parametrize("n", [30, 110, 500])
def test_net_benefit_is_hidden_where_one_to_ten_are_above_or_below(n):
    above = np.arange(n + 1)
    table = pd.DataFrame(
        {
            "model": "cox", "estimate": 0.1, "lower": 0.0, "upper": 0.2, "share_above": above / n,
            "reason": "", "horizon": 12.0, "threshold": 0.2,
        }
    )  # fmt: skip
    safe = safe_net_benefit(table, GROUPS, n, CMS)
    few = ((above > 0) & (above < 11)) | ((above < n) & (above > n - 11))
    assert safe[VALUES].isna().all(axis=1).tolist() == few.tolist()
    assert safe[VALUES].isna().any(axis=1).tolist() == few.tolist()
    assert safe["reason"].ne("").tolist() == few.tolist()
    assert table[VALUES].notna().all(axis=None)  # a copy
    for strategy in ("treat_all", "treat_none"):
        untouched = safe_net_benefit(table.assign(model=strategy), GROUPS, n, CMS)
        assert untouched[VALUES].notna().all(axis=None)


@pytest.mark.parametrize(
    ("sizes", "shown", "curves"),
    [
        ([40, 30, 20], [40, 30, 20], [True] * 3),
        ([40, 11, 0], [40, 11, 0], [True, True, False]),
        # A small one takes the smallest other with it; its own survival is not shown.
        ([40, 30, 10], [40, None, None], [True, True, False]),
    ],
)
def test_risk_groups_by_hand(sizes, shown, curves):
    rows = {
        "model": "cox", "horizon": 12.0, "group": list("abc"), "n": sizes, "n_events": 9,
        "n_at_risk": 5, "predicted": 0.5, "survival": 0.5, "lower": 0.4, "upper": 0.6,
    }  # fmt: skip
    later = pd.DataFrame({**rows, "horizon": 24.0, "n": [30, 30, 30]})
    safe = safe_risk_groups(pd.concat([pd.DataFrame(rows), later], ignore_index=True), CMS)
    assert not {"n_events", "n_at_risk"} & set(safe)
    assert [None if pd.isna(n) else n for n in safe["n"]] == [*shown, 30, 30, 30]
    for name in ("predicted", "survival", "lower", "upper"):
        assert safe[name].notna().tolist() == [*curves, True, True, True]


@pytest.mark.parametrize(
    ("n", "events", "hidden"),
    [
        ([40, 50, 60], [20, 25, 30], []),
        ([40, 50, 60], [11, 25, 30], []),
        # Ten events in a: of the others' the smallest goes too.
        ([40, 50, 60], [10, 25, 30], ["a", "b"]),
        # Ten without the event in c: so does b, which has 25 without.
        ([40, 50, 60], [11, 25, 50], ["b", "c"]),
    ],
)
def test_subgroups_by_hand(n, events, hidden):
    rows = {"variable": "v", "group": list("abc"), "n": n, "n_events": events, "estimate": 0.7,
            "measure": "auc"}  # fmt: skip
    twice = pd.concat([pd.DataFrame(rows), pd.DataFrame(rows)], ignore_index=True)
    other = pd.DataFrame(
        {**rows, "variable": "w", "n": [50, 50, 50], "n_events": [25, 25, 25]}, index=[6, 7, 8]
    )
    safe = safe_subgroups(pd.concat([twice, other]), CMS)
    gone = safe["group"].isin(hidden) & safe["variable"].eq("v")
    for name in ("n", "n_events"):
        assert safe[name].isna().tolist() == gone.tolist()
    assert safe["estimate"].notna().all()


@pytest.mark.parametrize(
    ("values", "ties"),
    [
        ([*range(10), 9], True),  # eleven, ten different
        ([*range(10)], False),  # none tied: a grid
        ([*range(9), 8], False),  # nine different may be so by chance
        ([1.0] * 20, False),
    ],
)
def test_times_with_ties_are_told_from_a_grid(values, ties):
    assert _has_ties(np.array(values, dtype=float)) == ties
