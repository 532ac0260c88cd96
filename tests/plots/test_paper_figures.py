"""Figures of a reproduced paper: the numbers of their tables, labels apart, the same every time."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from allsurv.errors import ConfigError
from allsurv.plots import (
    Drawers,
    alt_text,
    plot_hazard_ratios,
    plot_kaplan_meier,
    plot_residuals,
    plot_swimmer,
    write_figure,
    write_items,
)
from allsurv.plots.curve_numbers import curve_numbers
from allsurv.plots.items import plot_item
from allsurv.plots.paper import pen
from allsurv.plots.png import png_bytes

LONG = "a label that goes on and on, for nobody had the heart to make it any shorter"


@pytest.fixture
def curves() -> pd.DataFrame:
    """Two curves by hand: deaths at 5, 10, 20 of four; at 15 of three, others censored at 30."""
    rows = [
        ("a", 0, 4, 0, 0, 1.0, 1.0, 1.0),
        ("a", 5, 4, 1, 0, 0.75, 0.13, 0.96),
        ("a", 10, 3, 1, 0, 0.5, 0.06, 0.85),
        ("a", 20, 2, 1, 1, 0.25, 0.01, 0.67),
        ("b", 0, 3, 0, 0, 1.0, 1.0, 1.0),
        ("b", 15, 3, 1, 0, 0.667, 0.05, 0.95),
        ("b", 30, 2, 0, 2, 0.667, 0.05, 0.95),
    ]
    names = ["group", "time", "n_at_risk", "n_events", "n_censored", "survival", "lower", "upper"]
    table = pd.DataFrame(rows, columns=names).assign(landmark=2.0)
    table["group_label"] = table["group"].map({"a": "Original", "b": "Modified"})
    return table


@pytest.fixture
def counts() -> pd.DataFrame:
    """At risk just before, censored and events so far, counted by hand from the curves above."""
    rows = [
        ("a", 0, 4, 0, 0),
        ("a", 12, 2, 0, 2),
        ("a", 24, 0, 1, 3),
        ("b", 0, 3, 0, 0),
        ("b", 12, 3, 0, 0),
        ("b", 24, 2, 0, 1),
    ]
    return pd.DataFrame(rows, columns=["group", "time", "n_at_risk", "n_censored", "n_events"])


@pytest.fixture
def summary() -> pd.DataFrame:
    rows = [
        ("a", "Original", 4, 3, 10.0, 5.0, np.nan, 12.0, 2, 0.5, 0.06, 0.85),
        ("a", "Original", 4, 3, 10.0, 5.0, np.nan, 36.0, 0, np.nan, np.nan, np.nan),
        ("b", "Modified", 3, 1, np.nan, 15.0, np.nan, 12.0, 3, 1.0, 1.0, 1.0),
        ("b", "Modified", 3, 1, np.nan, 15.0, np.nan, 36.0, 0, 0.0071, 0.0004, 0.5),
    ]
    names = ["group", "group_label", "n", "n_events", "median", "median_lower", "median_upper"]
    names += ["horizon", "n_at_risk", "survival", "lower", "upper"]
    return pd.DataFrame(rows, columns=names).assign(p_value=0.16)


@pytest.fixture
def courses() -> tuple[pd.DataFrame, pd.DataFrame]:
    table = pd.DataFrame(
        {
            "patient": [1, 2, 3],
            "group": ["a", "a", "b"],
            "time": [30.0, 4.0, 12.0],
            "event": [False, True, True],
        }
    )
    marks = pd.DataFrame(
        {"patient": [1, 3, 1], "time": [1.0, 2.0, 6.0], "mark": ["Response"] * 2 + ["Transplant"]}
    )
    return table, marks


@pytest.fixture
def residuals() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    time = np.array([1.0, 2.0, 5.0, 9.0])
    parts = [
        pd.DataFrame({"term": term, "label": label, "time": time, "residual": shift + time / 10})
        for term, label, shift in (("age", "Age", -0.2), ("sct", "Transplant", 0.4))
    ]
    table = pd.concat(parts, ignore_index=True)
    smooth = table.assign(
        estimate=table["residual"], lower=table["residual"] - 1, upper=table["residual"] + 1
    )
    tests = pd.DataFrame({"term": ["age", "sct", "GLOBAL"], "p_value": [0.04, 0.0004, 0.3]})
    return table, smooth, tests


def test_counts_stand_under_their_times(curves, counts):
    axes = plot_kaplan_meier(curves, counts=counts)
    below = axes.figure.axes[1]
    assert axes.get_xticks().tolist() == [0, 12, 24]
    labels = [label.get_text() for label in below.get_yticklabels()]
    assert labels == ["At risk", "Censored", "Events"] * 2
    printed = {text.get_position(): text.get_text() for text in below.texts}
    places = below.get_yticks()
    for place, (column, group) in zip(
        places, [(c, g) for g in "ab" for c in ("n_at_risk", "n_censored", "n_events")], strict=True
    ):
        rows = counts[counts["group"] == group]
        for time, n in zip(rows["time"], rows[column], strict=True):
            assert printed[(time, place)] == str(n)


def test_many_times_of_counts_are_thinned_to_what_fits(curves, counts):
    many = pd.concat([counts.assign(time=counts["time"] + shift) for shift in range(12)])
    axes = plot_kaplan_meier(curves, counts=many)
    assert len(axes.get_xticks()) <= 12


def test_median_and_survival_stand_beside_each_curve(curves, summary):
    assert curve_numbers(summary, ["a", "b"], "months") == (
        "median 10 months (95% CI 5–NR), 1-year 50% (6–85)",
        "median not reached (95% CI 15–NR), 3-year 0.7% (0–50)",
    )
    axes = plot_kaplan_meier(curves, summary=summary, unit="months", p_value=0.16)
    texts = [text.get_text().replace("\n", " ") for text in axes.get_legend().get_texts()]
    assert texts[0] == "Original median 10 months (95% CI 5–NR), 1-year 50% (6–85)"
    assert "median 10 months" in alt_text(axes)


def test_a_hidden_median_is_not_called_not_reached(summary):
    hidden = summary.assign(suppressed=True)
    columns = ["median", "median_lower", "median_upper", "survival", "lower", "upper"]
    hidden.loc[hidden["group"] == "b", columns] = np.nan
    assert curve_numbers(hidden, ["a", "b"], "months")[1] == ""


def test_one_curve_shows_its_numbers_without_a_name(curves, summary):
    one = curves[curves["group"] == "a"].assign(group_label="All patients")
    axes = plot_kaplan_meier(one, summary=summary, unit="months")
    (text,) = axes.get_legend().get_texts()
    assert text.get_text().startswith("median 10 months")


def test_the_landmark_is_marked(curves):
    axes = plot_kaplan_meier(curves)
    lines = [line for line in axes.lines if list(line.get_xdata()) == [2.0, 2.0]]
    assert len(lines) == 1


def test_no_two_of_56_series_are_drawn_alike():
    assert len({(pen(i).color, pen(i).dashes) for i in range(56)}) == 56


def test_neighbouring_series_differ_in_grey():
    assert len({pen(i).dashes for i in range(8)}) == 8


def test_a_swimmer_has_a_bar_a_patient_and_its_marks(courses):
    table, marks = courses
    axes = plot_swimmer(table, marks, unit="months")
    assert [bar.get_width() for bar in axes.patches] == [30.0, 4.0, 12.0]
    drawn = {line.get_gid(): line for line in axes.lines if line.get_gid()}
    assert drawn["mark-0"].get_xdata().tolist() == [1.0, 2.0]
    assert list(drawn["mark-0"].get_ydata()) == [0, 2]
    assert list(drawn["mark-1"].get_ydata()) == [0]
    assert "3 patients, 2 died, 2 with Response, 1 with Transplant" in alt_text(axes)


def test_residuals_are_the_table_with_each_test(residuals):
    table, smooth, tests = residuals
    first = plot_residuals(table, smooth=smooth, tests=tests, unit="months")
    panels = first.figure.axes
    assert [p.get_title(loc="left") for p in panels] == ["Age\nP=0.04", "Transplant\nP<0.001"]
    for panel, (_, part) in zip(panels, table.groupby("term", sort=False), strict=True):
        points = next(line for line in panel.lines if line.get_marker() == "o")
        assert points.get_ydata().tolist() == part["residual"].tolist()
        assert panel.get_ylim()[0] < 0 < panel.get_ylim()[1]
    assert "all terms together P 0.30" in alt_text(first)


@pytest.mark.parametrize("plot", [plot_swimmer, plot_residuals])
def test_another_table_is_refused(plot):
    with pytest.raises(ConfigError, match="has no column"):
        plot(pd.DataFrame({"x": [1]}))


def _eight(curves, counts, summary):
    """Eight curves with very long names."""
    many = []
    for table in (curves, counts, summary):
        one = table[table["group"] == "a"]
        names = {f"g{i}": f"Group {i}: {LONG}, {LONG}" for i in range(8)}
        parts = [one.assign(group=g, group_label=label) for g, label in names.items()]
        many.append(pd.concat(parts, ignore_index=True))
    return many


@pytest.mark.parametrize("width", [4.5, 6.4])
def test_eight_curves_with_very_long_names_keep_apart(overlaps, curves, counts, summary, width):
    table, under, said = _eight(curves, counts, summary)
    axes = plot_kaplan_meier(
        table,
        counts=under,
        summary=said,
        p_value=0.0001,
        unit="months",
        title=f"{LONG}, {LONG}",
        caption=LONG,
        width=width,
    )
    assert overlaps(axes) == []


def test_courses_and_residuals_with_very_long_names_keep_apart(overlaps, courses, residuals):
    table, marks = courses
    groups = pd.concat([table.assign(group=f"{i} {LONG}", patient=i) for i in range(8)])
    marks = pd.concat([marks.assign(mark=f"{i} {LONG}") for i in range(6)])
    swimmer = plot_swimmer(groups, marks.assign(patient=1), title=LONG, caption=LONG, unit="months")
    assert overlaps(swimmer) == []
    points, _, _ = residuals
    many = pd.concat([points.assign(term=i, label=f"{i}: {LONG}") for i in range(7)])
    tests = pd.DataFrame({"term": range(7), "p_value": 0.5})
    drawn = plot_residuals(many, tests=tests, title=LONG, caption=LONG, unit="months")
    assert overlaps(drawn) == []


def test_forty_hazard_ratios_keep_apart(overlaps):
    table = pd.DataFrame(
        {
            "label": [f"{LONG} {i}" for i in range(40)],
            "hazard_ratio": np.geomspace(0.2, 9, 40),
            "lower": np.geomspace(0.1, 4, 40),
            "upper": np.geomspace(0.4, 200, 40),
            "p_value": 0.5,
        }
    )
    assert overlaps(plot_hazard_ratios(table, title=LONG, caption=LONG)) == []


def test_every_figure_is_written_with_its_numbers(reproduction, tmp_path):
    written = write_items(reproduction, reproduction.study, tmp_path, caption="Invented.", dpi=300)
    names = {path.name for path in written}
    assert names == {path.name for path in tmp_path.iterdir()}
    for item in [item for item in reproduction if item.is_figure]:
        assert {f"{item.key}.png", f"{item.key}.svg", f"{item.key}.csv"} <= names
        assert {f"{item.key}-{name}.csv" for name in item.extra} <= names
        table = pd.read_csv(tmp_path / f"{item.key}.csv")
        assert len(table) == len(item.table)
        with Image.open(tmp_path / f"{item.key}.png") as picture:
            assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
            assert picture.mode == "RGB"
            assert item.title in picture.info["Description"]


def test_every_figure_names_whose_reading_it_is(reproduction):
    for item in [item for item in reproduction if item.is_figure]:
        axes = plot_item(item, reproduction.study, caption="Invented.")
        title = axes.figure.get_suptitle().replace("\n", " ")
        assert title == (f"{item.title} ({item.label})" if item.label else item.title)
        assert axes.figure.get_supxlabel() == "Invented."


def test_ordinary_figures_of_a_paper_have_no_overlap(overlaps, reproduction):
    drawn = {i.key: plot_item(i, reproduction.study) for i in reproduction if i.is_figure}
    assert {key: overlaps(axes) for key, axes in drawn.items()} == {key: [] for key in drawn}


def test_the_same_figure_gives_the_same_bytes(curves, counts, summary, tmp_path):
    pairs = [
        write_figure(plot_kaplan_meier(curves, counts=counts, summary=summary), tmp_path / name)
        for name in "ab"
    ]
    for one, other in itertools.zip_longest(*pairs):
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("channels", [3, 4])
def test_a_png_holds_the_very_pixels_and_its_words(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, channels)).astype(np.uint8)
    raw = png_bytes(pixels, dpi=300, words={"Description": "≥50 <b>"})
    with Image.open(io.BytesIO(raw)) as picture:
        assert np.array_equal(np.asarray(picture), pixels[:, :, :3])
        assert picture.info["Description"] == "≥50 <b>"
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_other_processes_draw_the_same_bytes_and_tell_their_errors(reproduction, tmp_path):
    item = reproduction["residuals"]
    with Drawers(reproduction.study, caption="Invented.", n_jobs=1) as drawers:
        drawers.draw(item, tmp_path / "there")
        drawers.draw(reproduction["table-1"], tmp_path / "there")
        files = drawers.finish()
        drawers.draw(replace(item, table=pd.DataFrame({"x": [1]})), tmp_path)
        with pytest.raises(ConfigError, match="has no column"):
            drawers.finish()
    assert {file.name for file in files} == {"residuals.png", "residuals.svg", "residuals.csv"}
    here = write_items([item], reproduction.study, tmp_path / "here", caption="Invented.")
    for one, other in zip(files, here, strict=True):
        assert one.read_bytes() == other.read_bytes()
