"""What must hold of any Cox fit, whatever the data."""

from __future__ import annotations

import numpy as np
import pytest
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from allsurv.errors import ModelError
from allsurv.stats.cox import batch as cox_batch
from allsurv.stats.cox.fit import fit_cox, fit_cox_many


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(11)
    n = 120
    X = np.column_stack([rng.random(n) < 0.4, rng.normal(size=n), rng.normal(60, 10, n)])
    time = np.ceil(rng.exponential(12, n) * np.exp(-0.5 * X[:, 0])) + 1
    return {
        "time": time,
        "event": rng.random(n) < 0.7,
        "X": X.astype(float),
        "start": np.floor(time * rng.random(n) * 0.6),
        "weights": rng.integers(1, 4, n).astype(float),
        "strata": np.array(["low", "high"])[rng.integers(0, 2, n)],
        "offset": rng.normal(size=n) / 3,
    }


def same(one, other, rel=1e-8):
    assert one.coef == pytest.approx(other.coef, rel=rel)
    assert one.covariance == pytest.approx(other.covariance, rel=rel, abs=1e-14)
    assert one.loglik == pytest.approx(other.loglik, rel=rel)


class TestWhatDoesNotMatter:
    def test_order_of_rows(self, data):
        order = np.random.default_rng(0).permutation(120)
        shuffled = {name: values[order] for name, values in data.items()}
        one, other = fit_cox(**data), fit_cox(**shuffled)
        same(one, other)
        martingale = one.residuals("martingale")[order]
        assert other.residuals("martingale") == pytest.approx(martingale, abs=1e-9)
        assert other.residuals("score") == pytest.approx(one.residuals("score")[order], abs=1e-7)

    def test_unit_of_time(self, data):
        # 0.1 + 0.2 is not 0.3 in binary: ties must survive a change of unit.
        months = data | {"time": data["time"] / 30.4375, "start": data["start"] / 30.4375}
        months["time"] = months["time"] * (1 + 1e-15 * np.arange(120))
        same(fit_cox(**data), fit_cox(**months))

    @pytest.mark.parametrize(("shift", "unit"), [(1e5, 1.0), (0.0, 1e-6), (-3.0, 1e6)])
    def test_origin_and_unit_of_covariates(self, data, shift, unit):
        moved = fit_cox(**(data | {"X": data["X"] * unit + shift}))
        fit = fit_cox(**data)
        assert moved.coef * unit == pytest.approx(fit.coef, rel=1e-6)
        assert moved.z == pytest.approx(fit.z, rel=1e-6)
        assert moved.survival(data["X"][:5] * unit + shift, [5, 20], data["strata"][:5]).lower == (
            pytest.approx(fit.survival(data["X"][:5], [5, 20], data["strata"][:5]).lower, rel=1e-6)
        )

    def test_splitting_rows(self, data):
        # (start, stop] cut in two at a time inside: the same person, the same risk sets.
        cut = (data["start"] + data["time"]) / 2
        twice = {
            name: np.concatenate([values, values])
            for name, values in data.items()
            if name not in ("start", "time", "event")
        }
        twice["start"] = np.concatenate([data["start"], cut])
        twice["time"] = np.concatenate([cut, data["time"]])
        twice["event"] = np.concatenate([np.zeros(120, dtype=bool), data["event"]])
        one, other = fit_cox(**data), fit_cox(**twice)
        same(one, other)
        assert other.baseline().n_at_risk == pytest.approx(one.baseline().n_at_risk)
        halves = other.residuals("martingale").reshape(2, 120).sum(axis=0)
        assert halves == pytest.approx(one.residuals("martingale"), abs=1e-9)

    def test_rows_of_weight_zero(self, data):
        weights = data["weights"].copy()
        weights[::5] = 0
        kept = weights > 0
        dropped = {name: values[kept] for name, values in (data | {"weights": weights}).items()}
        one, other = fit_cox(**(data | {"weights": weights})), fit_cox(**dropped)
        same(one, other)
        assert (one.n, one.n_events) == (other.n, other.n_events)
        assert np.isnan(one.residuals("martingale")[~kept]).all()
        assert one.residuals("deviance")[kept] == pytest.approx(other.residuals("deviance"))

    def test_init(self, data):
        same(fit_cox(**data), fit_cox(**data, init=[0.5, -0.2, 0.01]), rel=1e-6)

    def test_a_stratum_without_events_and_a_lone_cluster_each(self, data):
        event = data["event"] & (data["strata"] == "low")
        low = data["strata"] == "low"
        alone = {name: values[low] for name, values in (data | {"event": event}).items()}
        alone.pop("strata")
        same(fit_cox(**(data | {"event": event})), fit_cox(**alone))


