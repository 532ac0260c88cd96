"""A measure and a family added from outside are found, labelled, wherever the others are."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from cloudpickle import register_pickle_by_value, unregister_pickle_by_value

from allsurv.cards.quotes import plain_text
from allsurv.cli.run import write_outputs
from allsurv.errors import ModelError
from allsurv.experiment import run_experiment
from allsurv.experiment.tables import named
from allsurv.models import FAMILIES, Family, find_family, register_family
from allsurv.models.cox import CoxModel
from allsurv.plots.accuracy import plot_performance
from allsurv.stats.outcome import Estimate
from allsurv.validation import MEASURES, Measure, find_measure, register_measure

SVM = "sksurv.svm.FastSurvivalSVM"


class RidgeToy(CoxModel):
    family = "toy"


def _mean_risk(seen) -> Estimate:
    return Estimate(float(seen.risk.mean()), std_error=0.01)


TOY_FAMILY = Family(
    name="toy", label="Toy regression", short="toy", kind=RidgeToy, complexity=0, mechanism="linear"
)
TOY_MEASURE = Measure(
    name="mean_risk",
    label="Mean predicted risk",
    how="on the pooled out-of-fold risks of each repeat",
    function=_mean_risk,
    direction="target",
    ideal=0.4,
    aspect="reliability",
    decimals=3,
    in_subgroups=True,
)


@pytest.fixture(scope="module")
def added():
    # Worker processes cannot import a test: it is sent to them by value, as a notebook's would be.
    register_pickle_by_value(sys.modules[__name__])
    with register_measure(TOY_MEASURE), register_family(TOY_FAMILY):
        yield
    unregister_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def result(added, small_config):
    models = {"toy": {"ridge": 2.0}, SVM: {}}
    instability = replace(small_config.instability, bootstrap=10)
    return run_experiment(
        replace(small_config, models=models, instability=instability, draws=10, jobs=2)
    )


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    write_outputs(result, folder)
    return folder


def test_the_results_table_has_both_labelled(result):
    table = result.tables["performance"]
    rows = table[(table["model"] == "toy") & (table["measure"] == "mean_risk")]
    assert rows["horizon"].tolist() == [12, 24, 36]
    assert set(rows["label"]) == {"Mean predicted risk"}
    assert set(rows["model_label"]) == {"Toy regression"}
    # In cross-validation everybody is predicted once a repeat, at a risk that rises with time.
    assert np.all(np.diff(rows["estimate"]) > 0)
    assert rows["upper"].iloc[0] > rows["estimate"].iloc[0]
    in_groups = result.tables["subgroups"]
    assert "Mean predicted risk" in set(in_groups["label"])
    for name, one in result.tables.items():
        if "model_label" in one:
            assert one["model_label"].notna().all(), name
    assert result.chosen == "toy"
    assert result.risk_models["toy"].family == "toy"


def test_the_figure_names_both_and_draws_the_target(result):
    axes = plot_performance(result.tables["performance"])
    panels = {panel.get_title(loc="left"): panel for panel in axes.figure.axes}
    lines = panels["Mean predicted risk"].get_lines()
    assert any(np.allclose(line.get_xdata(), 0.4) for line in lines)
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert "Toy regression" in labels
    assert "FastSurvivalSVM\n(sksurv)" in labels
    plt.close(axes.figure)


def test_the_card_has_both_and_says_why_a_challenger_is_not_exported(folder, result):
    page = (folder / "card.html").read_text()
    table = result.tables["performance"]
    row = table[(table["model"] == "toy") & (table["measure"] == "mean_risk")].iloc[0]
    assert "Mean predicted risk" in page
    assert f"{row['estimate']:.3f} ({row['lower']:.3f}" in page
    assert "Toy regression" in page
    card = json.loads((folder / "card.json").read_text())
    (model,) = [part for part in card["sections"] if part["id"] == "model"]
    items = {item["key"]: plain_text(item["parts"]) for item in model["items"]}
    assert items["challengers"].startswith("FastSurvivalSVM (sksurv) (survival by Cox regression")
    assert "never saved, exported or recommended" in items["challengers"]
    assert "Mean predicted risk at 12" in (folder / "card.xml").read_text()
    assert sorted(path.name for path in (folder / "models").iterdir()) == ["toy"]


def test_a_challenger_is_in_every_comparison_and_in_no_explanation(result):
    for name in ("performance", "differences", "calibration", "instability", "findings"):
        assert SVM in set(result.tables[name]["model"]), name
    for name in ("importance", "directions", "coefficients"):
        assert SVM not in set(result.tables[name]["model"]), name
    models = result.tables["models"].set_index("model")
    assert models["not_exported"].ne("").to_dict() == {"toy": False, SVM: True}
    assert models["parameters"].to_dict() == {"toy": "ridge=2", SVM: ""}


def test_what_was_added_is_gone_after_the_block():
    measures, families = dict(MEASURES), dict(FAMILIES)
    toy = replace(TOY_MEASURE, name="another")
    with register_measure(toy):
        assert find_measure("another") is toy
    with pytest.raises(ZeroDivisionError), register_measure(toy):
        1 / 0  # noqa: B018
    assert dict(MEASURES) == measures
    assert dict(FAMILIES) == families
    with pytest.raises(ModelError, match="'another' is not a measure; allowed are harrell_c"):
        find_measure("another")


def test_a_name_is_given_once_and_a_class_names_its_family():
    with (
        pytest.raises(ModelError, match="'ipa' is a measure already"),
        register_measure(replace(TOY_MEASURE, name="ipa")),
    ):
        pass
    for name in ("cox", "kaplan_meier", "treat_all", "a b"):
        with (
            pytest.raises(ModelError, match=f"'{name}' is taken or is not a plain word"),
            register_family(replace(TOY_FAMILY, name=name)),
        ):
            pass
    with (
        pytest.raises(ModelError, match=r"RidgeToy\.family is 'toy'; it must be 'toys'"),
        register_family(replace(TOY_FAMILY, name="toys")),
    ):
        pass


def test_an_unknown_name_is_refused_never_labelled_nothing():
    row = {"model": ["cox"], "measure": ["ipa"]}
    assert named(pd.DataFrame(row))["label"].tolist() == ["IPA"]
    with pytest.raises(ModelError, match=r"'ipaa' is not a measure.*Did you mean 'ipa'"):
        named(pd.DataFrame(row | {"measure": ["ipaa"]}))
    with pytest.raises(ModelError, match=r"'coxs' is no family.*Did you mean 'cox'"):
        named(pd.DataFrame(row | {"model": ["coxs"]}))
    with pytest.raises(ModelError, match="'rfs' is no family"):
        find_family("rfs")
