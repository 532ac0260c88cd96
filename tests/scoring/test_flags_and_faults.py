"""What is said of a single prediction: interval, flags, reasons, suspected units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.dictionary.variable import Variable
from allsurv.errors import CohortError, DisclosureError, ModelError
from allsurv.models import make_model
from allsurv.models.export import export_model
from allsurv.riskmodel.instability import Instability
from allsurv.scoring import RiskScorer
from allsurv.validation.bands import measure_instability


@pytest.fixture(scope="module")
def cohort(made_up):
    return made_up(n=110)


@pytest.fixture(scope="module")
def fitted(cohort):
    return make_model("cox", cohort.study, ridge=1.0).fit(cohort.X, cohort.y("os"))


@pytest.fixture(scope="module")
def scorer(fitted, cohort):
    band = measure_instability(fitted, cohort, n_bootstrap=30)
    return RiskScorer(export_model(fitted, cohort, endpoint="os", instability=band))


@pytest.fixture
def rows(made_up, scorer):
    return made_up(n=30, seed=9).X[list(scorer.risk_model.variables)]


# Instability.


def test_every_survival_lies_in_its_interval(scorer, rows):
    scored = scorer.score(rows, horizons=[0, 5, 12, 17.5, 36])
    for h in ("5", "12", "17.5", "36"):
        lower, value, upper = (scored[f"survival_{h}{part}"] for part in ("_lower", "", "_upper"))
        assert (lower <= value).all()
        assert (value <= upper).all()
        assert (lower < upper).any()
    assert (scored[["survival_0", "survival_0_lower", "survival_0_upper"]] == 1).all(axis=None)


def test_the_interval_is_that_of_refits(fitted, cohort, scorer):
    """The mean width over development is that of the refits' own quantiles."""
    from allsurv.validation.resampling import draw_bootstraps, refit_all

    X, y = cohort.X, cohort.y("os")
    refits = refit_all({"m": fitted}, X, y, draw_bootstraps(110, 30, 0), np.array([24.0]))
    low, high = np.quantile([1 - r.risk[:, 0] for r in refits], [0.025, 0.975], axis=0)
    scored = scorer.score(X, horizons=[24])
    width = scored["survival_24_upper"] - scored["survival_24_lower"]
    assert width.mean() == pytest.approx((high - low).mean(), rel=0.1)
    inside = (low >= scored["survival_24_lower"] - 0.1) & (
        high <= scored["survival_24_upper"] + 0.1
    )
    assert inside.mean() > 0.8


def test_the_interval_is_written_and_read(scorer, rows, tmp_path):
    read = RiskScorer.load(scorer.risk_model.write(tmp_path))
    pd.testing.assert_frame_equal(read.score(rows), scorer.score(rows))


def test_no_interval_without_refits_and_none_from_too_few(fitted, cohort, rows):
    scored = RiskScorer(export_model(fitted, cohort, endpoint="os")).score(rows)
    assert scored["survival_24_lower"].isna().all()
    with pytest.raises(ModelError, match="10 or more are needed"):
        measure_instability(fitted, cohort, n_bootstrap=5)
    with pytest.raises(DisclosureError, match="10 patients"):
        Instability.of(np.ones((10, 1)), np.ones((20, 10, 1)), np.array([1]), level=0.9)


# Flags.


def test_a_number_beyond_development_is_flagged(scorer, rows):
    low, high = scorer.risk_model.reach.ranges["age"]
    rows = rows.assign(age=np.round((low + high) / 2), wbc=500.0)
    assert (scorer.score(rows)["extrapolating"].str.contains("age")).sum() == 0
    rows.loc[rows.index[3], "age"] = 100
    flagged = scorer.score(rows)["extrapolating"].str.contains("age")
    assert flagged.to_numpy().nonzero()[0].tolist() == [3]


def test_at_most_ten_of_development_lie_beyond_each_end(scorer, cohort):
    for name, (low, high) in scorer.risk_model.reach.ranges.items():
        assert (cohort.X[name] < low).sum() <= 10
        assert (cohort.X[name] > high).sum() <= 10
        assert not np.isin([low, high], cohort.X[name]).all()


def test_what_was_filled_in_is_named(scorer, rows):
    missing = rows["cd20_ge20"].isna()
    assert missing.any()
    assert (scorer.score(rows)["imputed"] == np.where(missing, "cd20_ge20", "")).all()