class TestMoments:
    def test_score_residuals_sum_to_zero_and_martingale_residuals_too(self, data):
        fit = fit_cox(**data)
        weights = data["weights"]
        assert weights @ fit.residuals("martingale") == pytest.approx(0, abs=1e-9)
        score = weights @ fit.residuals("score") * fit.std_error
        assert score == pytest.approx(np.zeros(3), abs=1e-6)
        schoenfeld = fit.residuals("schoenfeld")
        assert schoenfeld.shape == (fit.n_events, 3)

    def test_each_row_its_own_cluster_is_the_sandwich_of_rows(self, data):
        fit = fit_cox(**data, cluster=np.arange(120))
        dfbeta = fit.residuals("dfbeta")
        assert fit.robust_covariance == pytest.approx(dfbeta.T @ dfbeta, rel=1e-12)
        assert fit.wald_test.statistic == pytest.approx(
            fit.coef @ np.linalg.solve(fit.robust_covariance, fit.coef), rel=1e-9
        )

    def test_fewer_clusters_than_columns_bear_fewer_degrees_of_freedom(self, data):
        fit = fit_cox(**data, cluster=np.arange(120) % 2)
        assert fit.wald_test.df < 3

    def test_dfbeta_is_nearly_what_leaving_a_row_out_changes(self, data):
        fit = fit_cox(data["time"], data["event"], data["X"])
        rows = np.arange(0, 120, 10)
        sets = np.ones((rows.size, 120))
        sets[np.arange(rows.size), rows] = 0
        left_out = fit_cox_many(data["time"], data["event"], data["X"], sets).coef
        change = (fit.coef - left_out) / fit.std_error
        assert change == pytest.approx(fit.residuals("dfbeta")[rows] / fit.std_error, abs=0.03)

    def test_a_ridge_shrinks_to_nothing_and_its_degrees_of_freedom_too(self, data):
        plain = fit_cox(data["time"], data["event"], data["X"])
        fits = [fit_cox(data["time"], data["event"], data["X"], ridge=r) for r in (1, 1e3, 1e9)]
        norms = [np.abs(fit.coef).sum() for fit in (plain, *fits)]
        assert norms == sorted(norms, reverse=True)
        df = [fit.lr_test.df for fit in (plain, *fits)]
        assert df[0] == 3
        assert df == sorted(df, reverse=True)
        assert df[-1] < 1e-3


class TestLargeData:
    """More rows than one chunk holds, and none of the short cuts of small data."""

    rng = np.random.default_rng(3)
    n = 5000
    X = rng.normal(size=(n, 4))
    time = np.ceil(rng.exponential(300, n) * np.exp(-X[:, 0] / 2))
    event = rng.random(n) < 0.6

    def test_equals_scikit_survival(self, record_difference):
        for ties in ("efron", "breslow"):
            ours = fit_cox(self.time, self.event, self.X, ties=ties)
            model = CoxPHSurvivalAnalysis(ties=ties, tol=1e-12)
            theirs = model.fit(self.X, Surv.from_arrays(self.event, self.time)).coef_
            gap = float(np.abs((ours.coef - theirs) / ours.std_error).max())
            assert gap < 1e-6

    def test_batches_without_products(self, monkeypatch):
        sets = np.ones((2, self.n))
        sets[1, ::2] = 3
        with_products = fit_cox_many(self.time, self.event, self.X, sets)
        monkeypatch.setattr(cox_batch, "_LARGEST_PRODUCTS", 0)
        without = fit_cox_many(self.time, self.event, self.X, sets)
        assert without.coef == pytest.approx(with_products.coef, rel=1e-10)
        one = fit_cox(self.time, self.event, self.X, weights=sets[1])
        assert without.coef[1] == pytest.approx(one.coef, rel=1e-10)

    def test_many_small_strata_equal_a_conditional_logistic_likelihood(self):
        # Pairs (event at 1, control at risk): log-likelihood -sum log(1 + exp(-d b)).
        d = self.X[:1000, 0] + 0.5
        X = np.concatenate([d, np.zeros(1000)])[:, None]
        fit = fit_cox(
            np.ones(2000),
            np.arange(2000) < 1000,
            X,
            strata=np.tile(np.arange(1000), 2),
        )
        p = 1 / (1 + np.exp(-d * fit.coef[0]))
        assert fit.loglik == pytest.approx(np.log(p).sum(), rel=1e-12)
        assert d @ (1 - p) == pytest.approx(0, abs=1e-5)
        assert fit.std_error[0] == pytest.approx((d**2 @ (p * (1 - p))) ** -0.5, rel=1e-6)


