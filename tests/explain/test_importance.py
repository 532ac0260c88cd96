"""Variables ranked with limits, followed over time, and held against the signs of Cox."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.errors import ConfigError, ModelError
from allsurv.explain import directions, effects_over_time, importance, shap_values
from allsurv.models import make_model
from allsurv.models.coarse import coarse_model
from allsurv.models.export import export_model
from allsurv.plots import plot_effects_over_time, plot_importance, plot_waterfall
from allsurv.validation import importance_limits

TIMES = [3.0, 12.0, 24.0]


@pytest.fixture(scope="module")
def cohort(toy_cohort):
    return toy_cohort(110, 5)


@pytest.fixture(scope="module")
def models(cohort):
    few = {"rsf": {"n_estimators": 20}, "gbs": {"n_estimators": 20}}
    return {
        family: make_model(family, cohort.study, random_state=0, **few.get(family, {})).fit(
            cohort.X, cohort.y("os")
        )
        for family in ("cox", "rsf", "gbs")
    }


@pytest.fixture(scope="module")
def exported(models, cohort):
    return {n: export_model(m, cohort, endpoint="os") for n, m in models.items()}


@pytest.mark.parametrize("family", ["rsf", "gbs"])
def test_an_exported_model_is_explained_as_its_coarse_form(family, models, exported, cohort):
    shown = coarse_model(models[family], cohort, "os")
    for times in (None, TIMES):
        fitted = shap_values(shown, cohort, times)
        saved = shap_values(exported[family], cohort, times)
        np.testing.assert_allclose(saved.values, fitted.values, atol=1e-12)
        np.testing.assert_allclose(saved.base_values, fitted.base_values, atol=1e-12)


def test_an_exported_cox_model_is_explained_from_a_typical_patient(models, exported, cohort):
    """Values differ from the fitted model's by a constant per variable; sums are the same."""
    fitted, saved = shap_values(models["cox"], cohort), shap_values(exported["cox"], cohort)
    shift = saved.values - fitted.values
    np.testing.assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), atol=1e-12)
    total = saved.values.sum(axis=1) + saved.base_values
    np.testing.assert_allclose(total, models["cox"].predict(cohort.X), atol=1e-10)
    typical = exported["cox"].reach.typical
    design = models["cox"].encoder_.design(cohort.X)
    assert np.abs(typical - design.mean(axis=0)).max() <= 5.5 / 110 + 1e-12
    shares = typical[typical != 0] * 110 / 11
    np.testing.assert_allclose(shares, np.round(shares), atol=1e-9)


def test_limits_are_those_of_refits(models, cohort):
    table = importance_limits(models["cox"], cohort, n_bootstrap=12, random_state=1)
    assert (table["lower"] <= table["upper"]).all()
    assert table["lower"].between(0, 1).all()
    again = importance_limits(models["cox"], cohort, n_bootstrap=12, random_state=1)
    pd.testing.assert_frame_equal(table, again)
    side_by_side = importance_limits(
        models["cox"], cohort, n_bootstrap=12, random_state=1, n_jobs=2
    )
    pd.testing.assert_frame_equal(table, side_by_side)
    assert "lower" not in importance(models["cox"], cohort)
    with pytest.raises(ModelError, match="10 or more"):
        importance_limits(models["cox"], cohort, n_bootstrap=3)


def test_effects_over_time_are_means_of_groups(models, cohort):
    table = effects_over_time(models["rsf"], cohort, TIMES)
    values = shap_values(models["rsf"], cohort, TIMES).values
    age = table[table["variable"] == "age"].reset_index(drop=True)
    np.testing.assert_allclose(age["mean_abs_shap"], np.abs(values[:, 0]).mean(axis=0))
    lowest = np.sort(values[:, 0], axis=0)[:11].mean(axis=0)
    np.testing.assert_allclose(age["adverse"], lowest)
    assert (table["adverse"] <= table["favourable"]).all()
    with pytest.raises(ModelError, match="10 patients"):
        effects_over_time(models["rsf"], cohort.take(np.arange(10)), TIMES)


def test_directions_are_those_of_cox(models, cohort):
    table = directions(models, cohort)
    cox = table[table["model"] == "cox"]
    names = [term.name for term in models["cox"].encoder_.terms_]
    signs = dict(zip(names, models["cox"].mechanism_.coef > 0, strict=True))
    assert (cox["cox"] == cox["term"].map(signs).map({True: "higher", False: "lower"})).all()
    assert cox["agrees"].all()
    strong = table[table["variable"].isin(["age", "blasts"])]
    assert strong["agrees"].all()
    assert (strong["direction"] == "higher").all()


