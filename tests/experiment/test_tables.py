"""Tables of a run: coefficients per unit of what the clinician sees."""

from __future__ import annotations

import pandas as pd
import pytest

from allsurv.experiment.tables import coefficient_table, named
from allsurv.models import make_model


def test_coefficients_of_products_are_per_unit_of_both_factors(toy_cohort):
    cohort = toy_cohort(150, 1)
    model = make_model(
        "cox",
        cohort.study,
        predictors=["age", "blasts", "arm"],
        features__interactions=[("age", "arm"), ("age", "blasts")],
    ).fit(cohort.X, cohort.y("os"))
    table = coefficient_table(cohort, {"cox": model}).set_index("term")
    one = cohort.X.iloc[[0]].assign(age=1.0, blasts=20.0)
    centre = {term.name: term.centre for term in model.encoder_.terms_}
    slope = {}
    for arm in cohort.X["arm"].cat.categories:
        one["arm"] = pd.Categorical([arm], categories=cohort.X["arm"].cat.categories)
        slope[arm] = float(model.predict(one.assign(age=2.0))[0] - model.predict(one)[0])
    per_blast = table["coef"]["age x blasts"] * (20.0 - centre["blasts"])
    before, after = sorted(slope, key=lambda arm: arm == "after")
    assert slope[before] == pytest.approx(table["coef"]["age"] + per_blast)
    assert slope[after] - slope[before] == pytest.approx(table["coef"]["age x arm=after"])
    assert table["label"]["age x arm=after"].count(" x ") == 2


def test_a_row_without_a_measure_has_no_label():
    rows = pd.DataFrame({"model": ["cox", "cox"], "measure": ["harrell_c", None]})
    assert named(rows)["label"].isna().tolist() == [False, True]
