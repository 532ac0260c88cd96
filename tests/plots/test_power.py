"""The figure of operating characteristics: every number where the table says."""

from __future__ import annotations

import pandas as pd
import pytest

from allsurv.errors import ConfigError
from allsurv.plots import alt_text, plot_power

ROWS = [
    ("cox", "published model", "Blasts", "effect", 1.014, 0.94, 1.07),
    ("cox", "published model", "Transplantation", "no effect", 1.0, 0.05, float("nan")),
    ("cox", "screening, one by one", "Blasts", "effect", 1.014, 0.83, 0.89),
    ("rsf", "standardised effect", "Blasts", "effect", 1.014, 0.6, 0.44),
]
COLUMNS = ["family", "protocol", "label", "truth", "true_hazard_ratio", "found", "type_m"]


def small(*sizes):
    parts = [pd.DataFrame(ROWS, columns=COLUMNS).assign(n=n) for n in sizes]
    table = pd.concat(parts, ignore_index=True)
    table.attrs["source"] = "Simulated; not patients."
    return table


def marks(axes):
    return sorted(
        round(float(line.get_xdata()[0])) for line in axes.lines if line.get_marker() in "osDv^"
    )


def test_each_protocol_has_its_mark_of_100_studies():
    axes = plot_power(small(110), title="Power")
    assert marks(axes) == [5, 60, 83, 94]
    words = [text.get_text() for text in axes.texts]
    # Per cent point 1.014; where found 1.014 ** 1.07 = 1.015.
    assert {
        "1.014",
        "1.015",
        "Real effects: found",
        "No effect of their own: found all the same",
    } <= set(words)
    assert "of 100 studies" in axes.get_xlabel()
    key = [text.get_text() for text in axes.get_figure().legends[0].get_texts()]
    assert key == [
        "paper's model", "screening, one by one", "survival forest", "chance alone: 5 of 100",
    ]  # fmt: skip
    assert "Blasts, paper's model: 94" in alt_text(axes)
    assert "not patients" in axes.get_figure().get_supxlabel()


def test_each_size_has_a_panel():
    axes = plot_power(small(500, 110))
    panels = axes.get_figure().axes
    assert ["110" in panels[0].get_xlabel(), "500" in panels[1].get_xlabel()] == [True, True]
    assert marks(panels[1]) == [5, 60, 83, 94]


def test_other_tables_are_refused():
    with pytest.raises(ConfigError, match="found"):
        plot_power(small(110).drop(columns="found"))
