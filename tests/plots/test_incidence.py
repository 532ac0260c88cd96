"""Curves of events that compete, and stacked shares: what is drawn is what the tables hold."""

from __future__ import annotations

import numpy as np
import pytest

import allsurv as als
from allsurv.describe import (
    comparison_incidence,
    comparison_incidence_table,
    competing_numbers_at_risk,
)
from allsurv.errors import ConfigError, OutcomeError
from allsurv.plots import alt_text, plot_cumulative_incidence, plot_stacked_incidence

TICKS = [0.0, 12.0, 24.0, 36.0]


@pytest.fixture(scope="module")
def cohort():
    return als.load_cohort("rr-all")


@pytest.fixture(scope="module")
def curves(cohort):
    return als.cumulative_incidence(cohort, "failure")


@pytest.fixture(scope="module")
def compared(cohort):
    return comparison_incidence(cohort, cohort.study.comparisons["failure_arm"])


def lines(axes):
    return {line.get_gid(): line for line in axes.lines if line.get_gid()}


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_one_panel_holds_every_cause(curves):
    axes = plot_cumulative_incidence(curves)
    assert len(axes.figure.axes) == 2
    for index, cause in enumerate(("relapse", "nrm")):
        drawn = lines(axes)[f"curve-0-{index}"]
        part = curves[curves["cause"] == cause]
        np.testing.assert_array_equal(drawn.get_ydata(), part["incidence"])
        np.testing.assert_array_equal(drawn.get_xdata(), part["time"])
    assert [t.get_text() for t in axes.get_legend().get_texts()] == [
        "Relapse",
        "Death in remission",
    ]


def test_a_panel_for_each_cause_holds_every_group(compared):
    axes = plot_cumulative_incidence(compared, p_values={"relapse": 0.86, "nrm": 0.0004})
    first, second, *_ = axes.figure.axes
    assert first.get_legend().get_title().get_text() == "Relapse\nGray's P=0.86"
    assert second.get_legend().get_title().get_text() == "Death in remission\nGray's P<0.001"
    drawn = lines(second)["curve-1-1"]
    part = compared[(compared["cause"] == "nrm") & (compared["group"] == "after")]
    np.testing.assert_array_equal(drawn.get_ydata(), part["incidence"])
    assert first.get_ylim() == second.get_ylim()


def test_counts_of_every_cause_are_printed_and_add_up(cohort, curves):
    counts = competing_numbers_at_risk(curves, TICKS)
    assert (
        counts[["n_at_risk", "n_censored", "n_relapse", "n_nrm"]].sum(axis=1).tolist() == [91] * 4
    )
    outcome = cohort.eligible("failure").competing("failure")
    assert counts["n_relapse"].tolist() == [
        int(np.sum((outcome.cause == 1) & (outcome.time < t))) for t in TICKS
    ]
    axes = plot_cumulative_incidence(curves, counts=counts)
    below = axes.figure.axes[1]
    names = [t.get_text() for t in below.get_yticklabels()]
    assert names == ["At risk", "Relapse", "Death in remission", "Censored"]
    printed = counts[["n_at_risk", "n_relapse", "n_nrm", "n_censored"]].T.to_numpy().ravel()
    assert texts(below) == [str(number) for number in printed]


def test_the_incidence_at_the_last_horizon_is_beside_the_name(cohort, compared):
    summary = comparison_incidence_table(cohort, cohort.study.comparisons["failure_arm"])
    axes = plot_cumulative_incidence(compared, summary=summary, unit="months")
    first = axes.get_legend().get_texts()[0].get_text()
    assert first == "Original regimen\n3-year 52% (95% CI 37–64)"


def test_bands_are_the_incidences_on_top_of_one_another(curves):
    axes = plot_stacked_incidence(curves)
    bands = {c.get_gid(): c for c in axes.collections if c.get_gid()}
    relapse, nrm = (
        curves.loc[curves["cause"] == c, "incidence"].to_numpy() for c in ("relapse", "nrm")
    )
    heights = bands["band-1"].get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx((relapse + nrm).max())
    assert bands["band-0"].get_paths()[0].vertices[:, 1].max() == pytest.approx(relapse.max())
    assert axes.get_ylim() == (0, 1)
    names = [t.get_text() for t in axes.get_legend().get_texts()]
    assert names == ["Free of these events", "Death in remission", "Relapse"]


def test_groups_are_panels_of_shares(compared):
    axes = plot_stacked_incidence(compared)
    assert "Original regimen" in texts(axes)
    alternative = alt_text(axes)
    assert "Modified regimen, at" in alternative
    # 56.1% relapsed and 7.7% died in remission: 36.2% are free.
    assert "relapse 56%" in alternative


def test_alternative_text_has_the_numbers(curves):
    alternative = alt_text(
        plot_cumulative_incidence(curves, p_values={"relapse": 0.02}, unit="months")
    )
    assert "Relapse: 56% at" in alternative
    assert "Gray's P of Relapse 0.02." in alternative


def test_what_cannot_be_drawn_is_refused(cohort, curves, compared):
    with pytest.raises(ConfigError, match="no column 'cause', 'incidence'"):
        plot_cumulative_incidence(als.kaplan_meier(cohort, "os"))
    with pytest.raises(ConfigError, match="several comparisons; draw one at a time"):
        plot_stacked_incidence(
            compared.assign(comparison=np.where(compared["group"] == "after", "a", "b"))
        )
    with pytest.raises(OutcomeError, match="times are not rising numbers"):
        competing_numbers_at_risk(curves, [12, 6])
    with pytest.raises(OutcomeError, match="at every time of follow-up"):
        competing_numbers_at_risk(curves.drop(columns="n_censored"), [6])
