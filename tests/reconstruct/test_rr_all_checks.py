"""The rules of the bundled study, broken one at a time in the embedded cohort."""

from __future__ import annotations

import pandas as pd
import pytest

from allsurv.cohort import read_cohort
from allsurv.errors import CohortError
from allsurv.files import read_file
from allsurv.study import load_study


@pytest.fixture(scope="module")
def study():
    return load_study("rr-all")


@pytest.fixture(scope="module")
def table(root) -> pd.DataFrame:
    content = read_file(root / "src" / "allsurv" / "cohort" / "data" / "rr-all.csv")
    assert not content.violations
    return content.frame


def first_row(table: pd.DataFrame, **wanted: str) -> int:
    chosen = pd.Series(True, index=table.index)
    for column, value in wanted.items():
        chosen &= table[column] == value
    assert chosen.any(), wanted
    return int(chosen.idxmax())


def messages(table: pd.DataFrame, study, row: int, **changes: str) -> list[str]:
    changed = table.copy()
    for column, value in changes.items():
        changed.loc[row, column] = value
    with pytest.raises(CohortError) as caught:
        read_cohort(changed, study)
    return [str(v).replace(f"row ({row + 1})", "row (*)") for v in caught.value.violations]


@pytest.mark.parametrize(
    ("who", "changes", "says"),
    [
        (
            {"sct": "yes"},
            {"time_to_sct_months": "300"},
            "time_to_sct_months: 1 row (*) lies after death or last follow-up.",
        ),
        (
            {"blina_received": "yes"},
            {"time_to_blina_months": "300"},
            "time_to_blina_months: 1 row (*) lies after death or last follow-up.",
        ),
        (
            {"sct": "yes"},
            {"time_to_response_days": "400"},
            "time_to_response_days: 1 row (*) lies after the transplantation, "
            "which was given in remission.",
        ),
        (
            {"response": "CR", "relapse": "yes"},
            {"rfs_months": "300"},
            "time_to_response_days: 1 row (*) makes response and relapse-free time together "
            "longer than survival.",
        ),
        (
            {"response": "NR"},
            {"mrd_best_neg": "yes"},
            "mrd_best_neg: 1 row (*) has a value, "
            "but only patients with response CR or CRp or CRi can have one.",
        ),
        (
            {"response": "NR"},
            {"rfs_months": "3"},
            "rfs_months: 1 row (*) has a value, "
            "but only patients with response CR or CRp or CRi can have one.",
        ),
        (
            {"sct": "no"},
            {"sct_donor": "mrd"},
            "sct_donor: 1 row (*) has a value, but only patients with sct yes can have one.",
        ),
        (
            {"alive": "yes"},
            {"followup_months": "500"},
            "followup_months: 1 row (*) differs from the survival time of a living patient.",
        ),
        (
            {"karyotype": "im_nd"},
            {"karyotype": "IM/ND"},
            "karyotype: 1 row (*) is 'IM/ND'; allowed diploid, other, complex, kmt2a, ho_tr, heh, "
            "tt, im_nd. Did you mean 'im_nd'?",
        ),
        (
            {"arm": "before"},
            {"os_months": "-1"},
            "os_months: 1 row (*) is negative; times are months, at least 0.03.",
        ),
        (
            {"arm": "before"},
            {"os_months": ""},
            "os_months: 1 row (*) is missing; a value is required.",
        ),
    ],
)
def test_one_rule_broken(who, changes, says, table, study):
    row = first_row(table, **who)
    assert says in messages(table, study, row, **changes)


def test_a_derived_column_may_be_given_if_it_agrees(table, study):
    high = table["karyotype"].isin(["kmt2a", "ho_tr"]).map({True: "yes", False: "no"})
    cohort = read_cohort(table.assign(high_risk_cyto=high), study)
    assert cohort.frame["high_risk_cyto"].sum() == 22
    wrong = high.where(table["karyotype"] != "complex", "yes")
    row_list = (table["karyotype"] == "complex").to_numpy().nonzero()[0] + 1
    with pytest.raises(CohortError) as caught:
        read_cohort(table.assign(high_risk_cyto=wrong), study)
    (violation,) = caught.value.violations
    assert violation.rows == tuple(row_list.tolist())
    assert "contradict karyotype" in violation.rule