class TestSurvival:
    def test_missing_beyond_the_follow_up_of_the_stratum_and_one_before_the_first_event(self, data):
        fit = fit_cox(**data)
        last = {s: data["time"][data["strata"] == s].max() for s in ("low", "high")}
        for stratum, end in last.items():
            got = fit.survival(data["X"][:1], [0, 0.5, end, end + 0.01], [stratum])
            assert got.survival[0, :2].tolist() == [1, 1]
            assert got.lower[0, :2].tolist() == got.upper[0, :2].tolist() == [1, 1]
            assert 0 < got.lower[0, 2] < got.survival[0, 2] < got.upper[0, 2] < 1
            assert np.isnan([got.survival[0, 3], got.lower[0, 3], got.std_error[0, 3]]).all()

    def test_extreme_covariates_give_survival_of_zero_and_one(self, data):
        fit = fit_cox(data["time"], data["event"], data["X"])
        with_sign = np.sign(fit.coef) * 1e6
        got = fit.survival([with_sign, -with_sign], [0, 10]).survival
        assert got.tolist() == [[1, 0], [1, 1]]

    def test_no_covariates_is_nelson_and_aalen(self, data):
        fit = fit_cox(data["time"], data["event"], np.empty((120, 0)), ties="breslow")
        baseline = fit.baseline()
        assert baseline.hazard == pytest.approx(baseline.n_events / baseline.n_at_risk)
        assert fit.loglik == fit.loglik_null
        assert np.isnan(fit.lr_test.p_value)

    @pytest.mark.parametrize(
        ("ask", "message"),
        [
            (lambda fit, X: fit.survival(X[:, :2], [1], ["low"] * 120), "X has 2 columns"),
            (lambda fit, X: fit.survival(X, [np.nan], ["low"] * 120), "finite numbers"),
            (lambda fit, X: fit.survival(X, ["soon"], ["low"] * 120), "not numeric"),
            (lambda fit, X: fit.survival(X, [1]), "the model is stratified"),
            (lambda fit, X: fit.survival(X, [1], ["low"]), "one stratum per patient"),
            (lambda fit, X: fit.survival(X, [1], ["none"] * 120), "not seen in the fit"),
            (lambda fit, X: fit.survival_path(X[:2], [0, 3], [2, 5], stratum="low"), "follow"),
            (
                lambda fit, X: fit.survival_path(X[:2], [0], [2], stratum="low"),
                "1 starts and 1 stops",
            ),
            (lambda fit, X: fit.survival_path(X[:1], [0], [2]), "the model is stratified"),
            (lambda fit, X: fit.residuals("pearson"), "allowed are"),
            (lambda fit, X: fit.proportional_hazards_test("sqrt"), "allowed are"),
            (
                lambda fit, X: fit.proportional_hazards_test(terms={"a": ["b"]}),
                r"terms name \['b'\]",
            ),
            (lambda fit, X: fit.linear_predictor([[1, 2]]), "X has 2 columns"),
        ],
    )
    def test_refusals(self, data, ask, message):
        with pytest.raises(ModelError, match=message):
            ask(fit_cox(**data), data["X"])

    def test_strata_asked_of_a_model_without(self, data):
        fit = fit_cox(data["time"], data["event"], data["X"])
        with pytest.raises(ModelError, match="has no strata"):
            fit.survival(data["X"], [1], data["strata"])

    @pytest.mark.parametrize("side", [-1, 1])
    def test_a_baseline_too_far_from_the_data_is_refused(self, data, side):
        X = data["X"].copy()
        X[:, 0] += side * 1e5
        fit = fit_cox(data["time"], data["event"], X)
        with pytest.raises(ModelError, match="centre the covariates"):
            fit.baseline()
        near = fit_cox(data["time"], data["event"], data["X"]).survival(data["X"][:3], [5, 9])
        assert fit.survival(X[:3], [5, 9]).survival == pytest.approx(near.survival, rel=1e-9)

    def test_a_small_ridge_finds_a_distant_maximum(self, data):
        # Separated: without ridge the coefficient would be infinite.
        never = (~data["event"] & (np.arange(120) % 3 == 0)).astype(float)
        X = np.column_stack([data["X"], never])
        with pytest.raises(ModelError, match="'x3' has no event"):
            fit_cox(data["time"], data["event"], X)
        fits = [fit_cox(data["time"], data["event"], X, ridge=r).coef[3] for r in (1, 1e-3, 1e-6)]
        assert fits == sorted(fits, reverse=True)
        assert -20 < fits[-1] < fits[0] < 0
