"""Who is left out when; and what happens where a model cannot be fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from allsurv.errors import ConfigError, ModelError, OutcomeError
from allsurv.models import make_model
from allsurv.validation import Plan
from allsurv.validation.plans import draw_bootstraps, draw_folds, draw_groups
from allsurv.validation.resampling import refit, seeded_clone

EVENT = np.array([True] * 30 + [False] * 20)
HORIZONS = np.array([12.0, 24.0])


def test_each_repeat_leaves_everybody_out_once_and_keeps_the_share_of_events():
    splits = draw_folds(EVENT, Plan(repeats=3, folds=5), 0)
    assert len(splits) == 15
    for repeat in range(3):
        mine = [s for s in splits if s.repeat == repeat]
        assert sorted(np.concatenate([s.test for s in mine])) == list(range(50))
        for split in mine:
            assert not set(split.train) & set(split.test)
            assert len(split.train) + len(split.test) == 50
            assert EVENT[split.test].sum() == 6  # 30 events over 5 folds


def test_splits_and_seeds_follow_from_the_seed_and_differ_from_each_other():
    first, again, other = (draw_folds(EVENT, Plan(2, 5), seed) for seed in (7, 7, 8))
    assert [s.test.tolist() for s in first] == [s.test.tolist() for s in again]
    assert [s.seed for s in first] == [s.seed for s in again]
    assert [s.test.tolist() for s in first] != [s.test.tolist() for s in other]
    assert len({s.seed for s in first}) == len(first)
    assert first[0].test.tolist() != first[5].test.tolist()


def test_more_repeats_leave_the_first_ones_as_they_were():
    few, many = draw_folds(EVENT, Plan(2, 5), 0), draw_folds(EVENT, Plan(4, 5), 0)
    assert [s.test.tolist() for s in few] == [s.test.tolist() for s in many[:10]]
    assert [s.seed for s in few] == [s.seed for s in many[:10]]


def test_bootstraps_draw_with_replacement_and_predict_everybody():
    splits = draw_bootstraps(50, 40, 0)
    distinct = np.mean([len(set(s.train)) for s in splits]) / 50
    # 1 - (49/50)^50 = 0.636 of the patients are expected; the standard error here is about 0.007.
    assert distinct == pytest.approx(0.636, abs=0.03)
    assert all(s.test.tolist() == list(range(50)) for s in splits)


@pytest.mark.parametrize(("repeats", "folds"), [(0, 5), (5, 1)])
def test_an_empty_plan_is_refused(repeats: int, folds: int):
    with pytest.raises(ConfigError, match="at least 1 repeat of at least 2 folds"):
        Plan(repeats, folds)


def test_fewer_events_than_folds_are_refused():
    with pytest.raises(OutcomeError, match="4 of 20 patients have the event, for 5 folds"):
        draw_folds(np.array([True] * 4 + [False] * 16), Plan(1, 5), 0)
    with pytest.raises(OutcomeError, match="16 of 20 patients"):
        draw_folds(np.array([True] * 16 + [False] * 4), Plan(1, 5), 0)


def test_no_censoring_at_all_is_fine():
    assert len(draw_folds(np.ones(10, dtype=bool), Plan(1, 5), 0)) == 5


def test_a_clone_is_unfitted_and_has_the_seed(toy_cohort):
    cohort = toy_cohort()
    model = make_model("gbs", cohort.study, random_state=1, n_estimators=5)
    model.fit(cohort.X, cohort.y("os"))
    copy = seeded_clone(model, 99)
    assert copy.random_state == 99
    assert model.random_state == 1
    assert not hasattr(copy, "mechanism_")


def test_a_refit_equals_fitting_and_predicting_by_hand(toy_cohort):
    cohort = toy_cohort()
    X, y = cohort.X, cohort.y("os")
    split = draw_folds(y["event"], Plan(1, 5), 0)[0]
    model = make_model("cox", cohort.study)
    found = refit("cox", model, X, y, split, HORIZONS)
    by_hand = make_model("cox", cohort.study).fit(X.iloc[split.train], y[split.train])
    score = by_hand.predict(X.iloc[split.test])
    np.testing.assert_array_equal(found.risk_score, score)
    np.testing.assert_array_equal(
        found.risk, 1 - by_hand.predict_survival(X.iloc[split.test], HORIZONS)
    )
    developed = by_hand.predict(X.iloc[split.train])
    lower = [(developed < s).mean() + (developed == s).mean() / 2 for s in score]
    np.testing.assert_allclose(found.centile, 100 * np.array(lower), rtol=1e-12)


def test_a_horizon_beyond_the_follow_up_of_the_training_patients_has_a_reason(toy_cohort):
    cohort = toy_cohort()
    y = cohort.y("os")
    split = draw_folds(y["event"], Plan(1, 5), 0)[0]
    found = refit(
        "cox", make_model("cox", cohort.study), cohort.X, y, split, np.array([12.0, 500.0])
    )
    assert np.isfinite(found.risk[:, 0]).all()
    assert np.isnan(found.risk[:, 1]).all()
    assert found.reason_at(0) == ""
    assert found.reason_at(1).startswith("follow-up of the patients fitted on ends at")


class Broken:
    """A model that cannot be fitted."""

    family = "broken"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {}

    def set_params(self, **params: Any) -> Broken:
        return self

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Broken:
        raise ModelError("Broken.fit: never converges.\nsecond line")


def test_a_model_that_cannot_be_fitted_gives_a_reason(toy_cohort):
    cohort = toy_cohort()
    y = cohort.y("os")
    split = draw_folds(y["event"], Plan(1, 5), 0)[0]
    found = refit("broken", Broken(), cohort.X, y, split, HORIZONS)
    assert found.reason == "no fit: Broken.fit: never converges."
    assert np.isnan(found.risk).all()
    assert np.isnan(found.risk_score).all()
    assert found.reason_at(1) == found.reason


def test_an_error_of_programming_is_not_hidden(toy_cohort):
    class Wrong(Broken):
        def fit(self, X: pd.DataFrame, y: np.ndarray) -> Broken:
            raise TypeError("a bug")

    cohort = toy_cohort()
    y = cohort.y("os")
    split = draw_folds(y["event"], Plan(1, 5), 0)[0]
    with pytest.raises(TypeError, match="a bug"):
        refit("wrong", Wrong(), cohort.X, y, split, HORIZONS)


def test_a_group_without_events_inside_or_outside_is_refused():
    inside = "no event inside, or none outside, group 'a'"
    # All events in one group: the models of the others would be fitted to no event.
    with pytest.raises(OutcomeError, match=inside):
        draw_groups(["a", "a", "b", "b"], np.array([True, True, False, False]), 0)
    with pytest.raises(OutcomeError, match=inside):
        draw_groups(["a", "a", "b", "b"], np.array([False, False, True, True]), 0)
    splits = draw_groups(["a", "a", "b", "b"], np.array([True, False, True, False]), 0)
    assert [(s.train.tolist(), s.test.tolist()) for s in splits] == [
        ([2, 3], [0, 1]),
        ([0, 1], [2, 3]),
    ]


@pytest.mark.parametrize(("groups", "n"), [([], 0), (["", ""], 0), (["a", "a"], 1)])
def test_one_group_or_none_cannot_be_left_out(groups, n):
    with pytest.raises(OutcomeError, match=f"{n} group to leave out"):
        draw_groups(groups, np.ones(len(groups), dtype=bool), 0)


def test_patients_of_no_group_are_always_fitted_on():
    splits = draw_groups(["a", "", "b"], np.array([True, True, True]), 0)
    assert [(s.train.tolist(), s.test.tolist()) for s in splits] == [([1, 2], [0]), ([0, 1], [2])]
