"""What a Cox model refuses, and that nothing but a clear refusal escapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allsurv.errors import ModelError, MonotoneError, OutcomeError
from allsurv.stats.cox import firth
from allsurv.stats.cox.design import check_cox_data
from allsurv.stats.cox.fit import fit_cox, fit_cox_many
from allsurv.stats.cox.likelihood import PartialLikelihood

TIME, EVENT = [1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 0]
X = [[0.3, 1], [1.1, 0], [-0.4, 1], [0.2, 0], [-1.0, 1], [0.9, 0]]


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"time": [1, 2]}, OutcomeError, "2 times but 6 events"),
        ({"time": [[1, 2, 3, 4, 5, 6]]}, OutcomeError, "2 dimensions"),
        ({"time": [1, 2, 3, 4, 5, np.nan]}, OutcomeError, r"1 row \(6\) .*missing or infinite"),
        ({"time": [1, 2, 3, 4, 5, np.inf]}, OutcomeError, "missing or infinite"),
        ({"time": [0, 2, 3, 4, 5, 6]}, OutcomeError, "zero or less"),
        ({"time": [-1, 2, 3, 4, 5, 6]}, OutcomeError, "zero or less"),
        ({"time": ["a", "b", "c", "d", "e", "f"]}, OutcomeError, "not numeric"),
        ({"event": [1, 1, 0, 2, 1, 0]}, OutcomeError, "other than 0 and 1"),
        ({"event": [0] * 6}, OutcomeError, "no events"),
        ({"start": [0, 2, 1, 1, 1, 1]}, OutcomeError, "start at or after their end"),
        ({"start": [0, 1]}, OutcomeError, "2 entry times for 6 rows"),
        ({"start": [0, 1, 1, 1, 5 - 1e-12, 1]}, OutcomeError, "differ by rounding only"),
        ({"weights": [1, 1, 1, 1, 1, -1]}, OutcomeError, "negative or all zero"),
        ({"weights": [0] * 6}, OutcomeError, "negative or all zero"),
        ({"weights": [0, 0, 1, 0, 0, 1]}, OutcomeError, "no events"),
        ({"X": X[:5]}, ModelError, "5 rows but there are 6 times"),
        ({"X": [1, 2, 3, 4, 5, 6]}, ModelError, "1 dimensions"),
        ({"X": [*X[:5], [np.nan, 1]]}, ModelError, r"missing or infinite values in 1 rows \(6\)"),
        ({"X": [["a", "b"]] * 6}, ModelError, "not numeric"),
        ({"X": np.random.default_rng(0).normal(size=(6, 5))}, ModelError, "5 columns but 4 events"),
        ({"names": ["age"]}, ModelError, "1 names for 2 columns"),
        ({"names": ["age", "age"]}, ModelError, "all different"),
        ({"names": 5}, ModelError, "not a list of names"),
        ({"level": "high"}, OutcomeError, "between 0 and 1"),
        ({"ties": ["efron"]}, ModelError, "allowed are 'efron' and 'breslow'"),
        ({"ties": "exact"}, ModelError, "allowed are 'efron' and 'breslow'"),
        ({"level": 95}, OutcomeError, "between 0 and 1"),
        ({"ridge": -1}, ModelError, "negative"),
        ({"ridge": [1, 2, 3]}, ModelError, "ridge is not one finite number per column"),
        ({"init": [0]}, ModelError, "init is not one finite number per column"),
        ({"offset": [0, 1]}, ModelError, "one finite number per row"),
        ({"strata": ["a", "b"]}, OutcomeError, r"strata has shape \(2,\)"),
        ({"strata": [1, 2, 1, 2, 1, np.nan]}, OutcomeError, "missing labels"),
        ({"strata": ["a", None, 1, "b", "a", "b"]}, OutcomeError, "missing labels"),
        (
            {"strata": np.array(["a", 2, 1, "b", "a", "b"], dtype=object)},
            OutcomeError,
            "all numbers or all strings",
        ),
        ({"cluster": [1, 2]}, OutcomeError, "cluster has shape"),
        ({"firth": True, "ridge": 1.0}, ModelError, "neither ridge nor cluster"),
        ({"firth": True, "cluster": [1, 1, 2, 2, 3, 3]}, ModelError, "neither ridge nor cluster"),
        ({"X": [[1e300, 1], *X[1:]]}, ModelError, "too large to compute with"),
        ({"X": np.array(X) * 1e-5, "ridge": 1e305}, ModelError, "ridge is too large to compute"),
        ({"ridge": "large"}, ModelError, "ridge is not numeric"),
        ({"offset": ["a"] * 6}, ModelError, "offset is not numeric"),
        ({"init": [1e300, 0]}, ModelError, "cannot be computed at the first coefficients"),
        ({"offset": [1e308, 0, 0, 0, 0, -1e308]}, ModelError, "at the first coefficients"),
        ({"weights": [1, 1]}, OutcomeError, "2 weights for 6 rows"),
        ({"time": [10**400, 2, 3, 4, 5, 6]}, OutcomeError, "time is not numeric"),
    ],
)
def test_one_clear_refusal_each(changed, error, message):
    arguments = {"time": TIME, "event": EVENT, "X": X} | changed
    with pytest.raises(error, match=message):
        fit_cox(**arguments)


class TestNamedColumns:
    rng = np.random.default_rng(7)
    n = 80
    time = rng.exponential(size=n) + 0.1
    event = rng.random(n) < 0.7
    age = rng.normal(60, 10, n)
    sex = (rng.random(n) < 0.5).astype(float)

    def fit(self, **columns):
        return fit_cox(
            self.time, self.event, np.column_stack(list(columns.values())), names=list(columns)
        )

    def test_a_linear_combination_names_its_parts(self):
        with pytest.raises(ModelError, match="'sum' is determined by 'age', 'sex' among"):
            self.fit(age=self.age, sex=self.sex, sum=2 * self.age - 3 * self.sex + 7)

    def test_a_constant_is_named(self):
        with pytest.raises(ModelError, match="'one' does not vary"):
            self.fit(age=self.age, one=np.full(self.n, 3.7))

    def test_a_column_constant_within_strata_is_named(self):
        stratum = self.sex.astype(int)
        with pytest.raises(ModelError, match="'sex' does not vary"):
            fit_cox(
                self.time,
                self.event,
                np.column_stack([self.age, self.sex]),
                strata=stratum,
                names=["age", "sex"],
            )

    def test_nearly_collinear_columns_are_fitted(self):
        fit = self.fit(age=self.age, squared=self.age**2)
        shifted = self.fit(age=self.age, squared=(self.age - 60) ** 2)
        assert fit.loglik == pytest.approx(shifted.loglik, rel=1e-10)

    def test_a_group_without_events_is_named_with_its_size(self):
        cns = np.zeros(self.n)
        cns[np.flatnonzero(~self.event)[:11]] = 1
        with pytest.raises(ModelError, match="'cns' has no event among its 11 rows"):
            self.fit(age=self.age, cns=cns)

    def test_a_level_whose_reference_has_no_event_is_named(self):
        seen = np.ones(self.n)
        seen[np.flatnonzero(~self.event)[:5]] = 0
        with pytest.raises(ModelError, match="'seen' at 0 has no event among its 5 rows"):
            self.fit(age=self.age, seen=seen)

    def test_the_last_survivors_make_it_monotone(self):
        late = (self.time > np.sort(self.time[self.event])[-1]).astype(float)
        late[np.argmax(self.time)] = 1.0
        event = self.event.copy()
        event[late == 1] = False
        with pytest.raises(ModelError, match="'late'"):
            fit_cox(self.time, event, np.column_stack([self.age, late]), names=["age", "late"])

    def test_a_perfect_order_is_monotone(self):
        with pytest.raises(ModelError, match="rises without bound along 'minus'"):
            self.fit(minus=-self.time)

    @pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
    def test_the_unit_of_a_column_changes_no_refusal(self, size):
        cns = np.zeros(self.n)
        cns[np.flatnonzero(~self.event)[:3]] = size
        with pytest.raises(ModelError, match="'cns' has no event among its 3 rows"):
            self.fit(age=self.age * size, cns=cns)

    def test_strong_effects_that_exist_are_not_refused(self):
        # Half of the patients have one event among them, of about thirty in all.
        protected = np.arange(self.n) % 2
        event = self.event & (protected == 0)
        event[np.flatnonzero(protected)[np.argmin(self.time[protected == 1])]] = True
        fit = fit_cox(self.time, event, protected[:, None])
        assert -5 < fit.coef[0] < -2
        assert 0 < fit.upper[0] < 1


class TestMany:
    def test_shape_and_values_of_weights(self):
        for weights, message in (
            ([1] * 6, "one row per set"),
            ([[1] * 5], "one row per set"),
            ([[1, 1, 1, 1, 1, -1]], "negative or not finite"),
            ([[1, 1, 1, 1, 1, np.nan]], "negative or not finite"),
            ([["a"] * 6], "not numeric"),
        ):
            with pytest.raises(OutcomeError, match=message):
                fit_cox_many(TIME, EVENT, X, weights)
        with pytest.raises(OutcomeError, match="whole numbers"):
            fit_cox_many(TIME, EVENT, X, [[0.5] * 6], weights_as="copies")
        for options, message in (
            ({"ridge": [1, 2, 3]}, "ridge has shape"),
            ({"ridge": -1}, "negative"),
            ({"ties": "exact"}, "allowed are"),
            ({"weights_as": "x"}, "allowed are"),
            ({"init": [0]}, "init is not"),
        ):
            with pytest.raises(ModelError, match=message):
                fit_cox_many(TIME, EVENT, X, [[1] * 6], **options)

    def test_a_set_without_estimate_stops_nothing(self):
        sets = [[1] * 6, [0, 0, 1, 0, 0, 1], [1, 0, 1, 0, 0, 1], [0] * 6]
        fits = fit_cox_many(TIME, EVENT, X, sets)
        assert fits.converged.tolist() == [True, False, False, False]
        assert fits.coef[0] == pytest.approx(fit_cox(TIME, EVENT, X).coef, rel=1e-10)
        assert np.isnan(fits.coef[1:]).all()
        assert fits.reason[1] == fits.reason[3] == "no events"
        assert np.isnan(fits.linear_predictors[1:]).all()

    def test_ridge_per_set_and_per_column(self):
        sets = np.ones((3, 6))
        fits = fit_cox_many(TIME, EVENT, X, sets, ridge=[0.0, 1.0, 5.0])
        for b, ridge in enumerate([0.0, 1.0, 5.0]):
            assert fits.coef[b] == pytest.approx(
                fit_cox(TIME, EVENT, X, ridge=ridge).coef, rel=1e-10
            )
        fits = fit_cox_many(TIME, EVENT, X, sets, ridge=[[0, 2.0]] * 3)
        assert fits.coef[2] == pytest.approx(
            fit_cox(TIME, EVENT, X, ridge=[0, 2.0]).coef, rel=1e-10
        )


numbers = st.one_of(
    st.integers(-2, 6),
    st.floats(-3, 3, width=16),
    st.sampled_from([0.0, 1.0, 1e-300, 1e-8, 1e8, 1e154, 1e300, -1e300, 1e308]),
    st.sampled_from([np.nan, np.inf, -np.inf]),
)
tame = st.one_of(st.integers(1, 6), st.floats(0.125, 8, width=16))
labels = st.sampled_from([0, 1, 2, "a", "b", None, 1.5, np.nan])


def vectors(n, elements):
    return st.lists(elements, min_size=n, max_size=n)


@st.composite
def arguments(draw):
    """Mostly well-formed, with values and options from the far ends of what is possible."""
    n, p = draw(st.one_of(st.integers(0, 5), st.integers(6, 14))), draw(st.integers(0, 3))
    hostile = draw(st.sampled_from(["none", "none", "time", "X", "weights", "shape"]))
    values = numbers if hostile == "X" else st.floats(-3, 3, width=16)
    out = {
        "time": draw(vectors(n, numbers if hostile == "time" else tame)),
        "event": draw(vectors(n, st.booleans())),
        "X": np.array(draw(vectors(n, vectors(p, values))), dtype=float).reshape(n, p),
    }
    if hostile == "shape":
        out["X"] = draw(st.sampled_from([1.0, "x", None, [], [[]], [[1], [2, 3]], [["a"]], {}]))
        out["event"] = draw(st.sampled_from([out["event"], 1, None, [[True]], ["yes"], [0, 2]]))
    if draw(st.booleans()):
        out["start"] = draw(vectors(n, st.one_of(st.just(0), st.floats(0, 2, width=16))))
    if hostile == "weights" or draw(st.booleans()):
        out["weights"] = draw(vectors(n, numbers if hostile == "weights" else tame))
    if draw(st.booleans()):
        out["strata"] = draw(vectors(n, draw(st.sampled_from([st.integers(0, 2), labels]))))
    if draw(st.booleans()):
        out["offset"] = draw(vectors(n, draw(st.sampled_from([st.floats(-2, 2), numbers]))))
    out["ties"] = draw(st.sampled_from(["efron", "breslow"] * 4 + ["exact", None]))
    return out


RELAXED = settings(
    max_examples=450, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


def attempt(call):
    """Value of a call, or None if it is refused with one readable message."""
    try:
        return call()
    except (OutcomeError, ModelError) as refusal:
        message = str(refusal)
    assert 20 < len(message) < 500
    return None


@RELAXED
@given(arguments(), st.sampled_from([0.0, 0.0, 1e-12, 1.0, 1e300]), st.booleans())
def test_nothing_else_escapes_a_fit_nor_what_is_asked_of_it(arguments, ridge, cluster):
    pairs_of = np.arange(len(arguments["time"])) // 2
    pairs = pairs_of if cluster else None
    fit = attempt(lambda: fit_cox(**arguments, ridge=ridge, cluster=pairs))
    if fit is None:
        return
    assert np.isfinite(fit.coef).all()
    assert np.isfinite(fit.loglik)
    assert np.isfinite(fit.std_error).all()
    strata = arguments.get("strata")
    attempt(fit.baseline)
    attempt(lambda: fit.survival(arguments["X"], [0.5, 2.0, 100.0], strata))
    attempt(fit.proportional_hazards_test)
    for kind in ("dfbeta", "scaled-schoenfeld"):
        assert np.isfinite(fit.residuals(kind)).all()
    weighted = np.asarray(arguments.get("weights", np.ones(pairs_of.size)), dtype=float) > 0
    assert (np.isnan(fit.residuals("deviance")) != weighted).all()


@RELAXED
@given(arguments(), st.data())
def test_nothing_else_escapes_many_fits(arguments, data):
    n = len(arguments["time"])
    arguments.pop("weights", None)
    weights = data.draw(st.sampled_from([st.integers(0, 3), st.floats(0, 4, width=16), numbers]))
    sets = data.draw(st.lists(vectors(n, weights), min_size=1, max_size=4))
    weights_as = data.draw(st.sampled_from(["case", "copies"]))
    fits = attempt(lambda: fit_cox_many(weights=sets, weights_as=weights_as, **arguments))
    if fits is None:
        return
    assert np.isfinite(fits.coef[fits.converged]).all()
    assert all(bool(reason) != ok for reason, ok in zip(fits.reason, fits.converged, strict=True))


@settings(RELAXED, max_examples=150)
@given(arguments())
def test_nothing_else_escapes_firth(arguments):
    fit = attempt(lambda: fit_cox(**arguments, firth=True))
    assert fit is None or np.isfinite(fit.coef).all()


def test_a_monotone_likelihood_is_an_error_of_its_own():
    """x = 1 in the one who fails first, at every event: the estimate is infinite."""
    with pytest.raises(MonotoneError, match="no finite estimate"):
        fit_cox([1, 2, 3], [1, 0, 0], [[1], [0], [0]])
    with pytest.raises(ModelError) as collinear:
        fit_cox(TIME, EVENT, np.column_stack([np.array(X)[:, 0], np.array(X)[:, 0]]))
    assert not isinstance(collinear.value, MonotoneError)


def test_messages_name_the_function_that_was_called():
    weights = np.ones((1, 6))
    with pytest.raises(ModelError, match=r"fit_cox_many: columns .* too large to compute with"):
        fit_cox_many(TIME, EVENT, [[1e300, 1], *X[1:]], weights)
    tiny = np.array(X, dtype=float) * 1e-150
    with pytest.raises(ModelError, match="fit_cox_many: ridge is too large"):
        fit_cox_many(TIME, EVENT, tiny, weights, ridge=1e20)


def test_the_penalty_of_many_fits_is_numeric():
    with pytest.raises(ModelError, match="fit_cox_many: ridge is not numeric"):
        fit_cox_many(TIME, EVENT, X, np.ones((2, 6)), ridge="large")


def test_a_logarithm_of_time_needs_times_above_zero():
    time = np.array(TIME) - 3.0
    fit = fit_cox(time, EVENT, X, start=time - 1, ridge=1.0)
    with pytest.raises(ModelError, match="transform='log' needs positive times"):
        fit.proportional_hazards_test(transform="log")


def test_firths_likelihood_is_refused_where_it_is_not_defined_or_does_not_come_to_rest(monkeypatch):
    collinear = np.column_stack([np.arange(6.0), np.arange(6.0)])
    likelihood = PartialLikelihood(check_cox_data(TIME, EVENT, collinear, where="fit_cox"), "efron")
    with pytest.raises(ModelError, match="information is singular; remove columns"):
        firth.maximise_firth(likelihood, np.zeros(2))
    monkeypatch.setattr(firth, "_MAX_ITERATIONS", 1)
    with pytest.raises(ModelError, match="did not come to rest in 1 steps"):
        fit_cox(TIME, EVENT, X, firth=True)
