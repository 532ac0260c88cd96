"""Times that fall exactly on a horizon, a landmark, an event or the end of follow-up, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.stats.competing.cause_specific import fit_cause_specific
from allsurv.stats.competing.contrasts import incidence_contrast, time_lost, time_lost_contrast
from allsurv.stats.competing.fine_gray import fit_fine_gray
from allsurv.stats.competing.followed import probability_followed
from allsurv.stats.competing.gray import gray_test
from allsurv.stats.competing.histories import check_histories, make_histories
from allsurv.stats.competing.incidence import cumulative_incidence
from allsurv.stats.competing.states import landmark_state_probabilities, state_probabilities

Z = 1.959963984540054
# Group a: cause 1 at 1, cause 2 at 2, censored at 3 and 4. Group b: cause 1 at 2 and 3, then 2.
TIME = [1.0, 2.0, 3.0, 4.0, 2.0, 3.0, 4.0]
CAUSE = [1, 2, 0, 0, 1, 1, 2]
GROUP = list("aaaabbb")


@pytest.mark.parametrize(
    ("horizon", "a", "b"),
    [
        (0.5, 0, 0),
        (1, 1 / 4, 0),
        (1.999, 1 / 4, 0),
        (2, 1 / 4, 1 / 3),
        (2.999, 1 / 4, 1 / 3),
        (3, 1 / 4, 2 / 3),
        (4, 1 / 4, 2 / 3),
    ],
)
def test_an_event_at_the_horizon_has_happened(horizon, a, b):
    found = incidence_contrast(TIME, CAUSE, GROUP, horizon)
    assert (found.groups, found.reference, found.horizon) == (("a", "b"), "a", horizon)
    assert [value.value for value in found.value] == pytest.approx([a, b], abs=1e-15)
    assert found.difference[1].value == pytest.approx(b - a, abs=1e-15)
    for value in found.value:
        assert value.lower <= value.value <= value.upper
        assert (value.lower == value.upper == 0) == (value.value == 0)
    if a and b:
        assert found.ratio[1].value == pytest.approx(b / a)
    else:
        assert "nobody failed from the cause in one of the groups" in found.ratio[1].reason


def test_every_number_of_a_contrast_by_hand():
    # Binomial variances while nobody is censored: 1/4 * 3/4 / 4 and 1/3 * 2/3 / 3.
    found = incidence_contrast(TIME, CAUSE, GROUP, 2, level=0.95)
    va, vb = 3 / 64, 2 / 27
    assert [v.std_error**2 for v in found.value] == pytest.approx([va, vb])
    error = np.sqrt(va + vb)
    difference = found.difference[1]
    assert difference.std_error == pytest.approx(error)
    assert difference.lower == pytest.approx(1 / 12 - Z * error)
    assert difference.upper == pytest.approx(1 / 12 + Z * error)
    spread = np.sqrt(16 * va + 9 * vb)
    ratio = found.ratio[1]
    assert ratio.std_error == pytest.approx(spread)
    assert ratio.lower == pytest.approx(4 / 3 / np.exp(Z * spread))
    assert ratio.upper == pytest.approx(4 / 3 * np.exp(Z * spread))
    # A normal of 1/12 / 0.348 = 0.2394.
    assert found.p_value[1] == pytest.approx(0.8108, abs=5e-4)
    base = found.difference[0]
    assert (base.value, base.lower, base.upper, base.std_error) == (0, 0, 0, 0)
    assert (found.ratio[0].value, found.ratio[0].lower, found.ratio[0].upper) == (1, 1, 1)
    assert np.isnan(found.p_value[0])


def test_the_reference_that_is_named_is_compared_with():
    found = incidence_contrast(TIME, CAUSE, GROUP, 2, reference="b")
    other = incidence_contrast(TIME, CAUSE, GROUP, 2)
    assert found.reference == "b"
    assert found.difference[0].value == pytest.approx(-other.difference[1].value)
    assert found.difference[0].lower == pytest.approx(-other.difference[1].upper)
    assert found.ratio[0].value == pytest.approx(1 / other.ratio[1].value)
    assert (found.difference[1].value, found.ratio[1].value) == (0, 1)
    assert np.isnan(found.p_value[1])


def test_differences_stay_within_what_is_possible():
    # All of b by 1, of a one in three: 2/3 less 0.67 or more, and at most 1.
    found = incidence_contrast([1, 1, 1, 2, 2], [1, 1, 1, 2, 0], list("baaaa"), 1, level=0.9999)
    assert found.difference[1].upper == 1
    lost = time_lost_contrast([1, 1, 3, 3, 3], [1, 1, 1, 2, 0], list("bbaaa"), 3, level=0.999999)
    assert lost.difference[1].upper <= 3
    assert lost.value[0].lower == 0


@pytest.mark.parametrize(
    ("horizon", "reason"), [(4, ""), (4.001, "follow-up ends before 4.001"), (3.5, "")]
)
def test_follow_up_reaches_the_horizon_that_it_ends_at(horizon, reason):
    for compare in (incidence_contrast, time_lost_contrast):
        found = compare(TIME, CAUSE, GROUP, horizon)
        assert found.value[0].reason == reason
        assert found.difference[1].reason == found.ratio[1].reason == reason
        assert np.isnan(found.p_value[1]) == bool(reason)
        # In b all have failed by 4: nothing more can happen, at whatever horizon.
        assert found.value[1].reason == ""
        assert np.isfinite(found.value[1].value)


def test_a_group_without_any_event_has_lost_nothing_while_it_is_followed():
    time, cause, group = [2, 3, 1, 2], [0, 0, 1, 2], list("aabb")
    for compare in (incidence_contrast, time_lost_contrast):
        at_end = compare(time, cause, group, 3).value[0]
        assert (at_end.value, at_end.lower, at_end.upper, at_end.std_error) == (0, 0, 0, 0)
        assert compare(time, cause, group, 3.1).value[0].reason == "follow-up ends before 3.1"
        only_other = compare([*time, 3], [*cause, 2], [*group, "a"], 3).value[0]
        assert (only_other.value, only_other.upper) == (0, 0)


@pytest.mark.parametrize(
    ("horizon", "value"), [(0.5, 0), (1, 0), (1.5, 1 / 6), (2, 1 / 3), (3, 2 / 3), (4, 4 / 3)]
)
def test_time_lost_by_hand(horizon, value):
    # One third from 1 on, a second third from 3 on; all have failed by 3.
    found = time_lost([1, 2, 3], [1, 2, 1], horizon)
    assert found.value == pytest.approx(value, abs=1e-15)
    # Without censoring it is the mean of (horizon - time) of those who failed from it.
    each = np.maximum(horizon - np.array([1, np.inf, 3]), 0)
    each[1] = 0
    assert found.std_error == pytest.approx(each.std() / np.sqrt(3), abs=1e-15)
    half = Z * found.std_error
    assert found.lower == pytest.approx(max(value - half, 0))
    assert found.upper == pytest.approx(min(value + half, horizon))
    influence = (each - each.mean()) / 3
    np.testing.assert_allclose(found.influence, influence, atol=1e-15)


def test_incidence_is_read_from_its_own_time_on():
    curves = cumulative_incidence(TIME, CAUSE)
    for j, time in enumerate(curves.time):
        for k, cause in enumerate(curves.causes):
            at = curves.at([np.nextafter(time, 0), time], cause=cause)
            assert at.incidence[1] == curves.incidence[k, j]
            assert at.lower[1] == curves.lower[k, j]
            assert at.upper[1] == curves.upper[k, j]
            assert at.incidence[0] == (curves.incidence[k, j - 1] if j else 0)


@pytest.mark.parametrize(
    "incidence",
    [
        lambda x, t: fit_fine_gray(TIME, CAUSE, x).incidence(x[:1], t)[0],
        lambda x, t: fit_cause_specific(TIME, CAUSE, x).incidence(x[:1], t).incidence[0, 0],
    ],
    ids=["fine_gray", "cause_specific"],
)
def test_predictions_rise_at_the_event_and_end_with_follow_up(incidence):
    x = np.array([[0.0], [1.0], [0.0], [1.0], [1.0], [0.0], [0.5]])
    found = incidence(x, np.array([0, 0.999, 1, 1.999, 2, 3, 4, 4.001]))
    assert found[0] == found[1] == 0
    assert 0 < found[2] == found[3] < found[4] < found[5] == found[6] < 1
    assert np.isnan(found[7])


def test_followed_when_one_fails_and_one_is_censored_at_once():
    time, failed = np.array([1.0, 2.0, 2.0, 3.0]), np.array([True, True, False, False])
    at = np.array([2.0, 2.5, 3.0, 3.001])
    # Of two at risk of being censored at 2 (finegray: the one who fails is gone), or of three.
    found = probability_followed(time, failed, None, at, "finegray")
    np.testing.assert_allclose(found, [1, 1 / 2, 1 / 2, 0])
    found = probability_followed(time, failed, None, at, "crr")
    np.testing.assert_allclose(found, [1, 2 / 3, 2 / 3, 0])
    time, start = np.array([4.0, 4.0, 4.0, 3.0]), np.array([0.0, 0.0, 1.0, 2.0])
    failed = np.ones(4, bool)
    at = np.array([0.5, 1.0, 1.5, 2.0, 2.5])
    # Two enter at 0, a third at 1, a fourth at 2: at 0.5, and just before 1, 2/3 * 3/4 had come.
    found = probability_followed(time, failed, start, at, "finegray")
    np.testing.assert_allclose(found, [1 / 2, 1 / 2, 3 / 4, 3 / 4, 1])


ROWS = make_histories(
    [3, 4, 4, 5], {"ill": [1, 2, np.nan, np.nan], "dead": [3, np.nan, 2, np.nan]}, initial="well"
)


def test_histories_by_hand():
    rows = [ROWS[name].tolist() for name in ("patient", "start", "stop", "state", "to")]
    assert [list(row) for row in zip(*rows, strict=True)] == [
        [0, 0, 1, "well", "ill"],
        [0, 1, 3, "ill", "dead"],
        [1, 0, 2, "well", "ill"],
        [1, 2, 4, "ill", "ill"],
        [2, 0, 2, "well", "dead"],
        [2, 2, 4, "dead", "dead"],
        [3, 0, 5, "well", "well"],
    ]
    # An entry at the end of follow-up is the end of the row; none is left open.
    at_end = make_histories([3], {"ill": [3]})
    assert (at_end["stop"].tolist(), at_end["to"].tolist()) == ([3], ["ill"])
    # Three entries on one day: the one named last, and what comes later.
    several = make_histories([9], {"a": [2], "b": [2], "c": [5]})
    assert several["to"].tolist() == ["b", "c", "c"]
    assert several["stop"].tolist() == [2, 5, 9]


def test_states_by_hand():
    curves = state_probabilities(**ROWS, states=("well", "ill", "dead"))
    assert curves.time.tolist() == [1, 2, 3]
    # At 1 one of four falls ill; at 2 of the three well one falls ill and one dies; at 3 one of the
    # two ill dies.
    expected = [[3 / 4, 1 / 4, 0], [1 / 4, 1 / 2, 1 / 4], [1 / 4, 1 / 4, 1 / 2]]
    np.testing.assert_allclose(curves.probability, expected, atol=1e-15)
    assert curves.n_at_risk.tolist() == [[4, 0, 0], [3, 1, 0], [1, 2, 1]]
    read = curves.at([0, 0.999, 1, 2, 3, 5, 5.001])
    np.testing.assert_allclose(read.probability[:2], [[1, 0, 0]] * 2)
    np.testing.assert_allclose(read.probability[2:6], [*expected, expected[-1]], atol=1e-15)
    assert np.isnan(np.stack(read)[:, 6]).all()
    # Nobody is censored before 4: binomial errors.
    p = np.array(expected)
    np.testing.assert_allclose(read.std_error[2:5] ** 2, p * (1 - p) / 4, atol=1e-15)
    assert (read.lower[read.probability == 0] == 0).all()
    assert (read.upper[read.probability == 0] == 0).all()


@pytest.mark.parametrize(
    ("horizon", "mean"),
    [
        (1, [1, 0, 0]),
        (1.5, [1 + 3 / 8, 1 / 8, 0]),
        (2, [1 + 3 / 4, 1 / 4, 0]),
        (3, [2, 3 / 4, 1 / 4]),
        (5, [2.5, 5 / 4, 5 / 4]),
    ],
)
def test_time_in_states_by_hand(horizon, mean):
    curves = state_probabilities(**ROWS, states=("well", "ill", "dead"))
    found = curves.restricted_mean(horizon)
    np.testing.assert_allclose(found.mean, mean, atol=1e-14)
    assert found.mean.sum() == pytest.approx(horizon)
    assert (found.lower <= found.mean).all()
    assert (found.mean <= found.upper).all()
    assert (found.lower >= 0).all()
    assert (found.upper <= horizon).all()
    if horizon == 3:
        # Times of the four: well 1, 2, 2, 3; ill 2, 1, 0, 0; dead 0, 0, 1, 0.
        each = np.array([[1, 2, 2, 3], [2, 1, 0, 0], [0, 0, 1, 0]], float)
        np.testing.assert_allclose(found.std_error, each.std(axis=1) / 2, rtol=1e-12)


def test_who_moves_at_a_landmark_is_in_the_new_state_and_who_ends_there_is_gone():
    at = {"states": ("well", "ill", "dead"), "landmark": 2}
    well = landmark_state_probabilities(**ROWS | {"to": _late_death(ROWS)}, of="well", **at)
    assert well.n_at_risk[0].tolist() == [1, 0, 0]  # only the fourth: two moved at 2
    ill = landmark_state_probabilities(**ROWS, of="ill", **at)
    assert (ill.start_time, ill.time.tolist()) == (2, [3])
    np.testing.assert_allclose(ill.probability, [[0, 1 / 2, 1 / 2]])
    # Row 1 of the first patient ends at 3: at landmark 3 nobody of them is ill any more.
    everybody = landmark_state_probabilities(**ROWS, states=at["states"], landmark=1)
    np.testing.assert_allclose(everybody.initial, [3 / 4, 1 / 4, 0])


def _late_death(rows):
    """The fourth patient dies at the end, so that there is a move among the well."""
    return np.where(rows["patient"] == 3, "dead", rows["to"])


def test_rows_that_touch_do_not_overlap():
    touching = check_histories([1, 1], [0, 3], [3, 5], ["a", "b"], ["b", "b"])
    assert touching.n_patients == 1
    apart = check_histories([1, 1], [0, 4], [3, 5], ["a", "b"], ["b", "b"])
    assert apart.start.tolist() == [0, 4]
    assert apart.moves.tolist() == [True, False]


def test_order_of_rows_and_unit_of_time_change_nothing():
    rng = np.random.default_rng(3)
    time = np.ceil(rng.exponential(9, 60))
    cause = rng.integers(0, 3, 60)
    group = rng.choice(list("ab"), 60)
    order = rng.permutation(60)
    one = incidence_contrast(time, cause, group, 6)
    for factor, rows in ((1.0, order), (30.4375, np.arange(60))):
        other = incidence_contrast(time[rows] * factor, cause[rows], group[rows], 6 * factor)
        for a, b in zip(one.value, other.value, strict=True):
            assert b.value == pytest.approx(a.value, rel=1e-12)
            assert b.std_error == pytest.approx(a.std_error, rel=1e-12)
        tests = [
            gray_test(time, cause, group),
            gray_test(time[rows] * factor, cause[rows], group[rows]),
        ]
        assert tests[1].statistic == pytest.approx(tests[0].statistic, rel=1e-10)
        lost = [
            time_lost(time, cause, 6), time_lost(time[rows] * factor, cause[rows], 6 * factor)
        ]  # fmt: skip
        assert lost[1].value == pytest.approx(factor * lost[0].value, rel=1e-12)
        assert lost[1].std_error == pytest.approx(factor * lost[0].std_error, rel=1e-12)
