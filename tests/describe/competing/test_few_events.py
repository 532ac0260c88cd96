"""Groups without a cause, causes of few events, patients who are left out: by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import read_cohort
from allsurv.describe import competing_table, cumulative_incidence, incidence_table
from allsurv.study.spec import Cause, Endpoint, Variable

TIMES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]


@pytest.fixture
def failing(study):
    """The twelve patients, with an endpoint of two causes read from a status."""
    status = Variable(
        "status", "Status", "nominal", "status", levels=("well", "relapse", "died"),
        reference="well", known="outcome",
    )  # fmt: skip
    causes = {
        "relapse": Cause("relapse", "Relapse", ({"status": "relapse"},)),
        "nrm": Cause("nrm", "Death first", ({"status": "died"},)),
    }
    failure = Endpoint(
        "failure", "Failure", "months", (), "treatment", kind="competing", causes=causes,
        censored=({"status": "well"},),
    )  # fmt: skip
    return replace(
        study,
        variables={**study.variables, "status": status},
        endpoints={**study.endpoints, "failure": failure},
    )


def patients(frame, study, status):
    table = frame.assign(status=status, months=np.array(TIMES, dtype=float), rfs_months=1.0)
    table["rfs_months"] = table["rfs_months"].where(table["responder"] == 1)
    return read_cohort(table.assign(dead=0), study)


def test_a_cause_nobody_had_is_a_curve_at_zero(frame, failing):
    # Of the first six ("old"), four relapse at 1, 2, 3 and 4: 1/6, 2/6, 3/6, 4/6.
    cohort = patients(frame, failing, ["relapse"] * 4 + ["well"] * 2 + ["died"] + ["well"] * 5)
    table = incidence_table(cohort, "failure", by="arm", horizons=[3.0])
    old = table[table["group"] == "old"].set_index("cause")
    assert old.loc["relapse", "incidence"] == pytest.approx(3 / 6)
    assert old.loc["nrm", ["incidence", "lower", "upper"]].tolist() == [0, 0, 0]
    assert old["n_events"].tolist() == [4, 0]
    assert old["n_competing"].tolist() == [0, 4]
    # Horizon 3 is before anybody of the others fails: they entered at 7 in time.
    new = table[table["group"] == "new"]
    assert new["incidence"].tolist() == [0, 0]
    assert new["n_at_risk"].tolist() == [6, 6]


def test_a_group_without_any_event_is_flat_and_ends(frame, failing):
    cohort = patients(frame, failing, ["relapse"] * 4 + ["well"] * 2 + ["well"] * 6)
    table = incidence_table(cohort, "failure", by="arm", horizons=[8.0, 20.0])
    new = table[(table["group"] == "new") & (table["cause"] == "relapse")]
    np.testing.assert_array_equal(new["incidence"], [0.0, np.nan])
    np.testing.assert_array_equal(new["upper"], [0.0, np.nan])
    curves = cumulative_incidence(cohort, "failure", by="arm")
    assert (curves.loc[curves["group"] == "new", "incidence"] == 0).all()
    # Nobody had the second cause: it has no test.
    tests = incidence_table(cohort, "failure", by="arm").drop_duplicates("cause")
    assert tests["p_value"].isna().tolist() == [False, True]


def test_a_cause_of_few_events_is_shown_and_not_modelled(frame, failing):
    status = ["relapse", "died", "well"] * 4
    table = competing_table(patients(frame, failing, status), "failure", ["age"])
    assert table["n_events"].tolist() == [4, 4]
    assert table.filter(regex="_coef|_p_value").isna().all(axis=None)
    assert (table["note"] == "fewer than 10 events: shown as curves, not modelled").all()


def test_whoever_lacks_a_value_is_left_out_and_counted(frame, failing):
    status = ["relapse", "died", "well"] * 4
    table = competing_table(patients(frame, failing, status), "failure", ["wbc"])
    assert table["n_left_out"].tolist() == [1, 1]
    assert table["n"].tolist() == [11, 11]
    # The third patient, of unknown count, was censored: no event is lost.
    assert table["n_events"].tolist() == [4, 4]
    assert table["note"].str.contains("patients with a missing value").all()


def test_a_level_that_decides_is_told(frame, failing):
    big = pd.concat([frame] * 3, ignore_index=True)
    big["months"] = np.arange(1.0, 37.0)
    status = np.where(big["arm"] == "old", "relapse", "well")
    status[[6, 18]] = "died"
    table = big.assign(status=status, dead=0)
    table["rfs_months"] = table["rfs_months"].where(table["responder"] == 1)
    fitted = competing_table(read_cohort(table, failing), "failure", ["arm"])
    relapse = fitted[fitted["cause"] == "relapse"].iloc[0]
    assert relapse["note"] == (
        "cause-specific model by Firth's method; the Fine-Gray model has no finite estimate"
    )
    assert np.isfinite(relapse["cause_specific_coef"])
    assert np.isnan(relapse["subdistribution_coef"])
