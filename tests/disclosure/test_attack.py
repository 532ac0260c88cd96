"""What was published is solved for what was hidden, and gives nothing back."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import load_cohort
from allsurv.describe import comparison_curves
from allsurv.disclosure.rounding import round_to
from allsurv.disclosure.scanner import check_artefacts
from allsurv.models import make_model
from allsurv.policy.rules import CMS
from allsurv.riskmodel.model import RiskModel
from disclosure.attacker import (
    solve_at_risk,
    solve_curve,
    solve_hazard,
    solve_sums,
    unit_of,
)


@pytest.fixture(scope="module")
def strangers(root, tmp_path_factory):
    """Another study's run: ninety patients of larynx cancer in four stages, three of them small."""
    from allsurv.cli.run import write_outputs
    from allsurv.experiment import read_config, run_experiment
    from zoo.zoo import STUDIES, write_csv

    folder = tmp_path_factory.mktemp("stranger")
    asked = {
        "study": str(STUDIES / "larynx.yaml"),
        "cohort": str(write_csv("larynx", folder)),
        "models": "cox,rsf,gbs",
    }
    config = read_config(root / "tests" / "zoo" / "small" / "config.yaml", asked)
    write_outputs(run_experiment(replace(config, jobs=1)), folder / "run")
    return folder / "run"


@pytest.fixture(scope="module", params=["embedded", "stranger"])
def folder(request):
    name = {"embedded": "small_folder", "stranger": "strangers"}[request.param]
    return request.getfixturevalue(name)


def curves_of(table):
    keys = [name for name in ("comparison", "model", "group") if name in table]
    for key, rows in table.groupby(keys, sort=False):
        yield " ".join(key), rows


def test_the_attacker_solves_exact_curves():
    """Exact survival at every month gives the counts away, and what is found is right."""
    cohort = load_cohort("rr-all")
    whole = comparison_curves(cohort, cohort.study.comparisons["os_overall"])
    time = whole["time"].to_numpy(float)
    months = np.arange(0.0, 25.0)
    at = np.searchsorted(time, months, side="right") - 1
    rows = whole.iloc[np.maximum(at, 0)].assign(time=months)
    rows.loc[rows["time"] == 0, ["survival", "lower", "upper"]] = 1.0
    rows["n_at_risk"] = [cohort.n, *[np.nan] * (len(months) - 1)]
    found = solve_curve(rows, "overall survival")
    assert len(found) >= 15
    died = whole.loc[whole["n_events"] > 0, ["time", "n_events"]]
    right = {}
    for month in months[1:]:
        inside = (died["time"] > month - 1) & (died["time"] <= month)
        right[f"overall survival, by {month:g}"] = int(died.loc[inside, "n_events"].sum())
    assert all(right[f.where] == f.n_events for f in found)


@pytest.mark.parametrize("name", ["curves", "risk_group_curves"])
def test_no_count_follows_from_a_curve(folder, name):
    table = pd.read_csv(folder / "tables" / f"{name}.csv")
    assert len(table) > 10
    for where, rows in curves_of(table):
        assert solve_curve(rows, where) == []
        assert solve_at_risk(rows, where) == []


@pytest.mark.parametrize("name", ["survival", "risk_groups"])
def test_no_count_follows_from_survival_at_horizons(folder, name):
    table = pd.read_csv(folder / "tables" / f"{name}.csv").rename(columns={"horizon": "time"})
    for where, rows in curves_of(table):
        start = rows.iloc[[0]].assign(time=0.0, survival=1.0, lower=1.0, upper=1.0)
        start["n_at_risk"] = start["n"]
        points = pd.concat([start, rows.assign(n_at_risk=rows.get("n_at_risk", np.nan))])
        assert solve_curve(points, where) == []
        assert solve_at_risk(points, where) == []


def test_no_count_follows_from_sums_of_groups(folder):
    table = pd.read_csv(folder / "tables" / "survival.csv")
    for comparison, rows in table.groupby("comparison", sort=False):
        heads = rows.drop_duplicates("group").set_index("group")
        n, events = heads["n"], heads["n_events"]
        for number in (*n, *events, *(n - events)):
            assert pd.isna(number) or not 1 <= number <= 10, comparison
    characteristics = pd.read_csv(folder / "tables" / "table_one.csv")
    levels = characteristics[characteristics["statistic"] == "n (%)"]
    for (variable, level), rows in levels.groupby(["variable", "level"]):
        by_group = rows.set_index("group")["n"]
        if len(by_group) > 1:
            parts = by_group.drop("overall")
            assert solve_sums(parts, by_group["overall"], f"{variable} {level}") == []


def test_a_drawn_curve_holds_what_its_table_holds(small_folder):
    """Paths of a figure are read back to survival: to the unit of the table, no further."""
    table = pd.read_csv(small_folder / "tables" / "curves.csv")
    rows = table[table["comparison"] == "os_overall"]
    rows = rows[rows["survival"].notna()]
    svg = (small_folder / "figures" / "curves-os_overall.svg").read_text()
    path = re.search(r'<g id="curve-0">\s*<path d="([^"]*)"', svg)[1]
    y = np.array([float(v) for v in re.findall(r"[ML] [-\d.]+ ([-\d.]+)", path)])
    assert y.size == len(rows)
    survival = rows["survival"].to_numpy()
    slope, level = np.polyfit(y, survival, 1)
    np.testing.assert_allclose(slope * y + level, survival, atol=1e-4)


