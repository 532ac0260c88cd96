"""Simulated cohorts: within the rules, like their model, true to what was put in."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import allsurv as als
from allsurv.cohort import make_cohort
from allsurv.cohort.writing import write_cohort
from allsurv.describe import analysis_table
from allsurv.errors import ConfigError
from allsurv.simulate import make_simulator, simulate_cohort, simulate_truth
from allsurv.simulate.codes import decimals_of
from allsurv.simulate.correlation import latent_correlation, see, shrunken
from allsurv.simulate.effects import published_effects
from allsurv.simulate.hazard import smooth_hazard
from allsurv.simulate.network import choose_parents, fit_node
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.curves.kaplan_meier import kaplan_meier

STUDIES = ["rr-all", "ebmt-all"]
TERMS = {
    "pb_blasts": "pb_blasts",
    "high_risk_cyto": "high_risk_cyto",
    "tp53_mutated": "tp53_mutated",
    "arm=after": "arm=after",
}


@pytest.fixture(scope="module", params=STUDIES)
def drawn(request):
    return simulate_truth(request.param, n=20_000, random_state=5)


def as_given(cohort):
    given = [v for v in cohort.study.variables.values() if v.derivation is None]
    return cohort.frame.rename(columns={v.name: v.column for v in given})[
        [v.column for v in given if v.name in cohort.frame]
    ]


def test_every_rule_of_the_study_holds_and_derived_variables_follow(drawn):
    some = drawn.cohort.take(range(4000))
    read = make_cohort(as_given(some), some.study)
    assert list(read.frame) == list(some.frame)
    assert read.frame.equals(some.frame)


def test_it_says_that_these_are_not_patients(drawn):
    source = drawn.cohort.source
    assert source.kind == "simulated"
    assert source.is_synthetic
    assert "not patients" in source.statement
    names = drawn.cohort.frame[next(iter(drawn.cohort.study.variables))]
    assert names.str.startswith("simulated ").all()


def test_margins_are_those_of_the_cohort(drawn):
    study, like = drawn.cohort.study, make_simulator(drawn.cohort.study).like
    for name in study.baseline():
        ours, theirs = drawn.cohort.frame[name], like.frame[name]
        absent = theirs.isna().mean()
        assert abs(ours.isna().mean() - absent) <= monte_carlo_error(absent, drawn.cohort.n)
        n = ours.notna().sum()
        if study.variable(name).is_number:
            assert abs(ours.mean() - theirs.mean()) < 4 * ours.std() / np.sqrt(n)
            assert ours.min() >= theirs.min()
            assert ours.max() <= theirs.max()
        else:
            made, wanted = (x.astype("str").value_counts(normalize=True) for x in (ours, theirs))
            assert set(made.index) <= set(wanted.index)
            away = made.reindex(wanted.index, fill_value=0.0) - wanted
            beyond = away.abs() - monte_carlo_error(wanted, n)
            assert (beyond <= of_smoothing(study.variable(name), study, like.n)).all(), away


def monte_carlo_error(share, n):
    """Four standard errors of a share of n draws; of 100 shares, one lies beyond in 150 runs."""
    return 4 * np.sqrt(share * (1 - share) / n)


def of_smoothing(variable, study, n):
    """Share that a threshold of a smoothed number may gain: the patient it comes to lie next to."""
    rule = variable.derivation
    cut = rule is not None and any(study.variable(source).is_number for source in rule.sources)
    return 1 / n if cut else 0.0


def test_what_decides_one_variable_is_independent():
    simulator = make_simulator("rr-all")
    latents = simulator.baseline.latents
    r = simulator.baseline.correlation - np.eye(len(latents))
    names = np.array([latent.variable for latent in latents])
    same = names[:, None] == names
    assert np.abs(r[same]).max() < 1e-12
    assert np.abs(r[~same]).max() > 0.3
    whether = [k for k, latent in enumerate(latents) if latent.role == "missing"]
    assert {names[k] for k in whether} >= {"tp53_mut", "crlf2_pos"}


def test_survival_is_that_of_the_cohort(drawn):
    study, like = drawn.cohort.study, make_simulator(drawn.cohort.study).like
    endpoint, horizons = study.prediction.endpoint, study.prediction.horizons
    ours, theirs = (
        kaplan_meier(y["time"], y["event"]).at(horizons)
        for y in (drawn.cohort.y(endpoint), like.y(endpoint))
    )
    # The hazard is smoothed, so within a standard error of the cohort's own curve.
    standard_error = (theirs.upper - theirs.lower) / (2 * 1.96)
    assert (np.abs(ours.survival - theirs.survival) < standard_error).all()


def test_events_happen_as_often_and_as_early_as_in_the_cohort(drawn):
    study, like = drawn.cohort.study, make_simulator(drawn.cohort.study).like
    for event in study.events.values():
        ours, theirs = drawn.cohort.where(event.occurred), like.where(event.occurred)
        spread = 2 * np.sqrt(0.25 / like.n)
        assert abs(ours.n / drawn.cohort.n - theirs.n / like.n) < spread
        middle = theirs.frame[event.time].quantile([0.3, 0.7])
        assert middle.iloc[0] <= ours.frame[event.time].median() <= middle.iloc[1]


def test_no_patient_is_a_copy(drawn):
    if drawn.cohort.study.name == "ebmt-all":
        return  # four coarse variables: 72 combinations for everybody
    numbers = ["age", "wbc", "pb_blasts", "bm_blasts", "cd22", "cd19"]
    theirs = set(map(tuple, make_simulator("rr-all").like.frame[numbers].to_numpy().tolist()))
    ours = set(map(tuple, drawn.cohort.frame[numbers].to_numpy().tolist()))
    assert not ours & theirs


def test_large_samples_recover_the_effects_put_in():
    study = als.load_study("rr-all")
    truth = published_effects(study) | {"sct": -0.5}
    cohort = simulate_cohort(study, n=100_000, effects=truth, random_state=1)
    table = analysis_table(cohort, study.analyses["multivariable"]).set_index("term")
    # Monte-Carlo error: the standard error of each coefficient, about 0.01 (blasts 0.00013).
    z = (table.loc[list(truth), "coef"] - pd.Series(truth)) / table.loc[list(truth), "std_error"]
    assert table["std_error"].max() < 0.012
    assert z.abs().max() < 3.5, z
    # Sum of five squared standard normal deviates: beyond 20.5 once in a thousand.
    assert (z**2).sum() < 20.5


def test_levels_and_numbers_of_ones_own_are_recovered_and_nothing_else_is():
    truth = {"salvage=2": 0.7, "age": 0.02, "crlf2_pos": 0.5}
    drawn = simulate_truth("rr-all", n=50_000, effects=truth, random_state=2)
    frame, y = drawn.cohort.frame, drawn.cohort.y("os")
    crlf2, arm = frame["crlf2_pos"].fillna(False), frame["arm"] == "after"
    X = np.column_stack([frame["salvage"] == 2, frame["age"], crlf2, arm]).astype(float)
    fit = fit_cox(y["time"], y["event"], X)
    z = (fit.coef - np.array([*truth.values(), 0.0])) / fit.std_error
    assert np.abs(z).max() < 3.5  # once in 500 seeds
    calibration = fit_cox(y["time"], y["event"], drawn.linear_predictor[:, None])
    assert abs(calibration.coef[0] - 1) < 3.5 * calibration.std_error[0]


def test_true_survival_is_calibrated():
    drawn = simulate_truth("rr-all", n=50_000, random_state=4)
    y = drawn.cohort.y("os")
    survival = kaplan_meier(y["time"], y["event"]).at([12.0, 36.0]).survival
    assert np.abs(drawn.survival([12.0, 36.0]).mean(axis=0) - survival).max() < 0.01  # se 0.0025


def test_a_null_effect_gives_uniform_p_values():
    simulator = make_simulator("rr-all", effects={})
    columns, _, course = simulator.draw_follow_up(300 * 110, np.random.default_rng(7))
    by_cohort = {k: columns[k].reshape(300, 110).astype(float) for k in ("age", "wbc", "arm")}
    X = np.stack(list(by_cohort.values()), axis=2)
    outcome = zip(course.time.reshape(300, 110), course.event.reshape(300, 110), X, strict=True)
    p = np.array([fit_cox(t, e, x).p_value for t, e, x in outcome])
    # 300 cohorts: Kolmogorov-Smirnov distance beyond 0.11 once in a thousand when uniform.
    assert max(stats.kstest(p[:, k], "uniform").statistic for k in (0, 2)) < 0.112


def test_a_transplant_without_effect_is_null_in_time_dependent_and_landmark_analysis_only():
    simulator = make_simulator("rr-all")
    _, linear, course = simulator.draw_follow_up(40_000, np.random.default_rng(8))
    at = course.switches["sct"]
    late = (course.time > 4) & np.isfinite(course.switches["responded"])
    by_landmark = np.column_stack([at < 4, linear])[late].astype(float)
    landmark = fit_cox(course.time[late], course.event[late], by_landmark)
    naive = fit_cox(
        course.time, course.event, np.column_stack([np.isfinite(at), linear]).astype(float)
    )
    assert abs(landmark.coef[0]) < 3.5 * landmark.std_error[0]  # se 0.018
    assert naive.coef[0] < -0.3


def test_the_same_seed_draws_the_same_patients_and_another_draws_others():
    one, again, other = (simulate_cohort("rr-all", random_state=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one.frame, again.frame)
    assert one.source == again.source
    assert one.source.digest != other.source.digest
    assert simulate_cohort("rr-all").source.digest != simulate_cohort("rr-all").source.digest


def test_one_may_resemble_patients_of_ones_own():
    old = als.load_cohort("rr-all")
    old = old.take(np.flatnonzero((old.frame["age"] > 40).to_numpy()))
    drawn = simulate_cohort(old.study, n=500, effects={}, like=old, random_state=0)
    assert drawn.frame["age"].min() > 40
    with pytest.raises(ConfigError, match="are 29 with"):
        simulate_cohort(old.study, like=old.take(range(29)))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"effects": {"tp53_mutat": 1.0}}, "Did you mean 'tp53_mutated'"),
        ({"effects": {"response": 1.0}}, "known only after baseline"),
        ({"effects": {"salvage=1": 1.0}}, "salvage=2, salvage=3"),
        ({"effects": {"salvage": 1.0}}, "salvage=2, salvage=3"),
        ({"effects": {"age=3": 1.0}}, "is a number"),
        ({"effects": {"age": np.inf}}, "not finite"),
        ({"effects": {"age": "1"}}, "give a log hazard ratio"),
        ({"effects": {"age": [1.0]}}, "give a log hazard ratio"),
        ({"n": 0}, "whole numbers from 1"),
        ({"n": 2.5}, "whole numbers from 1"),
        ({"random_state": -1}, "whole number from 0"),
    ],
)
def test_what_cannot_be_is_refused(given, says):
    with pytest.raises(ConfigError, match=says):
        simulate_cohort("rr-all", **given)


def test_published_effects_are_the_default_and_none_are_none():
    study = als.load_study("rr-all")
    published = {f.variable: f.estimate for f in study.findings.values()}
    assert len(published_effects(study)) == len(published)
    assert simulate_truth(study, n=5).effects == published_effects(study)
    assert not simulate_truth(study, n=5, effects={}).linear_predictor.any()


def test_speed():
    simulate_cohort("rr-all")
    spent = []
    for seed in range(100):
        began = time.process_time()
        simulate_cohort("rr-all", random_state=seed)
        spent.append(time.process_time() - began)
    assert min(spent) < 0.010
    began = time.process_time()
    simulate_cohort("rr-all", n=100_000, random_state=0)
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_reads_back_as_the_same_patients(tmp_path, suffix):
    cohort = simulate_cohort("rr-all", n=300, random_state=3)
    path = write_cohort(cohort, tmp_path / f"patients.{suffix}")
    read = als.read_cohort(path, cohort.study)
    pd.testing.assert_frame_equal(read.frame, cohort.frame)
    assert read.source.kind == "simulated"
    assert "not patients" in read.source.statement
    with pytest.raises(ConfigError, match="csv"):
        write_cohort(cohort, tmp_path / "patients.docx")
    with pytest.raises(ConfigError, match="folder does not exist"):
        write_cohort(cohort, tmp_path / "nowhere" / "patients.csv")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_correlation_keeps_what_is_strong_and_drops_noise():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((110, 2))
    strong = 0.8 * z[:, 0] + 0.6 * z[:, 1]
    seen = see(np.column_stack([z, strong]))
    found = latent_correlation(shrunken(seen))
    assert found[0, 2] == pytest.approx(np.corrcoef(z[:, 0], strong)[0, 1], abs=0.05)
    assert found[0, 1] == pytest.approx(0, abs=0.12)
    assert np.linalg.eigvalsh(found).min() > 0


def test_variables_go_together_as_in_the_cohort(drawn):
    like = make_simulator(drawn.cohort.study).like
    theirs, ours = (
        pd.get_dummies(c.frame[list(c.study.baseline())].astype("object"), dummy_na=True)
        if c.study.name == "ebmt-all"
        else numbers_of(c.frame)
        for c in (like, drawn.cohort)
    )
    shared = [name for name in theirs if name in ours and theirs[name].nunique() > 1]
    r, m = theirs[shared].corr().to_numpy(), ours[shared].corr().to_numpy()
    above = np.triu_indices(len(shared), 1)
    strong = np.abs(r[above]) > 3 / np.sqrt(like.n)
    away = np.abs(m[above] - r[above])
    # Weak correlations are shrunken on purpose; what is clearly there stays, most of it.
    assert np.corrcoef(m[above][strong], r[above][strong])[0, 1] > 0.9
    assert np.median(away[strong]) < 0.12


def numbers_of(frame):
    wanted = {
        "after": frame["arm"] == "after",
        "tested": frame["tp53_tested"],
        "crlf2_tested": frame["crlf2_tested"],
        "salvage": frame["salvage"].astype(float),
        "ecog": frame["ecog"].astype(float),
        "high_risk": frame["high_risk_cyto"],
        "wide": frame["high_risk_cyto_wide"],
        "tp53": frame["tp53_mutated"],
        "prior": frame["prior_asct"],
    } | {name: frame[name] for name in ("age", "wbc", "pb_blasts", "bm_blasts", "cd22", "cd19")}
    return pd.DataFrame({name: column.astype(float).rank() for name, column in wanted.items()})


def test_hazard_is_inverted_exactly():
    hazard = smooth_hazard(np.arange(1.0, 21.0), np.full(20, 0.1), end=40.0)
    times = np.array([0.5, 3.0, 17.2, 30.0, 100.0])
    assert hazard.reached(hazard.at(times)) == pytest.approx(times)
    ends = smooth_hazard(np.arange(1.0, 21.0), np.full(20, 0.1))
    assert ends.reached(np.array([2.01]))[0] == np.inf


def test_levels_follow_their_parents():
    rng = np.random.default_rng(0)
    parent = rng.integers(0, 2, 400)
    child = np.where(parent == 1, 2, rng.integers(0, 2, 400))
    noise = rng.integers(0, 3, 400)
    candidates = {"noise": (noise, 3), "parent": (parent, 2)}
    assert choose_parents(child, 3, candidates) == ("parent",)
    node = fit_node(child, 3, {"parent": (parent, 2)})
    codes = node.draw({"parent": np.repeat(np.int8([0, 1, -1]), 1000)}, 3000, rng)
    assert set(codes[1000:2000]) == {2}
    assert set(codes[:1000]) == {0, 1}
    assert set(codes[2000:]) == {0, 1, 2}  # nobody's parent was missing: as everybody


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([], 0),
        ([2.25], 2),
        ([3.0], 0),
        ([1.5, 2.25], 2),
        ([0.1234], 3),
        ([-1.5], 1),
        ([*range(9), 0.125], 0),  # one number in ten may have more
        ([*range(8), 0.125, 0.25], 2),
        ([*range(8), 0.125, 0.375], 3),
    ],
)
def test_numbers_are_written_with_the_decimals_they_were_recorded_with(values, decimals):
    assert decimals_of(np.array(values, dtype=float)) == decimals


@pytest.mark.parametrize(
    ("values", "decimals"), [([], 0), ([2.25], 2), ([7.0], 0), ([0.5, 1.25], 2), ([1.0, 2.0], 0)]
)
def test_decimals_of_few_values(values, decimals):
    from allsurv.simulate.codes import decimals_of

    assert decimals_of(np.array(values, dtype=float)) == decimals
