"""Figures draw the numbers of their tables, keep labels apart, and are the same every time."""

from __future__ import annotations

import itertools
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from allsurv.errors import ConfigError
from allsurv.plots import (
    alt_text,
    plot_calibration,
    plot_findings,
    plot_hazard_ratios,
    plot_kaplan_meier,
    plot_performance,
    write_figure,
    write_figures,
)

LONG = "a label that goes on and on, for nobody had the heart to make it any shorter"
MODELS = {"kaplan_meier": "Kaplan-Meier", "cox": "Cox regression", "rsf": "Random survival forest"}
HORIZONS = (12.0, 24.0, 36.0)


@pytest.fixture
def curves() -> pd.DataFrame:
    """Two curves by hand: deaths at 5, 10, 20 of four; at 15 of three, one censored at 30."""
    rows = [
        ("before", 0, 4, 0, 0, 1.0, 1.0, 1.0),
        ("before", 5, 4, 1, 0, 0.75, 0.13, 0.96),
        ("before", 10, 3, 1, 0, 0.5, 0.06, 0.85),
        ("before", 20, 2, 1, 1, 0.25, 0.01, 0.67),
        ("after", 0, 3, 0, 0, 1.0, 1.0, 1.0),
        ("after", 15, 3, 1, 0, 0.667, 0.05, 0.95),
        ("after", 30, 2, 0, 2, 0.667, 0.05, 0.95),
    ]
    names = ["group", "time", "n_at_risk", "n_events", "n_censored", "survival", "lower", "upper"]
    table = pd.DataFrame(rows, columns=names)
    table["group_label"] = table["group"] + " the amendment"
    table.attrs.update(unit="months", source="Seven invented patients.")
    return table


@pytest.fixture
def hazard_ratios() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "analysis": "multivariable",
            "label": ["Blasts", "High-risk cytogenetics", "Regimen: after vs before", "Nobody"],
            "unit": ["per 1 %", "", "", ""],
            "hazard_ratio": [1.014, 2.765, 0.574, np.nan],
            "lower": [1.006, 1.606, 0.345, np.nan],
            "upper": [1.022, 4.761, 0.956, np.nan],
            "p_value": [0.001, 0.0002, 0.033, np.nan],
        }
    )


@pytest.fixture
def performance() -> pd.DataFrame:
    rows = [
        {"model": model, "model_label": label, "measure": measure, "label": measure, "horizon": h}
        for (model, label), (measure, horizons) in itertools.product(
            MODELS.items(), [("harrell_c", (np.nan,)), ("ipa", HORIZONS), ("brier", HORIZONS)]
        )
        for h in horizons
    ]
    table = pd.DataFrame(rows)
    table["estimate"] = 0.3 + 0.01 * np.arange(len(table))
    return table.assign(lower=table["estimate"] - 0.05, upper=table["estimate"] + 0.06)


@pytest.fixture
def calibration() -> pd.DataFrame:
    predicted = np.linspace(0.1, 0.9, 9)
    parts = [
        pd.DataFrame({"model": model, "horizon": horizon, "predicted": predicted})
        for model, horizon in itertools.product(["cox", "rsf"], HORIZONS)
    ]
    table = pd.concat(parts, ignore_index=True)
    observed = table["predicted"] ** 1.2
    return table.assign(observed=observed, lower=observed * 0.8, upper=observed * 1.1)


@pytest.fixture
def findings() -> pd.DataFrame:
    rows = [
        ("tp53", "TP53 mutation", "", "published", 2.354, 1.318, 4.202),
        ("tp53", "TP53 mutation", "", "Cox regression", 2.1, 1.2, 3.9),
        ("arm", "Regimen", "", "published", 0.574, 0.345, 0.956),
        ("arm", "Regimen", "", "Cox regression", 0.7, 0.4, 1.2),
    ]
    names = ["finding", "label", "unit", "source", "estimate", "lower", "upper"]
    return pd.DataFrame(rows, columns=names)


@pytest.fixture
def drawn(curves, hazard_ratios, performance, calibration, findings):
    return {
        "curves": plot_kaplan_meier(curves, p_value=0.16),
        "hazard_ratios": plot_hazard_ratios(hazard_ratios, caption="Invented."),
        "performance": plot_performance(performance, caption="Invented."),
        "calibration": plot_calibration(calibration, caption="Invented."),
        "findings": plot_findings(findings, caption="Invented."),
    }


def test_curves_are_the_table(curves):
    axes = plot_kaplan_meier(curves)
    for index, (_, part) in enumerate(curves.groupby("group", sort=False)):
        line = next(line for line in axes.lines if line.get_gid() == f"curve-{index}")
        assert line.get_xdata().tolist() == part["time"].tolist()
        assert line.get_ydata().tolist() == part["survival"].tolist()
        assert line.get_drawstyle() == "steps-post"
    assert len({line.get_linestyle() for line in axes.lines if line.get_gid()}) == 2


