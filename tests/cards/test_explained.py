"""Optimism, importance and direction on the card: where the run has them, else said so."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from allsurv.cards import make_card
from allsurv.cards.quotes import plain_text


def parts(result):
    sections = {part["id"]: part for part in make_card(result)["sections"]}
    items = {i["key"]: plain_text(i["parts"]) for s in sections.values() for i in s["items"]}
    tables = {plain_text(t["caption"]): t for s in sections.values() for t in s["tables"]}
    return items, {
        name: [[*map(plain_text, row)] for row in t["rows"]] for name, t in tables.items()
    }


def test_what_the_run_has_not_done_reads_so(small_result):
    items, tables = parts(small_result)
    assert items["optimism"] == "Not evaluated"  # no bootstrap validation was asked for
    assert items["directions"] == "Not evaluated"  # without a Cox model there is no sign
    assert not any(name.startswith(("Bootstrap validation", "Direction")) for name in tables)


def test_optimism_and_directions_are_quoted(small_result):
    chosen = small_result.chosen
    optimism = pd.DataFrame([{
        "model": chosen, "model_label": "Model", "measure": "harrell_c", "label": "Harrell's C",
        "horizon": None, "apparent": 0.72, "optimism": 0.07, "estimate": 0.65, "lower": 0.58,
        "upper": 0.71, "estimate_632plus": None, "n_resamples": 40,
    }])  # fmt: skip
    directions = pd.DataFrame({
        "model": [chosen] * 3, "label": ["Age", "Sex", "Regimen"], "term": ["age", "sex", "arm"],
        "cox": ["higher", "lower", "lower"], "direction": ["higher", "higher", "none"],
        "agrees": pd.array([True, False, pd.NA], dtype="boolean"),
    })  # fmt: skip
    made = {"optimism": optimism, "directions": directions}
    items, tables = parts(replace(small_result, tables={**small_result.tables, **made}))
    assert items["optimism"] == "40"
    assert items["directions"] == "1 of 2"
    (row,) = tables["Bootstrap validation: the whole pipeline refitted in each sample"]
    assert row == [
        "Model", "Harrell's C", "", "0.720", "0.070", "0.650 (0.580 to 0.710)", "not estimable",
    ]  # fmt: skip
    ways = tables["Direction of each predictor, larger against smaller, beside Cox regression"]
    assert [way[-1] for way in ways] == ["agrees", "differs", "cannot say"]


def test_importance_has_limits_over_refits_from_the_main_job(small_result):
    table = small_result.tables["importance"]
    assert table["lower"].notna().all()
    assert (table["lower"] <= table["upper"]).all()
    refits = small_result.tables["findings_importance"].query("measure == 'shap'")
    first = table.merge(refits, on=["model", "variable"])
    assert (first["lower_x"] == first["lower_y"]).all()
    assert abs(first["share"] - first["estimate"]).max() < 1e-12
    _, tables = parts(small_result)
    assert len(tables["Importance of each predictor"][0]) == 5


def test_without_findings_models_are_refitted_for_the_limits(small_config):
    from allsurv.cohort import load_cohort
    from allsurv.experiment.explained import explanation_tables
    from allsurv.models import make_model

    cohort = load_cohort("rr-all").eligible("os")
    model = make_model("cox", cohort.study, predictors=["age", "pb_blasts"])
    model.fit(cohort.X, cohort.y("os"))
    config = small_config.complete(cohort.study)
    table = explanation_tables({"cox": model}, cohort, config, None, lambda *_: None)["importance"]
    assert table["n_bootstrap"].eq(10).all()
    assert (table["lower"] < table["upper"]).all()