def test_a_model_against_the_grain_is_found(models, cohort):
    from dataclasses import replace

    turned = make_model("coxnet", cohort.study, random_state=0, folds=3)
    turned.fit(cohort.X, cohort.y("os"))
    turned.mechanism_ = replace(models["cox"].mechanism_, coef=-models["cox"].mechanism_.coef)
    table = directions({"cox": models["cox"], "turned": turned}, cohort)
    assert not table.loc[table["model"] == "turned", "agrees"].any()
    assert directions({"turned": turned}, cohort).empty


def test_figures_show_the_tables(models, cohort):
    table = importance_limits(models["cox"], cohort, n_bootstrap=12)
    axes = plot_importance(table)
    widths = sorted(bar.get_width() for bar in axes.patches)
    np.testing.assert_allclose(widths, sorted(table["share"]))
    both = pd.concat([table.assign(model="a"), table.assign(model="b")])
    assert len(plot_importance(both).get_figure().axes) == 2
    effects = effects_over_time(models["rsf"], cohort, TIMES)
    axes = plot_effects_over_time(effects, unit="months")
    most = effects.groupby("label")["mean_abs_shap"].mean().idxmax()
    part = effects[effects["label"] == most]
    np.testing.assert_allclose(axes.get_lines()[1].get_ydata(), part["adverse"])


def test_a_waterfall_is_of_one_patient_and_says_so(models, cohort):
    explained = shap_values(models["rsf"], cohort, TIMES)
    axes = plot_waterfall(explained[3, :, 1])
    assert sum(bar.get_width() for bar in axes.patches) == pytest.approx(
        explained.values[3, :, 1].sum()
    )
    figure = axes.get_figure()
    assert any("not to be shared" in text.get_text() for text in figure.findobj(match=_is_text))
    with pytest.raises(ConfigError, match="one patient and one output"):
        plot_waterfall(explained)


def _is_text(artist):
    return hasattr(artist, "get_text")


def test_importance_of_a_sample_is_that_of_its_patients_with_its_error(models, cohort):
    """Shares by hand: the error of a ratio of means, from the same patients' absolute values."""
    table = importance(models["rsf"], cohort, n_patients=40, random_state=3)
    drawn = np.sort(np.random.default_rng(3).choice(110, 40, replace=False))
    moved = np.abs(shap_values(models["rsf"], cohort).values[drawn])
    names = list(models["rsf"].feature_names_in_)
    share = moved.mean(axis=0) / moved.sum(axis=1).mean()
    for row in table.itertuples():
        j = names.index(row.variable)
        left = moved[:, j] - share[j] * moved.sum(axis=1)
        error = np.sqrt(left.var(ddof=1) / 40 * (1 - 40 / 110)) / moved.sum(axis=1).mean()
        assert row.share == pytest.approx(share[j], rel=1e-10)
        assert row.share_error == pytest.approx(error, rel=1e-10)
    assert (table["n_explained"] == 40).all()


def test_the_error_of_a_sample_is_that_of_repeated_samples(models, cohort):
    """Over 200 samples, shares spread as each sample says they do."""
    draws = [
        importance(models["gbs"], cohort, n_patients=40, random_state=seed).set_index("variable")
        for seed in range(200)
    ]
    exact = importance(models["gbs"], cohort).set_index("variable")
    for name in exact.index:
        shares = np.array([table.loc[name, "share"] for table in draws])
        said = np.array([table.loc[name, "share_error"] for table in draws])
        assert shares.std(ddof=1) == pytest.approx(np.sqrt((said**2).mean()), rel=0.2)
        assert shares.mean() == pytest.approx(exact.loc[name, "share"], abs=3 * said.mean() / 14)
    assert (exact["share_error"] == 0).all()
    assert (exact["n_explained"] == 110).all()


def test_a_linear_model_is_explained_for_everybody(models, cohort):
    pd.testing.assert_frame_equal(
        importance(models["cox"], cohort, n_patients=20), importance(models["cox"], cohort)
    )


def test_nobody_to_explain_is_refused(models, cohort):
    with pytest.raises(ModelError, match="0 patients to be explained; give 1 or more"):
        importance(models["rsf"], cohort, n_patients=0)


def test_limits_and_directions_take_a_sample(models, cohort):
    table = importance_limits(models["gbs"], cohort, n_bootstrap=10, n_patients=30, random_state=1)
    assert (table["n_explained"] == 30).all()
    assert (table["lower"] <= table["upper"]).all()
    whole = directions(models, cohort).set_index(["model", "term"])["direction"]
    sampled = directions(models, cohort, n_patients=60).set_index(["model", "term"])["direction"]
    assert (sampled == whole[sampled.index]).mean() > 0.8