def test_numbers_at_risk_stand_under_their_times(curves):
    axes = plot_kaplan_meier(curves)
    below = axes.figure.axes[1]
    written = {
        (t.get_position()[0], round(t.get_position()[1], 1)): t.get_text() for t in below.texts
    }
    # At 12 months: of before, those whose time is 20; of after, those of 15 and 30.
    assert {k[0] for k in written} == set(axes.get_xticks())
    at_12 = [text for (time, _), text in sorted(written.items()) if time == 12]
    assert at_12 == ["2", "3"]
    at_24 = [text for (time, _), text in sorted(written.items()) if time == 24]
    assert at_24 == ["0", "2"]


def test_a_thinned_curve_shows_only_the_numbers_it_has(curves):
    thin = curves.drop(columns=["n_events", "n_censored"])
    thin["time"] = [0.0, 5, 12, 20, 0, 15, 30]
    thin["n_at_risk"] = pd.array([4, None, 3, None, 3, None, None], dtype="Int64")
    below = plot_kaplan_meier(thin).figure.axes[1]
    assert sorted(text.get_text() for text in below.texts) == ["3", "3", "4"]
    assert "blank" in below.get_title(loc="left")


def test_the_p_value_is_printed_as_journals_do(curves):
    legend = plot_kaplan_meier(curves, p_value=0.00001).get_legend()
    assert legend.get_title().get_text() == "Log-rank P<0.001"


def test_hazard_ratios_are_the_table(hazard_ratios):
    axes = plot_hazard_ratios(hazard_ratios)
    markers = [line for line in axes.lines if line.get_marker() == "s"]
    assert [line.get_xdata()[0] for line in markers] == [1.014, 2.765, 0.574]
    spans = [tuple(line.get_xdata()) for line in axes.lines if line.get_linewidth() == 1.3]
    assert spans == [(1.006, 1.022), (1.606, 4.761), (0.345, 0.956)]
    assert axes.get_xscale() == "log"
    texts = {text.get_text() for text in axes.texts}
    assert {"1.014 (1.006–1.022)", "0.57 (0.35–0.96)", "<0.001", "0.03"} <= texts


def test_an_endless_interval_ends_in_an_arrow(hazard_ratios):
    hazard_ratios.loc[1, "upper"] = 1e9
    axes = plot_hazard_ratios(hazard_ratios)
    assert [line.get_marker() for line in axes.lines].count(">") == 1


def test_several_analyses_get_headings(hazard_ratios):
    both = pd.concat([hazard_ratios, hazard_ratios.assign(analysis="other")])
    texts = [text.get_text() for text in plot_hazard_ratios(both).texts]
    assert {"multivariable", "other"} <= set(texts)


def test_measures_are_the_table(performance):
    first = plot_performance(performance)
    for axes, (_, part) in zip(
        first.figure.axes, performance.groupby("measure", sort=False), strict=True
    ):
        points = [line for line in axes.lines if line.get_marker() not in ("None", None, "")]
        assert sorted(line.get_xdata()[0] for line in points) == sorted(part["estimate"])


def test_calibration_curves_are_the_table(calibration):
    first = plot_calibration(calibration)
    assert len(first.figure.axes) == 6
    curve = first.lines[1]
    part = calibration[(calibration["model"] == "cox") & (calibration["horizon"] == 12)]
    assert curve.get_xdata().tolist() == part["predicted"].tolist()
    assert curve.get_ydata().tolist() == part["observed"].tolist()


def test_findings_stand_beside_their_published_effect(findings):
    axes = plot_findings(findings)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["", "Published", "Cox regression", "", "Published", "Cox regression"]


def test_a_comparison_of_findings_draws_as_it_is(findings):
    published = findings[findings["source"] == "published"].set_index("finding")
    wide = findings[findings["source"] != "published"].rename(columns={"source": "model"})
    for limit, name in (("", "estimate"), ("_lower", "lower"), ("_upper", "upper")):
        wide[f"published{limit}"] = wide["finding"].map(published[name])
    ours, theirs = plot_findings(wide), plot_findings(findings)
    assert [t.get_text() for t in ours.texts] == [t.get_text() for t in theirs.texts]