def risk_models(folder):
    for path in sorted((folder / "models").iterdir()):
        yield path.name, RiskModel.read(path)


def test_the_attacker_solves_exact_leaves_and_thresholds():
    cohort = load_cohort("rr-all")
    forest = make_model("rsf", cohort.study, random_state=0, n_estimators=5)
    trees = forest.fit(cohort.X, cohort.y("os")).mechanism_.trees
    assert len(leaf_counts(trees)) > 50
    boosted = make_model("gbs", cohort.study, random_state=0)
    boosted.fit(cohort.X, cohort.y("os"))
    assert len(midpoints(boosted, boosted.encoder_.terms_, cohort)) > 5
    assert np.mean(boosted.mechanism_.trees.n_patients % 11 == 0) < 0.5


def leaf_counts(trees):
    """Steps of leaf hazards that are so many of so many patients, two or more of them different."""
    size = trees.n_patients[trees.leaf >= 0]
    steps = np.diff(trees.value, axis=1, prepend=0.0)
    return [found for row, n in zip(steps, size, strict=True) for found in solve_hazard(row, n, "")]


def midpoints(model, terms, cohort):
    """Thresholds half between the values of two patients, which lie closer than the grid."""
    trees = model.mechanism.trees if isinstance(model, RiskModel) else model.mechanism_.trees
    found = []
    for column, term in enumerate(terms):
        if term.name == "log wbc":
            values = np.unique(np.log(cohort.frame["wbc"].dropna().to_numpy(float)))
            middle = (values[1:] + values[:-1]) / 2
            cuts = np.unique(trees.threshold[trees.term == column]) * term.scale + term.centre
            found += [cut for cut in cuts if np.abs(middle - cut).min() < 1e-6]
    return found


def test_leaves_hold_no_survival_of_single_patients(folder):
    """Survival in a leaf is a multiple of a unit worth two of its patients."""
    seen = 0
    for _, model in risk_models(folder):
        if model.family != "rsf":
            continue
        forest = model.mechanism
        survival = forest.leaf_survival(np.asarray(forest.event_steps))
        units = survival * 20  # 0.05, 0.1 and 0.2 are multiples of 1/20
        np.testing.assert_allclose(units, np.round(units), atol=1e-6)
        small = forest.trees.n_patients[forest.trees.leaf >= 0] == 11
        np.testing.assert_allclose(survival[small] * 10, np.round(survival[small] * 10), atol=1e-6)
        seen += 1
    assert seen or "rsf" not in {path.name for path in (folder / "models").iterdir()}


def test_no_tree_counts_patients_and_no_threshold_lies_between_two(small_folder):
    cohort = load_cohort("rr-all")
    trees = 0
    for _, model in risk_models(small_folder):
        if model.family == "gbs":
            assert midpoints(model, model.terms, cohort) == []
            assert (model.mechanism.trees.n_patients % 11 == 0).all()
            trees += 1
    assert trees == 1


def test_no_baseline_steps_by_single_events(folder):
    """As survival of an average patient its slopes change only where two events are worth it."""
    for _, model in risk_models(folder):
        hazard = getattr(model.mechanism, "hazard", None)
        if hazard is not None:
            assert solve_hazard(np.diff(hazard), 200, model.family) == []


def test_net_benefit_gives_no_survival_beyond_what_is_shown(folder):
    """From treating everybody 1 - NB = S (1 + odds): at every threshold the same, rounded S."""
    table = pd.read_csv(folder / "tables" / "net_benefit.csv")
    n = pd.read_csv(folder / "tables" / "survival.csv")["n"].max()
    everybody = table[table["model"] == "treat_all"]
    for _, rows in everybody.groupby("horizon"):
        odds = rows["threshold"] / (1 - rows["threshold"])
        survival = (1 - rows["estimate"]) / (1 + odds)
        assert survival.std() < 1e-9
        assert unit_of({"survival": survival.mean()} | NO_LIMITS, n) >= CMS.unit(n)
    shares = table["share_above"].dropna() / CMS.unit(n)
    assert (np.abs(shares - shares.round()) < 1e-6).all()


NO_LIMITS = {"lower": np.nan, "upper": np.nan}


def test_the_search_lets_a_strangers_run_pass(strangers):
    from allsurv.cohort import read_cohort
    from zoo.zoo import study_of

    cohort = read_cohort(strangers.parent / "larynx.csv", study_of("larynx"))
    check_artefacts([file for file in strangers.rglob("*") if file.is_file()], cohort)


@pytest.mark.parametrize("n", [24, 43, 110, 700])
def test_every_value_of_a_rounded_share_fits_two_counts(n):
    counts = np.arange(n + 1)
    shown = pd.Series(round_to(1 - counts / n, CMS.unit(n))).value_counts()
    assert shown.drop([0.0, 1.0]).min() >= 2
    assert shown[[0.0, 1.0]].min() >= 1  # nobody had the event: 0 may be known
