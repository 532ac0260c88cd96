"""Plans of validation and several endpoints: read, run, said in words, shown on the card."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.cards import make_card, write_overview
from allsurv.cohort import Cohort
from allsurv.errors import ConfigError
from allsurv.experiment import read_config, run_endpoints, run_experiment
from allsurv.experiment.choices import Config, FindingsPlan, InstabilityPlan
from allsurv.experiment.plans import ExternalFile, plan_choices
from allsurv.models import make_model
from allsurv.stats.measures.discrimination import harrell_c
from allsurv.stats.measures.random_effects import random_effects
from allsurv.study.spec import Endpoint, Variable
from allsurv.validation import Bootstrap, External, InternalExternal, Plan, validate


def centres(cohort, n=3, seed=1):
    """Give patients a centre, and a second endpoint on the same clock."""
    rng = np.random.default_rng(seed)
    names = tuple(f"c{k}" for k in range(n))
    study = replace(
        cohort.study,
        variables=cohort.study.variables
        | {"centre": Variable("centre", "Centre", "nominal", "centre", levels=names)},
        endpoints=cohort.study.endpoints
        | {
            "efs": Endpoint(
                "efs", "Event-free survival", "time", ({"dead": True},), "treatment start"
            )
        },
    )
    centre = pd.Categorical(rng.choice(names, cohort.n), names)
    return Cohort(study, cohort.frame.assign(centre=centre), cohort.source)


@pytest.fixture(scope="module")
def cohort(toy_cohort):
    return centres(toy_cohort(240, 4))


@pytest.fixture(scope="module")
def config():
    return Config(
        name="toy",
        question="Who dies?",
        study="toy",
        models={"cox": {}},
        validation=Plan(1, 2),
        draws=12,
        instability=InstabilityPlan(10),
        findings=FindingsPlan(10, simulated=0),
        disclosure="off",  # numbers as they are, to be held to others
        jobs=1,
    )


@pytest.fixture(scope="module")
def by_centre(cohort, config):
    return run_experiment(replace(config, validation=InternalExternal("centre")), cohort=cohort)


def test_each_centre_is_measured_by_a_model_of_the_others(cohort, by_centre):
    table = by_centre.tables["held_out"]
    y, centre = cohort.y("os"), cohort.frame["centre"].to_numpy()
    for name in ("c0", "c1", "c2"):
        inside = centre == name
        model = make_model("cox", cohort.study).fit(cohort.X[~inside], y[~inside])
        expected = harrell_c(y[inside], model.predict(cohort.X[inside]))
        row = table[
            (table["model"] == "cox") & (table["measure"] == "harrell_c") & (table["group"] == name)
        ].iloc[0]
        assert row["estimate"] == pytest.approx(expected.value, rel=1e-10)
        assert row["lower"] == pytest.approx(
            expected.value - 1.959963984540054 * expected.std_error, rel=1e-9
        )
        assert (row["n"], row["n_events"]) == (inside.sum(), y["event"][inside].sum())


def test_the_headline_is_a_mean_over_centres_with_a_prediction_interval(by_centre, cohort):
    found = validate(
        make_model("cox", cohort.study), cohort, plan=InternalExternal("centre"), n_bootstrap=12
    )
    for name, is_log in (("harrell_c", False), ("observed_expected_ratio", True)):
        inside = found.held_out
        inside = inside[(inside["model"] == "cox") & (inside["measure"] == name)]
        first = inside["horizon"].iloc[0]
        inside = inside[(inside["horizon"] == first) | np.isnan(first)]
        values = np.log(inside["estimate"]) if is_log else inside["estimate"]
        expected = np.array(random_effects(values, inside["std_error"])[:5])
        expected = np.exp(expected) if is_log else expected
        table = by_centre.tables["performance"]
        table = table[(table["model"] == "cox") & (table["measure"] == name)]
        row = table[(table["horizon"] == first) | np.isnan(first)].iloc[0]
        columns = ["estimate", "lower", "upper", "prediction_lower", "prediction_upper"]
        np.testing.assert_allclose(row[columns].astype(float), expected, rtol=1e-9)
        assert row["n_resamples"] == 3
    assert "prediction interval says what one further group" in by_centre.statements["validation"]
    ici = by_centre.tables["performance"].query("measure == 'ici' and model == 'cox'")
    assert ici["estimate"].isna().all()
    assert ici["reason"].str.contains("see each group").all()


def test_the_card_shows_centres_and_prediction_interval(by_centre):
    card = make_card(by_centre)
    (performance,) = (part for part in card["sections"] if part["id"] == "performance")
    captions = [table["caption"] for table in performance["tables"]]
    assert any("95% prediction interval" in caption for caption in captions)
    assert "Recommended model in each group that was left out" in captions
    assert "Internal-external validation by Centre" in str(performance["text"])


def test_other_patients_in_python_and_from_a_file_give_the_same(
    cohort, config, toy_cohort, tmp_path, monkeypatch
):
    others = centres(toy_cohort(150, 9))
    plain = run_experiment(replace(config, validation=External(others)), cohort=cohort)
    monkeypatch.setattr("allsurv.experiment.plans.read_cohort", lambda file, study: others)
    of_file = run_experiment(replace(config, validation=ExternalFile("other.csv")), cohort=cohort)
    pd.testing.assert_frame_equal(plain.tables["performance"], of_file.tables["performance"])
    said = plain.statements["validation"]
    assert said.startswith("External validation: every measure is of 150 other patients")
    rows = plain.tables["performance"].query("model == 'cox' and measure == 'harrell_c'")
    model = make_model("cox", cohort.study).fit(cohort.X, cohort.y("os"))
    expected = harrell_c(others.y("os"), model.predict(others.X)).value
    assert rows["estimate"].iloc[0] == pytest.approx(expected, rel=1e-10)
    assert set(plain.tables["performance"]["estimator"]) == {
        "on other patients, whom no model was fitted to"
    }
    card = make_card(plain)
    (performance,) = (part for part in card["sections"] if part["id"] == "performance")
    (external,) = (i for i in performance["items"] if i["label"] == "External validation")
    assert "150 other patients" in str(external["parts"])


def test_a_bootstrap_is_a_plan_too(cohort, config):
    found = run_experiment(replace(config, validation=Bootstrap(12)), cohort=cohort)
    assert "12 samples of the patients" in found.statements["validation"]
    assert "calibration" not in found.tables
    table = found.tables["optimism"].query("model == 'cox'")
    np.testing.assert_allclose(table["estimate"], table["apparent"] - table["optimism"])
    make_card(found)


def test_too_short_a_follow_up_of_other_patients_stops_the_job_first(cohort, config, toy_cohort):
    others = centres(toy_cohort(150, 9))
    short = others.frame.assign(time=others.frame["time"].clip(upper=10))
    plan = External(Cohort(others.study, short, others.source))
    with pytest.raises(ConfigError, match="24 months is not before the end of follow-up"):
        run_experiment(
            replace(config, validation=plan, horizons=(6.0, 24.0)),
            cohort=cohort,
            progress=lambda *said: pytest.fail("something was computed"),
        )


def test_each_endpoint_is_what_it_is_alone(cohort, config, tmp_path):
    both = run_endpoints(replace(config, endpoints=("os", "efs")), cohort=cohort)
    assert list(both) == ["os", "efs"]
    alone = run_experiment(replace(config, endpoint="efs"), cohort=cohort)
    assert both["efs"].tables.keys() == alone.tables.keys()
    for name, table in alone.tables.items():
        pd.testing.assert_frame_equal(both["efs"].tables[name], table)
    assert both["efs"].config == alone.config
    (single,) = run_endpoints(config, cohort=cohort).values()
    assert single.provenance.endpoint == "os"
    page = write_overview(both, tmp_path / "index.html").read_text(encoding="utf-8")
    assert '<a href="efs/card.html">Event-free survival</a>' in page
    assert "Simulated." in page


def test_several_endpoints_have_no_single_result(cohort, config):
    with pytest.raises(ConfigError, match="run_endpoints those of several"):
        run_experiment(replace(config, endpoints=("os", "efs")), cohort=cohort)


def test_a_wrong_endpoint_stops_the_job_before_the_first(cohort, config):
    with pytest.raises(ConfigError, match="endpoint 'esf' is not one of study"):
        run_endpoints(
            replace(config, endpoints=("os", "esf")),
            cohort=cohort,
            progress=lambda *said: pytest.fail("something was computed"),
        )


def write(folder, text):
    path = folder / "config.yaml"
    path.write_text(f"study: rr-all\n{text}", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "asked", "plan"),
    [
        ("", {}, Plan()),
        ("validation: {repeats: 2, folds: 3}\n", {}, Plan(2, 3)),
        ("validation: {plan: bootstrap}\n", {}, Bootstrap()),
        ("validation: {plan: bootstrap, replicates: 30}\n", {}, Bootstrap(30)),
        ("validation: {by: arm}\n", {}, InternalExternal("arm")),
        ("validation: {plan: external, file: b.csv}\n", {}, ExternalFile("b.csv")),
        ("validation: {by: arm}\n", {"external": "b.csv"}, ExternalFile("b.csv")),
        ("validation: {by: arm}\n", {"plan": "cross-validation"}, Plan()),
        ("preset: quick\n", {"plan": "bootstrap"}, Bootstrap()),
        ("preset: quick\n", {"by": "arm"}, InternalExternal("arm")),
    ],
)
def test_a_plan_is_read_from_file_and_command_line(tmp_path, text, asked, plan):
    assert read_config(write(tmp_path, text), asked).validation == plan


@pytest.mark.parametrize(
    ("text", "asked", "message"),
    [
        (
            "validation: {plan: bootstrap, by: arm}\n",
            {},
            "'by' does not belong to plan 'bootstrap'",
        ),
        ("validation: {plan: internal-external}\n", {}, "needs 'by'"),
        ("validation: {plan: external}\n", {}, "needs 'file'"),
        ("", {"plan": "bootstrp"}, "Did you mean 'bootstrap'?"),
        ("validation: {plan: jackknife}\n", {}, "validation.plan"),
        ("endpoint: os\nendpoints: [os]\n", {}, "given beside 'endpoints'"),
    ],
)
def test_a_plan_that_is_none_is_refused(tmp_path, text, asked, message):
    with pytest.raises(ConfigError) as caught:
        read_config(write(tmp_path, text), asked)
    assert message in str(caught.value)


def test_a_variable_of_groups_is_one_of_the_study(cohort, config):
    with pytest.raises(ConfigError, match="Did you mean 'centre'"):
        run_experiment(replace(config, validation=InternalExternal("center")), cohort=cohort)


def test_endpoints_of_the_command_line_take_the_place_of_one(tmp_path):
    config = read_config(write(tmp_path, "endpoint: rfs\n"), {"endpoints": "os, rfs"})
    assert (config.endpoint, config.endpoints) == ("", ("os", "rfs"))


def test_a_plan_is_written_down_as_a_configuration_has_it(cohort):
    assert plan_choices(Plan(2, 3)) == {"plan": "cross-validation", "repeats": 2, "folds": 3}
    assert plan_choices(Bootstrap(20)) == {"plan": "bootstrap", "replicates": 20}
    assert plan_choices(InternalExternal("arm")) == {"plan": "internal-external", "by": "arm"}
    assert plan_choices(ExternalFile("/a/b.csv")) == {"plan": "external", "file": "b.csv"}
    assert plan_choices(External(cohort)) == {"plan": "external", "file": "toy"}