@pytest.mark.parametrize("width", [4.5, 7.2])
def test_no_label_overlaps_another_however_long(
    overlaps, curves, hazard_ratios, performance, calibration, findings, width
):
    curves["group_label"] += f" with {LONG}"
    hazard_ratios["label"] += f", {LONG}"
    findings["label"] += f", {LONG}"
    performance["model_label"] += f", {LONG}"
    said = {
        "title": f"Title: {LONG}, {LONG}",
        "caption": f"Caption: {LONG}, {LONG}",
        "width": width,
    }
    assert overlaps(plot_kaplan_meier(curves, p_value=0.16, **said)) == []
    if width > 5:
        assert overlaps(plot_hazard_ratios(hazard_ratios, **said)) == []
        assert overlaps(plot_findings(findings, **said)) == []
        assert overlaps(plot_performance(performance, unit="months", **said)) == []
        assert overlaps(plot_calibration(calibration, unit="months", **said)) == []


def test_ordinary_figures_have_no_overlap(overlaps, drawn):
    assert {name: overlaps(axes) for name, axes in drawn.items()} == {name: [] for name in drawn}


def test_every_figure_says_in_words_what_it_shows(drawn):
    assert "before the amendment: 4 patients at the start, 25% at 20 months." in alt_text(
        drawn["curves"]
    )
    assert "Regimen: after vs before 0.57 (0.35–0.96)" in alt_text(drawn["hazard_ratios"])
    assert "Kaplan-Meier" in alt_text(drawn["performance"])
    assert "largest gap" in alt_text(drawn["calibration"])
    assert "TP53 mutation: Published 2.35 (1.32–4.20)" in alt_text(drawn["findings"])


def test_the_caption_says_where_the_data_come_from(drawn, curves):
    assert drawn["findings"].figure.get_supxlabel() == "Invented."
    assert drawn["curves"].figure.get_supxlabel() == "Seven invented patients."


def test_files_are_the_same_every_time_and_carry_the_words(curves, tmp_path):
    first = write_figure(plot_kaplan_meier(curves), tmp_path / "a")
    second = write_figure(plot_kaplan_meier(curves), tmp_path / "b.png")
    assert [path.name for path in first] == ["a.png", "a.svg"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    svg = first[1].read_text(encoding="utf-8")
    root = ElementTree.fromstring(svg)
    spoken = root.find("{http://www.w3.org/2000/svg}desc")
    assert spoken is not None
    assert spoken.text == alt_text(plot_kaplan_meier(curves))
    assert root.get("role") == "img"
    assert b"Kaplan-Meier curves" in first[0].read_bytes()
    assert "date" not in svg


def test_a_result_is_drawn_whole(
    curves, hazard_ratios, performance, calibration, findings, tmp_path
):
    tables = {
        "curves": pd.concat(
            [curves.assign(comparison=name, label=name) for name in ("os_all", "os_arm")]
        ),
        "survival": pd.DataFrame({"comparison": ["os_all", "os_arm"], "p_value": [np.nan, 0.16]}),
        "cox": hazard_ratios,
        "performance": performance,
        "calibration": calibration,
        "findings": findings,
        "table_one": pd.DataFrame({"x": [1]}),
    }
    written = write_figures(tables, tmp_path / "figures", caption="Invented.", formats=("svg",))
    assert [path.name for path in written] == [
        "curves-os_all.svg",
        "curves-os_arm.svg",
        "cox.svg",
        "performance.svg",
        "calibration.svg",
        "findings.svg",
    ]


@pytest.mark.parametrize(
    "plot",
    [plot_kaplan_meier, plot_hazard_ratios, plot_performance, plot_calibration, plot_findings],
)
def test_another_table_is_refused(plot):
    with pytest.raises(ConfigError, match="has no column"):
        plot(pd.DataFrame({"x": [1]}))


def test_an_empty_table_and_several_comparisons_are_refused(curves):
    with pytest.raises(ConfigError, match="no rows"):
        plot_kaplan_meier(curves.iloc[:0])
    both = pd.concat([curves.assign(comparison="a"), curves.assign(comparison="b")])
    with pytest.raises(ConfigError, match="one at a time"):
        plot_kaplan_meier(both)


def test_pyplot_is_never_loaded():
    code = (
        "import sys, allsurv.plots.files; "
        "sys.exit('matplotlib.pyplot' in sys.modules or 'mlflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_one_curve_left_of_several_keeps_its_name(curves):
    """Groups too small to show are not in the table; what is left is not everybody."""

    def said(table):
        axes = plot_kaplan_meier(table)
        legend = axes.get_legend()
        rows = [label.get_text() for label in axes.figure.axes[1].get_yticklabels()]
        return [*rows, *(text.get_text() for text in (legend.get_texts() if legend else ()))]

    left = curves[curves["group"] == "before"].reset_index(drop=True)
    assert said(left) == ["before the amendment"] * 2  # beside the numbers at risk, and the legend
    assert said(left.assign(group="overall", group_label="All patients")) == ["All"]
