"""Rows of time-dependent events under a Cox model: R's numbers, whatever the splitting."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Intervals, load_cohort, make_intervals
from allsurv.stats.cox.fit import fit_cox


def design(rows: Intervals, events: list[str]) -> pd.DataFrame:
    """Treatment contrasts in R's order: year, age class, prophylaxis, match, then events."""
    nominal = pd.get_dummies(rows.X[["year", "agecl", "proph", "match"]], drop_first=True)
    return pd.concat([nominal, rows.X[events]], axis=1).astype(float)


def test_ebmt_with_three_events_equals_r(shared):
    """coxph(Surv(tstart, tstop, death) ~ ... + rec_t + ae_t + rel_t) on tmerge's 4978 rows."""
    cohort = load_cohort("ebmt-all")
    events = list(cohort.study.events)
    rows = cohort.intervals("os")
    X = design(rows, events)
    fit = fit_cox(rows.stop, rows.event, X, start=rows.start)
    reference = pd.read_csv(shared / "reference" / "ebmt4_all_ref.csv")
    chosen = reference["model"].str.startswith("OS baseline + time-dependent")
    reference = reference[chosen & (reference["ties"] == "efron")]
    assert fit.loglik == pytest.approx(reference["loglik1"].iloc[0], rel=1e-8)
    assert fit.coef == pytest.approx(reference["coef"].to_numpy(), abs=1e-6)
    assert fit.std_error == pytest.approx(reference["se"].to_numpy(), abs=1e-6)


def test_cutting_rows_more_often_leaves_the_model_as_it_is():
    cohort = load_cohort("rr-all")
    y = cohort.y("os")
    switch = cohort.frame["time_to_sct_months"]
    X = cohort.X[["pb_blasts"]]
    coarse = make_intervals(y["time"], y["event"], {"sct": switch}, X)
    cuts = {f"month {m}": np.full(cohort.n, float(m)) for m in range(1, 60, 3)}
    fine = make_intervals(y["time"], y["event"], {"sct": switch, **cuts}, X)
    assert len(fine) > 4 * len(coarse)
    fits = [
        fit_cox(rows.stop, rows.event, rows.X[["pb_blasts", "sct"]], start=rows.start)
        for rows in (coarse, fine)
    ]
    assert fits[1].coef == pytest.approx(fits[0].coef, rel=1e-9)
    assert fits[1].std_error == pytest.approx(fits[0].std_error, rel=1e-9)
    assert fits[1].loglik == pytest.approx(fits[0].loglik, rel=1e-12)
