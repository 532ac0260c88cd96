"""Cox models on small random designs equal those of R (tests/reference/cox.R)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from allsurv.errors import ModelError
from allsurv.stats.cox import likelihood as cox_likelihood
from allsurv.stats.cox.fit import fit_cox, fit_cox_many

R = json.loads((Path(__file__).parents[2] / "reference" / "cox.json").read_text())
DESIGNS = R["designs"]
DETAILED = [k for k, design in enumerate(DESIGNS) if "details" in design]
KINDS = {"scaledsch": "scaled-schoenfeld"} | {
    kind: kind for kind in ("martingale", "deviance", "schoenfeld", "score", "dfbeta")
}
OPTIONS = ("start", "weights", "strata", "cluster", "offset")


def fit(data, **more):
    options = {name: data[name] for name in OPTIONS if name in data}
    return fit_cox(data["time"], data["event"], data["x"], ties=data["ties"], **options, **more)


def difference(ours, theirs, scale=None):
    """Largest difference relative to the largest value of each array, or to ``scale``."""
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    assert ours.shape == theirs.shape
    size = np.abs(theirs).max(initial=0.0) if scale is None else scale
    return float((np.abs(ours - theirs) / np.maximum(size, 1e-300)).max(initial=0.0))


def test_there_are_enough_designs_of_every_kind():
    assert len(DESIGNS) >= 200
    for option in OPTIONS:
        assert sum(option in design["data"] for design in DESIGNS) >= 20
    tied = [
        len(times) > len(set(times))
        for d in DESIGNS
        for times in [[t for t, e in zip(d["data"]["time"], d["data"]["event"], strict=True) if e]]
    ]
    assert sum(tied) > 100


@pytest.mark.parametrize("most_cells", [0, cox_likelihood.MOST_CELLS], ids=["sorted", "dense"])
def test_coefficients_errors_and_tests(record_difference, monkeypatch, most_cells):
    monkeypatch.setattr(cox_likelihood, "MOST_CELLS", most_cells)
    worst = {"coef": 0.0, "se": 0.0, "loglik": 0.0, "robust": 0.0}
    for design in DESIGNS:
        expected, ours = design["fit"], fit(design["data"])
        error = np.sqrt(np.diag(np.atleast_2d(expected["var"])))
        worst["coef"] = max(
            worst["coef"], difference(ours.coef / error, expected["coef"] / error, 1)
        )
        worst["se"] = max(worst["se"], difference(ours.covariance, np.atleast_2d(expected["var"])))
        logliks = [ours.loglik_null, ours.loglik]
        worst["loglik"] = max(worst["loglik"], difference(logliks, expected["loglik"]))
        tests = [ours.score_test.statistic, ours.wald_test.statistic]
        assert tests == pytest.approx([expected["score"], expected["wald"]], rel=1e-7)
        assert (ours.n, ours.n_events) == (expected["n"], expected["nevent"])
        assert ours.n_iterations == expected["iter"]
        if "cluster" in design["data"]:
            robust = np.atleast_2d(expected["robust_var"])
            worst["robust"] = max(worst["robust"], difference(ours.robust_covariance, robust))
            assert ours.std_error == pytest.approx(np.sqrt(np.diag(robust)), rel=1e-7)
        else:
            assert ours.robust_covariance is None
    assert max(worst.values()) < 1e-8
    record_difference("fit_cox", "survival::coxph", max(worst.values()))


@pytest.mark.parametrize("kind", list(KINDS))
def test_residuals(kind, record_difference):
    worst = 0.0
    for k in DETAILED:
        ours = fit(DESIGNS[k]["data"]).residuals(KINDS[kind])
        expected = np.atleast_2d(DESIGNS[k]["details"][kind])
        worst = max(worst, difference(ours.reshape(expected.shape), expected))
    assert worst < 1e-7
    record_difference(f"CoxFit.residuals('{KINDS[kind]}')", "survival::residuals.coxph", worst)


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
def test_proportional_hazards(transform, record_difference):
    worst, seen = 0.0, 0
    for k in DETAILED:
        table = DESIGNS[k]["details"]["zph"][transform]
        if table is None:
            continue
        seen += 1
        ours = fit(DESIGNS[k]["data"]).proportional_hazards_test(transform)
        rows = np.column_stack([ours.statistic, ours.df, ours.p_value])
        overall = ours.global_test
        rows = np.vstack([rows, [overall.statistic, overall.df, overall.p_value]])
        worst = max(worst, difference(rows[:, 0], np.array(table)[:, 0]))
        assert rows == pytest.approx(np.array(table), rel=1e-6, abs=1e-12)
    assert seen > 50
    assert worst < 1e-7
    record_difference("CoxFit.proportional_hazards_test", "survival::cox.zph", worst)


def test_a_factor_is_one_term_of_the_proportional_hazards_test(record_difference):
    rows = {name: np.array(column) for name, column in R["veteran_rows"].items()}
    types = ["smallcell", "adeno", "large"]
    dummies = [rows["celltype"] == t for t in types]
    ours = fit_cox(
        rows["time"],
        rows["status"],
        np.column_stack([rows["trt"], *dummies, rows["karno"]]),
        names=["trt", *types, "karno"],
    ).proportional_hazards_test(terms={"trt": ["trt"], "celltype": types, "karno": ["karno"]})
    table = np.array(R["veteran_zph"])
    assert ours.names == ("trt", "celltype", "karno")
    assert ours.df.tolist() == [1, 3, 1]
    assert ours.statistic == pytest.approx(table[:3, 0], rel=1e-8)
    assert ours.p_value == pytest.approx(table[:3, 2], rel=1e-7)
    assert ours.global_test.statistic == pytest.approx(table[3, 0], rel=1e-8)


def test_linear_predictor(record_difference):
    worst = 0.0
    predicted = [k for k in DETAILED if "lp" in DESIGNS[k]["details"]]
    assert len(predicted) > 40
    for k in predicted:
        expected = DESIGNS[k]["details"]
        ours = fit(DESIGNS[k]["data"]).linear_predictor(expected["survfit"]["new"])
        worst = max(worst, difference(ours, expected["lp"]))
    assert worst < 1e-8
    record_difference("CoxFit.linear_predictor", "survival::predict.coxph(type='lp')", worst)


def test_survival_and_its_limits(record_difference):
    worst = 0.0
    for k in DETAILED:
        data, expected = DESIGNS[k]["data"], DESIGNS[k]["details"]["survfit"]
        ours = fit(data)
        time = np.array(expected["time"])
        patients = range(2)
        for patient in patients:
            if "strata" in data:
                at = np.array(expected["strata"]) == patient + 1
                strata = [patient + 1]
            else:
                at, strata = np.ones(time.size, dtype=bool), None
            predicted = ours.survival([expected["new"][patient]], time[at], strata)
            for name, theirs in (
                ("survival", "surv"),
                ("lower", "lower"),
                ("upper", "upper"),
                ("std_error", "std_err"),
            ):
                values = np.array(expected[theirs], dtype=float)
                values = values[at] if "strata" in data else values[:, patient]
                mine = getattr(predicted, name)[0]
                known = np.isfinite(values) & (values < 1e12)
                if name in ("lower", "upper"):
                    # R leaves limits out where survival is 1 or 0 to the last digit.
                    known &= (predicted.survival[0] < 1) & (predicted.survival[0] > 1e-300)
                worst = max(worst, difference(mine[known], values[known]))
    assert worst < 1e-7
    record_difference("CoxFit.survival", "survival::survfit.coxph(conf.type='log-log')", worst)


def test_baseline_hazard(record_difference):
    worst = 0.0
    for k in DETAILED:
        data, details = DESIGNS[k]["data"], DESIGNS[k]["details"]
        if "offset" in data:  # basehaz is then at the mean offset, ours at an offset of 0
            continue
        ours, curve = fit(data).baseline(), details["survfit"]
        hazard, events = np.array(details["basehaz"]), np.array(curve["n_event"])
        at = events > 0
        # basehaz lists all times; ours those with an event.
        strata = np.array(curve["strata"]) if "strata" in data else np.zeros(at.size)
        if hazard.size != at.size:
            pytest.fail("basehaz and survfit disagree on times")
        assert ours.time == pytest.approx(np.array(curve["time"])[at])
        if "strata" in data:
            assert ours.stratum.tolist() == strata[at].tolist()
        assert ours.n_at_risk == pytest.approx(np.array(curve["n_risk"])[at])
        assert ours.n_events == pytest.approx(events[at])
        worst = max(worst, difference(ours.cumulative_hazard, hazard[at]))
        assert ours.survival == pytest.approx(np.exp(-hazard[at]), abs=1e-12)
    assert worst < 1e-8
    record_difference("CoxFit.baseline", "survival::basehaz(centered=FALSE)", worst)


def heart():
    rows = {name: np.array(column, dtype=float) for name, column in R["heart"].items()}
    X = np.column_stack([rows[name] for name in ("age", "year", "surgery", "transplant")])
    return rows, X


def test_survival_along_a_path(record_difference):
    rows, X = heart()
    ours = fit_cox(rows["stop"], rows["event"], X, start=rows["start"])
    before, after = [5.0, 2.0, 0.0, 0.0], [5.0, 2.0, 0.0, 1.0]
    worst = 0.0
    for name, path in (("changing", [before, after]), ("constant", [before, before])):
        expected = R["paths"][name]
        curve = ours.survival_path(path, [0, 30], [30, 400])
        step = np.searchsorted(curve.time, expected["time"], side="right") - 1
        worst = max(worst, difference(curve.survival[step], expected["surv"]))
        if name == "constant":
            for mine, theirs in (("lower", "lower"), ("upper", "upper"), ("std_error", "std_err")):
                worst = max(worst, difference(getattr(curve, mine)[step], expected[theirs]))
            fixed = ours.survival([before], curve.time)
            assert curve.survival == pytest.approx(fixed.survival[0], rel=1e-12)
            assert curve.std_error == pytest.approx(fixed.std_error[0], rel=1e-9)
    assert worst < 1e-9
    record_difference("CoxFit.survival_path", "survival::survfit.coxph(id=)", worst)


def test_standard_error_along_a_changing_path_is_the_delta_method():
    # -log S = sum of exp(x(t) b) dH0(t; b). Its derivative in b by differences, each time with the
    # baseline re-estimated at that b, and Breslow's variance of the hazard at fixed b, added.
    rows, X = heart()
    ours = fit_cox(rows["stop"], rows["event"], X, start=rows["start"], ties="breslow")
    path = np.array([[5.0, 2.0, 0.0, 0.0], [5.0, 2.0, 0.0, 1.0]])
    deaths = np.unique(rows["stop"][rows["event"] == 1])
    deaths = deaths[deaths <= 400]

    def parts(b):
        hazard = variance = 0.0
        for t in deaths:
            at_risk = (rows["start"] < t) & (t <= rows["stop"])
            total = np.exp(X[at_risk] @ b).sum()
            d = ((rows["stop"] == t) & (rows["event"] == 1)).sum()
            risk = np.exp(path[int(t > 30)] @ b)
            hazard += d / total * risk
            variance += d / total**2 * risk**2
        return hazard, variance

    slope = np.array(
        [(parts(ours.coef + h)[0] - parts(ours.coef - h)[0]) / 2e-6 for h in np.eye(4) * 1e-6]
    )
    hazard, variance = parts(ours.coef)
    curve = ours.survival_path(path, [0, 30], [30, 400])
    assert -np.log(curve.survival[-1]) == pytest.approx(hazard, rel=1e-10)
    expected = np.sqrt(variance + slope @ ours.covariance @ slope)
    assert curve.std_error[-1] == pytest.approx(expected, rel=1e-7)


def test_ridge(record_difference):
    rows = {name: np.array(column) for name, column in R["veteran_rows"].items()}
    X = np.column_stack([rows["karno"], rows["age"], rows["trt"]])
    ours = fit_cox(rows["time"], rows["status"], X, ridge=30.0)
    worst = max(
        difference(ours.coef, R["ridge"]["coef"]),
        difference(ours.covariance, R["ridge"]["var"]),
        difference([ours.loglik_null, ours.loglik], R["ridge"]["loglik"]),
    )
    assert worst < 1e-7
    record_difference("fit_cox(ridge=)", "survival::ridge(scale=FALSE)", worst)


def test_what_r_warns_of_is_refused():
    for data in R["refused"]:
        with pytest.raises(ModelError, match=r"'x[01]'"):
            fit_cox(data["time"], data["event"], data["x"])


@pytest.mark.parametrize("k", range(0, len(DESIGNS), 12))
def test_many_fits_equal_one_by_one(k, record_difference):
    worst = 0.0
    data = DESIGNS[k]["data"]
    n, rng = len(data["time"]), np.random.default_rng(k)
    options = {name: data[name] for name in ("start", "strata", "offset") if name in data}
    columns = {name: np.array(values) for name, values in options.items()}
    time, event, X = (np.array(data[name]) for name in ("time", "event", "x"))
    sets = np.array([np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(12)])
    copies = fit_cox_many(time, event, X, sets, ties=data["ties"], weights_as="copies", **options)
    cases = fit_cox_many(time, event, X, sets * 0.7, ties=data["ties"], **options)
    for b, weights in enumerate(sets):
        rows = np.repeat(np.arange(n), weights)
        repeated = {name: values[rows] for name, values in columns.items()}
        for many, (t, e, x), more in (
            (copies, (time[rows], event[rows], X[rows]), repeated),
            (cases, (time, event, X), options | {"weights": weights * 0.7}),
        ):
            if many.converged[b]:
                one = fit_cox(t, e, x, ties=data["ties"], **more)
                worst = max(
                    worst, difference(many.coef[b] / one.std_error, one.coef / one.std_error, 1)
                )
                assert many.loglik[b] == pytest.approx(one.loglik, rel=1e-11)
                assert many.n_iterations[b] == one.n_iterations
                assert many.linear_predictors[b] == pytest.approx(one.linear_predictor(X), abs=1e-8)
            else:
                assert many.reason[b]
                with pytest.raises(ModelError):
                    fit_cox(t, e, x, ties=data["ties"], **more)
    assert worst < 1e-9
    record_difference("fit_cox_many", "survival::coxph, by way of fit_cox", worst)