def test_a_level_hardly_anybody_had_is_outside_the_population(made_up, rows):
    cohort = made_up(n=110)
    frame = cohort.frame.copy()
    women = np.flatnonzero(frame["sex"] == "female")
    frame.loc[frame.index[women[10:]], "sex"] = "male"
    cohort = replace(cohort, frame=frame)
    model = make_model("cox", cohort.study, predictors=["age", "sex"])
    exported = export_model(model.fit(cohort.X, cohort.y("os")), cohort, endpoint="os")
    assert exported.reach.levels["sex"] == ("male",)
    flagged = RiskScorer(exported).score(rows)["outside_population"]
    assert (flagged == np.where(rows["sex"] == "female", "sex", "")).all()


def test_who_is_not_of_the_endpoints_population_is_flagged(scorer, rows):
    response = Variable("cr", "Complete remission", "binary", "cr")
    population = replace(
        scorer.risk_model.population, condition={"cr": True}, variables={"cr": response}
    )
    strict = RiskScorer(replace(scorer.risk_model, population=population))
    assert (strict.score(rows)["outside_population"] == "").all()
    asked = rows.assign(cr=pd.array([True, False, None] * 10, dtype="boolean"))
    expected = ["", "cr", ""] * 10
    assert strict.score(asked)["outside_population"].tolist() == expected


# Faulty rows, reported.


def test_good_rows_are_scored_and_bad_ones_lose_nothing(scorer, rows):
    expected = scorer.score(rows)
    bad = rows.astype(object)
    bad.iloc[3, bad.columns.get_loc("age")] = 400
    bad.iloc[7, bad.columns.get_loc("sex")] = "femal"
    bad.iloc[7, bad.columns.get_loc("wbc")] = None
    bad.index = [f"p{i}" for i in range(30)]
    scored = scorer.score(bad, on_error="report", explain=True)
    assert scored.index.equals(bad.index)
    faulty = (scored["fault"] != "").to_numpy(dtype=bool)
    assert faulty.nonzero()[0].tolist() == [3, 7]
    assert scored["fault"].iloc[3] == "age: is 400; allowed 15 to 100."
    assert "sex: is 'femal'" in scored["fault"].iloc[7]
    assert "wbc: is missing" in scored["fault"].iloc[7]
    assert scored["risk_score"].isna().tolist() == faulty.tolist()
    good = scored[~faulty].set_axis(expected.index[~faulty])
    pd.testing.assert_frame_equal(good[list(expected)], expected[~faulty])
    with pytest.raises(CohortError):
        scorer.score(bad)


def test_what_spoils_the_whole_table_always_raises(scorer, rows):
    with pytest.raises(CohortError, match="age: is missing, but required"):
        scorer.score(rows.drop(columns="age"), on_error="report")
    with pytest.raises(ModelError, match="'ignore' is unknown"):
        scorer.score(rows, on_error="ignore")


def test_nobody_left_to_score(scorer, rows):
    scored = scorer.score(rows.assign(age=400), on_error="report")
    assert (scored["fault"] != "").all()
    assert scored["risk_score"].isna().all()


# Units.


@pytest.fixture(scope="module")
def lognormal(made_up):
    """White counts as patients have them, and a model of them."""
    cohort = made_up(n=110)
    rng = np.random.default_rng(0)
    frame = cohort.frame.assign(wbc=np.round(np.exp(rng.normal(1.5, 1.0, 110)), 1).clip(0.1))
    cohort = replace(cohort, frame=frame)
    model = make_model("cox", cohort.study, predictors=["age", "wbc", "pb_blasts"])
    exported = export_model(model.fit(cohort.X, cohort.y("os")), cohort, endpoint="os")
    return RiskScorer(exported), cohort.X


def test_white_cells_per_microlitre_are_suspected(lognormal):
    scorer, X = lognormal
    with pytest.raises(CohortError) as caught:
        scorer.score(X.assign(wbc=X["wbc"] * 1000))
    assert "Look 1,000 times too large; is the unit 10^9/L?" in str(caught.value)
    within_range = X.assign(wbc=(X["wbc"] * 1000).clip(upper=999)).head(12)
    assert (within_range["wbc"] >= 100).all()
    one = scorer.score(within_range.head(1))
    assert "wbc" in one["extrapolating"].iloc[0]


def test_blasts_as_fractions_are_suspected_unless_vouched_for(lognormal):
    scorer, X = lognormal
    fractions = X.assign(pb_blasts=X["pb_blasts"] / 100)
    with pytest.raises(CohortError, match=r"pb_blasts: looks 100 times too small; development had"):
        scorer.score(fractions)
    scored = scorer.score(fractions, trusted_units=["pb_blasts"])
    assert (scored["fault"] == "").all()


def test_other_patients_are_not_suspected(lognormal):
    scorer, X = lognormal
    assert len(scorer.score(X.assign(wbc=(X["wbc"] * 4).clip(upper=900)))) == len(X)
    assert len(scorer.score(X.assign(age=16))) == len(X)
